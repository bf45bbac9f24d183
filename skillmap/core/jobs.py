"""Long jobs: the row is the truth, a message to the worker is only a nudge, and running twice does no harm.

A job's code is a handler registered under its kind. It gets a `JobRun`, works in chunks, and calls `run.progress()`
between them; each such call renews the lease and fails when the job was cancelled or taken over. What it says there,
and why it failed, is written down in the `language` that its inputs keep, where they keep one.

While a new version replaces the old one, workers of both are there. A worker takes only kinds that it knows, and passes
messages about others on. So inputs that an older worker would misread get a kind of their own, such as `gaps.run.2`.
"""

import logging
import os
import socket
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from datetime import timedelta
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.db import IntegrityError, connection, transaction
from django.db.models import F
from django.db.models.functions import Now
from django.utils import translation
from django.utils.translation import gettext as _

from skillmap.core import audit
from skillmap.core.choices import JobState
from skillmap.core.errors import RuleViolation
from skillmap.core.models import Job
from skillmap.core.redis_health import broker_probe

logger = logging.getLogger(__name__)

Handler = Callable[["JobRun"], Mapping[str, Any] | None]
HANDLERS: dict[str, Handler] = {}
#: So often a message about a kind that is not known here goes to the next worker; then it waits for the sweeper.
MOST_PASSED_ON = 8
#: A lease for steps that can't be divided: reading one file, writing one table, opening a cycle.
LONG_STEP = Job.LEASE * 3


class JobLost(Exception):  # noqa: N818
    """Another worker took this job over; what this one does no longer counts."""


class JobCancelled(Exception):  # noqa: N818
    """Somebody asked to stop."""


class JobLater(Exception):  # noqa: N818
    """What the job needs is away, such as the mail server: it is done again later, and no attempt is spent on that."""

    def __init__(self, after: timedelta) -> None:
        super().__init__(after)
        self.after = after


def job_handler(kind: str) -> Callable[[Handler], Handler]:
    """Register the code of one kind of job."""

    def register(handler: Handler) -> Handler:
        HANDLERS[kind] = handler
        return handler

    return register


def enqueue(
    kind: str,
    inputs: Mapping[str, Any],
    *,
    requested_by: AbstractBaseUser | None,
    dedup_key: str = "",
    purpose: str = "",
) -> Job:
    """Write the row in the transaction of the caller, and nudge a worker once it is committed.

    With a `dedup_key`, an active job of the same kind and key is returned instead of a second one, unless somebody
    asked it to stop.
    """
    wanted = Job(
        kind=kind,
        inputs=dict(inputs),
        requested_by_id=requested_by.pk if requested_by is not None else None,
        dedup_key=dedup_key,
        purpose=purpose,
    )
    while not _insert(wanted):
        active = Job.objects.active().filter(kind=kind, dedup_key=dedup_key).first()
        if active is not None:
            return active  # else it ended at this moment, and there is room for this one
    transaction.on_commit(lambda: nudge(wanted.pk), robust=True)
    return wanted


def _insert(wanted: Job) -> bool:
    """Write the row; False where an active one has its kind and key."""
    try:
        with transaction.atomic():
            wanted.save(force_insert=True)
    except IntegrityError:
        return False
    return True


def nudge(job_id: int, *, passed_on: int = 0) -> None:
    """Tell a worker; a broker that is away is no error, the sweeper tells again.

    `passed_on`: how many workers were told before and do not know its kind.
    """
    from skillmap.core.tasks import run_job

    probe = broker_probe()
    if probe is not None and probe.was_away:
        return
    try:
        run_job.apply_async(args=(job_id,), headers={"passed_on": str(passed_on)}, retry=False, ignore_result=True)
    except Exception as error:  # noqa: BLE001  whatever the broker's library raises, the row is safe
        logger.warning("nudge_failed", extra={"job": job_id, "error": type(error).__name__})
        if probe is not None:
            probe.note_away()


@transaction.atomic
def request_cancel(job: Job, actor: AbstractBaseUser | None = None) -> None:
    """Ask an active job to stop; a queued one stops at once. Who asked is recorded.

    A running one gives up its key: whoever asks for the same again gets a job that is done, not the one that dies.
    """
    audit.record(verb="job.cancel", actor=actor, target=job, kind=job.kind)
    moved = Job.objects.filter(pk=job.pk, state=JobState.QUEUED).update(
        state=JobState.CANCELLED, cancel_requested=True, finished_at=Now()
    )
    if not moved:
        Job.objects.filter(pk=job.pk, state=JobState.RUNNING).update(cancel_requested=True, dedup_key="")


