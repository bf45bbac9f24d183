"""Jobs beside each other, taken over and cancelled: what is stored is what they say."""

from __future__ import annotations

import threading
import time
from datetime import date
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models import Sum
from django.db.models.functions import Now
from django.test import Client
from django.urls import reverse

from skillmap.assessment import tasks
from skillmap.assessment.choices import CycleState, LevelSource, State
from skillmap.assessment.models import Assessment, CheckCount, ConfirmedLevel, Cycle
from skillmap.assessment.services import confirming, participation, standing
from skillmap.assessment.services.profile import NewLevel, record_levels
from skillmap.assessment.services.transitions import confirm_many, transition
from skillmap.core import jobs
from skillmap.core.choices import JobState
from skillmap.core.models import Job
from tests.factories.assessment import make_cycle

pytestmark = pytest.mark.django_db(transaction=True)


def apart(act: Any) -> Any:
    """Do something on a connection of its own."""
    found: list[Any] = []

    def run() -> None:
        try:
            found.append(act())
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(60)
    return found[0] if found else None


def people_counted() -> dict[str, int]:
    rows = CheckCount.objects.values_list("state").annotate(n=Sum("people")).order_by()
    return {state: n for state, n in rows if n}


def people_there() -> dict[str, int]:
    found: dict[str, int] = {}
    for state in Assessment.objects.values_list("state", flat=True):
        found[state] = found.get(state, 0) + 1
    return found


@pytest.mark.postgres
def test_counting_anew_while_lines_are_added_up_counts_nobody_twice() -> None:
    world = make_cycle(people=13, items=2, last_levels=False)
    standing.recount()
    assert people_counted() == people_there()
    transition(assessment_id=world.check("submitted").pk, action="withdraw", actor=world.secretariat, comment="理由")

    deleted, go_on = threading.Event(), threading.Event()

    def fold_slowly() -> None:
        # fold() stands between its DELETE and its commit while recount() begins
        try:
            with transaction.atomic():
                standing.fold()
                deleted.set()
                go_on.wait(30)
        finally:
            connection.close()

    def recount() -> None:
        try:
            standing.recount()
        finally:
            connection.close()

    one, two = threading.Thread(target=fold_slowly), threading.Thread(target=recount)
    one.start()
    deleted.wait(30)
    two.start()
    time.sleep(1.5)
    go_on.set()
    one.join(30)
    two.join(30)

    assert people_counted() == people_there()


@pytest.mark.postgres
def test_two_imports_of_past_levels_leave_one_level_a_day() -> None:
    world = make_cycle(people=1, items=1, stages=["started"])
    staff, skill = world.staff("started"), world.skills[0]
    present = ConfirmedLevel.objects.current().get(staff=staff, skill_code=skill.code)

    def bring_in(day: date, level: int) -> None:
        try:
            with transaction.atomic():
                wanted = [NewLevel(staff.pk, skill, level)]
                record_levels(wanted, valid_from=day, source=LevelSource.IMPORT, actor=world.secretariat)
                time.sleep(1)  # the other one begins before this one is kept
        finally:
            connection.close()

    threads = [
        threading.Thread(target=bring_in, args=(date(2010, 4, 1), 1)),
        threading.Thread(target=bring_in, args=(date(2011, 4, 1), 2)),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    day = date(2012, 4, 1)
    assert present.valid_from > day
    held = ConfirmedLevel.objects.valid_on(day).filter(staff=staff, skill_code=skill.code)
    assert held.count() == 1, [(row.level, row.valid_from, row.valid_to) for row in held]


@pytest.mark.postgres
def test_an_opening_that_outlasts_its_lease_is_not_reported_as_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    draft = make_cycle(people=1, items=1, last_levels=False, state=CycleState.DRAFT)
    job = jobs.enqueue(
        participation.OPEN_KIND,
        {"cycle": draft.cycle.pk, "version": draft.cycle.version, "without_mentor": True},
        requested_by=draft.secretariat,
    )
    add = participation._add_checks
    second = threading.Thread(target=lambda: apart(lambda: jobs.run(job.pk)))

    def slowly(*arguments: Any) -> int:
        monkeypatch.setattr(participation, "_add_checks", add)
        apart(lambda: Job.objects.filter(pk=job.pk).update(lease_until=Now() - Job.LEASE))
        second.start()  # the sweeper found it; this worker waits for the cycle's row
        time.sleep(1.5)
        return add(*arguments)

    monkeypatch.setattr(participation, "_add_checks", slowly)
    jobs.run(job.pk)
    second.join(60)

    job.refresh_from_db()
    assert Cycle.objects.get(pk=draft.cycle.pk).state == CycleState.OPEN
    assert (job.state, job.error) == (JobState.DONE, "")


def test_a_cancelled_confirmation_says_which_were_confirmed(monkeypatch: pytest.MonkeyPatch) -> None:
    world = make_cycle(people=80, items=1, stages=["corrected"], last_levels=False)
    chosen = [(check.pk, check.version) for check in world.checks]
    monkeypatch.setattr(confirming, "CONFIRM_AT_ONCE", 10)
    monkeypatch.setattr(jobs, "nudge", lambda *_, **__: None)
    job = confirming.confirm_start(cycle=world.cycle, chosen=chosen, actor=world.secretariat)
    seen: list[int] = []

    def while_somebody_cancels(**more: Any) -> Any:
        outcome = confirm_many(**more)
        seen.append(1)
        if len(seen) == 3:
            jobs.request_cancel(Job.objects.get(pk=job.pk), world.secretariat)
        return outcome

    monkeypatch.setattr("skillmap.assessment.services.confirming.confirm_many", while_somebody_cancels)
    jobs.run(job.pk)
    job.refresh_from_db()
    assert job.state == JobState.CANCELLED

    client = Client()
    client.force_login(world.secretariat)
    page = client.get(reverse("assessment:board_result", args=[world.cycle.pk, job.public_id]))

    confirmed = Assessment.objects.filter(cycle=world.cycle, state=State.CONFIRMED).count()
    assert confirmed == 2 * tasks.CHUNK
    assert (len(page.context["confirmed"]), page.context["not_reached"]) == (confirmed, 80 - confirmed)
