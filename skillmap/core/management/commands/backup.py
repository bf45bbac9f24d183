"""Write a backup."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from skillmap.core.backup.errors import BackupError
from skillmap.core.backup.making import make


class Command(BaseCommand):
    """The database at one moment, the uploads, a manifest with checksums; people may go on working."""

    help = "Back up the database and the uploads into a new folder. Keep SECRET_KEY and TOKEN_PEPPER elsewhere."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Where to."""
        parser.add_argument("folder", type=Path, help="a folder that is not there yet")

    def handle(self, *, folder: Path, **options: Any) -> None:
        """Say what was written; CommandError where the backup is not whole."""
        try:
            make(folder.absolute(), say=self.stdout.write)
        except BackupError as error:
            raise CommandError(str(error)) from error
