"""Reports over REST and as files: supply, gap, priority, progress of the cycle. Rows as plain values, and the same rows
as a table with words in the reader's language.

Nothing is computed here: supply and gap are the stored, suppressed figures of the newest published run (of a fiscal
year), None standing for a hidden one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.http import Http404
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from skillmap.core.fiscal import fiscal_year_label
from skillmap.core.tabular.cells import CellValue
from skillmap.core.tabular.writing import Form, Out, Table, notes_for
from skillmap.framework.models import Skill
from skillmap.gaps.models import GapRun
from skillmap.gaps.selectors import areas as area_reads
from skillmap.gaps.selectors import progress as progress_reads
from skillmap.gaps.selectors.runs.headcounts import headcount_gaps
from skillmap.gaps.selectors.runs.levels import levels
from skillmap.gaps.selectors.runs.parameters import parameter_lines
from skillmap.gaps.selectors.runs.places import WHOLE, Place
from skillmap.gaps.selectors.runs.ranks import run_result
from skillmap.gaps.selectors.runs.visible import latest_run
from skillmap.people.access import access_of
from skillmap.people.choices import Role
from skillmap.people.models import Organisation, User

LEVELS = (1, 2, 3)


@dataclass(frozen=True)
class Report:
    """A report: what it is about, and its rows by column key; None is a hidden figure where the column has one.

    Attributes:
        columns: key and heading of each column, in order.
        facts: what it rests on: `fiscal_year`, `organisation`, `run`, ...
        hidden: the words for a hidden figure in a file.
    """

    name: str
    title: str
    columns: Sequence[tuple[str, Out]]
    rows: Sequence[Mapping[str, Any]]
    facts: Mapping[str, Any] = field(default_factory=dict)
    notes: Sequence[str] = ()
    hidden: str = ""

    def table(self) -> Table:
        """The report as a table with headings in the reader's language; hidden figures in words."""
        rows: Iterable[list[CellValue]] = (
            [self._cell(row[key], out) for key, out in self.columns] for row in self.rows
        )
        return Table(self.title, [out for _key, out in self.columns], rows, self.notes)

    def _cell(self, value: CellValue, out: Out) -> CellValue:
        return self.hidden if value is None and out.form == Form.INTEGER else value


Builder = Callable[[User, int | None, str], Report]


def build(name: str, *, user: User, fiscal_year: int | None = None, organisation: str = "") -> Report:
    """A report by its name.

    Args:
        fiscal_year: the newest there is by default.
        organisation: an organisation's code; the whole by default.

    Raises:
        Http404: no such report, or nothing published yet, or no such place for this reader.
        NotAllowed: the report is not for this role.
    """
    builder = builders().get(name)
    if builder is None:
        raise Http404
    return builder(user, fiscal_year, organisation)


def builders() -> dict[str, Builder]:
    """The reports by name."""
    return {"supply": supply, "gap": gap, "priority": priority, "cycle-progress": cycle_progress}


# ------------------------------------------------------------------------------------------------------------ parts
def _run(user: User, fiscal_year: int | None) -> GapRun:
    access_of(user).require(Role.SECRETARIAT, Role.SUPPORTER, Role.EXECUTIVE, Role.COORDINATOR)
    run = latest_run(user, fiscal_year)
    if run is None:
        raise Http404
    return run


def _key(organisation: str) -> str:
    """The node of an organisation's code; Http404 where there is no such organisation."""
    if not organisation:
        return WHOLE
    found = Organisation.objects.filter(code=organisation).values_list("pk", flat=True).first()
    if found is None:
        raise Http404
    return f"org-{found}"


def _skill_columns() -> list[tuple[str, Out]]:
    return [
        ("skill_number", Out(_("No."), Form.INTEGER)),
        ("skill_code", Out(_("Code"))),
        ("skill_name", Out(_("Skill item"), width=28)),
    ]


def _skill(skill: Skill) -> dict[str, Any]:
    return {"skill_number": skill.number, "skill_code": skill.code, "skill_name": skill.label}


def _figures(keys_and_labels: Iterable[tuple[str, str]]) -> list[tuple[str, Out]]:
    return [(key, Out(label, Form.INTEGER)) for key, label in keys_and_labels]


def _facts(run: GapRun, place: Place, organisation: str) -> dict[str, Any]:
    return {
        "fiscal_year": run.fiscal_year,
        "organisation": organisation or None,
        "place": place.label,
        "people": place.people,
        "run": run.pk,
        "snapshot_at": run.snapshot_at,
    }


def _notes(run: GapRun, place: Place) -> list[str]:
    filters: dict[str, object] = {
        _("Fiscal year"): fiscal_year_label(run.fiscal_year, get_language() or "ja"),
        _("Place"): place.label,
    }
    used = [f"{line.label}: {line.value}" for line in parameter_lines(run)]
    return notes_for(filters=filters, more=used)


def _hidden(run: GapRun) -> str:
    return _("Not shown (fewer than %(k)d)") % {"k": run.parameters["settings"]["k"]["value"]}


