"""Jobs that only trials know."""

import os
import signal
from collections.abc import Mapping
from typing import Any

from skillmap.core.imports import applying, checking
from skillmap.core.jobs import JobRun, job_handler
from skillmap.core.models import Job


@job_handler("trials.poison")
def poison(run: JobRun) -> Mapping[str, Any]:
    """Kill the process that does it."""
    os.kill(os.getpid(), signal.SIGKILL)
    return {}


@job_handler("trials.nothing")
def nothing(run: JobRun) -> Mapping[str, Any]:
    """Be done."""
    run.progress(1, 1)
    return {}


# What reads or writes a whole table holds its job for minutes: here no longer than any other step.
for _module in (applying, checking):
    _module.LONG_STEP = Job.LEASE  # type: ignore[attr-defined]
