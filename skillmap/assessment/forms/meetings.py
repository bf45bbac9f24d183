"""Shapes of input of 1on1s: parts saved by themselves as JSON, the whole page without JavaScript, times, goals."""

import re
from collections.abc import Iterable
from datetime import datetime
from typing import Any, TypedDict

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext, pgettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from skillmap.assessment.choices import MeetingKind, MeetingWay
from skillmap.assessment.messages import REFUSALS
from skillmap.assessment.services.goals import LONGEST_GOAL, GoalEntry
from skillmap.assessment.services.meetings import PageEntry, Text, View
from skillmap.assessment.services.times import MOST_TIMES, Slot
from skillmap.core.clock import TOKYO
from skillmap.core.lines import LineField
from skillmap.framework.models import Skill

LEVELS = {"": None, "0": 0, "1": 1, "2": 2, "3": 3}
MINUTES = ((15, "15"), (30, "30"), (45, "45"), (60, "60"), (90, "90"))
MOST_CHARACTERS = 20_000


class ViewInput(TypedDict):
    """A checked view of the JSON endpoint."""

    version: int
    view: View


class TextInput(TypedDict):
    """A checked text of the JSON endpoint."""

    kind: str
    text: Text


def plain(value: str) -> str:
    """A text with one kind of line end and without the one character that a database refuses."""
    return value.replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "")


def _storable(value: object) -> str | None:
    """A text that can be stored; None for anything else."""
    if not isinstance(value, str) or len(value) > MOST_CHARACTERS:
        return None
    if any("\ud800" <= char <= "\udfff" for char in value):
        return None
    return plain(value)


def _version(value: object) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**31:
        return None
    return value


def read_view(body: object) -> ViewInput | None:
    """Check `{"version": 3, "level": 2, "reason": "…"}`; None where it has another shape."""
    if not isinstance(body, dict) or set(body) != {"version", "level", "reason"}:
        return None
    version, reason, level = _version(body["version"]), _storable(body["reason"]), body["level"]
    if version is None or reason is None or isinstance(level, bool) or level not in (None, 0, 1, 2, 3):
        return None
    return {"version": version, "view": View(level, reason)}


def read_text(body: object) -> TextInput | None:
    """Check `{"version": 3, "kind": "first", "text": "…"}`; None where it has another shape."""
    if not isinstance(body, dict) or set(body) != {"version", "kind", "text"}:
        return None
    version, text = _version(body["version"]), _storable(body["text"])
    if version is None or text is None or body["kind"] not in MeetingKind.values:
        return None
    return {"kind": body["kind"], "text": Text(version, text)}


def _day() -> forms.DateInput:
    return forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")


def _time() -> forms.TimeInput:
    return forms.TimeInput(attrs={"type": "time", "step": 300}, format="%H:%M")


def _number(value: str) -> int | None:
    return int(value) if value.isascii() and value.isdigit() and len(value) < 10 else None


def _text_from(data: QueryDict, name: str) -> Text | None:
    version = _number(data.get(f"{name}-version", ""))
    return None if version is None or name not in data else Text(version, plain(data.get(name, "")))


def read_page(data: QueryDict) -> PageEntry:
    """The page of a 1on1: for each item `version-<code>`, `level-<code>`, `reason-<code>`; the note; the memo."""
    views: dict[str, tuple[int, View]] = {}
    for key in data:
        code = key.removeprefix("version-")
        version = _number(data.get(key, "")) if code != key else None
        chosen = data.get(f"level-{code}", "")
        if version is not None and chosen in LEVELS and f"reason-{code}" in data:
            views[code] = (version, View(LEVELS[chosen], plain(data.get(f"reason-{code}", ""))))
    kind = data.get("kind", "")
    return PageEntry(
        kind=kind if kind in MeetingKind.values else MeetingKind.FIRST,
        views=views,
        note=_text_from(data, "note"),
        memo=_text_from(data, "memo"),
    )


def read_words(data: QueryDict) -> Text | None:
    """The person's own part."""
    return _text_from(data, "words")


class RecordForm(forms.Form):
    """When and how a 1on1 was held."""

    held_on = forms.DateField(label=_("Day of the 1on1"), widget=_day())
    way = forms.ChoiceField(label=_("How it was held"), choices=MeetingWay.choices, widget=forms.RadioSelect)


