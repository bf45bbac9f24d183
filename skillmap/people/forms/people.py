"""The shape of what is entered about persons."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from skillmap.core.days import require_order
from skillmap.core.import_forms import UploadForm
from skillmap.core.lines import LONGEST_ADDRESS, LineField, can_be_shown
from skillmap.people.choices import (
    DesignationKind,
    Employer,
    Grade,
    HiringRoute,
    Occupation,
)
from skillmap.people.forms.fields import CODE, NOTHING, choice_field, day_field, number_field, place_choices
from skillmap.people.rules import Node


class PlainForm(forms.Form):
    """What about a person is not dated."""

    number = LineField(label=_("Staff number"), max_length=20, validators=[CODE])
    name = LineField(label=_("Name"), max_length=100)
    kana = LineField(label=_("Name in kana"), max_length=100, required=False)
    email = forms.EmailField(
        label=_("E-mail address"), required=False, max_length=LONGEST_ADDRESS, validators=[can_be_shown]
    )
    employer = forms.ChoiceField(choices=Employer.choices, label=_("Employer"))
    hiring_route = forms.ChoiceField(choices=HiringRoute.choices, label=_("Hiring route"), initial=HiringRoute.OTHER)
    former_occupation = LineField(label=_("Former occupation"), max_length=60, required=False)
    hired_on = day_field(_("Hired on"), required=False)
    expert_until = day_field(
        _("End of term"), required=False, hint=_("For information technology experts and others with a fixed term.")
    )

    def clean(self) -> dict[str, Any]:
        """A term doesn't end before the person was hired."""
        values = super().clean() or self.cleaned_data
        require_order(self, "hired_on", "expert_until")
        return values


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

    reason = LineField(label=_("Note"), max_length=200, required=False)


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
    reason = LineField(label=_("Note"), max_length=100, required=False, help_text=_("No health details, please."))


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
