"""Shapes of input around the cycle: settings, dates, groups, texts, the filters of the board."""

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from skillmap.assessment import cycle_rules, rules
from skillmap.assessment.choices import CycleStep, FindingKind, GroupItems, SecondMeeting, State
from skillmap.assessment.models import Cycle, CycleGroup
from skillmap.core import clock
from skillmap.core.choices import Purpose
from skillmap.core.fiscal import fiscal_year_of
from skillmap.core.lines import LineField
from skillmap.core.templatetags.ui.words import fiscal_year as fiscal_year_words
from skillmap.framework.choices import FrameworkState
from skillmap.framework.models import Framework
from skillmap.people.choices import DesignationKind, Occupation, OrganisationKind
from skillmap.people.models import Organisation

STAFF_NUMBER = re.compile(r"[0-9A-Za-z\-]{1,20}")
MOST_NUMBERS = 10_000
WINDOW_PROBLEMS = {
    "missing": _("Enter both days."),
    "ends_before_start": _("The last day lies before the first."),
    "opens_too_early": _("This step can't begin before the step above it does."),
    "closes_too_early": _("This step can't end before the step above it does."),
    "outside": _("The first day must lie in the fiscal year, the last by June after it."),
}


def date_input() -> forms.DateInput:
    """A day, entered with the browser's own picker."""
    return forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")


if TYPE_CHECKING:
    FrameworkField = forms.ModelChoiceField[Framework]
else:
    FrameworkField = forms.ModelChoiceField


class FrameworkChoice(FrameworkField):
    """Published versions by their name in the reader's language."""

    def label_from_instance(self, obj: Any) -> str:
        """The version's name."""
        return str(obj.label)