# ---------------------------------------------------------------------------------------------------- from a run
def supply(user: User, fiscal_year: int | None, organisation: str) -> Report:
    """People at each level or higher by skill, at one place; ranks where it is the whole."""
    run = _run(user, fiscal_year)
    place, rows = levels(user, run, _key(organisation))
    columns = [
        *_skill_columns(),
        *_figures((f"at_least_{level}", _("People at Lv.%(level)d or higher") % {"level": level}) for level in LEVELS),
    ]
    values = [{**_skill(row.skill), **{f"at_least_{level}": row.at_least[level] for level in LEVELS}} for row in rows]
    if place.key == WHOLE:
        ranks = {line.skill.pk: line.supply_rank for line in run_result(user, run).lines}
        columns += _figures([("supply_rank", _("Supply rank"))])
        values = [{**value, "supply_rank": ranks[row.skill.pk]} for value, row in zip(values, rows, strict=True)]
    return Report(
        "supply", _("Supply"), columns, values, _facts(run, place, organisation), _notes(run, place), _hidden(run)
    )


def gap(user: User, fiscal_year: int | None, organisation: str) -> Report:
    """Heads asked for, and heads that nobody of the place covers, by skill and level."""
    run = _run(user, fiscal_year)
    place, rows = headcount_gaps(user, run, _key(organisation))
    columns = [
        *_skill_columns(),
        *_figures((f"demand_{level}", _("Asked for Lv.%(level)d") % {"level": level}) for level in LEVELS),
        *_figures((f"gap_{level}", _("Missing Lv.%(level)d") % {"level": level}) for level in LEVELS),
    ]
    values = []
    for row in rows:
        open_heads = row.gap if row.gap is not None else (None, None, None)
        demand = {f"demand_{level}": heads for level, heads in zip(LEVELS, row.demand, strict=True)}
        missing = {f"gap_{level}": heads for level, heads in zip(LEVELS, open_heads, strict=True)}
        values.append({**_skill(row.skill), **demand, **missing})
    return Report(
        "gap", _("Head-count gap"), columns, values, _facts(run, place, organisation), _notes(run, place), _hidden(run)
    )


# --------------------------------------------------------------------------------------------------------- priority
def priority(_user: User, fiscal_year: int | None, organisation: str) -> Report:
    """Adopted priority areas, for everyone; they are the same for every organisation."""
    rows = list(area_reads.areas(fiscal_year))
    columns = [
        ("fiscal_year", Out(_("Fiscal year"))),
        *_skill_columns(),
        *_figures([("demand_rank", _("Demand rank")), ("supply_rank", _("Supply rank"))]),
        ("adopted_on", Out(_("Adopted on"), Form.DATE)),
        ("by_hand", Out(_("Added by hand"))),
    ]
    values = [
        {
            "fiscal_year": area.fiscal_year,
            **_skill(area.skill),
            "demand_rank": area.demand_rank,
            "supply_rank": area.supply_rank,
            "adopted_on": area.decided_on,
            "by_hand": area.by_hand,
        }
        for area in rows
    ]
    facts = {"fiscal_year": fiscal_year, "organisation": organisation or None}
    return Report("priority", _("Priority areas"), columns, values, facts, notes_for(purpose=False))


# --------------------------------------------------------------------------------------------------------- progress
def cycle_progress(user: User, fiscal_year: int | None, organisation: str) -> Report:
    """People by step: over the whole for who reads aggregates, by organisation for who may see the steps there.

    Who sees nobody behind the whole gets shares in tens of per cent alone.
    """
    access_of(user).require(Role.SECRETARIAT, Role.SUPPORTER, Role.EXECUTIVE, Role.COORDINATOR)
    lines = progress_reads.progress_lines(user, fiscal_year=fiscal_year, organisation=organisation)
    steps = [(state.value, str(state.label)) for state in progress_reads.STEPS]
    columns = [
        ("fiscal_year", Out(_("Fiscal year"))),
        ("cycle", Out(_("Cycle"), width=28)),
        ("organisation", Out(_("Code"))),
        ("organisation_name", Out(_("Organisation"), width=28)),
        *_figures([*steps, ("people", _("All"))]),
        *_figures((f"{code}_percent", _("%(step)s: per cent") % {"step": label}) for code, label in steps),
    ]
    values = [
        {
            "fiscal_year": line.fiscal_year,
            "cycle": line.cycle,
            "organisation": line.organisation,
            "organisation_name": line.steps.name or _("All"),
            **dict(zip([code for code, _label in steps], line.steps.row, strict=True)),
            "people": line.steps.people,
            **{f"{code}_percent": share for (code, _label), share in zip(steps, line.steps.percents, strict=True)},
        }
        for line in lines
    ]
    facts = {"fiscal_year": fiscal_year, "organisation": organisation or None}
    rough = [_("Shares without a number of people are rounded down to tens; 90 stands for 90 to 100.")]
    notes = notes_for(more=rough if any(line.steps.masked for line in lines) else [])
    return Report("cycle-progress", _("Progress of the cycle"), columns, values, facts, notes, hidden=_("Not shown"))
