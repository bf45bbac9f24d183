"""Compute a gap run from the command line, here and now, without a worker."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.http import Http404

from skillmap.core import jobs
from skillmap.core.choices import JobState
from skillmap.core.errors import RuleViolation
from skillmap.gaps.choices import LevelBasis
from skillmap.gaps.models import GapRun, SkillResult
from skillmap.gaps.services.runs import run_publish, run_request
from skillmap.people.access import access_of
from skillmap.people.models import User


class Command(BaseCommand):
    """The same run as the page asks for; the audit trail names --user, or nobody."""

    help = "Compare the supply of a cycle with the demand of a survey; prints what is proposed as priority areas."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Cycle, survey, which levels, and in whose name."""
        parser.add_argument("--cycle", type=int, required=True, help="number of the cycle")
        parser.add_argument("--survey", type=int, required=True, help="number of the demand survey")
        parser.add_argument("--basis", choices=LevelBasis.values, default=LevelBasis.CONFIRMED.value)
        parser.add_argument("--publish", action="store_true", help="publish it; this can't be taken back")
        parser.add_argument("--user", default="", help="e-mail of the secretariat's account that asks for it")

    def handle(self, *, cycle: int, survey: int, basis: str, publish: bool, user: str, **options: Any) -> None:
        """Print what the run proposes. CommandError where it is refused or fails."""
        actor = self._actor(user)
        try:
            asked = run_request(cycle_id=cycle, survey_id=survey, basis=basis, actor=actor)
            run = self._computed(asked)
            if publish:
                run_publish(run_id=run.pk, actor=actor)
        except Http404 as error:
            raise CommandError("There is no such cycle or survey.") from error
        except RuleViolation as refusal:
            raise CommandError(str(refusal)) from refusal
        self._print(run, published=publish)

    def _actor(self, email: str) -> User | None:
        """The account named; nobody where none is, as for other jobs of the machine."""
        if not email:
            return None
        found = User.objects.filter(email=email.lower(), is_active=True).first()
        if found is None or not access_of(found).is_secretariat:
            raise CommandError("No such account holds the role of the secretariat.")
        return found

    def _computed(self, asked: GapRun) -> GapRun:
        """Do the run's job here, unless a worker has it."""
        if asked.job is None:
            raise CommandError("The run has no job.")
        jobs.run(asked.job.pk)
        run = GapRun.objects.select_related("job", "cycle", "survey", "framework").get(pk=asked.pk)
        if run.finished_at is not None or run.job is None:
            return run
        if run.job.state == JobState.RUNNING:
            raise CommandError(f"Run {run.pk} is being computed by a worker.")
        raise CommandError(f"Run {run.pk} was not finished: {run.job.get_state_display()}. {run.job.error}".strip())

    def _print(self, run: GapRun, *, published: bool) -> None:
        people = "?" if run.people is None else run.people
        state = "published" if published else "not published"
        self.stdout.write(f"Run {run.pk} of fiscal year {run.fiscal_year}: {people} people, {state}.")
        proposed = SkillResult.objects.filter(run=run, is_proposed=True).select_related("skill")
        for line in proposed.order_by("demand_rank"):
            rank = "?" if line.supply_rank is None else line.supply_rank
            self.stdout.write(f"proposed: {line.skill.name} (demand rank {line.demand_rank}, supply rank {rank})")
