"""The yearly cycle: self-check, 1on1, confirmation, and the confirmed profile."""
