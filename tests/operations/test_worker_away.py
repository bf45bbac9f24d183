"""Where no worker works, though Redis is there, those who start background work are told on every page."""

from __future__ import annotations

import pytest
from django.db.models.functions import Now

from skillmap.config.celery import app
from skillmap.core import jobs, periodic
from skillmap.core.models import Job, PeriodicSlot
from skillmap.people.models import User
from tests.factories.assessment import World, make_cycle
from tests.support.clocks import wrong_clock
from tests.support.ground import on_ground
from tests.support.signing_in import english, signed_in

laid, world = on_ground(lambda: make_cycle(items=4))


@pytest.fixture(scope="module", autouse=True)
def _tasks_of_a_worker() -> None:
    """All periodic jobs are known here, as in a worker."""
    app.loader.import_default_modules()


@pytest.fixture
def last_slot(db: None) -> PeriodicSlot:
    """What the worker did last: begin a slot, just now."""
    periodic.tick()
    return PeriodicSlot.objects.latest("pk")


def told(user: User) -> bool:
    """Whether somebody's home says that the work stands still."""
    return "Background work has stood still" in english(signed_in(user)).get("/").content.decode()


def test_who_starts_background_work_is_told_that_nobody_does_it(world: World, last_slot: PeriodicSlot) -> None:
    concerned = (world.secretariat, world.supporter, world.coordinator)
    assert not any(told(user) for user in concerned)
    PeriodicSlot.objects.update(created_at=Now() - periodic.STILL_AFTER)
    assert all(told(user) for user in concerned)
    assert not any(told(user) for user in (world.user("started"), world.mentor, world.executive))
    last_slot.delete()
    PeriodicSlot.objects.create(name=last_slot.name, slot="the next")
    assert not any(told(user) for user in concerned), "as soon as somebody works again"


def test_before_the_first_start_it_is_told_once_something_waits(world: World) -> None:
    assert not PeriodicSlot.objects.exists()
    assert not told(world.secretariat)
    jobs.enqueue("core.seal_audit", {}, requested_by=None)
    assert not told(world.secretariat)
    Job.objects.update(created_at=Now() - periodic.STILL_AFTER)
    assert told(world.secretariat)


def test_a_worker_with_a_wrong_clock_gives_no_false_alarm(world: World) -> None:
    for minutes in (10, -10):
        with wrong_clock(minutes):
            periodic.tick()
        assert not told(world.secretariat)
        PeriodicSlot.objects.update(created_at=Now() - periodic.STILL_AFTER)
        assert told(world.secretariat)
