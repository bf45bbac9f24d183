"""Comparison with earlier published runs."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from operator import add

from skillmap.core.suppression.cube import Cuts, Layout, Measure, Node, Record, Tree, Vector, blocks_of
from skillmap.core.suppression.pieces import Group, Piece, walk


def _add(sums: dict[Node, list[int]], node: Node, columns: int, taken: Iterable[int], value: int) -> None:
    row = sums.get(node)
    if row is None:
        row = sums[node] = [0] * columns
    for column in taken:
        row[column] += value


def _by_measure(
    sums: Mapping[Node, Vector], measures: Sequence[Measure], classes: int
) -> dict[Measure, dict[Node, Vector]]:
    """Rows of columns, one measure after the other, as vectors by measure and node; None is everybody."""
    found: dict[Measure, dict[Node, Vector]] = {None: {node: row[:1] for node, row in sums.items()}}
    for place, measure in enumerate(measures):
        first = 1 + place * classes
        found[measure] = {node: row[first : first + classes] for node, row in sums.items()}
    return found


@dataclass(frozen=True)
class Published:
    """An earlier run that readers have seen.

    Attributes:
        parents: its tree.
        measures: the order of `classes` in its records.
        records: everybody it counted, as it counted them. Read once, so an iterator will do.
        layout: what it published (`Suppressed.layout`).
    """

    parents: Mapping[Node, Node | None]
    measures: Sequence[Measure]
    records: Iterable[Record]
    layout: Layout


class History:
    """What readers know from earlier runs, and so what a new one may add.

    A piece of the new run (a shown node, or what remains beside shown ones) is allowed if it is

    * a **repetition**: the very same people with the very same classes as a piece that an earlier run made known by
      the same or finer cuts: it tells nothing new; or
    * **new**: nobody in it is in an earlier run; or
    * **renewed**: each of its blocks holds at least `k` people who are in no earlier run.

    Then nothing can be had by subtraction: even one who knows every class of all the people in earlier runs is left
    with a cube of new people, whose pieces are safe by themselves; and of the people in earlier runs the new figures
    tell nothing, since the new people in each block make up for any other assignment that the earlier figures allow.
    That one person came, went or changed a class therefore hides the cells on the way to the root, and leaves the
    others as they were. Who is "in" an earlier run is decided by `Record.key`.
    """

    def __init__(
        self,
        parents: Mapping[Node, Node | None],
        measures: Sequence[Measure],
        classes: int,
        records: Iterable[Record],
        earlier: Iterable[Published],
    ) -> None:
        """Read all records; sizes of groups are treated as one more measure, `None`, with a single class."""
        self._secret = secrets.token_bytes(16)
        self._seen: set[int] = set()
        self._known: dict[Measure, dict[Vector, list[Cuts]]] = {}
        for run in earlier:
            self._learn(run, classes)
        tree = Tree(parents)
        self._marks, self._fresh = self._summed(tree, measures, classes, records, self._seen)

    def _mark(self, key: Hashable) -> int:
        return int.from_bytes(blake2b(repr(key).encode(), key=self._secret, digest_size=16).digest())

    def _summed(
        self,
        tree: Tree,
        measures: Sequence[Measure],
        classes: int,
        records: Iterable[Record],
        seen: Collection[int],
    ) -> tuple[dict[Measure, dict[Node, Vector]], dict[Measure, dict[Node, Vector]]]:
        """Marks and numbers of fresh people, by measure and node; adds nobody to `seen`."""
        columns = 1 + len(measures) * classes  # everybody, then the classes of one measure after the other
        firsts = range(1, columns, classes)
        marks: dict[Node, list[int]] = {}
        fresh: dict[Node, list[int]] = {}
        for record in records:
            mark = self._mark(record.key)
            if len(record.classes) != len(measures) or max(record.classes, default=0) >= classes:
                raise ValueError(f"{record.key!r} has not one class of {classes} for each measure.")
            taken = [0, *map(add, firsts, record.classes)]
            _add(marks, record.node, columns, taken, mark)
            if mark not in seen:
                _add(fresh, record.node, columns, taken, 1)
        return (
            _by_measure(tree.rolled_up(marks, columns), measures, classes),
            _by_measure(tree.rolled_up(fresh, columns), measures, classes),
        )

    def _learn(self, run: Published, classes: int) -> None:
        tree, met = Tree(run.parents), list[int]()

        def noted() -> Iterable[Record]:
            for record in run.records:
                met.append(self._mark(record.key))
                yield record

        marks, numbers = self._summed(tree, run.measures, classes, noted(), ())
        self._seen.update(met)
        for measure, by_node in marks.items():
            cuts_of: Mapping[Node, Cuts] = (
                dict.fromkeys(run.layout.sizes, ()) if measure is None else run.layout.cuts.get(measure, {})
            )
            pieces = {node: Piece(numbers[measure][node], (), vector) for node, vector in by_node.items()}

            def choose(group: Group, cuts_of: Mapping[Node, Cuts] = cuts_of) -> Mapping[Node, Cuts]:
                return {node: cuts_of[node] for node in group.members if node in cuts_of}

            known = self._known.setdefault(measure, {})
            for _node, piece, cuts in walk(tree, pieces, choose):
                known.setdefault(piece.marks, []).append(cuts)

    def piece(self, measure: Measure, node: Node, counts: Vector) -> Piece:
        """The node's people with what is known of them from earlier."""
        piece = Piece(counts, self._fresh[measure][node], self._marks[measure][node])
        if any(fresh > count for fresh, count in zip(piece.fresh, counts, strict=True)):
            raise ValueError(f"The records do not make up the cube at {node!r}, {measure!r}.")
        return piece

    def allows(self, measure: Measure, piece: Piece, cuts: Cuts, k: int) -> bool:
        """Whether the piece may become known by these cuts."""
        if piece.fresh == piece.counts or min(blocks_of(piece.fresh, cuts)) >= k:
            return True
        return any(set(cuts) <= set(finer) for finer in self._known.get(measure, {}).get(piece.marks, ()))
