"""The search for what to show, and its outcome."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import combinations

from skillmap.core.suppression.cube import (
    Cube,
    Cuts,
    Layout,
    Measure,
    Node,
    Tree,
    Vector,
    blocks_of,
    is_safe,
    may_show,
)
from skillmap.core.suppression.history import History
from skillmap.core.suppression.partitions import Choice, partitions_of
from skillmap.core.suppression.pieces import PEOPLE, Form, Group, Piece, Pieces, below, beside, peopled, walk, without

#: Below three a hidden count of a known group could only be one, and hiding it would tell it.
SMALLEST_K = 3
#: Groups tried for hiding, per parent.
MOST_TRIALS = 30
#: In hundredths: how much less a node with members is worth than one without.
LESS_FOR_GROUPS = 10


@dataclass(frozen=True)
class Suppressed:
    """What may be shown of a cube. It holds no other number.

    Attributes:
        k: the smallest number of people that a cell stands for.
        classes: how many classes the cube has.
        sizes: people per node, where they may be shown.
        cuts: by measure and node, where the classes are cut.
        blocks: by measure and node, people per block.
    """

    k: int
    classes: int
    sizes: Mapping[Node, int]
    cuts: Mapping[Measure, Mapping[Node, Cuts]]
    blocks: Mapping[Measure, Mapping[Node, Vector]]

    @property
    def layout(self) -> Layout:
        """What is shown, without numbers: to be kept for the `History` of later runs."""
        return Layout(frozenset(self.sizes), self.cuts)

    def size(self, node: Node) -> int | None:
        """People of a node; None where hidden."""
        return self.sizes.get(node)

    def between(self, node: Node, measure: Measure, low: int, high: int) -> int | None:
        """People of a node in classes low to high, both included; None where hidden.

        The whole range is the node's size, which `size` gives; here it is hidden as it leaves nobody out.
        """
        if not 0 <= low <= high < self.classes:
            raise ValueError(f"Classes {low} to {high} are not within 0 to {self.classes - 1}.")
        cuts = self.cuts.get(measure, {}).get(node)
        if cuts is None:
            return None
        bounds = (0, *cuts, self.classes)
        if low not in bounds or high + 1 not in bounds:
            return None
        value = sum(self.blocks[measure][node][bounds.index(low) : bounds.index(high + 1)])
        return value if may_show(value, self.sizes[node], self.k) else None

    def by_block(self, node: Node, measure: Measure) -> list[int | None]:
        """People of a node between any two cuts, None where hidden; empty without cuts."""
        if not self.cuts[measure].get(node):
            return []
        size, k = self.sizes[node], self.k
        return [value if may_show(value, size, k) else None for value in self.blocks[measure][node]]

    def at_least(self, node: Node, measure: Measure, low: int) -> int | None:
        """People of a node in class `low` or higher; None where hidden. See `between`, which is slower."""
        if not 0 <= low < self.classes:
            raise ValueError(f"Class {low} is not within 0 to {self.classes - 1}.")
        cuts = self.cuts.get(measure, {}).get(node, ())
        if low not in cuts:
            return None
        value = sum(self.blocks[measure][node][cuts.index(low) + 1 :])
        return value if may_show(value, self.sizes[node], self.k) else None


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
    tree = peopled(cube.tree, cube.sizes)
    sizes = _Search(cube, tree, None, {node: (size,) for node, size in cube.sizes.items()}, k, (), history)
    sized = dict(sizes.run())
    shown: dict[Measure, dict[Node, Cuts]] = {}
    blocks: dict[Measure, dict[Node, Vector]] = {}
    for measure in cube.counts if measures is None else measures:
        counts = cube.counts[measure]
        shown[measure] = dict(_Search(cube, tree, measure, counts, k, order, history, frozenset(sized)).run())
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
        tree: Tree,
        measure: Measure,
        counts: Mapping[Node, Vector],
        k: int,
        order: Cuts,
        history: History | None,
        candidates: frozenset[Node] | None = None,
    ) -> None:
        self.tree, self.measure, self.k, self.order, self.history = tree, measure, k, order, history
        self.above, self.sizes = cube.tree.children, cube.sizes
        self.candidates = frozenset(counts) if candidates is None else candidates
        self.form = Form(len(order) + 1)
        self.partitions = partitions_of(len(order) + 1)
        self.pieces: Pieces = (
            {node: self.form.of(cube.sizes[node], vector) for node, vector in counts.items()}
            if history is None
            else history.pieces(measure, counts)
        )
        self.alone = {node: self._safe(self.pieces[node], counts[node]) for node in self.candidates if cube.sizes[node]}
        self.plain: dict[tuple[Cuts, Piece, tuple[Node, ...]], Mapping[Node, Cuts]] = {}
        self.insides: dict[tuple[Node, Cuts], int] = {}
        self.known = history.known(measure) if history else {}

    def run(self) -> Iterable[tuple[Node, Cuts]]:
        """The nodes to show, with their cuts."""
        return ((node, cuts) for node, _piece, cuts in walk(self.tree, self.pieces, self._choose) if node is not None)

    def _safe(self, piece: Piece, counts: Vector) -> Choice:
        """The sets of cuts by which a piece may become known."""
        safe = self.partitions.safe(counts, self.k)
        if self.history is None or not safe:
            return safe
        return safe & self.history.permitted(self.form, self.measure, piece, counts, self.k)

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
        losing = sorted(losing, key=self.sizes.__getitem__)[:MOST_TRIALS]
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
            return {node: cuts for node in members if (cuts := self._finest(self.alone[node])) is not None}
        key = (group.known, group.whole, tuple(members))
        if key not in self.plain:
            self.plain[key] = self._chain(*key)
        return self.plain[key]

    def _worth(self, group: Group, shown: Mapping[Node, Cuts]) -> int:
        """How much is shown in the end."""
        worth = sum(self._value(node, cuts) + self._inside(node, cuts) for node, cuts in shown.items())
        rest = beside(self.tree, self.pieces, group, shown)
        return worth + (self._worth(rest, self._plain(rest)) if rest.members else 0)

    def _value(self, node: Node, cuts: Cuts) -> int:
        """A node with the first cut counts most, a little less if it has members; each further cut breaks ties."""
        if not self.order:
            return 1
        return len(cuts) + (100 - LESS_FOR_GROUPS * bool(self.above[node]) if self.order[0] in cuts else 0)

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
        first, alone = self.order[0], self.partitions.bits[self.order[:1]]
        return any(
            child in self.candidates and first not in shown.get(child, ()) and self.alone[child] & alone
            for child in group.members
        )

    def _finest(self, safe: Choice) -> Cuts | None:
        """The best cuts for a piece beside which nothing is known."""
        return next((cuts for cuts in _partitions(self.order) if safe & self.partitions.bits[cuts]), None)

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
        bit, pieces = self.partitions.bits[cuts], self.pieces
        shown = [node for node in members if self.alone[node] & bit]
        rest = without(whole, [pieces[node] for node in shown])
        if self._hides(rest, cuts, bit):
            return shown
        small_first = sorted(shown, key=self.sizes.__getitem__)
        for node in small_first:
            if self._hides(rest + pieces[node], cuts, bit):
                return [other for other in shown if other != node]
        dropped = set()
        for node in small_first:
            rest += pieces[node]
            dropped.add(node)
            if self._hides(rest, cuts, bit):
                break
        for node in reversed(small_first):
            if node in dropped and self._hides(smaller := rest - pieces[node], cuts, bit):
                rest = smaller
                dropped.remove(node)
        return [node for node in shown if node not in dropped]

    def _hides(self, rest: Piece, cuts: Cuts, bit: Choice) -> bool:
        """Whether a remainder may become known by these cuts, which `bit` stands for: it is empty or safe."""
        if not rest & PEOPLE:
            return True
        if self.history is not None:
            is_known = self.known.get(rest >> self.form.below_mark, 0) & bit
            if not is_known and not (rest & self.form.all_fresh):
                return False
            if not is_known and not self.history.is_fresh(self.form, rest, cuts, self.k):
                return False
        return is_safe(blocks_of(self.form.counts(rest), cuts), self.k)
