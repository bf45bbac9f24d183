"""`make trials`: each lane by itself, a line for each trial, and what was found before stays."""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from scripts import run_trials
from tests.support import lanes
from tests.support.trials import Trial, quantile

# One lane is enough: nothing here has to do with a database.
pytestmark = pytest.mark.sqlite


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Run the script; pytest is replaced by something that finds one thing out. Its commands, and what is kept."""
    commands: list[tuple[str, list[str]]] = []
    monkeypatch.setattr(run_trials, "RESULTS", tmp_path / "results.json")
    monkeypatch.setenv("LANES", "")

    def pretend(command: list[str], *, env: dict[str, str], check: bool) -> subprocess.CompletedProcess[str]:
        commands.append((env["LANES"], command))
        monkeypatch.setenv(lanes.TRIALS, env[lanes.TRIALS])
        found = Trial("something", env["LANES"])
        found.count()
        if env["LANES"] == "sqlite":
            found.held(lost=0)
        found.write()
        return subprocess.CompletedProcess(command, 0 if env["LANES"] == "sqlite" else 1)

    monkeypatch.setattr(subprocess, "run", pretend)

    def main(*arguments: str) -> tuple[int, list[tuple[str, list[str]]], list[dict[str, Any]]]:
        code = run_trials.main(list(arguments))
        return code, commands, json.loads((tmp_path / "results.json").read_text())

    return main


def test_one_lane_after_the_other_and_a_failure_is_told(run: Any, capsys: pytest.CaptureFixture[str]) -> None:
    code, commands, rows = run("-k", "editors")
    assert code == 1
    assert [lane for lane, _command in commands] == ["sqlite", "postgres", "browser"]
    assert all(command[-2:] == ["-k", "editors"] for _lane, command in commands)
    assert [(row["database"], row["tried"], row["outcome"]) for row in rows] == [
        ("browser", 1, "failed"),
        ("postgres", 1, "failed"),
        ("sqlite", 1, "held"),
    ]
    assert "lost=0" in capsys.readouterr().out


def test_files_can_be_chosen_and_what_was_found_before_stays(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    run()
    monkeypatch.setenv("LANES", "sqlite")
    code, commands, rows = run("tests/trials/test_kills.py")
    assert code == 0
    assert commands[-1][1][-1] == "tests/trials/test_kills.py"
    assert len(rows) == 3


def test_a_share_of_the_values_lies_at_or_below_the_quantile() -> None:
    values = [float(number) for number in range(1, 21)]
    assert (quantile(values, 0.5), quantile(values, 0.95), quantile(values, 1), quantile([], 0.5)) == (10, 19, 20, 0)


def test_a_module_that_tells_nothing_itself_is_told_by_its_tests(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    modules = {
        "tests/hostile/test_doors.py": {"sqlite": Counter(passed=3), "postgres": Counter(passed=2, failed=1)},
        "tests/trials/test_kills.py": {"sqlite": Counter(passed=9)},
    }
    monkeypatch.setattr(lanes._Outcomes, "modules", modules)
    lanes._Outcomes.tell_trials(tmp_path / "found")
    rows = [json.loads(line) for line in (tmp_path / "found").read_text().splitlines()]
    assert [(row["name"], row["database"], row["tried"], row["outcome"]) for row in rows] == [
        ("hostile/test_doors", "sqlite", 3, "held"),
        ("hostile/test_doors", "postgresql", 3, "failed"),
    ]
