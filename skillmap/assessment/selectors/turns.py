"""Whose turn it is, reckoned in SQL from what lies around a check; what is stored of it is written by this."""

from datetime import date
from typing import TYPE_CHECKING, TypedDict, cast

from django.db.models import (
    BooleanField,
    Case,
    CharField,
    DateField,
    Exists,
    F,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
    When,
)
from django.db.models.functions import Coalesce, Greatest

from skillmap.assessment import rules
from skillmap.assessment.choices import CycleStep, MeetingKind, SecondMeeting, State
from skillmap.assessment.models import Assessment, Cycle, CycleGroup, CycleWindow, Extension, MentorPair, OneOnOne

if TYPE_CHECKING:
    from django_stubs_ext import WithAnnotations

    class TurnColumns(TypedDict):
        """What `with_turn` adds."""

        meets: bool
        second_before: bool
        second_held: bool
        turn_step: str
        turn_who: str
        turn_on: date | None
        turn_lacks_mentor: bool

    TurnCheck = WithAnnotations[Assessment, TurnColumns]

#: States in which a check with 1on1 needs somebody who mentors.
NEEDS_MENTOR = (State.DRAFT, State.SUBMITTED, State.REVIEWED, State.CORRECTED)


def with_turn(checks: QuerySet[Assessment]) -> "QuerySet[TurnCheck, TurnCheck]":
    """Add `turn_step`, `turn_who`, `turn_on` (with the person's extension), `turn_lacks_mentor`, and what they rest on.

    In the same query; of checks of any cycles. Says in SQL what `cycle_rules.due` says; a test holds the two together.
    """
    held = OneOnOne.objects.filter(assessment=OuterRef("pk"), kind=MeetingKind.SECOND, held_on__isnull=False)
    checks = checks.annotate(
        meets=Exists(CycleGroup.objects.filter(pk=OuterRef("group_id"), with_one_on_one=True)),
        second_before=Exists(Cycle.objects.filter(pk=OuterRef("cycle_id"), second_meeting=SecondMeeting.BEFORE)),
        second_held=Exists(held),
    )
    window = CycleWindow.objects.filter(cycle=OuterRef("cycle_id"), step=OuterRef("turn_step")).values("closes_on")
    extended = Extension.objects.filter(assessment=OuterRef("pk"), step=OuterRef("turn_step")).values("closes_on")
    pairs = MentorPair.objects.active().filter(cycle=OuterRef("cycle_id"), mentee=OuterRef("staff_id"), is_deputy=False)
    day = DateField(null=True)
    rows = checks.annotate(turn_step=_step(), turn_who=_who()).annotate(
        turn_on=Greatest(
            Subquery(window[:1]),
            Coalesce(Subquery(extended[:1]), Subquery(window[:1]), output_field=day),
            output_field=day,
        ),
        turn_lacks_mentor=Case(
            When(Q(meets=True, state__in=NEEDS_MENTOR) & ~Exists(pairs), then=Value(True)),
            default=Value(False),
            output_field=BooleanField(),
        ),
    )
    return cast("QuerySet[TurnCheck, TurnCheck]", rows)


MEETS, BEFORE, HELD = Q(meets=True), Q(second_before=True), Q(second_held=True)
WAITS_BEFORE = Q(state=State.CORRECTED) & MEETS & BEFORE & ~HELD
WAITS_AFTER = Q(state=State.CONFIRMED) & MEETS & ~BEFORE & ~HELD


def _step() -> Case:
    return Case(
        When(state=State.DRAFT, then=Value(CycleStep.SELF_CHECK.value)),
        When(MEETS, state=State.SUBMITTED, then=Value(CycleStep.FIRST_ONE_ON_ONE.value)),
        When(state=State.REVIEWED, then=Value(CycleStep.CORRECTION.value)),
        When(WAITS_BEFORE, then=Value(CycleStep.SECOND_ONE_ON_ONE.value)),
        When(state__in=[State.SUBMITTED, State.CORRECTED], then=Value(CycleStep.CONFIRMATION.value)),
        When(BEFORE, state=State.CONFIRMED, then=Value(CycleStep.CONFIRMATION.value)),
        When(state=State.CONFIRMED, then=Value(CycleStep.SECOND_ONE_ON_ONE.value)),
        default=Value(""),
        output_field=CharField(),
    )


def _who() -> Case:
    return Case(
        When(MEETS, state=State.SUBMITTED, then=Value(rules.MENTOR)),
        When(WAITS_BEFORE | WAITS_AFTER, then=Value(rules.MENTOR)),
        When(state__in=[State.SUBMITTED, State.CORRECTED], then=Value(rules.SECRETARIAT)),
        When(state__in=[State.DRAFT, State.REVIEWED, State.CONFIRMED], then=Value(rules.SELF)),
        default=Value(""),
        output_field=CharField(),
    )


def unsettled(checks: QuerySet[Assessment]) -> "QuerySet[TurnCheck, TurnCheck]":
    """Those of which something else is stored than what is so; in the same query."""
    never = Value(date.min, output_field=DateField())
    same_day = Q(stored_day=F("reckoned_day"))
    rows = with_turn(checks).annotate(stored_day=Coalesce("due_on", never), reckoned_day=Coalesce("turn_on", never))
    same = Q(due_step=F("turn_step"), due_who=F("turn_who"), lacks_mentor=F("turn_lacks_mentor")) & same_day
    return rows.exclude(same)
