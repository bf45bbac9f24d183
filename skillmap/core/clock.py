"""Today, in the government's time zone."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.utils import timezone

TOKYO = ZoneInfo("Asia/Tokyo")


def now() -> datetime:
    """The present moment, aware."""
    return timezone.now()


def today() -> date:
    """Today's date in Asia/Tokyo, whatever the server's zone."""
    return timezone.now().astimezone(TOKYO).date()


def end_of_day(day: date) -> datetime:
    """The first moment after `day` in Asia/Tokyo: what was known "as of" a day was recorded before it."""
    return datetime.combine(day + timedelta(days=1), time.min, tzinfo=TOKYO)
