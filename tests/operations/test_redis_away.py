"""Without Redis the pages work as quickly as with it, and those who start background work are told that it waits."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.cache.backends.redis import RedisCache
from django.test import Client

from skillmap.config.celery import app
from skillmap.core import jobs, redis_health
from skillmap.core.cache import ResilientRedisCache
from skillmap.core.models import Job
from skillmap.core.redis_health import Probe, probe_of
from skillmap.core.tasks import run_job
from skillmap.people.models import User
from tests.conftest import unavailable
from tests.factories.assessment import World, make_cycle
from tests.support.services import MissingServiceError, Server, redis_server
from tests.support.signing_in import english, signed_in


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A Redis that may be frozen and stopped."""
    try:
        with redis_server() as found:
            yield found
    except MissingServiceError as error:
        unavailable(error)


@pytest.fixture
def probe(server: Server, monkeypatch: pytest.MonkeyPatch) -> Probe:
    """What this process knows of it, asked often."""
    monkeypatch.setattr(redis_health, "EVERY", 0.05)
    probe_of.cache_clear()
    return probe_of(server.url)


def counted(monkeypatch: pytest.MonkeyPatch, owner: Any, name: str) -> list[object]:
    """Let each call of a function leave a mark."""
    calls: list[object] = []
    real = getattr(owner, name)

    def call(*args: Any, **kwargs: Any) -> Any:
        calls.append(args)
        return real(*args, **kwargs)

    monkeypatch.setattr(owner, name, call)
    return calls


def wait_until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.sqlite
@pytest.mark.services
def test_a_redis_that_hangs_costs_one_request_a_moment_and_the_others_nothing(
    server: Server, probe: Probe, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody waits twice: it is asked once. How long the once takes is measured by tests/trials."""
    asked = counted(monkeypatch, RedisCache, "get"), counted(monkeypatch, RedisCache, "add")
    cache = ResilientRedisCache(server.url, {})
    cache.set("limit", 1)
    assert cache.incr("limit") == 2
    server.freeze()
    try:
        assert cache.get("limit") is None
        assert probe.was_away
        assert all(cache.add(f"limit{n}", n) for n in range(100))
        assert [len(calls) for calls in asked] == [1, 0]
        assert cache.incr("limit7") == 8, "login limits hold in this process meanwhile"
    finally:
        server.thaw()
    wait_until(lambda: not probe.was_away)
    assert cache.get("limit") == 2


@pytest.mark.sqlite
@pytest.mark.services
@pytest.mark.django_db(transaction=True)
def test_a_job_is_asked_for_without_waiting_for_a_redis_known_to_be_away(
    server: Server, probe: Probe, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.CELERY_BROKER_URL = server.url
    monkeypatch.setitem(app.conf, "broker_url", server.url)
    monkeypatch.setattr(app, "_pool", None)
    monkeypatch.setattr(app.amqp, "_producer_pool", None)
    asking, answers = threading.Event(), Probe._answers
    monkeypatch.setattr(Probe, "_answers", lambda asked: asking.wait(60) and answers(asked))
    server.stop(signal.SIGTERM)
    try:
        assert not redis_health.background_waits(), "the first question is not waited for"
        asking.set()
        wait_until(redis_health.background_waits)
        sent = counted(monkeypatch, run_job, "apply_async")
        jobs.enqueue("test.none", {}, requested_by=None)
        assert not sent
        assert Job.objects.get().is_active
    finally:
        server.start()
    wait_until(lambda: not redis_health.background_waits())


@pytest.mark.django_db
def test_those_who_start_background_work_are_told_that_it_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    world: World = make_cycle(items=4)

    def told(user: User) -> bool:
        return "background work" in english(signed_in(user)).get("/").content.decode().lower()

    assert not told(world.coordinator)
    monkeypatch.setattr("skillmap.portal.context.background_waits", lambda: True)
    assert [told(user) for user in (world.secretariat, world.supporter, world.coordinator)] == [True] * 3
    assert [told(user) for user in (world.user("started"), world.mentor, world.executive)] == [False] * 3
    assert "background work" not in english(Client()).get("/accounts/login/").content.decode().lower()
