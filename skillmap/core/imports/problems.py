"""What was wrong with the rows of a table, to show and to download."""

from collections.abc import Iterator

from skillmap.core.choices import RowOutcome
from skillmap.core.models import ImportBatch
from skillmap.core.tabular.problems import RowProblem
from skillmap.core.tabular.report import problem_table
from skillmap.core.tabular.writing import Table


def problems_of(batch: ImportBatch) -> Iterator[RowProblem]:
    """The problems in the order of the file."""
    rows = batch.rows.filter(outcome=RowOutcome.ERROR).order_by("number")
    for problems in rows.values_list("problems", flat=True).iterator(chunk_size=2000):
        yield from (RowProblem.from_json(stored) for stored in problems)


def report(batch: ImportBatch) -> Table:
    """The problems as a table to download."""
    return problem_table(list(problems_of(batch)), total=batch.problem_count, filename=batch.file_name)
