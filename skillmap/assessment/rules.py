"""The yearly check in plain Python: which step is open to whom and when, fit to a job type, what differs.

Values in, values out: no Django, no clock, no database. States, actions and steps are the plain words of choices.py.
A refused step is a code; services turn it into a sentence.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

SELF, MENTOR, DEPUTY, SECRETARIAT = "self", "mentor", "deputy", "secretariat"
LEVELS = (0, 1, 2, 3)


@dataclass(frozen=True)
class Step:
    """One action: from which states, to which, by whom, in which window, with or without a reason.

    `targets` maps each state it starts from to the state it leads to.
    """

    targets: Mapping[str, str]
    actors: frozenset[str]
    window: str | None = None
    needs_comment: bool = False


STEPS: Mapping[str, Step] = {
    "submit": Step({"draft": "submitted"}, frozenset({SELF}), window="self_check"),
    "take_back": Step({"submitted": "draft"}, frozenset({SELF}), window="self_check"),
    "review": Step({"submitted": "reviewed"}, frozenset({MENTOR, DEPUTY}), window="first_one_on_one"),
    "correct": Step({"reviewed": "corrected"}, frozenset({SELF}), window="correction"),
    "return": Step(
        {"submitted": "draft", "reviewed": "draft", "corrected": "reviewed"},
        frozenset({MENTOR, DEPUTY, SECRETARIAT}),
        needs_comment=True,
    ),
    "confirm": Step(
        {"corrected": "confirmed", "submitted": "confirmed"}, frozenset({SECRETARIAT}), window="confirmation"
    ),
    "receive": Step({"confirmed": "received"}, frozenset({SELF})),
    "reopen": Step({"confirmed": "reviewed", "received": "reviewed"}, frozenset({SECRETARIAT}), needs_comment=True),
    "withdraw": Step(
        dict.fromkeys(("draft", "submitted", "reviewed", "corrected"), "withdrawn"),
        frozenset({SECRETARIAT}),
        needs_comment=True,
    ),
}


@dataclass(frozen=True)
class Window:
    """The days on which a step is open, both included; extensions are already in `closes_on`."""

    opens_on: date
    closes_on: date

    def is_open(self, day: date) -> bool:
        """Whether the step may be taken on a day."""
        return self.opens_on <= day <= self.closes_on


@dataclass(frozen=True)
class Situation:
    """All that decides which steps of one check are open."""

    state: str
    today: date
    cycle_open: bool
    windows: Mapping[str, Window]
    with_one_on_one: bool = True
    second_before: bool = False
    items: int = 0
    answered: int = 0
    first_held: bool = False
    second_held: bool = False


def refusal(action: str, situation: Situation, capacities: Iterable[str], *, comment: str | None = None) -> str | None:
    """Why an action is refused, as a code; None where it is open.

    Codes: unknown_action, wrong_state, wrong_person, cycle_not_open, window_not_yet, window_over, not_all_answered,
    first_meeting_held, first_meeting_missing, second_meeting_missing, comment_required. With
    `comment=None` the reason is not looked at (to draw buttons).
    """
    step = STEPS.get(action)
    if step is None:
        return "unknown_action"
    if not step.actors.intersection(capacities):
        return "wrong_person"
    if situation.state not in step.targets:
        return "wrong_state"
    if not situation.cycle_open:
        return "cycle_not_open"
    found = _window_refusal(step, situation) or _condition_refusal(action, situation)
    if found is not None:
        return found
    if comment is not None and step.needs_comment and not comment.strip():
        return "comment_required"
    return None


def _window_refusal(step: Step, situation: Situation) -> str | None:
    if step.window is None:
        return None
    window = situation.windows.get(step.window)
    if window is None or window.is_open(situation.today):
        return None
    return "window_not_yet" if situation.today < window.opens_on else "window_over"


def _condition_refusal(action: str, situation: Situation) -> str | None:
    if action in ("submit", "correct") and situation.answered < situation.items:
        return "not_all_answered"
    if action == "take_back" and situation.first_held:
        return "first_meeting_held"
    if action == "review":
        if not situation.with_one_on_one:
            return "wrong_state"
        return None if situation.first_held else "first_meeting_missing"
    if action == "confirm":
        return _confirm_refusal(situation)
    if action == "receive" and situation.with_one_on_one and not situation.second_before and not situation.second_held:
        return "second_meeting_missing"
    return None


def _confirm_refusal(situation: Situation) -> str | None:
    """With 1on1 a check is confirmed from `corrected`; without from `submitted`, or once reopened from `corrected`."""
    if situation.with_one_on_one and situation.state != "corrected":
        return "wrong_state"
    if situation.with_one_on_one and situation.second_before and not situation.second_held:
        return "second_meeting_missing"
    return None


def open_actions(situation: Situation, capacities: Iterable[str]) -> tuple[str, ...]:
    """The actions open to somebody now, in the order of the table; the page's buttons and the API's `actions`."""
    held = frozenset(capacities)
    return tuple(action for action in STEPS if refusal(action, situation, held) is None)


def target_of(action: str, state: str) -> str:
    """The state that an open action leads to."""
    return STEPS[action].targets[state]


def editable_level(state: str) -> str | None:
    """Which level the person may set in a state: the self level while answering, the corrected one after the 1on1."""
    return {"draft": "self_level", "reviewed": "corrected_level"}.get(state)


def entry_refusal(situation: Situation) -> str | None:
    """Why the person can't change an answer now; None where it can be changed."""
    step = {"draft": "self_check", "reviewed": "correction"}.get(situation.state)
    if step is None:
        return "wrong_state"
    if not situation.cycle_open:
        return "cycle_not_open"
    return _window_refusal(Step({}, frozenset(), window=step), situation)


