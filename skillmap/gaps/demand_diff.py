"""What a sheet changes: the lines of an answer against those of a sheet, in plain Python.

Lines have no key of their own that people would keep in a sheet. So what is the same is found by its contents: first
the lines that are equal, then those that differ in little.
"""

from collections import defaultdict, deque
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, fields
from datetime import date


@dataclass(frozen=True)
class Entry:
    """What a line says; `skill` is the item's code."""

    business: str
    phase: str
    skill: str
    level: int
    headcount: int
    needed_from: date | None = None
    needed_until: date | None = None
    filled_staff: int = 0
    filled_govtech: int = 0
    filled_vendor: int = 0
    note: str = ""

    def changes_to(self, other: "Entry") -> dict[str, tuple[object, object]]:
        """What differs: field to (here, there)."""
        pairs = {name: (getattr(self, name), getattr(other, name)) for name in FIELDS}
        return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


FIELDS = tuple(field.name for field in fields(Entry))

# How alike two lines must be to be one line that was changed; the strictest first.
LIKENESS: Sequence[Callable[[Entry], Hashable]] = (
    lambda entry: entry,
    lambda entry: (entry.business, entry.skill, entry.level, entry.phase),
    lambda entry: (entry.business, entry.skill, entry.level),
    lambda entry: (entry.business, entry.skill),
)


@dataclass(frozen=True)
class Comparison:
    """`before[i]` is the index of the present line that the i-th line of the sheet continues, or None for a new one;
    `removed` are the indexes of present lines that the sheet no longer has."""

    before: tuple[int | None, ...]
    removed: tuple[int, ...]


def compare(present: Sequence[Entry], wanted: Sequence[Entry]) -> Comparison:
    """Find what stays, is changed, added and removed; every line is used once, earlier ones first. Linear in lines."""
    before: list[int | None] = [None] * len(wanted)
    left = dict.fromkeys(range(len(present)))
    for likeness in LIKENESS:
        waiting: defaultdict[Hashable, deque[int]] = defaultdict(deque)
        for index in left:
            waiting[likeness(present[index])].append(index)
        for index, entry in enumerate(wanted):
            candidates = waiting.get(likeness(entry)) if before[index] is None else None
            if candidates:
                before[index] = candidates.popleft()
        for used in before:
            if used is not None:
                left.pop(used, None)
    return Comparison(tuple(before), tuple(left))
