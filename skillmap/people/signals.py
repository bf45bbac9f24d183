"""News for the apps above, sent on commit with ids only."""

from collections.abc import Iterable
from datetime import date

from django.db import transaction
from django.dispatch import Signal

# Each is sent with `staff_ids` (a tuple of ids) and `on` (the day from which it holds), once it has come into effect.
staff_left = Signal()
staff_moved = Signal()
staff_on_leave = Signal()
staff_returned = Signal()


def announce(signal: Signal, staff_ids: Iterable[int], on: date) -> None:
    """Send a signal once the transaction of the caller is committed; a receiver that fails is logged by Django."""
    ids = tuple(staff_ids)
    if ids:
        transaction.on_commit(lambda: _send(signal, ids, on), robust=True)


def _send(signal: Signal, staff_ids: tuple[int, ...], on: date) -> None:
    signal.send_robust(sender=None, staff_ids=staff_ids, on=on)
