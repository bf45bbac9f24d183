"""The 1on1s of a check as their two sides see them, without any level."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db.models import OuterRef
from django.utils.translation import gettext as _

from skillmap.assessment import rules
from skillmap.assessment.choices import (
    Action,
    Actor,
    GoalState,
    MeetingKind,
    MeetingWay,
    ProposalState,
)
from skillmap.assessment.models import (
    Assessment,
    AssessmentEvent,
    CycleWindow,
    DevelopmentGoal,
    Extension,
    MeetingProposal,
    MentorPair,
    OneOnOne,
    PrivateMemo,
)
from skillmap.assessment.selectors.situations import Capacity, situation_of, with_progress
from skillmap.core.jsonrows import JsonRows, as_date, as_moment
from skillmap.framework.models import in_language
from skillmap.people.access import Access, access_of
from skillmap.people.models import User

PARTIES = rules.MENTORS | {rules.SELF}

# name in the JSON object -> field
_MEETING: dict[str, str] = {
    "kind": "kind",
    "held_on": "held_on",
    "way": "way",
    "mentor_name": "mentor__name",
    "by_deputy": "by_deputy",
    "shared_note": "shared_note",
    "version": "version",
    "person_note": "person_note",
    "person_version": "person_version",
}
_GOAL: dict[str, str] = {
    "pk": "pk",
    "assessment_id": "assessment_id",
    "fiscal_year": "assessment__cycle__fiscal_year",
    "text": "text",
    "due_on": "due_on",
    "state": "state",
    "version": "version",
    "skill": "skill__name",
    "skill_en": "skill__name_en",
    "carried_from": "carried_from_id",
}
TIME_FIELDS: dict[str, str] = {
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
_EVENT: dict[str, str] = {
    "pk": "pk",
    "action": "action",
    "who": "actor__name",
    "acting_as": "acting_as",
    "on_behalf": "on_behalf",
    "comment": "comment",
    "at": "at",
}


@dataclass(frozen=True)
class Mentor:
    """Who mentors the person now."""

    staff_id: int
    name: str
    is_deputy: bool
    user_id: int | None


@dataclass(frozen=True)
class Meeting:
    """What is kept of one 1on1; `held_on` is None while it is only prepared. A version of 0: nothing is written."""

    kind: str
    held_on: date | None = None
    way: str = ""
    mentor_name: str = ""
    by_deputy: bool = False
    shared_note: str = ""
    version: int = 0
    person_note: str = ""
    person_version: int = 0

    @property
    def title(self) -> str:
        """Which of the two it is."""
        return str(MeetingKind(self.kind).label)

    @property
    def way_label(self) -> str:
        """How it was held."""
        return str(MeetingWay(self.way).label) if self.way else ""


@dataclass(frozen=True)
class Memo:
    """The reader's own private memo."""

    text: str = ""
    version: int = 0


@dataclass(frozen=True)
class Goal:
    """One development goal of the person, of this check or an earlier one."""

    pk: int
    assessment_id: int
    fiscal_year: int
    text: str
    due_on: date | None
    state: str
    version: int
    skill_name: str
    carried_from: int | None

    @property
    def is_open(self) -> bool:
        """Whether it is still worked on."""
        return self.state == GoalState.OPEN

    @property
    def state_label(self) -> str:
        """Its state in words."""
        return str(GoalState(self.state).label)


@dataclass(frozen=True)
class Time:
    """A time proposed or agreed for a 1on1."""

    pk: int
    kind: str
    starts_at: datetime
    minutes: int
    way: str
    place: str
    state: str
    by_id: int
    by_name: str

    @property
    def way_label(self) -> str:
        """In person or online."""
        return str(MeetingWay(self.way).label)


@dataclass(frozen=True)
class Line:
    """One step in the history of a check."""

    when: datetime
    who: str
    text: str
    why: str


