"""Sheets of the demand survey: to fill in, to bring back, to take away."""

import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from django.contrib import messages
from django.contrib.auth.base_user import AbstractBaseUser
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from skillmap.core import clock
from skillmap.core.errors import NotAllowed
from skillmap.core.htmx import sign_in_required
from skillmap.core.import_forms import UploadForm
from skillmap.core.import_views import ImportPages
from skillmap.core.models import ImportBatch
from skillmap.core.tabular.cells import CellValue
from skillmap.core.tabular.columns import Column
from skillmap.core.tabular.filenames import CSV, XLSX, content_disposition, download_name
from skillmap.core.tabular.template import write_template
from skillmap.core.tabular.writing import Table, write_csv, write_xlsx
from skillmap.gaps import demand_tables as tables
from skillmap.gaps.demand_rules import MOST_LINES, entry_refusal
from skillmap.gaps.messages import REFUSALS
from skillmap.gaps.models import DemandItem, DemandResponse
from skillmap.gaps.selectors import demand as selectors
from skillmap.gaps.selectors import demand_surveys as survey_selectors
from skillmap.gaps.services.demand import last_years_lines
from skillmap.gaps.services.demand_import import KIND
from skillmap.gaps.views.demand import found
from skillmap.gaps.views.demand_surveys import survey_found, view_from, view_label
from skillmap.people.access import user_of

PRESENT, LAST_YEAR, NONE = "present", "last", "none"