class GoalForm(forms.Form):
    """A goal to add; an empty text adds none."""

    prefix = "goal"
    text = LineField(label=_("New goal"), max_length=LONGEST_GOAL, required=False)
    due_on = forms.DateField(label=pgettext_lazy("1on1", "Until"), required=False, widget=_day())
    skill_code = forms.ChoiceField(label=pgettext_lazy("1on1", "Skill"), required=False)

    def __init__(self, *args: Any, skills: Iterable[Skill], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        options = [("", "—"), *((skill.code, f"{skill.number}. {skill.label}") for skill in skills)]
        self.fields["skill_code"].choices = options  # type: ignore[attr-defined]

    def entry(self) -> GoalEntry | None:
        """What the service takes; None where nothing is entered."""
        text = self.cleaned_data["text"].strip()
        if not text:
            return None
        return GoalEntry(text, self.cleaned_data["due_on"], self.cleaned_data["skill_code"])


class GoalChangeForm(forms.Form):
    """Text and day of a goal that is there."""

    text = forms.CharField(max_length=LONGEST_GOAL)
    due_on = forms.DateField(required=False)
    version = forms.IntegerField(min_value=1, max_value=2**31 - 1)


GOAL_KEY = re.compile(r"goal-([0-9]{1,18})-text")


def read_goals(data: QueryDict) -> dict[int, GoalChangeForm]:
    """The goals that stand on the page, by id."""
    ids = [int(found[1]) for key in data if (found := GOAL_KEY.fullmatch(key))]
    return {pk: GoalChangeForm(data, prefix=f"goal-{pk}") for pk in ids}


class TimesForm(forms.Form):
    """Up to three times, and for all of them how long, in which way, where."""

    minutes = forms.TypedChoiceField(label=_("Minutes"), choices=MINUTES, coerce=int, initial=30)
    way = forms.ChoiceField(label=_("How it is held"), choices=MeetingWay.choices, widget=forms.RadioSelect)
    place = LineField(label=_("Place or address of the meeting"), max_length=200, required=False, empty_value="")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        day, time = pgettext("1on1", "Day"), pgettext("1on1", "Time")
        for number in range(1, MOST_TIMES + 1):
            choice = gettext("Choice %(number)s") % {"number": number}
            self.fields[f"day_{number}"] = forms.DateField(label=f"{choice} {day}", required=False, widget=_day())
            self.fields[f"time_{number}"] = forms.TimeField(
                label=f"{choice} {time}",
                required=False,
                widget=_time(),
            )

    @property
    def lines(self) -> list[tuple[int, Any, Any]]:
        """Number, day and time of each line."""
        return [(number, self[f"day_{number}"], self[f"time_{number}"]) for number in range(1, MOST_TIMES + 1)]

    def clean(self) -> dict[str, Any]:
        """A day has its time and a time its day; at least one line is filled in."""
        cleaned = super().clean() or self.cleaned_data
        for number in range(1, MOST_TIMES + 1):
            day, time = cleaned.get(f"day_{number}"), cleaned.get(f"time_{number}")
            if day and not time and f"time_{number}" not in self.errors:
                self.add_error(f"time_{number}", _("Enter the time too."))
            if time and not day and f"day_{number}" not in self.errors:
                self.add_error(f"day_{number}", _("Enter the day too."))
        if not self.errors and not self.slots():
            self.add_error("day_1", REFUSALS["times_missing"])
        return cleaned

    def refuse(self, text: str, slot: int | None) -> None:
        """Put a refusal at the line it is about; `slot` is its place among `slots`."""
        filled = [number for number in range(1, MOST_TIMES + 1) if self.cleaned_data.get(f"day_{number}")]
        self.add_error(f"day_{filled[slot]}" if slot is not None else None, text)

    def slots(self) -> list[Slot]:
        """The times as the service takes them."""
        values = self.cleaned_data
        return [
            Slot(
                datetime.combine(values[f"day_{number}"], values[f"time_{number}"], tzinfo=TOKYO),
                values["minutes"],
                values["way"],
                values["place"],
            )
            for number in range(1, MOST_TIMES + 1)
            if values.get(f"day_{number}") and values.get(f"time_{number}")
        ]


class AnswerTimeForm(forms.Form):
    """Agree to one time, or take one back."""

    proposal = forms.IntegerField(min_value=1, max_value=2**62)
