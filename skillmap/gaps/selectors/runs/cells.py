"""Stored figures of a run by place and skill, which heat map, levels and head-count gaps are read from."""

from __future__ import annotations

from collections.abc import Sequence

from skillmap.framework.models import Skill
from skillmap.gaps.models import GapCell, GapRun, SkillResult

#: A figure for each of level 1, 2, 3.
ByLevel = tuple[int, int, int]


def by_level(values: Sequence[int] | None) -> ByLevel | None:
    """Stored figures of level 1, 2, 3 as they are handed out; None where hidden."""
    return (values[0], values[1], values[2]) if values is not None else None


class Cells(dict[tuple[int, int], GapCell]):
    """Cells by the ids of place and skill; one that is not stored shows nothing and asks for nothing."""

    def __missing__(self, key: tuple[int, int]) -> GapCell:
        """Such a cell; nobody is missing where nobody is asked for."""
        node, skill = key
        return GapCell(node_id=node, skill_id=skill, gap_1=0, gap_2=0, gap_3=0)


def cells_at(run: GapRun, nodes: Sequence[int]) -> Cells:
    """The cells of a run at some places, given by their ids; one query."""
    rows = GapCell.objects.filter(node__run=run, node__in=nodes)
    return Cells({(cell.node_id, cell.skill_id): cell for cell in rows})


def skills_of(run: GapRun) -> list[Skill]:
    """The skills that a run compares, by number; one query."""
    return list(Skill.objects.filter(pk__in=SkillResult.objects.filter(run=run).values("skill")).order_by("number"))


def demand_of(cell: GapCell) -> ByLevel:
    """Heads asked for at level 1, 2, 3."""
    return cell.demand_1, cell.demand_2, cell.demand_3


def gap_of(cell: GapCell) -> ByLevel | None:
    """Heads nobody covers at level 1, 2, 3; None where hidden."""
    if cell.gap_1 is None or cell.gap_2 is None or cell.gap_3 is None:
        return None
    return cell.gap_1, cell.gap_2, cell.gap_3
