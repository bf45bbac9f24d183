"""Levels per skill at one place of a run."""

from __future__ import annotations

from dataclasses import dataclass

from skillmap.framework.models import Skill
from skillmap.gaps import rules
from skillmap.gaps.models import GapCell, GapRun
from skillmap.gaps.selectors.runs.cells import cells_at, skills_of
from skillmap.gaps.selectors.runs.places import WHOLE, Place, place_of
from skillmap.people.models import User


@dataclass(frozen=True)
class LevelBlock:
    """People between two cuts of the classes: `lowest` to `highest` level, both included.

    A level of None is "not answered", which stands below level 0. `people` is None where hidden, as "all of them" is.
    """

    lowest: int | None
    highest: int | None
    people: int | None


@dataclass(frozen=True)
class LevelRow:
    """One skill at one place: the blocks that may be shown (none where hidden), and people at a level or higher."""

    skill: Skill
    blocks: list[LevelBlock]
    at_least: dict[int, int | None]


def levels(user: User, run: GapRun, key: str = WHOLE) -> tuple[Place, list[LevelRow]]:
    """Levels per skill at one place, by skill number; three queries. Http404 where the reader may not see it."""
    place, _places = place_of(user, run, key)
    cells = cells_at(run, [place.pk])
    return place, [_level_row(skill, cells[place.pk, skill.pk]) for skill in skills_of(run)]


def _level_row(skill: Skill, cell: GapCell) -> LevelRow:
    if not cell.cuts:
        return LevelRow(skill, [], dict.fromkeys(rules.DEMAND_LEVELS))
    bounds = [0, *cell.cuts, rules.CLASSES]
    blocks = [
        LevelBlock(_level(low), _level(high - 1), people)
        for low, high, people in zip(bounds, bounds[1:], cell.blocks, strict=False)
    ]
    return LevelRow(skill, blocks, {1: cell.at_least_1, 2: cell.at_least_2, 3: cell.at_least_3})


def _level(index: int) -> int | None:
    """The level of a class; class 0 is "not answered"."""
    return index - 1 if index else None
