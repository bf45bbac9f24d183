"""The job that reads and checks an uploaded table, and stages its rows."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext as _

from skillmap.core import bulk, clock, files
from skillmap.core.choices import ImportState, RowOutcome
from skillmap.core.errors import RuleViolation
from skillmap.core.imports.batches import allowed, drop_file
from skillmap.core.imports.importer import IMPORTERS, LISTED, Checked, Staged
from skillmap.core.jobs import LONG_STEP, JobRun, job_handler
from skillmap.core.models import ImportBatch, ImportRow
from skillmap.core.tabular.problems import TabularError
from skillmap.core.tabular.reading import TableReading, read_table

MAX_PROBLEMS = 20_000
COLUMNS = ("number", "key", "label", "outcome", "data", "version", "problems")


@job_handler("core.import_check")
def check_job(run: JobRun) -> Mapping[str, Any]:
    """Read, check and stage one table; done again it comes to the same."""
    batch = ImportBatch.objects.select_related("file").get(pk=run.inputs["batch"])
    if batch.state != ImportState.CHECKING:
        return {}
    with translation.override(run.inputs.get("language") or settings.LANGUAGE_CODE):
        return _check(batch, run)


def _check(batch: ImportBatch, run: JobRun) -> Mapping[str, Any]:
    run.progress(0, 0, _("Reading the file"), lease=LONG_STEP)
    try:
        user = allowed(batch, run)
        reading = _read(batch)
        total = len(reading.rows)
        checked = IMPORTERS[batch.kind].check(reading, batch.options, user=user, progress=run.progress)
    except RuleViolation as refusal:
        _refuse(batch, refusal)
        raise
    with transaction.atomic():
        run.progress(total, total, _("Checked"))
        _stage(batch, reading, checked)
    return {"rows": total, "problems": reading.problems_total}


def _read(batch: ImportBatch) -> TableReading:
    importer = IMPORTERS[batch.kind]
    if batch.file is None:
        raise TabularError("unreadable")
    try:
        with files.opened(batch.file) as source:
            return read_table(
                source,
                batch.file_name,
                columns=importer.columns(batch.options),
                sheets=importer.sheets,
                unique=importer.unique,
                limits=importer.limits,
                max_problems=MAX_PROBLEMS,
            )
    except FileNotFoundError as error:
        raise TabularError("unreadable") from error


@transaction.atomic
def _refuse(batch: ImportBatch, refusal: RuleViolation) -> None:
    """The table can't be read at all."""
    ImportBatch.objects.filter(pk=batch.pk, state=ImportState.CHECKING).update(
        state=ImportState.REFUSED, problem=str(refusal)[:600], checked_at=clock.now()
    )
    drop_file(batch)


def _stage(batch: ImportBatch, reading: TableReading, checked: Checked) -> None:
    """Keep rows, problems and facts; in the transaction of the caller."""
    ImportRow.objects.filter(batch=batch).delete()
    problems: dict[int, list[dict[str, Any]]] = {}
    for problem in reading.problems:
        problems.setdefault(problem.row, []).append(problem.to_json())
    failed = {row.number for row in reading.rows if row.failed} | set(problems)
    good = {row.number: row for row in checked.rows}
    lines = (
        _failed(number, good.get(number), problems.get(number, [])) if number in failed else _good(good[number])
        for number in sorted(failed | set(good))
    )
    bulk.append(ImportRow, COLUMNS, lines, same={"batch_id": batch.pk})
    found = Counter(str(row.outcome) for row in checked.rows if row.number not in failed)
    found[RowOutcome.ERROR.value] += len(failed)
    counts = {outcome.value: found[outcome.value] for outcome in RowOutcome}
    ok = reading.ok and not failed
    ImportBatch.objects.filter(pk=batch.pk, state=ImportState.CHECKING).update(
        state=ImportState.CHECKED if ok else ImportState.REFUSED,
        row_count=len(reading.rows),
        problem_count=reading.problems_total,
        checked_at=clock.now(),
        facts=_facts(reading, checked, counts),
    )


def _good(row: Staged) -> Sequence[Any]:
    """The columns of a row that can be applied."""
    return row.number, row.key[:100], row.label[:200], str(row.outcome), dict(row.data), row.version, []


def _failed(number: int, row: Staged | None, problems: list[dict[str, Any]]) -> Sequence[Any]:
    """The columns of a row with problems; it may have got as far as being recognised."""
    key, label, version = (row.key[:100], row.label[:200], row.version) if row is not None else ("", "", None)
    return number, key, label, RowOutcome.ERROR.value, {}, version, problems


def _facts(reading: TableReading, checked: Checked, counts: Mapping[str, int]) -> dict[str, Any]:
    """What to show about the file: how it was read, what would happen, further lists (shortened) with their lengths."""
    return {
        "counts": dict(counts),
        "sheet": reading.sheet,
        "encoding": reading.encoding,
        "notices": [notice.to_json() for notice in reading.notices],
        "preview": reading.preview,
        "dates": [[item.row, item.column, item.written, item.value] for item in reading.dates],
        "problems_left_out": reading.problems_left_out,
        "remarks": [str(text) for text in checked.remarks],
        "lists": {name: [list(entry) for entry in entries[:LISTED]] for name, entries in checked.lists.items()},
        "list_lengths": {name: checked.totals.get(name, len(entries)) for name, entries in checked.lists.items()},
    }
