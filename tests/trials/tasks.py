"""Jobs that only trials know."""

import os
import signal
import time
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


@job_handler("trials.slow")
def slow(run: JobRun) -> Mapping[str, Any]:
    """Be at it for a while."""
    for step in range(1, 6):
        time.sleep(0.1)
        run.progress(step, 5)
    return {}


def of_tomorrow(run: JobRun) -> Mapping[str, Any]:
    """Do what only the new version knows."""
    run.progress(1, 1)
    return {"version": "new"}


if os.environ.get("TRIALS_VERSION") != "old":
    job_handler("trials.of_tomorrow")(of_tomorrow)
