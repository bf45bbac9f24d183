"""The fiscal year of the Japanese public sector: 1 April to 31 March, by the calendar of Asia/Tokyo."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

TOKYO = ZoneInfo("Asia/Tokyo")

# First fiscal year that is wholly or partly in the era and is named after it on 1 April; newest first.
# Reiwa began on 2019-05-01, so that fiscal year 2019 began in Heisei 31; offices call the year Reiwa 1 (元年).
ERAS = ((2019, "令和"), (1989, "平成"), (1926, "昭和"))


def fiscal_year_of(day: date) -> int:
    """Return the fiscal year (the year of its 1 April) of a date, or of an aware datetime as seen in Tokyo.

    Raises ValueError for a datetime without a time zone, which could stand on either side of midnight.
    """
    if isinstance(day, datetime):
        if day.tzinfo is None:
            raise ValueError("A datetime needs a time zone to have a fiscal year.")
        day = day.astimezone(TOKYO).date()
    return day.year if day.month >= 4 else day.year - 1


def fiscal_year_bounds(fiscal_year: int) -> tuple[date, date]:
    """Return first and last day of a fiscal year, both inclusive."""
    return date(fiscal_year, 4, 1), date(fiscal_year + 1, 3, 31)


def era_year(fiscal_year: int) -> str:
    """Return the Japanese era year of a fiscal year, such as 令和8 or 令和元; empty before 1926."""
    for first, name in ERAS:
        if fiscal_year >= first:
            count = fiscal_year - first + 1
            return f"{name}{'元' if count == 1 else count}"
    return ""


def fiscal_year_label(fiscal_year: int, language: str = "ja") -> str:
    """Return 令和8年度(2026年度) in Japanese, FY2026 in any other language."""
    if not language.startswith("ja"):
        return f"FY{fiscal_year}"
    era = era_year(fiscal_year)
    return f"{era}年度({fiscal_year}年度)" if era else f"{fiscal_year}年度"
