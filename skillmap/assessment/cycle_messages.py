"""Refusals around the cycle, its people and mentors in the user's words: what happened, what is kept, what to do."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _

from skillmap.core.errors import RuleViolation

REFUSALS = {
    # the cycle
    "cycle_changed": _("Somebody changed this cycle in the meantime. Nothing was saved; please read the page again."),
    "not_a_draft": _("The cycle has been opened already, so this can no longer be changed."),
    "not_open": _("The cycle is not running. Nothing was changed."),
    "name_taken": _("There is a cycle of this name in that fiscal year already. Choose another name."),
    "framework_not_published": _("Choose a published version of the skill framework."),
    "windows": _("The dates of the steps are not complete or not in order. Correct them first."),
    "no_groups": _("There is no group of participants yet. Add one first."),
    "nobody_takes_part": _("Nobody takes part with these groups. Look at the participants first."),
    "mentors_missing": _(
        "Some people have no mentor yet. Assign mentors, or say that you open the cycle all the same."
    ),
    "group_name_taken": _("There is a group of this name already. Choose another name."),
    "group_empty_selection": _("Say who belongs to the group: choose at least one of the conditions."),
    "checklist_open": _("Some points of the checklist are neither settled nor accepted. Nothing was changed."),
    "purpose_empty": _("Write the purpose text in Japanese."),
    # people in it
    "wrong_person": _("This step is taken by somebody else."),
    "not_at_work": _("%(name)s is not at work at present. Nothing was changed."),
    "no_check_for": _("People of this employer take part without a check."),
    "takes_part_already": _("%(name)s takes part in this cycle already."),
    "withdrawn_already": _(
        "%(name)s was withdrawn from this cycle. A withdrawn check is not taken up again; "
        "the person can take part in the next cycle."
    ),
    "step_unknown": _("There is no such step."),
    "extension_too_early": _("The new last day must lie after the present one (%(day)s), and not in the past."),
    "extension_reason": _("Write why the time is extended."),
    "extension_finished": _("This check needs no more time: it is received or withdrawn."),
    # mentors
    "mentor_not_eligible": _(
        "%(name)s can't be a mentor: mentors are ICT staff from deputy manager up, or information technology experts."
    ),
    "mentor_away": _("%(name)s is not at work at present and can't become a mentor."),
    "mentor_oneself": _("Nobody is the own mentor."),
    "mentor_both_ways": _("%(name)s is mentored by this person in the same cycle. No pair mentors each other."),
    "mentor_evaluates": _("Declare that the mentor does not evaluate the person. Nothing was saved."),
    "mentee_not_in_cycle": _("%(name)s does not take part in this cycle with 1on1."),
    "deputy_is_mentor": _("Mentor and deputy must be two people."),
    "no_such_pair": _("This assignment has ended already. Please read the page again."),
    "nothing_chosen": _("Nothing was chosen. Mark at least one line."),
    # texts
    "unknown_placeholder": _("There is no placeholder %(name)s. Use those listed below the text."),
    "unknown_kind": _("There is no such text."),
    "text_changed": _("Somebody changed this text in the meantime. Your text is kept below; compare and save again."),
    "finding_empty": _("Write the text."),
    "finding_gone": _("This entry was changed or removed in the meantime. Your text is kept below."),
}


def refuse(code: str, details: Mapping[str, Any] | None = None, **params: object) -> RuleViolation:
    """The exception for a refusal code; `params` fill its text."""
    text = REFUSALS[code]
    return RuleViolation(text % params if params else text, code=code, details=details)
