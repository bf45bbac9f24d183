"""Private servers for tests: PostgreSQL and Redis on free ports, in folders of their own, gone afterwards.

Used twice: `scripts/run_tests.py` starts them once for all lanes and passes their addresses on in the environment, and
a fixture starts its own where a test is run by hand. Each server dies with the process that started it, even if that
one is killed.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from scripts.processes import die_with_parent, end_groups

START_SECONDS = 60.0
STOP_SECONDS = 20.0
POSTGRES_USER = "postgres"


class MissingServiceError(Exception):
    """A server cannot be had on this machine; the text says what is missing."""


def free_port() -> int:
    """Return a TCP port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def find_postgres() -> Path | None:
    """Return the folder of the newest installed PostgreSQL's programs, or None."""
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    installed = Path("/usr/lib/postgresql").glob("*/bin/initdb")
    newest = sorted(installed, key=lambda path: int(path.parts[-3]) if path.parts[-3].isdigit() else 0)
    return newest[-1].parent if newest else None


def find_redis() -> str | None:
    """Return the path of redis-server (or its drop-in valkey-server), or None."""
    return shutil.which("redis-server") or shutil.which("valkey-server")


def find_chromium() -> str | None:
    """Return the path of the system's Chromium, or None."""
    names = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
    return next(filter(None, map(shutil.which, names)), None)


