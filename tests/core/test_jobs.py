"""Long jobs: claimed once, fenced, cancelled, tried again and given up; the row tells all of it."""

from __future__ import annotations

import socket
import time
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models.functions import Now
from django.utils import timezone

from skillmap.config import celery
from skillmap.config.celery import app
from skillmap.core import clock, jobs, periodic
from skillmap.core.choices import JobState
from skillmap.core.errors import RuleViolation
from skillmap.core.jobs import LONG_STEP, JobCancelled, JobLost, JobRun
from skillmap.core.models import AuditEvent, Job, PeriodicSlot
from skillmap.core.tasks import run_job
from tests.factories.people import UserFactory
from tests.support.clocks import wrong_clock
from tests.support.due_jobs import run_due

pytestmark = pytest.mark.django_db(transaction=True)


class FaultError(Exception):
    """Something outside went wrong."""


@pytest.fixture
def handler(monkeypatch: pytest.MonkeyPatch) -> list[JobRun]:
    """A kind `test.work` that does what its inputs say, and the runs it has seen."""
    seen: list[JobRun] = []

    def work(run: JobRun) -> Mapping[str, Any]:
        seen.append(run)
        if run.inputs.get("refuse"):
            raise RuleViolation("no", code="no")
        if run.inputs.get("fault"):
            raise FaultError
        run.progress(1, 2, "half")
        if run.inputs.get("cancel"):
            jobs.request_cancel(run.job)
        if run.inputs.get("taken"):
            Job.objects.filter(pk=run.job.pk).update(fence=run.job.fence + 1)
        run.progress(2, 2, "all")
        return {"answer": 42}

    monkeypatch.setitem(jobs.HANDLERS, "test.work", work)
    monkeypatch.setattr(jobs, "nudge", lambda _job_id: None)
    return seen


def start(**inputs: object) -> Job:
    return jobs.enqueue("test.work", inputs, requested_by=None)


def test_a_job_runs_once_and_keeps_its_result(handler: list[JobRun]) -> None:
    job = start()
    jobs.run(job.pk)
    jobs.run(job.pk)
    job.refresh_from_db()
    assert (job.state, job.result, job.done, job.total, job.attempt) == (JobState.DONE, {"answer": 42}, 2, 2, 1)
    assert job.finished_at is not None and len(handler) == 1


def test_the_same_key_is_one_active_job(handler: list[JobRun]) -> None:
    one = jobs.enqueue("test.work", {}, requested_by=None, dedup_key="x")
    two = jobs.enqueue("test.work", {}, requested_by=None, dedup_key="x")
    assert one.pk == two.pk
    jobs.run(one.pk)
    assert jobs.enqueue("test.work", {}, requested_by=None, dedup_key="x").pk != one.pk


def test_whoever_asks_again_after_stopping_gets_a_job_that_is_done(handler: list[JobRun]) -> None:
    stopped = jobs.enqueue("test.work", {}, requested_by=None, dedup_key="x")
    Job.objects.filter(pk=stopped.pk).update(
        state=JobState.RUNNING, fence=1, lease_until=clock.now() + timedelta(seconds=30)
    )
    jobs.request_cancel(stopped)
    again = jobs.enqueue("test.work", {}, requested_by=None, dedup_key="x")
    assert again.pk != stopped.pk
    assert jobs.enqueue("test.work", {}, requested_by=None, dedup_key="x").pk == again.pk
    jobs.run(again.pk)
    again.refresh_from_db()
    assert (again.state, again.result) == (JobState.DONE, {"answer": 42})


def test_a_refusal_fails_with_its_words(handler: list[JobRun]) -> None:
    job = start(refuse=True)
    jobs.run(job.pk)
    job.refresh_from_db()
    assert (job.state, job.error, job.result) == (JobState.FAILED, "no", {"code": "no"})


def test_a_fault_is_tried_three_times_and_then_given_up(handler: list[JobRun]) -> None:
    job = start(fault=True)
    for attempt in (1, 2):
        jobs.run(job.pk)
        job.refresh_from_db()
        assert (job.state, job.attempt) == (JobState.QUEUED, attempt)
        assert job.not_before is not None and job.not_before > clock.now()
        jobs.run(job.pk)
        assert len(handler) == attempt, "not before its time"
        Job.objects.update(not_before=None)
    jobs.run(job.pk)
    job.refresh_from_db()
    assert (job.state, job.error) == (JobState.DEAD, "FaultError")


def test_cancelling_stops_at_the_next_progress(handler: list[JobRun]) -> None:
    job = start(cancel=True)
    jobs.run(job.pk)
    job.refresh_from_db()
    assert (job.state, job.done) == (JobState.CANCELLED, 1)


