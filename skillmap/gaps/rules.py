"""Supply, demand and priority: values in, values out.

Words: *supply* of a skill is how many people of the population stand at `Parameters.supply_level` or higher; *demand*
is how many heads the organisations ask for. Both are ranked, and skills high in demand but not in supply are proposed
as priority areas; heads that nobody covers are counted in gap_rules.py. What the cube's own `suppress` returns may be
shown, and what follows from it: supply, its ranks and the proposals. The cube itself is for the computation only.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from skillmap.core.suppression import Cube, History, Node, Record, Suppressed, suppress

#: 0 未実施, 1 要指導, 2 自立, 3 指導者. Not answered is None, and is not level 0.
LEVELS = (0, 1, 2, 3)
#: Levels that can be asked for.
DEMAND_LEVELS = (1, 2, 3)
#: Classes of the cube: not answered, then the levels.
CLASSES = 1 + len(LEVELS)

#: A skill by its number in the framework, which also breaks the last tie.
Skill: TypeAlias = int
#: Heads by level, from level 1 up.
ByLevel: TypeAlias = tuple[int, ...]


def class_of(level: int | None) -> int:
    """The cube's class of a level (None: not answered). Raises ValueError for a level that does not exist."""
    if level is None:
        return 0
    if level not in LEVELS:
        raise ValueError(f"There is no level {level}.")
    return level + 1


@dataclass(frozen=True, slots=True)
class Parameters:
    """The settings of a run; they are printed beside its result.

    Attributes:
        supply_level: from which level on a person counts as supply. Default 2 (自立): our default, the policy prints
            none.
        top_numerator, top_denominator: which share of the items is "top" (上位), rounded down. Default 1/3, so 7 of
            22: the policy says 需要上位, 供給中位〜下位 without a number; a third yields its three areas of 2024, and
            only them, wherever they stand at 8 to 15 in the supply list (their places are not printed).
        k: the smallest number of people that a published figure stands for. Default 5.
    """

    supply_level: int = 2
    top_numerator: int = 1
    top_denominator: int = 3
    k: int = 5

    def __post_init__(self) -> None:
        if self.supply_level not in DEMAND_LEVELS:
            raise ValueError("The supply level must be 1, 2 or 3.")
        if not 0 < self.top_numerator < self.top_denominator:
            raise ValueError("The top share must be more than none and less than all.")
        if self.k < 3:
            raise ValueError("k must be at least 3.")

    def top(self, items: int) -> int:
        """The last rank that is still top, among so many items."""
        return items * self.top_numerator // self.top_denominator


@dataclass(frozen=True, slots=True)
class Person:
    """One person of the population.

    Attributes:
        id: the person.
        organisation: the node at which the person counts (main posting at the snapshot).
        levels: by skill number; left out or None means not answered.
        answers: tells the check that the levels come from. While it is the same, readers take the person's answers
            for the same, and figures of two runs may be compared; see `Record.key`.
    """

    id: Hashable
    organisation: Node
    levels: Mapping[Skill, int | None]
    answers: Hashable = None


@dataclass(frozen=True, slots=True)
class DemandLine:
    """One line of the demand survey: a business of an organisation needs so many people with a skill at a level."""

    organisation: Node
    skill: Skill
    level: int
    headcount: int
    business: Hashable

    def __post_init__(self) -> None:
        if self.level not in DEMAND_LEVELS:
            raise ValueError(f"Level {self.level} cannot be asked for.")
        if self.headcount < 0:
            raise ValueError("A headcount cannot be negative.")


# --------------------------------------------------------------------------------------------------------------- cube
def records(people: Iterable[Person], skills: Sequence[Skill]) -> Iterable[Record]:
    """People as records of the cube, classes in the order of `skills`."""
    for person in people:
        classes = [class_of(person.levels.get(skill)) for skill in skills]
        yield Record((person.id, person.answers), person.organisation, classes)


