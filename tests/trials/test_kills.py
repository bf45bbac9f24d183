"""Work whose worker is killed: it is done once, and its effect is that of a run nobody disturbed."""

from __future__ import annotations

import random
import time
from functools import partial

import pytest
from django.db.models.functions import Now

from skillmap.core import jobs
from skillmap.core.choices import JobState
from skillmap.core.models import Job
from tests.support.crew import Crew, wait_for
from tests.support.trials import Trial, quantile
from tests.trials.works import LONGEST, WORKS, begun, over, undisturbed

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.services]


def kill_child(crew: Crew, job: Job) -> bool:
    """Kill the process that does the job, and no other; whether it was still at it."""
    owner = Job.objects.values_list("lease_owner", flat=True).get(pk=job.pk)
    crew.kill_one(int(owner.rpartition(":")[2]))
    return not over(job)


def kill_whole(crew: Crew, job: Job) -> bool:
    """Kill the worker with its pool, and start another one; whether it was still at it."""
    crew.kill()
    caught = not over(job)
    crew.worker()
    return caught


KILLS = {"child": kill_child, "whole worker": kill_whole}
LONG = [
    pytest.param(kind, kill, 20, id=f"long-{kind}-{kill}", marks=pytest.mark.trials) for kind in WORKS for kill in KILLS
]
SHORT = [pytest.param("gap run", "child", 1, id="short", marks=pytest.mark.postgres)]


@pytest.mark.parametrize(("kind", "kill", "repeats"), [*SHORT, *LONG])
def test_work_whose_worker_is_killed_is_done_once(trial: Trial, crew: Crew, kind: str, kill: str, repeats: int) -> None:
    if repeats == 1:  # on a busy machine the short lease of trials may run out by itself
        crew.environment["JOB_LEASE_SECONDS"] = "60"
    crew.worker()
    crew.beat()
    work = WORKS[kind](repeats)
    crew.ready()
    clean, seconds = undisturbed(work)
    recoveries: list[float] = []
    attempts: set[int] = set()
    chance = random.Random(7)
    while trial.tried < repeats:
        job = work.ask()
        wait_for(partial(begun, job), seconds=LONGEST, what=crew.said, every=0.003)
        time.sleep(chance.random() * seconds)
        caught = KILLS[kill](crew, job)
        killed = time.monotonic()
        if repeats == 1:
            Job.objects.active().filter(pk=job.pk).update(lease_until=Now())
        wait_for(partial(over, job), seconds=LONGEST, what=crew.said)
        done = Job.objects.get(pk=job.pk)
        assert done.state == JobState.DONE, done.error
        assert work.effect(job) == clean
        if caught:
            trial.count()
            recoveries.append(time.monotonic() - killed)
            attempts.add(done.attempt)
    assert attempts == {2}
    trial.held(recovery_p95_s=quantile(recoveries, 0.95), recovery_max_s=quantile(recoveries, 1), checksum=clean[:12])


def done_at_once(crew: Crew) -> None:
    """Ask for two jobs, one after the other, and wait until each is done."""
    for _each in range(2):
        job = jobs.enqueue("trials.nothing", {}, requested_by=None)
        wait_for(partial(over, job), seconds=LONGEST, what=crew.said)
        assert Job.objects.get(pk=job.pk).state == JobState.DONE


def test_those_that_are_killed_while_they_wait_leave_nobody_waiting(crew: Crew) -> None:
    """Whoever waits for the next job holds nothing that those after it need."""
    crew.worker(concurrency=2)
    done_at_once(crew)  # from then on all of them wait
    for pid in crew.who_do_jobs():
        crew.kill_one(pid)
    done_at_once(crew)


@pytest.mark.trials
@pytest.mark.postgres
def test_with_the_leases_of_the_product_a_killed_worker_costs_minutes(trial: Trial, crew: Crew) -> None:
    """As above, with the lease and the tick that the product comes with; five minutes are allowed."""
    crew.environment |= {"JOB_LEASE_SECONDS": "60", "TICK_SECONDS": "30"}
    crew.worker(concurrency=2)
    crew.beat()
    work = WORKS["gap run"](20)
    crew.ready()
    clean, _seconds = undisturbed(work)
    recoveries: list[float] = []
    while trial.tried < 2:
        job = work.ask()
        wait_for(partial(begun, job), seconds=LONGEST, what=crew.said, every=0.003)
        caught = kill_whole(crew, job)
        killed = time.monotonic()
        wait_for(partial(over, job), seconds=300, what=crew.said)
        assert Job.objects.get(pk=job.pk).state == JobState.DONE
        assert work.effect(job) == clean
        if caught:
            trial.count()
            recoveries.append(time.monotonic() - killed)
    trial.held(lease_s=60, tick_s=30, recovery_max_s=quantile(recoveries, 1))
