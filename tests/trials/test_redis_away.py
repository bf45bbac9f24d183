"""Redis is killed, emptied, started again, refuses or hangs: pages go on, and no work that was accepted is lost."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from functools import partial

import pytest
import redis

from skillmap.core import jobs
from skillmap.core.choices import JobState
from skillmap.core.models import Job
from skillmap.gaps.models import GapRun
from tests.support.browsing import Browser
from tests.support.crew import Crew, wait_for
from tests.support.services import Server
from tests.support.trials import Trial, quantile, short_and_long
from tests.trials.works import LONGEST, GapRuns, over, undisturbed

# What hangs and comes back is Redis: the database beside it does not matter, and the real one is PostgreSQL.
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.services, pytest.mark.postgres]


@pytest.fixture
def broker(own_redis: Server) -> str:
    """The Redis of this test."""
    return own_redis.url


def killed_and_started(server: Server) -> None:
    """It is gone for a second, and comes back empty."""
    server.stop(signal.SIGKILL)
    time.sleep(1)
    server.start()


def emptied(server: Server) -> None:
    """All messages are lost."""
    with redis.Redis.from_url(server.url) as client:
        client.flushall()


def asked_to_end(server: Server) -> None:
    """Stopped and started in an orderly way."""
    server.stop(signal.SIGTERM)
    server.start()


FAULTS: list[Callable[[Server], None]] = [killed_and_started, emptied, asked_to_end]


@pytest.mark.trials
@pytest.mark.parametrize("repeats", [pytest.param(10, id="long")])
def test_no_work_is_lost_with_redis(trial: Trial, own_redis: Server, crew: Crew, repeats: int) -> None:
    crew.worker(concurrency=2)
    crew.beat()
    work = GapRuns(20)
    crew.ready()
    clean, _seconds = undisturbed(work)
    recoveries = []
    for fault in FAULTS * repeats:
        run, other = work.ask(), jobs.enqueue("trials.nothing", {}, requested_by=None)
        fault(own_redis)
        back = time.monotonic()
        wait_for(lambda: not Job.objects.active().exists(), seconds=LONGEST * 2, what=crew.said)
        assert crew.ended() == [], "nobody has to start them anew"
        recoveries.append(time.monotonic() - back)
        states = Job.objects.filter(pk__in=[run.pk, other.pk]).values_list("state", flat=True)
        assert set(states) == {JobState.DONE}
        assert work.effect(run) == clean
        trial.count()
    trial.held(recovery_p95_s=quantile(recoveries, 0.95), recovery_max_s=quantile(recoveries, 1), lost=0)


def refuse_writes(server: Server, *, refuse: bool) -> None:
    """It answers every write with an error, as one whose disk is full does."""
    with redis.Redis.from_url(server.url) as client:
        client.config_set("min-replicas-to-write", int(refuse))


def noticed(crew: Crew) -> int:
    """How often the worker has said that its broker does not do as it should."""
    return crew.log("worker").read_text().count("Connection to broker lost")


def has_noticed(crew: Crew, before: int) -> bool:
    """Whether it has said so since, or has ended."""
    return bool(crew.ended()) or noticed(crew) > before


@short_and_long(1, 20)
def test_workers_outlive_a_redis_that_refuses(trial: Trial, own_redis: Server, crew: Crew, repeats: int) -> None:
    crew.worker()
    crew.beat()
    crew.ready()
    while trial.tried < repeats:
        before = noticed(crew)
        refuse_writes(own_redis, refuse=True)
        job = jobs.enqueue("trials.nothing", {}, requested_by=None)
        wait_for(partial(has_noticed, crew, before), seconds=LONGEST, what=crew.said)
        refuse_writes(own_redis, refuse=False)
        assert crew.ended() == [], crew.said()
        wait_for(partial(over, job), seconds=LONGEST * 2, what=crew.said)
        assert Job.objects.get(pk=job.pk).state == JobState.DONE
        trial.count()
    trial.held(refused=repeats, workers_ended=0, lost=0)


@pytest.mark.trials
@pytest.mark.parametrize("repeats", [pytest.param(60, id="long")])
def test_pages_go_on_while_redis_hangs(trial: Trial, own_redis: Server, crew: Crew, repeats: int) -> None:
    """It is frozen for `repeats` seconds: it takes connections and answers nothing."""
    crew.environment["REDIS_URL"] = own_redis.url
    crew.worker(concurrency=2)
    crew.beat()
    work = GapRuns(1)
    office = Browser(work.world.secretariat, crew.web(workers=2, threads=4)).sign_in()
    crew.ready()
    fields = {
        "cycle": work.world.cycle.pk,
        "survey": work.world.survey.pk,
        "basis": "confirmed",
        "population": ["ict"],
        "top_share": "1/3",
        "k": "5",
    }
    pages = ["/", "/gaps/runs/"]
    usual = [office.get(page).seconds for page in pages * 5][4:]
    own_redis.freeze()
    frozen_at = time.monotonic()
    hanging: list[float] = []
    asking: list[float] = []
    try:
        while time.monotonic() - frozen_at < repeats:
            hanging += [office.get(page).seconds for page in pages]
            level = 1 + len(asking) % 3
            asked = office.submit("/gaps/runs/new/", {**fields, "supply_level": level})
            assert asked.status == 302, asked.body[-2000:]
            asking.append(asked.seconds)
    finally:
        own_redis.thaw()
    back = time.monotonic()
    wait_for(lambda: all(over(run.job) for run in GapRun.objects.all() if run.job), seconds=LONGEST, what=crew.said)
    assert set(Job.objects.values_list("state", flat=True)) <= {JobState.DONE, JobState.QUEUED, JobState.RUNNING}
    assert {answer.status for answer in office.answers} <= {200, 302}
    assert max(asking) < 5, "asking for work waits for Redis a moment at most"
    trial.tried = len(hanging) + len(asking)
    trial.held(
        frozen_s=repeats,
        page_usual_p95_s=quantile(usual, 0.95),
        page_hanging_p95_s=quantile(hanging, 0.95),
        asking_for_work_max_s=quantile(asking, 1),
        runs_accepted=GapRun.objects.count(),
        recovery_s=round(time.monotonic() - back, 1),
    )
