"""Trials: one thing tried many times beside the rest of the world, and what came of it.

A test of trials has a short form, which `make test` runs, and a long one, which `make trials` runs; they differ in a
number alone. The long one's outcome is a line in the file that the environment names (see `lanes.TRIALS`).
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from math import ceil
from pathlib import Path

import pytest

from tests.support import lanes

Figure = int | float | str


def short_and_long(short: int, long: int) -> pytest.MarkDecorator:
    """Try `repeats` times: few in `make test`, many in `make trials`."""
    return pytest.mark.parametrize(
        "repeats", [pytest.param(short, id="short"), pytest.param(long, id="long", marks=pytest.mark.trials)]
    )


class Trial:
    """What one test found out. A test that ends without having called `held` has failed."""

    def __init__(self, name: str, database: str) -> None:
        self.name, self.database = name, database
        self.tried, self.outcome = 0, "failed"
        self.figures: dict[str, Figure] = {}

    def count(self) -> None:
        """One more was tried."""
        self.tried += 1

    def held(self, **figures: Figure) -> None:
        """All went as it must; `figures` are told beside it."""
        self.outcome = "held"
        self.figures |= figures

    def write(self) -> None:
        """Add a line to the file of this run, if it has one."""
        path = os.environ.get(lanes.TRIALS)
        if not path:
            return
        row = {
            "name": self.name,
            "database": self.database,
            "tried": self.tried,
            "outcome": self.outcome,
            "figures": self.figures,
        }
        with Path(path).open("a", encoding="utf-8") as sink:
            sink.write(json.dumps(row, ensure_ascii=False) + "\n")


def quantile(values: Sequence[float], share: float) -> float:
    """The value that a share of them does not pass, to the millisecond; 0 for none."""
    ordered = sorted(values)
    return round(ordered[max(0, ceil(share * len(ordered)) - 1)], 3) if ordered else 0.0
