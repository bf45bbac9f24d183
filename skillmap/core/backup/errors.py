"""What stops a backup or its restoring."""


class BackupError(Exception):
    """A backup could not be made, or could not be restored beyond doubt; the text is for whoever runs the command."""
