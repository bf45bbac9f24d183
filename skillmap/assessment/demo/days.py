"""Days of a fiscal year, moments of a day, and when somebody took the steps of a cycle."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from random import Random

from skillmap.assessment.choices import CycleStep
from skillmap.core import clock

Windows = Mapping[CycleStep, tuple[date, date]]


def day_of(year: int, month: int, day: int) -> date:
    """A day of a fiscal year, which begins in April."""
    return date(year + (month < 4), month, day)


def at(day: date, hour: int = 10) -> datetime:
    """A full hour of a day in Tokyo."""
    return datetime.combine(day, time(hour), tzinfo=clock.TOKYO)


@dataclass(frozen=True)
class Moments:
    """When the steps of a check were taken, each one after the last; also of those that are still to come."""

    submitted: datetime
    first_met: datetime
    reviewed: datetime
    corrected: datetime
    confirmed: datetime
    second_met: datetime
    received: datetime


def moments_of(windows: Windows, confirmed_on: date, until: date, rng: Random) -> Moments:
    """Days within the windows, each before the next window opens and the last one before `until`."""
    opens = {step: window[0] for step, window in windows.items()}
    first = _between(opens[CycleStep.FIRST_ONE_ON_ONE], opens[CycleStep.CORRECTION], rng)
    second = _between(confirmed_on + timedelta(days=1), min(windows[CycleStep.SECOND_ONE_ON_ONE][1], until), rng)
    return Moments(
        submitted=at(
            _between(opens[CycleStep.SELF_CHECK], opens[CycleStep.FIRST_ONE_ON_ONE], rng), rng.randint(10, 17)
        ),
        first_met=at(first, 10),
        reviewed=at(first, 11),
        corrected=at(_between(opens[CycleStep.CORRECTION], opens[CycleStep.CONFIRMATION], rng), rng.randint(10, 17)),
        confirmed=at(confirmed_on, 15),
        second_met=at(second, 14),
        received=at(second, 16),
    )


def _between(first: date, before: date, rng: Random) -> date:
    return first + timedelta(days=rng.randrange((before - first).days))
