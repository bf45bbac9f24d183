"""訂正申出: the person's form, the secretariat's list and answer."""

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from skillmap.assessment.choices import ObjectionState
from skillmap.assessment.forms.objections import ObjectionAnswerForm, ObjectionForm
from skillmap.assessment.models import Objection
from skillmap.assessment.selectors.results import objection_for, objection_subject, objections_for, result_sheet
from skillmap.assessment.services.looks import look
from skillmap.assessment.services.objections import answer_objection, raise_objection
from skillmap.assessment.views.common import dossier_or_404
from skillmap.core.choices import Purpose
from skillmap.core.errors import RuleViolation
from skillmap.core.htmx import sign_in_required
from skillmap.people.access import access_of, user_of
from skillmap.people.choices import Role

PAGE = 25


@sign_in_required
@require_http_methods(["GET", "HEAD", "POST"])
def objection_create(request: HttpRequest, pk: int) -> HttpResponse:
    """Object to the confirmed level of one item of the own check."""
    dossier = dossier_or_404(request, pk)
    if not dossier.is_own:
        raise Http404
    sheet = result_sheet(dossier)
    rows = [row for row in sheet.rows if sheet.may_object_to(row)]
    if not rows:
        return redirect("assessment:result", pk=pk)
    form = ObjectionForm(
        request.POST if request.method == "POST" else None, rows=rows, initial={"skill_code": request.GET.get("item")}
    )
    if request.method == "POST" and form.is_valid():
        try:
            raise_objection(assessment_id=pk, actor=user_of(request), **form.cleaned_data)
        except RuleViolation as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, _("Your request is sent to the secretariat. You will be told the answer."))
            return redirect("assessment:result", pk=pk)
    context = {"check": dossier.assessment, "form": form}
    return render(request, "assessment/objection_create.html", context, status=422 if form.errors else 200)


@sign_in_required
@require_GET
def objections(request: HttpRequest) -> HttpResponse:
    """The requests that wait for an answer, or those that have one; each look is recorded."""
    user = user_of(request)
    access_of(user).require(Role.SECRETARIAT)
    answered = request.GET.get("state") == "answered"
    rows = objections_for(user, state="answered" if answered else ObjectionState.OPEN)
    page = Paginator(rows, PAGE).get_page(request.GET.get("page"))
    listed = page.object_list
    assert isinstance(listed, QuerySet)  # noqa: S101  it was given one
    seen = look(
        lambda: list(listed),
        viewer=user,
        staff_ids=listed.values_list("assessment__staff_id", flat=True),
        purpose=Purpose.CORRECTION,
        what="objection",
    )
    own = access_of(user).staff_id
    context = {
        "lines": [(row, row.assessment.staff_id == own) for row in seen],
        "page_obj": page,
        "answered": answered,
        "open_count": page.paginator.count if not answered else None,
    }
    return render(request, "assessment/objections.html", context)


@sign_in_required
@require_http_methods(["GET", "HEAD", "POST"])
def objection_answer(request: HttpRequest, pk: int) -> HttpResponse:
    """Read one request and answer it; nobody answers the own one."""
    user = user_of(request)
    access_of(user).require(Role.SECRETARIAT)
    found = _read(request, pk)
    form = ObjectionAnswerForm(request.POST if request.method == "POST" else None, initial={"version": found.version})
    if request.method == "POST" and form.is_valid():
        values = form.cleaned_data
        try:
            answer_objection(
                objection_id=pk,
                version=values["version"],
                accept=values["decision"] == "accept",
                answer=values["answer"],
                actor=user,
            )
        except RuleViolation as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, _("The answer is recorded. The person is told."))
            return redirect("assessment:objections")
    context = {
        "objection": found,
        "check": found.assessment,
        "form": form,
        "is_own": found.assessment.staff_id == access_of(user).staff_id,
        "is_open": found.state == ObjectionState.OPEN,
    }
    return render(request, "assessment/objection_answer.html", context, status=422 if form.errors else 200)


def _read(request: HttpRequest, pk: int) -> Objection:
    """One request; the look at the person's levels is recorded with the read."""
    user = user_of(request)
    staff_id = objection_subject(user, pk)
    if staff_id is None:
        raise Http404
    return look(
        lambda: objection_for(user, pk),
        viewer=user,
        staff_ids=[staff_id],
        purpose=Purpose.CORRECTION,
        what="objection",
    )
