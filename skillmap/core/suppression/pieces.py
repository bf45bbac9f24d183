"""What a reader knows, walked from the roots down: shown nodes and the remainders beside them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from struct import Struct
from typing import NamedTuple, TypeAlias

from skillmap.core.suppression.cube import Cuts, Node, Tree, Vector

#: All figures of a set of people in one number, see `Form`.
Piece: TypeAlias = int
Pieces: TypeAlias = Mapping[Node, Piece]

#: Bits for a number of people.
FIELD = 32
BYTES = FIELD // 8
PEOPLE = (1 << FIELD) - 1


@dataclass(frozen=True)
class Form:
    """How the figures of a set of people lie in one number, from its lowest bits up.

    People; people by class; those of them who are in no earlier published run, by class; above them all the mark, a
    sum of random numbers, one for each person and class: two sets with equal marks are the same people with the same
    classes. Each figure but the last has `FIELD` bits. So two sets with nobody in common are put together by one
    addition, and a part is taken out by one subtraction: no figure ever grows out of its bits or falls below none.
    """

    classes: int

    def of(self, people: int, counts: Vector) -> Piece:
        """A set of which nothing is known from earlier."""
        return int.from_bytes(_struct(1 + self.classes).pack(people, *counts), "little")

    def counts(self, piece: Piece) -> Vector:
        """People by class."""
        return self._vector(piece >> FIELD)

    def fresh(self, piece: Piece) -> Vector:
        """Those of them who are in no earlier published run."""
        return self._vector(piece >> FIELD * (1 + self.classes))

    def mark(self, piece: Piece) -> int:
        """What tells the set, with its classes, from any other."""
        return piece >> self.below_mark

    @cached_property
    def below_mark(self) -> int:
        """Bits below the mark."""
        return FIELD * (1 + 2 * self.classes)

    @cached_property
    def all_fresh(self) -> int:
        """The bits of those who are in no earlier published run."""
        return ((1 << FIELD * self.classes) - 1) << FIELD * (1 + self.classes)

    def _vector(self, fields: int) -> Vector:
        size = BYTES * self.classes
        return _struct(self.classes).unpack((fields & ((1 << 8 * size) - 1)).to_bytes(size, "little"))


@cache
def _struct(fields: int) -> Struct:
    return Struct(f"<{fields}I")


class Group(NamedTuple):
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


def peopled(tree: Tree, sizes: Mapping[Node, int]) -> Tree:
    """The tree without the nodes that nobody is in: nothing can be told about nobody."""
    return Tree({node: parent for node, parent in tree.parents.items() if sizes[node]})


def walk(tree: Tree, pieces: Pieces, choose: Choose) -> Iterator[tuple[Node | None, Piece, Cuts]]:
    """Yield every piece that becomes known: (node, piece, cuts) or, for a remainder, (None, piece, cuts).

    Args:
        tree: of nodes with people, see `peopled`.
        choose: says for a group which members are shown, by which cuts: within the group's own, and each a subset of
            the next where they differ.
    """
    waiting = [Group(None, tree.roots, None)]
    while waiting:
        group = waiting.pop()
        if not group.members:
            continue
        shown = choose(group)
        for node, cuts in shown.items():
            yield node, pieces[node], cuts
            waiting.append(below(tree, pieces, node, cuts))
        if group.whole is not None:
            yield from ((None, rest, cuts) for cuts, rest in remainders(group.whole, shown, pieces) if rest & PEOPLE)
        waiting.append(beside(tree, pieces, group, shown))


def below(tree: Tree, pieces: Pieces, node: Node, cuts: Cuts) -> Group:
    """The members of a shown node."""
    return Group(cuts, tree.children[node], pieces[node])


def beside(tree: Tree, pieces: Pieces, group: Group, shown: Mapping[Node, Cuts]) -> Group:
    """The members of the members that are not shown; with other people, they are the remainder."""
    members = tuple([child for node in group.members if node not in shown for child in tree.children[node]])
    known, whole = group.known, group.whole
    if whole is not None and members:
        for cuts, rest in remainders(whole, shown, pieces):
            known, whole = cuts, rest  # the coarsest comes last
    return Group(known, members, whole)


def remainders(whole: Piece, shown: Mapping[Node, Cuts], pieces: Pieces) -> Iterator[tuple[Cuts, Piece]]:
    """What is left beside the shown members, by each of their sets of cuts, the finest first."""
    rest = whole
    for cuts in sorted(set(shown.values()), key=len, reverse=True):
        rest = without(rest, [pieces[node] for node, own in shown.items() if own == cuts])
        yield cuts, rest


def without(piece: Piece, others: Sequence[Piece]) -> Piece:
    """The people of a piece who are in none of the others, which lie within it and apart from each other."""
    return piece - sum(others)
