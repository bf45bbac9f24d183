"""Requests for correction of a confirmed level: when one can be made.

Plain values as in rules.py; a refusal is a code.
"""

from collections.abc import Iterable

from skillmap.assessment.rules import SELF, Situation


def objection_refusal(situation: Situation, capacities: Iterable[str]) -> str | None:
    """Why no level can be objected to; the person may once it is confirmed, whether or not the cycle still runs."""
    if SELF not in frozenset(capacities):
        return "wrong_person"
    return None if situation.state in ("confirmed", "received") else "not_confirmed"
