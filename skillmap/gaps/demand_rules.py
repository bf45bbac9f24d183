"""The demand survey in plain Python: who may do what with a survey and an answer, and when. Refusals are codes."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

COORDINATOR, SECRETARIAT = "coordinator", "secretariat"
WRITABLE = frozenset({"not_started", "draft", "questioned"})
ANSWERED = frozenset({"submitted", "none"})
MOST_LINES = 1000
MOST_PEOPLE = 999  # asked for, or filled, by one line
FIRST_DAY, LAST_DAY = date(2000, 4, 1), date(2100, 3, 31)  # of periods and windows; beyond is a slip of the pen
WEEK, DAY, OVER = "week", "day", "over"


@dataclass(frozen=True)
class Step:
    """One action on an answer: from which states, to which, by whom."""

    sources: frozenset[str]
    target: str
    actors: frozenset[str]


STEPS: Mapping[str, Step] = {
    "submit": Step(frozenset({"draft", "questioned"}), "submitted", frozenset({COORDINATOR})),
    "nothing": Step(frozenset({"not_started", "draft", "questioned"}), "none", frozenset({COORDINATOR})),
    "reopen": Step(frozenset({"submitted", "none"}), "draft", frozenset({COORDINATOR})),
    "ask": Step(frozenset({"submitted", "none"}), "questioned", frozenset({SECRETARIAT})),
}

# The survey itself is moved by the secretariat alone: action to (from, to).
SURVEY_STEPS: Mapping[str, tuple[str, str]] = {
    "open": ("draft", "open"),
    "close": ("open", "closed"),
    "reopen": ("closed", "open"),
}


@dataclass(frozen=True)
class Situation:
    """All that decides what is open: the answer's state, the survey's dates (both days included), the lines."""

    state: str
    survey_open: bool
    opens_on: date
    closes_on: date
    today: date
    items: int = 0
    open_questions: int = 0

    @property
    def days_left(self) -> int:
        """Days until the closing day, 0 on it, negative after it."""
        return (self.closes_on - self.today).days


def entry_refusal(situation: Situation) -> str | None:
    """Why lines can't be changed now: survey_closed, not_yet, over, already_submitted; None where they can.

    An answer with a question from the secretariat stays open after the closing day, so that it can be answered.
    """
    if not situation.survey_open:
        return "survey_closed"
    outside = _window_refusal(situation)
    if outside is not None:
        return outside
    return None if situation.state in WRITABLE else "already_submitted"


def refusal(action: str, situation: Situation, capacities: Iterable[str]) -> str | None:
    """Why an action is refused, as a code; None where it is open.

    Codes beside those of `entry_refusal`: unknown_action, wrong_person, wrong_state, no_lines, has_lines,
    unanswered_question.
    """
    step = STEPS.get(action)
    if step is None:
        return "unknown_action"
    if not step.actors.intersection(capacities):
        return "wrong_person"
    if situation.state not in step.sources:
        return "wrong_state"
    if not situation.survey_open:
        return "survey_closed"
    if action == "ask":
        return None
    return _window_refusal(situation) or _content_refusal(action, situation)


def _window_refusal(situation: Situation) -> str | None:
    if situation.today < situation.opens_on:
        return "not_yet"
    if situation.today > situation.closes_on and situation.state != "questioned":
        return "over"
    return None


def _content_refusal(action: str, situation: Situation) -> str | None:
    if action == "submit" and situation.items == 0:
        return "no_lines"
    if action == "nothing" and situation.items > 0:
        return "has_lines"
    if action in ("submit", "nothing") and situation.open_questions:
        return "unanswered_question"
    return None


def open_actions(situation: Situation, capacities: Iterable[str]) -> tuple[str, ...]:
    """The actions open to somebody now."""
    held = frozenset(capacities)
    return tuple(action for action in STEPS if refusal(action, situation, held) is None)


def reply_refusal(situation: Situation) -> str | None:
    """Why a question can't be replied to now: survey_closed, or None. The closing day does not end a dialogue."""
    return None if situation.survey_open else "survey_closed"


def extension_refusal(*, survey_open: bool, closes_on: date, until: date, today: date) -> str | None:
    """Why an answer can't get this closing day: survey_closed, day_passed, not_later, too_far.

    Args:
        closes_on: the closing day of the survey, which holds for all others.
        until: the day asked for.
    """
    if not survey_open:
        return "survey_closed"
    if until < today:
        return "day_passed"
    if until <= closes_on:
        return "not_later"
    if until > LAST_DAY:
        return "too_far"
    return None


def line_refusal(*, level: int, headcount: int, needed_from: date | None, needed_until: date | None) -> str | None:
    """Why a line can't stand: bad_level, bad_headcount, bad_period; None where it can."""
    if level not in (1, 2, 3):
        return "bad_level"
    if not 1 <= headcount <= MOST_PEOPLE:
        return "bad_headcount"
    days = [day for day in (needed_from, needed_until) if day is not None]
    if any(not FIRST_DAY <= day <= LAST_DAY for day in days) or days != sorted(days):
        return "bad_period"
    return None


@dataclass(frozen=True)
class Reminder:
    """What an answer is reminded of: `week`, `day` or `over`; `number` counts the weeks since it is over."""

    kind: str
    number: int = 0


def reminder(situation: Situation) -> Reminder | None:
    """The reminder that falls on today; None where there is none.

    From the 7th day before the closing day once, from the day before once, from the day after once a week. A day on
    which nothing ran is made up for on the next. Whoever has been told today that the survey begins is not reminded.
    """
    if not situation.survey_open or situation.state not in WRITABLE or situation.today <= situation.opens_on:
        return None
    if situation.days_left < 0:
        return Reminder(OVER, (-situation.days_left - 1) // 7)
    if situation.days_left <= 1:
        return Reminder(DAY)
    if situation.days_left <= 7:
        return Reminder(WEEK)
    return None
