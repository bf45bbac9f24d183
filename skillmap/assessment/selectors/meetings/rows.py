"""Windows and times of a check as JSON rows beside it: how they are asked for, and read."""

from datetime import date
from typing import Any

from django.db.models import OuterRef

from skillmap.assessment import rules
from skillmap.assessment.choices import ProposalState
from skillmap.assessment.models import CycleWindow, Extension, MeetingProposal
from skillmap.assessment.selectors.meetings.parts import Time
from skillmap.core.jsonrows import JsonRows, as_moment

# name in the JSON object -> field
_TIME: dict[str, str] = {
    "pk": "pk",
    "kind": "kind",
    "starts_at": "starts_at",
    "minutes": "minutes",
    "way": "way",
    "place": "place",
    "state": "state",
    "by_id": "proposed_by_id",
    "by_name": "proposed_by__name",
}


def window_rows() -> JsonRows:
    """The windows of a check's cycle, for `windows_from`."""
    windows = CycleWindow.objects.filter(cycle=OuterRef("cycle_id"))
    return JsonRows(windows, step="step", opens="opens_on", closes="closes_on")


def extension_rows() -> JsonRows:
    """A check's extensions, for `windows_from`."""
    return JsonRows(Extension.objects.filter(assessment=OuterRef("pk")), step="step", closes="closes_on")


def time_rows() -> JsonRows:
    """The times proposed and agreed for a check, for `time_from`."""
    times = MeetingProposal.objects.filter(assessment=OuterRef("pk")).exclude(state=ProposalState.DROPPED)
    return JsonRows(times, **_TIME)


def windows_from(windows: list[dict[str, str]], extensions: list[dict[str, str]]) -> dict[str, rules.Window]:
    """Windows with a person's extensions, from their JSON rows."""
    later = {row["step"]: row["closes"] for row in extensions}
    return {
        row["step"]: rules.Window(
            date.fromisoformat(row["opens"]),
            date.fromisoformat(max(row["closes"], later.get(row["step"], ""))),
        )
        for row in windows
    }


def time_from(row: dict[str, Any]) -> Time:
    """A time from its JSON row."""
    return Time(**{**row, "starts_at": as_moment(row["starts_at"])})
