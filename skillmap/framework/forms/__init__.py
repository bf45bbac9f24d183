"""Shapes of what the secretariat enters about the framework."""
