"""The calendar file keeps RFC 5545."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from skillmap.core.ics import Appointment, calendar_file

STAMP = datetime(2026, 7, 1, tzinfo=UTC)
TOKYO = timezone(timedelta(hours=9))


def lines_of(appointment: Appointment) -> list[str]:
    body = calendar_file(appointment, stamp=STAMP)
    assert (
        body.endswith(b"\r\n") and b"\n" not in body.replace(b"\r\n", b"") and b"\r" not in body.replace(b"\r\n", b"")
    )
    for line in body.split(b"\r\n"):
        assert len(line) <= 75
        line.decode()  # no character is cut in two
    return body.decode().replace("\r\n ", "").split("\r\n")[:-1]


def test_times_are_written_in_utc() -> None:
    lines = lines_of(Appointment("a@b", datetime(2026, 7, 2, 9, 30, tzinfo=TOKYO), 45, "1on1"))
    assert "DTSTART:20260702T003000Z" in lines and "DTEND:20260702T011500Z" in lines
    assert "DTSTAMP:20260701T000000Z" in lines and "SEQUENCE:0" in lines
    assert not any(line.startswith(("LOCATION", "DESCRIPTION", "URL")) for line in lines)


def test_a_moment_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError):
        calendar_file(Appointment("a@b", datetime(2026, 7, 2, 9, 30), 45, "x"), stamp=STAMP)  # noqa: DTZ001


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("a,b;c\\d", "a\\,b\\;c\\\\d"),
        ("一行目\r\n二行目\n三行目\r四", "一行目\\n二行目\\n三行目\\n四"),
        ("END:VEVENT\r\nBEGIN:VALARM", "END:VEVENT\\nBEGIN:VALARM"),
        ("\x00\x07\x7f音", "音"),
        ("髙橋🈁" * 40, "髙橋🈁" * 40),
    ],
)
def test_texts_are_escaped_and_folded(text: str, written: str) -> None:
    lines = lines_of(Appointment("a@b", STAMP, 30, text, place=text, description=text))
    assert f"SUMMARY:{written}" in lines and f"LOCATION:{written}" in lines and f"DESCRIPTION:{written}" in lines
    assert (lines[0], lines[-1], lines.count("BEGIN:VEVENT")) == ("BEGIN:VCALENDAR", "END:VCALENDAR", 1)
