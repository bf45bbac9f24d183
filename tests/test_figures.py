"""The page of figures says what the results say: bars held and missed, tests by module, nothing typed by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from scripts import make_figures

SPEED = {"database": "postgresql", "queries": 9, "peak_mb": 120.0, "runs": 20, "floor": "one UPDATE by id"}


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("PAGE", "TESTS", "TRIALS", "SPEED", "LOAD"):
        monkeypatch.setattr(make_figures, name, tmp_path / name)
    return tmp_path


def _write(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value), encoding="utf-8")


def test_a_bar_that_is_missed_is_said_so(results: Path) -> None:
    rows = [
        SPEED | {"name": "save", "people": 1000, "seconds": 0.010, "floor_seconds": 0.004},
        SPEED | {"name": "save", "people": 100_000, "seconds": 0.014, "floor_seconds": 0.004, "peak_mb": 301.0},
    ]
    _write(results / "SPEED", rows)
    small, large = (line for line in make_figures.speed().splitlines() if line.startswith("| save | 1"))
    assert small.endswith("| floor ≤ 4 held; MB ≤ 300 held |")
    assert large.endswith("| 3.5 | 1.40 | 9 | 301 | growth ≤ 1.3 **missed**; floor ≤ 4 held; MB ≤ 300 **missed** |")


def test_tests_are_told_by_module_and_stay_where_no_run_is_kept(results: Path) -> None:
    modules = {"tests/test_figures.py": {"sqlite": {"passed": 2}, "postgres": {"passed": 2, "failed": 1}}}
    _write(results / "TESTS", {"at": 1_700_000_000, "seconds": 61, "modules": modules})
    assert make_figures.main([]) == 0
    page = (results / "PAGE").read_text(encoding="utf-8")
    assert "2023-11-14: 4 passed, 1 failed in 1 min 1 s." in page
    assert "nothing typed by hand (`tests/test_figures.py`) | 5 | 1 failed |" in page
    (results / "TESTS").unlink()
    assert make_figures.main([]) == 0
    assert (results / "PAGE").read_text(encoding="utf-8") == page


def test_a_page_that_was_changed_by_hand_is_found(results: Path) -> None:
    _write(
        results / "TRIALS",
        [{"name": "races", "database": "sqlite", "tried": 1000, "outcome": "held", "figures": {"late_writes": 0}}],
    )
    make_figures.main([])
    assert make_figures.main(["--check"]) == 0
    page = results / "PAGE"
    page.write_text(page.read_text(encoding="utf-8").replace("1,000", "9,000"), encoding="utf-8")
    assert make_figures.main(["--check"]) == 1
