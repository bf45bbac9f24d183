"""Tables brought in by people, in two steps: check every row, then apply all of them or none.

An app says what a table is about with an `Importer`, registered under its kind. Everything else is here: the upload is
kept, a job reads and checks it and stages its rows, the person sees what would happen, a second job applies it in one
transaction after looking again whether anything changed meanwhile. Any error means that nothing is written; the same
file with the same options is applied once.
"""

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.files.uploadedfile import UploadedFile
from django.core.serializers.json import DjangoJSONEncoder
from django.db import IntegrityError, transaction
from django.utils import translation
from django.utils.translation import gettext as _

from skillmap.core import audit, clock, files, jobs
from skillmap.core.choices import ImportState, RowOutcome
from skillmap.core.errors import NotAllowed, RuleViolation
from skillmap.core.jobs import JobRun, job_handler
from skillmap.core.models import ImportBatch, ImportRow
from skillmap.core.tabular.columns import Column
from skillmap.core.tabular.limits import DEFAULT, MEGABYTE, Limits
from skillmap.core.tabular.problems import RowProblem, TabularError
from skillmap.core.tabular.reading import TableReading, read_table
from skillmap.core.tabular.report import problem_table
from skillmap.core.tabular.writing import Table

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

KEEP_ROWS = timedelta(days=30)
LONG_STEP = timedelta(minutes=5)  # reading one file, writing one table: steps that can't be divided
MAX_PROBLEMS = 20_000
LISTED = 1_000  # entries of one further list that are kept
Progress = Callable[[int, int, object], None]


@dataclass(slots=True)
class Staged:
    """One checked row: what applying it would do.

    Args:
        number: of the row, as the spreadsheet program counts.
        key: what the row is known by, such as a staff number.
        outcome: one of RowOutcome.
        data: what `apply` needs; plain values and dates, which come back as ISO texts.
        version: of the stored row as it was at the check, where there is one.
        label: how people recognise the row.
    """

    number: int
    key: str
    outcome: RowOutcome
    data: Mapping[str, Any] = field(default_factory=dict)
    version: int | None = None
    label: str = ""


@dataclass(slots=True)
class Checked:
    """The outcome of a check: rows in the order of the file, and further lists to show, by name.

    Rows with a problem (`reading.refuse`, or a cell that could not be read) need not be staged.
    """

    rows: list[Staged]
    lists: Mapping[str, Sequence[Sequence[str]]] = field(default_factory=dict)
    remarks: Sequence[str] = ()


class Importer(ABC):
    """What one kind of table is about. Instances hold no state."""

    kind: str
    title: "StrOrPromise"
    sheets: Sequence[str] = ()
    unique: Sequence[Sequence[str]] = ()
    limits: Limits = DEFAULT

    @abstractmethod
    def columns(self, options: Mapping[str, Any]) -> Sequence[Column]:
        """The columns that are read."""

    @abstractmethod
    def may(self, user: AbstractBaseUser, options: Mapping[str, Any]) -> bool:
        """Whether somebody may bring in this table with these options; asked at the upload, and again by each job."""

    @abstractmethod
    def check(
        self, reading: TableReading, options: Mapping[str, Any], *, user: AbstractBaseUser, progress: Progress
    ) -> Checked:
        """Compare the rows with what is stored, in a constant number of queries, and stage them.

        What is wrong with a row is told by `reading.refuse`. Nothing is written here.
        """

    @abstractmethod
    def apply(
        self, rows: Iterable[ImportRow], options: Mapping[str, Any], *, user: AbstractBaseUser, batch: ImportBatch
    ) -> Mapping[str, Any]:
        """Write the rows (CREATE and UPDATE, in the order of the file), in the transaction that is open.

        It locks what it changes and compares versions: RuleViolation `changed_meanwhile` where something moved since
        the check. Returns counts to show.
        """


IMPORTERS: dict[str, Importer] = {}


def register(importer: Importer) -> None:
    """Make a kind of table known; in the `ready` of its app."""
    IMPORTERS[importer.kind] = importer


# ---------------------------------------------------------------------------------------------------------- upload


@dataclass(frozen=True, slots=True)
class Upload:
    """What became of an upload; `is_repeat`: the same file was applied before, and nothing was done."""

    batch: ImportBatch
    is_repeat: bool = False


def fingerprint_of(kind: str, options: Mapping[str, Any], sha256: str) -> str:
    """One text for kind, options and contents."""
    known = json.dumps([kind, dict(options), sha256], sort_keys=True, cls=DjangoJSONEncoder)
    return hashlib.sha256(known.encode()).hexdigest()


