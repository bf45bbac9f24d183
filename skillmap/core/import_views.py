"""The pages of an import, the same for every kind of table: start, check, rows, apply, report, template."""

import io
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from skillmap.core import clock, imports
from skillmap.core.choices import ImportState, RowOutcome
from skillmap.core.errors import NotAllowed, RuleViolation
from skillmap.core.files import NoRoomError
from skillmap.core.htmx import sign_in_required
from skillmap.core.import_forms import UploadForm
from skillmap.core.models import ImportBatch, ImportRow, Job
from skillmap.core.tabular.columns import Column
from skillmap.core.tabular.filenames import XLSX, content_disposition, download_name
from skillmap.core.tabular.problems import Notice, RowProblem, TabularError
from skillmap.core.tabular.template import write_template
from skillmap.core.tabular.writing import Table, write_xlsx

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

ROWS_PER_PAGE = 50


class ImportPages:
    """The pages of one kind of table. An app subclasses it, gives it to its urls, and names the pages after `name`.

    Args of the class:
        kind: of the importer.
        name: of the first page's URL, with its namespace, such as `people:import`; the others add `_batch`, …
        form_class: the upload with its options.
        parent: label and URL name of the page above.
        list_titles: headings of the importer's further lists, by name; column headings stand in `list_columns`.
    """

    kind: str
    name: str
    form_class: type[UploadForm] = UploadForm
    parent: tuple["StrOrPromise", str]
    lead: "StrOrPromise" = ""
    list_titles: Mapping[str, "StrOrPromise"] = {}
    list_columns: Mapping[str, Sequence["StrOrPromise"]] = {}
    start_template = "core/import_start.html"
    batch_template = "core/import_batch.html"

    @property
    def importer(self) -> imports.Importer:
        """What the table is about."""
        return imports.IMPORTERS[self.kind]

    def enter(self, user: AbstractBaseUser) -> None:
        """Raise NotAllowed for whoever may not use these pages at all."""
        if not self.importer.may(user, {}):
            raise NotAllowed

    def batches(self, user: AbstractBaseUser) -> QuerySet[ImportBatch]:
        """The tables that somebody may see; by default those of the kind."""
        return ImportBatch.objects.filter(kind=self.kind)

    def form(self, request: HttpRequest) -> UploadForm:
        """The upload form, bound on POST."""
        if request.method != "POST":
            return self.form_class()
        return self.form_class(request.POST, request.FILES)

    def columns(self) -> Sequence[Column]:
        """The columns to tell people about, and to put into a template."""
        return self.importer.columns({})

    def template_rows(self, user: AbstractBaseUser) -> Sequence[Mapping[str, Any]]:
        """Rows that a template begins with."""
        return []

    def template_lists(self, user: AbstractBaseUser) -> Mapping[str, Sequence[str]]:
        """Entries to choose from in a template, by column."""
        return {}

    def template_notes(self) -> Sequence[str]:
        """How to fill in a template, one line each."""
        return []

    def shown(self, column: Column | None, value: object) -> str:
        """A value of a change as people read it."""
        if value in (None, ""):
            return _("(empty)")
        labels = column.choices.get(str(value)) if column is not None else None
        return str(labels[0]) if labels else str(value)

    # ---------------------------------------------------------------------------------------------------- urls

    def urls(self, prefix: str) -> list[URLPattern]:
        """The addresses below a prefix such as `import/`."""
        short = self.name.rpartition(":")[2]
        pages: list[tuple[str, str, Callable[..., HttpResponse]]] = [
            ("", "", sign_in_required(require_http_methods(["GET", "HEAD", "POST"])(self.start))),
            ("template/", "_template", sign_in_required(require_safe(self.template))),
            ("<uuid:public_id>/", "_batch", sign_in_required(require_safe(self.batch))),
            ("<uuid:public_id>/apply/", "_apply", sign_in_required(require_POST(self.apply))),
            ("<uuid:public_id>/check/", "_check", sign_in_required(require_POST(self.check_again))),
            ("<uuid:public_id>/discard/", "_discard", sign_in_required(require_POST(self.discard))),
            ("<uuid:public_id>/report/", "_report", sign_in_required(require_safe(self.report))),
        ]
        return [path(f"{prefix}{tail}", view, name=f"{short}{ending}") for tail, ending, view in pages]

    def url(self, ending: str = "", batch: ImportBatch | None = None) -> str:
        """The address of one of the pages."""
        return reverse(f"{self.name}{ending}", kwargs={"public_id": batch.public_id} if batch is not None else None)

    # --------------------------------------------------------------------------------------------------- pages

    def start(self, request: HttpRequest) -> HttpResponse:
        """Upload a file; below it the tables brought in lately."""
        user = _user(request)
        self.enter(user)
        form = self.form(request)
        if request.method == "POST" and form.is_valid():
            try:
                done = imports.upload(kind=self.kind, file=form.cleaned_data["file"], options=form.options(), user=user)
            except (TabularError, NoRoomError) as refusal:
                form.add_error("file", str(refusal))
            else:
                if done.is_repeat:
                    messages.info(
                        request, _("This file was brought in before with the same options. Nothing was done.")
                    )
                return redirect(self.url("_batch", done.batch))
        latest = self.batches(user).select_related("created_by").order_by("-pk")[:10]
        context = self.context() | {
            "form": form,
            "latest": [{"row": row, "url": self.url("_batch", row)} for row in latest],
            "columns": self.columns(),
            "template_url": self.url("_template"),
        }
        return render(request, self.start_template, context, status=422 if form.errors else 200)

    def context(self) -> dict[str, Any]:
        """What both pages need."""
        label, name = self.parent
        return {
            "title": self.importer.title,
            "above": [(label, reverse(name))],
            "start_url": self.url(),
            "lead": self.lead,
        }

    def found(self, request: HttpRequest, public_id: object) -> ImportBatch:
        """The table, or 404 for what somebody may not know of."""
        user = _user(request)
        self.enter(user)
        known = self.batches(user).select_related("job", "created_by", "applied_by")
        return get_object_or_404(known, public_id=public_id)

    def batch(self, request: HttpRequest, public_id: object) -> HttpResponse:
        """What was found, row by row; while a job works on it, its progress."""
        batch = self.found(request, public_id)
        waiting = batch.is_busy and not batch.is_stuck
        context = self.context() | {"batch": batch, "waiting": waiting, "urls": self._urls(batch)}
        if waiting:
            return render(request, self.batch_template, context | self._job(batch))
        return render(request, self.batch_template, context | self._findings(request, batch))

    def _urls(self, batch: ImportBatch) -> dict[str, str]:
        endings = ("apply", "check", "discard", "report")
        return {ending: self.url(f"_{ending}", batch) for ending in endings}

    def _job(self, batch: ImportBatch) -> dict[str, Any]:
        job: Job | None = batch.job
        if job is None:
            raise Http404
        is_check = batch.state == ImportState.CHECKING
        return {"job": job, "job_title": _("Checking the table") if is_check else _("Applying the table")}

    def _findings(self, request: HttpRequest, batch: ImportBatch) -> dict[str, Any]:
        facts = batch.facts
        counts: dict[str, int] = facts.get("counts", {})
        wanted = request.GET.get("show", "")
        default = (
            RowOutcome.ERROR
            if counts.get("error")
            else RowOutcome.CREATE
            if counts.get("create")
            else RowOutcome.UPDATE
        )
        show = RowOutcome(wanted) if wanted in RowOutcome.values else default
        rows = batch.rows.filter(outcome=show).order_by("number")
        page = Paginator(rows, ROWS_PER_PAGE).get_page(request.GET.get("page"))
        columns = {column.key: column for column in self.importer.columns(batch.options)}
        return {
            "counts": [(outcome, counts.get(outcome.value, 0)) for outcome in RowOutcome],
            "tabs": [
                {
                    "label": outcome.label,
                    "url": f"?show={outcome.value}#rows",
                    "active": outcome == show,
                    "count": counts.get(outcome.value, 0),
                }
                for outcome in RowOutcome
            ],
            "show": show.value,
            "page_obj": page,
            "rows": [self._row(row, columns) for row in page],
            "notices": [str(Notice.from_json(stored)) for stored in facts.get("notices", [])],
            "lists": [self._list(name, entries, facts) for name, entries in facts.get("lists", {}).items() if entries],
            "can_check_again": batch.file_id is not None,
        }

    def _row(self, row: ImportRow, columns: Mapping[str, Column]) -> dict[str, Any]:
        changes = row.data.get("changes", {})
        return {
            "number": row.number,
            "key": row.key,
            "label": row.label,
            "problems": [RowProblem.from_json(stored) for stored in row.problems],
            "changes": [
                {
                    "label": columns[key].label if key in columns else key,
                    "old": self.shown(columns.get(key), old),
                    "new": self.shown(columns.get(key), new),
                }
                for key, (old, new) in changes.items()
            ],
        }

    def _list(self, name: str, entries: Sequence[Sequence[str]], facts: Mapping[str, Any]) -> dict[str, Any]:
        total = facts.get("list_lengths", {}).get(name, len(entries))
        return {
            "title": self.list_titles.get(name, name),
            "columns": self.list_columns.get(name, ()),
            "entries": entries[:200],
            "total": total,
        }

    # ----------------------------------------------------------------------------------------------------- acts

    def _act(self, request: HttpRequest, batch: ImportBatch, act: Callable[..., object]) -> bool:
        try:
            act(batch=batch, user=_user(request))
        except RuleViolation as refusal:
            messages.error(request, str(refusal))
            return False
        return True

    def apply(self, request: HttpRequest, public_id: object) -> HttpResponse:
        """Apply what was checked."""
        batch = self.found(request, public_id)
        self._act(request, batch, imports.apply)
        return redirect(self.url("_batch", batch))

    def check_again(self, request: HttpRequest, public_id: object) -> HttpResponse:
        """Check the same file anew."""
        batch = self.found(request, public_id)
        self._act(request, batch, imports.check_again)
        return redirect(self.url("_batch", batch))

    def discard(self, request: HttpRequest, public_id: object) -> HttpResponse:
        """Drop the table."""
        batch = self.found(request, public_id)
        if self._act(request, batch, imports.discard):
            messages.success(request, _("The table was discarded. Nothing was written."))
        return redirect(self.url())

    # ------------------------------------------------------------------------------------------------- downloads

    def report(self, request: HttpRequest, public_id: object) -> HttpResponse:
        """The problems as a workbook, in the order of the file."""
        batch = self.found(request, public_id)
        return workbook(imports.report(batch), _("Problems"), batch.file_name.rpartition(".")[0])

    def template(self, request: HttpRequest) -> HttpResponse:
        """A workbook to fill in."""
        user = _user(request)
        self.enter(user)
        target = io.BytesIO()
        write_template(
            self.columns(),
            self.template_rows(user),
            self.template_lists(user),
            target,
            name=self.importer.title,
            notes=self.template_notes(),
        )
        return _download(target, download_name(self.importer.title, _("template"), ending="xlsx"))


def workbook(table: Table, *words: object) -> HttpResponse:
    """One table as a workbook to save."""
    target = io.BytesIO()
    write_xlsx([table], target)
    return _download(target, download_name(*words, ending="xlsx", made_at=clock.now()))


def _download(file: io.BytesIO, name: str) -> HttpResponse:
    response = HttpResponse(file.getvalue(), content_type=XLSX)
    response["Content-Disposition"] = content_disposition(name)
    return response


def _user(request: HttpRequest) -> AbstractBaseUser:
    assert isinstance(request.user, AbstractBaseUser)  # noqa: S101  narrowed by sign_in_required
    return request.user
