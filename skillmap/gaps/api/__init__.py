"""Supply and demand over REST."""