def upload(*, kind: str, file: "UploadedFile[bytes]", options: Mapping[str, Any], user: AbstractBaseUser) -> Upload:
    """Take a file and have it checked by a job. Options are plain values and dates.

    Raises:
        NotAllowed: where the importer says no.
        TabularError: `file_too_big`, `empty_file`.
    """
    importer = IMPORTERS[kind]
    plain = json.loads(json.dumps(dict(options), cls=DjangoJSONEncoder))
    if not importer.may(user, plain):
        raise NotAllowed
    if not file.size:
        raise TabularError("empty_file")
    if file.size > importer.limits.file_bytes:
        raise TabularError("file_too_big", limit=importer.limits.file_bytes // MEGABYTE)
    sha256 = files.digest_of(file)
    fingerprint = fingerprint_of(kind, plain, sha256)
    done = ImportBatch.objects.filter(fingerprint=fingerprint, state__in=[ImportState.APPLYING, ImportState.APPLIED])
    before = done.select_related("job").first()
    if before is not None and not before.is_stuck:
        return Upload(before, is_repeat=True)
    if before is not None:
        discard(batch=before, user=user)
    stored = files.keep(file, owner=user, kind="imports", lifetime=timedelta(days=2))
    with transaction.atomic():
        batch = ImportBatch.objects.create(
            kind=kind,
            file_name=stored.name,
            sha256=sha256,
            fingerprint=fingerprint,
            options=plain,
            file=stored,
            created_by_id=user.pk,
        )
        batch.job = jobs.enqueue("core.import_check", _inputs(batch), requested_by=user)
        batch.save(update_fields=["job"])
        audit.record(verb="import.upload", actor=user, target=batch, kind=kind)
    return Upload(batch)


def apply(*, batch: ImportBatch, user: AbstractBaseUser) -> ImportBatch:
    """Have a checked table applied by a job.

    Raises:
        NotAllowed: where the importer says no.
        RuleViolation: `wrong_state` where it is not ready, `applied_before` where the same was applied meanwhile.
    """
    if not IMPORTERS[batch.kind].may(user, batch.options):
        raise NotAllowed
    try:
        with transaction.atomic():
            moved = ImportBatch.objects.filter(pk=batch.pk, state=ImportState.CHECKED).update(
                state=ImportState.APPLYING, applied_by_id=user.pk, problem=""
            )
            if not moved:
                raise RuleViolation(_("This table is not ready to be applied any more."), code="wrong_state")
            job = jobs.enqueue("core.import_apply", _inputs(batch), requested_by=user, dedup_key=str(batch.pk))
            ImportBatch.objects.filter(pk=batch.pk).update(job=job)
    except IntegrityError as error:
        raise RuleViolation(_("The same file has been applied already."), code="applied_before") from error
    batch.refresh_from_db()
    return batch


def discard(*, batch: ImportBatch, user: AbstractBaseUser) -> None:
    """Drop a table that was not applied, with its rows. RuleViolation `wrong_state`."""
    if not IMPORTERS[batch.kind].may(user, batch.options):
        raise NotAllowed
    with transaction.atomic():
        held = ImportBatch.objects.select_for_update(of=("self",)).select_related("job", "file").get(pk=batch.pk)
        if held.state not in {ImportState.CHECKED, ImportState.REFUSED} and not held.is_stuck:
            raise RuleViolation(_("This table can't be discarded now."), code="wrong_state")
        held.state = ImportState.DISCARDED
        held.save(update_fields=["state"])
        ImportRow.objects.filter(batch=held).delete()
        _drop_file(held)
        audit.record(verb="import.discard", actor=user, target=held)


def check_again(*, batch: ImportBatch, user: AbstractBaseUser) -> ImportBatch:
    """Have the same file checked anew, after what it is compared with has changed. RuleViolation `wrong_state`."""
    if not IMPORTERS[batch.kind].may(user, batch.options):
        raise NotAllowed
    with transaction.atomic():
        held = ImportBatch.objects.select_for_update(of=("self",)).select_related("job").get(pk=batch.pk)
        waits = held.state in {ImportState.CHECKED, ImportState.REFUSED} or held.is_stuck
        if not waits or held.file_id is None:
            raise RuleViolation(_("The file is no longer here. Please upload it again."), code="wrong_state")
        held.state, held.problem = ImportState.CHECKING, ""
        held.job = jobs.enqueue("core.import_check", _inputs(held), requested_by=user)
        held.save(update_fields=["state", "problem", "job"])
    return held


# ------------------------------------------------------------------------------------------------------------ jobs


def _inputs(batch: ImportBatch) -> dict[str, Any]:
    """What a job needs to know: which table, and in which language its findings are written down."""
    return {"batch": batch.pk, "language": translation.get_language()}


def _allowed(batch: ImportBatch, run: JobRun) -> AbstractBaseUser:
    """Whoever asked, if the right is still there when the job runs."""
    user = run.job.requested_by
    if user is None or not user.is_active or not IMPORTERS[batch.kind].may(user, batch.options):
        raise RuleViolation(_("The right to bring in this table has ended."), code="not_allowed")
    return user


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
        user = _allowed(batch, run)
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
    _drop_file(batch)


def _drop_file(batch: ImportBatch) -> None:
    if batch.file is not None:
        stored = batch.file
        ImportBatch.objects.filter(pk=batch.pk).update(file=None)
        files.drop(stored)


def _stage(batch: ImportBatch, reading: TableReading, checked: Checked) -> None:
    """Keep rows, problems and facts; in the transaction of the caller."""
    ImportRow.objects.filter(batch=batch).delete()
    problems: dict[int, list[dict[str, Any]]] = {}
    for problem in reading.problems:
        problems.setdefault(problem.row, []).append(problem.to_json())
    failed = {row.number for row in reading.rows if row.failed} | set(problems)
    staged = {row.number: row for row in checked.rows}
    rows = [
        _import_row(batch, number, staged.get(number), problems.get(number, []))
        for number in sorted(failed | set(staged))
    ]
    for row in rows:
        if row.number in failed:
            row.outcome, row.data = RowOutcome.ERROR, {}
    ImportRow.objects.bulk_create(rows, batch_size=500)
    counts = {outcome.value: sum(row.outcome == outcome for row in rows) for outcome in RowOutcome}
    ok = reading.ok and not failed
    ImportBatch.objects.filter(pk=batch.pk, state=ImportState.CHECKING).update(
        state=ImportState.CHECKED if ok else ImportState.REFUSED,
        row_count=len(reading.rows),
        problem_count=reading.problems_total,
        checked_at=clock.now(),
        facts=_facts(reading, checked, counts),
    )


def _import_row(batch: ImportBatch, number: int, row: Staged | None, problems: list[dict[str, Any]]) -> ImportRow:
    if row is None:
        return ImportRow(batch=batch, number=number, outcome=RowOutcome.ERROR, problems=problems)
    return ImportRow(
        batch=batch,
        number=number,
        key=row.key[:100],
        label=row.label[:200],
        outcome=row.outcome,
        data=dict(row.data),
        version=row.version,
        problems=problems,
    )


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
        "list_lengths": {name: len(entries) for name, entries in checked.lists.items()},
    }


