"""Jobs of people: what a new day brings, and invitations by mail."""

from collections.abc import Mapping
from typing import Any

from skillmap.core.jobs import JobRun, job_handler
from skillmap.core.periodic import daily_at, periodic
from skillmap.people import services


@job_handler("people.apply_due")
def apply_due(run: JobRun) -> Mapping[str, Any]:
    """Bring organisations and people up to today; the same outcome however late or often it runs."""
    changes = services.changes_apply_due()
    run.progress(1, 2)
    return {"changes": changes, "people": services.people_apply_due()}


periodic("people.apply_due", daily_at(0))
