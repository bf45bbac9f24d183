"""Cycles of the demo world: past ones closed and confirmed, the running one with people in every state; in bulk."""