class JobRun:
    """One attempt at a job: its inputs, its cursor, and the one way to report progress."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.inputs: dict[str, Any] = job.inputs
        self.cursor: dict[str, Any] = job.cursor

    def progress(
        self,
        done: int,
        total: int,
        message: object = "",
        *,
        cursor: Mapping[str, Any] | None = None,
        lease: timedelta = Job.LEASE,
    ) -> None:
        """Store progress and renew the lease; a longer one where the next step can't be divided.

        Call it inside the transaction that writes a chunk: when the job was taken over or cancelled, the exception
        undoes the chunk. Raises JobLost or JobCancelled.
        """
        if cursor is not None:
            self.cursor = dict(cursor)
        held = Job.objects.filter(pk=self.job.pk, state=JobState.RUNNING, fence=self.job.fence)
        moved = held.filter(cancel_requested=False).update(
            done=done, total=total, message=str(message)[:300], cursor=self.cursor, lease_until=Now() + lease
        )
        if moved:
            return
        raise JobCancelled if held.exists() else JobLost


def _worker_name() -> str:
    return f"{socket.gethostname()}:{os.getpid()}"


def _claim(job_id: int) -> Job | None:
    """Take the job by compare and set; None when another worker has it, it is over, or its kind is not known here.

    Leases begin and end by the database's clock: a worker whose own is ahead would take what others are still at.
    """
    moved = (
        Job.objects.due()
        .filter(pk=job_id, kind__in=HANDLERS)
        .update(
            state=JobState.RUNNING,
            lease_owner=_worker_name(),
            lease_until=Now() + Job.LEASE,
            fence=F("fence") + 1,
            attempt=F("attempt") + 1,
            started_at=Now(),
        )
    )
    return Job.objects.get(pk=job_id) if moved else None


def _finish(job: Job, state: JobState, *, error: str = "", result: Mapping[str, Any] | None = None) -> None:
    changes: dict[str, Any] = {"state": state, "finished_at": Now(), "error": error[:300], "lease_until": None}
    if result is not None:
        changes["result"] = dict(result)
    Job.objects.filter(pk=job.pk, state=JobState.RUNNING, fence=job.fence).update(**changes)


def _retry_or_fail(job: Job, error: Exception) -> None:
    """A fault of the surroundings is tried again, at most MAX_ATTEMPTS times; then the job is given up, visibly."""
    if job.attempt >= Job.MAX_ATTEMPTS:
        _finish(job, JobState.DEAD, error=type(error).__name__)
        return
    Job.objects.filter(pk=job.pk, state=JobState.RUNNING, fence=job.fence).update(
        state=JobState.QUEUED,
        lease_until=None,
        error=type(error).__name__,
        not_before=Now() + Job.LEASE * job.attempt / 4,
    )


def _put_off(job: Job, later: JobLater) -> None:
    Job.objects.filter(pk=job.pk, state=JobState.RUNNING, fence=job.fence).update(
        state=JobState.QUEUED,
        lease_until=None,
        attempt=F("attempt") - 1,
        error=type(later.__cause__ or later).__name__,
        not_before=Now() + later.after,
    )


def is_for_others(job_id: int) -> bool:
    """Whether it waits for a worker of another version."""
    return Job.objects.due().filter(pk=job_id).exclude(kind__in=HANDLERS).exists()


def run(job_id: int) -> None:
    """Do one job, if it is free; never raises."""
    job = _claim(job_id)
    if job is None:
        return
    with _language_of(job):
        _do(job)


def _language_of(job: Job) -> AbstractContextManager[object]:
    language = job.inputs.get("language")
    return translation.override(language) if language else nullcontext()


def _do(job: Job) -> None:
    if job.attempt > Job.MAX_ATTEMPTS:
        _finish(job, JobState.DEAD, error=_("Its worker died several times."))
        return
    try:
        result = HANDLERS[job.kind](JobRun(job))
    except JobCancelled:
        _finish(job, JobState.CANCELLED)
    except JobLost:
        logger.warning("job_lost", extra={"job": job.pk})
    except JobLater as later:
        _put_off(job, later)
    except RuleViolation as refusal:
        _finish(job, JobState.FAILED, error=str(refusal), result={"code": refusal.code, **refusal.details})
    except Exception as error:
        logger.exception("job_failed", extra={"job": job.pk, "kind": job.kind})
        if connection.in_atomic_block:  # the runner itself is inside somebody's transaction (a test): let it show
            raise
        _retry_or_fail(job, error)
    else:
        _finish(job, JobState.DONE, result=result or {})


def sweep(limit: int = 100) -> int:
    """Nudge what got lost: queued jobs and jobs whose worker is gone; returns how many.

    Kinds that are not known here come last and are few: where nobody knows them they must not stand in others' way.
    """
    others = Job.objects.due().exclude(kind__in=HANDLERS).order_by("pk").values_list("pk", flat=True)
    waiting = [*_due(limit), *others[: limit // 10]]
    for job_id in waiting:
        nudge(job_id)
    return len(waiting)


def _due(limit: int) -> list[int]:
    return list(Job.objects.due().filter(kind__in=HANDLERS).order_by("pk").values_list("pk", flat=True)[:limit])
