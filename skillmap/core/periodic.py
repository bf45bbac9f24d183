"""What runs by the clock. Beat may tick twice, late or not at all for a while: a slot runs once, in any case."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction

from skillmap.core import clock, jobs
from skillmap.core.models import PeriodicSlot

SlotOf = Callable[[datetime], str]


@dataclass(frozen=True)
class Periodic:
    """One periodic job: its kind, and the name of the slot that a moment falls into."""

    kind: str
    slot: SlotOf


def every_minute(moment: datetime) -> str:
    """A slot per minute."""
    return moment.astimezone(clock.TOKYO).strftime("%Y-%m-%dT%H:%M")


def every_ten_minutes(moment: datetime) -> str:
    """A slot per ten minutes."""
    return every_minute(moment)[:-1]


def daily_at(hour: int) -> SlotOf:
    """A slot per day in Asia/Tokyo that begins at `hour`; a tick before it belongs to the day before."""
    return lambda moment: (moment.astimezone(clock.TOKYO) - timedelta(hours=hour)).strftime("%Y-%m-%d")


PERIODIC: dict[str, Periodic] = {}


def periodic(kind: str, slot: SlotOf) -> None:
    """Register a job kind to run once per slot."""
    PERIODIC[kind] = Periodic(kind, slot)


def tick() -> int:
    """Start what is due in the present slots; returns how many were started."""
    now = clock.now()
    return sum(_start(entry, entry.slot(now)) for entry in PERIODIC.values())


def _start(entry: Periodic, slot: str) -> bool:
    if PeriodicSlot.objects.filter(name=entry.kind, slot=slot).exists():
        return False
    try:
        with transaction.atomic():
            PeriodicSlot.objects.create(name=entry.kind, slot=slot)
            jobs.enqueue(entry.kind, {"slot": slot}, requested_by=None, dedup_key=slot)
    except IntegrityError:
        return False
    return True


def forget_old_slots(days: int = 30) -> None:
    """Drop slots and finished periodic jobs that nobody needs any more."""
    PeriodicSlot.objects.filter(created_at__lt=clock.now() - timedelta(days=days)).delete()
