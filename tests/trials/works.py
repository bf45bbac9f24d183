"""What workers do in trials: asked for again and again in one world, each time with an effect that can be compared."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from skillmap.core.models import Job
from skillmap.gaps.models import GapRun
from tests.factories.gaps import asked_run, make_run_world
from tests.support.effects import checksum, rows_of


class Work(Protocol):
    """One kind of long job."""

    def ask(self) -> Job:
        """Ask for it, as the product does; returns its job."""

    def effect(self, job: Job) -> str:
        """The checksum of what it left behind; the same for each undisturbed one."""


class GapRuns:
    """The computation of supply and demand."""

    def __init__(self) -> None:
        self.world = make_run_world(people=1200)

    def ask(self) -> Job:
        """A run of its own."""
        run = asked_run(self.world)
        assert run.job is not None
        return run.job

    def effect(self, job: Job) -> str:
        """All that the run stored."""
        return checksum(rows_of(GapRun.objects.get(job=job)))


WORKS: dict[str, Callable[[], Work]] = {"gap run": GapRuns}
