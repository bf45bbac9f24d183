"""Shapes of input of a check: one item as JSON, a whole page without JavaScript, a piece of evidence, a step."""

from collections.abc import Mapping
from typing import Any, TypedDict

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from skillmap.assessment.choices import Action, Difficulty, WorkRole
from skillmap.assessment.services.ratings import Answer, EvidenceEntry
from skillmap.core import clock
from skillmap.core.fiscal import fiscal_year_of
from skillmap.core.lines import LineField
from skillmap.core.templatetags.ui.words import fiscal_year as fiscal_year_words
from skillmap.framework.models import Certification

LEVEL_WORDS = {"": None, "0": 0, "1": 1, "2": 2, "3": 3}


class ItemInput(TypedDict):
    """A checked item of the JSON endpoint."""

    version: int
    answer: Answer


def read_item(body: object) -> ItemInput | None:
    """Check `{"version": 3, "level": 2, "wish": true}`; None where it has another shape."""
    if not isinstance(body, dict) or not set(body) <= {"version", "level", "wish"}:
        return None
    version = body.get("version")
    if not isinstance(version, int) or isinstance(version, bool) or not 0 < version < 2**31:
        return None
    answer: Answer = {}
    if "level" in body:
        level = body["level"]
        if level is not None and (isinstance(level, bool) or level not in (0, 1, 2, 3)):
            return None
        answer["level"] = level
    if "wish" in body:
        if not isinstance(body["wish"], bool):
            return None
        answer["wish"] = body["wish"]
    return {"version": version, "answer": answer} if answer else None


def read_page(data: QueryDict, last: Mapping[str, int | None]) -> dict[str, tuple[int, Answer]]:
    """The answers of a page sent without JavaScript: item code -> (version seen, answer).

    Every item that the page held has a `version-<code>`; the pressed 前回と同じ button has the item's code.
    """
    answers: dict[str, tuple[int, Answer]] = {}
    same = data.get("same")
    for code, level in last.items():
        version = data.get(f"version-{code}", "")
        if not (version.isascii() and version.isdigit() and len(version) < 10):
            continue
        answer: Answer = {"wish": f"wish-{code}" in data}
        chosen = data.get(f"level-{code}", "")
        if same == code and level is not None:
            answer["level"] = level
        elif chosen in LEVEL_WORDS and chosen:
            answer["level"] = LEVEL_WORDS[chosen]
        answers[code] = (int(version), answer)
    return answers


class EvidenceForm(forms.Form):
    """The work, its difficulty, the part played, the skill shown; a certificate from the list."""

    work = LineField(label=_("Work or project"), max_length=120, required=False)
    fiscal_year = forms.TypedChoiceField(label=_("Fiscal year"), coerce=int, required=False, empty_value=None)
    difficulty = forms.ChoiceField(label=_("Difficulty"), choices=[("", "—"), *Difficulty.choices], required=False)
    role = forms.ChoiceField(label=_("Part played"), choices=[("", "—"), *WorkRole.choices], required=False)
    shown = forms.CharField(
        label=_("Skill shown"), max_length=500, required=False, widget=forms.Textarea(attrs={"rows": 2})
    )
    certification = forms.ModelChoiceField(
        label=_("Certificate"), queryset=Certification.objects.none(), required=False, empty_label="—"
    )

    def __init__(self, *args: Any, framework_id: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        this_year = fiscal_year_of(clock.today())
        years = range(this_year, this_year - 15, -1)
        self.fields["fiscal_year"].choices = [("", "—"), *((year, fiscal_year_words(year)) for year in years)]  # type: ignore[attr-defined]
        exams = Certification.objects.filter(framework=framework_id).order_by("pk")
        self.fields["certification"].queryset = exams  # type: ignore[attr-defined]
        self.fields["certification"].label_from_instance = lambda exam: exam.label  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        """Either a work or a certificate."""
        cleaned = super().clean() or self.cleaned_data
        if not cleaned.get("work", "").strip() and not cleaned.get("certification"):
            self.add_error("work", _("Write the work or choose a certificate."))
        return cleaned

    def entry(self) -> EvidenceEntry:
        """What the service takes."""
        values = self.cleaned_data
        exam = values["certification"]
        return {
            "work": values["work"].strip(),
            "fiscal_year": values["fiscal_year"],
            "difficulty": values["difficulty"],
            "role": values["role"],
            "shown": values["shown"].strip(),
            "certification_id": exam.pk if exam else None,
        }


class StepForm(forms.Form):
    """One step of a check."""

    action = forms.ChoiceField(choices=Action.choices)
    comment = forms.CharField(required=False, max_length=1000)
    version = forms.IntegerField(required=False, min_value=1, max_value=2**31 - 1)
