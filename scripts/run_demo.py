"""Serve the demo: SQLite, made-up people, real worker processes, the beat, the pages on http://localhost:8000.

    make run
    make run PORT=8001
    make run DEMO="--people 40 --seed 7 --today 2026-11-21"    # a world of your own; for an empty `var` only

Everything it keeps lies in `var` (VAR_DIR to change): delete that folder to begin anew. Ctrl-C, SIGTERM or a closed
terminal ends all that it started.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import select
import shlex
import signal
import socket
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from scripts.processes import Family  # noqa: E402  (the project's folder must be on the path first)

START_SECONDS = 120.0
#: A server that ends by itself sooner than this would do so again.
STEADY_SECONDS = 10.0
#: Each takes one job at a time.
WORKERS = ("worker-1", "worker-2")


class DemoError(Exception):
    """Why the demo does not run, in words for the person at the terminal."""


class Stopped(BaseException):
    """Somebody pressed Ctrl-C, or sent SIGTERM or SIGHUP."""


def say(text: str) -> None:
    """Print a line at once; a terminal that is gone hears nothing."""
    with contextlib.suppress(OSError):
        print(text, flush=True)


class Audience:
    """Whoever started this: the terminal, and the make that did it.

    A closed terminal tells the shell and not always this process; a make that is killed tells nobody.
    """

    def __init__(self) -> None:
        self.make = os.getppid() if "MAKELEVEL" in os.environ else None
        self.terminal = select.poll()
        if sys.stdin is not None and sys.stdin.isatty():
            self.terminal.register(sys.stdin, 0)  # 0: only that it is gone

    def wait(self, seconds: float) -> None:
        """Wait; raise Stopped as soon as nobody is there any more."""
        if self.terminal.poll(seconds * 1000) or (self.make is not None and os.getppid() != self.make):
            stop()


def wanted_port() -> int:
    """Return PORT, 8000 by default; DemoError where it is no port."""
    text = os.environ.get("PORT") or "8000"
    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        raise DemoError(f"PORT={text} is not a port: take a number from 1024 to 65535.")
    return int(text)


def check_port(port: int) -> None:
    """Raise DemoError where somebody listens on localhost's `port` already, or this user may not."""
    for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        with contextlib.suppress(OSError), socket.socket(family) as probe:
            probe.settimeout(1)
            probe.connect((address, port))
            raise DemoError(f"Port {port} is in use by another program. Take another one: make run PORT={port + 1}")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            why = "may not be opened by this user" if error.errno == errno.EACCES else f"cannot be opened ({error})"
            raise DemoError(f"Port {port} {why}. Take another one: make run PORT=8001") from error


@contextlib.contextmanager
def only_one(folder: Path) -> Iterator[None]:
    """Let one demo at a time use this folder."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "demo.lock").open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise DemoError(f"The demo in {folder} runs already. Stop it first, or name another: VAR_DIR=") from error
        yield


def manage(family: Family, audience: Audience, *arguments: str) -> None:
    """Run a management command to its end; DemoError where it fails."""
    process = family.start("manage.py", [sys.executable, "manage.py", *arguments])
    while process.poll() is None:
        audience.wait(0.1)
    if process.returncode:
        raise DemoError(f"manage.py {' '.join(arguments)} failed; see above.")
    del family.members["manage.py"]


def start_servers(family: Family, *, port: int, logs: Path) -> None:
    """Start the workers, the beat and the web server."""
    celery = [sys.executable, "-m", "celery", "--app", "skillmap.config.celery:app"]
    for name in WORKERS:
        worker = ["worker", "--without-gossip", "--without-mingle", "--hostname", f"demo-{port}-{name}@%h"]
        family.start(name, [*celery, *worker], log=logs / f"{name}.log")
    family.start("beat", [*celery, "beat"], log=logs / "beat.log")
    web = [
        sys.executable, "-m", "gunicorn", "skillmap.config.wsgi:application", "--bind", f"127.0.0.1:{port}",
        "--worker-class", "gthread", "--workers", "1", "--threads", "8", "--graceful-timeout", "5",
        "--no-control-socket",
    ]  # fmt: skip
    family.start("web", web, log=logs / "web.log")


def answers(port: int) -> bool:
    """Say whether the web server says that it lives."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/livez", timeout=5) as response:
            return bool(response.status == 200)
    except (OSError, urllib.error.URLError):
        return False


def keep_up(family: Family, logs: Path) -> None:
    """Start again each server that ended by itself; DemoError, with the end of its log, where it had just started."""
    for name in family.ended():
        log = logs / f"{name}.log"
        if family.age(name) < STEADY_SECONDS:
            tail = "\n".join(log.read_text(errors="replace").splitlines()[-20:])
            raise DemoError(f"The {name} process ended by itself. The end of {log}:\n\n{tail}")
        family.start_again(name)
        say(f"The {name} process ended by itself and was started again; see {log}.")


def wait_until_up(family: Family, audience: Audience, *, port: int, logs: Path) -> None:
    """Return when the pages can be had."""
    deadline = time.monotonic() + START_SECONDS
    while not answers(port):
        keep_up(family, logs)
        if time.monotonic() > deadline:
            raise DemoError(f"The web server gave no answer in {START_SECONDS:.0f} s; see {logs / 'web.log'}.")
        audience.wait(0.2)


def serve(port: int, var: Path, audience: Audience) -> None:
    """Set up, serve, and watch until stopped; ends everything it started however it is left."""
    logs = var / "log"
    logs.mkdir(exist_ok=True)
    environment = os.environ | {"VAR_DIR": str(var), "PYTHONUNBUFFERED": "1"}
    environment.setdefault("DJANGO_SETTINGS_MODULE", "skillmap.config.settings.base")
    environment.setdefault("SITE_URL", f"http://localhost:{port}")
    family = Family(folder=ROOT, environment=environment)
    try:
        say("Preparing the database …")
        manage(family, audience, "migrate", "--no-input", "--verbosity", "0")
        # Prints the accounts, whether it has just made them or finds them there.
        manage(family, audience, "demo", "--if-empty", *shlex.split(os.environ.get("DEMO", "")))
        start_servers(family, port=port, logs=logs)
        wait_until_up(family, audience, port=port, logs=logs)
        say(f"\n  The demo is at  http://localhost:{port}\n  Logs: {logs}    Ctrl-C ends it.\n")
        while True:
            keep_up(family, logs)
            audience.wait(0.5)
    finally:
        family.end()


def stop(_signum: int = 0, _frame: FrameType | None = None) -> None:
    """Leave `serve` through its `finally`; while that runs, a second Ctrl-C changes nothing."""
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, signal.SIG_IGN)
    raise Stopped


def main() -> int:
    """Return 0 when stopped, 2 with the reason on stderr when it cannot run."""
    for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(signum, stop)
    audience = Audience()
    var = Path(os.environ.get("VAR_DIR") or ROOT / "var").absolute()
    try:
        port = wanted_port()
        check_port(port)
        with only_one(var):
            serve(port, var, audience)
    except DemoError as error:
        print(f"\n{error}\n", file=sys.stderr)
        return 2
    except Stopped:
        say("\nThe demo has ended. `make run` brings it back as it was.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
