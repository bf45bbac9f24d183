"""Filters that say dates, fiscal years and levels in the reader's language."""

from __future__ import annotations

from datetime import date, datetime

from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import get_language, gettext, gettext_lazy

from skillmap.core.fiscal import fiscal_year_label, fiscal_year_of
from skillmap.core.templatetags.ui.library import library

WEEKDAYS_JA = "月火水木金土日"
WEEKDAYS_EN = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MONTHS_EN = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
LEVEL_NAMES: dict[int, Promise] = {
    0: gettext_lazy("Not yet practised"),
    1: gettext_lazy("With guidance"),
    2: gettext_lazy("Independent"),
    3: gettext_lazy("Guides others"),
}


def _japanese() -> bool:
    return (get_language() or "ja").startswith("ja")


@library.filter
def fiscal_year(value: int | date | None) -> str:
    """Return 令和8年度(2026年度) or FY2026 for a fiscal year's number, a date, or an aware datetime; empty for None."""
    if value is None or value == "":
        return ""
    number = fiscal_year_of(value) if isinstance(value, date) else int(value)
    return fiscal_year_label(number, get_language() or "ja")


@library.filter
def jp_date(value: date | None) -> str:
    """Return 2026年4月1日(水) or Wed 1 Apr 2026; a datetime is taken in the running time zone; empty for None."""
    if not isinstance(value, date):
        return ""
    if isinstance(value, datetime) and timezone.is_aware(value):
        value = timezone.localtime(value)
    if _japanese():
        return f"{value.year}年{value.month}月{value.day}日({WEEKDAYS_JA[value.weekday()]})"
    return f"{WEEKDAYS_EN[value.weekday()]} {value.day} {MONTHS_EN[value.month - 1]} {value.year}"


@library.filter
def short_date(value: date | None) -> str:
    """Return 4月1日 or 1 Apr for a day whose year is plain from what stands around it; empty for None."""
    if not isinstance(value, date):
        return ""
    return f"{value.month}月{value.day}日" if _japanese() else f"{value.day} {MONTHS_EN[value.month - 1]}"


@library.filter
def jp_time(value: datetime | None) -> str:
    """Return the 24-hour clock of a datetime in the running time zone, such as 14:02; empty for None."""
    if not isinstance(value, datetime):
        return ""
    return f"{timezone.localtime(value) if timezone.is_aware(value) else value:%H:%M}"


@library.filter
def jp_datetime(value: datetime | None) -> str:
    """Return 2026年4月1日(水) 14:02, or its English like; empty for None."""
    return f"{jp_date(value)} {jp_time(value)}".strip()


@library.filter
def level_label(level: int | str | None) -> str:
    """Return Lv.2 自立 for a level 0 to 3; None is 未回答, which is not level 0."""
    if level is None or level == "":
        return gettext("Not answered")
    number = int(level)
    name = LEVEL_NAMES.get(number)
    return f"Lv.{number} {name}" if name else f"Lv.{number}"
