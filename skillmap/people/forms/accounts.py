"""The shape of what is entered about accounts, roles and tokens."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from skillmap.core.choices import Purpose
from skillmap.core.lines import LONGEST_ADDRESS, LineField, can_be_shown
from skillmap.people.choices import (
    Role,
)
from skillmap.people.forms.fields import NOTHING, Choices, choice_field, day_field, number_field, place_choices
from skillmap.people.rules import Node
from skillmap.people.tokens import LONGEST, SCOPES

SCOPE_WORDS = {
    "reference:read": _("Read the skill framework, the organisations and the yearly cycles."),
    "people:read": _("Read the people on record: name, number, organisation, occupation, grade."),
    "levels:read": _("Read the checks, 1on1s and levels of named people; each look is recorded."),
    "assessments:write": _("Save answers, and take steps of checks and 1on1s."),
    "demand:write": _("Write lines of a demand survey."),
    "runs:write": _("Compute and publish gap runs, and adopt priority areas."),
    "reports:read": _("Read demand surveys, gap runs and priority areas; no named people."),
}


class AccountForm(forms.Form):
    """An account without a person on record, such as that of an executive."""

    name = LineField(label=_("Name"), max_length=100)
    email = forms.EmailField(label=_("E-mail address"), max_length=LONGEST_ADDRESS, validators=[can_be_shown])


class ServiceForm(forms.Form):
    """The account of another system."""

    name = LineField(label=_("Name of the system"), max_length=100)


class EmailForm(forms.Form):
    """An address to sign in with."""

    email = forms.EmailField(label=_("E-mail address"), max_length=LONGEST_ADDRESS, validators=[can_be_shown])


class SubjectForm(forms.Form):
    """What the identity provider calls somebody."""

    provider_id = forms.ChoiceField(label=_("Single sign-on"))
    subject = forms.CharField(
        label=_("Subject (sub)"),
        max_length=191,
        help_text=_("The identifier that the identity provider gives out for this person; never an e-mail address."),
    )

    def __init__(self, *args: Any, providers: Choices, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["provider_id"].choices = list(providers)  # type: ignore[attr-defined]


class GrantForm(forms.Form):
    """A role for an account, with dates."""

    role = choice_field(Role.choices, _("Role"))
    organisation_id = number_field(
        _("Organisation"), required=False, hint=_("For coordinators: the one they speak for, with all below it.")
    )
    valid_from = day_field(_("First day"), today=True)
    valid_to = day_field(
        _("First day without the role, if it is known"),
        required=False,
        hint=_("The day before is the last one with the role."),
    )

    def __init__(self, *args: Any, nodes: Sequence[Node], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["organisation_id"].choices = place_choices(nodes)  # type: ignore[attr-defined]


class TokenForm(forms.Form):
    """An API token: whose, for what, how long."""

    user_id = number_field(_("Account of the system"))
    name = LineField(label=_("What it is for"), max_length=100)
    scopes = forms.MultipleChoiceField(
        label=_("Scopes"),
        choices=[(scope, format_lazy("{}: {}", scope, SCOPE_WORDS[scope])) for scope in SCOPES],
        widget=forms.CheckboxSelectMultiple,
        help_text=_("What the token reaches at most; the role of its account can narrow it further."),
    )
    purpose = choice_field(Purpose.choices, _("Purpose"), hint=_("Kept with every look at a person's data."))
    days = forms.IntegerField(label=_("Days until it expires"), min_value=1, max_value=LONGEST.days, initial=180)

    def __init__(self, *args: Any, accounts: Choices, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["user_id"].choices = [NOTHING, *accounts]  # type: ignore[attr-defined]
