"""The dashboard's figures as tables to take away: the rows that the page shows, hidden cells in the same words."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from skillmap.core.fiscal import fiscal_year_label
from skillmap.core.tabular.cells import CellValue
from skillmap.core.tabular.writing import Form, Out, Table, notes_for
from skillmap.gaps.selectors import dashboard as reads
from skillmap.gaps.selectors.dashboard_page import DEMAND, GAP, Dashboard, LevelRow
from skillmap.gaps.selectors.interim import was_open
from skillmap.gaps.selectors.progress import STEPS

LEVEL_COLUMNS = 5  # not answered, level 0 to 3


def tables() -> dict[str, Callable[[Dashboard], Table]]:
    """The figures by the name in the address, in the order of the page."""
    return {
        "ranks": ranks,
        "heatmap": heatmap,
        "levels": levels,
        "gaps": gaps,
        "progress": progress,
    }


def hidden(board: Dashboard) -> str:
    """The words in place of a hidden figure."""
    return _("Not shown (fewer than %(k)d)") % {"k": board.k}


def _notes(board: Dashboard, *more: str, placed: bool = True) -> list[str]:
    run = board.run
    filters: dict[str, object] = {_("Fiscal year"): fiscal_year_label(run.fiscal_year, get_language() or "ja")}
    if placed:
        filters[_("Place")] = board.place.label
        filters[_("Counted from level")] = board.view.level
    settings = [f"{line.label}: {line.value}" for line in board.parameters]
    named = _("Run %(number)d: %(cycle)s, %(survey)s") % {
        "number": run.pk,
        "cycle": run.cycle.name,
        "survey": run.survey.name,
    }
    interim = [_("Interim figures: computed while the cycle or the demand survey was open")] if was_open(run) else []
    return notes_for(filters=filters, more=[named, *interim, *settings, *more])


def _shown(board: Dashboard, value: int | None) -> CellValue:
    return hidden(board) if value is None else value


def _skill(line: reads.RankLine) -> list[CellValue]:
    return [line.skill.number, line.skill.label]


def _skill_columns() -> list[Out]:
    return [Out(_("No."), Form.INTEGER), Out(_("Skill item"), width=28)]


def ranks(board: Dashboard) -> Table:
    """Demand and supply of every skill over the whole, by demand rank."""
    columns = [
        *_skill_columns(),
        Out(_("Demand rank"), Form.INTEGER),
        Out(_("Heads asked for"), Form.INTEGER),
        Out(_("Businesses"), Form.INTEGER),
        Out(_("Supply rank"), Form.INTEGER),
        Out(_("People at the level"), Form.INTEGER),
        Out(_("Proposed")),
        Out(_("Decision")),
    ]
    rows = [
        [
            *_skill(line), line.demand_rank, line.demand, line.businesses, _shown(board, line.supply_rank),
            _shown(board, line.supply), line.is_proposed, line.state_label,
        ]
        for line in board.lines
    ]  # fmt: skip
    return Table(_("Ranks"), columns, rows, _notes(board, _rule(board.top), placed=False))


def _rule(top: int) -> str:
    if not top:
        return _("The share that is “top” holds no item in this run, so that the rule proposes none.")
    return _("Proposed: demand rank up to %(top)d and supply rank below %(top)d") % {"top": top}


def heat_name(board: Dashboard) -> str:
    """What the heat map shows, in words."""
    level = {"level": board.view.level}
    if board.view.show == DEMAND:
        return _("Heads asked for at Lv.%(level)d or higher") % level
    if board.view.show == GAP:
        return _("Heads nobody covers at Lv.%(level)d or higher") % level
    return _("People at Lv.%(level)d or higher") % level


def heatmap(board: Dashboard) -> Table:
    """Skills by places."""
    columns = [*_skill_columns(), Out(board.place.label, Form.INTEGER)]
    columns += [Out(place.label, Form.INTEGER) for place in board.columns]
    people: list[CellValue] = ["", _("People"), _shown(board, board.place.people)]
    people += [_shown(board, place.people) for place in board.columns]
    rows = [people]
    for row in board.heat:
        cells = [_shown(board, cell.value) for cell in row.cells]
        rows.append([*_skill(row.line), _shown(board, row.total), *cells])
    return Table(_("Heat map"), columns, rows, _notes(board, heat_name(board)))


def level_headers() -> list[str]:
    """The columns of the table of levels."""
    return [_("Not answered"), "Lv.0", "Lv.1", "Lv.2", "Lv.3"]


def level_cells(board: Dashboard, row: LevelRow) -> list[CellValue]:
    """People by level; where levels are shown together only, the figure stands at the first with the span named."""
    if not row.bars:
        return [hidden(board)] * LEVEL_COLUMNS
    headers = level_headers()
    cells: list[CellValue] = []
    for bar in row.bars:
        start = len(cells)
        if bar.span == 1:
            cells.append(bar.people)
            continue
        span = f"{headers[start]}–{headers[start + bar.span - 1]}"
        cells.append(_("%(people)d (%(span)s together)") % {"people": bar.people, "span": span})
        cells += [_("in the cell to the left")] * (bar.span - 1)
    return cells


def levels(board: Dashboard) -> Table:
    """People by level at the chosen place."""
    columns = [*_skill_columns(), *[Out(header, Form.INTEGER) for header in level_headers()]]
    rows = [[*_skill(row.line), *level_cells(board, row)] for row in board.levels]
    return Table(_("Levels"), columns, rows, _notes(board))


def gaps(board: Dashboard) -> Table:
    """Heads asked for and not covered, by level, at the chosen place."""
    columns = _skill_columns()
    columns += [Out(_("Asked for Lv.%(level)d") % {"level": level}, Form.INTEGER) for level in (1, 2, 3)]
    columns += [Out(_("Missing Lv.%(level)d") % {"level": level}, Form.INTEGER) for level in (1, 2, 3)]
    columns.append(Out(_("Missing from the chosen level"), Form.INTEGER))
    if board.shows_within:
        columns.append(Out(_("Missing if each organisation uses its own people"), Form.INTEGER))
    rows = []
    for row in board.gaps:
        gap = row.gap if row.gap is not None else (None, None, None)
        cells = [*row.demand, *[_shown(board, value) for value in gap], _shown(board, row.total)]
        rows.append([*_skill(row.line), *cells, *([_shown(board, row.within)] if board.shows_within else [])])
    return Table(_("Head-count gap"), columns, rows, _notes(board))


def progress(board: Dashboard) -> Table:
    """People by step of the run's cycle and the running ones; by organisation where the reader sees that."""
    columns = [Out(_("Cycle"), width=28), Out(_("Organisation"), width=28)]
    columns += [Out(str(step.label), Form.INTEGER) for step in STEPS]
    columns.append(Out(_("All"), Form.INTEGER))
    rows: list[Sequence[CellValue]] = []
    for cycle in board.progress:
        rows += [[cycle.name, line.name or _("All"), *line.told] for line in (cycle.total, *cycle.organisations)]
    return Table(_("Progress of the cycle"), columns, rows, notes_for())
