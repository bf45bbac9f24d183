"""Days of a fiscal year, and moments of a day."""

from datetime import date, datetime, time

from skillmap.core import clock


def day_of(year: int, month: int, day: int) -> date:
    """A day of a fiscal year, which begins in April."""
    return date(year + (month < 4), month, day)


def at(day: date, hour: int = 10) -> datetime:
    """A full hour of a day in Tokyo."""
    return datetime.combine(day, time(hour), tzinfo=clock.TOKYO)
