"""A cycle across transactions: who leaves is withdrawn, and nothing is stored after the closing."""

from __future__ import annotations

import itertools
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from skillmap.assessment.choices import State
from skillmap.assessment.models import (
    MentorPair,
    SkillRating,
)
from skillmap.assessment.services import cycles
from skillmap.assessment.services.ratings import Answer, save_rating
from skillmap.core import clock
from skillmap.core.errors import RuleViolation
from skillmap.core.models import Notification
from skillmap.people.models import User
from skillmap.people.services import staff_leave
from tests.factories.assessment import (
    make_cycle,
)

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_leaver_is_withdrawn_in_the_name_of_whoever_recorded_it() -> None:
    world = make_cycle()
    leaver, mentor = world.staff("started"), world.mentor.staff

    staff_leave(staff_id=leaver.pk, on=clock.today(), actor=world.secretariat)
    staff_leave(staff_id=mentor.pk, on=clock.today(), actor=world.secretariat)

    check = world.check("started")
    assert check.state == State.WITHDRAWN
    assert check.events.get(action="withdraw").actor == world.secretariat
    assert not MentorPair.objects.active().filter(mentor=mentor).exists()
    assert Notification.objects.filter(recipient=world.secretariat_colleague, kind="assessment.absent").count() == 2


@pytest.mark.parametrize("trial", range(3))
def test_no_answer_is_stored_after_the_cycle_closed(trial: int) -> None:
    """Four people go on saving while the cycle closes; what was acknowledged is there, and nothing came later."""
    world = make_cycle(people=4, stages=("started",), items=4, last_levels=False)
    every = ["unfinished", "unconfirmed", "unreceived", "objections", "findings", "measures"]
    people = [(check.pk, User.objects.get(staff=check.staff_id)) for check in world.checks]
    begin, stop, code = threading.Barrier(len(people) + 1), threading.Event(), world.skills[0].code

    def answer(check_id: int, user: User) -> tuple[int, str]:
        """Save one item over and over until it is refused: the version acknowledged last, and the refusal."""
        version, refused_with = 1, ""
        begin.wait()
        for level in itertools.cycle((1, 2, 3)):
            if stop.is_set():
                break
            wanted: Answer = {"level": level}
            try:
                saved = save_rating(assessment_id=check_id, skill_code=code, version=version, answer=wanted, actor=user)
            except RuleViolation as refusal:
                refused_with = refusal.code
                break
            version = saved.rating.version
            time.sleep(0.01)  # SQLite lets in whoever comes first, and would never let the closing in
        connection.close()
        return version, refused_with

    with ThreadPoolExecutor(len(people)) as pool:
        answers = [pool.submit(answer, *person) for person in people]
        begin.wait()
        time.sleep(0.2)
        try:
            closed = cycles.cycle_close(cycle_id=world.cycle.pk, accepted=every, actor=world.secretariat)
            outcomes = [future.result(timeout=60) for future in answers]
        finally:
            stop.set()

    rows = SkillRating.objects.filter(assessment__cycle=world.cycle, skill__code=code).order_by("assessment_id")
    assert [row.version for row in rows] == [version for version, _code in outcomes]
    assert {refused_with for _version, refused_with in outcomes} == {"cycle_not_open"}
    assert max(row.version for row in rows) > 1
    assert closed.closed_at is not None
    assert all(row.updated_at <= closed.closed_at for row in rows)