def cube(people: Iterable[Person], parents: Mapping[Node, Node | None], skills: Sequence[Skill]) -> Cube:
    """Count people by node, skill and level; not answered is a class of its own.

    Args:
        parents: each node's parent, None for the whole; any depth (section, division, bureau, bureau group, whole).

    Raises:
        ValueError: a person stands at no node of the tree, a level does not exist, or the tree has several roots.
    """
    counted = Cube.of(parents, skills, CLASSES, records(people, skills))
    whole(counted)
    return counted


def whole(counted: Cube) -> Node:
    """The one root of the tree. Raises ValueError where there are several."""
    if len(counted.tree.roots) != 1:
        raise ValueError("The tree needs exactly one root.")
    return counted.tree.roots[0]


def suppressed(counted: Cube, parameters: Parameters, history: History | None = None) -> Suppressed:
    """What may be shown of the cube, the supply level's cut before any other."""
    return suppress(counted, k=parameters.k, cut=class_of(parameters.supply_level), history=history)


# ---------------------------------------------------------------------------------------------------------- progress
def rough_share(part: int, people: int, k: int) -> int | None:
    """Tens of per cent, 0 to 9, of a part that must not be counted exactly: 9 means 90 % or more, up to all.

    None where ten per cent would be fewer than 2k people, so that the share would tell the count of a few.
    """
    return None if people < 20 * k else min(9, part * 10 // people)


# ------------------------------------------------------------------------------------------------------------- ranks
class Supply(NamedTuple):
    """Supply of a skill over the whole, as readers may know it.

    Attributes:
        people: at the supply level or higher; None where hidden.
        standing: the figure by which the skill is ranked; None where readers know of none.
        rank: 1 to n; None where there is no standing.
    """

    skill: Skill
    people: int | None
    standing: int | None
    rank: int | None


class Demand(NamedTuple):
    """Demand for a skill."""

    skill: Skill
    headcount: int
    businesses: int
    rank: int


def supply(
    counted: Cube, shown: Suppressed, parameters: Parameters, earlier: Mapping[Skill, int] | None = None
) -> dict[Skill, Supply]:
    """Supply of every skill of the cube over the whole, ranked 1 to n: people, sum of levels, skill number.

    Ranks follow from what readers may know, and from nothing else, so that neither they nor what is proposed by them
    tell more: sums of levels break a tie only among skills that show all of theirs, and a hidden count has the place
    of what readers take it for (see `_standing`). A skill of which they know nothing has no rank, and the others are
    ranked without it.

    Args:
        earlier: where earlier runs were published, the figures by which these ranked their skills; None where none
            was.
    """
    root, cut = whole(counted), class_of(parameters.supply_level)
    people = {number_of(skill): shown.at_least(root, skill, cut) for skill in counted.counts}

    def standing_of(skill: Skill) -> int | None:
        if (figure := people[skill]) is not None:
            return figure
        if earlier is not None:
            return earlier.get(skill)
        return _standing(sum(counted.counts[skill][root][cut:]), shown.size(root), shown.k)

    standing = {skill: standing_of(skill) for skill in people}
    ranks = _ranked(standing, {skill: _sum_of_levels(shown, root, skill) for skill in standing})
    return {skill: Supply(skill, people[skill], standing[skill], ranks.get(skill)) for skill in people}


def _standing(people: int, size: int | None, k: int) -> int | None:
    """What readers may take a count for that is hidden, where no run came before: "few", or "all but few".

    "Few" stands below and "all but few" above every figure that is shown, but for none; which of the few each is they
    do not learn. In so small a group that nothing can be shown it would tell too much. Where a run came before, to
    tell it anew would tell what has changed since: there the earlier standing holds.
    """
    if size is None or size < 2 * k:
        return None
    return 1 if people < k else size


def _sum_of_levels(shown: Suppressed, root: Node, skill: Skill) -> int | None:
    """The levels of all people added up; None where that does not follow from what is shown."""
    figures = [shown.at_least(root, skill, class_of(level)) for level in DEMAND_LEVELS]
    return None if None in figures else sum(figure or 0 for figure in figures)


def _ranked(standing: Mapping[Skill, int | None], levels: Mapping[Skill, int | None]) -> dict[Skill, int]:
    """Ranks by standing; among equals by sums of levels where all of them are known, then by number."""
    equals: dict[int, list[Skill]] = {}
    for skill in sorted(standing):
        if (figure := standing[skill]) is not None:
            equals.setdefault(figure, []).append(skill)
    order: list[Skill] = []
    for figure in sorted(equals, reverse=True):
        sums = [(-total, skill) for skill in equals[figure] if (total := levels[skill]) is not None]
        order += equals[figure] if len(sums) < len(equals[figure]) else [skill for _total, skill in sorted(sums)]
    return {skill: rank for rank, skill in enumerate(order, 1)}


def demand(lines: Iterable[DemandLine], skills: Iterable[Skill]) -> dict[Skill, Demand]:
    """Demand for every skill, ranked 1 to n: heads, then number of businesses, then skill number.

    A skill that nobody asks for is ranked too, behind all others; see `propose`.

    Raises:
        ValueError: a line asks for a skill that is not among `skills`.
    """
    heads = dict.fromkeys(skills, 0)
    businesses: dict[Skill, set[tuple[Node, Hashable]]] = {skill: set() for skill in heads}
    for line in lines:
        known(line, heads)
        heads[line.skill] += line.headcount
        if line.headcount:
            businesses[line.skill].add((line.organisation, line.business))
    order = sorted(heads, key=lambda skill: (-heads[skill], -len(businesses[skill]), skill))
    return {skill: Demand(skill, heads[skill], len(businesses[skill]), rank) for rank, skill in enumerate(order, 1)}


def known(line: DemandLine, skills: Iterable[Skill]) -> None:
    """Refuse a line that asks for a skill which is not compared, with ValueError."""
    if line.skill not in skills:
        raise ValueError(f"Skill {line.skill} is not among those that are compared.")


def number_of(skill: Hashable) -> Skill:
    """A measure of the cube as the number of a skill, which it must be."""
    if not isinstance(skill, int):
        raise TypeError(f"{skill!r} is not the number of a skill.")
    return skill


# ---------------------------------------------------------------------------------------------------- priority areas
class Proposal(NamedTuple):
    """A skill that the rule proposes, and why: `demand_rank` <= `top` < `supply_rank`, among so many `items`."""

    skill: Skill
    demand_rank: int
    supply_rank: int
    top: int
    items: int


def is_priority(demand_rank: int, supply_rank: int, top: int) -> bool:
    """Whether demand is in the top share and supply is not (需要上位, 供給中位〜下位)."""
    return demand_rank <= top < supply_rank


def propose(
    demanded: Mapping[Skill, Demand], supplied: Mapping[Skill, Supply], parameters: Parameters
) -> list[Proposal]:
    """The skills to propose as priority areas, in the order of demand.

    A skill that nobody asks for keeps its rank but is never proposed, even where fewer skills are asked for than the
    top share holds: without a demand there is no 需要上位. Nor is one whose supply has no rank.

    Raises:
        ValueError: supply and demand are not of the same skills.
    """
    asked = {skill: each.rank for skill, each in demanded.items() if each.headcount}
    ranks = {skill: each.rank for skill, each in supplied.items()}
    if demanded.keys() != ranks.keys():
        raise ValueError("Supply and demand are not of the same skills.")
    return propose_by_rank(asked, ranks, parameters)


def propose_by_rank(
    demand_ranks: Mapping[Skill, int], supply_ranks: Mapping[Skill, int | None], parameters: Parameters
) -> list[Proposal]:
    """The rule on ranks alone; the number of items is that of `supply_ranks`, `demand_ranks` may leave some out."""
    items = len(supply_ranks)
    top = parameters.top(items)
    return [
        Proposal(skill, wanted, rank, top, items)
        for skill, wanted in sorted(demand_ranks.items(), key=lambda each: each[1])
        if (rank := supply_ranks[skill]) is not None and is_priority(wanted, rank, top)
    ]
