"""Head-count gaps per skill at one place of a run."""

from __future__ import annotations

from dataclasses import dataclass

from skillmap.framework.models import Skill
from skillmap.gaps.models import GapCell, GapRun
from skillmap.gaps.selectors.runs.cells import ByLevel, cells_at, demand_of, gap_of, skills_of
from skillmap.gaps.selectors.runs.places import WHOLE, Place, place_of
from skillmap.people.models import User


@dataclass(frozen=True)
class GapRow:
    """One skill at one place, by level 1, 2, 3: heads asked for, and heads that nobody of the place covers.

    A person at a higher level covers a demand at a lower one, once. `gap` is None where hidden.
    """

    skill: Skill
    demand: ByLevel
    gap: ByLevel | None
    at_least: dict[int, int | None]


def headcount_gaps(user: User, run: GapRun, key: str = WHOLE) -> tuple[Place, list[GapRow]]:
    """Head-count gaps per skill at one place, by skill number; three queries. Http404 as for `levels`."""
    place, _places = place_of(user, run, key)
    return place, gap_rows(run, place)


def gap_rows(run: GapRun, place: Place) -> list[GapRow]:
    """The same for a place that `place_of` gave; two queries."""
    cells = cells_at(run, [place.pk])
    return [_gap_row(skill, cells[place.pk, skill.pk]) for skill in skills_of(run)]


def _gap_row(skill: Skill, cell: GapCell) -> GapRow:
    at_least = {1: cell.at_least_1, 2: cell.at_least_2, 3: cell.at_least_3}
    return GapRow(skill, demand_of(cell), gap_of(cell), at_least)
