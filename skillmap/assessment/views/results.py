"""The result sheet of a check, and its receipt."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from skillmap.assessment import rules
from skillmap.assessment.choices import Action
from skillmap.assessment.messages import REFUSALS
from skillmap.assessment.selectors.meetings.dossier import Dossier
from skillmap.assessment.selectors.results import ResultSheet, objections_of, result_sheet
from skillmap.assessment.services.looks import look
from skillmap.assessment.services.transitions import transition
from skillmap.assessment.views.common import dossier_or_404
from skillmap.core.choices import Purpose
from skillmap.core.errors import RuleViolation
from skillmap.core.htmx import sign_in_required
from skillmap.people.access import user_of


@sign_in_required
@require_http_methods(["GET", "HEAD", "POST"])
def result(request: HttpRequest, pk: int) -> HttpResponse:
    """Levels, change, fit, what the mentor sees otherwise; POST receives the confirmed version (受領)."""
    dossier = dossier_or_404(request, pk)
    if request.method == "POST":
        return _receive(request, dossier)
    if not dossier.result_open:
        context = {
            "dossier": dossier,
            "check": dossier.assessment,
            "objections": objections_of(dossier),
            "back": _back(dossier),
        }
        return render(request, "assessment/result_not_yet.html", context)
    sheet = _sheet(request, dossier)
    code = rules.refusal(Action.RECEIVE, dossier.situation, dossier.words)
    context = {
        "sheet": sheet,
        "dossier": dossier,
        "check": dossier.assessment,
        "can_receive": code is None,
        "receive_refusal": REFUSALS[code] if code == "second_meeting_missing" else "",
        "can_object": any(sheet.may_object_to(row) for row in sheet.rows),
        "back": _back(dossier),
    }
    return render(request, "assessment/result.html", context)


def _back(dossier: Dossier) -> str:
    """The page that the reader came from, by name."""
    if dossier.is_own:
        return "person"
    return "mentor" if dossier.is_mentor else "secretariat"


def _sheet(request: HttpRequest, dossier: Dossier) -> ResultSheet:
    """The sheet; a look by anybody else is recorded, by the mentor as mentoring, by the secretariat as its work."""
    return look(
        lambda: result_sheet(dossier),
        viewer=user_of(request),
        staff_ids=[dossier.assessment.staff_id],
        purpose=Purpose.MENTORING if dossier.is_mentor else Purpose.CYCLE_OPERATION,
        what="result",
    )


def _receive(request: HttpRequest, dossier: Dossier) -> HttpResponse:
    pk = dossier.assessment.pk
    try:
        transition(assessment_id=pk, action=Action.RECEIVE, actor=user_of(request))
    except RuleViolation as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, _("You have received the confirmed version. Thank you."))
    return redirect("assessment:result", pk=pk)
