"""What workers would do with the jobs that wait."""

from skillmap.core import jobs
from skillmap.core.models import Job


def run_due() -> int:
    """Do the due jobs of known kinds here and now, in their order; returns how many."""
    waiting = list(Job.objects.due().filter(kind__in=jobs.HANDLERS).order_by("pk").values_list("pk", flat=True))
    for job_id in waiting:
        jobs.run(job_id)
    return len(waiting)
