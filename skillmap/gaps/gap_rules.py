"""The head-count gap: heads asked for that nobody covers. Values in, values out, as in rules.py.

Ranks hide size, so the gap counts skill by skill and level by level. Nothing here is suppressed but what `published`
returns.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from skillmap.core.suppression import Cube, Node, Suppressed
from skillmap.gaps.rules import DEMAND_LEVELS, ByLevel, DemandLine, Skill, class_of, known, number_of, whole


class Gap(NamedTuple):
    """Heads asked for and heads nobody covers, by level from 1 up."""

    wanted: ByLevel
    uncovered: ByLevel

    @property
    def total(self) -> int:
        """Heads nobody covers, of all levels."""
        return sum(self.uncovered)


class Gaps(NamedTuple):
    """Head-count gaps of a run.

    Attributes:
        by_organisation: by asking organisation and skill, covered from the organisation's own people (all below it
            included). Where an organisation and one below it both ask, the lower one's lines count for the upper one,
            so that nobody covers twice.
        within: by skill, the sum of these: what cover within the organisations leaves open.
        overall: by skill, covered from the whole population.
    """

    by_organisation: Mapping[tuple[Node, Skill], Gap]
    within: Mapping[Skill, Gap]
    overall: Mapping[Skill, Gap]


def cover(held: Sequence[int], wanted: Sequence[int]) -> Gap:
    """Cover demand with people, each person once; one at a higher level may cover a demand at a lower one.

    From the highest level down, whoever is not needed there is free for the next: no other way leaves fewer heads
    uncovered, and none leaves fewer at the higher levels.

    Args:
        held: people whose level is exactly 1, 2, ...
        wanted: heads asked for at level 1, 2, ...
    """
    free, uncovered = 0, []
    for people, heads in zip(reversed(held), reversed(wanted), strict=True):
        free += people
        covered = min(free, heads)
        free -= covered
        uncovered.append(heads - covered)
    return Gap(tuple(wanted), tuple(reversed(uncovered)))


def gaps(counted: Cube, lines: Iterable[DemandLine]) -> Gaps:
    """Head-count gaps per organisation and over all, for the skills that are asked for.

    Raises:
        ValueError: a line comes from an organisation or asks for a skill that the cube does not have.
    """
    lines = [line for line in lines if line.headcount]
    asking = _asking(counted, {line.organisation for line in lines})
    wanted: dict[tuple[Node, Skill], list[int]] = {}
    for line in lines:
        known(line, map(number_of, counted.counts))
        heads = wanted.setdefault((asking[line.organisation], line.skill), [0] * len(DEMAND_LEVELS))
        heads[DEMAND_LEVELS.index(line.level)] += line.headcount
    by_organisation = {
        (node, skill): cover(counted.counts[skill][node][class_of(1) :], heads)
        for (node, skill), heads in wanted.items()
    }
    within: dict[Skill, Gap] = {}
    for (_node, skill), gap in by_organisation.items():
        within[skill] = _sum(within[skill], gap) if skill in within else gap
    root = whole(counted)
    overall = {skill: cover(counted.counts[skill][root][class_of(1) :], gap.wanted) for skill, gap in within.items()}
    return Gaps(by_organisation, within, overall)


def _sum(one: Gap, other: Gap) -> Gap:
    wanted, uncovered = (tuple(map(sum, zip(*pair, strict=True))) for pair in zip(one, other, strict=True))
    return Gap(wanted, uncovered)


def _asking(counted: Cube, organisations: Iterable[Node]) -> dict[Node, Node]:
    """The topmost asking organisation above each asking one, itself included."""
    parents, asking = counted.tree.parents, set(organisations)
    if unknown := asking - parents.keys():
        raise ValueError(f"Not in the tree: {sorted(map(repr, unknown))}.")
    topmost = {}
    for organisation in asking:
        node: Node | None = organisation
        while node is not None:
            if node in asking:
                topmost[organisation] = node
            node = parents[node]
    return topmost


class PublishedGaps(NamedTuple):
    """Gaps as they may be shown; None where hidden."""

    by_organisation: Mapping[tuple[Node, Skill], Gap | None]
    within: Mapping[Skill, Gap | None]
    overall: Mapping[Skill, Gap | None]


def published(found: Gaps, shown: Suppressed, root: Node) -> PublishedGaps:
    """Gaps as they may be shown: where every supply figure that they depend on is shown.

    A gap depends on the people at level l or higher for each level l that is asked for, and on nothing else. A sum of
    gaps is shown where each of its parts is; the gap over all depends on the whole's figures alone.
    """
    by_organisation = {
        (node, skill): gap if _follows(gap, shown, node, skill) else None
        for (node, skill), gap in found.by_organisation.items()
    }
    incomplete = {skill for (_node, skill), gap in by_organisation.items() if gap is None}
    return PublishedGaps(
        by_organisation,
        {skill: None if skill in incomplete else gap for skill, gap in found.within.items()},
        {skill: gap if _follows(gap, shown, root, skill) else None for skill, gap in found.overall.items()},
    )


def _follows(gap: Gap, shown: Suppressed, node: Node, skill: Skill) -> bool:
    """Whether a reader could work the gap out from what is shown."""
    asked = (level for level, heads in zip(DEMAND_LEVELS, gap.wanted, strict=True) if heads)
    return all(shown.at_least(node, skill, class_of(level)) is not None for level in asked)
