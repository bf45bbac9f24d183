"""The product's own processes on the database under test: workers, beat, the pages; to be killed and started anew."""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path

from scripts.processes import Family
from tests.support.processes import alive, descendants
from tests.support.services import free_port, wait_until

ROOT = Path(__file__).resolve().parent.parent.parent
CELERY = [sys.executable, "-m", "celery", "--app", "skillmap.config.celery:app"]


def wait_for(done: Callable[[], bool], *, seconds: float, what: object, every: float = 0.05) -> float:
    """Wait until `done()`; returns how long it took. Fails with `what` after `seconds`."""
    begun = time.monotonic()
    while not done():
        assert time.monotonic() - begun < seconds, f"after {seconds} s still not: {what() if callable(what) else what}"
        time.sleep(every)
    return time.monotonic() - begun


class Crew(Family):
    """Workers, beat and web servers of one test; each logs to a file of its name in `logs`."""

    def __init__(self, *, environment: Mapping[str, str], logs: Path) -> None:
        super().__init__(folder=ROOT, environment=os.environ | environment | {"PYTHONUNBUFFERED": "1"})
        self.logs = logs

    def log(self, name: str) -> Path:
        """Where a member's output goes."""
        return self.logs / f"{name}.log"

    def worker(self, name: str = "worker", *, concurrency: int = 1) -> None:
        """Start a worker; `ready` waits for it."""
        log = self.log(name)
        log.unlink(missing_ok=True)
        options = ["--loglevel", "INFO", "--concurrency", str(concurrency), "--without-gossip", "--without-mingle"]
        host = f"{name}-{os.getpid()}-{time.monotonic_ns()}@%h"
        self.start(name, [*CELERY, "worker", *options, "--hostname", host], log=log)

    def beat(self, name: str = "beat") -> None:
        """Start a beat with a schedule file of its own."""
        schedule = self.logs / f"{name}.schedule"
        command = [*CELERY, "beat", "--loglevel", "INFO", "--schedule", str(schedule), "--pidfile", ""]
        self.start(name, command, log=self.log(name))

    def web(self, name: str = "web", *, workers: int = 2, threads: int = 8) -> int:
        """Start gunicorn on a free port and wait until it answers; returns the port."""
        port = free_port()
        command = [
            sys.executable, "-m", "gunicorn", "skillmap.config.wsgi:application", "--bind", f"127.0.0.1:{port}",
            "--worker-class", "gthread", "--workers", str(workers), "--threads", str(threads),
            "--backlog", "2048", "--no-control-socket",
        ]  # fmt: skip
        process = self.start(name, command, log=self.log(name))
        wait_until(lambda: lives(port), process, self.log(name))
        return port

    def ready(self, *names: str) -> None:
        """Wait until these workers take jobs."""
        for name in names or ("worker",):
            log = self.log(name)
            wait_until(partial(self._takes_jobs, log), self.members[name], log)

    @staticmethod
    def _takes_jobs(log: Path) -> bool:
        return b" ready." in log.read_bytes()

    def children(self, name: str = "worker") -> set[int]:
        """Process ids below a member: a worker's pool."""
        return alive(descendants(self.members[name].pid))

    def who_do_jobs(self, name: str = "worker") -> set[int]:
        """Process ids of those that do a worker's jobs: its children, or on the folder the worker itself."""
        return self.children(name) or {self.members[name].pid}

    def kill_one(self, pid: int) -> None:
        """Kill a process; a member is started again, as its supervisor does."""
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        for name, process in self.members.items():
            if process.pid == pid:
                process.wait()
                self.start_again(name)
                return

    def kill(self, name: str = "worker") -> None:
        """Kill a member and all below it, at once."""
        self.signal(name, signal.SIGKILL)
        self.members.pop(name).wait()

    def ask_to_end(self, name: str = "worker", *, seconds: float = 60) -> None:
        """Send SIGTERM, as a supervisor does, and wait until it has ended by itself."""
        process = self.members.pop(name)
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(seconds)
            return
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        raise AssertionError(f"{name} did not end within {seconds} s")

    def signal(self, name: str, signum: signal.Signals) -> None:
        """Send a signal to a member and all below it."""
        os.killpg(self.members[name].pid, signum)

    def said(self, name: str = "worker") -> str:
        """The end of a member's log."""
        return self.log(name).read_text(errors="replace")[-4000:]


def lives(port: int) -> bool:
    """Whether the pages' process answers at all."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/livez")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()
