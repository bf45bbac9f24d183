"""Reads of supply and demand."""
