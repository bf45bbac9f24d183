"""A reader who works out what published figures give away.

The reader knows who stands where in every run (so the size of every group, shown or not), which answers are the same
in two runs, and every figure shown. What remains unknown is the class of each person. Exact over the reals by linear
algebra on the affine hull of what is possible, exact over whole numbers by integer programming or by trying all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations, pairwise, product

import numpy as np
from scipy.linalg import null_space
from scipy.optimize import Bounds, LinearConstraint, linprog, milp

from skillmap.core.suppression import Cube, Node, Record, Suppressed
from skillmap.core.suppression.cube import Tree

#: Where people with the same history stand, run by run; None where they are not counted or have another answer.
Unit = tuple[Node | None, ...]
Interval = tuple[int, int]
TOLERANCE = 1e-7


@dataclass(frozen=True)
class Run:
    """One published run of one measure, named 0."""

    parents: Mapping[Node, Node | None]
    records: Sequence[Record]
    shown: Suppressed

    def nodes_under(self, node: Node) -> set[Node]:
        """The node and everything below it."""
        tree, found = Tree(self.parents), [node]
        for each in found:
            found.extend(tree.children[each])
        return set(found)


@dataclass
class Reader:
    """What is unknown, what is known, and what follows."""

    runs: Sequence[Run]
    classes: int
    k: int
    sizes: dict[Unit, int] = field(init=False)
    truth: Counter[tuple[Unit, int]] = field(init=False)
    rows: list[tuple[list[tuple[Unit, int]], int]] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        self.truth = self._facts()
        self.sizes = dict(sum((Counter({unit: count}) for (unit, _c), count in self.truth.items()), Counter()))
        self.units = sorted(self.sizes, key=repr)
        self.cells = list(product(self.units, range(self.classes)))
        self.index = {cell: number for number, cell in enumerate(self.cells)}
        for unit in self.units:
            self.rows.append(([(unit, c) for c in range(self.classes)], self.sizes[unit]))
        for number, run in enumerate(self.runs):
            for node in run.parents:
                for low, high in self.intervals():
                    value = run.shown.between(node, 0, low, high) if run.shown.size(node) is not None else None
                    if value is not None:
                        self.rows.append(
                            (self.cells_of(self.units_in(number, run.nodes_under(node)), low, high), value)
                        )
        matrix = np.zeros((len(self.rows), len(self.cells)))
        for line, (cells, _value) in enumerate(self.rows):
            matrix[line, [self.index[cell] for cell in cells]] = 1
        self.matrix, self.values = matrix, np.array([float(value) for _cells, value in self.rows])
        for line, (cells, value) in enumerate(self.rows):
            assert sum(self.truth[cell] for cell in cells) == value, f"line {line} shows a wrong number"

    def _facts(self) -> Counter[tuple[Unit, int]]:
        """Count people's answers by where they stood while the answer was the same."""
        seen: dict[object, list[tuple[Node, int] | None]] = {}
        for number, run in enumerate(self.runs):
            for record in run.records:
                seen.setdefault(record.key, [None] * len(self.runs))[number] = (record.node, record.classes[0])
        facts: Counter[tuple[Unit, int]] = Counter()
        for places in seen.values():
            for answer in {place[1] for place in places if place}:
                facts[tuple(p[0] if p and p[1] == answer else None for p in places), answer] += 1
        return facts

    def units_in(self, run: int, nodes: Collection[Node]) -> list[Unit]:
        """The units counted at these nodes in a run."""
        return [unit for unit in self.units if unit[run] in nodes]

    def intervals(self) -> Iterator[Interval]:
        """All runs of classes but the whole, which is no secret."""
        pairs = ((low, high) for low in range(self.classes) for high in range(low, self.classes))
        return (pair for pair in pairs if pair != (0, self.classes - 1))

    def cells_of(self, units: Iterable[Unit], low: int, high: int) -> list[tuple[Unit, int]]:
        """Units times classes low to high."""
        return list(product(units, range(low, high + 1)))

    # ------------------------------------------------------------------------------------------ what is determined
    def always_none(self) -> np.ndarray:
        """Which unknowns are 0 in all that is possible."""
        positive = np.array([self.truth[cell] > 0 for cell in self.cells], dtype=bool)
        while not positive.all():
            found = linprog(-(~positive).astype(float), A_eq=self.matrix, b_eq=self.values, bounds=(0, None))
            assert found.status == 0
            if -found.fun < TOLERANCE:
                break
            positive |= found.x > TOLERANCE
        return ~positive

    def directions(self) -> np.ndarray:
        """A basis of all changes that nothing published notices: cells x directions."""
        none = self.always_none()
        if none.all():
            return np.zeros((len(self.cells), 1))
        basis = null_space(self.matrix[:, ~none])
        moves = np.zeros((len(self.cells), max(1, basis.shape[1])))
        moves[~none, : basis.shape[1]] = basis
        return moves

    def bounds(self, cells: Collection[tuple[Unit, int]]) -> tuple[int, int]:
        """Smallest and largest whole number that the people in these cells can be."""
        target = np.zeros(len(self.cells))
        target[[self.index[cell] for cell in cells]] = 1
        constraint = LinearConstraint(self.matrix, self.values, self.values)
        ends = []
        for sign in (1, -1):
            found = milp(sign * target, constraints=constraint, integrality=np.ones(len(target)), bounds=Bounds(0))
            assert found.status == 0
            ends.append(round(sign * found.fun))
        return ends[0], ends[1]

    def possible(self) -> Iterator[dict[tuple[Unit, int], int]]:
        """Every assignment of whole numbers that agrees with all that is known, by trying all of them."""
        per_unit = [list(_splits(self.sizes[unit], self.classes)) for unit in self.units]
        for choice in product(*per_unit):
            world = {
                (unit, c): split[c] for unit, split in zip(self.units, choice, strict=True) for c in range(self.classes)
            }
            if all(sum(world[cell] for cell in cells) == value for cells, value in self.rows):
                yield world

    # ----------------------------------------------------------------------------------------------- what is unsafe
    def is_unsafe(self, value: int, group: int) -> bool:
        """Whether a count must not be known: fewer than k, all but fewer than k, or all or none of a small group."""
        return 0 < value < self.k or 0 < group - value < self.k or (value in (0, group) and 0 < group < 2 * self.k)

    def permitted(self) -> set[tuple[Unit, int]]:
        """Cells known to be 0 by the rule: none of a shown group, less shown ones below it, of 2k people or more."""
        cells: set[tuple[Unit, int]] = set()
        for number, run in enumerate(self.runs):
            cuts = run.shown.cuts[0]
            under = {node: run.nodes_under(node) for node in cuts}
            for top in cuts:
                inside = [node for node in cuts if node != top and node in under[top]]
                for size in range(len(inside) + 1):
                    for taken in combinations(inside, size):
                        if any(a in under[b] for a in taken for b in taken if a != b):
                            continue
                        rest = under[top].difference(*(under[node] for node in taken))
                        bounds = {0, self.classes}.union(set(cuts[top]).intersection(*(cuts[node] for node in taken)))
                        self._permit(cells, self.units_in(number, rest), sorted(bounds))
        return cells

    def _permit(self, cells: set[tuple[Unit, int]], units: list[Unit], bounds: list[int]) -> None:
        if sum(self.sizes[unit] for unit in units) < 2 * self.k:
            return
        for low, high in pairwise(bounds):
            block = self.cells_of(units, low, high - 1)
            if not sum(self.truth[cell] for cell in block):
                cells.update(block)

    def leaks(self, groups: Iterable[Sequence[Unit]]) -> list[tuple[Sequence[Unit], Interval, int]]:
        """Which counts of these groups are determined and must not be: (group, classes, count).

        People of whom permitted zeros say it already do not make another count a secret, nor keep one.
        """
        moves, permitted = self.directions(), self.permitted()
        found: list[tuple[Sequence[Unit], Interval, int]] = []
        for group, (low, high) in product(groups, list(self.intervals())):
            cells = self.cells_of(group, low, high)
            if np.abs(moves[[self.index[cell] for cell in cells]].sum(axis=0)).max() > TOLERANCE:
                continue
            open_units = [unit for unit in group if not self._decided(unit, low, high, permitted)]
            value = sum(self.truth[cell] for cell in self.cells_of(open_units, low, high))
            if self.is_unsafe(value, sum(self.sizes[unit] for unit in open_units)):
                found.append((open_units, (low, high), value))
        return found

    def _decided(self, unit: Unit, low: int, high: int, permitted: set[tuple[Unit, int]]) -> bool:
        inside = [(unit, c) in permitted for c in range(low, high + 1)]
        outside = [(unit, c) in permitted for c in range(self.classes) if not low <= c <= high]
        return all(inside) or all(outside)

    def all_groups(self) -> Iterator[Sequence[Unit]]:
        """Every union of units."""
        for size in range(1, len(self.units) + 1):
            yield from combinations(self.units, size)

    def natural_groups(self) -> Iterator[Sequence[Unit]]:
        """Units, pairs, nodes, and per node those who stayed, came and went between two runs."""
        yield from combinations(self.units, 1)
        yield from combinations(self.units, 2)
        for number, run in enumerate(self.runs):
            for node in run.parents:
                inside = self.units_in(number, run.nodes_under(node))
                yield inside
                for other, later in enumerate(self.runs):
                    if other != number and node in later.parents:
                        there = set(self.units_in(other, later.nodes_under(node)))
                        yield [unit for unit in inside if unit in there]
                        yield [unit for unit in inside if unit not in there]


def _splits(total: int, parts: int) -> Iterator[tuple[int, ...]]:
    if parts == 1:
        yield (total,)
        return
    for first in range(total + 1):
        for rest in _splits(total - first, parts - 1):
            yield (first, *rest)


def records_of(own: Mapping[Node, Sequence[int]], first_key: int = 0) -> list[Record]:
    """People by class at each node, with running numbers as keys."""
    places = [(node, c) for node, counts in own.items() for c, count in enumerate(counts) for _ in range(count)]
    return [Record(first_key + number, node, (c,)) for number, (node, c) in enumerate(places)]


def cube_of(parents: Mapping[Node, Node | None], records: Iterable[Record], classes: int) -> Cube:
    """The cube of one measure, named 0."""
    return Cube.of(parents, [0], classes, records)
