"""Try a backup: restore it where nobody is, sign in there, look at pages, throw it all away."""

import resource
import secrets
import subprocess
import sys
import time
from argparse import SUPPRESS, ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from skillmap.core.backup.errors import BackupError
from skillmap.core.backup.manifest import Manifest
from skillmap.core.backup.scratch import is_scratch, scratch
from skillmap.portal.drill import look_around


class Command(BaseCommand):
    """What a real restore would do, and that people could work afterwards."""

    help = "Restore a backup into a scratch database, prove it, sign in, render five pages; throws all of it away."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which backup."""
        parser.add_argument("folder", type=Path, help="what `backup` wrote")
        parser.add_argument("--migrate", action="store_true", help="bring a backup of an earlier version up to date")
        parser.add_argument("--inside", action="store_true", help=SUPPRESS)

    def handle(self, *, folder: Path, migrate: bool, inside: bool, **options: Any) -> None:
        """Say what was tried and how long it took; CommandError where anything was in doubt."""
        try:
            if inside:
                self._look_around()
            else:
                self._drill(folder.absolute(), ["--migrate"] if migrate else [])
        except BackupError as error:
            raise CommandError(str(error)) from error

    def _drill(self, folder: Path, options: list[str]) -> None:
        begun = time.monotonic()
        manifest = Manifest.read(folder)
        with scratch() as environment:
            self._run(["restore", str(folder), *options], environment)
            restored = time.monotonic() - begun
            self._run(["restore_drill", str(folder), "--inside"], environment)
        memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        self.stdout.write(
            f"Drill passed: {manifest.rows:,} rows, {manifest.bytes / 1e6:.1f} MB, "
            f"restored in {restored / 60:.2f} minutes, {(time.monotonic() - begun) / 60:.2f} minutes in all, "
            f"at most {memory:.0f} MB of memory."
        )

    def _run(self, arguments: list[str], environment: dict[str, str]) -> None:
        """A command on the scratch database; what it says is passed on."""
        done = subprocess.run(  # noqa: S603  the command is ours
            [sys.executable, "manage.py", *arguments],
            cwd=settings.ROOT,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        self.stdout.write(done.stdout.rstrip())
        if done.returncode:
            last = done.stderr.strip().rpartition("\n")[2].removeprefix("CommandError: ")
            raise BackupError(last or f"{arguments[0]} failed.")

    def _look_around(self) -> None:
        """In the scratch database: somebody gets a new password, signs in with it and looks at pages."""
        if not is_scratch():
            raise BackupError("This is no scratch database: nobody's password is changed here.")
        for sentence in look_around(secrets.token_urlsafe(24)):
            self.stdout.write(sentence)
