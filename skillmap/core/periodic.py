"""What runs by the clock. Beat may tick twice, late or not at all for a while: a slot runs once, in any case."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Subquery
from django.db.models.functions import Coalesce, Now
from django.db.models.lookups import LessThan

from skillmap.core import clock, jobs
from skillmap.core.choices import JobState
from skillmap.core.models import Job, PeriodicSlot

SlotOf = Callable[[datetime], str]
#: A slot begins each minute, at one of beat's ticks. So long without any, beat or all workers are gone, or busy.
STILL_AFTER = timedelta(seconds=60 + 8 * settings.TICK_SECONDS)


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


def stands_still() -> LessThan:
    """Whether no slot has begun for so long, to be asked within another query.

    Where none ever has, as before the first start of a worker: whether a job has waited for so long.
    """
    newest = PeriodicSlot.objects.order_by("-pk").values("created_at")[:1]
    oldest = Job.objects.filter(state=JobState.QUEUED).order_by("pk").values("created_at")[:1]
    return LessThan(Coalesce(Subquery(newest), Subquery(oldest)), Now() - STILL_AFTER)


def forget_old_slots(days: int = 30) -> None:
    """Drop slots and finished periodic jobs that nobody needs any more; those that failed stay to be looked at."""
    before = clock.now() - timedelta(days=days)
    PeriodicSlot.objects.filter(created_at__lt=before).delete()
    over = Job.objects.filter(kind__in=PERIODIC, requested_by=None)
    over.filter(state=JobState.DONE, finished_at__lt=before).delete()
