"""Shapes of input of a run's request and of decisions on priority areas."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from skillmap.assessment.choices import CycleState
from skillmap.assessment.models import Cycle
from skillmap.gaps.choices import LevelBasis, SurveyState
from skillmap.gaps.models import DemandSurvey
from skillmap.gaps.rules import DEMAND_LEVELS
from skillmap.gaps.selectors.runs.parameters import parameter_labels, parameter_sources
from skillmap.gaps.services.areas import LONGEST_REASON
from skillmap.gaps.services.runs import default_settings
from skillmap.people.choices import Occupation


class NamedChoiceField(forms.ModelChoiceField):  # type: ignore[type-arg]
    """Cycles or surveys by name and state."""

    def label_from_instance(self, obj: Any) -> str:
        """Name and state in the reader's language."""
        return f"{obj.name} ({obj.get_state_display()})"


class RunForm(forms.Form):
    """What to compare, and by which settings; every setting shows its default and where that comes from."""

    cycle = NamedChoiceField(label=_("Cycle (supply)"), queryset=Cycle.objects.none(), empty_label=_("Please choose"))
    survey = NamedChoiceField(
        label=_("Demand survey (demand)"), queryset=DemandSurvey.objects.none(), empty_label=_("Please choose")
    )
    basis = forms.ChoiceField(choices=LevelBasis.choices, widget=forms.RadioSelect())
    population = forms.MultipleChoiceField(choices=Occupation.choices, widget=forms.CheckboxSelectMultiple())
    supply_level = forms.TypedChoiceField(coerce=int, choices=[(level, f"Lv.{level}") for level in DEMAND_LEVELS])
    top_share = forms.RegexField(
        regex=r"^[0-9]{1,4}/[0-9]{1,4}$",
        error_messages={"invalid": _("Write the share as a fraction, such as 1/3.")},
    )
    k = forms.IntegerField(max_value=1000)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        cycles = Cycle.objects.exclude(state=CycleState.DRAFT).order_by("-fiscal_year", "-pk")
        surveys = DemandSurvey.objects.exclude(state=SurveyState.DRAFT).order_by("-fiscal_year", "-pk")
        for name, rows in (("cycle", cycles), ("survey", surveys)):
            field = self.fields[name]
            assert isinstance(field, forms.ModelChoiceField)  # noqa: S101  as declared above
            field.queryset = rows
        defaults, labels, sources = default_settings(), parameter_labels(), parameter_sources()
        for name, value in defaults.items():
            field = self.fields[name]
            field.label, field.help_text = labels[name], sources[name]
            field.initial = "/".join(map(str, value)) if name == "top_share" else value
        self.fields["k"].widget.attrs["min"] = settings.SMALL_CELL_K

    def clean_k(self) -> int:
        """Not below what the installation allows."""
        value = int(self.cleaned_data["k"])
        if value < settings.SMALL_CELL_K:
            raise forms.ValidationError(
                _("Choose %(least)d or a larger number."), code="small", params={"least": settings.SMALL_CELL_K}
            )
        return value

    def clean_top_share(self) -> list[int]:
        """A fraction as numerator and denominator."""
        return [int(part) for part in self.cleaned_data["top_share"].split("/")]

    def request(self) -> dict[str, Any]:
        """The keyword arguments of `services.runs.run_request`."""
        values = self.cleaned_data
        names = ("population", "supply_level", "top_share", "k")
        return {
            "cycle_id": values["cycle"].pk,
            "survey_id": values["survey"].pk,
            "basis": values["basis"],
            "parameters": {name: values[name] for name in names},
        }


class ReasonForm(forms.Form):
    """Why an area is refused or withdrawn."""

    reason = forms.CharField(
        label=_("Reason"),
        max_length=LONGEST_REASON,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("It is kept with the decision; the secretariat sees it."),
    )


class AddAreaForm(ReasonForm):
    """An item that becomes a priority area by hand."""

    skill = forms.ChoiceField(label=_("Skill item"))
    field_order = ("skill", "reason")

    def __init__(self, *args: Any, offered: Sequence[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["skill"]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101  as declared above
        field.choices = [("", _("Please choose")), *offered]
