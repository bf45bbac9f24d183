"""Ten thousand people: backed up, restored, migrated back and forth, each in a database of its own."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from pytest_django import DjangoDbBlocker

from skillmap.core.backup.manifest import Manifest
from skillmap.core.backup.scratch import scratch
from tests.support.crew import ROOT
from tests.support.trials import Trial

pytestmark = [pytest.mark.trials, pytest.mark.django_db(transaction=True)]
PEOPLE = 10_000
WEIGHED = (
    "import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True); "
    "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
)
SEAL = "from skillmap.core import audit\nwhile audit.seal(): pass"


def run(environment: Mapping[str, str], *words: str) -> str:
    """What a process says; fails with its errors."""
    done = subprocess.run(
        [sys.executable, *words], cwd=ROOT, env=dict(environment), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr[-3000:]}"
    return done.stdout


def minutes_since(begun: float) -> float:
    return round((time.monotonic() - begun) / 60, 2)


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Mapping[str, str]]:
    """The environment of a database with the demo world, whose audit trail is sealed."""
    with django_db_blocker.unblock(), scratch() as environment:
        run(environment, "manage.py", "migrate", "--verbosity=0")
        run(environment, "manage.py", "demo", f"--people={PEOPLE}")
        run(environment, "manage.py", "shell", "--verbosity=0", "--command", SEAL)
        yield environment


def test_ten_thousand_people_are_backed_up_and_restored(trial: Trial, world: Mapping[str, str], tmp_path: Path) -> None:
    begun = time.monotonic()
    memory = int(run(world, "-c", WEIGHED, sys.executable, "manage.py", "backup", str(tmp_path / "backup")).split()[-1])
    backup = minutes_since(begun)
    said = run(world, "manage.py", "restore_drill", str(tmp_path / "backup"))
    trial.count()
    passed = re.search(r"restored in ([\d.]+) minutes, ([\d.]+) minutes in all, at most (\d+) MB", said)
    assert passed is not None, said
    assert re.search(r"The audit chain is whole: [\d,]{5,} lines sealed, 0 not yet", said), said
    manifest = Manifest.read(tmp_path / "backup")
    trial.held(
        people=PEOPLE, rows=manifest.rows, tables=len(manifest.tables), megabytes=round(manifest.bytes / 1e6, 1),
        backup_minutes=backup, restore_minutes=float(passed[1]), drill_minutes=float(passed[2]),
        backup_memory_mb=memory // 1024, restore_memory_mb=int(passed[3]),
    )  # fmt: skip


def test_every_migration_is_taken_back_and_applied_again(trial: Trial, world: Mapping[str, str]) -> None:
    begun = time.monotonic()
    journeys = json.loads(run(world, "-m", "tests.support.reversing"))
    for journey in journeys:
        trial.count()
        assert not (journey["changed"] or journey["lost"] or journey["unguarded"]), journey
    slowest = max(
        ((seconds, step) for journey in journeys for step, seconds in journey["steps"].items()), default=(0.0, "")
    )
    assert len(journeys[1]["steps"]) > len(journeys[0]["steps"]) > 4
    trial.held(
        people=PEOPLE,
        steps=sum(len(journey["steps"]) for journey in journeys),
        minutes=minutes_since(begun),
        slowest_step=slowest[1],
        slowest_s=slowest[0],
    )
