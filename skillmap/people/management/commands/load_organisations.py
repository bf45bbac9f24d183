"""Load the organisations and bureau groups of the fixtures."""

from argparse import ArgumentParser
from pathlib import Path

from django.conf import settings
from django.core.management.base import BaseCommand

from skillmap.people import services


class Command(BaseCommand):
    """Idempotent: rows are known by their code."""

    help = "Load organisations.csv, organisations_dates.csv and bureau_groups.csv; running it again changes nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The folder."""
        parser.add_argument("--folder", type=Path, default=settings.FIXTURE_ROOT)

    def handle(self, *args: object, folder: Path, **options: object) -> None:
        """Print how many rows were new."""
        loaded = services.organisations_load(folder)
        self.stdout.write(
            f"Organisations and bureau groups: {loaded.created} new, {loaded.updated} brought up to date, "
            f"{loaded.same} as they were."
        )
