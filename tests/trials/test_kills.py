"""Work whose worker is killed: it is done once, and its effect is that of a run nobody disturbed."""

from __future__ import annotations

import os
import random
import signal
import time
from contextlib import suppress

import pytest

from skillmap.core.choices import JobState
from skillmap.core.models import Job
from tests.support.crew import Crew, wait_for
from tests.support.trials import Trial, quantile, short_and_long
from tests.trials.works import WORKS, Work

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.services]
#: A kill must be followed by the end within five minutes; with the short leases of trials within a minute.
LONGEST = 60.0


def begun(job: Job) -> bool:
    """Whether a worker holds it."""
    return Job.objects.filter(pk=job.pk).exclude(state=JobState.QUEUED).exists()


def over(job: Job) -> bool:
    """Whether it has come to an end."""
    return not Job.objects.get(pk=job.pk).is_active


def at_work(job: Job) -> set[int]:
    """The process that holds the job; empty when nobody does any more."""
    owner = Job.objects.filter(pk=job.pk, state=JobState.RUNNING).values_list("lease_owner", flat=True).first()
    return {int(owner.rpartition(":")[2])} if owner else set()


def kill_child(crew: Crew, job: Job) -> bool:
    """Kill the pool's process that does the job; whether it was still at it."""
    for pid in at_work(job):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return not over(job)


def kill_whole(crew: Crew, job: Job) -> bool:
    """Kill the worker with its pool, and start another one; whether it was still at it."""
    crew.kill()
    caught = not over(job)
    crew.worker()
    return caught


KILLS = {"child": kill_child, "whole worker": kill_whole}


@pytest.mark.parametrize("kill", KILLS)
@pytest.mark.parametrize("kind", WORKS)
@short_and_long(1, 20)
def test_work_whose_worker_is_killed_is_done_once(trial: Trial, crew: Crew, repeats: int, kind: str, kill: str) -> None:
    work: Work = WORKS[kind]()
    crew.worker()
    crew.beat()
    crew.ready()
    clean, seconds = undisturbed(work)
    recoveries: list[float] = []
    attempts: set[int] = set()
    chance = random.Random(7)
    while trial.tried < repeats:
        job = work.ask()
        wait_for(lambda job=job: begun(job), seconds=LONGEST, what=crew.said, every=0.005)
        time.sleep(chance.random() * seconds)
        caught = KILLS[kill](crew, job)
        killed = time.monotonic()
        wait_for(lambda job=job: over(job), seconds=LONGEST, what=crew.said)
        assert Job.objects.get(pk=job.pk).state == JobState.DONE
        assert work.effect(job) == clean
        if caught:
            trial.count()
            recoveries.append(time.monotonic() - killed)
            attempts.add(Job.objects.get(pk=job.pk).attempt)
    assert attempts == {2}
    trial.held(recovery_p95_s=quantile(recoveries, 0.95), recovery_max_s=quantile(recoveries, 1), checksum=clean[:12])


def undisturbed(work: Work) -> tuple[str, float]:
    """The checksum of what a clean run leaves, and how many seconds it takes between begin and end."""
    job = work.ask()
    wait_for(lambda: over(job), seconds=LONGEST, what="a clean run")
    done = Job.objects.get(pk=job.pk)
    assert done.state == JobState.DONE, done.error
    assert done.started_at is not None and done.finished_at is not None
    return work.effect(job), (done.finished_at - done.started_at).total_seconds()
