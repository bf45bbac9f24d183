"""`make run`: it serves, says so, and leaves no process behind however it is ended."""

from __future__ import annotations

import contextlib
import os
import pty
import select
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from scripts import run_demo
from scripts.processes import Family
from tests.support.processes import alive, descendants, group_lives
from tests.support.services import free_port

# One lane is enough: the demo has a database of its own.
pytestmark = pytest.mark.sqlite
ROOT = Path(__file__).resolve().parent.parent
SCRIPT = ROOT / "scripts" / "run_demo.py"
WORLD = "--people 60 --today 2026-11-20"


def environment(var: Path, port: int, **more: str) -> dict[str, str]:
    """The environment of a person who has just cloned the project, with a folder and a port of this test's own."""
    ours = ("CELERY_", "DATABASE_URL", "DJANGO_", "PYTEST_", "REDIS_URL", "SITE_URL", "TEST_", "VAR_DIR")
    theirs = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return theirs | {"VAR_DIR": str(var), "PORT": str(port)} | more


def wait_until_gone(pids: set[int], seconds: float = 30) -> None:
    """Wait until none of `pids` runs; fail with what they are where one does."""
    deadline = time.monotonic() + seconds
    while left := alive(pids):
        commands = [Path(f"/proc/{pid}/cmdline").read_bytes() for pid in left if Path(f"/proc/{pid}").exists()]
        assert time.monotonic() < deadline, commands
        time.sleep(0.1)


@dataclass
class Demo:
    """A demo that serves."""

    process: subprocess.Popen[str]
    port: int
    output: str
    family: set[int]


@dataclass
class FirstDemo:
    """What is left of a demo that was started in an empty folder, served, and lost its terminal."""

    var: Path
    family: set[int]
    alive: set[int]


@pytest.fixture(scope="module")
def first_demo(tmp_path_factory: pytest.TempPathFactory) -> FirstDemo:
    """A demo from an empty folder, as on a fresh machine, until its terminal is closed."""
    var = tmp_path_factory.mktemp("demo") / "var"
    mine, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, SCRIPT],
        env=environment(var, free_port(), DEMO=WORLD),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    try:
        output = b""
        while b"Ctrl-C ends it" not in output:
            assert process.poll() is None, output.decode()
            if select.select([mine], [], [], 1)[0]:
                output += os.read(mine, 65536)
        family = descendants(process.pid)
        os.close(mine)
        process.wait(30)
        return FirstDemo(var, family, alive(family))
    finally:
        process.terminate()
        process.wait(30)


@pytest.fixture
def demo(tmp_path: Path, first_demo: FirstDemo) -> Iterator[Demo]:
    """Run the demo, in a folder where it ran before, until it has printed its address."""
    port, output = free_port(), ""
    shutil.copytree(first_demo.var, tmp_path / "var")
    process = subprocess.Popen(
        [sys.executable, SCRIPT],
        env=environment(tmp_path / "var", port, DEMO=WORLD),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    try:
        for line in process.stdout:
            output += line
            if "Ctrl-C ends it" in line:
                break
        else:
            pytest.fail(f"The demo ended by itself:\n{output}")
        yield Demo(process, port, output, descendants(process.pid))
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)


@pytest.mark.services
def test_demo_serves_and_ctrl_c_ends_all_of_it(demo: Demo) -> None:
    with urllib.request.urlopen(f"http://localhost:{demo.port}/readyz", timeout=10) as response:
        assert response.status == 200
    assert f"http://localhost:{demo.port}" in demo.output
    assert "password:" in demo.output
    assert len(demo.family) >= 4  # web server and its worker, task worker, beat

    demo.process.send_signal(signal.SIGINT)

    assert demo.process.wait(30) == 0
    assert alive(demo.family) == set()


@pytest.fixture
def sleeper(tmp_path: Path) -> Iterator[Family]:
    """A family of one server, that leaves a child behind when it is killed."""
    family = Family(folder=tmp_path, environment=os.environ)
    family.start("worker-1", ["sh", "-c", "echo up; sleep 600 & wait"], log=tmp_path / "worker-1.log")
    while "up" not in (tmp_path / "worker-1.log").read_text():
        time.sleep(0.01)
    yield family
    family.end(grace=0)


