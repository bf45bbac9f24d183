"""A check as both sides of its 1on1s need it, and what its reader may do."""

from collections.abc import Mapping
from dataclasses import dataclass

from skillmap.assessment import meeting_rules, rules
from skillmap.assessment.choices import MeetingKind, ProposalState
from skillmap.assessment.models import Assessment
from skillmap.assessment.selectors.meetings.parts import Goal, Line, Meeting, Memo, Mentor, Time
from skillmap.assessment.selectors.situations import Capacity

PARTIES = meeting_rules.MENTORS | {rules.SELF}


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
        return bool(meeting_rules.MENTORS & self.words)

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
        return meeting_rules.kind_in(self.assessment.state)

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
        return self.situation.windows.get(meeting_rules.WINDOWS[self.kind])

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
        return meeting_rules.record_refusal(self.kind, self.situation, self.words)

    @property
    def times_refusal(self) -> str | None:
        """Why no time can be arranged by the reader."""
        return meeting_rules.times_refusal(self.kind, self.situation, self.words)

    @property
    def goal_refusal(self) -> str | None:
        """Why goals can't be set by the reader."""
        return meeting_rules.goal_refusal(self.situation, self.words)

    @property
    def memo_refusal(self) -> str | None:
        """Why the private memo can't be written by the reader."""
        return meeting_rules.memo_refusal(self.situation, self.words)

    @property
    def words_refusal(self) -> str | None:
        """Why the person's own part can't be written by the reader."""
        return meeting_rules.words_refusal(self.situation, self.words)

    @property
    def result_open(self) -> bool:
        """Whether the reader may read the result sheet."""
        return rules.result_open(self.situation, self.words)

    @property
    def actions(self) -> tuple[str, ...]:
        """The steps open to the reader."""
        return rules.open_actions(self.situation, self.words)
