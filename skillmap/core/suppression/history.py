"""Comparison with earlier published runs."""

from __future__ import annotations

import secrets
from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from math import prod
from typing import Any, NamedTuple, TypeAlias

from skillmap.core.suppression.cube import Crowd, Cuts, Layout, Measure, Node, Record, Tree, Vector, blocks_of
from skillmap.core.suppression.partitions import Choice, Partitions, partitions_of
from skillmap.core.suppression.pieces import BYTES, FIELD, Form, Group, Piece, peopled, walk

Records: TypeAlias = Iterable[Record] | Iterable[Crowd]

#: Records that are summed up at once.
BATCH = 10_000
#: A mark is random in so many fields; a sum of marks has one more.
RANDOM_FIELDS = 4
#: A reader of sizes alone knows each set of people by its mark.
UNCOUNTED = Form(0)


@dataclass(frozen=True)
class Published:
    """An earlier run that readers have seen.

    Attributes:
        parents: its tree.
        measures: the order of `classes` in its records.
        records: everybody it counted, as it counted them, one by one or many at once. Read once, so an iterator will
            do.
        layout: what it published (`Suppressed.layout`).
    """

    parents: Mapping[Node, Node | None]
    measures: Sequence[Measure]
    records: Records
    layout: Layout


class _Sums(NamedTuple):
    """Figures by node, all below it included, a row a node in the order of the tree.

    Attributes:
        people: by node.
        marks: by node, measure (the first is the sizes of groups) and field.
        fresh: people who are in no earlier run, by node, measure and class.
    """

    tree: Tree
    people: Any
    marks: Any
    fresh: Any


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
        records: Records,
        earlier: Iterable[Published],
    ) -> None:
        """Read all records; sizes of groups are treated as one more measure, `None`, with a single class."""
        import numpy as np  # heavy: only whoever compares runs needs it

        self._numbers: dict[Hashable, int] = defaultdict(count().__next__)  # in the order in which they come
        self._random: Any = np.empty((0, classes, RANDOM_FIELDS), np.uint32)
        self._classes = classes
        self._known: dict[Measure, dict[int, Choice]] = {}
        for run in earlier:
            self._learn(run)
        self._columns: dict[Measure, int] = {measure: place for place, measure in enumerate((None, *measures))}
        self._sums = self._summed(Tree(parents), measures, records, seen=len(self._numbers))

    def _summed(self, tree: Tree, measures: Sequence[Measure], records: Records, seen: int) -> _Sums:
        """Sum up records; whose number is `seen` or more is in no earlier run."""
        import numpy as np

        nodes, columns, classes = len(tree.order), 1 + len(measures), self._classes
        index = {node: place for place, node in enumerate(tree.order)}
        people = np.zeros(nodes, np.uint64)
        marks = np.zeros((nodes, columns, RANDOM_FIELDS), np.uint64)
        fresh = np.zeros((nodes, columns, classes), np.uint64)
        for crowd in _crowds(records, len(measures)):
            who, at, answers = self._read(crowd, index, len(measures))
            taken = np.concatenate([np.zeros((len(at), 1), np.uint8), answers], axis=1)
            drawn = self._random.reshape(-1, RANDOM_FIELDS).take(classes * who[:, None] + taken, axis=0)
            starts = np.flatnonzero(np.diff(at, prepend=-1))  # of neighbours at one node: they mostly come together
            np.add.at(marks, at[starts], np.add.reduceat(drawn.astype(np.uint64), starts, axis=0))
            np.add.at(people, at, np.uint64(1))
            is_new = who >= seen
            if is_new.any():
                np.add.at(fresh, (at[is_new, None], np.arange(columns), taken[is_new]), np.uint64(1))
        for place in range(nodes - 1, -1, -1):
            parent = tree.parents[tree.order[place]]
            if parent is not None:
                above = index[parent]
                people[above] += people[place]
                marks[above] += marks[place]
                fresh[above] += fresh[place]
        return _Sums(tree, people, marks, fresh)

    def _read(self, crowd: Crowd, index: Mapping[Node, int], width: int) -> tuple[Any, Any, Any]:
        """Numbers of people, places of their nodes, and their classes, a row each."""
        import numpy as np

        if unknown := set(crowd.nodes) - index.keys():
            raise ValueError(f"Not in the tree: {sorted(map(repr, unknown))}.")
        answers = np.frombuffer(bytearray(crowd.classes), np.uint8)
        if len(answers) != len(crowd.keys) * width or (answers >= self._classes).any():
            raise ValueError(f"Somebody has not one class of {self._classes} for each measure.")
        who = np.fromiter(map(self._numbers.__getitem__, crowd.keys), np.intp, len(crowd.keys))
        self._draw(len(self._numbers) - len(self._random))
        at = np.fromiter(map(index.__getitem__, crowd.nodes), np.intp, len(crowd.keys))
        return who, at, answers.reshape(len(at), width)

    def _draw(self, people: int) -> None:
        """Random numbers for so many more people, for each class of each."""
        import numpy as np

        shape = (people, *self._random.shape[1:])
        drawn = np.frombuffer(secrets.token_bytes(prod(shape) * BYTES), np.uint32).reshape(shape)
        self._random = np.concatenate([self._random, drawn])

    def _learn(self, run: Published) -> None:
        sums = self._summed(Tree(run.parents), run.measures, run.records, seen=0)
        people: list[int] = sums.people.tolist()
        tree = peopled(sums.tree, dict(zip(sums.tree.order, people, strict=True)))
        for column, measure in enumerate((None, *run.measures)):
            cuts_of: Mapping[Node, Cuts] = (
                dict.fromkeys(run.layout.sizes, ()) if measure is None else run.layout.cuts.get(measure, {})
            )
            fields = _fields(sums, column, ())
            pieces = dict(zip(sums.tree.order, fields, strict=True))

            def choose(group: Group, cuts_of: Mapping[Node, Cuts] = cuts_of) -> Mapping[Node, Cuts]:
                return {node: cuts_of[node] for node in group.members if node in cuts_of}

            known, coarser = self._known.setdefault(measure, {}), self._partitions(measure).coarser
            for _node, piece, cuts in walk(tree, pieces, choose):
                mark = UNCOUNTED.mark(piece)
                known[mark] = known.get(mark, 0) | coarser[cuts]

    def _partitions(self, measure: Measure) -> Partitions:
        return partitions_of(1 if measure is None else self._classes)

    def pieces(self, measure: Measure, counts: Mapping[Node, Vector]) -> dict[Node, Piece]:
        """All nodes' people with what is known of them from earlier."""
        import numpy as np

        order, column = self._sums.tree.order, self._columns[measure]
        classes = 1 if measure is None else self._classes
        counted = np.array([counts[node] for node in order], np.uint64).reshape(len(order), classes)
        fresh = self._sums.fresh[:, column, :classes]
        if (wrong := (fresh > counted).any(axis=1) | (counted.sum(axis=1) != self._sums.people)).any():
            raise ValueError(f"The records do not make up the cube at {order[int(wrong.argmax())]!r}, {measure!r}.")
        return dict(zip(order, _fields(self._sums, column, (*counted.T, *fresh.T)), strict=True))

    def permitted(self, form: Form, measure: Measure, piece: Piece, counts: Vector, k: int) -> Choice:
        """The sets of cuts by which a piece with people in it may become known, as far as earlier runs go."""
        known = self._known.get(measure, {}).get(form.mark(piece), 0)
        if not piece & form.all_fresh:
            return known
        fresh, partitions = form.fresh(piece), self._partitions(measure)
        return partitions.every if fresh == counts else known | partitions.filled(fresh, k)

    def known(self, measure: Measure) -> Mapping[int, Choice]:
        """By mark, the sets of cuts by which earlier runs made a piece known, themselves or by finer ones."""
        return self._known.get(measure, {})

    def is_fresh(self, form: Form, piece: Piece, cuts: Cuts, k: int) -> bool:
        """Whether a piece is new, or renewed in each block of these cuts."""
        fresh = form.fresh(piece)
        return fresh == form.counts(piece) or min(blocks_of(fresh, cuts)) >= k