def wait_until(ready: Callable[[], bool], process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until `ready()`; raise MissingServiceError with the end of `log` if the process ends or takes too long."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        if ready():
            return
        time.sleep(0.05)
    raise MissingServiceError(f"{process.args!r} did not start:\n{log.read_text(errors='replace')[-2000:]}")


def answers(port: int) -> bool:
    """Say whether somebody listens on this local port."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


@contextlib.contextmanager
def private_folder(prefix: str, owner: str | None = None) -> Iterator[Path]:
    """Yield a new folder that only `owner` (by default this user) can read, and remove it with all it holds."""
    folder = Path(tempfile.mkdtemp(prefix=prefix))
    try:
        if owner is not None:
            shutil.chown(folder, owner)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _initdb(programs: Path, data: Path, user: str | None) -> None:
    command: Sequence[str | Path] = [
        programs / "initdb", "--pgdata", data, "--username", POSTGRES_USER, "--auth", "trust", "--encoding", "UTF8",
        "--locale", "C.UTF-8", "--no-sync",
    ]  # fmt: skip
    done = subprocess.run(command, user=user, cwd="/", capture_output=True, text=True, check=False)
    if done.returncode:
        raise MissingServiceError(f"initdb failed: {done.stderr.strip()[-1000:]}")


class Server:
    """A private server that can be stopped, frozen and started again, on the same port and folder."""

    def __init__(
        self, command: Sequence[str | Path], *, url: str, log: Path, ready: Callable[[], bool], user: str | None = None
    ) -> None:
        self.command, self.url, self.log, self.ready, self.user = command, url, log, ready, user
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, *, parent_died: signal.Signals = signal.SIGTERM) -> None:
        """Start it and wait until it answers; `parent_died` is what it is sent when this process ends."""
        with self.log.open("ab") as sink:
            self.process = subprocess.Popen(
                self.command,
                user=self.user,
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=die_with_parent(parent_died),
            )
        wait_until(self.ready, self.process, self.log)

    def stop(self, signum: signal.Signals) -> None:
        """Send it a signal and wait for its end; what is left of its processes is killed."""
        if self.process is not None:
            end_groups([self.process], signum=signum, grace=STOP_SECONDS)
            self.process = None

    def freeze(self) -> None:
        """Hold all its processes: it neither answers nor refuses, until `thaw`."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self._signal(signal.SIGCONT)

    def _signal(self, signum: signal.Signals) -> None:
        assert self.process is not None, "it does not run"
        os.killpg(self.process.pid, signum)


@contextlib.contextmanager
def postgres(*, tidying: bool = True) -> Iterator[str]:
    """Run a private PostgreSQL; yield `postgres://…` without secrets, for a superuser on its database `postgres`.

    Without `tidying` nothing counts its tables meanwhile: for tests whose rows are never committed, so that they would
    be counted as empty, and planned for as such.
    """
    with postgres_server(tidying=tidying) as server:
        yield server.url


@contextlib.contextmanager
def postgres_server(*, lasting: bool = False, tidying: bool = True) -> Iterator[Server]:
    """Run a private PostgreSQL that the block may stop and start; its address is as that of `postgres`.

    `lasting`: what was committed is there after its processes were killed, as in a real installation.
    """
    programs = find_postgres()
    if programs is None:
        raise MissingServiceError("PostgreSQL is not installed (Debian: postgresql)")
    # PostgreSQL refuses to run as root: the account that its package made does it.
    user = None
    if os.geteuid() == 0:
        user = POSTGRES_USER
        try:
            pwd.getpwnam(user)
        except KeyError as error:
            raise MissingServiceError("there is no account `postgres` to run PostgreSQL") from error
    with private_folder("skillmap-postgres-", user) as folder:
        port = free_port()
        _initdb(programs, folder / "data", user)
        settings = {
            "listen_addresses": "127.0.0.1", "port": port, "unix_socket_directories": "", "max_connections": 200,
            "fsync": "off", "synchronous_commit": "off", "full_page_writes": "off",
            "autovacuum": "on" if tidying else "off",
            "jit": "off", "shared_buffers": "256MB", "timezone": "UTC", "log_min_messages": "fatal",
        }  # fmt: skip
        if lasting:
            settings |= {"synchronous_commit": "on", "full_page_writes": "on"}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        server = Server(
            [programs / "postgres", "-D", folder / "data", *options],
            url=f"postgres://{POSTGRES_USER}@127.0.0.1:{port}/postgres",
            log=folder / "log",
            ready=lambda: _postgres_answers(port),
            user=user,
        )
        try:
            server.start(parent_died=signal.SIGQUIT)
            yield server
        finally:
            server.stop(signal.SIGINT)  # a fast shutdown, clients are sent away


def _postgres_answers(port: int) -> bool:
    import psycopg2  # a bare system starts this module to learn what is missing, before the libraries are there

    try:
        psycopg2.connect(host="127.0.0.1", port=port, user=POSTGRES_USER, dbname="postgres").close()
    except psycopg2.OperationalError:
        return False
    return True


@contextlib.contextmanager
def redis() -> Iterator[str]:
    """Run a private Redis that keeps nothing; yield `redis://127.0.0.1:port/0`."""
    with redis_server() as server:
        yield server.url


@contextlib.contextmanager
def redis_server(*, lasting: bool = False) -> Iterator[Server]:
    """Run a private Redis that the block may stop and start; what it held is gone then.

    `lasting`: it writes what it holds to its folder, as docker-compose.yml tells it to.
    """
    program = find_redis()
    if program is None:
        raise MissingServiceError("Redis is not installed (Debian: redis-server)")
    with private_folder("skillmap-redis-") as folder:
        port = free_port()
        place = ["--bind", "127.0.0.1", "--port", str(port), "--dir", str(folder)]
        server = Server(
            [program, *place, "--save", "", "--appendonly", "yes" if lasting else "no"],
            url=f"redis://127.0.0.1:{port}/0",
            log=folder / "log",
            ready=lambda: answers(port),
        )
        try:
            server.start()
            yield server
        finally:
            server.stop(signal.SIGTERM)


@contextlib.contextmanager
def celery_worker(
    environment: dict[str, str], *, log: Path, root: Path, python: str
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a real Celery worker process until the block ends; it is ready when this yields.

    Args:
        environment: what the worker's settings read: DATABASE_URL, CELERY_BROKER_URL, VAR_DIR, …
        log: where its output goes.
        root: the project's folder.
        python: the interpreter to start it with.
    """
    with log.open("wb") as sink:
        process = subprocess.Popen(
            [
                python, "-m", "celery", "--app", "skillmap.config.celery:app", "worker", "--loglevel", "INFO",
                "--concurrency", "1", "--without-gossip", "--without-mingle", "--without-heartbeat",
                "--hostname", f"test-{os.getpid()}-{time.monotonic_ns()}@%h",
            ],
            cwd=root,
            env=os.environ | environment,
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=die_with_parent(signal.SIGTERM),
        )  # fmt: skip
        try:
            wait_until(lambda: b" ready." in log.read_bytes(), process, log)
            yield process
        finally:
            end_groups([process], grace=STOP_SECONDS)
