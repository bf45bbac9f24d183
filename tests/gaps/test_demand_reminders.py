"""Reminders of the demand survey: when, to whom, how often."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
import time_machine
from django.utils import translation
from django.utils.translation import gettext as _
from pytest_django import DjangoAssertNumQueries

from skillmap.core.models import Notification
from skillmap.gaps.choices import ResponseState, SurveyState
from skillmap.gaps.models import DemandResponse, DemandSurvey
from skillmap.gaps.services.demand_reminders import remind_of_demand
from skillmap.people.models import RoleGrant
from tests.factories.demand import DURING, SurveyWorld, make_survey

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]


@pytest.fixture
def world() -> SurveyWorld:
    with time_machine.travel(DURING, tick=False):
        return make_survey(lines=2)


def day(text: str) -> Any:
    return time_machine.travel(f"{text} 07:00+09:00", tick=False)


def told() -> list[tuple[int, str]]:
    rows = Notification.objects.filter(kind="demand.due").order_by("pk")
    return [(row.recipient_id, row.dedup_key.split(":", 2)[2]) for row in rows]


def test_reminders_a_week_and_a_day_before_and_when_late(world: SurveyWorld) -> None:
    DemandResponse.objects.filter(pk=world.answers[1].pk).update(state=ResponseState.SUBMITTED)
    me = world.coordinator.pk
    for today, count in (
        ("2026-05-23", 0), ("2026-05-24", 1), ("2026-05-24", 1), ("2026-05-29", 1), ("2026-05-30", 2),
        ("2026-05-31", 2), ("2026-06-01", 3), ("2026-06-07", 3), ("2026-06-08", 4),
    ):  # fmt: skip
        with day(today):
            remind_of_demand()
        assert len(told()) == count, today
    assert told() == [
        (me, "2026-05-31:week:0"), (me, "2026-05-31:day:0"), (me, "2026-05-31:over:0"), (me, "2026-05-31:over:1")
    ]  # fmt: skip


def test_a_moved_closing_day_begins_anew(world: SurveyWorld) -> None:
    DemandResponse.objects.filter(pk=world.answers[1].pk).update(state=ResponseState.NONE)
    with day("2026-05-30"):
        remind_of_demand()
    DemandResponse.objects.filter(pk=world.answer.pk).update(extended_to=date(2026, 6, 6))
    with day("2026-06-01"):
        assert remind_of_demand() == 1
    assert [key for _user, key in told()] == ["2026-05-31:day:0", "2026-06-06:week:0"]


def test_nobody_is_reminded_of_what_is_over_or_not_theirs(world: SurveyWorld) -> None:
    RoleGrant.objects.filter(user=world.coordinators[1]).update(valid_to=date(2026, 5, 1))
    with day("2026-05-30"):
        assert remind_of_demand() == 1
    assert {user for user, _key in told()} == {world.coordinator.pk}
    DemandSurvey.objects.update(state=SurveyState.CLOSED)
    with day("2026-06-30"):
        assert remind_of_demand() == 0


@pytest.mark.parametrize("today", ["2026-05-30", "2026-06-11"])
def test_a_question_is_no_missed_day(world: SurveyWorld, today: str) -> None:
    """The answer was in; it can be submitted again without more time, after the closing day too."""
    DemandResponse.objects.filter(pk=world.answer.pk).update(state=ResponseState.QUESTIONED)
    with day(today), translation.override("ja"):
        assert remind_of_demand() == 2
        asked, late = (Notification.objects.get(recipient=user) for user in world.coordinators)
        assert asked.subject.startswith(_("The answer to the demand survey waits to be submitted again"))
        assert "延長" not in asked.body and "過ぎています" not in asked.subject
        assert not late.subject.startswith(_("The answer to the demand survey waits to be submitted again"))


@pytest.mark.parametrize("answers", [2, 12])
def test_reminders_take_a_constant_number_of_queries(
    django_assert_max_num_queries: DjangoAssertNumQueries, answers: int
) -> None:
    make_survey(answers=answers)
    with day("2026-05-30"), django_assert_max_num_queries(6):
        assert remind_of_demand() == answers
