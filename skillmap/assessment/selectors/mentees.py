"""A mentor's list of mentees, and the own private memos."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db.models import Exists, F, OuterRef, Q
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from skillmap.assessment import meeting_rules, rules
from skillmap.assessment.choices import CycleState, ProposalState, State
from skillmap.assessment.models import Assessment, MentorPair, PrivateMemo
from skillmap.assessment.models.checks import mentored_by
from skillmap.assessment.selectors.meetings.rows import extension_rows, time_from, time_rows, window_rows, windows_from
from skillmap.assessment.selectors.situations import situation_of, with_progress
from skillmap.people.access import access_of
from skillmap.people.models import User


@dataclass(frozen=True)
class Mentee:
    """One mentee in a running cycle; no level."""

    assessment: Assessment
    situation: rules.Situation
    is_deputy: bool
    agreed_at: datetime | None
    asks_for_time: bool

    @property
    def kind(self) -> str:
        """Which 1on1 comes next, or came last."""
        return meeting_rules.kind_in(self.assessment.state)

    @property
    def window(self) -> rules.Window | None:
        """The days of that 1on1."""
        return self.situation.windows.get(meeting_rules.WINDOWS[self.kind])

    @property
    def waits_for_meeting(self) -> bool:
        """Whether the next 1on1 is the mentor's to hold now."""
        if not self.situation.with_one_on_one:
            return False
        states = meeting_rules.states_to_write(self.kind, second_before=self.situation.second_before)
        if self.kind == meeting_rules.FIRST:
            return self.assessment.state == states[0]
        return self.assessment.state == states[0] and not self.situation.second_held

    @property
    def waits(self) -> bool:
        """Whether the person waits for the mentor."""
        return self.waits_for_meeting or self.asks_for_time

    @property
    def is_late(self) -> bool:
        """Whether the window of what waits is over."""
        return self.waits_for_meeting and self.window is not None and self.situation.today > self.window.closes_on

    @property
    def next_step(self) -> str:
        """What comes next, and whose turn it is."""
        if self.waits_for_meeting:
            return _("Hold the first 1on1") if self.kind == meeting_rules.FIRST else _("Hold the second 1on1")
        state = self.assessment.state
        if state == State.CORRECTED and self.situation.second_held:
            return _("The secretariat confirms")
        return _NEXT[State(state)]()


_NEXT = {
    State.DRAFT: lambda: _("The person answers the self-check"),
    State.SUBMITTED: lambda: _("The secretariat confirms"),
    State.REVIEWED: lambda: _("The person corrects"),
    State.CORRECTED: lambda: _("The secretariat confirms"),
    State.CONFIRMED: lambda: _("The person receives the result"),
    State.RECEIVED: lambda: pgettext("1on1", "Finished"),
}


def mentees_of(user: User) -> list[Mentee]:
    """The mentees of the running cycles, those who wait first; two queries, however many.

    Whose they are is asked first: with all that is shown beside them the database would begin with everybody's checks.
    """
    staff_id = access_of(user).staff_id
    if staff_id is None:
        return []
    as_deputy = MentorPair.objects.active().filter(
        cycle=OuterRef("cycle_id"), mentee=OuterRef("staff_id"), mentor=staff_id, is_deputy=True
    )
    own = Assessment.objects.filter(mentored_by(staff_id), cycle__state=CycleState.OPEN)
    own = own.exclude(Q(state=State.WITHDRAWN) | Q(staff=staff_id))
    rows = (
        with_progress(Assessment.objects.filter(pk__in=list(own.values_list("pk", flat=True))))
        .select_related("cycle", "group", "staff__user", "organisation__parent__parent")
        .annotate(
            as_deputy=Exists(as_deputy),
            window_rows=window_rows(),
            extension_rows=extension_rows(),
            time_rows=time_rows(),
        )
        .order_by("staff__kana", "pk")
    )
    found = [_mentee(row) for row in rows]
    return sorted(
        found, key=lambda row: (not row.waits, not row.is_late, row.window.closes_on if row.window else date.max)
    )


def _mentee(row: Any) -> Mentee:
    kind = meeting_rules.kind_in(row.state)
    times = [time for time in map(time_from, row.time_rows) if time.kind == kind]
    situation = situation_of(row, windows_from(row.window_rows, row.extension_rows))
    held = situation.first_held if kind == meeting_rules.FIRST else situation.second_held
    agreed = next((time.starts_at for time in times if time.state == ProposalState.ACCEPTED), None)
    asked = any(time.state == ProposalState.OPEN and time.by_id == row.staff.user_id for time in times)
    return Mentee(
        assessment=row,
        situation=situation,
        is_deputy=row.as_deputy,
        agreed_at=None if held else agreed,
        asks_for_time=asked and not held,
    )


def own_memos(user: User) -> list[PrivateMemo]:
    """The private memos that a user wrote, also about people handed over since, newest cycle first; no level."""
    rows = PrivateMemo.objects.visible_to(user).exclude(text="")
    return list(
        rows.select_related("assessment__staff", "assessment__cycle")
        .annotate(fiscal_year=F("assessment__cycle__fiscal_year"))
        .order_by("-fiscal_year", "assessment__staff__kana", "pk")
    )
