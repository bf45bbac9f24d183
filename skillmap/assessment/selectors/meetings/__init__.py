"""The 1on1s of a check as their two sides see them, without any level."""
