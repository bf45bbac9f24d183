"""`python -m bench.load`: gunicorn with 2 workers on PostgreSQL, and many people at their self-check; table and file.

Options: --people 200   --pause 4 (mean seconds between two requests of one person; 0 for none)   --workers 2
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench.__main__ import ROOT, command, make_world, servers
from scripts.processes import end_groups
from tests.support import services

RESULTS = ROOT / "bench" / "load.json"
THREADS = 4


@contextlib.contextmanager
def gunicorn(world: dict[str, str], workers: int, log: Path) -> Iterator[tuple[str, int]]:
    """The web server as production starts it, on a port of its own; its address and process id."""
    port = services.free_port()
    with log.open("wb") as sink:
        process = subprocess.Popen(
            [
                sys.executable, "-m", "gunicorn", "skillmap.config.wsgi:application", f"--bind=127.0.0.1:{port}",
                "--worker-class=gthread", f"--workers={workers}", f"--threads={THREADS}", "--no-control-socket",
            ],
            cwd=ROOT, env=world, stdin=subprocess.DEVNULL, stdout=sink, stderr=subprocess.STDOUT,
            start_new_session=True,
        )  # fmt: skip
        try:
            services.wait_until(lambda: services.answers(port), process, log)
            yield f"http://127.0.0.1:{port}", process.pid
        finally:
            end_groups([process], grace=services.STOP_SECONDS)


def cpu_and_memory(pid: int) -> tuple[float, float]:
    """CPU seconds of a process and its children so far, and the most memory that one of them holds, in MB."""
    ticks, most = 0.0, 0.0
    for folder in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError, IndexError):
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            if folder.name == str(pid) or fields[1] == str(pid):
                ticks += int(fields[11]) + int(fields[12])
                most = max(most, int((folder / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20)
    return ticks / os.sysconf("SC_CLK_TCK"), most


def main(arguments: Sequence[str]) -> None:
    """One load, its figures beside what the server spent."""
    parser = argparse.ArgumentParser(prog="python -m bench.load")
    parser.add_argument("--people", type=int, default=200)
    parser.add_argument("--pause", type=float, nargs="+", default=[4.0, 0.0])
    parser.add_argument("--workers", type=int, default=2)
    chosen = parser.parse_args(arguments)
    rows = []
    with servers() as (server, redis), services.private_folder("skillmap-load-") as folder:
        for number, pause in enumerate(chosen.pause):
            world = make_world(server, redis, 1000, name=f"load_{number}")
            with gunicorn(world, chosen.workers, folder / "log") as (address, pid):
                time.sleep(2)
                before, _memory = cpu_and_memory(pid)
                said = command(world, "-m", "bench.visitors", address, str(chosen.people), str(pause))
                after, memory = cpu_and_memory(pid)
            rows.append(
                {"pause": pause, "workers": chosen.workers, "threads": THREADS, "database": "postgresql"}
                | json.loads(said.splitlines()[-1])
                | {"server_cpu_seconds": round(after - before, 1), "server_peak_mb": round(memory, 1)}
            )
            print(json.dumps(rows[-1], ensure_ascii=False, indent=1), flush=True)
    RESULTS.write_text(json.dumps(rows, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
