"""A cycle across transactions: who leaves is withdrawn. That nothing is stored after the closing: tests/trials."""

from __future__ import annotations

import pytest

from skillmap.assessment.choices import State
from skillmap.assessment.models import (
    MentorPair,
)
from skillmap.core import clock
from skillmap.core.models import Notification
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
