"""Levels in plain values: fit to a job type, what is worth talking about, and the history of a confirmed level."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction


@dataclass(frozen=True)
class Fit:
    """達成度 of a job type: Σ min(held, required) ÷ Σ required, beside "n of m skills met".

    `ratio` is exact; None where the job type asks for nothing. Being above in one skill never hides a lack in another.
    """

    ratio: Fraction | None
    met: int
    required: int

    @property
    def percent(self) -> int | None:
        """Whole per cent, rounded down, so that 100 means every required level is held."""
        return None if self.ratio is None else int(self.ratio * 100)


def fit(held: Mapping[str, int | None], required: Mapping[str, int]) -> Fit:
    """Fit of levels (by item code; missing or None counts as 0) to what a job type requires (0 asks for nothing)."""
    asked = {code: level for code, level in required.items() if level > 0}
    total = sum(asked.values())
    if total == 0:
        return Fit(None, 0, 0)
    reached = sum(min(held.get(code) or 0, level) for code, level in asked.items())
    met = sum((held.get(code) or 0) >= level for code, level in asked.items())
    return Fit(Fraction(reached, total), met, len(asked))


def lack(held: int | None, required: int) -> int:
    """How many levels are missing to the required one; never negative."""
    return max(0, required - (held or 0))


@dataclass(frozen=True)
class Item:
    """One item as a 1on1 looks at it."""

    code: str
    own: int | None
    last: int | None
    required: int = 0


def worth_talking_about(items: Sequence[Item]) -> tuple[str, ...]:
    """Codes of the items that differ from the last confirmed level, or lie below the target job type."""
    return tuple(item.code for item in items if item.own != item.last or lack(item.own, item.required) > 0)


def category_means(
    levels: Mapping[str, int | None], categories: Mapping[str, Sequence[str]]
) -> dict[str, Fraction | None]:
    """Mean level per category (by category code, from its item codes) over answered items.

    None where none is answered.
    """
    means: dict[str, Fraction | None] = {}
    for code, items in categories.items():
        known = [level for level in (levels.get(item) for item in items) if level is not None]
        means[code] = Fraction(sum(known), len(known)) if known else None
    return means


@dataclass(frozen=True)
class Span:
    """A level and the days on which it holds, the last day excluded; None is open."""

    level: int
    valid_from: date
    valid_to: date | None
    key: int | None = None


@dataclass(frozen=True)
class ProfileChange:
    """What recording a level does to one item's known history: keys that cease to be known, and spans that are new."""

    superseded: tuple[int, ...]
    added: tuple[Span, ...]


def record_level(known: Sequence[Span], level: int, valid_from: date) -> ProfileChange:
    """Let a level hold from a day until the next known change; what held before that day stays as it was.

    Nothing is overwritten: a span that is cut short ceases to be known and comes back as a closed copy.
    """
    later = [span.valid_from for span in known if span.valid_from > valid_from]
    until = min(later) if later else None
    hit = [
        span
        for span in known
        if span.valid_from <= valid_from and (span.valid_to is None or span.valid_to > valid_from)
    ]
    kept = [Span(span.level, span.valid_from, valid_from) for span in hit if span.valid_from < valid_from]
    return ProfileChange(
        tuple(span.key for span in hit if span.key is not None), (*kept, Span(level, valid_from, until))
    )
