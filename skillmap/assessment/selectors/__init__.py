"""Reads of the yearly check."""
