"""Shapes of input of the demand survey."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from skillmap.framework.choices import ItemKind
from skillmap.framework.models import Framework, Skill
from skillmap.gaps.choices import Phase
from skillmap.gaps.services.demand import Line
from skillmap.people.models import Organisation


class SkillChoiceField(forms.ModelChoiceField):  # type: ignore[type-arg]
    """Items by number and name."""

    def label_from_instance(self, obj: Any) -> str:
        """Number and name in the reader's language."""
        return f"{obj.number}. {obj.label}"


class LineForm(forms.Form):
    """One line of demand."""

    business = forms.CharField(label=_("Business or system"), max_length=120)
    phase = forms.ChoiceField(label=_("Phase"), choices=Phase.choices)
    skill = SkillChoiceField(label=_("Skill item"), queryset=Skill.objects.none())
    level = forms.TypedChoiceField(
        label=_("Level"), choices=[(1, "Lv.1"), (2, "Lv.2"), (3, "Lv.3")], coerce=int, initial=2
    )
    headcount = forms.IntegerField(label=_("People"), min_value=1, max_value=999)
    needed_from = forms.DateField(
        label=_("From"), required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    needed_until = forms.DateField(
        label=_("Until"), required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    filled_staff = forms.IntegerField(label=_("Filled by own staff"), min_value=0, max_value=999, required=False)
    filled_govtech = forms.IntegerField(label=_("Filled by GovTech"), min_value=0, max_value=999, required=False)
    filled_vendor = forms.IntegerField(label=_("Filled by vendors"), min_value=0, max_value=999, required=False)
    note = forms.CharField(label=_("Note"), max_length=300, required=False)

    def __init__(self, *args: Any, framework: Framework, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        skills = framework.skills.filter(kind=ItemKind.DIGITAL).order_by("number")
        self.fields["skill"].queryset = skills  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        """The period ends after it begins."""
        cleaned = super().clean() or self.cleaned_data
        start, end = cleaned.get("needed_from"), cleaned.get("needed_until")
        if start and end and end < start:
            self.add_error("needed_until", _("The last day lies before the first."))
        return cleaned

    def line(self) -> Line:
        """What the service takes."""
        values = self.cleaned_data
        return {
            "business": values["business"].strip(),
            "phase": values["phase"],
            "skill": values["skill"],
            "level": values["level"],
            "headcount": values["headcount"],
            "needed_from": values["needed_from"],
            "needed_until": values["needed_until"],
            "filled_staff": values["filled_staff"] or 0,
            "filled_govtech": values["filled_govtech"] or 0,
            "filled_vendor": values["filled_vendor"] or 0,
            "note": values["note"].strip(),
        }


class SurveyForm(forms.Form):
    """A new survey."""

    fiscal_year = forms.IntegerField(label=_("Fiscal year"), min_value=2000, max_value=2100)
    name = forms.CharField(label=_("Name"), max_length=100)
    opens_on = forms.DateField(label=_("First day"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
    closes_on = forms.DateField(label=_("Closing day"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
    organisations = forms.ModelMultipleChoiceField(
        label=_("Organisations asked"), queryset=Organisation.objects.none(), widget=forms.CheckboxSelectMultiple
    )

    def __init__(self, *args: Any, asked: list[Organisation], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["organisations"]
        field.queryset = Organisation.objects.filter(pk__in=[unit.pk for unit in asked]).order_by("sort_order", "pk")  # type: ignore[attr-defined]
        field.label_from_instance = lambda unit: unit.name  # type: ignore[attr-defined]
        field.initial = [unit.pk for unit in asked]

    def clean(self) -> dict[str, Any]:
        """It closes after it opens."""
        cleaned = super().clean() or self.cleaned_data
        start, end = cleaned.get("opens_on"), cleaned.get("closes_on")
        if start and end and end < start:
            self.add_error("closes_on", _("The last day lies before the first."))
        return cleaned


class TextForm(forms.Form):
    """A question or a reply."""

    text = forms.CharField(label=_("Text"), max_length=1000, widget=forms.Textarea(attrs={"rows": 3}))


class ExtendForm(forms.Form):
    """A later closing day."""

    until = forms.DateField(label=_("Until"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
