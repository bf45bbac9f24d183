"""The two 1on1s of a check: who may write its parts, and when.

Plain values as in rules.py; a refusal is a code.
"""

from collections.abc import Iterable

from skillmap.assessment.rules import DEPUTY, MENTOR, SELF, Situation, window_refusal

FIRST, SECOND = "first", "second"
WINDOWS = {FIRST: "first_one_on_one", SECOND: "second_one_on_one"}
MENTORS = frozenset({MENTOR, DEPUTY})


def kind_in(state: str) -> str:
    """Which 1on1 a check is heading for, or has come to: the one on the input until it is corrected, then the other."""
    return FIRST if state in ("draft", "submitted", "reviewed") else SECOND


def states_to_write(kind: str, *, second_before: bool) -> tuple[str, ...]:
    """The states in which the record of a 1on1 can be written; in the last one it can only be mended."""
    if kind == FIRST:
        return ("submitted", "reviewed")
    return ("corrected", "confirmed") if second_before else ("confirmed", "received")


def record_refusal(kind: str, situation: Situation, capacities: Iterable[str]) -> str | None:
    """Why the record of a 1on1 (and in the first the mentor's view) can't be written; None where it can.

    Codes: wrong_person, no_one_on_one, wrong_state, cycle_not_open, window_not_yet, window_over.
    """
    if not MENTORS.intersection(capacities):
        return "wrong_person"
    if not situation.with_one_on_one:
        return "no_one_on_one"
    if situation.state not in states_to_write(kind, second_before=situation.second_before):
        return "wrong_state"
    if not situation.cycle_open:
        return "cycle_not_open"
    return window_refusal(WINDOWS[kind], situation)


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
    window = situation.windows.get(WINDOWS[kind])
    return "window_over" if window is not None and situation.today > window.closes_on else None
