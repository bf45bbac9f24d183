"""Run the whole suite: on SQLite, on a private PostgreSQL, and in a real browser, as one pytest run.

    make test
    make test ARGS="tests/people -x"       # any arguments of pytest
    make test LANES="postgres"             # some of: sqlite postgres browser

As root it installs what is missing through apt. What it cannot get it names in one loud line each, and again at the
end; with CI=true a missing service is an error.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import FrameType

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from scripts import needs  # noqa: E402  (the project's folder must be on the path first)
from tests.support import lanes, services  # noqa: E402

TIME_LIMIT = float(os.environ.get("TEST_TIME_LIMIT", "3600"))


def shout(text: str) -> None:
    """Print a line that is not overlooked."""
    print(f"\n!!! {text} !!!\n", flush=True)


@contextlib.contextmanager
def servers(absent: Sequence[str]) -> Iterator[dict[str, str]]:
    """Run the private servers that the lanes share; yield the environment that names them."""
    with contextlib.ExitStack() as stack:
        environment = {}
        if "PostgreSQL" not in absent:
            tidying = lanes.TRIALS in os.environ  # they commit what they write
            environment[lanes.POSTGRES_URL] = stack.enter_context(services.postgres(tidying=tidying))
        if "Redis" not in absent:
            environment[lanes.REDIS_URL] = stack.enter_context(services.redis())
        folder = Path(tempfile.mkdtemp(prefix="skillmap-run-"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        yield environment | {"VAR_DIR": str(folder)}


def pytest_command(chosen: Sequence[str], arguments: Sequence[str]) -> list[str]:
    """Return the one pytest run for these lanes: each is a worker that runs all it collects."""
    workers = [part for lane in chosen for part in ("--tx", f"popen//id={lane}//env:{lanes.LANE}={lane}")]
    return [sys.executable, "-m", "pytest", "-p", "tests.support.lanes", "--dist", "each", *workers, *arguments]


def run_pytest(command: Sequence[str], environment: dict[str, str]) -> int:
    """Run pytest to its end and return its exit code; end it with this process, or when time is up."""
    process = subprocess.Popen(command, cwd=ROOT, env=os.environ | environment)
    try:
        return process.wait(TIME_LIMIT)
    except subprocess.TimeoutExpired:
        shout(f"the tests took longer than {TIME_LIMIT:.0f} s and were stopped")
        return 1
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(30)
            process.kill()
            process.wait()


def chosen_lanes(missing: Sequence[needs.Need]) -> list[str]:
    """Return the lanes asked for that can run here."""
    asked = os.environ.get("LANES", "").split() or list(lanes.LANES)
    if unknown := set(asked) - set(lanes.LANES):
        sys.exit(f"Unknown lane {', '.join(sorted(unknown))}: choose from {', '.join(lanes.LANES)}.")
    return [lane for lane in asked if lane not in {need.lane for need in missing}]


def end(signum: int, _frame: FrameType | None) -> None:
    """Leave through every `finally` on SIGTERM and SIGHUP."""
    sys.exit(128 + signum)


def main() -> int:
    """Return pytest's exit code, 1 where something is missing in CI."""
    for signum in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(signum, end)
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # each of some two hundred processes would compile the project anew
    missing = needs.install_missing()
    lines = [f"{need.name} ({need.package}): {need.without}" for need in missing]
    for line in lines:
        shout(f"MISSING: {line}")
    if lines and os.environ.get("CI") == "true":
        return 1
    chosen = chosen_lanes(missing)
    with servers([need.name for need in missing]) as environment:
        environment[lanes.MISSING] = json.dumps(lines)
        if not sys.argv[1:] and chosen == list(lanes.LANES):
            environment[lanes.OUTCOMES] = str(ROOT / "var" / "tests.json")
        environment[lanes.ONCE] = next((lane for lane in ("postgres", "sqlite") if lane in chosen), "")
        environment[lanes.EARLY] = next((lane for lane in ("browser", "sqlite") if lane in chosen), "")
        return run_pytest(pytest_command(chosen, sys.argv[1:]), environment)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
    except services.MissingServiceError as error:
        sys.exit(f"\n!!! {error} !!!\n")
