"""The sheet of confirmed levels out and in, and lists of mentors in."""

import tempfile
from collections.abc import Sequence
from typing import Any, cast

from django import forms
from django.contrib.auth.base_user import AbstractBaseUser
from django.db.models import QuerySet
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from skillmap.assessment.choices import CycleState
from skillmap.assessment.forms.cycles import LevelsExportForm, date_input
from skillmap.assessment.models import Cycle
from skillmap.assessment.services import levels_import, mentors_import
from skillmap.assessment.views.office import office_of
from skillmap.core import clock
from skillmap.core.fiscal import fiscal_year_bounds, fiscal_year_of
from skillmap.core.htmx import sign_in_required
from skillmap.core.import_forms import UploadForm
from skillmap.core.import_views import ImportPages
from skillmap.core.models import ImportBatch
from skillmap.core.tabular.filenames import CSV, XLSX, content_disposition, download_name
from skillmap.core.tabular.writing import Table, write_csv, write_xlsx


@sign_in_required
@require_http_methods(["GET", "HEAD", "POST"])
def levels_export(request: HttpRequest) -> HttpResponse:
    """Choose the purpose and the people, then the sheet; a look at everyone in it is recorded."""
    user = office_of(request)
    form = LevelsExportForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        table = levels_import.levels_table(
            viewer=user,
            purpose=data["purpose"],
            occupation=data["occupation"],
            organisation_id=data["organisation"],
            filters=_filters(form),
        )
        return cast(HttpResponse, _sent(table, data["form"]))  # a streamed answer has the same headers
    return render(request, "assessment/levels_export.html", {"form": form}, status=422 if form.errors else 200)


def _filters(form: LevelsExportForm) -> dict[str, object]:
    """What was chosen, in words."""
    words: dict[str, object] = {}
    for name in ("occupation", "organisation"):
        choices = {str(key): str(label).strip() for key, label in form.fields[name].choices}  # type: ignore[attr-defined]
        value = form.cleaned_data[name]
        if value not in (None, ""):
            words[str(form.fields[name].label)] = choices[str(value)]
    return words


def _sent(table: Table, ending: str) -> HttpResponseBase:
    name = download_name(levels_import.SHEET, ending=ending, made_at=clock.now())
    if ending == "csv":
        response: HttpResponseBase = StreamingHttpResponse(write_csv(table), content_type=CSV)
    else:
        file = tempfile.TemporaryFile()  # noqa: SIM115  the answer closes it
        write_xlsx([table], file)
        file.seek(0)
        response = FileResponse(file, content_type=XLSX)
    response["Content-Disposition"] = content_disposition(name)
    return response


class LevelsUploadForm(UploadForm):
    """A sheet of levels, and the day from which they hold."""

    valid_from = forms.DateField(
        label=gettext_lazy("The levels hold from"),
        widget=date_input(),
        help_text=gettext_lazy("A row may name a day of its own in the column “Holds from”."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["valid_from"].initial = fiscal_year_bounds(fiscal_year_of(clock.today()))[0]

    def options(self) -> dict[str, Any]:
        """The day as text, so that the same file with the same day is the same import."""
        return {"valid_from": self.cleaned_data["valid_from"].isoformat()}


class LevelsImportPages(ImportPages):
    """Bring in levels of past years."""

    kind = levels_import.KIND
    name = "assessment:levels_import"
    form_class = LevelsUploadForm
    parent = (gettext_lazy("Yearly cycles"), "assessment:cycles")
    lead = gettext_lazy("One row a person, one column an item. The exported sheet has the same form.")

    def batches(self, user: AbstractBaseUser) -> QuerySet[ImportBatch]:
        """Own uploads alone: a checked sheet shows levels, and looks are recorded for whoever uploaded it."""
        return super().batches(user).filter(created_by=user.pk)

    def template_notes(self) -> Sequence[str]:
        """How to fill it in."""
        return [
            _("For developing people. Use for personnel evaluation is forbidden."),
            _("Levels are 0 to 3. An empty cell says nothing: the level stays as it is."),
        ]


class MentorsUploadForm(UploadForm):
    """A list of mentors, the cycle, and the declaration for all of them."""

    cycle = forms.TypedChoiceField(label=gettext_lazy("Cycle"), coerce=int)
    not_evaluator = forms.BooleanField(
        label=gettext_lazy("I declare for all pairs of the list: the mentor does not evaluate the person."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        rows = Cycle.objects.exclude(state=CycleState.CLOSED).order_by("-fiscal_year", "-pk")
        field = self.fields["cycle"]
        assert isinstance(field, forms.TypedChoiceField)  # noqa: S101
        field.choices = [(row.pk, row.name) for row in rows]


class MentorsImportPages(ImportPages):
    """Bring in a list of mentors."""

    kind = mentors_import.KIND
    name = "assessment:mentors_import"
    form_class = MentorsUploadForm
    parent = (gettext_lazy("Yearly cycles"), "assessment:cycles")
    lead = gettext_lazy("One row a person. A pair that is in the way ends when the list is applied.")
