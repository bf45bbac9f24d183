"""The cube of counts, its tree, and the rule for one cell."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise
from typing import NamedTuple, TypeAlias

Node: TypeAlias = Hashable
Measure: TypeAlias = Hashable
#: Numbers by class, from the lowest class up.
Vector: TypeAlias = tuple[int, ...]
#: Where the classes are cut, ascending: (3,) splits five classes into 0-2 and 3-4. () is the group's size alone.
Cuts: TypeAlias = tuple[int, ...]


class Layout(NamedTuple):
    """What is published, without the numbers; keep it with the run, `History` needs it.

    Attributes:
        sizes: nodes whose size is shown.
        cuts: by measure, the cuts of each node that shows anything beyond its size.
    """

    sizes: frozenset[Node]
    cuts: Mapping[Measure, Mapping[Node, Cuts]]


class Record(NamedTuple):
    """One person's classes as one run read them.

    Attributes:
        key: what stays the same between two runs while a reader would take the person's answers for the same: for
            a skill check (person, check). A new check of the same person is a new key.
        node: where the person counts.
        classes: class by measure, in the order of the cube's measures.
    """

    key: Hashable
    node: Node
    classes: Sequence[int]


class Crowd(NamedTuple):
    """Many records at once, column by column.

    Attributes:
        keys: of each person, see `Record`.
        nodes: where each counts.
        classes: one byte for each person and measure, a person after the other.
    """

    keys: Sequence[Hashable]
    nodes: Sequence[Node]
    classes: bytes


def may_show(value: int, group: int, k: int) -> bool:
    """Whether a count of `value` people of a group of `group` may be shown."""
    return k <= value <= group - k or (value == 0 and group >= 2 * k)


def blocks_of(vector: Vector, cuts: Cuts) -> Vector:
    """The numbers by block."""
    return tuple([sum(vector[span]) for span in _spans(cuts, len(vector))])


@cache
def _spans(cuts: Cuts, classes: int) -> tuple[slice, ...]:
    return tuple(slice(low, high) for low, high in pairwise((0, *cuts, classes)))


def is_safe(blocks: Sequence[int], k: int) -> bool:
    """Whether a piece may be known by these blocks: each is at least k, or none of at least 2k.

    What a block leaves out is made of other blocks, so it is at least k as well, or all others are none of at least 2k:
    the complement of a permitted none is permitted.
    """
    if min(blocks) >= k:
        return True
    return sum(blocks) >= 2 * k and all(value >= k or value == 0 for value in blocks)


@dataclass(frozen=True)
class Tree:
    """A forest of nodes, parents before children."""

    parents: Mapping[Node, Node | None]
    roots: tuple[Node, ...] = field(init=False)
    children: Mapping[Node, tuple[Node, ...]] = field(init=False)
    order: tuple[Node, ...] = field(init=False)

    def __post_init__(self) -> None:
        below: dict[Node | None, list[Node]] = {}
        for node, parent in self.parents.items():
            if parent is not None and parent not in self.parents:
                raise ValueError(f"{node!r} stands below {parent!r}, which is not in the tree.")
            below.setdefault(parent, []).append(node)
        order = list(below.get(None, ()))
        for node in order:
            order.extend(below.get(node, ()))
        if len(order) != len(self.parents):
            raise ValueError("The tree has a cycle.")
        object.__setattr__(self, "roots", tuple(below.get(None, ())))
        object.__setattr__(self, "children", {node: tuple(below.get(node, ())) for node in order})
        object.__setattr__(self, "order", tuple(order))

    def rolled_up(self, own: Mapping[Node, Sequence[int]], width: int) -> dict[Node, Vector]:
        """Sums over every node and all below it, from what stands at each node itself."""
        if unknown := own.keys() - self.parents.keys():
            raise ValueError(f"Not in the tree: {sorted(map(repr, unknown))}.")
        sums = {node: list(own.get(node, (0,) * width)) for node in self.order}
        for node in reversed(self.order):
            if len(sums[node]) != width:
                raise ValueError(f"{node!r} has {len(sums[node])} classes instead of {width}.")
            parent = self.parents[node]
            if parent is not None:
                above = sums[parent]
                for index, value in enumerate(sums[node]):
                    above[index] += value
        return {node: tuple(values) for node, values in sums.items()}


@dataclass(frozen=True)
class Cube:
    """Counts of people: node x measure x class. Build it with `of` or `rolled_up`.

    Attributes:
        tree: the groups; everybody counts at one node and at all above it.
        classes: how many classes there are; each measure puts each person in exactly one.
        sizes: people per node, all below included.
        counts: by measure and node, people by class, all below included.
    """

    tree: Tree
    classes: int
    sizes: Mapping[Node, int]
    counts: Mapping[Measure, Mapping[Node, Vector]]

    @classmethod
    def rolled_up(
        cls,
        parents: Mapping[Node, Node | None],
        classes: int,
        own_sizes: Mapping[Node, int],
        own_counts: Mapping[Measure, Mapping[Node, Sequence[int]]],
    ) -> Cube:
        """Sum up the tree, from the people at each node itself (as one GROUP BY gives them).

        Args:
            parents: each node's parent, None for a root.
            own_sizes: people at the node itself; left out means none.
            own_counts: by measure, the same people by class.

        Raises:
            ValueError: a node is not in the tree, or a measure does not put each person in one class.
        """
        tree = Tree(parents)
        sizes = {node: size for node, (size,) in tree.rolled_up({n: (s,) for n, s in own_sizes.items()}, 1).items()}
        for measure, own in own_counts.items():
            for node in own.keys() | own_sizes.keys():
                values = own.get(node, ())
                if sum(values) != own_sizes.get(node, 0) or any(value < 0 for value in values):
                    raise ValueError(f"Measure {measure!r} does not count the people of {node!r} once each.")
        counts = {measure: tree.rolled_up(own, classes) for measure, own in own_counts.items()}
        return cls(tree, classes, sizes, counts)

    @classmethod
    def of(
        cls,
        parents: Mapping[Node, Node | None],
        measures: Sequence[Measure],
        classes: int,
        records: Iterable[Record],
    ) -> Cube:
        """Count records. Raises ValueError where a class or a node is unknown."""
        own_sizes: dict[Node, int] = {}
        own_counts: dict[Measure, dict[Node, list[int]]] = {measure: {} for measure in measures}
        for record in records:
            own_sizes[record.node] = own_sizes.get(record.node, 0) + 1
            for measure, index in zip(measures, record.classes, strict=True):
                if not 0 <= index < classes:
                    raise ValueError(f"Class {index} of {measure!r} is not one of {classes}.")
                own_counts[measure].setdefault(record.node, [0] * classes)[index] += 1
        return cls.rolled_up(parents, classes, own_sizes, own_counts)
