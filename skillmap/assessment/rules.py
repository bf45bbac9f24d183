"""The yearly check in plain Python: which step is open to whom and when, and who may read what in which state.

Values in, values out: no Django, no clock, no database. States, actions and steps are the plain words of choices.py.
A refused step is a code; services turn it into a sentence.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

SELF, MENTOR, DEPUTY, SECRETARIAT = "self", "mentor", "deputy", "secretariat"
LEVELS = (0, 1, 2, 3)
#: Municipalities and affiliated bodies take part in courses and the community; they have no check and see no levels.
EMPLOYERS_WITH_CHECK = ("government", "govtech")


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
    found = window_refusal(step.window, situation) or _condition_refusal(action, situation)
    if found is not None:
        return found
    if comment is not None and step.needs_comment and not comment.strip():
        return "comment_required"
    return None


def window_refusal(name: str | None, situation: Situation) -> str | None:
    """Why a window refuses: window_not_yet or window_over; None where it is open, or none was set."""
    window = situation.windows.get(name) if name else None
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
    return window_refusal(step, situation)


def level_to_confirm(self_level: int | None, corrected_level: int | None) -> int | None:
    """The level that confirmation takes.

    The person's corrected one, else the self level. The mentor's view never sets it.
    """
    return corrected_level if corrected_level is not None else self_level


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
