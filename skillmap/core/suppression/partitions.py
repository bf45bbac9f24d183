"""Sets of cuts, and which of them numbers permit."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import accumulate, combinations, pairwise
from typing import NamedTuple, TypeAlias

from skillmap.core.suppression.cube import Cuts, Vector

#: Any choice of sets of cuts, one bit each; see `Partitions.bits`.
Choice: TypeAlias = int


class Block(NamedTuple):
    """The classes between two cuts, and all sets of cuts that have this block."""

    low: int
    high: int
    used_by: Choice


@dataclass(frozen=True)
class Partitions:
    """All sets of cuts of so many classes.

    Attributes:
        bits: a bit for each of them.
        every: all of them.
        coarser: to each of them, itself and its subsets.
        blocks: all blocks that they have.
    """

    bits: dict[Cuts, Choice]
    every: Choice
    coarser: dict[Cuts, Choice]
    blocks: tuple[Block, ...]

    def safe(self, counts: Vector, k: int) -> Choice:
        """Those by which a piece may be known, as `is_safe` says for one of them."""
        sums = list(accumulate(counts, initial=0))
        none_is_safe = sums[-1] >= 2 * k
        bad = 0
        for low, high, used_by in self.blocks:
            value = sums[high] - sums[low]
            if value < k and (value or not none_is_safe):
                bad |= used_by
        return self.every & ~bad

    def filled(self, counts: Vector, k: int) -> Choice:
        """Those whose blocks all hold k at least."""
        sums = list(accumulate(counts, initial=0))
        if sums[-1] < k:
            return 0
        bad = 0
        for low, high, used_by in self.blocks:
            if sums[high] - sums[low] < k:
                bad |= used_by
        return self.every & ~bad


@cache
def partitions_of(classes: int) -> Partitions:
    """The partitions of so many classes."""
    sets = [cuts for size in range(classes) for cuts in combinations(range(1, classes), size)]
    bits = {cuts: 1 << place for place, cuts in enumerate(sets)}
    used: dict[tuple[int, int], int] = {}
    for cuts, bit in bits.items():
        for block in pairwise((0, *cuts, classes)):
            used[block] = used.get(block, 0) | bit
    coarser = {
        cuts: sum(bits[each] for size in range(len(cuts) + 1) for each in combinations(cuts, size)) for cuts in sets
    }
    return Partitions(bits, (1 << len(sets)) - 1, coarser, tuple(Block(*block, mask) for block, mask in used.items()))
