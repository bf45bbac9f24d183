"""The fiscal year turns on 1 April in Tokyo, wherever the server stands."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from skillmap.core.fiscal import era_year, fiscal_year_bounds, fiscal_year_label, fiscal_year_of

TOKYO = ZoneInfo("Asia/Tokyo")


@pytest.mark.parametrize(
    ("moment", "year"),
    [
        (datetime(2026, 3, 31, 23, 59, 59, tzinfo=TOKYO), 2025),
        (datetime(2026, 4, 1, 0, 0, 0, tzinfo=TOKYO), 2026),
        (datetime(2026, 3, 31, 14, 59, 59, tzinfo=UTC), 2025),
        (datetime(2026, 3, 31, 15, 0, 0, tzinfo=UTC), 2026),
        (datetime(2026, 3, 31, 8, 0, 0, tzinfo=timezone(timedelta(hours=-7))), 2026),
        (date(2026, 3, 31), 2025),
        (date(2026, 4, 1), 2026),
        (date(2025, 1, 1), 2024),
    ],
)
def test_fiscal_year_of(moment: date, year: int) -> None:
    assert fiscal_year_of(moment) == year


def test_a_moment_without_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        fiscal_year_of(datetime(2026, 4, 1))  # noqa: DTZ001


def test_bounds_hold_every_day_once() -> None:
    first, last = fiscal_year_bounds(2024)
    assert (first, last) == (date(2024, 4, 1), date(2025, 3, 31))
    assert last + timedelta(days=1) == fiscal_year_bounds(2025)[0]
    assert {fiscal_year_of(first), fiscal_year_of(last)} == {2024}


@pytest.mark.parametrize(
    ("year", "era"),
    [
        (2026, "令和8"),
        (2020, "令和2"),
        (2019, "令和元"),
        (2018, "平成30"),
        (1989, "平成元"),
        (1988, "昭和63"),
        (1900, ""),
    ],
)
def test_era_year(year: int, era: str) -> None:
    assert era_year(year) == era


def test_labels_by_language() -> None:
    assert fiscal_year_label(2026, "ja") == "令和8年度(2026年度)"
    assert fiscal_year_label(2019) == "令和元年度(2019年度)"
    assert fiscal_year_label(1900) == "1900年度"
    assert fiscal_year_label(2026, "en") == "FY2026"
