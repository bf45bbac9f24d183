"""Celery entry points of the core, and its own job kinds."""

from collections.abc import Mapping
from typing import Any

from celery import Task, shared_task

from skillmap.core import audit, imports, jobs, notifications, periodic, resubmission
from skillmap.core.jobs import JobRun, job_handler


@shared_task(bind=True, name="skillmap.core.tasks.run_job", ignore_result=True)
def run_job(self: Task[..., None], job_id: int) -> None:
    """Do one job; the row says whether there is anything to do. One of another version goes on to the next worker."""
    if not jobs.is_for_others(job_id):
        jobs.run(job_id)
        return
    passed_on = int((self.request.headers or {}).get("passed_on", 0))
    if passed_on < jobs.MOST_PASSED_ON:
        jobs.nudge(job_id, passed_on=passed_on + 1)


@shared_task(name="skillmap.core.tasks.tick", ignore_result=True)
def tick() -> None:
    """Beat's heartbeat: start due periodic jobs, mail what waits, nudge what got lost."""
    periodic.tick()
    jobs.sweep()
    send_notifications.delay()


@shared_task(name="skillmap.core.tasks.send_notifications", ignore_result=True)
def send_notifications() -> None:
    """Mail waiting notices."""
    notifications.send_waiting()


@job_handler("core.seal_audit")
def seal_audit(run: JobRun) -> Mapping[str, Any]:
    """Seal the audit trail up to now."""
    sealed = 0
    while count := audit.seal():
        sealed += count
        run.progress(sealed, sealed)
    periodic.forget_old_slots()
    resubmission.forget_submitted()
    return {"sealed": sealed}


@job_handler("core.forget_imports")
def forget_imports(run: JobRun) -> Mapping[str, Any]:
    """Drop staged rows and files whose time is over."""
    return {"tables": imports.forget_old()}


periodic.periodic("core.seal_audit", periodic.every_minute)
periodic.periodic("core.forget_imports", periodic.daily_at(3))
