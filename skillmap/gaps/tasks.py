"""Jobs of supply and demand: computing a run, the reminders of a day."""

from collections.abc import Mapping
from typing import Any

from skillmap.core.errors import RuleViolation
from skillmap.core.jobs import JobCancelled, JobRun, job_handler
from skillmap.core.periodic import daily_at, periodic
from skillmap.gaps.models import GapRun
from skillmap.gaps.run_messages import refuse
from skillmap.gaps.services.computing import compute, discard, runs_left_behind
from skillmap.gaps.services.demand_reminders import remind_of_demand
from skillmap.gaps.services.runs import RUN_KIND
from skillmap.people.access import access_of
from skillmap.people.models import User


@job_handler(RUN_KIND)
def gap_run(run: JobRun) -> Mapping[str, Any]:
    """Compute the run of this job; a second time it begins anew or finds it finished. Cancelled, it keeps no levels."""
    found = GapRun.objects.select_related("cycle", "survey", "framework").get(job=run.job)
    try:
        _refuse_unless_allowed(run)
        return compute(found, run.progress)
    except (JobCancelled, RuleViolation):
        discard(found)
        raise


def _refuse_unless_allowed(run: JobRun) -> None:
    """Whoever asked must still be of the secretariat; nobody did where it was asked for on the command line."""
    asked = run.job.requested_by_id
    if asked is None:
        return
    user = User.objects.get(pk=asked)
    if not access_of(user).is_secretariat:
        raise refuse("not_allowed")


SWEEP_KIND = "gaps.forget_inputs"


@job_handler(SWEEP_KIND)
def forget_inputs(run: JobRun) -> Mapping[str, Any]:
    """Drop the levels read for runs that ended without a result, however they ended."""
    left = runs_left_behind()
    for found in left:
        discard(found)
    run.progress(1, 1)
    return {"runs": len(left)}


REMIND_KIND = "gaps.demand_remind"


@job_handler(REMIND_KIND)
def remind(run: JobRun) -> Mapping[str, Any]:
    """Write the reminders of the demand survey that fall on today; a second run writes nothing twice."""
    people = remind_of_demand()
    run.progress(1, 1)
    return {"people": people}


periodic(REMIND_KIND, daily_at(7))
periodic(SWEEP_KIND, daily_at(3))
