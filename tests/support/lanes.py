"""Lanes: one pytest run that takes the whole suite over both databases and through a browser, side by side.

`scripts/run_tests.py` starts one pytest-xdist worker per lane (`--dist each`: every worker runs all it has collected)
and loads this plugin with `-p tests.support.lanes`. The closing line of that one run counts every lane.

=========  ==========  =========================================
lane       database    tests
=========  ==========  =========================================
sqlite     SQLite      all but `browser`, and not `postgres`
postgres   PostgreSQL  all but `browser`, and not `sqlite`; those
                       that ask no database run here alone
browser    SQLite      `browser`, and before them `early`: the
                       browser's event loop would make Django
                       refuse queries in the tests after it
=========  ==========  =========================================
"""

from __future__ import annotations

import json
import os
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar
from urllib.parse import urlsplit

import pytest

LANES = ("sqlite", "postgres", "browser")
LANE = "TEST_LANE"
POSTGRES_URL = "TEST_POSTGRES_URL"
REDIS_URL = "TEST_REDIS_URL"
MISSING = "TEST_MISSING"
ONCE = "TEST_ONCE"  # the one lane that runs the tests which ask no database
EARLY = "TEST_EARLY"  # the one that runs those marked `early`
OUTCOMES = "TEST_OUTCOMES"  # the file that takes what came of each module's tests
TRIALS = "TEST_TRIALS"  # the file that takes what came of the trials; where it is named they run, and nothing else
#: Folders whose trials tell what they found; of the others the number of tests is told.
WRITE_THEIR_OWN = ("tests/trials/", "tests/operations/")
DATABASES = {"sqlite": "sqlite", "postgres": "postgresql", "browser": "sqlite, Chromium"}


def enter(lane: str) -> None:
    """Point the settings at the lane's database; only before Django has read them."""
    if lane == "postgres":
        os.environ["DATABASE_URL"] = urlsplit(os.environ[POSTGRES_URL])._replace(path="/skillmap").geturl()


def wanted(
    lane: str,
    markers: set[str],
    *,
    postgres: bool,
    database: bool = True,
    once: str = "",
    early: str = "sqlite",
    trials: bool = False,
) -> bool:
    """Say whether a test with these markers belongs into this run.

    Args:
        lane: one of LANES, or "" for a run by hand, which takes the browser along.
        markers: names of the test's markers.
        postgres: whether the database under test is PostgreSQL.
        database: whether the test asks a database.
        once: the lane in which tests that ask none run; "" for every lane.
        early: the lane in which tests that SQLite is enough for run, which the others have no time for.
        trials: whether this is a run of the trials, which leaves out all else.
    """
    if ("trials" in markers) != trials:
        return False
    if lane and "early" in markers:
        return lane == early
    if lane and ("browser" in markers) != (lane == "browser"):
        return False
    if lane and once and not database and not markers & {"browser", "sqlite", "postgres"}:
        return lane == once
    return not markers & ({"sqlite", "early"} if postgres else {"postgres"})


def missing() -> list[str]:
    """What `make test` could not get on this machine, one line each."""
    return list(json.loads(os.environ.get(MISSING, "[]")))


def pytest_report_header() -> list[str]:
    """Say at the start what is not tried."""
    return [f"MISSING: {line}" for line in missing()]


class _Outcomes:
    """How many tests of each module passed, failed or were left out, by lane; kept for `make figures`."""

    begun: ClassVar[float] = time.time()
    modules: ClassVar[dict[str, dict[str, Counter[str]]]] = {}

    @classmethod
    def note(cls, report: pytest.TestReport, lane: str) -> None:
        if report.when != "call" and not (report.when == "setup" and report.skipped) and not report.failed:
            return
        module = cls.modules.setdefault(report.nodeid.partition("::")[0], {})
        module.setdefault(lane, Counter())[report.outcome] += 1

    @classmethod
    def keep(cls, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        told = {"at": round(cls.begun), "seconds": round(time.time() - cls.begun), "modules": cls.modules}
        path.write_text(json.dumps(told, ensure_ascii=False, indent=1, sort_keys=True), encoding="utf-8")

    @classmethod
    def tell_trials(cls, path: Path) -> None:
        """A line for each module whose trials write none of their own."""
        with path.open("a", encoding="utf-8") as sink:
            for module, lanes in sorted(cls.modules.items()):
                if module.startswith(WRITE_THEIR_OWN):
                    continue
                for lane, counts in lanes.items():
                    row = {
                        "name": module.removeprefix("tests/").removesuffix(".py"),
                        "database": DATABASES[lane],
                        "tried": counts.total(),
                        "outcome": "failed" if counts["failed"] else "held",
                        "figures": {"failed": counts["failed"]} if counts["failed"] else {},
                    }
                    sink.write(json.dumps(row, ensure_ascii=False) + "\n")


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Note what came of a test, where the lanes' workers tell the run that started them."""
    node = getattr(report, "node", None)
    if node is not None and (OUTCOMES in os.environ or TRIALS in os.environ):
        _Outcomes.note(report, node.gateway.id)


def pytest_sessionfinish() -> None:
    """Keep what came of the whole run."""
    if not _Outcomes.modules:
        return
    if OUTCOMES in os.environ:
        _Outcomes.keep(Path(os.environ[OUTCOMES]))
    if TRIALS in os.environ:
        _Outcomes.tell_trials(Path(os.environ[TRIALS]))


class _Tally:
    """Names of the tests that all lanes collected; pytest-xdist itself keeps the number of the last lane alone.

    Without it a run would count beyond 100 %, and be a failure where somebody chose tests of which one lane has none.
    """

    session: pytest.Session
    collected: ClassVar[set[str]] = set()


def pytest_sessionstart(session: pytest.Session) -> None:
    """Keep the session, to correct its number later."""
    _Tally.session = session


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_node_collection_finished(ids: Sequence[str]) -> None:
    """Note what one lane is going to run."""
    _Tally.collected.update(ids)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_logstart() -> None:
    """Correct the number: by the first test every lane has said its own."""
    if _Tally.collected:
        _Tally.session.testscollected = len(_Tally.collected)


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say it again at the end, right above pytest's closing line."""
    for line in missing():
        terminalreporter.write_line(f"MISSING: {line}", red=True, bold=True)


# A plugin named by -p is imported before pytest-django reads the settings, later hooks come after it.
enter(os.environ.get(LANE, ""))
