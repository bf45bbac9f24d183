"""The demo world is one that could have happened: its steps follow one another, nothing lies in the future."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import redirect_stderr
from datetime import date
from itertools import pairwise

import pytest
from allauth.account.models import EmailAddress
from django.core.management import call_command
from django.db.models import Count

from skillmap.assessment.choices import CycleState, MeetingKind
from skillmap.assessment.demo.days import at
from skillmap.assessment.models import Assessment, AssessmentEvent, ConfirmedLevel, DevelopmentGoal, OneOnOne
from skillmap.core import audit, clock
from skillmap.people.models import User
from skillmap.portal.selectors.looks import looks_at
from tests.support.ground import on_ground

TODAY = date(2026, 11, 22)


SAID = io.StringIO()


def _made() -> None:
    with redirect_stderr(SAID):
        call_command("demo", people=60, seed=3, today=TODAY, stdout=io.StringIO())


laid, made = on_ground(_made)
pytestmark = pytest.mark.usefixtures("made")


def _checks() -> Iterator[Assessment]:
    rows = Assessment.objects.select_related("cycle", "group")
    yield from rows.prefetch_related("events", "meetings", "ratings")


def test_every_step_follows_the_one_before() -> None:
    for check in _checks():
        assert check.cycle.opened_at is not None
        days = [check.cycle.opened_at, *(event.at for event in check.events.order_by("pk")), at(TODAY, 0)]
        assert all(before <= after for before, after in pairwise(days)), check
        said = {event.action: event.at for event in check.events.all()}
        assert check.submitted_at == said.get("submit")
        assert check.confirmed_at == said.get("confirm")
        assert check.received_at == said.get("receive")


def test_1on1s_lie_between_the_steps_they_belong_to() -> None:
    held = 0
    for meeting in OneOnOne.objects.select_related("assessment").prefetch_related("assessment__events"):
        check = meeting.assessment
        assert meeting.held_on is not None and check.submitted_at is not None
        assert check.submitted_at.astimezone(clock.TOKYO).date() < meeting.held_on < TODAY
        if meeting.kind == MeetingKind.SECOND:
            assert check.confirmed_at is not None
            assert check.confirmed_at.astimezone(clock.TOKYO).date() < meeting.held_on
        held += 1
    assert held > 100


def test_answers_were_given_while_the_check_was_open() -> None:
    for check in _checks():
        for rating in check.ratings.all():
            assert check.cycle.opened_at is not None
            for moment in (rating.self_at, rating.mentor_at, rating.corrected_at):
                assert moment is None or check.cycle.opened_at < moment < at(TODAY, 0)


def test_levels_were_confirmed_when_their_check_was() -> None:
    known = ConfirmedLevel.objects.filter(valid_to=None, recorded_until=None).select_related("assessment")
    assert known.exists()
    for level in known:
        assert level.assessment is not None
        assert level.recorded_at == level.assessment.confirmed_at


def test_nobody_has_one_goal_twice_open() -> None:
    goals = DevelopmentGoal.objects.filter(state="open", assessment__cycle__state=CycleState.OPEN)
    assert goals.values("text").distinct().count() > 3
    assert not goals.values("assessment").annotate(n=Count("pk")).filter(n__gt=1).exists()


def test_the_demo_person_can_read_who_looked() -> None:
    staff = User.objects.get(email="staff@demo.example").staff
    assert {look.data["what"] for look in looks_at(staff.pk)} == {"map"}, "has not met the mentor yet"
    met = AssessmentEvent.objects.filter(action="review", assessment__cycle__state=CycleState.OPEN)
    assert met.exists()
    for event in met.select_related("assessment"):
        assert looks_at(event.assessment.staff_id).filter(data__what="one_on_one", actor=event.actor).exists()
    while audit.seal():
        pass
    assert not audit.verify().problems


def test_who_can_sign_in_can_have_a_second_factor() -> None:
    """It is refused to whoever's address is not verified."""
    known = [user for user in User.objects.all() if user.has_usable_password()]
    assert len(known) == 6
    assert EmailAddress.objects.filter(user__in=known, primary=True, verified=True).count() == len(known)


def test_it_says_how_far_it_is() -> None:
    lines = [line.split(" people ")[0].split() for line in SAID.getvalue().splitlines()]
    assert lines[0][0] == "people"
    answers = [line for line in lines if line[-2:-1] == ["answers"]]
    assert len(answers) == 3, "one for each cycle"
    for line in lines:
        done, slash, total = line[-1].partition("/")
        assert not slash or done == total != "0"