def level_to_confirm(self_level: int | None, corrected_level: int | None) -> int | None:
    """The level that confirmation takes.

    The person's corrected one, else the self level. The mentor's view never sets it.
    """
    return corrected_level if corrected_level is not None else self_level


@dataclass(frozen=True)
class Fit:
    """達成度 of a job type: Σ min(held, required) ÷ Σ required, beside "n of m skills met".

    `ratio` is exact; None where the job type asks for nothing. Being above in one skill never hides a lack in another.
    """

    ratio: Fraction | None
    met: int
    required: int

    @property
    def percent(self) -> int | None:
        """Whole per cent, rounded down, so that 100 means every required level is held."""
        return None if self.ratio is None else int(self.ratio * 100)


def fit(held: Mapping[str, int | None], required: Mapping[str, int]) -> Fit:
    """Fit of levels (by item code; missing or None counts as 0) to what a job type requires (0 asks for nothing)."""
    asked = {code: level for code, level in required.items() if level > 0}
    total = sum(asked.values())
    if total == 0:
        return Fit(None, 0, 0)
    reached = sum(min(held.get(code) or 0, level) for code, level in asked.items())
    met = sum((held.get(code) or 0) >= level for code, level in asked.items())
    return Fit(Fraction(reached, total), met, len(asked))


def lack(held: int | None, required: int) -> int:
    """How many levels are missing to the required one; never negative."""
    return max(0, required - (held or 0))


@dataclass(frozen=True)
class Item:
    """One item as a 1on1 looks at it."""

    code: str
    own: int | None
    last: int | None
    required: int = 0


def worth_talking_about(items: Sequence[Item]) -> tuple[str, ...]:
    """Codes of the items that differ from the last confirmed level, or lie below the target job type."""
    return tuple(item.code for item in items if item.own != item.last or lack(item.own, item.required) > 0)


def category_means(
    levels: Mapping[str, int | None], categories: Mapping[str, Sequence[str]]
) -> dict[str, Fraction | None]:
    """Mean level per category (by category code, from its item codes) over answered items.

    None where none is answered.
    """
    means: dict[str, Fraction | None] = {}
    for code, items in categories.items():
        known = [level for level in (levels.get(item) for item in items) if level is not None]
        means[code] = Fraction(sum(known), len(known)) if known else None
    return means


@dataclass(frozen=True)
class Span:
    """A level and the days on which it holds, the last day excluded; None is open."""

    level: int
    valid_from: date
    valid_to: date | None
    key: int | None = None


@dataclass(frozen=True)
class ProfileChange:
    """What recording a level does to one item's known history: keys that cease to be known, and spans that are new."""

    superseded: tuple[int, ...]
    added: tuple[Span, ...]


def record_level(known: Sequence[Span], level: int, valid_from: date) -> ProfileChange:
    """Let a level hold from a day until the next known change; what held before that day stays as it was.

    Nothing is overwritten: a span that is cut short ceases to be known and comes back as a closed copy.
    """
    later = [span.valid_from for span in known if span.valid_from > valid_from]
    until = min(later) if later else None
    hit = [
        span
        for span in known
        if span.valid_from <= valid_from and (span.valid_to is None or span.valid_to > valid_from)
    ]
    kept = [Span(span.level, span.valid_from, valid_from) for span in hit if span.valid_from < valid_from]
    return ProfileChange(
        tuple(span.key for span in hit if span.key is not None), (*kept, Span(level, valid_from, until))
    )


def may_mentor(*, occupation: str, grade: int) -> bool:
    """Whether somebody may be a mentor.

    ICT staff from deputy manager (grade 3) up, or an information technology expert.
    """
    return occupation == "expert" or (occupation == "ict" and grade >= 3)


