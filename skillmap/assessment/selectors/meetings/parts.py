"""What a dossier is made of: mentors, 1on1s, memo, goals, times, history."""

from dataclasses import dataclass
from datetime import date, datetime

from skillmap.assessment.choices import GoalState, MeetingKind, MeetingWay


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
