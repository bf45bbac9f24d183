"""The yearly check over REST."""