def _crowds(records: Records, width: int) -> Iterator[Crowd]:
    """Records as crowds, each of so many measures; what comes as crowds stays as it is."""
    alone: list[Record] = []
    for each in records:
        if isinstance(each, Crowd):
            yield each
            continue
        alone.append(each)
        if len(alone) == BATCH:
            yield _crowd_of(alone, width)
            alone = []
    if alone:
        yield _crowd_of(alone, width)


def _crowd_of(records: Sequence[Record], width: int) -> Crowd:
    if any(len(record.classes) != width for record in records):
        raise ValueError("Somebody has not one class for each measure.")
    keys, nodes, classes = zip(*records, strict=True)
    return Crowd(keys, nodes, b"".join(map(bytes, classes)))


def _fields(sums: _Sums, column: int, between: Sequence[Any]) -> list[Piece]:
    """A piece for each node: its people, the figures in `between`, its marks; see `Form`."""
    import numpy as np

    marks, carried = [], np.zeros(len(sums.people), np.uint64)
    for field in range(RANDOM_FIELDS):
        total = sums.marks[:, column, field] + carried
        carried = total >> np.uint64(FIELD)
        marks.append(total)  # cut down to a field below
    table = np.stack([sums.people, *between, *marks, carried], axis=1).astype(f"<u{BYTES}")
    size, data = table.shape[1] * BYTES, table.tobytes()
    return [int.from_bytes(data[start : start + size], "little") for start in range(0, len(data), size)]
