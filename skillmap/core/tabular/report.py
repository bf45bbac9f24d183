"""The list of problems as a table to download, in the order of the file."""

from collections.abc import Sequence

from django.utils.translation import gettext as _

from skillmap.core.tabular.problems import RowProblem
from skillmap.core.tabular.writing import Form, Out, Table, notes_for


def problem_table(problems: Sequence[RowProblem], *, total: int, filename: str = "") -> Table:
    """Problems of an import as a table for `write_xlsx` or `write_csv`.

    Args:
        problems: those kept, from `TableReading.problems` or stored as `RowProblem.to_json`.
        total: how many there are in all; the difference is said above the table.
        filename: of the file that was read.
    """
    ordered = sorted(problems, key=lambda problem: (problem.row, problem.position))
    left_out = total - len(ordered)
    more = [_("Nothing has been imported. Correct these rows in your file and upload it again.")]
    if left_out > 0:
        more.append(_("%(count)s further problems are not listed.") % {"count": left_out})
    return Table(
        name=_("Problems"),
        columns=[
            Out(_("Row"), Form.INTEGER),
            Out(_("Column"), width=20),
            Out(_("Value (partly hidden)"), width=24),
            Out(_("Reason"), width=50),
            Out(_("How to correct it"), width=60),
        ],
        rows=(
            (problem.row, problem.column or _("(whole row)"), problem.value, problem.reason, problem.fix)
            for problem in ordered
        ),
        notes=notes_for(purpose=False, filters={_("File"): filename}, more=more),
    )
