"""Whether a run counts what was still changing, and how far cycles and surveys are; for the words beside a result.

Steps and answers only, no levels. Who stands at which step is the secretariat's to see: `still_open` and `readiness`
are for its pages; `was_open` says no figure, and is for every reader of a run.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Count, Q

from skillmap.assessment.choices import CycleState, GroupItems
from skillmap.assessment.models import Cycle
from skillmap.core import clock
from skillmap.gaps.choices import SurveyState
from skillmap.gaps.demand_rules import ANSWERED
from skillmap.gaps.models import DemandSurvey, GapRun
from skillmap.gaps.selectors.progress import DONE, STEPS

CONFIRMED = STEPS[DONE:]


@dataclass(frozen=True)
class WasOpen:
    """What of a run was still running when it was computed; true where anything was."""

    cycle: bool
    survey: bool

    def __bool__(self) -> bool:
        return self.cycle or self.survey


def was_open(run: GapRun) -> WasOpen:
    """Whether the run's cycle and survey were open when it was computed; no query where both are read with it.

    Newer runs keep it. Of older ones it is told from when the cycle was closed, and from the survey's days.
    """
    kept = run.parameters.get("open")
    if kept is not None:
        return WasOpen(cycle=bool(kept["cycle"]), survey=bool(kept["survey"]))
    cycle, survey, at = run.cycle, run.survey, run.snapshot_at
    if at is None:
        return WasOpen(cycle=cycle.is_open, survey=survey.state == SurveyState.OPEN)
    return WasOpen(
        cycle=cycle.is_open or (cycle.closed_at is not None and at < cycle.closed_at),
        survey=survey.state == SurveyState.OPEN or at.astimezone(clock.TOKYO).date() <= survey.closes_on,
    )


@dataclass(frozen=True)
class Readiness:
    """How far a cycle or a survey is: people confirmed of those who take part, or answers in of those asked."""

    name: str
    is_open: bool
    done: int
    all: int

    @property
    def is_final(self) -> bool:
        """Whether it is over, and nobody is missing."""
        return not self.is_open and self.done == self.all


def readiness(run: GapRun) -> tuple[Readiness, Readiness]:
    """How far the run's cycle and survey are by now; two queries. For the secretariat."""
    return _cycles(Q(pk=run.cycle_id))[0], _surveys(Q(pk=run.survey_id))[0]


def still_open() -> tuple[list[Readiness], list[Readiness]]:
    """How far the running cycles and surveys are; two queries. For the secretariat."""
    return _cycles(Q(state=CycleState.OPEN)), _surveys(Q(state=SurveyState.OPEN))


def _cycles(which: Q) -> list[Readiness]:
    """People with digital items, the withdrawn left out, as the dashboard's progress counts them."""
    digital = Q(assessments__group__items__in=[GroupItems.DIGITAL, GroupItems.BOTH])
    counted = digital & Q(assessments__state__in=STEPS)
    rows = Cycle.objects.filter(which).annotate(
        people=Count("assessments", filter=counted),
        confirmed=Count("assessments", filter=counted & Q(assessments__state__in=CONFIRMED)),
    )
    found = rows.order_by("-fiscal_year", "-pk").values_list("name", "state", "confirmed", "people")
    return [Readiness(name, state == CycleState.OPEN, done, people) for name, state, done, people in found]


def _surveys(which: Q) -> list[Readiness]:
    rows = DemandSurvey.objects.filter(which).annotate(
        asked=Count("responses"), answered=Count("responses", filter=Q(responses__state__in=sorted(ANSWERED)))
    )
    found = rows.order_by("-fiscal_year", "-pk").values_list("name", "state", "answered", "asked")
    return [Readiness(name, state == SurveyState.OPEN, done, asked) for name, state, done, asked in found]
