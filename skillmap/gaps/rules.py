"""Supply, demand and priority: values in, values out.

Words: *supply* of a skill is how many people of the population stand at `Parameters.supply_level` or higher; *demand*
is how many heads the organisations ask for. Both are ranked, and skills high in demand but not in supply are proposed
as priority areas; heads that nobody covers are counted in gap_rules.py. Nothing here is suppressed but what the cube's
own `suppress` returns: everything else is for the computation only, the sums of levels above all.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from skillmap.core.suppression import Cube, History, Node, Record, Suppressed, may_show, suppress

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
def shown_steps(people: Sequence[int], k: int, cut: int) -> Suppressed:
    """What may be shown of people by step to whoever does not see who stands where; one group `whole`, measure `step`.

    Args:
        people: how many stand at each step, in the order of the steps.
        cut: the step from which on people matter most (the confirmed ones).
    """
    return suppress(
        Cube.rolled_up({"whole": None}, len(people), {"whole": sum(people)}, {"step": {"whole": people}}), k=k, cut=cut
    )


def rough_share(part: int, people: int, k: int) -> int | None:
    """Tens of per cent, 0 to 9, of a part that must not be counted exactly: 9 means 90 % or more, up to all.

    None where ten per cent would be fewer than 2k people, so that the share would tell the count of a few.
    """
    return None if people < 20 * k else min(9, part * 10 // people)


# ------------------------------------------------------------------------------------------------------------- ranks
class Supply(NamedTuple):
    """Supply of a skill. `level_sum` breaks ties and is never shown; `people` only as the suppressed cube allows."""

    skill: Skill
    people: int
    level_sum: int
    rank: int


class Demand(NamedTuple):
    """Demand for a skill."""

    skill: Skill
    headcount: int
    businesses: int
    rank: int


def supply(counted: Cube, parameters: Parameters) -> dict[Skill, Supply]:
    """Supply of every skill of the cube, over the whole; ranked 1 to n: people, sum of levels, skill number."""
    root, low = whole(counted), class_of(parameters.supply_level)
    found = {}
    for skill, by_node in counted.counts.items():
        counts = by_node[root]
        levels = sum(level * counts[class_of(level)] for level in LEVELS)
        found[number_of(skill)] = (sum(counts[low:]), levels)
    order = sorted(found, key=lambda skill: (-found[skill][0], -found[skill][1], skill))
    return {skill: Supply(skill, *found[skill], rank) for rank, skill in enumerate(order, 1)}


def shown_ranks(
    counted: Cube, supplied: Mapping[Skill, Supply], shown: Suppressed, parameters: Parameters
) -> dict[Skill, int | None]:
    """Supply ranks as they may be shown; None where hidden.

    A rank says that a count lies between those of its neighbours. That tells nothing of a count hidden for being small:
    no shown count lies near it. One that is hidden because of an earlier run could be told exactly, so its rank is
    hidden with it.
    """
    root, low = whole(counted), class_of(parameters.supply_level)
    return {
        skill: None
        if shown.at_least(root, skill, low) is None and may_show(each.people, counted.sizes[root], shown.k)
        else each.rank
        for skill, each in supplied.items()
    }


def hide_neighbours(
    ranks: Mapping[Skill, int | None],
    supplied: Mapping[Skill, Supply],
    windows: Mapping[Skill, tuple[int, int] | None],
) -> dict[Skill, int | None]:
    """Hide, with each hidden rank, those that would tell where it lies among what readers must hold possible.

    If one rank alone is missing, everybody can fill it in, and then knows between which shown counts the hidden one
    lies. So the ranks of all skills are hidden whose count lies in the window of a hidden one. Those outside say no
    more than that the hidden count is somewhere in its window, which is known.

    Args:
        windows: for each skill with a hidden rank, the smallest and largest count that readers know to be possible
            from an earlier run; None where they know of none, and then all ranks are hidden.
    """
    hidden = [skill for skill, rank in ranks.items() if rank is None]
    if any(windows[skill] is None for skill in hidden):
        return dict.fromkeys(ranks)
    spans = [span for skill in hidden if (span := windows[skill]) is not None]
    return {
        skill: None if any(low <= supplied[skill].people <= high for low, high in spans) else rank
        for skill, rank in ranks.items()
    }


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
    top share holds: without a demand there is no 需要上位.

    Raises:
        ValueError: supply and demand are not of the same skills.
    """
    asked = {skill: each.rank for skill, each in demanded.items() if each.headcount}
    ranks = {skill: each.rank for skill, each in supplied.items()}
    if demanded.keys() != ranks.keys():
        raise ValueError("Supply and demand are not of the same skills.")
    return propose_by_rank(asked, ranks, parameters)


def propose_by_rank(
    demand_ranks: Mapping[Skill, int], supply_ranks: Mapping[Skill, int], parameters: Parameters
) -> list[Proposal]:
    """The rule on ranks alone; the number of items is that of `supply_ranks`, `demand_ranks` may leave some out."""
    items = len(supply_ranks)
    top = parameters.top(items)
    order = sorted(demand_ranks, key=lambda skill: demand_ranks[skill])
    return [
        Proposal(skill, demand_ranks[skill], supply_ranks[skill], top, items)
        for skill in order
        if is_priority(demand_ranks[skill], supply_ranks[skill], top)
    ]
