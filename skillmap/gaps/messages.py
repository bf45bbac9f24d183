"""Refusals of the demand survey in the user's words."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _

from skillmap.core.errors import Conflict, RuleViolation

REFUSALS = {
    "unknown_action": _("There is no such step."),
    "wrong_person": _("This step is taken by somebody else."),
    "wrong_state": _(
        "This step is not possible in the present state. Nothing was changed; please read the page again."
    ),
    "survey_closed": _("The survey is not running. What was entered is kept."),
    "not_yet": _("The survey has not begun yet."),
    "over": _("The closing day has passed. What was entered is kept; ask the secretariat for more time."),
    "already_submitted": _("The answer is submitted. Open it again to change it."),
    "no_lines": _("There is no line yet. Enter the demand, or choose “Nothing to report”."),
    "has_lines": _("There are lines. Remove them before you choose “Nothing to report”."),
    "unanswered_question": _("Reply to the question of the secretariat before you submit."),
    "changed": _("It was changed in the meantime. Your entry is kept below; compare and choose."),
    "changed_since": _("It was changed in the meantime. Nothing was done; please look at the present lines."),
    "sheet_stale": _(
        "The lines were changed after the sheet was checked. Nothing was replaced and the present lines stay. "
        "Check the sheet again, or download the present lines and enter your changes there."
    ),
    "too_many_lines": _("An answer holds at most 1,000 lines."),
    "bad_level": _("A line asks for level 1, 2 or 3."),
    "bad_headcount": _("The number of people lies between 1 and 999."),
    "bad_period": _("The period is not possible: its last day lies before the first, or a year is mistyped."),
    "unknown_skill": _("This skill item does not belong to the survey. Choose one of its list."),
    "survey_exists": _("There is a survey of this name in this fiscal year already."),
    "survey_changed": _(
        "Somebody else changed the survey in the meantime. Your entry stands below; save again to keep it."
    ),
    "day_passed": _("This day has passed. Choose today or a later day."),
    "not_later": _("Choose a day after the closing day of the survey."),
    "too_far": _("This day lies too far ahead. Please check the year."),
    "nothing_chosen": _("Choose at least one organisation in the table."),
    "no_organisations": _("Choose at least one organisation."),
    "nothing_to_copy": _("There are no lines of last year to copy."),
    "lines_there": _("There are lines already; copying is possible into an empty answer only."),
    "empty_text": _("Write the text."),
}


def refuse(code: str, details: Mapping[str, Any] | None = None) -> RuleViolation:
    """The exception for a refusal code."""
    return RuleViolation(REFUSALS[code], code=code, details=details)


def stale(code: str, details: Mapping[str, Any]) -> Conflict:
    """The exception where a row is no longer as it was read; `details` name its present version."""
    return Conflict(REFUSALS[code], code="changed", details=details)
