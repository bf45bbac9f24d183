"""Tests of the yearly check."""
