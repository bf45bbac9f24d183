"""Refusals of the check in the user's words: what happened, what is kept, what to do."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _

from skillmap.core.errors import RuleViolation

REFUSALS = {
    "unknown_action": _("There is no such step."),
    "wrong_state": _(
        "This step is not possible in the present state. Nothing was changed; please read the page again."
    ),
    "wrong_person": _("This step is taken by somebody else."),
    "cycle_not_open": _("The cycle is not running, so nothing can be changed in it. What was saved is kept."),
    "window_not_yet": _("This step has not begun yet. The dates stand at the top of the page."),
    "window_over": _(
        "The time for this step is over. What was saved is kept; ask the secretariat if you need more time."
    ),
    "not_all_answered": _("Some items are not answered yet. Your answers are saved; answer the rest and submit again."),
    "first_meeting_held": _("The first 1on1 is already recorded. Ask your mentor to return the check."),
    "first_meeting_missing": _("Record the first 1on1 before you finish it."),
    "second_meeting_missing": _("The second 1on1 is not recorded yet."),
    "comment_required": _("Write the reason, so that the other side understands."),
    "own_check": _("Nobody confirms or reopens the own check. Ask another member of the secretariat."),
    "changed": _("It was changed in the meantime. Your entry is kept below; compare and choose."),
    "unknown_level": _("Choose one of the four levels."),
}


def refuse(code: str, details: Mapping[str, Any] | None = None) -> RuleViolation:
    """The exception for a refusal code."""
    return RuleViolation(REFUSALS[code], code=code, details=details)
