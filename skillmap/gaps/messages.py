"""Refusals of the demand survey in the user's words."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _

from skillmap.core.errors import RuleViolation

REFUSALS = {
    "unknown_action": _("There is no such step."),
    "wrong_person": _("This step is taken by somebody else."),
    "wrong_state": _("This step is not possible in the present state. Nothing was changed; please read the page again."),
    "survey_closed": _("The survey is not running. What was entered is kept."),
    "not_yet": _("The survey has not begun yet."),
    "over": _("The closing day has passed. What was entered is kept; ask the secretariat for more time."),
    "already_submitted": _("The answer is submitted. Open it again to change it."),
    "no_lines": _("There is no line yet. Enter the demand, or choose “Nothing to report”."),
    "has_lines": _("There are lines. Remove them before you choose “Nothing to report”."),
    "unanswered_question": _("Reply to the question of the secretariat before you submit."),
    "changed": _("It was changed in the meantime. Your entry is kept below; compare and choose."),
    "too_many_lines": _("An answer holds at most 1,000 lines."),
    "survey_exists": _("There is a survey of this name in this fiscal year already."),
    "no_organisations": _("Choose at least one organisation."),
    "nothing_to_copy": _("There are no lines of last year to copy."),
    "lines_there": _("There are lines already; copying is possible into an empty answer only."),
    "empty_text": _("Write the text."),
}


def refuse(code: str, details: Mapping[str, Any] | None = None) -> RuleViolation:
    """The exception for a refusal code."""
    return RuleViolation(REFUSALS[code], code=code, details=details)
