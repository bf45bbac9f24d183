"""What the top floor shows: one selector per subject, over the apps below."""
