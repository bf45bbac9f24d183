"""Shapes of input of the demand survey."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from skillmap.core.days import DayField, require_order
from skillmap.core.lines import LineField
from skillmap.core.templatetags.ui.words import level_label
from skillmap.framework.models import Skill
from skillmap.gaps import demand_rules
from skillmap.gaps.choices import Phase
from skillmap.gaps.models import DemandItem
from skillmap.gaps.services.demand import Line, tidy
from skillmap.people.models import Organisation

CARRIED = ("business", "phase", "needed_from", "needed_until")  # what the next line of a business has in common


def day_field(label: Any, *, required: bool = True) -> DayField:
    """A day of a period or a window."""
    return DayField(earliest=demand_rules.FIRST_DAY, latest=demand_rules.LAST_DAY, label=label, required=required)


class SkillChoiceField(forms.ModelChoiceField):  # type: ignore[type-arg]
    """Items by number and name."""

    def label_from_instance(self, obj: Any) -> str:
        """Number and name in the reader's language."""
        return f"{obj.number}. {obj.label}"


class PeopleField(forms.IntegerField):
    """How many people are there now; empty is none."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(min_value=0, max_value=demand_rules.MOST_PEOPLE, required=False, **kwargs)

    def clean(self, value: Any) -> Any:
        """Empty is 0."""
        return super().clean(value) or 0


class LineForm(forms.Form):
    """One line of demand."""

    business = LineField(label=_("Business or system"), max_length=120)
    phase = forms.ChoiceField(label=_("Phase"), choices=Phase.choices)
    skill = SkillChoiceField(label=_("Skill item"), queryset=Skill.objects.none(), empty_label=_("Please choose"))
    level = forms.TypedChoiceField(label=_("Level"), coerce=int, initial=2)
    headcount = forms.IntegerField(label=_("Headcount"), min_value=1, max_value=demand_rules.MOST_PEOPLE)
    needed_from = day_field(_("Needed from"), required=False)
    needed_until = day_field(_("Needed until"), required=False)
    filled_staff = PeopleField(label=_("Filled by own staff"))
    filled_govtech = PeopleField(label=_("Filled by GovTech"))
    filled_vendor = PeopleField(label=_("Filled by vendors"))
    note = LineField(label=_("Remarks"), max_length=300, required=False)

    def __init__(self, *args: Any, skills: QuerySet[Skill], businesses: Sequence[str] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["skill"].queryset = skills  # type: ignore[attr-defined]
        self.fields["level"].choices = [(level, level_label(level)) for level in (1, 2, 3)]  # type: ignore[attr-defined]
        self.businesses = businesses
        if businesses:
            self.fields["business"].widget.attrs["list"] = "businesses"

    @classmethod
    def for_item(cls, item: DemandItem, *, skills: QuerySet[Skill]) -> "LineForm":
        """The form as a stored line fills it."""
        initial = {name: getattr(item, name) for name in cls.base_fields if name != "skill"}
        return cls(initial=initial | {"skill": item.skill_id}, skills=skills)

    @staticmethod
    def carried(item: DemandItem) -> dict[str, Any]:
        """What the next line begins with: the same business, phase and period."""
        return {name: getattr(item, name) for name in CARRIED}

    def clean_business(self) -> str:
        """In one line."""
        text = tidy(self.cleaned_data["business"])
        if not text:
            raise forms.ValidationError(_("Write the text."), code="required")
        return text

    def clean_note(self) -> str:
        """In one line."""
        return tidy(self.cleaned_data["note"])

    def clean(self) -> dict[str, Any]:
        """The period ends after it begins."""
        cleaned = super().clean() or self.cleaned_data
        require_order(self, "needed_from", "needed_until")
        return cleaned

    def line(self) -> Line:
        """What the service takes."""
        values = self.cleaned_data
        return {
            "business": values["business"],
            "phase": values["phase"],
            "skill": values["skill"],
            "level": values["level"],
            "headcount": values["headcount"],
            "needed_from": values["needed_from"],
            "needed_until": values["needed_until"],
            "filled_staff": values["filled_staff"],
            "filled_govtech": values["filled_govtech"],
            "filled_vendor": values["filled_vendor"],
            "note": values["note"],
        }


class OrganisationsField(forms.ModelMultipleChoiceField):  # type: ignore[type-arg]
    """Organisations by name, each with a box."""

    widget = forms.CheckboxSelectMultiple

    def label_from_instance(self, obj: Any) -> str:
        """The name alone."""
        return str(obj.name)

    def clean(self, value: Any) -> Any:
        """Refuse ids that no database could hold before one is asked."""
        for given in value or ():
            if len(str(given)) > 18:
                raise forms.ValidationError(self.error_messages["invalid_pk_value"], code="invalid_pk_value")
        return super().clean(value)


class SurveyForm(forms.Form):
    """A survey in preparation."""

    name = LineField(label=_("Name of the survey"), max_length=100)
    fiscal_year = forms.IntegerField(label=_("Fiscal year"), min_value=2000, max_value=2099)
    opens_on = day_field(_("First day"))
    closes_on = day_field(_("Closing day"))
    organisations = OrganisationsField(
        label=_("Organisations asked"),
        queryset=Organisation.objects.none(),
        error_messages={"required": _("Choose at least one organisation.")},
    )

    def __init__(self, *args: Any, offered: Sequence[Organisation], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        rows = Organisation.objects.filter(pk__in=[unit.pk for unit in offered])
        self.fields["organisations"].queryset = rows.order_by("sort_order", "pk")  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        """It closes after it opens."""
        cleaned = super().clean() or self.cleaned_data
        require_order(self, "opens_on", "closes_on")
        return cleaned


class ProlongForm(forms.Form):
    """A running survey: its closing day, and organisations that are asked in addition."""

    closes_on = day_field(_("Closing day"))
    organisations = OrganisationsField(
        label=_("Ask these organisations too"), queryset=Organisation.objects.none(), required=False
    )

    def __init__(self, *args: Any, offered: Sequence[Organisation], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        rows = Organisation.objects.filter(pk__in=[unit.pk for unit in offered])
        self.fields["organisations"].queryset = rows.order_by("sort_order", "pk")  # type: ignore[attr-defined]
        if not offered:
            del self.fields["organisations"]


class QuestionForm(forms.Form):
    """A question back."""

    text = forms.CharField(
        label=_("Question to the organisation"), max_length=1000, widget=forms.Textarea(attrs={"rows": 3})
    )


class ReplyForm(forms.Form):
    """A reply to it."""

    text = forms.CharField(label=_("Your reply"), max_length=1000, widget=forms.Textarea(attrs={"rows": 3}))


class ExtendForm(forms.Form):
    """A later closing day."""

    until = day_field(_("New closing day"))
