"""The mentor's page of a 1on1: what was written is saved first, then what was pressed is done."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from skillmap.assessment.choices import Action, GoalState
from skillmap.assessment.forms.meetings import RecordForm
from skillmap.assessment.selectors.meetings.dossier import Dossier
from skillmap.assessment.services import goals, meetings
from skillmap.assessment.services.transitions import transition
from skillmap.assessment.views.common import dossier_or_404
from skillmap.assessment.views.meetings.common import AT_GOALS
from skillmap.assessment.views.meetings.drawing import draw
from skillmap.assessment.views.meetings.saving import Sent, save
from skillmap.core.errors import RuleViolation
from skillmap.core.htmx import sign_in_required
from skillmap.people.access import user_of


@sign_in_required
@require_http_methods(["GET", "HEAD", "POST"])
def one_on_one(request: HttpRequest, pk: int) -> HttpResponse:
    """Prepare, hold and record a 1on1. The person is shown the own page instead."""
    dossier = dossier_or_404(request, pk)
    if dossier.is_own:
        return redirect("assessment:my_one_on_one", pk=pk)
    if not dossier.is_mentor:
        raise PermissionDenied
    if request.method == "POST":
        return _post(request, dossier)
    return draw(request, dossier)


def _mentors_dossier(request: HttpRequest, pk: int) -> Dossier:
    """For the mentors; 403 for the secretariat, which may know of the check but has no part in its 1on1."""
    dossier = dossier_or_404(request, pk)
    if not dossier.is_mentor:
        raise PermissionDenied
    return dossier


def _post(request: HttpRequest, dossier: Dossier) -> HttpResponse:
    """Save everything that the page holds first, then do what was pressed: nothing that was written gets lost."""
    pk = dossier.assessment.pk
    sent = save(request, dossier)
    fresh = _mentors_dossier(request, pk)
    if not sent.outcome.is_clean or sent.goal_problems or sent.goal_form.errors:
        status = 409 if sent.outcome.conflicts or sent.goal_problems else 422
        return draw(request, fresh, sent=sent, record=_posted_record(request), status=status)
    action = request.POST.get("do", "save")
    if action in ("finish", "record"):
        return _record(request, fresh, sent, finish=action == "finish")
    try:
        anchor = _do(request, pk, action)
    except RuleViolation as refusal:
        return draw(request, fresh, problem=str(refusal), record=_posted_record(request), status=422)
    return redirect(_address(request, "one_on_one", pk, anchor))


def _address(request: HttpRequest, name: str, pk: int, anchor: str = "") -> str:
    query = "?all=1" if request.GET.get("all") == "1" else ""
    return reverse(f"assessment:{name}", args=[pk]) + query + anchor


def _posted_record(request: HttpRequest) -> RecordForm | None:
    """The day and way that were sent, kept in their fields."""
    if "held_on" not in request.POST and "way" not in request.POST:
        return None
    return RecordForm(initial={"held_on": request.POST.get("held_on"), "way": request.POST.get("way")})


def _record(request: HttpRequest, dossier: Dossier, sent: Sent, *, finish: bool) -> HttpResponse:
    pk, user = dossier.assessment.pk, user_of(request)
    form = RecordForm(request.POST)
    if not form.is_valid():
        return draw(request, dossier, record=form, status=422)
    day, way = form.cleaned_data["held_on"], form.cleaned_data["way"]
    try:
        if finish:
            meetings.finish_first(assessment_id=pk, held_on=day, way=way, actor=user)
        else:
            meetings.record_meeting(assessment_id=pk, kind=sent.entry.kind, held_on=day, way=way, actor=user)
    except RuleViolation as refusal:
        form.add_error("held_on" if refusal.code.startswith("held_") else None, str(refusal))
        return draw(request, dossier, record=form, status=422)
    if finish:
        messages.success(request, _("The first 1on1 is finished. The person can correct the levels now."))
    else:
        messages.success(request, _("The 1on1 is recorded."))
    return redirect(_address(request, "one_on_one", pk))


def _do(request: HttpRequest, pk: int, action: str) -> str:
    """Carry out one button; returns where on the page to go on."""
    user = user_of(request)
    if action == "return":
        transition(assessment_id=pk, action=Action.RETURN, actor=user, comment=request.POST.get("comment", ""))
        messages.success(request, _("The check is returned with your reason. The person is told."))
        return ""
    if action == "carry":
        count = goals.carry_forward(assessment_id=pk, actor=user)
        messages.success(request, _("%(count)d goals were carried forward.") % {"count": count}, extra_tags=AT_GOALS)
        return "#goals"
    if action == "add":
        messages.success(request, _("The goal is added."), extra_tags=AT_GOALS)
        return "#goals"
    word, _dash, rest = action.partition("-")
    goal, _dash, version = rest.partition("-")
    states = {"reached": GoalState.REACHED, "dropped": GoalState.DROPPED, "reopened": GoalState.OPEN}
    if word in states and all(part.isdecimal() and len(part) <= 18 for part in (goal, version)):
        state = states[word]
        goals.set_goal_state(assessment_id=pk, goal_id=int(goal), version=int(version), state=state, actor=user)
        messages.success(
            request, _("The goal is now: %(state)s") % {"state": GoalState(state).label}, extra_tags=AT_GOALS
        )
        return "#goals"
    messages.success(request, _("Saved."))
    return ""
