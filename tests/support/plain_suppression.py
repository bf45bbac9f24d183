"""The suppression of `skillmap.core.suppression` in its plainest form: tuples of numbers, one person at a time.

It is too slow for a hundred thousand people. The tests hold the fast form to it, case by case.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import blake2b
from itertools import combinations
from operator import add, sub
from typing import NamedTuple, TypeAlias

from skillmap.core.suppression import Published, Suppressed
from skillmap.core.suppression.cube import (
    Cube,
    Cuts,
    Measure,
    Node,
    Record,
    Tree,
    Vector,
    blocks_of,
    is_safe,
)

SMALLEST_K = 3
MOST_TRIALS = 30
LESS_FOR_GROUPS = 10


class Piece(NamedTuple):
    """Numbers of a set of people by class.

    Attributes:
        counts: people.
        fresh: those of them who are in no earlier published run; empty where there is none.
        marks: sums of random marks, one a person: two sets with equal marks are the same set.
    """

    counts: Vector
    fresh: Vector = ()
    marks: Vector = ()

    def without(self, others: Iterable[Piece]) -> Piece:
        """The people of this piece who are in none of the others, which lie within it and apart from each other."""
        counts, fresh, marks = self
        for other in others:
            counts = tuple(map(sub, counts, other.counts))
            fresh = tuple(map(sub, fresh, other.fresh))
            marks = tuple(map(sub, marks, other.marks))
        return Piece(counts, fresh, marks)

    def together(self, other: Piece) -> Piece:
        """Both, which have nobody in common."""
        return Piece(added(self.counts, other.counts), added(self.fresh, other.fresh), added(self.marks, other.marks))


def added(one: Vector, other: Vector) -> Vector:
    """The sum, class by class."""
    return tuple(map(add, one, other))


Pieces: TypeAlias = Mapping[Node, Piece]


@dataclass(frozen=True)
class Group:
    """Members to choose from.

    Attributes:
        known: the cuts by which a reader knows the whole group, or None where only its size can be known.
        members: nodes with people in them; the group may hold people beside them.
        whole: the group itself; None where `known` is.
    """

    known: Cuts | None
    members: tuple[Node, ...]
    whole: Piece | None


Choose: TypeAlias = Callable[[Group], Mapping[Node, Cuts]]


def walk(tree: Tree, pieces: Pieces, choose: Choose) -> Iterator[tuple[Node | None, Piece, Cuts]]:
    """Yield every piece that becomes known: (node, piece, cuts) or, for a remainder, (None, piece, cuts).

    `choose` says for a group which members are shown, by which cuts: within the group's own, and each a subset of
    the next where they differ.
    """

    waiting = [Group(None, peopled(pieces, tree.roots), None)]
    while waiting:
        group = waiting.pop()
        if not group.members:
            continue
        shown = choose(group)
        for node, cuts in shown.items():
            yield node, pieces[node], cuts
            waiting.append(below(tree, pieces, node, cuts))
        if group.whole is not None:
            yield from ((None, rest, cuts) for cuts, rest in remainders(group.whole, shown, pieces) if sum(rest.counts))
        waiting.append(beside(tree, pieces, group, shown))


def peopled(pieces: Pieces, nodes: Sequence[Node]) -> tuple[Node, ...]:
    """Those with people in them: nothing can be told about nobody."""
    return tuple(node for node in nodes if sum(pieces[node].counts))


def below(tree: Tree, pieces: Pieces, node: Node, cuts: Cuts) -> Group:
    """The members of a shown node."""
    return Group(cuts, peopled(pieces, tree.children[node]), pieces[node])


def beside(tree: Tree, pieces: Pieces, group: Group, shown: Mapping[Node, Cuts]) -> Group:
    """The members of the members that are not shown; with other people, they are the remainder."""
    hidden = (node for node in group.members if node not in shown)
    members = tuple(child for node in hidden for child in peopled(pieces, tree.children[node]))
    known, whole = group.known, group.whole
    if whole is not None:
        for cuts, rest in remainders(whole, shown, pieces):
            known, whole = cuts, rest  # the coarsest comes last
    return Group(known, members, whole)


def remainders(whole: Piece, shown: Mapping[Node, Cuts], pieces: Pieces) -> Iterator[tuple[Cuts, Piece]]:
    """What is left beside the shown members, by each of their sets of cuts, the finest first."""
    rest = whole
    for cuts in sorted(set(shown.values()), key=len, reverse=True):
        rest = rest.without(pieces[node] for node, own in shown.items() if own == cuts)
        yield cuts, rest


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
                assert isinstance(record, Record)
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


def suppress(
    cube: Cube, *, k: int = 5, cut: int, measures: Iterable[Measure] | None = None, history: History | None = None
) -> Suppressed:
    """Decide what may be shown of a cube, all of it together.

    Args:
        k: the smallest number of people that a cell stands for, at least 3.
        cut: the class from which on people matter most ("level 2 or more"); this cut is kept before any other, then
            higher ones, then lower ones.
        measures: those to publish; all of the cube's by default. Taken one by one, each when the one before is done.
        history: what readers know from earlier runs; None where this is the first.

    Raises:
        ValueError: k or cut make no sense, or the history is of other people.
    """
    if k < SMALLEST_K:
        raise ValueError(f"k must be at least {SMALLEST_K}: a hidden count must leave more than one possibility.")
    if not 0 < cut < cube.classes:
        raise ValueError(f"Cut {cut} is not within 1 to {cube.classes - 1}.")
    order = (cut, *range(cut + 1, cube.classes), *range(cut - 1, 0, -1))
    sizes = _Search(cube, None, {node: (size,) for node, size in cube.sizes.items()}, k, (), history)
    sized = dict(sizes.run())
    shown: dict[Measure, dict[Node, Cuts]] = {}
    blocks: dict[Measure, dict[Node, Vector]] = {}
    for measure in cube.counts if measures is None else measures:
        counts = cube.counts[measure]
        shown[measure] = dict(_Search(cube, measure, counts, k, order, history, frozenset(sized)).run())
        blocks[measure] = {node: blocks_of(counts[node], cuts) for node, cuts in shown[measure].items()}
    return Suppressed(k, cube.classes, {node: cube.sizes[node] for node in sized}, shown, blocks)


@cache
def _partitions(order: Cuts) -> tuple[Cuts, ...]:
    """All sets of cuts, the most wanted first: with the first cut, then the finest, then by the order given."""
    if not order:
        return ((),)
    sets = [chosen for size in range(len(order), 0, -1) for chosen in combinations(order, size)]
    sets.sort(key=lambda chosen: order[0] not in chosen)  # stable
    return tuple(tuple(sorted(chosen)) for chosen in sets)


class _Search:
    """The search for one measure; `order` lists the cuts by importance, none for the sizes of groups."""

    def __init__(
        self,
        cube: Cube,
        measure: Measure,
        counts: Mapping[Node, Vector],
        k: int,
        order: Cuts,
        history: History | None,
        candidates: frozenset[Node] | None = None,
    ) -> None:
        self.tree, self.measure, self.k, self.order, self.history = cube.tree, measure, k, order, history
        self.candidates = frozenset(counts) if candidates is None else candidates
        self.pieces: Pieces = (
            {node: Piece(vector) for node, vector in counts.items()}
            if history is None
            else {node: history.piece(measure, node, vector) for node, vector in counts.items()}
        )

        self.safe_alone: dict[tuple[Node, Cuts], bool] = {}
        self.insides: dict[tuple[Node, Cuts], int] = {}

    def run(self) -> Iterable[tuple[Node, Cuts]]:
        """The nodes to show, with their cuts."""
        return ((node, cuts) for node, _piece, cuts in walk(self.tree, self.pieces, self._choose) if node is not None)

    def _safe(self, piece: Piece, cuts: Cuts) -> bool:
        if not is_safe(blocks_of(piece.counts, cuts), self.k):
            return False
        return self.history is None or self.history.allows(self.measure, piece, cuts, self.k)

    def _safe_alone(self, node: Node, cuts: Cuts) -> bool:
        if (node, cuts) not in self.safe_alone:
            self.safe_alone[node, cuts] = self._safe(self.pieces[node], cuts)
        return self.safe_alone[node, cuts]

    def _choose(self, group: Group) -> Mapping[Node, Cuts]:
        """The members to show, after a look at what this leaves of their own members.

        A small group that is shown may cost all its members, since too few of them are left to hide one another;
        hidden, its members and those of other hidden groups do. So it is tried to hide the smallest such group, the
        two smallest, and so on, and then to change the best of these trials one group at a time.
        """
        chosen = self._plain(group)
        if group.known is None or not self.order:
            return chosen
        losing = [node for node in chosen if self._loses(node, chosen[node])]
        losing = sorted(losing, key=lambda node: sum(self.pieces[node].counts))[:MOST_TRIALS]
        worth, hidden = self._worth(group, chosen), frozenset[Node]()

        def trials() -> Iterator[frozenset[Node]]:
            yield from (frozenset(losing[:count]) for count in range(1, len(losing) + 1))
            yield from (hidden ^ {node} for node in losing)

        for trial in trials():
            other = self._plain(group, trial)
            value = self._worth(group, other)
            if value > worth:
                chosen, worth, hidden = other, value, trial
        return chosen

    def _plain(self, group: Group, hidden: frozenset[Node] = frozenset()) -> Mapping[Node, Cuts]:
        """The members to show, as if they had none themselves."""
        members = [node for node in group.members if node in self.candidates and node not in hidden]
        if group.known is None or group.whole is None:
            return {node: cuts for node in members if (cuts := self._finest(self.pieces[node])) is not None}
        return self._chain(group.known, group.whole, members)

    def _worth(self, group: Group, shown: Mapping[Node, Cuts]) -> int:
        """How much is shown in the end."""
        worth = sum(self._value(node, cuts) + self._inside(node, cuts) for node, cuts in shown.items())
        rest = beside(self.tree, self.pieces, group, shown)
        return worth + (self._worth(rest, self._plain(rest)) if rest.members else 0)

    def _value(self, node: Node, cuts: Cuts) -> int:
        """A node with the first cut counts most, a little less if it has members; each further cut breaks ties."""
        if not self.order:
            return 1
        return len(cuts) + (100 - LESS_FOR_GROUPS * bool(self.tree.children[node]) if self.order[0] in cuts else 0)

    def _inside(self, node: Node, cuts: Cuts) -> int:
        """What is shown below a shown node."""
        if (node, cuts) not in self.insides:
            group = below(self.tree, self.pieces, node, cuts)
            self.insides[node, cuts] = self._worth(group, self._plain(group)) if group.members else 0
        return self.insides[node, cuts]

    def _loses(self, node: Node, cuts: Cuts) -> bool:
        """Whether some child could be shown by the first cut, as far as it alone goes, and is not."""
        group = below(self.tree, self.pieces, node, cuts)
        shown = self._plain(group) if group.members else {}
        first = self.order[0]
        return any(
            child in self.candidates and first not in shown.get(child, ()) and self._safe_alone(child, (first,))
            for child in group.members
        )

    def _finest(self, piece: Piece) -> Cuts | None:
        """The best cuts for a piece beside which nothing is known."""
        return next((cuts for cuts in _partitions(self.order) if self._safe(piece, cuts)), None)

    def _chain(self, known: Cuts, whole: Piece, members: Sequence[Node]) -> Mapping[Node, Cuts]:
        """Members by ever finer cuts: at each step the cut by which most of them can still be shown."""
        if not self.order:
            return dict.fromkeys(self._largest(whole, members, ()), ())
        usable = [cut for cut in self.order if cut in known]
        steps = ((cut, self._largest(whole, members, (cut,))) for cut in usable)
        first, shown = next(((cut, nodes) for cut, nodes in steps if nodes), (0, []))
        chosen: dict[Node, Cuts] = dict.fromkeys(shown, (first,))
        cuts: Cuts = (first,)
        usable = [cut for cut in usable if cut != first]
        while usable and shown:
            finer = {cut: self._largest(whole, shown, tuple(sorted((*cuts, cut)))) for cut in usable}
            best = max(usable, key=lambda cut: len(finer[cut]))  # the first of equals
            cuts, shown = tuple(sorted((*cuts, best))), finer[best]
            chosen |= dict.fromkeys(shown, cuts)
            usable.remove(best)
        return chosen

    def _largest(self, whole: Piece, members: Sequence[Node], cuts: Cuts) -> list[Node]:
        """As many members as can be shown by these cuts while what remains beside them is safe as well."""
        shown = [node for node in members if self._safe_alone(node, cuts)]
        rest = whole.without(self.pieces[node] for node in shown)
        if self._hides(rest, cuts):
            return shown
        small_first = sorted(shown, key=lambda node: sum(self.pieces[node].counts))
        for node in small_first:
            if self._hides_with(rest, self.pieces[node], cuts):
                return [other for other in shown if other != node]
        dropped = set()
        for node in small_first:
            rest = rest.together(self.pieces[node])
            dropped.add(node)
            if self._hides(rest, cuts):
                break
        for node in reversed(small_first):
            if node in dropped and self._hides(smaller := rest.without([self.pieces[node]]), cuts):
                rest = smaller
                dropped.remove(node)
        return [node for node in shown if node not in dropped]

    def _hides_with(self, rest: Piece, more: Piece, cuts: Cuts) -> bool:
        """Whether the remainder may become known together with another piece; most fail by their numbers alone."""
        counts = added(rest.counts, more.counts)
        if any(counts) and not is_safe(blocks_of(counts, cuts), self.k):
            return False
        return self._hides(rest.together(more), cuts)

    def _hides(self, rest: Piece, cuts: Cuts) -> bool:
        """Whether a remainder may become known: it is empty or safe."""
        return not sum(rest.counts) or self._safe(rest, cuts)
