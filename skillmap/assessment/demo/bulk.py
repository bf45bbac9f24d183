"""Rows by the thousand, written a batch at a time."""

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any

from django.db import models

BATCH = 2000


def chunks(rows: Sequence[Any], size: int) -> Iterable[Sequence[Any]]:
    """The rows in pieces of at most that size."""
    return (rows[start : start + size] for start in range(0, len(rows), size))


def bulk(model: type[models.Model], rows: Iterable[Any]) -> None:
    """Insert rows as they come, a batch at a time."""
    stream = iter(rows)
    while batch := list(islice(stream, BATCH)):
        model._default_manager.bulk_create(batch, batch_size=BATCH)
