"""The worker is gone while Redis is there: who starts background work is told on the page, until it is back."""

from __future__ import annotations

from functools import partial

import pytest
from django.db.models import CharField
from django.db.models.functions import Cast, Now

from skillmap.core.models import PeriodicSlot
from skillmap.core.periodic import STILL_AFTER
from skillmap.people.choices import Role
from tests.factories.people import user_with
from tests.support.browsing import Browser
from tests.support.crew import Crew, wait_for
from tests.support.trials import Trial, quantile, short_and_long
from tests.trials.works import LONGEST

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.services]
WAITS = b'class="notice notice--warn"'


def told(browser: Browser, *, wanted: bool) -> bool:
    """Whether the page says, or does not say, that the work stands still."""
    answer = browser.get("/")
    assert answer.status == 200
    return (WAITS in answer.body) is wanted


def some_minutes_later() -> None:
    """What the worker began, it began long ago, in slots that are over."""
    PeriodicSlot.objects.update(created_at=Now() - STILL_AFTER, slot=Cast("pk", CharField()))


@short_and_long(1, 20, short_on=(pytest.mark.postgres,))
def test_a_worker_that_is_gone_is_told_and_so_is_its_return(trial: Trial, crew: Crew, repeats: int) -> None:
    crew.worker()
    crew.beat()
    browser = Browser(user_with(Role.SECRETARIAT), crew.web(workers=1, threads=2)).sign_in()
    wait_for(PeriodicSlot.objects.exists, seconds=LONGEST, what=crew.said)
    returns: list[float] = []
    while trial.tried < repeats:
        assert told(browser, wanted=False)
        crew.kill()
        some_minutes_later()
        assert told(browser, wanted=True)
        crew.worker()
        back = wait_for(partial(told, browser, wanted=False), seconds=LONGEST, what=crew.said)
        returns.append(back)
        trial.count()
    trial.held(told_after_s=STILL_AFTER.total_seconds(), told_of_return_after_max_s=quantile(returns, 1))


@pytest.mark.trials
@pytest.mark.postgres
@pytest.mark.parametrize("gone", ["worker", "beat"])
def test_by_the_clock_too_standing_still_is_told(trial: Trial, crew: Crew, gone: str) -> None:
    """As above, without setting any clock: who is gone is waited for."""
    crew.worker()
    crew.beat()
    browser = Browser(user_with(Role.SECRETARIAT), crew.web(workers=1, threads=2)).sign_in()
    wait_for(PeriodicSlot.objects.exists, seconds=LONGEST, what=crew.said)
    crew.kill(gone)
    after = wait_for(partial(told, browser, wanted=True), seconds=300, what="told", every=0.5)
    crew.worker() if gone == "worker" else crew.beat()
    back = wait_for(partial(told, browser, wanted=False), seconds=LONGEST * 2, what=crew.said)
    trial.count()
    trial.held(told_after_s=round(after, 1), told_of_return_after_s=round(back, 1))
