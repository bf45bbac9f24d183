"""A cycle is closed while people go on saving: what was acknowledged is there, and nothing came later."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from functools import partial

import pytest
from django.http import Http404

from skillmap.assessment.choices import CycleState
from skillmap.assessment.models import Assessment, AssessmentEvent, Cycle, MentorPair, OneOnOne, SkillRating
from skillmap.assessment.services import cycles, meetings
from skillmap.assessment.services.meetings import Text
from skillmap.assessment.services.ratings import Answer, save_rating
from skillmap.assessment.services.transitions import transition
from skillmap.core.errors import RuleViolation
from skillmap.people.models import User
from tests.factories.assessment import World, make_cycle
from tests.support.crowd import crowd
from tests.support.trials import Trial, quantile, short_and_long

pytestmark = pytest.mark.django_db(transaction=True)
EVERY = ["unfinished", "unconfirmed", "unreceived", "objections", "findings", "measures"]
#: Refused because the cycle is closed, or because its pairs of mentor and mentee have ended with it.
LATE = {"cycle_not_open", "404"}


class People:
    """Whoever saves: each on a check of their own, over and over, until it is refused."""

    def __init__(self, world: World) -> None:
        self.acknowledged = threading.Semaphore(0)
        self.cycle, self.code, self.office = world.cycle, world.skills[0].code, world.secretariat
        self.answering = [(check.pk, User.objects.get(staff=check.staff_id)) for check in world.by_stage["started"]]
        self.submitting = world.check("corrected").pk, world.mentor
        self.noting = world.check("submitted").pk, world.mentor

    def acts(self) -> list[Callable[[threading.Event], tuple[str, int]]]:
        """What each does until told to stop; gives why it ended, and the version acknowledged last."""
        self.acknowledged = threading.Semaphore(0)
        answers = [self._answer(*person) for person in self.answering]
        return [*answers, self._note(*self.noting), self._steps(*self.submitting)]

    def _answer(self, check: int, user: User) -> Callable[[threading.Event], tuple[str, int]]:
        def save(version: int) -> int:
            wanted: Answer = {"level": version % 4}
            saved = save_rating(assessment_id=check, skill_code=self.code, version=version, answer=wanted, actor=user)
            return saved.rating.version

        start = SkillRating.objects.get(assessment=check, skill__code=self.code).version
        return lambda stop: self._until_refused(save, start, stop)

    def _note(self, check: int, mentor: User) -> Callable[[threading.Event], tuple[str, int]]:
        def save(version: int) -> int:
            return meetings.save_note(
                assessment_id=check, kind="first", note=Text(version, f"記録 {version}"), actor=mentor
            )

        start = OneOnOne.objects.filter(assessment=check).values_list("version", flat=True).first() or 0
        return lambda stop: self._until_refused(save, start, stop)

    def _steps(self, check: int, mentor: User) -> Callable[[threading.Event], tuple[str, int]]:
        def step(version: int) -> int:
            state = Assessment.objects.values_list("state", flat=True).get(pk=check)
            if state == "corrected":
                done = transition(assessment_id=check, action="return", actor=mentor, comment="根拠をもう一度")
            else:
                person = User.objects.get(staff__assessments=check)
                done = transition(assessment_id=check, action="correct", actor=person)
            return done.version

        start = Assessment.objects.get(pk=check).version
        return lambda stop: self._until_refused(step, start, stop)

    def _until_refused(self, save: Callable[[int], int], version: int, stop: threading.Event) -> tuple[str, int]:
        """Save over and over; why it was refused, and the version acknowledged last."""
        while not stop.is_set():
            try:
                version = save(version)
            except RuleViolation as refusal:
                return refusal.code, version
            except Http404:
                return "404", version
            self.acknowledged.release()
            time.sleep(0.005)  # SQLite lets in whoever comes first, and would never let the closing in
        return "never refused", version

    def wait_for_saves(self, count: int) -> None:
        """Until so many of the begun acts' saves were acknowledged: how long they take is the machine's affair."""
        for _save in range(count):
            assert self.acknowledged.acquire(timeout=60), "nobody saves"

    def versions(self) -> list[int]:
        """What is stored, in the order of `acts`."""
        rows = SkillRating.objects.filter(assessment__in=[pk for pk, _user in self.answering], skill__code=self.code)
        noted = OneOnOne.objects.filter(assessment=self.noting[0]).values_list("version", flat=True).first()
        return [
            *rows.order_by("assessment_id").values_list("version", flat=True),
            noted or 0,
            Assessment.objects.get(pk=self.submitting[0]).version,
        ]

    def late_writes(self, closed: Cycle) -> int:
        """Rows that bear a later time than the closing."""
        moment = closed.closed_at
        ratings = SkillRating.objects.filter(assessment__cycle=closed, updated_at__gt=moment)
        events = AssessmentEvent.objects.filter(assessment__cycle=closed, at__gt=moment)
        notes = OneOnOne.objects.filter(assessment__cycle=closed, updated_at__gt=moment)
        return ratings.count() + events.count() + notes.count()

    def open_again(self) -> None:
        """Make the cycle as it was, past the product, which never opens a closed one."""
        Cycle.objects.filter(pk=self.cycle.pk).update(state=CycleState.OPEN, closed_at=None)
        MentorPair.objects.filter(cycle=self.cycle, reason="cycle_closed").update(ended_at=None, reason="")


@short_and_long(3, 1000)
def test_nothing_is_stored_after_the_cycle_closed(trial: Trial, repeats: int) -> None:
    stages = ("started", "started", "started", "submitted", "corrected")
    people = People(make_cycle(people=len(stages), items=3, stages=stages, last_levels=False))
    office = people.office
    chance, waits = random.Random(5), []
    with crowd(len(stages)) as members:
        for _trial in range(repeats):
            stop = threading.Event()
            working = members.begin(*[partial(act, stop) for act in people.acts()])
            people.wait_for_saves(len(stages))
            time.sleep(chance.uniform(0.0, 0.08))
            begun = time.monotonic()
            try:
                closed = cycles.cycle_close(cycle_id=people.cycle.pk, accepted=EVERY, actor=office)
                waits.append(time.monotonic() - begun)
                outcomes = [work.result(timeout=60) for work in working]
            finally:
                stop.set()
            assert people.versions() == [version for _why, version in outcomes]
            assert {reason for reason, _version in outcomes} <= LATE
            assert people.late_writes(closed) == 0
            people.open_again()
            trial.count()
    trial.held(
        late_writes=0, lost=0, saves_acknowledged=sum(people.versions()), closing_waits_p95_s=quantile(waits, 0.95)
    )