def test_a_server_that_is_killed_is_started_again(
    sleeper: Family, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(run_demo, "STEADY_SECONDS", 0.0)
    first = sleeper.members["worker-1"]
    left_behind = descendants(first.pid)
    run_demo.keep_up(sleeper, tmp_path)
    assert sleeper.members["worker-1"] is first
    first.kill()
    first.wait()

    run_demo.keep_up(sleeper, tmp_path)

    assert sleeper.members["worker-1"] is not first
    assert sleeper.ended() == []
    assert "The worker-1 process ended by itself and was started again" in capsys.readouterr().out
    assert left_behind
    wait_until_gone(left_behind)


def test_a_server_that_ends_as_soon_as_it_is_started_ends_the_demo(sleeper: Family, tmp_path: Path) -> None:
    sleeper.members["worker-1"].kill()
    sleeper.members["worker-1"].wait()
    with pytest.raises(run_demo.DemoError, match=r"The worker-1 process ended by itself\. (.|\n)*\nup$"):
        run_demo.keep_up(sleeper, tmp_path)


@pytest.mark.services
def test_a_killed_demo_takes_its_servers_along(demo: Demo) -> None:
    assert len(demo.family) >= 4
    demo.process.kill()
    wait_until_gone(demo.family)


@pytest.mark.services
def test_a_demo_whose_terminal_is_closed_ends(first_demo: FirstDemo) -> None:
    assert len(first_demo.family) >= 4
    assert first_demo.alive == set()


def test_ctrl_c_while_it_prepares_ends_that_too(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, SCRIPT],
        env=environment(tmp_path / "var", free_port()),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("Preparing")
        deadline = time.monotonic() + 30
        while not (family := descendants(process.pid)):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        assert "The demo has ended." in process.stdout.read()
    assert process.returncode == 0
    assert alive(family) == set()


def test_a_taken_port_is_said_before_anything_is_done(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = subprocess.run(
            [sys.executable, SCRIPT], env=environment(tmp_path, port), capture_output=True, text=True, check=False
        )
    assert done.returncode == 2
    assert (
        done.stderr.strip() == f"Port {port} is in use by another program. Take another one: make run PORT={port + 1}"
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("port", ["http", "0", "70000", "-1"])
def test_a_port_that_is_none_is_refused(tmp_path: Path, port: str) -> None:
    done = subprocess.run(
        [sys.executable, SCRIPT], env=environment(tmp_path, 1, PORT=port), capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert f"PORT={port} is not a port" in done.stderr


INTERRUPTED = """
import os, signal, subprocess, sys
from pathlib import Path
from scripts import processes

signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever started the tests may have it ignored
born = []

def popen(*args, **kwargs):
    born.append(subprocess_popen(*args, **kwargs))
    os.kill(os.getpid(), signal.SIGINT)
    return born[-1]

subprocess_popen, subprocess.Popen = subprocess.Popen, popen
family = processes.Family(folder=Path.cwd(), environment=os.environ)
try:
    family.start("sleeper", ["sleep", "600"])
except KeyboardInterrupt:
    print("known:", family.members == {"sleeper": born[0]})
    status = Path(f"/proc/{born[0].pid}/status").read_text()
    print(next(line for line in status.splitlines() if line.startswith("SigBlk")))
    family.end(grace=5)
    print("ended:", born[0].returncode == -signal.SIGTERM)
"""


def test_ctrl_c_between_the_birth_and_the_entry_of_a_member_ends_it_too() -> None:
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED], cwd=ROOT, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.stdout.splitlines() == ["known: True", "SigBlk:\t0000000000000000", "ended: True"], done.stderr


def test_a_family_ends_with_its_grandchildren(tmp_path: Path) -> None:
    family = Family(folder=tmp_path, environment=os.environ)
    # The shell ignores the polite request, and its child never hears it.
    process = family.start("stubborn", ["sh", "-c", "trap '' TERM; sleep 600 & echo up; wait"], log=tmp_path / "log")
    while "up" not in (tmp_path / "log").read_text():
        time.sleep(0.01)
    assert len(descendants(process.pid)) == 1
    assert family.ended() == []

    family.end(grace=0.2)

    assert family.ended() == ["stubborn"]
    deadline = time.monotonic() + 10
    while group_lives(process.pid):  # until init has collected the grandchild
        assert time.monotonic() < deadline
        time.sleep(0.05)
