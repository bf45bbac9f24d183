"""A list in pieces."""

from collections.abc import Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")
IN_ONE_QUERY = 900  # values that one IN of SQLite takes without trouble


def chunks(rows: Sequence[T], size: int = IN_ONE_QUERY) -> Iterator[Sequence[T]]:
    """The rows in pieces of at most that size."""
    return (rows[start : start + size] for start in range(0, len(rows), size))
