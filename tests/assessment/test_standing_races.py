"""Where checks stand is stored rightly when many move at the same moment."""

from __future__ import annotations

from contextlib import suppress

import pytest

from skillmap.assessment.choices import Action
from skillmap.assessment.models import Assessment, MentorPair
from skillmap.assessment.services import mentors, participation, standing
from skillmap.assessment.services.transitions import transition
from skillmap.core import clock
from skillmap.core.errors import RuleViolation
from tests.assessment.test_standing import assert_right
from tests.factories.assessment import make_cycle
from tests.support.crowd import crowd

pytestmark = pytest.mark.django_db(transaction=True)


def test_counts_are_right_when_many_move_at_once() -> None:
    world = make_cycle(people=30, items=2, last_levels=False, stages=["submitted", "started", "corrected"])

    def withdraw(checks: list[Assessment]) -> None:
        for check in checks:
            transition(assessment_id=check.pk, action=Action.WITHDRAW, actor=world.secretariat, comment="理由")

    def end_pairs() -> None:
        with suppress(RuleViolation):  # the withdrawal of the same person may have ended it before
            mentors.pair_end(pair_id=pair.pk, reason="", actor=world.secretariat)
        participation.people_left(staff_ids=[started[1].staff_id], on=clock.today())

    submitted, started = world.by_stage["submitted"], world.by_stage["started"]
    pair = MentorPair.objects.active().get(cycle=world.cycle, mentee=started[0].staff, is_deputy=False)
    with crowd(4) as people:
        people.act(lambda: withdraw(submitted), lambda: withdraw(started[:2]), end_pairs, _folded)

    assert_right()


def _folded() -> None:
    for _again in range(3):
        standing.fold()
