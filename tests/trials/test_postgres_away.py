"""PostgreSQL is stopped in the middle of things, or hangs: pages say so, and all work comes to its end afterwards."""

from __future__ import annotations

import random
import signal
import threading
import time
from collections import Counter
from functools import partial
from http.client import HTTPException

import pytest
from django.db import connection

from skillmap.core import jobs
from skillmap.core.choices import JobState
from skillmap.core.models import Job
from tests.support.browsing import Answer, Browser
from tests.support.crew import Crew, wait_for
from tests.support.services import Server
from tests.support.trials import Trial, quantile
from tests.trials.works import LONGEST, GapRuns, begun, over, undisturbed

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.services,
    pytest.mark.postgres,
    pytest.mark.trials,
]


class Reader:
    """Somebody who goes on loading a page the whole time."""

    def __init__(self, browser: Browser, page: str) -> None:
        self.browser, self.page, self.over = browser, page, threading.Event()
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self) -> None:
        while not self.over.is_set():
            try:
                self.browser.get(self.page)
            except (OSError, HTTPException):
                self.browser.answers.append(Answer(0, 0.0, b""))  # no answer at all
            time.sleep(0.2)

    def end(self) -> Counter[int]:
        """Stop; how often there was which answer."""
        self.over.set()
        self.thread.join(90)
        return Counter(answer.status for answer in self.browser.answers)


def at_work(crew: Crew) -> tuple[GapRuns, Browser]:
    """A worker, the beat and the pages; gap runs to ask for, and a browser of whoever asks."""
    crew.worker(concurrency=2)
    crew.beat()
    work = GapRuns(20)
    browser = Browser(work.world.secretariat, crew.web(workers=2, threads=4)).sign_in()
    crew.ready()
    return work, browser


@pytest.mark.parametrize("repeats", [pytest.param(10, id="long")])
def test_work_goes_on_after_postgres_was_stopped(trial: Trial, own_postgres: Server, crew: Crew, repeats: int) -> None:
    work, browser = at_work(crew)
    clean, seconds = undisturbed(work)
    reader = Reader(browser, "/gaps/runs/")
    recoveries: list[float] = []
    chance = random.Random(3)
    while trial.tried < repeats:
        job = work.ask()
        wait_for(partial(begun, job), seconds=LONGEST, what=crew.said, every=0.003)
        time.sleep(chance.random() * seconds)
        connection.close()
        own_postgres.stop(signal.SIGQUIT)  # as `pg_ctl stop -m immediate`: no goodbye, recovery at the next start
        time.sleep(2)
        own_postgres.start(parent_died=signal.SIGQUIT)
        back = time.monotonic()
        wait_for(partial(over, job), seconds=LONGEST * 2, what=crew.said)
        recoveries.append(time.monotonic() - back)
        assert Job.objects.get(pk=job.pk).state == JobState.DONE
        assert work.effect(job) == clean
        trial.count()
    statuses = reader.end()
    assert set(statuses) <= {200, 503}, statuses
    assert browser.answers[-1].status == 200
    trial.held(
        recovery_p95_s=quantile(recoveries, 0.95),
        recovery_max_s=quantile(recoveries, 1),
        pages_200=statuses[200],
        pages_503=statuses[503],
        pages_500=statuses[500],
    )


@pytest.mark.parametrize("repeats", [pytest.param(60, id="long")])
def test_work_goes_on_after_postgres_hung(trial: Trial, own_postgres: Server, crew: Crew, repeats: int) -> None:
    """Frozen for `repeats` seconds: it takes connections and answers nothing."""
    work, browser = at_work(crew)
    clean, seconds = undisturbed(work)
    reader = Reader(browser, "/gaps/runs/")
    job = work.ask()
    wait_for(lambda: begun(job), seconds=LONGEST, what=crew.said, every=0.003)
    time.sleep(seconds / 2)
    late = jobs.enqueue("trials.nothing", {}, requested_by=None)
    own_postgres.freeze()
    time.sleep(repeats)
    own_postgres.thaw()
    back = time.monotonic()
    wait_for(lambda: over(job) and over(late), seconds=LONGEST * 2, what=crew.said)
    recovery = time.monotonic() - back
    assert set(Job.objects.filter(pk__in=[job.pk, late.pk]).values_list("state", flat=True)) == {JobState.DONE}
    assert work.effect(job) == clean
    time.sleep(2)
    statuses = reader.end()
    assert set(statuses) <= {200, 503}, statuses
    assert browser.answers[-1].status == 200
    trial.tried = 2
    trial.held(frozen_s=repeats, recovery_s=round(recovery, 1), pages_200=statuses[200], pages_503=statuses[503])
