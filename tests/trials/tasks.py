"""Jobs that only trials know."""

import os
import signal
from collections.abc import Mapping
from typing import Any

from skillmap.core.jobs import JobRun, job_handler


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