@job_handler("core.import_apply")
def apply_job(run: JobRun) -> Mapping[str, Any]:
    """Apply one checked table in one transaction; done again it finds it applied."""
    batch = ImportBatch.objects.get(pk=run.inputs["batch"])
    if batch.state != ImportState.APPLYING:
        return {}
    with translation.override(run.inputs.get("language") or settings.LANGUAGE_CODE):
        run.progress(0, batch.row_count, _("Writing"), lease=LONG_STEP)
        try:
            return _apply(batch, run)
        except RuleViolation as refusal:
            ImportBatch.objects.filter(pk=batch.pk, state=ImportState.APPLYING).update(
                state=ImportState.REFUSED, problem=str(refusal)[:600]
            )
            raise


@transaction.atomic
def _apply(batch: ImportBatch, run: JobRun) -> Mapping[str, Any]:
    held = ImportBatch.objects.select_for_update(of=("self",)).select_related("file").get(pk=batch.pk)
    if held.state != ImportState.APPLYING:
        return {}
    user = _allowed(held, run)
    rows = held.rows.filter(outcome__in=[RowOutcome.CREATE, RowOutcome.UPDATE]).order_by("number")
    result = dict(IMPORTERS[held.kind].apply(rows.iterator(chunk_size=2000), held.options, user=user, batch=held))
    held.state, held.applied_at = ImportState.APPLIED, clock.now()
    held.facts = held.facts | {"result": result}
    held.save(update_fields=["state", "applied_at", "facts"])
    audit.record(verb="import.apply", actor=user, target=held, kind=held.kind, rows=held.row_count)
    _drop_file(held)
    run.progress(held.row_count, held.row_count, _("Applied"))  # undoes all of it if another worker took the job over
    return result


# ------------------------------------------------------------------------------------------------- reports, tidying


def problems_of(batch: ImportBatch) -> Iterator[RowProblem]:
    """The problems in the order of the file."""
    rows = batch.rows.filter(outcome=RowOutcome.ERROR).order_by("number")
    for problems in rows.values_list("problems", flat=True).iterator(chunk_size=2000):
        yield from (RowProblem.from_json(stored) for stored in problems)


def report(batch: ImportBatch) -> Table:
    """The problems as a table to download."""
    return problem_table(list(problems_of(batch)), total=batch.problem_count, filename=batch.file_name)


def forget_old() -> int:
    """Drop the rows of tables that are some weeks old, and files that nobody came back for; returns how many tables."""
    files.drop_expired()
    old = ImportBatch.objects.filter(created_at__lt=clock.now() - KEEP_ROWS, rows__isnull=False).distinct()
    pks = list(old.values_list("pk", flat=True)[:100])
    for pk in pks:
        with transaction.atomic():
            ImportRow.objects.filter(batch=pk).delete()
            batch = ImportBatch.objects.select_for_update(of=("self",)).get(pk=pk)
            batch.facts = {name: value for name, value in batch.facts.items() if name in {"counts", "result"}}
            batch.save(update_fields=["facts"])
            ImportBatch.objects.filter(pk=pk, state=ImportState.CHECKED).update(state=ImportState.DISCARDED)
    return len(pks)
