"""What a reader knows, walked from the roots down: shown nodes and the remainders beside them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import add, sub
from typing import NamedTuple, TypeAlias

from skillmap.core.suppression.cube import Cuts, Node, Tree, Vector


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
