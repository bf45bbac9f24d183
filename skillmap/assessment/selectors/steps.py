"""The five steps of a cycle as a page draws them above a check."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from skillmap.assessment import cycle_rules, rules
from skillmap.assessment.choices import CycleStep, State
from skillmap.core.templatetags.ui.words import short_date

WITHOUT_MEETING = (CycleStep.SELF_CHECK, CycleStep.CONFIRMATION)


@dataclass(frozen=True)
class StepLine:
    """One step: its name, its closing day in words, and whether it is done, current or to come."""

    name: str
    date: str
    state: str


def step_lines(situation: rules.Situation) -> list[StepLine]:
    """The steps of one check in the order of its cycle; without 1on1 only those that the group has."""
    order = [CycleStep(step) for step in cycle_rules.steps_in_order(second_before=situation.second_before)]
    steps = [step for step in order if situation.with_one_on_one or step in WITHOUT_MEETING]
    position = _position(situation, order, steps)
    return [
        StepLine(str(step.label), _day(situation.windows.get(step)), _state(index, position))
        for index, step in enumerate(steps)
    ]


def _position(situation: rules.Situation, order: Sequence[CycleStep], steps: Sequence[CycleStep]) -> int:
    """How many of the steps are done; -1 for a check that was withdrawn."""
    if situation.state == State.WITHDRAWN:
        return -1
    due = cycle_rules.due(
        situation.state,
        with_one_on_one=situation.with_one_on_one,
        second_before=situation.second_before,
        second_held=situation.second_held,
    )
    # Where confirmation is the last step, a confirmed check has but to be received.
    if due is None or (situation.state == State.CONFIRMED and due.step == CycleStep.CONFIRMATION):
        return len(steps)
    before = order[: order.index(CycleStep(due.step))]
    return sum(step in before for step in steps)


def _state(index: int, position: int) -> str:
    if index == position:
        return "current"
    return "done" if 0 <= index < position else "todo"


def _day(window: rules.Window | None) -> str:
    if window is None:
        return ""
    return _("until %(day)s") % {"day": short_date(window.closes_on)}
