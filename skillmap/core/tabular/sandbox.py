"""Starts the process that opens an untrusted file, and understands how it ended."""

import json
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from skillmap.core.tabular.limits import Limits
from skillmap.core.tabular.problems import TabularError, shown

logger = logging.getLogger(__name__)

ROOT = Path(__file__).resolve().parents[3]
# No site of the user, no compiled files written; nothing of the service's environment, which holds its secrets.
COMMAND = (sys.executable, "-E", "-s", "-B", "-m", "skillmap.core.tabular._child")
ENVIRONMENT = {"PATH": os.defpath, "LANG": "C.UTF-8"}
TIME_IS_UP = {-signal.SIGXCPU}
NO_MEMORY = {-signal.SIGABRT, -signal.SIGKILL, -signal.SIGSEGV, -signal.SIGBUS}


@dataclass(frozen=True, slots=True)
class Parsed:
    """What the process read: facts about the file, rows as (number, cells, ...), and what it took."""

    facts: dict[str, Any]
    rows: list[list[Any]]
    cpu_seconds: float
    memory_kb: float


def parse(data: bytes, *, kind: str, headers: Collection[str], sheets: Sequence[str], limits: Limits) -> Parsed:
    """Read a file in a process of its own, under limits of time and memory.

    Args:
        data: the file.
        kind: "xlsx" or "csv".
        headers: the expected headers as `keys.header_key` gives them; they decide on the separator of a CSV file.
        sheets: names of which the first found is read; empty for the first visible sheet.
        limits: the ceilings.

    Raises:
        TabularError: where the file is refused, or the process ended in any other way than well.
    """
    order = {"kind": kind, "headers": sorted(headers), "sheets": list(sheets), "limits": asdict(limits)}
    request = json.dumps(order).encode() + b"\n" + data
    try:
        done = subprocess.run(  # noqa: S603  (a fixed command, no shell, the file comes by standard input)
            COMMAND,
            input=request,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # a traceback could quote the file
            cwd=ROOT,
            env=ENVIRONMENT,
            timeout=limits.wall_seconds,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise TabularError("too_slow") from error
    if done.returncode != 0:
        raise TabularError(_reason(done.returncode))
    return _understood(done.stdout)


def _reason(returncode: int) -> str:
    """Why the process ended badly. A failed allocation of native code aborts."""
    logger.warning("The process reading an uploaded table ended with %d.", returncode)
    if returncode in TIME_IS_UP:
        return "too_slow"
    return "too_heavy" if returncode in NO_MEMORY else "unreadable"


def _understood(output: bytes) -> Parsed:
    lines = [json.loads(line) for line in output.decode("utf-8", "surrogatepass").split("\n") if line]
    last = lines[-1] if lines else {}
    if not isinstance(last, dict) or "cpu" not in last:
        raise TabularError("unreadable")
    if "refused" in last:
        error = TabularError(last["refused"], **{name: _harmless(value) for name, value in last["params"].items()})
        error.cpu_seconds, error.memory_kb = last["cpu"], last["memory_kb"]
        raise error
    return Parsed(facts=lines[0], rows=lines[1:-1], cpu_seconds=last["cpu"], memory_kb=last["memory_kb"])


def _harmless(value: Any) -> Any:
    """Foreign text in the values of a message (names of sheets) without what cannot be shown."""
    if isinstance(value, list):
        return [_harmless(item) for item in value]
    return shown(value) if isinstance(value, str) else value
