"""The demand survey in plain Python: who may do what with an organisation's answer, and when. Refusals are codes."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

COORDINATOR, SECRETARIAT = "coordinator", "secretariat"
WRITABLE = frozenset({"not_started", "draft", "questioned"})


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


def entry_refusal(situation: Situation) -> str | None:
    """Why lines can't be changed now: survey_closed, not_yet, over, already_submitted; None where they can.

    An answer with a question from the secretariat stays open after the closing day, so that it can be answered.
    """
    if not situation.survey_open:
        return "survey_closed"
    if situation.today < situation.opens_on:
        return "not_yet"
    if situation.today > situation.closes_on and situation.state != "questioned":
        return "over"
    if situation.state not in WRITABLE:
        return "already_submitted"
    return None


def refusal(action: str, situation: Situation, capacities: Iterable[str]) -> str | None:
    """Why an action is refused, as a code; None where it is open.

    Codes beside those of `entry_refusal`: unknown_action, wrong_person, wrong_state, no_lines, has_lines, unanswered_question.
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
    if situation.today > situation.closes_on and situation.state != "questioned":
        return "over"
    if situation.today < situation.opens_on:
        return "not_yet"
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