class SheetForm(UploadForm):
    """A sheet for one answer."""

    def __init__(self, *args: Any, response: DemandResponse, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.response = response

    def options(self) -> dict[str, Any]:
        """Which answer, and as what it stands: the same sheet may be brought in again after other changes."""
        return {"response": self.response.pk, "version": self.response.version}


class SheetPages(ImportPages):
    """The pages of core.imports below one answer; made anew for each request, with the answer found by right."""

    kind = KIND
    name = "gaps:demand_sheet"
    parent = (gettext_lazy("Demand survey"), "gaps:my_demand")
    start_template = "gaps/demand_sheet_start.html"
    batch_template = "gaps/demand_sheet.html"
    list_titles = {"removed": gettext_lazy("Lines that would be removed")}
    list_columns = {
        "removed": (
            gettext_lazy("Business or system"),
            gettext_lazy("Phase"),
            gettext_lazy("Skill item"),
            gettext_lazy("Level"),
            gettext_lazy("Headcount"),
        )
    }
    lead = gettext_lazy("The sheet is the whole answer: applied, it replaces the present lines.")

    def __init__(self, response: DemandResponse) -> None:
        self.response = response

    @classmethod
    def addresses(cls, prefix: str) -> list[URLPattern]:
        """The addresses below a prefix that holds the answer's id as `pk`."""
        pages: list[tuple[str, str, str, Callable[..., Any]]] = [
            ("", "", "start", require_http_methods(["GET", "HEAD", "POST"])),
            ("template/", "_template", "template", require_safe),
            ("<uuid:public_id>/", "_batch", "batch", require_safe),
            ("<uuid:public_id>/apply/", "_apply", "apply", require_POST),
            ("<uuid:public_id>/check/", "_check", "check_again", require_POST),
            ("<uuid:public_id>/discard/", "_discard", "discard", require_POST),
            ("<uuid:public_id>/report/", "_report", "report", require_safe),
        ]
        short = cls.name.rpartition(":")[2]
        return [
            path(prefix + tail, cls._view(view, methods), name=short + ending) for tail, ending, view, methods in pages
        ]

    @classmethod
    def _view(cls, name: str, methods: Callable[..., Any]) -> Callable[..., HttpResponse]:
        @methods
        def view(request: HttpRequest, /, pk: int, **kwargs: Any) -> HttpResponse:
            pages = cls(found(request, pk))
            pages.enter(user_of(request))
            answer: HttpResponse = getattr(pages, name)(request, **kwargs)
            return answer

        return sign_in_required(view)

    def url(self, ending: str = "", batch: ImportBatch | None = None) -> str:
        """The address of one of the pages of this answer."""
        known = {"public_id": batch.public_id} if batch is not None else {}
        return reverse(f"{self.name}{ending}", kwargs={"pk": self.response.pk, **known})

    def enter(self, user: AbstractBaseUser) -> None:
        """The coordinators of the organisation."""
        if not self.importer.may(user, {"response": self.response.pk}):
            raise NotAllowed

    def batches(self, user: AbstractBaseUser) -> QuerySet[ImportBatch]:
        """The sheets of this answer."""
        return super().batches(user).filter(options__response=self.response.pk)

    def columns(self) -> Sequence[Column]:
        """With the items of the survey."""
        return tables.columns_for(selectors.skills_of(self.response.survey.framework))

    def context(self) -> dict[str, Any]:
        """The answer stands between the survey and these pages."""
        context = super().context()
        answer = (self.response.organisation.name, reverse("gaps:demand", args=[self.response.pk]))
        return context | {
            "above": [*context["above"], answer],
            "answer": self.response,
            "last_year": selectors.last_years_response(self.response),
        }

    def form(self, request: HttpRequest) -> UploadForm:
        """The upload, bound on POST."""
        if request.method != "POST":
            return SheetForm(response=self.response)
        return SheetForm(request.POST, request.FILES, response=self.response)

    def start(self, request: HttpRequest) -> HttpResponse:
        """Upload a sheet; where nothing can be entered now, say why instead."""
        code = entry_refusal(selectors.situation_of(self.response))
        if code is not None:
            messages.error(request, str(REFUSALS[code]))
            return redirect("gaps:demand", pk=self.response.pk)
        return super().start(request)

    def template(self, request: HttpRequest) -> HttpResponse:
        """A workbook to fill in, with the present lines, those of last year (`lines=last`) or none (`lines=none`)."""
        target = io.BytesIO()
        survey, organisation = self.response.survey, self.response.organisation.name
        write_template(
            self.columns(),
            self._rows(request.GET.get("lines", PRESENT)),
            {},
            target,
            name=tables.SHEET,
            notes=tables.template_notes(survey, organisation),
            spare=MOST_LINES,
        )
        name = download_name(survey.name, organisation, _("template"), ending="xlsx")
        return _saved(target.getvalue(), XLSX, name)

    def _rows(self, wanted: str) -> Iterable[Mapping[str, CellValue]]:
        if wanted == NONE:
            return []
        if wanted != LAST_YEAR:
            return [tables.sheet_row(item) for item in selectors.lines_of(self.response)]
        source = selectors.last_years_response(self.response)
        lines = last_years_lines(self.response, source)[0] if source is not None else []
        return [tables.sheet_row(DemandItem(**line)) for line in lines]


def _saved(contents: bytes, content_type: str, name: str) -> HttpResponse:
    response = HttpResponse(contents, content_type=content_type)
    response["Content-Disposition"] = content_disposition(name)
    return response


# --------------------------------------------------------------------------------------------------------- exports


def _file(made: Sequence[Table], ending: str, *words: object) -> HttpResponse:
    """Tables as a file to save: a workbook with all of them, or the first one as CSV."""
    name = download_name(*words, ending=ending, made_at=clock.now())
    if ending == "csv":
        return _saved(b"".join(write_csv(made[0])), CSV, name)
    target = io.BytesIO()
    write_xlsx(made, target)
    return _saved(target.getvalue(), XLSX, name)


@sign_in_required
@require_safe
def demand_export(request: HttpRequest, pk: int, ending: str) -> HttpResponse:
    """The lines of one answer; what is exported can be brought in again."""
    response = found(request, pk)
    organisation = response.organisation.name
    table = tables.lines_table(response.survey, organisation, selectors.lines_of(response))
    return _file([table], ending, response.survey.name, organisation)


@sign_in_required
@require_safe
def survey_export(request: HttpRequest, pk: int, ending: str) -> HttpResponse:
    """All lines of a survey, or of the answers in one view; the workbook also says who has answered, and the totals."""
    survey, shown = survey_found(request, pk), view_from(request)
    items = survey_selectors.survey_lines(survey, shown)
    label = view_label(shown) if shown else ""
    made = [tables.survey_lines_table(survey, items, shown=label)]
    if ending == "xlsx":
        overview = survey_selectors.survey_overview(survey, today=clock.today(), shown=shown)
        made.append(tables.answers_table(survey, overview.rows))
        made.append(tables.totals_table(survey, selectors.skill_totals(items)))
    return _file(made, ending, survey.name, label)
