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
    "no_one_on_one": _("This check is run without 1on1."),
    "already_held": _("This 1on1 is already recorded."),
    "held_in_future": _("Enter the day on which the 1on1 was held, today at the latest. Nothing was changed."),
    "held_too_early": _("The 1on1 can't have been held before its period began. Please look at the date again."),
    "way_missing": _("Choose how the 1on1 was held."),
    "no_mentor": _("No mentor is assigned at present. Ask the secretariat."),
    "times_missing": _("Enter at least one time."),
    "times_too_many": _("Propose three times at most."),
    "time_past": _("A proposed time has already passed. Choose a later one."),
    "time_outside_window": _("A proposed time lies outside the period of this 1on1. Choose a time within it."),
    "time_twice": _("The same time stands there twice. Choose different times."),
    "time_gone": _("This time is no longer proposed. Please read the page again."),
    "own_proposal": _("The other side answers this proposal."),
    "too_long": _("The text is too long. It is kept below; please shorten it."),
    "text_missing": _("Please write a text."),
    "goal_day_past": _("This day has already passed. Choose a later one, or leave the day empty."),
    "goals_too_many": _("A check holds at most twenty goals."),
    "not_confirmed": _("There is no confirmed level yet to which you could object."),
    "objection_open": _("A request for correction of this item is already waiting for its answer."),
    "objection_same_level": _("This is the level that is confirmed. Choose the one that you think is right."),
    "objection_answered": _("This request is already answered. Please read the page again."),
    "objection_withdrawn": _(
        "This check was withdrawn, so nothing can be corrected in it any more. Refuse the request and write why."
    ),
    "own_objection": _("Nobody answers the own request for correction. Ask another member of the secretariat."),
    "result_not_yet": _("The result can be received once it is confirmed."),
}


def refuse(code: str, details: Mapping[str, Any] | None = None) -> RuleViolation:
    """The exception for a refusal code."""
    return RuleViolation(REFUSALS[code], code=code, details=details)
