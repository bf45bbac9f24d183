"""One appointment as a calendar file after RFC 5545."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

CONTENT_TYPE = "text/calendar; charset=utf-8"
PRODUCT = "-//Digital Skill Map//EN"
WIDEST = 75  # octets of a line, without its end


@dataclass(frozen=True)
class Appointment:
    """What goes into the file; `starts_at` is aware, `uid` stays the same when the time moves and `sequence` grows."""

    uid: str
    starts_at: datetime
    minutes: int
    summary: str
    place: str = ""
    description: str = ""
    url: str = ""
    sequence: int = 0


def calendar_file(appointment: Appointment, *, stamp: datetime) -> bytes:
    """The file of one appointment; times in UTC, so that no time zone has to be described."""
    ends_at = appointment.starts_at + timedelta(minutes=appointment.minutes)
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        f"PRODID:{PRODUCT}",
        "CALSCALE:GREGORIAN",
        "METHOD:PUBLISH",
        "BEGIN:VEVENT",
        f"UID:{_escaped(appointment.uid)}",
        f"DTSTAMP:{_utc(stamp)}",
        f"DTSTART:{_utc(appointment.starts_at)}",
        f"DTEND:{_utc(ends_at)}",
        f"SEQUENCE:{appointment.sequence}",
        f"SUMMARY:{_escaped(appointment.summary)}",
    ]
    optional = {"LOCATION": appointment.place, "DESCRIPTION": appointment.description}
    lines += [f"{name}:{_escaped(value)}" for name, value in optional.items() if value]
    if appointment.url:
        lines.append(f"URL:{appointment.url}")
    lines += ["STATUS:CONFIRMED", "END:VEVENT", "END:VCALENDAR"]
    return b"".join(part + b"\r\n" for line in lines for part in _folded(line))


def _utc(moment: datetime) -> str:
    if moment.tzinfo is None:
        raise ValueError("A moment without a time zone can't be put into a calendar.")
    return f"{moment.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def _escaped(text: str) -> str:
    """TEXT of RFC 5545, 3.3.11; control characters other than line ends don't belong into it."""
    escaped = text.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")
    escaped = escaped.replace("\r\n", "\\n").replace("\n", "\\n").replace("\r", "\\n")
    return "".join(char for char in escaped if char >= " " and char != "\x7f")


def _folded(line: str) -> Iterator[bytes]:
    """The line in parts of at most 75 octets, cut between characters; each but the first begins with a space."""
    part = b""
    for char in line:
        octets = char.encode()
        if len(part) + len(octets) > WIDEST:
            yield part
            part = b" "
        part += octets
    yield part
