"""Child processes that never outlive the one that started them."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

PR_SET_PDEATHSIG = 1


# What ends a family. While a member is being started they wait: it would be nobody's between its birth and its entry.
ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def die_with_parent(signum: int) -> Callable[[], None]:
    """Return a `preexec_fn` for which the kernel sends `signum` when the starting process ends, even by a kill.

    The child hears all signals, whatever its parent holds back while it starts it.
    """
    libc = ctypes.CDLL(None, use_errno=True)

    def set_signal() -> None:
        if hasattr(libc, "prctl"):  # Linux
            libc.prctl(PR_SET_PDEATHSIG, signum)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)

    return set_signal


@contextlib.contextmanager
def endings_wait() -> Iterator[None]:
    """Hold back the signals that end a family; one that came meanwhile acts at the end."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def end_groups(processes: Sequence[subprocess.Popen[bytes]], *, signum: int = signal.SIGTERM, grace: float) -> None:
    """Ask each process to end with `signum`, kill what is left of their groups after `grace` seconds, and wait for all.

    Each process must lead a group of its own (`start_new_session=True`).
    """
    for process in processes:
        if process.poll() is None:
            process.send_signal(signum)
    deadline = time.monotonic() + grace
    for process in processes:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(max(0.0, deadline - time.monotonic()))
    for process in processes:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


class Family:
    """Named child processes, each in a session of its own, that end together."""

    def __init__(self, *, folder: Path, environment: Mapping[str, str]) -> None:
        self.folder, self.environment = folder, dict(environment)
        self.members: dict[str, subprocess.Popen[bytes]] = {}
        self._commands: dict[str, tuple[Sequence[str], Path | None]] = {}
        self._born: dict[str, float] = {}

    def start(self, name: str, command: Sequence[str], *, log: Path | None = None) -> subprocess.Popen[bytes]:
        """Start `command`; its output goes to `log`, or to this terminal where none is named."""
        with endings_wait(), contextlib.ExitStack() as stack:
            sink = stack.enter_context(log.open("ab")) if log else None
            process = subprocess.Popen(
                command,
                cwd=self.folder,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT if log else None,
                start_new_session=True,
                preexec_fn=die_with_parent(signal.SIGTERM),
            )
            self.members[name] = process
        self._commands[name], self._born[name] = (command, log), time.monotonic()
        return process

    def start_again(self, name: str) -> subprocess.Popen[bytes]:
        """Start a member that has ended, by the command of before; what it left of its group is killed first."""
        command, log = self._commands[name]
        end_groups([self.members[name]], grace=0)
        return self.start(name, command, log=log)

    def age(self, name: str) -> float:
        """How many seconds ago a member was started."""
        return time.monotonic() - self._born[name]

    def ended(self) -> list[str]:
        """Names of the members that run no more."""
        return [name for name, process in self.members.items() if process.poll() is not None]

    def end(self, *, grace: float = 10.0) -> None:
        """End every member and whatever it started."""
        end_groups(list(self.members.values()), grace=grace)
