"""The heat map of a run: skills by places."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from django.http import Http404

from skillmap.framework.models import Skill
from skillmap.gaps.models import GapCell, GapRun
from skillmap.gaps.selectors.runs.cells import cells_at, demand_of, gap_of, skills_of
from skillmap.gaps.selectors.runs.places import WHOLE, Place, children_of, place_of
from skillmap.people.models import User


class Block(StrEnum):
    """What a heat map shows in its cells."""

    AT_LEAST_1 = "at_least_1"
    AT_LEAST_2 = "at_least_2"
    AT_LEAST_3 = "at_least_3"
    DEMAND = "demand"
    GAP = "gap"


@dataclass(frozen=True)
class HeatCell:
    """A figure of one place and one skill; `value` is None where hidden, `percent` of the place's people."""

    value: int | None
    percent: int | None = None

    @property
    def is_hidden(self) -> bool:
        """Whether it reads 非表示(5人未満)."""
        return self.value is None


@dataclass(frozen=True)
class HeatRow:
    """One skill: its figure at the place above (`total`), and at each column."""

    skill: Skill
    total: HeatCell
    cells: list[HeatCell]


@dataclass(frozen=True)
class HeatMap:
    """Skills by places.

    Attributes:
        parent: the place whose members are the columns; its own figures are the `total` of each row.
        columns: its members, in order; the rows' cells follow them.
        rows: by skill number.
        trail: from the whole down to `parent`.
    """

    block: Block
    parent: Place
    columns: list[Place]
    rows: list[HeatRow]
    trail: list[Place]


def heatmap(user: User, run: GapRun, parent_key: str = WHOLE, block: str = Block.AT_LEAST_2) -> HeatMap:
    """Skills x the places directly below one place; three queries.

    Raises:
        Http404: no such place for this reader, or no such block.
    """
    try:
        chosen = Block(block)
    except ValueError as error:
        raise Http404 from error
    parent, places = place_of(user, run, parent_key)
    columns = children_of(places, parent.key)
    wanted = [parent, *columns]
    cells = cells_at(run, [place.pk for place in wanted])
    rows = [
        HeatRow(skill, found[0], found[1:])
        for skill in skills_of(run)
        for found in [[_heat(place, cells[place.pk, skill.pk], chosen) for place in wanted]]
    ]
    by_key = {place.key: place for place in places}
    return HeatMap(chosen, parent, columns, rows, _trail(parent, by_key))


def _trail(place: Place, by_key: Mapping[str, Place]) -> list[Place]:
    trail = [place]
    while trail[0].parent_key is not None:
        trail.insert(0, by_key[trail[0].parent_key])
    return trail


def _heat(place: Place, cell: GapCell, block: Block) -> HeatCell:
    if block is Block.DEMAND:
        return HeatCell(sum(demand_of(cell)))
    if block is Block.GAP:
        gap = gap_of(cell)
        return HeatCell(sum(gap) if gap is not None else None)
    value: int | None = getattr(cell, block.value)
    percent = round(100 * value / place.people) if value is not None and place.people else None
    return HeatCell(value, percent)
