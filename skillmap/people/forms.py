"""The shape of what is entered about people, accounts, organisations and their changes."""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

from django import forms
from django.core.validators import RegexValidator
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from skillmap.core import clock
from skillmap.core.choices import Purpose
from skillmap.core.import_forms import UploadForm
from skillmap.people import selectors
from skillmap.people.choices import (
    DesignationKind,
    Employer,
    Grade,
    HiringRoute,
    Occupation,
    OrganisationKind,
    Role,
)
from skillmap.people.models import BureauGroup
from skillmap.people.rules import Node
from skillmap.people.tokens import LONGEST, SCOPES

CODE = RegexValidator(r"\A[0-9A-Za-z][0-9A-Za-z._\-]*\Z", _("Use letters, digits, dots, hyphens and underscores only."))
NOTHING = ("", "—")
Choices = Sequence[tuple[Any, Any]]


def day_field(label: Any, *, required: bool = True, hint: Any = "", today: bool = False) -> forms.DateField:
    """A day, with the browser's calendar."""
    return forms.DateField(
        label=label,
        required=required,
        help_text=hint,
        initial=clock.today if today else None,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )


def choice_field(choices: Choices, label: Any, *, required: bool = True, hint: Any = "") -> forms.ChoiceField:
    """One of a short list, with an empty entry first."""
    return forms.ChoiceField(choices=[NOTHING, *choices], label=label, required=required, help_text=hint)


def number_field(label: Any, *, required: bool = True, hint: Any = "") -> forms.TypedChoiceField:
    """One row of a list that is filled in when the form is made."""
    return forms.TypedChoiceField(coerce=int, empty_value=None, label=label, required=required, help_text=hint)


def place_choices(nodes: Iterable[Node], *, members: bool = False, empty: Any = NOTHING) -> list[tuple[Any, Any]]:
    """Organisations to choose from, those below others indented; with `members` only those that can have any."""
    closed = set(OrganisationKind.without_members()) if members else set()
    found = [(node.pk, f"{'　' * node.depth}{node.name}") for node in nodes if node.kind not in closed]
    return [empty, *found] if empty else found


def group_choices() -> list[tuple[Any, Any]]:
    """Bureau groups to choose from."""
    return [NOTHING, *BureauGroup.objects.order_by("sort_order", "code").values_list("pk", "name")]


# ---------------------------------------------------------------------------------------------------------- persons


class PlainForm(forms.Form):
    """What about a person is not dated."""

    number = forms.CharField(label=_("Staff number"), max_length=20, validators=[CODE])
    name = forms.CharField(label=_("Name"), max_length=100)
    kana = forms.CharField(label=_("Name in kana"), max_length=100, required=False)
    email = forms.EmailField(label=_("E-mail address"), required=False)
    employer = forms.ChoiceField(choices=Employer.choices, label=_("Employer"))
    hiring_route = forms.ChoiceField(choices=HiringRoute.choices, label=_("Hiring route"), initial=HiringRoute.OTHER)
    former_occupation = forms.CharField(label=_("Former occupation"), max_length=60, required=False)
    hired_on = day_field(_("Hired on"), required=False)
    expert_until = day_field(
        _("End of term"), required=False, hint=_("For information technology experts and others with a fixed term.")
    )


class EditForm(PlainForm):
    """A change of what is not dated, with the version that was read."""

    version = forms.IntegerField(widget=forms.HiddenInput, min_value=1)


