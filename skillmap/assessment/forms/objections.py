"""Shapes of input of a request for correction."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from skillmap.assessment.selectors.results import ResultRow
from skillmap.assessment.services.objections import LONGEST
from skillmap.core.templatetags.ui.words import level_label
from skillmap.framework.choices import Level


def _levels() -> list[tuple[int, str]]:
    """The levels as all pages name them."""
    return [(level.value, level_label(level.value)) for level in Level]


class ObjectionForm(forms.Form):
    """Which item, which level instead, and why."""

    skill_code = forms.ChoiceField(label=pgettext_lazy("1on1", "Item"))
    wanted_level = forms.TypedChoiceField(
        label=_("Level that you think is right"), choices=_levels, coerce=int, widget=forms.RadioSelect
    )
    text = forms.CharField(
        label=pgettext_lazy("1on1", "Reason"),
        max_length=LONGEST,
        widget=forms.Textarea(attrs={"rows": 5, "maxlength": LONGEST}),
    )

    def __init__(self, *args: Any, rows: list[ResultRow], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        options = [(row.skill.code, f"{row.skill.number}. {row.skill.label} (Lv.{row.confirmed})") for row in rows]
        self.fields["skill_code"].choices = options  # type: ignore[attr-defined]


class ObjectionAnswerForm(forms.Form):
    """Accept or refuse, with the reason that the person reads."""

    decision = forms.ChoiceField(
        label=pgettext_lazy("1on1", "Answer"),
        choices=[
            ("accept", _("Accept: the check is opened again and the person corrects it")),
            ("refuse", _("Refuse: the confirmed level stays")),
        ],
        widget=forms.RadioSelect,
    )
    answer = forms.CharField(
        label=_("Reason, as the person will read it"),
        max_length=LONGEST,
        widget=forms.Textarea(attrs={"rows": 5, "maxlength": LONGEST}),
    )
    version = forms.IntegerField(widget=forms.HiddenInput, min_value=1, max_value=2**31 - 1)
