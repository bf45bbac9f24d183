"""Load organisations and bureau groups from a folder, by itself those of the fixtures."""

from argparse import ArgumentParser
from pathlib import Path

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from skillmap.people import services


class Command(BaseCommand):
    """Idempotent: rows are known by their code."""

    help = "Load organisations.csv and, where there, organisations_dates.csv and bureau_groups.csv; again without harm."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The folder."""
        parser.add_argument("--folder", type=Path, default=settings.FIXTURE_ROOT)

    def handle(self, *args: object, folder: Path, **options: object) -> None:
        """Print how many rows were new; CommandError where a file can't be used, and then nothing is loaded."""
        try:
            loaded = services.organisations_load(folder)
        except ValueError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(
            f"Organisations and bureau groups: {loaded.created} new, {loaded.updated} brought up to date, "
            f"{loaded.same} as they were."
        )
