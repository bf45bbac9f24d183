"""A worker of the old version beside one of the new: each does what it knows, and nothing is lost or done twice."""

from __future__ import annotations

from functools import partial

import pytest

from skillmap.config.celery import app
from skillmap.core import jobs
from skillmap.core.choices import JobState
from skillmap.core.models import Job
from tests.support.crew import Crew, wait_for
from tests.support.trials import Trial, short_and_long
from tests.trials.works import LONGEST, over

# The folder is the demo's, whose workers are of one version: one that passes a message on there takes it back itself.
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.services, pytest.mark.postgres]
EACH = 4
OLD, NEW = "trials.nothing", "trials.of_tomorrow"


def ask(kind: str) -> list[int]:
    """Ask for some jobs of a kind; their ids."""
    return [jobs.enqueue(kind, {}, requested_by=None).pk for _job in range(EACH)]


def start_old(crew: Crew) -> None:
    """A worker that has not heard of the new kind."""
    crew.environment["TRIALS_VERSION"] = "old"
    crew.worker("old")
    del crew.environment["TRIALS_VERSION"]


def send_what_the_other_does_not_know(job_id: int) -> None:
    """Messages of another version: a task, and an argument, that one of the workers has never heard of."""
    app.send_task("skillmap.core.tasks.of_another_version", args=[job_id])
    app.send_task("skillmap.core.tasks.run_job", args=[job_id], kwargs={"of_another_version": 1})


@short_and_long(1, 20)
def test_what_the_old_worker_does_not_know_waits_for_the_new_one(trial: Trial, crew: Crew, repeats: int) -> None:
    crew.environment["JOB_LEASE_SECONDS"] = "60"  # nobody is killed: on a busy machine a short one runs out by itself
    start_old(crew)
    crew.beat()
    crew.ready("old")
    while trial.tried < repeats:
        new = ask(NEW)  # by pages of the new version, before its worker is there
        send_what_the_other_does_not_know(new[0])
        for pk in ask(OLD):
            wait_for(partial(over, Job(pk=pk)), seconds=LONGEST, what=partial(crew.said, "old"))
        waiting = Job.objects.filter(pk__in=new, state=JobState.QUEUED, attempt=0)
        assert waiting.count() == EACH, "the old worker leaves them alone"
        crew.worker("new")
        crew.ready("new")
        wait_for(lambda: not Job.objects.active().exists(), seconds=LONGEST, what=partial(crew.said, "new"))
        done = Job.objects.filter(pk__in=new, state=JobState.DONE, attempt=1, result={"version": "new"})
        assert done.count() == EACH
        assert not Job.objects.exclude(state=JobState.DONE).exists()
        assert crew.ended() == [], "what it does not know ends no worker"
        crew.kill("new")
        trial.count()
    trial.held(jobs_of_the_new_version=EACH * repeats, lost=0, done_twice=0)
