"""Pages of the yearly check."""
