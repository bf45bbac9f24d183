"""Workers whose clocks are ten minutes ahead and behind: nobody takes what another is at, everybody is mailed once."""

from __future__ import annotations

from collections import Counter
from functools import partial
from pathlib import Path

import pytest

from skillmap.core import jobs, notifications, periodic
from skillmap.core.choices import JobState, MailState
from skillmap.core.models import Job, Notification
from tests.factories.assessment import make_organisation, make_people
from tests.support.crew import Crew, wait_for
from tests.support.trials import Trial, short_and_long
from tests.trials.test_mails import mailed
from tests.trials.works import LONGEST

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.services]
AHEAD = {"right": 0, "ahead": 10, "behind": -10}  # minutes
EACH, PEOPLE = 6, 10


def start_all(crew: Crew) -> None:
    """A worker with each clock, under the lease of the product: however busy the machine, none runs out by itself."""
    crew.environment["JOB_LEASE_SECONDS"] = "60"
    for name, minutes in AHEAD.items():
        crew.environment["MINUTES_AHEAD"] = str(minutes)
        crew.worker(name)
    del crew.environment["MINUTES_AHEAD"]
    crew.beat()
    crew.ready(*AHEAD)


def everything_done() -> bool:
    """Whether nothing waits any more."""
    waiting = Notification.objects.filter(mail_state=MailState.WAITING)
    return not Job.objects.active().exists() and not waiting.exists()


@short_and_long(1, 20, short_on=(pytest.mark.postgres,))
def test_wrong_clocks_take_nothing_from_others(trial: Trial, crew: Crew, tmp_path: Path, repeats: int) -> None:
    people = make_people(PEOPLE, [make_organisation("第一局")])
    start_all(crew)
    doers: Counter[str] = Counter()
    while trial.tried < repeats:
        number = trial.tried + 1
        asked = [jobs.enqueue("trials.slow", {}, requested_by=None).pk for _job in range(EACH)]
        for pk in asked * 3:  # each worker hears of each
            jobs.nudge(pk)
        notifications.notify_many(
            notifications.build(recipient_id=user.pk, kind="test", subject=f"round {number}", dedup_key=str(number))
            for user in people
        )
        wait_for(everything_done, seconds=LONGEST * 2, what=partial(crew.said, "ahead"))
        done = Job.objects.filter(pk__in=asked, state=JobState.DONE, attempt=1, fence=1)
        assert done.count() == EACH
        doers.update(done.values_list("lease_owner", flat=True))
        assert set(mailed(tmp_path / "mail", number).values()) == {1}
        trial.count()
    assert not Job.objects.filter(kind__in=periodic.PERIODIC).exclude(state=JobState.DONE).exists()
    trial.held(minutes_wrong=10, jobs_taken_from_others=0, mailed_twice=0, workers_that_worked=len(doers))
