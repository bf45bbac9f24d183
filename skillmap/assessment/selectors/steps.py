"""The five steps of a cycle as a page draws them above a check."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.translation import gettext as _

from skillmap.assessment import rules
from skillmap.assessment.choices import CycleStep, State
from skillmap.core.templatetags.ui.words import short_date

WITHOUT_MEETING = (CycleStep.SELF_CHECK, CycleStep.CONFIRMATION)
REACHED = {
    State.DRAFT: CycleStep.SELF_CHECK,
    State.SUBMITTED: CycleStep.FIRST_ONE_ON_ONE,
    State.REVIEWED: CycleStep.CORRECTION,
    State.CORRECTED: CycleStep.CONFIRMATION,
    State.CONFIRMED: CycleStep.SECOND_ONE_ON_ONE,
}


@dataclass(frozen=True)
class StepLine:
    """One step: its name, its closing day in words, and whether it is done, current or to come."""

    name: str
    date: str
    state: str


def step_lines(state: str, windows: Mapping[str, rules.Window], *, with_one_on_one: bool) -> list[StepLine]:
    """The steps of one check in their order; without 1on1 only those that the group has."""
    steps = [CycleStep(step) for step in CycleStep.values if with_one_on_one or step in WITHOUT_MEETING]
    current = REACHED.get(State(state))
    if current is not None and current not in steps:
        current = CycleStep.CONFIRMATION if state == State.SUBMITTED else None
    position = steps.index(current) if current is not None else len(steps)
    if state == State.WITHDRAWN:
        position = -1
    return [
        StepLine(str(step.label), _day(windows.get(step)), _state(index, position)) for index, step in enumerate(steps)
    ]


def _state(index: int, position: int) -> str:
    if index == position:
        return "current"
    return "done" if 0 <= index < position else "todo"


def _day(window: rules.Window | None) -> str:
    if window is None:
        return ""
    return _("until %(day)s") % {"day": short_date(window.closes_on)}
