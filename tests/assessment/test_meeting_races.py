"""1on1s at the same moment: hand-over and note, two windows."""

import threading

import pytest
from django.db import connection, transaction
from django.http import Http404

from skillmap.assessment.models import (
    MentorPair,
    OneOnOne,
)
from skillmap.assessment.services import meetings
from skillmap.assessment.services.meetings import Text
from skillmap.core import clock
from skillmap.core.errors import Conflict
from tests.assessment.meeting_support import (
    fresh,
)
from tests.factories.assessment import make_cycle

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_note_that_meets_a_hand_over_waits_for_it_and_is_refused() -> None:
    world = make_cycle(items=2, stages=("submitted",), people=1)
    check = world.check("submitted")
    ended, outcome = threading.Event(), []

    def write() -> None:
        ended.wait(10)
        try:
            note = Text(0, "遅れた記録")
            meetings.save_note(assessment_id=check.pk, kind="first", note=note, actor=fresh(world.mentor))
        except Http404:
            outcome.append("404")
        else:
            outcome.append("saved")
        finally:
            connection.close()

    writer = threading.Thread(target=write)
    writer.start()
    with transaction.atomic():
        MentorPair.objects.active().filter(mentor=world.mentor.staff).update(ended_at=clock.now())
        ended.set()
        writer.join(0.5)
    writer.join(20)
    assert outcome == ["404"]
    assert not OneOnOne.objects.filter(assessment=check).exists()


def test_of_two_windows_at_the_same_moment_one_text_is_kept_and_the_other_told() -> None:
    world = make_cycle(items=2, stages=("submitted",), people=1)
    check, together, outcome = world.check("submitted"), threading.Barrier(4), []

    def write(number: int) -> None:
        actor = fresh(world.mentor)
        together.wait(10)
        try:
            meetings.save_note(assessment_id=check.pk, kind="first", note=Text(0, f"窓{number}"), actor=actor)
        except Conflict as conflict:
            outcome.append(conflict.details["text"])
        else:
            outcome.append(f"窓{number}")
        finally:
            connection.close()

    writers = [threading.Thread(target=write, args=[number]) for number in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(30)
    assert len(outcome) == 4 and set(outcome) == {OneOnOne.objects.get(assessment=check).shared_note}
