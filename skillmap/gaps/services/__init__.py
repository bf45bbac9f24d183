"""Writes of supply and demand."""
