"""System checks of people: a setting that names no role or occupation there is would silently mean nobody."""

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register

from skillmap.people.choices import Occupation, Role


def _unknown(setting: str, choices: Iterable[str], id_: str) -> list[CheckMessage]:
    unknown = sorted(set(getattr(settings, setting)) - set(choices))
    if not unknown:
        return []
    return [Error(f"{setting} names {', '.join(unknown)}: choose from {', '.join(choices)}.", id=id_)]


@register(Tags.security)
def roles_with_a_second_factor_are_known(**_: Any) -> list[CheckMessage]:
    """A mistyped role would need no second factor."""
    return _unknown("MFA_REQUIRED_ROLES", Role.values, "skillmap.E004")


@register(Tags.models)
def occupations_of_the_supply_are_known(**_: Any) -> list[CheckMessage]:
    """A mistyped occupation would leave its people out of the supply."""
    return _unknown("SUPPLY_OCCUPATIONS", Occupation.values, "skillmap.E005")
