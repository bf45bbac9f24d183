"""Skill items, levels, job types and their requirements, in published versions."""
