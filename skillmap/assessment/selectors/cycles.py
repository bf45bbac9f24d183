"""Cycles: the list, the windows, the steps of a cycle as a whole, what is counted before it closes."""

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, TypedDict, cast

from django.db.models import Count, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce

from skillmap.assessment import cycle_rules, rules
from skillmap.assessment.choices import (
    CycleState,
    CycleStep,
    FindingKind,
    ObjectionState,
    SecondMeeting,
    State,
)
from skillmap.assessment.models import Assessment, CheckCount, Cycle, CycleWindow, Finding, Objection
from skillmap.people.models import User


def windows_of_cycle(cycle: Cycle) -> dict[str, rules.Window]:
    """The windows by step, without anybody's extension; one query."""
    rows = CycleWindow.objects.filter(cycle=cycle).values_list("step", "opens_on", "closes_on")
    return {step: rules.Window(opens_on, closes_on) for step, opens_on, closes_on in rows}


def last_cycle_before(fiscal_year: int, *, besides: int) -> Cycle | None:
    """The newest opened cycle up to a fiscal year, to copy from."""
    opened = Cycle.objects.exclude(state=CycleState.DRAFT).exclude(pk=besides)
    return opened.filter(fiscal_year__lte=fiscal_year).order_by("-fiscal_year", "-opened_at").first()


if TYPE_CHECKING:
    from django_stubs_ext import WithAnnotations

    class CountColumns(TypedDict):
        """What `cycle_lines` adds."""

        people: int
        confirmed: int

    CountedCycle = WithAnnotations[Cycle, CountColumns]


@dataclass(frozen=True)
class CycleLine:
    """A cycle in the list, with how many take part and how many are confirmed."""

    cycle: Cycle
    people: int
    confirmed: int
    first_day: date | None
    last_day: date | None


def _sum_of(counts: QuerySet[CheckCount]) -> Coalesce:
    here = counts.filter(cycle=OuterRef("pk")).order_by().values("cycle")
    return Coalesce(Subquery(here.annotate(n=Sum("people")).values("n")), 0)


def cycle_lines(user: User) -> list[CycleLine]:
    """The cycles that the user may see, newest first; two queries."""
    rows = (
        Cycle.objects.visible_to(user)
        .select_related("framework")
        .annotate(
            people=_sum_of(CheckCount.objects.exclude(state=State.WITHDRAWN)),
            confirmed=_sum_of(CheckCount.objects.filter(state__in=[State.CONFIRMED, State.RECEIVED])),
        )
        .order_by("-fiscal_year", "-pk")
    )
    cycles = cast("list[CountedCycle]", list(rows))
    days: dict[int, list[date]] = {}
    for pk, opens_on, closes_on in CycleWindow.objects.filter(cycle__in=cycles).values_list(
        "cycle_id", "opens_on", "closes_on"
    ):
        days.setdefault(pk, []).extend([opens_on, closes_on])
    return [
        CycleLine(
            cycle,
            cycle.people,
            cycle.confirmed,
            min(days[cycle.pk]) if cycle.pk in days else None,
            max(days[cycle.pk]) if cycle.pk in days else None,
        )
        for cycle in cycles
    ]


def closing_figures(cycle: Cycle) -> cycle_rules.ClosingFigures:
    """What is counted before a cycle closes; three queries."""
    plain_ready = Q(state=State.SUBMITTED, group__with_one_on_one=False)
    ready = Q(state=State.CORRECTED) | plain_ready
    counts = Assessment.objects.filter(cycle=cycle).aggregate(
        unconfirmed=Count("pk", filter=ready),
        unfinished=Count("pk", filter=Q(state__in=[State.DRAFT, State.SUBMITTED, State.REVIEWED]) & ~plain_ready),
        unreceived=Count("pk", filter=Q(state=State.CONFIRMED)),
    )
    written = Finding.objects.filter(cycle=cycle).aggregate(
        findings=Count("pk", filter=Q(kind=FindingKind.FINDING)),
        measures=Count("pk", filter=Q(kind=FindingKind.MEASURE)),
    )
    objections = Objection.objects.filter(assessment__cycle=cycle, state=ObjectionState.OPEN).count()
    return cycle_rules.ClosingFigures(**counts, **written, objections=objections)


@dataclass(frozen=True)
class CycleStepLine:
    """A step of the whole cycle with its days, and where today stands."""

    step: CycleStep
    window: rules.Window | None
    state: str


def cycle_steps(cycle: Cycle, windows: dict[str, rules.Window], today: date) -> list[CycleStepLine]:
    """The steps in their order: done (over), current (open today) or todo."""
    order = cycle_rules.steps_in_order(second_before=cycle.second_meeting == SecondMeeting.BEFORE)
    lines = []
    for step in order:
        window = windows.get(step)
        if cycle.state == CycleState.DRAFT or window is None or today < window.opens_on:
            state = "todo"
        else:
            state = "current" if window.is_open(today) and cycle.state == CycleState.OPEN else "done"
        lines.append(CycleStepLine(CycleStep(step), window, state))
    return lines
