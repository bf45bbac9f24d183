"""The process that opens untrusted files: `python -m skillmap.core.tabular._child`.

It reads one line of JSON (what to do) and then the file from standard input, puts itself under limits of time and
memory, and prints what `_wire` describes. It imports nothing of the web framework, is given no secrets, opens no file
and starts no program. Whatever goes wrong in here ends this process only.
"""

import json
import resource
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from skillmap.core.tabular._csv import read_csv
from skillmap.core.tabular._wire import Refused
from skillmap.core.tabular._workbook import read_workbook
from skillmap.core.tabular.limits import Limits


def confine(limits: Limits) -> None:
    """Put this process under its limits. Past the time it is killed; past the memory allocation fails."""
    resource.setrlimit(resource.RLIMIT_CPU, (limits.cpu_seconds, limits.cpu_seconds + 1))
    resource.setrlimit(resource.RLIMIT_AS, (limits.memory_bytes, limits.memory_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a dump would hold personal data
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


def usage() -> dict[str, float]:
    """CPU seconds and the peak of resident memory in kB.

    The peak is read from /proc: getrusage counts the parent's memory at the fork as well.
    """
    used = resource.getrusage(resource.RUSAGE_SELF)
    peak = float(used.ru_maxrss)
    status = Path("/proc/self/status")
    if status.exists():
        peak = next((float(line.split()[1]) for line in status.open() if line.startswith("VmHWM")), peak)
    return {"cpu": round(used.ru_utime + used.ru_stime, 3), "memory_kb": peak}


def read(data: bytes, order: dict[str, Any], limits: Limits) -> Iterator[Any]:
    """The lines to print for one file."""
    if order["kind"] == "csv":
        return read_csv(data, headers=set(order["headers"]), limits=limits)
    return read_workbook(data, sheets=order["sheets"], limits=limits)


def _counted(lines: Iterator[Any], limits: Limits) -> Iterator[Any]:
    """The lines as they come, refused once there are more rows than allowed."""
    yield next(lines)
    for count, line in enumerate(lines, start=1):
        if count > limits.rows + limits.header_rows:
            raise Refused("too_many_rows", limit=limits.rows, row=line[0])
        yield line


def main() -> None:
    """Read the order and the file, print the answer."""
    order = json.loads(sys.stdin.buffer.readline())
    limits = Limits(**order["limits"])
    confine(limits)
    write = sys.stdout.buffer.write
    try:
        for line in _counted(read(sys.stdin.buffer.read(), order, limits), limits):
            write(json.dumps(line, ensure_ascii=False).encode("utf-8", "surrogatepass") + b"\n")
        last: dict[str, Any] = {"end": True}
    except Refused as refusal:
        last = {"refused": refusal.code, "params": refusal.params}
    except (MemoryError, RecursionError):
        last = {"refused": "too_heavy", "params": {}}
    write(json.dumps(last | usage()).encode() + b"\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
