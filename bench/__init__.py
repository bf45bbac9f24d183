"""Measures pages, services and exports beside a floor in the same run: `make bench`. Never part of the tests."""