class CycleForm(forms.Form):
    """Name, framework and place of the second 1on1."""

    name = LineField(label=pgettext_lazy("thing", "Name"), max_length=100)
    framework = FrameworkChoice(Framework.objects.none(), label=_("Version of the skill framework"), empty_label=None)
    second_meeting = forms.ChoiceField(
        label=_("Second 1on1 (on the result)"), choices=SecondMeeting.choices, widget=forms.RadioSelect
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["framework"]
        assert isinstance(field, forms.ModelChoiceField)  # noqa: S101
        field.queryset = Framework.objects.filter(state=FrameworkState.PUBLISHED).order_by("-published_at", "-pk")


class CycleCreateForm(CycleForm):
    """A new draft."""

    fiscal_year = forms.TypedChoiceField(label=_("Fiscal year"), coerce=int)
    copy_last = forms.BooleanField(
        label=_("Take dates and groups of the last cycle, moved to this year"), required=False, initial=True
    )
    field_order = ["fiscal_year", "name", "framework", "second_meeting", "copy_last"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        year = fiscal_year_of(clock.today())
        field = self.fields["fiscal_year"]
        assert isinstance(field, forms.TypedChoiceField)  # noqa: S101
        field.choices = [(value, fiscal_year_words(value)) for value in range(year - 1, year + 3)]
        field.initial = year
        self.fields["second_meeting"].initial = SecondMeeting.AFTER


class WindowsForm(forms.Form):
    """First and last day of each step, in the order of the cycle."""

    version = forms.IntegerField(widget=forms.HiddenInput, min_value=0)

    def __init__(self, *args: Any, cycle: Cycle, windows: Mapping[str, rules.Window], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.steps = [
            CycleStep(step)
            for step in cycle_rules.steps_in_order(second_before=cycle.second_meeting == SecondMeeting.BEFORE)
        ]
        self.fields["version"].initial = cycle.version
        for step in self.steps:
            window = windows.get(step)
            for part, label in (("opens_on", _("First day")), ("closes_on", _("Last day"))):
                self.fields[f"{step}_{part}"] = forms.DateField(
                    label=f"{step.label} {label}", widget=date_input(), initial=getattr(window, part, None)
                )

    def rows(self) -> list[tuple[CycleStep, forms.BoundField, forms.BoundField]]:
        """The steps with their two fields."""
        return [(step, self[f"{step}_opens_on"], self[f"{step}_closes_on"]) for step in self.steps]

    def windows(self) -> dict[str, rules.Window]:
        """What was entered, of a valid form."""
        data = self.cleaned_data
        return {step.value: rules.Window(data[f"{step}_opens_on"], data[f"{step}_closes_on"]) for step in self.steps}

    def blame(self, problems: Mapping[str, str]) -> None:
        """Show what the rules say beside the days."""
        for step, code in problems.items():
            part = "opens_on" if code in ("opens_too_early", "outside") else "closes_on"
            self.add_error(f"{step}_{part}", str(WINDOW_PROBLEMS[code]))


def organisation_choices() -> list[tuple[int, str]]:
    """Organisations of today that people stand in, indented by their depth; one query."""
    rows = Organisation.objects.current().exclude(kind__in=OrganisationKind.without_members()).order_by("path")
    ordered = sorted(rows.values_list("pk", "name", "path", "sort_order"), key=lambda row: row[2])
    return [(pk, "　" * (path.count("/") - 2) + name) for pk, name, path, _order in ordered]


class GroupForm(forms.Form):
    """A group of participants: all the conditions that are given have to fit."""

    name = LineField(label=_("Name of the group"), max_length=60)
    items = forms.ChoiceField(label=_("Items to answer"), choices=GroupItems.choices, widget=forms.RadioSelect)
    with_one_on_one = forms.BooleanField(label=_("With 1on1 and a mentor"), required=False)
    occupations = forms.MultipleChoiceField(
        label=_("Occupations"), choices=Occupation.choices, widget=forms.CheckboxSelectMultiple, required=False
    )
    designations = forms.MultipleChoiceField(
        label=_("Designations"), choices=DesignationKind.choices, widget=forms.CheckboxSelectMultiple, required=False
    )
    organisation_ids = forms.TypedMultipleChoiceField(
        label=_("Organisations, with all below them"),
        coerce=int,
        required=False,
        widget=forms.SelectMultiple(attrs={"size": 8}),
        help_text=_("Hold Ctrl (on a Mac Command) to choose several."),
    )
    staff_numbers = forms.CharField(
        label=_("Only these staff numbers"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_("One a line, or separated by commas or spaces."),
        max_length=200_000,
    )
    sort_order = forms.IntegerField(
        label=_("Order"),
        min_value=0,
        max_value=999,
        help_text=_("Somebody who fits several groups is in the first of them."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["organisation_ids"]
        assert isinstance(field, forms.TypedMultipleChoiceField)  # noqa: S101
        field.choices = organisation_choices()

    @staticmethod
    def initial_of(group: CycleGroup) -> dict[str, Any]:
        """The fields of a stored group."""
        return {
            "name": group.name,
            "items": group.items,
            "with_one_on_one": group.with_one_on_one,
            "sort_order": group.sort_order,
            **{key: group.selection.get(key, []) for key in ("occupations", "designations", "organisation_ids")},
            "staff_numbers": "\n".join(group.selection.get("staff_numbers", [])),
        }

    def clean_staff_numbers(self) -> list[str]:
        """The numbers, each once, in the order given."""
        found = list(dict.fromkeys(re.split(r"[\s,、;]+", self.cleaned_data["staff_numbers"].strip())))
        numbers = [text for text in found if text]
        strange = [text for text in numbers if not STAFF_NUMBER.fullmatch(text)]
        if strange:
            raise forms.ValidationError(
                _("This is not a staff number: %(text)s"), code="number", params={"text": strange[0][:20]}
            )
        if len(numbers) > MOST_NUMBERS:
            raise forms.ValidationError(
                _("At most %(most)s numbers can be listed."), code="many", params={"most": f"{MOST_NUMBERS:,}"}
            )
        return numbers

    def selection(self) -> dict[str, list[Any]]:
        """The conditions that are given."""
        keys = ("occupations", "designations", "organisation_ids", "staff_numbers")
        return {key: list(self.cleaned_data[key]) for key in keys if self.cleaned_data[key]}


class PurposeForm(forms.Form):
    """The purpose text in both languages."""

    version = forms.IntegerField(widget=forms.HiddenInput, min_value=0)
    text = forms.CharField(label=_("Japanese"), widget=forms.Textarea(attrs={"rows": 12}), max_length=8000)
    text_en = forms.CharField(
        label=_("English"), widget=forms.Textarea(attrs={"rows": 12}), max_length=8000, required=False
    )


class OpenForm(forms.Form):
    """The last question before a cycle opens."""

    version = forms.IntegerField(widget=forms.HiddenInput, min_value=0)
    without_mentor = forms.BooleanField(label=_("Open all the same; mentors are assigned afterwards"), required=False)


class AddPersonForm(forms.Form):
    """A joiner: who, and into which group."""

    staff = forms.IntegerField(widget=forms.HiddenInput, min_value=1)
    group = forms.TypedChoiceField(label=_("Group"), coerce=int)

    def __init__(self, *args: Any, groups: Iterable[CycleGroup], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["group"]
        assert isinstance(field, forms.TypedChoiceField)  # noqa: S101
        field.choices = [(group.pk, group.name) for group in groups]


class ReasonForm(forms.Form):
    """A step that wants a reason."""

    comment = forms.CharField(label=_("Reason"), widget=forms.Textarea(attrs={"rows": 3}), max_length=1000)


class ExtensionForm(forms.Form):
    """More time for one person."""

    step = forms.ChoiceField(label=_("Step"), choices=CycleStep.choices)
    closes_on = forms.DateField(label=_("New last day"), widget=date_input())
    reason = LineField(label=_("Reason"), max_length=200)


class FindingForm(forms.Form):
    """A finding or a measure."""

    kind = forms.ChoiceField(label=_("Kind"), choices=FindingKind.choices, widget=forms.RadioSelect)
    text = forms.CharField(label=_("Text"), widget=forms.Textarea(attrs={"rows": 4}), max_length=4000)


class MailTextForm(forms.Form):
    """The words of one kind of reminder."""

    version = forms.IntegerField(widget=forms.HiddenInput, min_value=0)
    subject = LineField(label=_("Subject"), max_length=200)
    body = forms.CharField(label=_("Text"), widget=forms.Textarea(attrs={"rows": 10}), max_length=4000)


WHO = {
    "": _("Everybody"),
    rules.SELF: _("the person"),
    rules.MENTOR: _("the mentor"),
    rules.SECRETARIAT: _("the secretariat"),
}


class BoardFilterForm(forms.Form):
    """The filters of the board; all of them live in the address."""

    q = LineField(label=_("Name or number"), required=False, max_length=60)
    org = forms.TypedChoiceField(label=_("Bureau"), required=False, coerce=int, empty_value=None)
    state = forms.ChoiceField(label=_("State"), required=False, choices=[("", _("All")), *State.choices])
    step = forms.ChoiceField(label=_("Waits at"), required=False, choices=[("", _("All")), *CycleStep.choices])
    who = forms.ChoiceField(label=_("Waits for"), required=False, choices=list(WHO.items()))
    overdue = forms.BooleanField(label=_("Time is over"), required=False)
    without_mentor = forms.BooleanField(label=_("Without mentor"), required=False)
    absent = forms.BooleanField(label=_("On leave or left"), required=False)

    def __init__(self, *args: Any, bureaus: Iterable[tuple[int, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["org"]
        assert isinstance(field, forms.TypedChoiceField)  # noqa: S101
        field.choices = [("", _("All")), *bureaus]


class ProgressFilterForm(BoardFilterForm):
    """The coordinator's filters: no mentors, nobody's absence."""

    without_mentor = None  # type: ignore[assignment]
    absent = None  # type: ignore[assignment]


class MentorFilterForm(forms.Form):
    """The filters of the mentors' page."""

    q = LineField(label=_("Name or number"), required=False, max_length=60)
    show = forms.ChoiceField(
        label=_("Which people"),
        required=False,
        choices=[("", _("All")), ("missing", _("Without mentor, or mentor away")), ("assigned", _("With mentor"))],
    )


class FindMentorForm(forms.Form):
    """Narrows down who is offered as a mentor; sent along with `AssignForm`, so that nothing typed there is lost."""

    words = LineField(label=_("Find by name, kana or number"), max_length=100, required=False)


class AssignForm(forms.Form):
    """One person's mentor or deputy."""

    mentor = forms.TypedChoiceField(label=_("Mentor"), coerce=int)
    is_deputy = forms.BooleanField(label=_("As deputy, beside the mentor"), required=False)
    reason = LineField(label=_("Reason of the change"), max_length=200, required=False)
    not_evaluator = forms.BooleanField(
        label=_("I declare: this mentor does not evaluate the person in personnel evaluation."), required=False
    )

    def __init__(self, *args: Any, mentors: Iterable[tuple[int, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["mentor"]
        assert isinstance(field, forms.TypedChoiceField)  # noqa: S101
        field.choices = [("", _("Choose")), *mentors]


# A sheet of many people is neither one person's 1on1 nor a link of systems.
SHEET_PURPOSES = [choice for choice in Purpose.choices if choice[0] not in (Purpose.MENTORING, Purpose.SYSTEM_LINK)]


class LevelsExportForm(forms.Form):
    """What the sheet of levels is for, and of whom."""

    purpose = forms.ChoiceField(label=_("Purpose"), choices=SHEET_PURPOSES, widget=forms.RadioSelect)
    occupation = forms.ChoiceField(label=_("Occupation"), required=False, choices=[("", _("All")), *Occupation.choices])
    organisation = forms.TypedChoiceField(
        label=_("Organisation, with all below it"), required=False, coerce=int, empty_value=None
    )
    form = forms.ChoiceField(
        label=_("File"), choices=[("xlsx", _("Excel workbook")), ("csv", _("CSV"))], widget=forms.RadioSelect
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["organisation"]
        assert isinstance(field, forms.TypedChoiceField)  # noqa: S101
        field.choices = [("", _("All")), *organisation_choices()]
        self.fields["form"].initial = "xlsx"
