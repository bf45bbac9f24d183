"""Bring a backup back."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from skillmap.core.backup.after import Wishes
from skillmap.core.backup.errors import BackupError
from skillmap.core.backup.restoring import restore


class Command(BaseCommand):
    """Check, restore, compare; whatever is in doubt is undone."""

    help = "Restore a backup into an empty database, prove that it is the same, end all sessions and API tokens."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """What is allowed beyond filling an empty database."""
        parser.add_argument("folder", type=Path, help="what `backup` wrote")
        parser.add_argument("--overwrite", action="store_true", help="replace a database that is not empty")
        parser.add_argument(
            "--migrate", action="store_true", help="bring a backup of an earlier version up to this one"
        )
        parser.add_argument(
            "--keys-lost", action="store_true", help="restore though TOKEN_PEPPER is another one; second factors go"
        )

    def handle(self, *, folder: Path, overwrite: bool, migrate: bool, keys_lost: bool, **options: Any) -> None:
        """Say what was done; CommandError where anything was in doubt."""
        try:
            wishes = Wishes(overwrite=overwrite, migrate=migrate, keys_lost=keys_lost)
            restore(folder.absolute(), wishes, say=self.stdout.write)
        except BackupError as error:
            raise CommandError(str(error)) from error