# ---------------------------------------------------------------------------------------------- 1on1 and its result

FIRST, SECOND = "first", "second"
MEETING_WINDOWS = {FIRST: "first_one_on_one", SECOND: "second_one_on_one"}
MENTORS = frozenset({MENTOR, DEPUTY})


def meeting_kind(state: str) -> str:
    """Which 1on1 a check is heading for, or has come to: the one on the input until it is corrected, then the other."""
    return FIRST if state in ("draft", "submitted", "reviewed") else SECOND


def meeting_states(kind: str, *, second_before: bool) -> tuple[str, ...]:
    """The states in which the record of a 1on1 can be written; in the last one it can only be mended."""
    if kind == FIRST:
        return ("submitted", "reviewed")
    return ("corrected", "confirmed") if second_before else ("confirmed", "received")


def meeting_refusal(kind: str, situation: Situation, capacities: Iterable[str]) -> str | None:
    """Why the record of a 1on1 (and in the first the mentor's view) can't be written; None where it can.

    Codes: wrong_person, no_one_on_one, wrong_state, cycle_not_open, window_not_yet, window_over.
    """
    if not MENTORS.intersection(capacities):
        return "wrong_person"
    if not situation.with_one_on_one:
        return "no_one_on_one"
    if situation.state not in meeting_states(kind, second_before=situation.second_before):
        return "wrong_state"
    if not situation.cycle_open:
        return "cycle_not_open"
    return _window_refusal(Step({}, frozenset(), window=MEETING_WINDOWS[kind]), situation)


def words_refusal(situation: Situation, capacities: Iterable[str]) -> str | None:
    """Why the person's own part of the shared note can't be written now."""
    if SELF not in frozenset(capacities):
        return "wrong_person"
    return _running_refusal(situation)


def goal_refusal(situation: Situation, capacities: Iterable[str]) -> str | None:
    """Why the mentor can't set goals now; from the submitting on, as long as the cycle runs."""
    if not MENTORS.intersection(capacities):
        return "wrong_person"
    return "wrong_state" if situation.state == "draft" else _running_refusal(situation)


def memo_refusal(situation: Situation, capacities: Iterable[str]) -> str | None:
    """Why a mentor can't write the private memo now."""
    return _running_refusal(situation) if MENTORS.intersection(capacities) else "wrong_person"


def _running_refusal(situation: Situation) -> str | None:
    if not situation.with_one_on_one:
        return "no_one_on_one"
    if situation.state == "withdrawn":
        return "wrong_state"
    return None if situation.cycle_open else "cycle_not_open"


def times_refusal(kind: str, situation: Situation, capacities: Iterable[str]) -> str | None:
    """Why no time can be proposed or agreed for a 1on1; person and mentor may until it is held or its window is over.

    The first is arranged while the person still answers, the second from the correction on.
    """
    if not (MENTORS | {SELF}).intersection(capacities):
        return "wrong_person"
    refused = _running_refusal(situation)
    if refused is not None:
        return refused
    arranged = {
        FIRST: ("draft", "submitted"),
        SECOND: ("corrected",) if situation.second_before else ("corrected", "confirmed"),
    }
    if situation.state not in arranged[kind]:
        return "wrong_state"
    if situation.first_held if kind == FIRST else situation.second_held:
        return "already_held"
    window = situation.windows.get(MEETING_WINDOWS[kind])
    return "window_over" if window is not None and situation.today > window.closes_on else None


def levels_open_to_others(state: str) -> bool:
    """Whether anybody but the person may read the levels of a check: not while it is answered, nor once withdrawn."""
    return state not in ("draft", "withdrawn")


def correction_open_to_others(state: str) -> bool:
    """Whether anybody but the person may read the corrected levels: from their submitting on."""
    return state in ("corrected", "confirmed", "received")


def result_open(situation: Situation, capacities: Iterable[str]) -> bool:
    """Whether the result sheet may be read.

    The secretariat reads it from the tally on. Person and mentor from the confirmed version on, and before it where the
    second 1on1, which is about the result, comes before it.
    """
    held = frozenset(capacities)
    state = situation.state
    if not held:
        return False
    if state in ("confirmed", "received"):
        return True
    if SECRETARIAT in held:
        return state == ("corrected" if situation.with_one_on_one else "submitted")
    return state == "corrected" and situation.with_one_on_one and situation.second_before


def objection_refusal(situation: Situation, capacities: Iterable[str]) -> str | None:
    """Why no level can be objected to; the person may once it is confirmed, whether or not the cycle still runs."""
    if SELF not in frozenset(capacities):
        return "wrong_person"
    return None if situation.state in ("confirmed", "received") else "not_confirmed"