class PlaceForm(forms.Form):
    """Where somebody is posted, as what, from when."""

    organisation_id = number_field(_("Organisation"))
    occupation = forms.ChoiceField(choices=Occupation.choices, label=_("Occupation"))
    grade = forms.TypedChoiceField(choices=Grade.choices, coerce=int, label=_("Staff grade"))
    on = day_field(_("In force from"), today=True)

    def __init__(self, *args: Any, nodes: Sequence[Node], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["organisation_id"].choices = place_choices(nodes, members=True)  # type: ignore[attr-defined]


class MoveForm(PlaceForm):
    """A move, with its reason."""

    reason = forms.CharField(label=_("Note"), max_length=200, required=False)


class JoinForm(PlainForm):
    """Somebody new: who, and where from when."""

    organisation_id = number_field(_("Organisation"))
    occupation = choice_field(Occupation.choices, _("Occupation"))
    grade = forms.TypedChoiceField(choices=[NOTHING, *Grade.choices], coerce=int, label=_("Staff grade"))
    joined_on = day_field(
        _("In post from"), today=True, hint=_("A later day is recorded as someone who is going to join.")
    )

    def __init__(self, *args: Any, nodes: Sequence[Node], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["organisation_id"].choices = place_choices(nodes, members=True)  # type: ignore[attr-defined]


class LeaveForm(forms.Form):
    """休職 and the like."""

    on = day_field(_("First day of leave"), today=True)
    until = day_field(_("First day back, if it is known"), required=False)
    reason = forms.CharField(label=_("Note"), max_length=100, required=False, help_text=_("No health details, please."))


class DayForm(forms.Form):
    """One day; the label is that of the page."""

    on = day_field("", today=True)

    def __init__(self, *args: Any, label: Any, hint: Any = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["on"].label, self.fields["on"].help_text = label, hint


class DesignationForm(forms.Form):
    """A dated appointment beside the occupation."""

    kind = forms.ChoiceField(choices=DesignationKind.choices, label=_("Designation"))
    on = day_field(_("First day"), today=True)
    until = day_field(_("First day without it, if it is known"), required=False)


class PeopleUploadForm(UploadForm):
    """The table of people, with the day from which its moves hold."""

    effective_on = day_field(
        _("Moves and joiners hold from"),
        today=True,
        hint=_("For rows without a day of their own. A later day is recorded and takes effect on that day."),
    )
    accounts = forms.BooleanField(
        label=_("Make accounts for people with an e-mail address who have none"), required=False
    )


# --------------------------------------------------------------------------------------------------- accounts, roles


class AccountForm(forms.Form):
    """An account without a person on record, such as that of an executive."""

    name = forms.CharField(label=_("Name"), max_length=100)
    email = forms.EmailField(label=_("E-mail address"))


class ServiceForm(forms.Form):
    """The account of another system."""

    name = forms.CharField(label=_("Name of the system"), max_length=100)


class EmailForm(forms.Form):
    """An address to sign in with."""

    email = forms.EmailField(label=_("E-mail address"))


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
    valid_to = day_field(_("First day without it, if it is known"), required=False)

    def __init__(self, *args: Any, nodes: Sequence[Node], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["organisation_id"].choices = place_choices(nodes)  # type: ignore[attr-defined]


class TokenForm(forms.Form):
    """An API token: whose, for what, how long."""

    user_id = number_field(_("Account of the system"))
    name = forms.CharField(label=_("What it is for"), max_length=100)
    scopes = forms.MultipleChoiceField(
        label=_("Scopes"), choices=[(scope, scope) for scope in SCOPES], widget=forms.CheckboxSelectMultiple
    )
    purpose = choice_field(Purpose.choices, _("Purpose"), hint=_("Kept with every look at a person's data."))
    days = forms.IntegerField(label=_("Days until it expires"), min_value=1, max_value=LONGEST.days, initial=180)

    def __init__(self, *args: Any, accounts: Choices, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["user_id"].choices = [NOTHING, *accounts]  # type: ignore[attr-defined]


# ---------------------------------------------------------------------------------------------------- organisations


class OrganisationForm(forms.Form):
    """What describes an organisation; name and place change by dated changes."""

    role_text = forms.CharField(
        label=_("What it does"), max_length=300, required=False, widget=forms.Textarea(attrs={"rows": 3})
    )
    bureau_group_id = number_field(_("Bureau group"), required=False)
    sort_order = forms.IntegerField(label=_("Place in lists"), min_value=0, max_value=2**31 - 1)
    confirmed = forms.BooleanField(
        label=_("This entry has been checked and is correct"), required=False, help_text=_("Removes the mark.")
    )
    version = forms.IntegerField(widget=forms.HiddenInput, min_value=1)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["bureau_group_id"].choices = group_choices()  # type: ignore[attr-defined]


class GroupForm(forms.Form):
    """A bureau group."""

    name = forms.CharField(label=pgettext_lazy("thing", "Name"), max_length=100)
    name_en = forms.CharField(label=_("Name in English"), max_length=100, required=False)
    sort_order = forms.IntegerField(label=_("Place in lists"), min_value=0, max_value=32_767, initial=0)


class NewGroupForm(GroupForm):
    """A bureau group to be made."""

    code = forms.CharField(label=_("Code"), max_length=40, validators=[CODE])
    field_order = ["code", "name", "name_en", "sort_order"]


class EditGroupForm(GroupForm):
    """A bureau group with the version that was read."""

    version = forms.IntegerField(widget=forms.HiddenInput, min_value=1)


# ----------------------------------------------------------------------------------------- changes of organisation


class ChangeForm(forms.Form):
    """What every change of organisation has. `plan` is what services.change_plan takes."""

    effective_on = day_field(
        _("In force from"), hint=_("On a later day it is applied by itself; on a past one, as soon as you apply it.")
    )
    note = forms.CharField(label=_("Note"), max_length=300, required=False)

    def __init__(self, *args: Any, nodes: Sequence[Node], **kwargs: Any) -> None:
        self.nodes = nodes
        super().__init__(*args, **kwargs)
        self.fields = {name: self.fields[name] for name in [*self._own(), "effective_on", "note"]}
        for name in ("organisation", "parent", "target", "source", "members_to", "new_parent_id"):
            if name in self.fields:
                self.fields[name].choices = place_choices(nodes)  # type: ignore[attr-defined]
        if "sources" in self.fields:
            first = set(self.initial.get("sources", ()))
            ordered = sorted(nodes, key=lambda node: node.pk not in first)  # what is chosen already is in sight
            self.fields["sources"].choices = place_choices(ordered, empty=None)  # type: ignore[attr-defined]
        if "new_bureau_group_id" in self.fields:
            self.fields["new_bureau_group_id"].choices = group_choices()  # type: ignore[attr-defined]

    def _own(self) -> list[str]:
        return [name for name in self.fields if name not in {"effective_on", "note"}]

    def plan(self) -> dict[str, Any]:
        """The plan, from cleaned data."""
        raise NotImplementedError


class RenameForm(ChangeForm):
    """Another name."""

    organisation = number_field(_("Organisation"))
    name = forms.CharField(label=_("New name"), max_length=100)
    short_name = forms.CharField(label=_("Short name"), max_length=40, required=False)
    name_en = forms.CharField(label=_("Name in English"), max_length=150, required=False)

    def plan(self) -> dict[str, Any]:
        """See services.changes."""
        return {name: self.cleaned_data[name] for name in ("organisation", "name", "short_name", "name_en")}


class RelocateForm(ChangeForm):
    """Another place in the tree."""

    organisation = number_field(_("Organisation"))
    parent = number_field(_("Put below"), required=False, hint=_("Empty: on top, below nothing."))

    def plan(self) -> dict[str, Any]:
        """See services.changes."""
        return {"organisation": self.cleaned_data["organisation"], "parent": self.cleaned_data["parent"]}


class NewFields(forms.Form):
    """An organisation to be opened."""

    new_code = forms.CharField(label=_("Code"), max_length=40, validators=[CODE], required=False)
    new_name = forms.CharField(label=pgettext_lazy("thing", "Name"), max_length=100, required=False)
    new_short_name = forms.CharField(label=_("Short name"), max_length=40, required=False)
    new_name_en = forms.CharField(label=_("Name in English"), max_length=150, required=False)
    new_kind = choice_field(OrganisationKind.choices, _("Kind"), required=False)
    new_parent_id = number_field(_("Put below"), required=False, hint=_("Empty: on top, below nothing."))
    new_bureau_group_id = number_field(_("Bureau group"), required=False)

    def new(self) -> dict[str, Any] | None:
        """The organisation as a plan keeps it; None where no code was given."""
        if not self.cleaned_data.get("new_code"):
            return None
        return {
            name.removeprefix("new_"): self.cleaned_data[name] for name in self.cleaned_data if name.startswith("new_")
        }

    def require_new(self) -> None:
        """Add an error for each needed part that is missing."""
        for name in ("new_code", "new_name", "new_kind"):
            if not self.cleaned_data.get(name) and name not in self.errors:
                self.add_error(name, forms.ValidationError(_("Please fill this in."), code="required"))


class OpenForm(ChangeForm, NewFields):
    """A new organisation."""

    def clean(self) -> dict[str, Any]:
        """Code, name and kind are needed."""
        self.require_new()
        return self.cleaned_data

    def plan(self) -> dict[str, Any]:
        """See services.changes."""
        return {"new": self.new()}


class MergeForm(ChangeForm, NewFields):
    """Several into one: a new one, or one that exists."""

    sources = forms.TypedMultipleChoiceField(
        coerce=int, label=_("Organisations that end"), widget=forms.CheckboxSelectMultiple
    )
    target = number_field(
        _("Go into an organisation that exists"), required=False, hint=_("Empty: into a new one, named below.")
    )
    carry_roles = forms.BooleanField(
        label=_("Coordinators go on for the organisation that follows"), required=False, initial=True
    )

    def _own(self) -> list[str]:
        names = super()._own()
        return ["sources", "target", *(name for name in names if name.startswith("new_")), "carry_roles"]

    def clean(self) -> dict[str, Any]:
        """Either a target or a new organisation, not both."""
        if self.cleaned_data.get("target") is None:
            self.require_new()
        elif self.cleaned_data.get("new_code"):
            self.add_error("target", _("Choose an organisation that exists or name a new one, not both."))
        return self.cleaned_data

    def plan(self) -> dict[str, Any]:
        """See services.changes."""
        data = self.cleaned_data
        new = self.new() if data["target"] is None else None
        return {"sources": data["sources"], "target": data["target"], "new": new, "carry_roles": data["carry_roles"]}


class CloseForm(ChangeForm):
    """The end of an organisation."""

    organisation = number_field(_("Organisation"))
    members_to = number_field(
        _("Its members go to"), required=False, hint=_("May stay empty only where nobody is left.")
    )

    def plan(self) -> dict[str, Any]:
        """See services.changes."""
        return {name: self.cleaned_data[name] for name in ("organisation", "members_to")}


class SplitForm(ChangeForm):
    """One into several; what comes out stands in PartForms."""

    keep = forms.TypedChoiceField(
        label=_("What becomes of it"),
        coerce=lambda value: value == "keep",
        choices=[
            ("end", _("It ends; the first new organisation takes everybody and everything not named below")),
            ("keep", _("It goes on with everybody and everything not named below")),
        ],
        widget=forms.RadioSelect,
        initial="end",
    )
    carry_roles = forms.BooleanField(
        label=_("Where it ends, its coordinators go on for all that come out of it"), required=False, initial=True
    )


class PartForm(NewFields):
    """One organisation that comes out of a split, with the people and units that go there.

    `staff_ids` is filled in by the view, which looks the numbers up.
    """

    staff_ids: Sequence[int] = ()

    staff_numbers = forms.CharField(
        label=_("Staff numbers of those who go there"),
        required=False,
        max_length=200_000,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_("One a line, or with commas."),
    )
    children = forms.TypedMultipleChoiceField(
        coerce=int, label=_("Units that go there"), required=False, widget=forms.CheckboxSelectMultiple
    )

    def __init__(self, *args: Any, nodes: Sequence[Node], children: Sequence[Node], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["new_parent_id"].choices = place_choices(nodes)  # type: ignore[attr-defined]
        self.fields["new_bureau_group_id"].choices = group_choices()  # type: ignore[attr-defined]
        self.fields["children"].choices = [(node.pk, node.name) for node in children]  # type: ignore[attr-defined]
        if not children:
            del self.fields["children"]

    def clean(self) -> dict[str, Any]:
        """A part is either empty or whole."""
        if self.has_changed() and self.is_named():
            self.require_new()
        return self.cleaned_data

    def is_named(self) -> bool:
        """Whether anything says that this part is wanted."""
        wanted = ("new_code", "new_name", "staff_numbers", "children")
        return any(self.cleaned_data.get(name) for name in wanted)

    def numbers(self) -> list[str]:
        """The staff numbers entered."""
        entered = str(self.cleaned_data.get("staff_numbers", ""))
        return entered.replace(",", " ").replace("、", " ").split()


CHANGE_FORMS: dict[str, type[ChangeForm]] = {
    "open": OpenForm,
    "rename": RenameForm,
    "move": RelocateForm,
    "merge": MergeForm,
    "close": CloseForm,
}


class MappingForm(forms.Form):
    """Two days, between which organisations are followed."""

    from_day = day_field(_("Organisations of"))
    to_day = day_field(_("shown as those of"), today=True)


class TreeDayForm(forms.Form):
    """The day whose tree is shown."""

    on = day_field(_("As of"), required=False)

    def day(self) -> date:
        """The day asked for, today where there is none."""
        return (self.cleaned_data.get("on") if self.is_valid() else None) or clock.today()


def selectable() -> list[Node]:
    """What forms offer; one query."""
    return selectors.places()