def test_a_waiting_job_is_cancelled_at_once(handler: list[JobRun]) -> None:
    job = start()
    actor = UserFactory.create()
    jobs.request_cancel(job, actor)
    jobs.run(job.pk)
    job.refresh_from_db()
    assert job.state == JobState.CANCELLED and handler == []
    assert AuditEvent.objects.get(verb="job.cancel", actor=actor).target == f"core.job:{job.pk}"


def test_what_another_worker_took_over_no_longer_counts(handler: list[JobRun]) -> None:
    job = start(taken=True)
    jobs.run(job.pk)
    job.refresh_from_db()
    assert (job.state, job.done) == (JobState.RUNNING, 1)
    with pytest.raises(JobLost):
        handler[0].progress(2, 2)


def test_a_dead_workers_job_is_found_and_done_by_the_next(handler: list[JobRun]) -> None:
    job = start()
    Job.objects.update(state=JobState.RUNNING, lease_until=clock.now() - timedelta(seconds=1), attempt=1, fence=1)
    assert run_due() == 1
    job.refresh_from_db()
    assert (job.state, job.attempt, job.fence) == (JobState.DONE, 2, 2)


def test_a_job_that_kills_its_workers_is_given_up(handler: list[JobRun]) -> None:
    job = start()
    Job.objects.update(state=JobState.RUNNING, lease_until=clock.now() - timedelta(seconds=1), attempt=3)
    run_due()
    job.refresh_from_db()
    assert job.state == JobState.DEAD and handler == []


def test_a_held_lease_is_left_alone(handler: list[JobRun]) -> None:
    start()
    Job.objects.update(state=JobState.RUNNING, lease_until=clock.now() + timedelta(seconds=30))
    assert run_due() == 0


def test_a_chunk_of_a_cancelled_job_is_undone(handler: list[JobRun]) -> None:
    job = start()
    Job.objects.update(state=JobState.RUNNING, fence=1, lease_until=clock.now() + timedelta(seconds=30))
    job.refresh_from_db()
    jobs.request_cancel(job)

    def chunk() -> None:
        with transaction.atomic():
            PeriodicSlot.objects.create(name="chunk", slot="1")
            JobRun(job).progress(1, 1)

    with pytest.raises(JobCancelled):
        chunk()
    assert not PeriodicSlot.objects.exists()


def test_a_kind_of_another_version_is_left_to_a_worker_that_knows_it(monkeypatch: pytest.MonkeyPatch) -> None:
    job = Job.objects.create(kind="test.tomorrow")
    jobs.run(job.pk)
    assert run_due() == 0
    assert jobs.sweep() == 1, "somebody else may know it"
    job.refresh_from_db()
    assert (job.state, job.attempt) == (JobState.QUEUED, 0)
    Job.objects.update(created_at=Now() - timedelta(hours=25))
    assert Job.objects.stuck().get() == job, "told where nobody comes who knows it"
    monkeypatch.setitem(jobs.HANDLERS, "test.tomorrow", lambda _run: {})
    assert run_due() == 1
    job.refresh_from_db()
    assert job.state == JobState.DONE
    assert not Job.objects.stuck().exists()


def test_a_message_about_a_kind_of_another_version_is_passed_on_a_few_times(monkeypatch: pytest.MonkeyPatch) -> None:
    """Redis gives messages in turns: by the sweeper alone each could come to the one worker that does not know it."""
    job = Job.objects.create(kind="test.tomorrow")
    told: list[dict[str, Any]] = []
    monkeypatch.setattr(run_job, "apply_async", lambda **message: told.append(message))
    jobs.nudge(job.pk)
    for message in told:  # it grows meanwhile
        run_job.apply(args=message["args"], headers=message["headers"])
    assert len(told) == 1 + jobs.MOST_PASSED_ON


@pytest.mark.parametrize("minutes", [10, -10])
def test_a_worker_whose_clock_is_wrong_takes_nobodys_job(handler: list[JobRun], minutes: int) -> None:
    """Ahead, it would take what others are still at; behind, others would take what it is at."""
    theirs, own = start(), start()
    first = jobs._claim(theirs.pk)
    assert first is not None
    with wrong_clock(minutes):
        assert jobs._claim(theirs.pk) is None
        second = jobs._claim(own.pk)
        assert second is not None
        JobRun(second).progress(1, 2)
    assert [jobs._claim(own.pk), jobs._claim(theirs.pk)] == [None, None]
    assert not Job.objects.due().exists()


