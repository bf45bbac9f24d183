"""Make the demo world: made-up people, cycles and surveys, and the accounts with the known password."""

import sys
from argparse import ArgumentParser
from datetime import date
from random import Random
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from skillmap.assessment.demo import cycles as assessment_demo
from skillmap.core import bulk, clock
from skillmap.core.fiscal import fiscal_year_of
from skillmap.core.progress import Progress
from skillmap.framework.selectors import current_framework
from skillmap.gaps import demo as gaps_demo
from skillmap.people import demo as people_demo
from skillmap.people.models import User

LEAST = 60
# Fiscal year 2024 is a finished year of every demo world, so the running one is a later one.
FIRST_DAY = date(2025, 4, 1)
ACCOUNTS = ("staff", "mentor", "coordinator", "expert", "secretariat", "executive")


class Command(BaseCommand):
    """The demo world: the same size, seed and day give the same data."""

    help = "Make the demo world in an empty database; prints the accounts. Never run it in a real installation."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Size, seed, day."""
        parser.add_argument("--people", type=int, default=180, help="ICT staff (default 180)")
        parser.add_argument("--seed", type=int, default=1)
        parser.add_argument("--today", type=date.fromisoformat, default=None, help="windows lie around this day")
        parser.add_argument("--if-empty", action="store_true", help="do nothing where the demo world already stands")
        parser.add_argument("--accounts", action="store_true", help="print the demo accounts and stop")

    def handle(
        self, *, people: int, seed: int, today: date | None, if_empty: bool, accounts: bool, **options: Any
    ) -> None:
        """Build it in one transaction; CommandError where people are there already."""
        if accounts:
            self._print_accounts()
            return
        if User.objects.exists():
            if if_empty:
                self.stdout.write("The database holds people already; nothing was made.")
                self._print_accounts()
                return
            raise CommandError("The database holds people already. The demo world needs an empty one.")
        if people < LEAST:
            raise CommandError(f"--people must be at least {LEAST}.")
        around = today or clock.today()
        if around < FIRST_DAY:
            raise CommandError(
                f"--today must be {FIRST_DAY} or later: fiscal year 2024 is a finished year of the demo."
            )
        self._build(people, Random(seed), around)  # noqa: S311  a demo, no secrets
        self._print_accounts()

    def _build(self, people: int, rng: Random, today: date) -> None:
        call_command("load_framework", stdout=self.stdout)
        call_command("load_organisations", stdout=self.stdout)
        framework = current_framework()
        if framework is None:
            raise CommandError("No framework is published.")
        running = fiscal_year_of(today)
        progress = Progress(sys.stderr)
        with transaction.atomic(), bulk.looked_up_later():
            everyone = people_demo.build(people=people, rng=rng, today=today, progress=progress)
            cycles = assessment_demo.build(
                people=everyone,
                framework=framework,
                rng=rng,
                today=today,
                running=running,
                fixtures=settings.FIXTURE_ROOT,
                progress=progress,
            )
            progress.stage("demand surveys")
            gaps_demo.build_surveys(
                people=everyone,
                framework=framework,
                rng=rng,
                today=today,
                running=running,
                fixtures=settings.FIXTURE_ROOT,
            )
        progress.stage("supply and demand")
        gaps_demo.run_and_adopt(cycles=cycles, office=everyone.accounts["secretariat"])
        progress.end()

    def _print_accounts(self) -> None:
        known = set(User.objects.filter(email__endswith=f"@{people_demo.DOMAIN}").values_list("email", flat=True))
        emails = [email for word in ACCOUNTS if (email := f"{word}@{people_demo.DOMAIN}") in known]
        if not emails:
            self.stdout.write("There are no demo accounts in this database.")
            return
        self.stdout.write("Demo accounts: " + " ".join(emails))
        self.stdout.write(f"password: {people_demo.PASSWORD}")
