"""A radar chart as SVG coordinates: pure geometry; the template draws it and its table follows."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

CENTRE_X, CENTRE_Y, RADIUS, TOP = 260.0, 200.0, 130.0, 3


@dataclass(frozen=True)
class Axis:
    """One axis: its end, where its label stands, and how the label is anchored."""

    label: str
    x: float
    y: float
    label_x: float
    label_y: float
    anchor: str


@dataclass(frozen=True)
class Radar:
    """Axes, the rings of levels 1 to 3 and the two areas, as SVG `points`."""

    axes: tuple[Axis, ...]
    rings: tuple[str, ...]
    own: str
    target: str


def _at(index: int, count: int, value: float, reach: float = RADIUS) -> tuple[float, float]:
    angle = 2 * math.pi * index / count - math.pi / 2
    distance = reach * value / TOP
    return round(CENTRE_X + distance * math.cos(angle), 1), round(CENTRE_Y + distance * math.sin(angle), 1)


def _points(values: Sequence[float]) -> str:
    return " ".join(f"{x},{y}" for x, y in (_at(i, len(values), value) for i, value in enumerate(values)))


def radar(labels: Sequence[str], own: Sequence[float | None], target: Sequence[float | None]) -> Radar:
    """Lay out one axis per label; values from 0 to 3, None drawn as 0. An empty `target` draws no second area."""
    count = len(labels)
    axes = []
    for index, label in enumerate(labels):
        x, y = _at(index, count, TOP)
        label_x, label_y = _at(index, count, TOP, RADIUS + 16)
        side = label_x - CENTRE_X
        anchor = "middle" if abs(side) < 12 else ("start" if side > 0 else "end")
        axes.append(Axis(label, x, y, label_x, round(label_y + 5, 1), anchor))
    wanted = [value or 0 for value in target]
    return Radar(
        axes=tuple(axes),
        rings=tuple(_points([level] * count) for level in (1, 2, 3)),
        own=_points([value or 0 for value in own]),
        target=_points(wanted) if any(wanted) else "",
    )
