"""The person's side of a 1on1: own words, what was agreed, the own tick at a goal."""

from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from skillmap.assessment.choices import GoalState, State
from skillmap.assessment.forms.meetings import read_words
from skillmap.assessment.selectors.meetings.dossier import Dossier
from skillmap.assessment.selectors.talks import talk_of
from skillmap.assessment.services import goals, meetings
from skillmap.assessment.views.common import dossier_or_404
from skillmap.assessment.views.meetings.common import AT_GOALS
from skillmap.assessment.views.office import number
from skillmap.core.errors import Conflict, RuleViolation
from skillmap.core.htmx import sign_in_required
from skillmap.people.access import user_of


@sign_in_required
@require_http_methods(["GET", "HEAD", "POST"])
def my_one_on_one(request: HttpRequest, pk: int) -> HttpResponse:
    """The person's side: own words, what was agreed, the mentor's view, goals."""
    dossier = dossier_or_404(request, pk)
    if not dossier.is_own:
        raise Http404
    if request.method == "POST":
        return _save_words(request, dossier)
    return _draw(request, dossier)


def _draw(
    request: HttpRequest,
    dossier: Dossier,
    *,
    words: Mapping[str, Any] | None = None,
    problem: str = "",
    status: int = 200,
) -> HttpResponse:
    talk = talk_of(dossier)
    stored = {"version": dossier.meeting.person_version, "text": dossier.meeting.person_note, "conflict": None}
    seen = [item for item in talk.items if item.rating.mentor_level is not None] if dossier.situation.first_held else []
    views = [item for item in seen if item.mentor_differs or item.rating.mentor_reason]
    context = {
        "dossier": dossier,
        "check": dossier.assessment,
        "views": views,
        "same_views": len(seen) - len(views),
        "words": words or stored,
        "can_write": dossier.words_refusal is None and bool(dossier.mentors),
        "is_over": not dossier.situation.cycle_open or dossier.assessment.state in (State.RECEIVED, State.WITHDRAWN),
        "past_mentor": dossier.held[-1].mentor_name if dossier.held else "",
        "problem": problem,
        "page_errors": bool(problem or status != 200),
    }
    return render(request, "assessment/one_on_one_mine.html", context, status=status)


def _save_words(request: HttpRequest, dossier: Dossier) -> HttpResponse:
    pk, words = dossier.assessment.pk, read_words(request.POST)
    if words is None:
        raise Http404
    try:
        meetings.save_words(assessment_id=pk, kind=request.POST.get("kind", ""), words=words, actor=user_of(request))
    except Conflict as conflict:
        shown = {"version": conflict.details["version"], "text": words.text, "conflict": conflict.details}
        return _draw(request, dossier, words=shown, status=409)
    except RuleViolation as refusal:
        shown = {"version": words.version, "text": words.text, "conflict": None}
        return _draw(request, dossier, words=shown, problem=str(refusal), status=422)
    messages.success(request, _("Saved. Your mentor can read it."))
    return redirect("assessment:my_one_on_one", pk=pk)


@sign_in_required
@require_POST
def goal_tick(request: HttpRequest, pk: int) -> HttpResponse:
    """The person's own tick: reached, or open again; back to the page where it was pressed."""
    page = number(request.POST.get("page"))
    try:
        goal = goals.tick(goal_id=pk, reached=request.POST.get("reached") == "1", actor=user_of(request))
    except RuleViolation as refusal:
        messages.error(request, str(refusal), extra_tags=AT_GOALS)
        return redirect("portal:home") if page is None else redirect(_own_goals(page))
    if goal.state == GoalState.REACHED:
        messages.success(request, _("Marked as reached. Well done."), extra_tags=AT_GOALS)
    else:
        messages.success(request, _("The goal is open again."), extra_tags=AT_GOALS)
    return redirect(_own_goals(goal.assessment_id if page is None else page))


def _own_goals(pk: int) -> str:
    return reverse("assessment:my_one_on_one", args=[pk]) + "#goals"
