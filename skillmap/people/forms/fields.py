"""Fields that several forms of people share."""

from collections.abc import Iterable, Sequence
from typing import Any

from django import forms
from django.core.validators import RegexValidator
from django.utils.translation import gettext_lazy as _

from skillmap.core import clock
from skillmap.core.days import DayField
from skillmap.core.widgets import LongSelect
from skillmap.people import selectors
from skillmap.people.choices import (
    OrganisationKind,
)
from skillmap.people.models import BureauGroup
from skillmap.people.rules import FIRST_DAY, LAST_DAY, Node

CODE = RegexValidator(r"\A[0-9A-Za-z][0-9A-Za-z._\-]*\Z", _("Use letters, digits, dots, hyphens and underscores only."))
NOTHING = ("", "—")
Choices = Sequence[tuple[Any, Any]]


def day_field(label: Any, *, required: bool = True, hint: Any = "", today: bool = False) -> DayField:
    """A day in somebody's service, or of the organisations."""
    return DayField(
        earliest=FIRST_DAY,
        latest=LAST_DAY,
        label=label,
        required=required,
        help_text=hint,
        initial=clock.today if today else None,
    )


def choice_field(choices: Choices, label: Any, *, required: bool = True, hint: Any = "") -> forms.ChoiceField:
    """One of a short list, with an empty entry first."""
    return forms.ChoiceField(choices=[NOTHING, *choices], label=label, required=required, help_text=hint)


def number_field(label: Any, *, required: bool = True, hint: Any = "") -> forms.TypedChoiceField:
    """One row of a list that is filled in when the form is made."""
    return forms.TypedChoiceField(
        coerce=int, empty_value=None, label=label, required=required, help_text=hint, widget=LongSelect
    )


def place_choices(nodes: Iterable[Node], *, members: bool = False, empty: Any = NOTHING) -> list[tuple[Any, Any]]:
    """Organisations to choose from, those below others indented; with `members` only those that can have any."""
    closed = set(OrganisationKind.without_members()) if members else set()
    found = [(node.pk, f"{'　' * node.depth}{node.name}") for node in nodes if node.kind not in closed]
    return [empty, *found] if empty else found


def group_choices() -> list[tuple[Any, Any]]:
    """Bureau groups to choose from."""
    return [NOTHING, *BureauGroup.objects.order_by("sort_order", "code").values_list("pk", "name")]


def selectable() -> list[Node]:
    """What forms offer; one query."""
    return selectors.places()
