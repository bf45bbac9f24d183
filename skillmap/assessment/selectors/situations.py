"""What decides which steps of a check are open, read from the database."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from django.db.models import Count, DateField, Exists, IntegerField, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce

from skillmap.assessment import rules
from skillmap.assessment.choices import CycleState, MeetingKind, SecondMeeting
from skillmap.assessment.models import Assessment, CycleWindow, Extension, MentorPair, OneOnOne, SkillRating
from skillmap.core import clock
from skillmap.core.prepared import Prepared
from skillmap.people.access import access_of
from skillmap.people.models import User


def _windows(check: int, cycle: int) -> QuerySet[CycleWindow, tuple[str, date, date, date]]:
    extended = Extension.objects.filter(assessment=check, step=OuterRef("step")).values("closes_on")[:1]
    last_day = Coalesce(Subquery(extended), "closes_on", output_field=DateField())
    windows = CycleWindow.objects.filter(cycle=cycle).annotate(last_day=last_day)
    return windows.values_list("step", "opens_on", "closes_on", "last_day")


_WINDOWS = Prepared(_windows, check=int, cycle=int)


def windows_of(assessment: Assessment) -> dict[str, rules.Window]:
    """The cycle's windows with the person's extensions; one query."""
    return {
        step: rules.Window(opens_on, max(closes_on, last_day))
        for step, opens_on, closes_on, last_day in _WINDOWS.ask(check=assessment.pk, cycle=assessment.cycle_id)
    }


@dataclass(frozen=True)
class Progress:
    """How many items a check has, and how many are answered in each column that the person fills in."""

    items: int
    answered: int
    corrected: int


def with_meetings(assessments: QuerySet[Assessment]) -> QuerySet[Assessment]:
    """Add first_held and second_held in the same query: for those who read the ratings themselves."""
    held = OneOnOne.objects.filter(assessment=OuterRef("pk"), held_on__isnull=False)
    return assessments.annotate(
        first_held=Exists(held.filter(kind=MeetingKind.FIRST)),
        second_held=Exists(held.filter(kind=MeetingKind.SECOND)),
    )


def with_progress(assessments: QuerySet[Assessment]) -> QuerySet[Assessment]:
    """Add item_count, answered_count, corrected_count, first_held, second_held; in the same query.

    Counted check by check: joined and grouped, the database would read the ratings of everyone before it narrows down.
    """
    return with_meetings(assessments).annotate(
        item_count=_ratings(),
        answered_count=_ratings(self_level__isnull=False),
        corrected_count=_ratings(corrected_level__isnull=False),
    )


def _ratings(**which: bool) -> Coalesce:
    """How many ratings of a check there are of that kind."""
    rows = SkillRating.objects.filter(assessment=OuterRef("pk"), **which).order_by().values("assessment")
    return Coalesce(Subquery(rows.annotate(n=Count("pk")).values("n"), output_field=IntegerField()), 0)


def progress_of(assessment: Assessment) -> Progress:
    """The counts of a check that was read through `with_progress`."""
    return Progress(
        items=assessment.item_count,  # type: ignore[attr-defined]
        answered=assessment.answered_count,  # type: ignore[attr-defined]
        corrected=assessment.corrected_count,  # type: ignore[attr-defined]
    )


def situation_of(
    assessment: Assessment, windows: dict[str, rules.Window] | None = None, progress: Progress | None = None
) -> rules.Situation:
    """The situation of one check that was read through `with_progress`, with `cycle` and `group`.

    With `progress` counted by the caller, reading it through `with_meetings` is enough. `answered` counts the column
    that the person fills in now.
    """
    counts = progress or progress_of(assessment)
    corrected = rules.editable_level(assessment.state) == "corrected_level"
    return rules.Situation(
        state=assessment.state,
        today=clock.today(),
        cycle_open=assessment.cycle.state == CycleState.OPEN,
        windows=windows_of(assessment) if windows is None else windows,
        with_one_on_one=assessment.group.with_one_on_one,
        second_before=assessment.cycle.second_meeting == SecondMeeting.BEFORE,
        items=counts.items,
        answered=counts.corrected if corrected else counts.answered,
        first_held=assessment.first_held,  # type: ignore[attr-defined]
        second_held=assessment.second_held,  # type: ignore[attr-defined]
    )


def entry_situation_of(assessment: Assessment) -> rules.Situation:
    """What decides whether answers can be changed now; of a check read with its cycle. One query."""
    return rules.Situation(
        state=assessment.state,
        today=clock.today(),
        cycle_open=assessment.cycle.state == CycleState.OPEN,
        windows=windows_of(assessment),
    )


@dataclass(frozen=True)
class Capacity:
    """As what somebody may act on one check; `on_behalf` marks entries of the secretariat for the person."""

    words: frozenset[str]
    on_behalf: bool = False

    def acting_as(self, actors: Iterable[str]) -> str:
        """The capacity in which an action of these actors is recorded: the closest to the person first."""
        allowed = set(actors)
        return next(word for word in ("self", "mentor", "deputy", "secretariat") if word in self.words & allowed)


def capacity_of(user: User, assessment: Assessment) -> Capacity:
    """In which capacities a user may act on a check. Nobody acts as the secretariat on the own one."""
    access = access_of(user)
    if access.staff_id == assessment.staff_id:
        return Capacity(frozenset({rules.SELF}))
    words = set()
    if access.is_secretariat:
        words.add(rules.SECRETARIAT)
    if access.staff_id is not None:
        pairs = MentorPair.objects.active().filter(
            cycle=assessment.cycle_id, mentee=assessment.staff_id, mentor=access.staff_id
        )
        words |= {rules.DEPUTY if deputy else rules.MENTOR for deputy in pairs.values_list("is_deputy", flat=True)}
    return Capacity(frozenset(words), on_behalf=access.is_secretariat)


def open_actions(user: User, assessment: Assessment, situation: rules.Situation | None = None) -> tuple[str, ...]:
    """The actions open to a user on a check that was read through `with_progress`."""
    return rules.open_actions(situation or situation_of(assessment), capacity_of(user, assessment).words)