@dataclass(frozen=True)
class Dossier:
    """A check as both sides of its 1on1s need it: all but the levels. Notes, goals and memo only for whom they are.

    `memo` is the reader's own; the notes, the goals and the times are empty for anyone but the person and the mentors.
    """

    assessment: Assessment
    situation: rules.Situation
    capacity: Capacity
    mentors: tuple[Mentor, ...]
    meetings: Mapping[str, Meeting]
    memo: Memo
    goals: tuple[Goal, ...]
    earlier_goals: tuple[Goal, ...]
    times: tuple[Time, ...]
    history: tuple[Line, ...]

    @property
    def words(self) -> frozenset[str]:
        """In which capacities the reader comes."""
        return self.capacity.words

    @property
    def is_mentor(self) -> bool:
        """Whether the reader mentors the person now, also as a deputy."""
        return bool(rules.MENTORS & self.words)

    @property
    def is_deputy(self) -> bool:
        """Whether the reader is the deputy alone."""
        return rules.DEPUTY in self.words and rules.MENTOR not in self.words

    @property
    def is_own(self) -> bool:
        """Whether it is the reader's own check."""
        return rules.SELF in self.words

    @property
    def is_party(self) -> bool:
        """Whether the reader is one of the two sides."""
        return bool(PARTIES & self.words)

    @property
    def levels_open(self) -> bool:
        """Whether the reader may see the levels of this check now."""
        return self.is_own or rules.levels_open_to_others(self.assessment.state)

    @property
    def kind(self) -> str:
        """Which 1on1 the check is heading for, or has come to."""
        return rules.meeting_kind(self.assessment.state)

    @property
    def meeting(self) -> Meeting:
        """That 1on1."""
        return self.meetings[self.kind]

    @property
    def held(self) -> list[Meeting]:
        """The 1on1s that are recorded, first one first."""
        return [self.meetings[kind] for kind in MeetingKind.values if self.meetings[kind].held_on is not None]

    @property
    def window(self) -> rules.Window | None:
        """The days of the present 1on1."""
        return self.situation.windows.get(rules.MEETING_WINDOWS[self.kind])

    @property
    def agreed(self) -> Time | None:
        """The time agreed for the present 1on1."""
        found = (row for row in self.times if row.kind == self.kind and row.state == ProposalState.ACCEPTED)
        return next(found, None)

    @property
    def open_times(self) -> list[Time]:
        """The times that wait for an answer, in order; those of a mentor who handed over are gone."""
        users = {mentor.user_id for mentor in self.mentors} | {self.assessment.staff.user_id}
        rows = [row for row in self.times if row.kind == self.kind and row.state == ProposalState.OPEN]
        return sorted((row for row in rows if row.by_id in users), key=lambda row: row.starts_at)

    @property
    def times_to_answer(self) -> list[Time]:
        """Of these, those that wait for the reader's own answer."""
        return [time for time in self.open_times if self.may_answer(time)]

    def may_answer(self, time: Time) -> bool:
        """Whether the reader is on the other side of who proposed a time."""
        by_person = time.by_id == self.assessment.staff.user_id
        return self.is_mentor if by_person else self.is_own

    @property
    def record_refusal(self) -> str | None:
        """Why the present 1on1 can't be written by the reader."""
        return rules.meeting_refusal(self.kind, self.situation, self.words)

    @property
    def times_refusal(self) -> str | None:
        """Why no time can be arranged by the reader."""
        return rules.times_refusal(self.kind, self.situation, self.words)

    @property
    def goal_refusal(self) -> str | None:
        """Why goals can't be set by the reader."""
        return rules.goal_refusal(self.situation, self.words)

    @property
    def memo_refusal(self) -> str | None:
        """Why the private memo can't be written by the reader."""
        return rules.memo_refusal(self.situation, self.words)

    @property
    def words_refusal(self) -> str | None:
        """Why the person's own part can't be written by the reader."""
        return rules.words_refusal(self.situation, self.words)

    @property
    def result_open(self) -> bool:
        """Whether the reader may read the result sheet."""
        return rules.result_open(self.situation, self.words)

    @property
    def actions(self) -> tuple[str, ...]:
        """The steps open to the reader."""
        return rules.open_actions(self.situation, self.words)


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
    return JsonRows(times, **TIME_FIELDS)


