"""Figures drawn: bars, heat maps, ranks; and those that are not shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any
from unicodedata import east_asian_width

from django.conf import settings

from skillmap.core.templatetags.ui.library import library

HEAT_STEPS = 5
SLOPE_TOP = 8  # units of the drawing, which is 560 wide
SLOPE_STEP = 28
SLOPE_NAMES = 182  # units beside either column
WIDE, NARROW = 15.0, 8.3  # what a full-width and any other letter takes of them


def _smallest_group() -> int:
    """Return the smallest number of people that a figure may stand for."""
    return getattr(settings, "SMALL_CELL_K", 5)


@library.filter
def heat_step(value: float | None, largest: float | None) -> int:
    """Return the step of lightness, 1 to 5, of a value out of the largest one; 0 for nothing."""
    if not value or not largest or value <= 0:
        return 0
    return min(HEAT_STEPS, int(HEAT_STEPS * value / largest - 1e-9) + 1)


@library.inclusion_tag("components/stacked_bar.html")
def stacked_bar(counts: Sequence[int], label: str, total: int = 0) -> dict[str, Any]:
    """Draw counts beside each other (at most five, light to dark) out of a total; ``label`` says them in words."""
    whole = max(total, sum(counts)) or 1
    parts, left = [], 0.0
    for step, count in enumerate(counts, start=1):
        width = 100 * count / whole
        parts.append({"step": step, "x": f"{left:.2f}", "width": f"{width:.2f}"})
        left += width
    return {"parts": parts, "label": label}


@library.inclusion_tag("components/heat_legend.html")
def heat_legend(largest: int | None, smallest: int = 1) -> dict[str, Any]:
    """Explain the five steps of a heat map in numbers, from the smallest that is shown, and the hatched cell."""
    top = largest or 0
    edges = [top * step // HEAT_STEPS for step in range(HEAT_STEPS + 1)]
    bounds = [(step, max(low + 1, smallest), high) for step, (low, high) in enumerate(pairwise(edges), start=1)]
    keys = [{"step": step, "low": low, "high": high} for step, low, high in bounds if low <= high]
    return {"keys": keys, "k": _smallest_group()}


@library.inclusion_tag("components/slope_chart.html")
def slope_chart(pairs: Sequence[Mapping[str, Any]], left: str, right: str, label: str) -> dict[str, Any]:
    """Draw rank against rank: two columns joined by lines, the marked ones in the accent colour and on top.

    Each pair has name, left and right (rank from 1, or None where it has none) and marked. ``label`` is the finding in
    one sentence; the same numbers follow as a table.
    """
    rows = [_slope_row(pair) for pair in pairs]
    ranks = [rank for pair in pairs for rank in (pair["left"], pair["right"]) if rank]
    return {
        "rows": sorted(rows, key=lambda row: bool(row["marked"])),
        "left": left,
        "right": right,
        "label": label,
        "height": SLOPE_TOP + SLOPE_STEP * max(ranks, default=0) + SLOPE_STEP // 2,
    }


def _slope_row(pair: Mapping[str, Any]) -> dict[str, Any]:
    """Return the pair with the heights of its two ends in the drawing, and its name in one line or two."""
    ends = {f"y_{side}": SLOPE_TOP + SLOPE_STEP * pair[side] if pair[side] else None for side in ("left", "right")}
    return {**pair, **ends, "lines": _slope_lines(pair["name"])}


def _slope_lines(name: str) -> list[str]:
    """A name in two lines where one is wider than its column; broken at the blank nearest to the middle, if any."""
    width = sum(WIDE if east_asian_width(letter) in "WF" else NARROW for letter in name)
    if width <= SLOPE_NAMES:
        return [name]
    middle = len(name) // 2
    blanks = [place for place, letter in enumerate(name) if letter == " "]
    at = min(blanks, key=lambda place: abs(place - middle), default=middle)
    return [name[:at].rstrip(), name[at:].lstrip()]


@library.inclusion_tag("components/suppressed.html")
def suppressed() -> dict[str, Any]:
    """Say that a figure is not shown because it stands for fewer people than may be shown."""
    return {"k": _smallest_group()}
