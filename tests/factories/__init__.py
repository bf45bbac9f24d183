"""Builders of test data: sequences and fixed dates, so that a failure repeats."""
