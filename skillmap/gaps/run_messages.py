"""Why a step of a gap run or of a priority area is refused, in the user's words."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _

from skillmap.core.errors import Conflict, RuleViolation

REFUSALS = {
    "cycle_not_open": _("The cycle has not begun yet. Open it first."),
    "survey_not_open": _("The demand survey has not begun yet. Open it first."),
    "unknown_basis": _("Choose the levels to count: confirmed or corrected ones."),
    "unknown_parameter": _("There is no such setting."),
    "bad_supply_level": _("The supply counts from level 1, 2 or 3."),
    "bad_top_share": _("The share that is “top” lies between none and all of the items."),
    "top_of_none": _("Of %(items)s items this share makes none “top”. Choose a larger share, 1/%(items)s at least."),
    "bad_k": _("Figures stand for at least %(least)s people; choose this number or a larger one."),
    "bad_population": _("Choose at least one occupation."),
    "too_many_items": _("A run compares at most %(most)s items."),
    "not_running": _("The run is over already. Nothing was changed."),
    "not_finished": _("The run is not finished yet. Wait for its end, or ask for a new one."),
    "already_published": _("The run is published already."),
    "tally_stays": _(
        "A tally before confirmation stays with the secretariat: if it were published, most totals of the confirmed "
        "levels would have to be hidden later."
    ),
    "newer_published": _(
        "Another run of this cycle was published in the meantime, and this one was computed without it. Ask for a new "
        "run and publish that."
    ),
    "run_not_published": _("Publish the run first: its ranks stand beside the areas that everyone sees."),
    "not_proposed": _("The run does not propose this item. Add it by hand, with a reason."),
    "nothing_chosen": _("Choose at least one item."),
    "unknown_skill": _("There is no such item."),
    "decided_already": _("This was decided already. The page shows the present decision."),
    "changed": _("It was changed in the meantime. Look at the present decision and choose again."),
    "not_adopted": _("Only an adopted area can be withdrawn."),
    "reason_required": _("Write the reason: it is kept with the decision."),
    "reason_too_long": _("The reason holds at most 500 letters."),
    "not_allowed": _("Your role does not allow this any more."),
}


def refuse(code: str, **values: Any) -> RuleViolation:
    """The exception for a refusal code; `values` fill its text."""
    return RuleViolation(REFUSALS[code] % values if values else REFUSALS[code], code=code)


def stale(details: Mapping[str, Any]) -> Conflict:
    """The exception where a decision is no longer as it was read; `details` say how it is now."""
    return Conflict(REFUSALS["changed"], code="changed", details=details)