@pytest.mark.parametrize("minutes", [10, -10])
def test_what_a_worker_with_a_wrong_clock_puts_off_is_put_off_for_all(handler: list[JobRun], minutes: int) -> None:
    job = start(fault=True)
    with wrong_clock(minutes):
        jobs.run(job.pk)
    job.refresh_from_db()
    assert job.not_before is not None
    assert timedelta(0) < job.not_before - timezone.now() < Job.LEASE


def test_a_broker_that_is_away_costs_little_and_loses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(app.conf, "broker_url", "redis://127.0.0.1:1/0")
    monkeypatch.setitem(app.conf, "broker_transport_options", {})
    monkeypatch.setattr(app, "_pool", None)
    monkeypatch.setattr(app.amqp, "_producer_pool", None)
    began = time.monotonic()
    job = jobs.enqueue("test.none", {}, requested_by=None)
    assert time.monotonic() - began < 3
    assert Job.objects.filter(pk=job.pk, state=JobState.QUEUED).exists()


def test_a_broker_that_takes_connections_and_says_nothing_costs_little_too(
    monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings.CELERY_BROKER_URL = f"redis://127.0.0.1:{silent.getsockname()[1]}/0"
        options = celery._options()
        monkeypatch.setitem(app.conf, "broker_url", options["broker_url"])
        monkeypatch.setitem(app.conf, "broker_transport_options", options["broker_transport_options"])
        monkeypatch.setattr(app, "_pool", None)
        monkeypatch.setattr(app.amqp, "_producer_pool", None)
        began = time.monotonic()
        job = jobs.enqueue("test.none", {}, requested_by=None)
        assert time.monotonic() - began < 5
    assert Job.objects.filter(pk=job.pk, state=JobState.QUEUED).exists()


def test_what_a_killed_worker_held_longest_is_free_within_five_minutes() -> None:
    assert LONG_STEP + timedelta(seconds=settings.TICK_SECONDS) < timedelta(minutes=5)


def test_a_slot_runs_once_however_often_beat_ticks(handler: list[JobRun], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(periodic, "PERIODIC", {})
    periodic.periodic("test.work", periodic.daily_at(6))
    assert [periodic.tick(), periodic.tick()] == [1, 0]
    assert Job.objects.filter(kind="test.work").count() == 1


def test_days_begin_at_their_hour_in_tokyo() -> None:
    slot = periodic.daily_at(6)
    from datetime import UTC, datetime

    assert slot(datetime(2026, 3, 31, 20, 59, tzinfo=UTC)) == "2026-03-31"
    assert slot(datetime(2026, 3, 31, 21, 0, tzinfo=UTC)) == "2026-04-01"


def test_an_active_job_that_ends_at_that_moment_is_no_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the refused INSERT and the SELECT of `enqueue` the other job may end."""
    monkeypatch.setattr(jobs, "nudge", lambda *_: None)
    other = jobs.enqueue("test.kind", {}, requested_by=None, dedup_key="k")
    save = Job.save

    def slow(self: Job, **more: Any) -> None:
        try:
            save(self, **more)
        except IntegrityError:
            monkeypatch.setattr(Job, "save", save)
            raise

    monkeypatch.setattr(Job, "save", slow)
    active = type(Job.objects.all()).active

    def ended(queryset: Any) -> Any:
        Job.objects.filter(pk=other.pk).update(state=JobState.DONE, finished_at=Now())
        return active(queryset)

    monkeypatch.setattr(type(Job.objects.all()), "active", ended)

    assert jobs.enqueue("test.kind", {}, requested_by=None, dedup_key="k").is_active


def test_finished_periodic_jobs_are_dropped_and_failed_ones_stay() -> None:
    long_ago = clock.now() - timedelta(days=40)
    made = {
        state: jobs.enqueue("core.seal_audit", {}, requested_by=None, dedup_key=state)
        for state in (JobState.DONE, JobState.FAILED)
    }
    asked = jobs.enqueue("core.seal_audit", {}, requested_by=UserFactory.create(), dedup_key="asked")
    fresh = jobs.enqueue("core.seal_audit", {}, requested_by=None, dedup_key="fresh")
    other = jobs.enqueue("test.kind", {}, requested_by=None, dedup_key="other")
    rows = Job.objects.exclude(pk=fresh.pk)
    rows.update(state=JobState.DONE, finished_at=long_ago)
    Job.objects.filter(pk=made[JobState.FAILED].pk).update(state=JobState.FAILED)
    periodic.forget_old_slots()
    assert set(Job.objects.all()) == {made[JobState.FAILED], asked, fresh, other}
