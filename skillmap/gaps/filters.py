"""What can be chosen on the dashboard, read from the address; what is not there is left out and said so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from skillmap.core.fiscal import fiscal_year_label
from skillmap.core.templatetags.ui.words import jp_date
from skillmap.core.widgets import LongSelect
from skillmap.gaps.models import GapRun
from skillmap.gaps.rules import DEMAND_LEVELS
from skillmap.gaps.selectors.dashboard_page import PEOPLE, SHOWS, Dashboard, View
from skillmap.gaps.selectors.runs.places import WHOLE, Place

INDENT = "\u3000"
ORGANISATIONS = "organisations"


@dataclass(frozen=True)
class Chosen:
    """A run and a view of it; `ignored` says that the address asked for something that is not there."""

    run: GapRun | None
    view: View
    ignored: bool


def named_run(data: Mapping[str, str]) -> int | None:
    """The run that the address names; None where it names none, or what no run can be."""
    number = data.get("run", "")
    return int(number) if number.isascii() and number.isdigit() and len(number) < 18 else None


def chosen(data: Mapping[str, str], runs: Sequence[GapRun]) -> Chosen:
    """Read the address: `fy`, `run`, `place`, `level`, `show`, `by`. The newest published run where none is named.

    Args:
        data: the query of the address, untrusted.
        runs: what the reader may see, the one to open with first.
    """
    run, ignored = _run(data, runs)
    level, bad_level = _one_of(data.get("level", ""), [str(level) for level in DEMAND_LEVELS])
    show, bad_show = _one_of(data.get("show", ""), SHOWS)
    by, bad_by = _one_of(data.get("by", ""), ["groups", ORGANISATIONS])
    view = View(
        place=data.get("place") or WHOLE,
        level=int(level) if level else _supply_level(run),
        show=show or PEOPLE,
        by_organisation=by == ORGANISATIONS,
    )
    return Chosen(run, view, ignored or bad_level or bad_show or bad_by)


def _one_of(value: str, known: Sequence[str]) -> tuple[str, bool]:
    """The value if it is known, and whether it is there but unknown."""
    return (value, False) if value in known else ("", bool(value))


def _run(data: Mapping[str, str], runs: Sequence[GapRun]) -> tuple[GapRun | None, bool]:
    year, number = data.get("fy", ""), data.get("run", "")
    of_year = [run for run in runs if str(run.fiscal_year) == year] if year else list(runs)
    bad_year = bool(year) and not of_year
    found = next((run for run in of_year or runs if str(run.pk) == number), None)
    if found is not None:
        return found, bad_year
    # A run of another year: the year was changed on the page, and wins without a word.
    bad_run = bool(number) and not any(str(run.pk) == number for run in runs)
    rows = of_year or list(runs)
    newest = next((run for run in rows if run.published_at is not None), rows[0] if rows else None)
    return newest, bad_year or bad_run


def _supply_level(run: GapRun | None) -> int:
    settings: dict[str, Any] = run.parameters.get("settings", {}) if run is not None else {}
    value = settings.get("supply_level", {}).get("value", 2)
    return value if value in DEMAND_LEVELS else 2


def query_of(board: Dashboard, **changes: str) -> str:
    """The query that shows exactly this again, later and to a colleague: the run is named in it."""
    view = board.view
    values = {
        "fy": str(board.run.fiscal_year),
        "run": str(board.run.pk),
        "place": board.place.key,
        "level": str(view.level),
        "show": view.show,
        "by": ORGANISATIONS if view.by_organisation else "",
    } | changes
    return urlencode({name: value for name, value in values.items() if value})


class DashboardForm(forms.Form):
    """The bar of filters: fiscal year, run, place, level. It only shows the choice; `chosen` reads it."""

    fy = forms.ChoiceField(label=gettext_lazy("Fiscal year"), required=False)
    run = forms.ChoiceField(label=gettext_lazy("Run"), required=False)
    place = forms.ChoiceField(
        label=gettext_lazy("Bureau group or organisation"),
        required=False,
        widget=LongSelect,
        help_text=gettext_lazy("What stands below a place is offered once that place is shown."),
    )
    level = forms.ChoiceField(label=gettext_lazy("Counted from level"), required=False)
    show = forms.CharField(required=False, widget=forms.HiddenInput())
    by = forms.CharField(required=False, widget=forms.HiddenInput())

    def __init__(self, board: Dashboard, runs: Sequence[GapRun], language: str) -> None:
        view = board.view
        super().__init__(
            initial={
                "fy": str(board.run.fiscal_year),
                "run": str(board.run.pk),
                "place": board.place.key,
                "level": str(view.level),
                "show": view.show,
                "by": ORGANISATIONS if view.by_organisation else "",
            },
            auto_id="filter_%s",
        )
        years = sorted({run.fiscal_year for run in runs}, reverse=True)
        of_year = [run for run in runs if run.fiscal_year == board.run.fiscal_year]
        self._offer("fy", [(str(year), fiscal_year_label(year, language)) for year in years])
        self._offer("run", [(str(run.pk), run_label(run)) for run in of_year])
        self._offer("place", [(place.key, _indented(place)) for place in board.places])
        self._offer("level", [(str(level), _("Lv.%(level)d or higher") % {"level": level}) for level in DEMAND_LEVELS])
        if len(of_year) == 1:
            self.fields["run"].widget = forms.HiddenInput()

    def _offer(self, name: str, choices: list[tuple[str, str]]) -> None:
        field = self.fields[name]
        if isinstance(field, forms.ChoiceField):
            field.choices = choices


def run_label(run: GapRun) -> str:
    """A run in one line: its number, when it was published, which levels it counts."""
    when = jp_date(run.published_at) if run.published_at is not None else _("not published")
    return _("Run %(number)d (%(when)s)") % {"number": run.pk, "when": when}


def _indented(place: Place) -> str:
    return INDENT * place.depth + place.label
