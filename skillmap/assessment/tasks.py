"""Jobs of the yearly check: opening a large cycle, confirming many, proposing mentors, the reminders of a day."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext as _

from skillmap.assessment.choices import CycleState
from skillmap.assessment.models import Cycle
from skillmap.assessment.selectors.mentoring import PROPOSE_KIND, proposals
from skillmap.assessment.services.confirming import CONFIRM_KIND, confirm_chunk
from skillmap.assessment.services.participation import OPEN_KIND, cycle_open, take_up_leavers
from skillmap.assessment.services.reminders import remind_automatically
from skillmap.assessment.services.standing import fold
from skillmap.core.errors import Conflict, NotAllowed, RuleViolation
from skillmap.core.jobs import LONG_STEP, JobRun, job_handler
from skillmap.core.periodic import daily_at, every_ten_minutes, periodic
from skillmap.people.access import access_of
from skillmap.people.choices import Role
from skillmap.people.models import User

CHUNK = 20
REMIND_KIND = "assessment.remind"
FOLD_KIND = "assessment.fold_counts"


def _actor(run: JobRun) -> User:
    """Whoever asked for the job, if the role is still held; what was allowed then may not be allowed now."""
    asked = run.job.requested_by_id
    user = User.objects.filter(pk=asked, is_active=True).first() if asked is not None else None
    try:
        if user is None:
            raise NotAllowed
        access_of(user).require(Role.SECRETARIAT)
    except NotAllowed as refused:
        raise RuleViolation(_("Your role does not allow this any more."), code="not_allowed") from refused
    return user


@job_handler(OPEN_KIND)
def open_cycle(run: JobRun) -> Mapping[str, Any]:
    """Open a cycle in one transaction; a second run finds it open."""
    cycle = Cycle.objects.get(pk=run.inputs["cycle"])
    if cycle.state == CycleState.DRAFT:
        run.progress(0, 1, _("Creating the checks"), lease=LONG_STEP)
        cycle = _opened(run, cycle)
    run.progress(1, 1)
    return {"people": cycle.assessments.count(), "url": reverse("assessment:board", args=[cycle.pk])}


def _opened(run: JobRun, cycle: Cycle) -> Cycle:
    try:
        return cycle_open(
            cycle_id=cycle.pk,
            version=run.inputs["version"],
            without_mentor=run.inputs["without_mentor"],
            actor=_actor(run),
        )
    except Conflict:
        cycle.refresh_from_db()
        if cycle.state != CycleState.OPEN:
            raise
        return cycle  # by a worker that was slow, and whose work this one was given as well


@job_handler(CONFIRM_KIND)
def confirm(run: JobRun) -> Mapping[str, Any]:
    """Confirm chosen checks in chunks; what was done before a crash is kept and not done twice."""
    actor = _actor(run)
    chosen = sorted((int(pk), int(version)) for pk, version in run.inputs["chosen"])
    outcome: dict[str, list[Any]] = {"confirmed": [], "changed": [], "left_out": [], **run.cursor.get("outcome", {})}
    start = int(run.cursor.get("done", 0))
    for first in range(start, len(chosen), CHUNK):
        done = min(first + CHUNK, len(chosen))
        with transaction.atomic():  # who cancels or takes over undoes the chunk that is not told of
            part = confirm_chunk(chosen[first : first + CHUNK], actor=actor)
            told = {key: [*rows, *part.get(key, [])] for key, rows in outcome.items()}
            run.progress(done, len(chosen), _("Confirming"), cursor={"done": done, "outcome": told})
        outcome = told
    return outcome


@job_handler(PROPOSE_KIND)
def propose_mentors(run: JobRun) -> Mapping[str, Any]:
    """Propose a mentor for everyone who has none; nothing is assigned."""
    _actor(run)
    cycle = Cycle.objects.get(pk=run.inputs["cycle"])
    run.progress(0, 1, _("Looking for the best pairs"), lease=LONG_STEP)
    found, capacity = proposals(cycle, capacity=run.inputs["capacity"])
    run.progress(1, 1)
    return {
        "capacity": capacity,
        "proposals": [[row.mentee, row.mentor, list(row.reasons), row.load] for row in found],
    }


@job_handler(REMIND_KIND)
def remind(run: JobRun) -> Mapping[str, Any]:
    """Write the reminders that fall on today, for every running cycle; a second run writes nothing twice.

    Before, whoever has left is taken out of the pairs, should the news of it have got lost: nobody is reminded of them.
    """
    take_up_leavers()
    cycles = list(Cycle.objects.filter(state=CycleState.OPEN).order_by("pk"))
    sent = 0
    for number, cycle in enumerate(cycles, start=1):
        sent += remind_automatically(cycle).sent
        run.progress(number, len(cycles))
    return {"sent": sent}


@job_handler(FOLD_KIND)
def fold_counts(run: JobRun) -> Mapping[str, Any]:
    """Add up the lines of the kept counts, so that reading them stays short; the sums are right without it."""
    fewer = fold()
    run.progress(1, 1)
    return {"fewer": fewer}


periodic(REMIND_KIND, daily_at(7))
periodic(FOLD_KIND, every_ten_minutes)