def dossier_of(user: User, pk: int) -> Dossier | None:
    """One check that the user may know of, with what belongs to its 1on1s; one query. None where there is none."""
    access = access_of(user)
    pairs = MentorPair.objects.active().filter(cycle=OuterRef("cycle_id"), mentee=OuterRef("staff_id"))
    here = {"assessment": OuterRef("pk")}
    found = (
        with_progress(Assessment.objects.visible_to(user))
        .filter(pk=pk)
        .select_related("cycle__framework", "group", "staff__user", "organisation__parent__parent", "target_job_type")
        .annotate(
            pair_rows=JsonRows(
                pairs, staff="mentor_id", name="mentor__name", deputy="is_deputy", user="mentor__user_id"
            ),
            window_rows=window_rows(),
            extension_rows=extension_rows(),
            meeting_rows=JsonRows(OneOnOne.objects.filter(**here), **_MEETING),
            memo_rows=JsonRows(PrivateMemo.objects.filter(author=user, **here), text="text", version="version"),
            goal_rows=JsonRows(DevelopmentGoal.objects.filter(assessment__staff=OuterRef("staff_id")), **_GOAL),
            time_rows=time_rows(),
            event_rows=JsonRows(AssessmentEvent.objects.filter(**here), **_EVENT),
        )
        .first()
    )
    if found is None:
        return None
    mentors = _mentors(found.pair_rows)
    capacity = _capacity(access, found, mentors)
    party = bool(PARTIES & capacity.words)
    goals = [_goal(row) for row in found.goal_rows] if party else []
    return Dossier(
        assessment=found,
        situation=situation_of(found, windows_from(found.window_rows, found.extension_rows)),
        capacity=capacity,
        mentors=mentors,
        meetings=_meetings(found.meeting_rows, party=party, own=rules.SELF in capacity.words),
        memo=next((Memo(row["text"], row["version"]) for row in found.memo_rows), Memo()),
        goals=tuple(sorted((goal for goal in goals if goal.assessment_id == pk), key=lambda goal: goal.pk)),
        earlier_goals=_earlier(goals, found),
        times=tuple(time_from(row) for row in found.time_rows) if party else (),
        history=_history(found.event_rows),
    )


def _mentors(rows: list[dict[str, Any]]) -> tuple[Mentor, ...]:
    found = [Mentor(row["staff"], row["name"], bool(row["deputy"]), row["user"]) for row in rows]
    return tuple(sorted(found, key=lambda mentor: mentor.is_deputy))


def _capacity(access: Access, assessment: Assessment, mentors: Iterable[Mentor]) -> Capacity:
    """As situations.capacity_of, from pairs that are already read."""
    if access.staff_id == assessment.staff_id:
        return Capacity(frozenset({rules.SELF}))
    words = {rules.SECRETARIAT} if access.is_secretariat else set()
    words |= {
        rules.DEPUTY if mentor.is_deputy else rules.MENTOR for mentor in mentors if mentor.staff_id == access.staff_id
    }
    return Capacity(frozenset(words), on_behalf=access.is_secretariat)


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


def _meetings(rows: list[dict[str, Any]], *, party: bool, own: bool) -> dict[str, Meeting]:
    """Both 1on1s. Notes are for the two sides; the person reads the mentor's from the recording on."""
    found = {kind: Meeting(kind) for kind in MeetingKind.values}
    for row in rows:
        values = {**row, "held_on": as_date(row["held_on"]), "by_deputy": bool(row["by_deputy"])}
        if not party:
            values |= {"shared_note": "", "person_note": ""}
        elif own and values["held_on"] is None:
            values |= {"shared_note": ""}
        found[row["kind"]] = Meeting(**values)
    return found


def _goal(row: dict[str, Any]) -> Goal:
    name = in_language(row["skill"] or "", row["skill_en"] or "")
    values = {key: value for key, value in row.items() if key not in ("skill", "skill_en")}
    return Goal(**{**values, "due_on": as_date(row["due_on"]), "skill_name": name})


def _earlier(goals: list[Goal], check: Assessment) -> tuple[Goal, ...]:
    """Open goals of earlier checks that were not carried forward yet, oldest first."""
    here = (check.cycle.fiscal_year, check.pk)
    carried = {goal.carried_from for goal in goals}
    found = [
        goal
        for goal in goals
        if goal.is_open and goal.pk not in carried and (goal.fiscal_year, goal.assessment_id) < here
    ]
    return tuple(sorted(found, key=lambda goal: goal.pk))


def time_from(row: dict[str, Any]) -> Time:
    """A time from its JSON row."""
    return Time(**{**row, "starts_at": as_moment(row["starts_at"])})


def _history(rows: list[dict[str, Any]]) -> tuple[Line, ...]:
    """The steps, newest first."""
    lines = []
    for row in sorted(rows, key=lambda row: row["pk"], reverse=True):
        who = f"{row['who']} ({Actor(row['acting_as']).label})"
        if row["on_behalf"]:
            who = _("%(name)s (on behalf of the person)") % {"name": row["who"]}
        moment = as_moment(row["at"])
        assert moment is not None  # noqa: S101  the column is never NULL
        lines.append(Line(moment, who, str(Action(row["action"]).label), row["comment"]))
    return tuple(lines)
