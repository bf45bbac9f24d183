"""The shape of what is entered about organisations and their changes."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from skillmap.core import clock
from skillmap.core.lines import LineField
from skillmap.people.choices import (
    OrganisationKind,
)
from skillmap.people.forms.fields import CODE, choice_field, day_field, group_choices, number_field, place_choices
from skillmap.people.rules import Node


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

    name = LineField(label=pgettext_lazy("thing", "Name"), max_length=100)
    name_en = LineField(label=_("Name in English"), max_length=100, required=False)
    sort_order = forms.IntegerField(label=_("Place in lists"), min_value=0, max_value=32_767, initial=0)


class NewGroupForm(GroupForm):
    """A bureau group to be made."""

    code = LineField(label=_("Code"), max_length=40, validators=[CODE])
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
    note = LineField(label=_("Note"), max_length=300, required=False)

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
    name = LineField(label=_("New name"), max_length=100)
    short_name = LineField(label=_("Short name"), max_length=40, required=False)
    name_en = LineField(label=_("Name in English"), max_length=150, required=False)

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

    new_code = LineField(label=_("Code"), max_length=40, validators=[CODE], required=False)
    new_name = LineField(label=pgettext_lazy("thing", "Name"), max_length=100, required=False)
    new_short_name = LineField(label=_("Short name"), max_length=40, required=False)
    new_name_en = LineField(label=_("Name in English"), max_length=150, required=False)
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
                self.add_error(
                    name, forms.ValidationError(self.fields[name].error_messages["required"], code="required")
                )


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
