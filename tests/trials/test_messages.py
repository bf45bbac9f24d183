"""Messages that come five times, twice by two beats, or never; workers asked to end; a job that kills its worker."""

from __future__ import annotations

import time
from collections import Counter
from functools import partial

import pytest
from django.db import connection
from django.db.models import Count

from skillmap.core import jobs, periodic
from skillmap.core.choices import JobState
from skillmap.core.models import Job, Notification
from skillmap.gaps.models import GapNode, GapRun
from tests.factories.gaps import asked_run, make_run_world
from tests.support.crew import Crew, wait_for
from tests.support.trials import Trial, quantile, short_and_long
from tests.trials.works import LONGEST, WORKS, begun, over, undisturbed

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.services]
#: What takes hundreds of messages is tried with Redis, as in a real installation.
redis_only = pytest.mark.postgres


@redis_only
@short_and_long(4, 100)
def test_a_message_that_comes_five_times_to_two_workers_is_one_run(trial: Trial, crew: Crew, repeats: int) -> None:
    crew.environment["JOB_LEASE_SECONDS"] = "60"  # nobody is killed: on a busy machine a short one runs out by itself
    world = make_run_world(people=60, items=3)
    runs = [asked_run(world, parameters={"k": 5 + number}) for number in range(repeats)]
    for run in runs:
        for _delivery in range(4):  # the first one was sent when it was asked for
            jobs.nudge(run.job_id or 0)
    crew.worker("worker", concurrency=2)
    crew.worker("second", concurrency=2)
    crew.ready("worker", "second")
    wait_for(lambda: not Job.objects.active().exists(), seconds=LONGEST * 3, what=crew.said)
    done = GapRun.objects.filter(job__state=JobState.DONE)
    assert done.count() == repeats
    attempts = Counter(done.values_list("job__attempt", "job__fence"))
    assert attempts == {(1, 1): repeats}
    twice = GapNode.objects.values("run", "key").annotate(count=Count("pk")).filter(count__gt=1)
    assert not twice.exists()
    trial.tried = repeats * 5
    trial.held(messages=repeats * 5, effects=repeats)


@pytest.mark.trials
def test_a_worker_that_is_asked_to_end_leaves_nothing_undone(trial: Trial, crew: Crew) -> None:
    """SIGTERM, as at each new version; the work under way is finished, or done by the next worker."""
    crew.worker()
    crew.beat()
    work = WORKS["gap run"](20)
    crew.ready()
    clean, _seconds = undisturbed(work)
    endings = []
    while trial.tried < 10:
        job = work.ask()
        wait_for(partial(begun, job), seconds=LONGEST, what=crew.said, every=0.003)
        asked = time.monotonic()
        crew.ask_to_end()
        endings.append(time.monotonic() - asked)
        crew.worker()
        wait_for(partial(over, job), seconds=LONGEST, what=crew.said)
        assert Job.objects.get(pk=job.pk).state == JobState.DONE
        assert work.effect(job) == clean
        trial.count()
    trial.held(ended_within_s=quantile(endings, 1), checksum=clean[:12])


def start_ended_again(crew: Crew) -> int:
    """On the folder, where a worker does its jobs itself, its supervisor starts it again; how many were."""
    ended = crew.ended()
    for name in ended:
        crew.start_again(name)
    return len(ended)


@pytest.mark.trials
def test_a_job_that_kills_its_worker_is_given_up_and_others_go_on(trial: Trial, crew: Crew) -> None:
    crew.worker(concurrency=2)
    crew.beat()
    crew.ready()
    poison = jobs.enqueue("trials.poison", {}, requested_by=None)
    others, restarts = [], 0
    asked = time.monotonic()
    while not over(poison):
        assert time.monotonic() - asked < LONGEST * 2, crew.said()
        others.append(jobs.enqueue("trials.nothing", {}, requested_by=None))
        restarts += start_ended_again(crew)
        time.sleep(0.5 if connection.vendor == "postgresql" else 4)
    seconds = time.monotonic() - asked
    wait_for(lambda: not Job.objects.active().exists(), seconds=LONGEST, what=crew.said)
    poison.refresh_from_db()
    assert poison.state == JobState.DEAD
    kills = crew.log("worker").read_text().count("exited with 'signal 9") + restarts
    assert kills == Job.MAX_ATTEMPTS
    done = Job.objects.filter(pk__in=[job.pk for job in others], state=JobState.DONE)
    assert done.count() == len(others)
    delays = [(job.finished_at - job.created_at).total_seconds() for job in done if job.finished_at]
    assert max(delays) < 60
    trial.tried = 1 + len(others)
    trial.held(kills=kills, given_up_after_s=round(seconds, 1), others=len(others), others_delay_max_s=max(delays))


@pytest.mark.trials
def test_two_beats_start_each_slot_once(trial: Trial, crew: Crew) -> None:
    crew.worker(concurrency=2)
    crew.beat("beat")
    crew.beat("second beat")
    crew.ready()
    time.sleep(130)  # two turns of the minute
    crew.kill("beat")
    crew.kill("second beat")
    wait_for(lambda: not Job.objects.active().exists(), seconds=LONGEST, what=crew.said)
    slots = Job.objects.filter(kind__in=periodic.PERIODIC).values("kind", "dedup_key").annotate(count=Count("pk"))
    assert set(slots.values_list("count", flat=True)) == {1}
    assert slots.filter(kind="core.seal_audit").count() >= 3
    assert set(Job.objects.values_list("state", flat=True)) == {JobState.DONE}
    doubles = Notification.objects.values("recipient", "dedup_key").annotate(count=Count("pk")).filter(count__gt=1)
    assert not doubles.exists()
    trial.tried = slots.count()
    trial.held(slots=slots.count(), started_twice=0)


@pytest.mark.trials
def test_work_goes_on_without_beat_and_what_was_lost_comes_with_it(trial: Trial, crew: Crew, broker: str) -> None:
    work = WORKS["gap run"](1)
    lost = work.ask()  # its message is thrown away below, no worker was there
    forget_messages(broker)
    crew.worker()
    crew.ready()
    direct = jobs.enqueue("trials.nothing", {}, requested_by=None)
    without = wait_for(lambda: over(direct), seconds=LONGEST, what=crew.said)
    time.sleep(5)
    assert not begun(lost), "nobody has told a worker"
    crew.beat()
    after = wait_for(lambda: over(lost), seconds=LONGEST, what=crew.said)
    assert Job.objects.get(pk=lost.pk).state == JobState.DONE
    trial.tried = 2
    trial.held(without_beat_s=round(without, 1), after_beat_came_s=round(after, 1))


def forget_messages(broker: str) -> None:
    """Lose all that waits in the broker."""
    if broker.startswith("redis"):
        import redis

        with redis.Redis.from_url(broker) as client:
            client.flushdb()
        return
    from django.conf import settings

    for message in (settings.CELERY_BROKER_DIR / "messages").iterdir():
        message.unlink()
