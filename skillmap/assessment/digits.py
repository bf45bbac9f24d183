"""Levels of many items in one short text, a character each: whoever reads everybody's reads one value a person."""

from collections.abc import Iterable

from skillmap.framework.choices import Level

NOT_ANSWERED = "-"
#: How each level is written, and that there is none.
DIGITS: dict[int | None, str] = {None: NOT_ANSWERED} | {level: str(level) for level in Level.values}


def digits_of(levels: Iterable[int | None]) -> str:
    """The levels as they come, such as `31-0`; KeyError for what is no level."""
    return "".join([DIGITS[level] for level in levels])
