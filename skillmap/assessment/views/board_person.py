"""One person on the cycle board: steps, history, mentors and time; no level."""

from datetime import date
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from skillmap.assessment import rules
from skillmap.assessment.choices import Action, State
from skillmap.assessment.forms.cycles import ExtensionForm, ReasonForm
from skillmap.assessment.models import Assessment, AssessmentEvent, CycleWindow, Extension, MentorPair
from skillmap.assessment.selectors.situations import situation_of, with_progress
from skillmap.assessment.selectors.steps import step_lines
from skillmap.assessment.services.participation import extend
from skillmap.assessment.services.transitions import transition
from skillmap.assessment.views.office import number, office_of
from skillmap.core.errors import RuleViolation
from skillmap.core.htmx import sign_in_required
from skillmap.people.access import access_of, user_of

# What the secretariat does on a person's page; confirming has its preview.
OFFICE_ACTIONS = (Action.RETURN, Action.REOPEN, Action.WITHDRAW)


def _check(request: HttpRequest, pk: int, check_id: int) -> Assessment:
    """The check of a cycle, for the secretariat."""
    found = with_progress(Assessment.objects.visible_to(office_of(request)).filter(cycle=pk)).select_related(
        "cycle__framework", "group", "staff", "organisation__parent__parent"
    )
    return get_object_or_404(found, pk=check_id)


@sign_in_required
@require_http_methods(["GET", "HEAD", "POST"])
def board_person(request: HttpRequest, pk: int, check_id: int) -> HttpResponse:
    """One person's steps, history, mentors and time; POST takes a step that wants a reason. No level is shown here."""
    check = _check(request, pk, check_id)
    form = _reason_form(request.POST.get("action", ""), request.POST if request.method == "POST" else None)
    if request.method == "POST":
        answer = _take_step(request, check, form)
        if answer is not None:
            return answer
    return _person(request, check, form, ExtensionForm(), status=422 if form.errors else 200)


def _reason_form(action: str, data: QueryDict | None = None) -> ReasonForm:
    """The form of one step; several stand on the page, so each has ids of its own."""
    return ReasonForm(data, auto_id=f"id_{action}_%s")


def _take_step(request: HttpRequest, check: Assessment, form: ReasonForm) -> HttpResponse | None:
    action = request.POST.get("action", "")
    if action not in OFFICE_ACTIONS:
        raise Http404
    if not form.is_valid():
        return None
    try:
        transition(
            assessment_id=check.pk,
            action=action,
            actor=user_of(request),
            comment=form.cleaned_data["comment"],
            expected_version=number(request.POST.get("version")),
        )
    except RuleViolation as refusal:
        form.add_error(None, str(refusal))
        return None
    messages.success(request, _("Done: %(step)s") % {"step": Action(action).label})
    return redirect("assessment:board_person", pk=check.cycle_id, check_id=check.pk)


@sign_in_required
@require_POST
def board_extend(request: HttpRequest, pk: int, check_id: int) -> HttpResponse:
    """More time for one person."""
    check = _check(request, pk, check_id)
    form = ExtensionForm(request.POST)
    if form.is_valid():
        try:
            extend(assessment_id=check.pk, actor=user_of(request), **form.cleaned_data)
        except RuleViolation as refusal:
            form.add_error("closes_on" if refusal.code == "extension_too_early" else None, str(refusal))
        else:
            messages.success(request, _("The time is extended, and the person is told."))
            return redirect("assessment:board_person", pk=pk, check_id=check.pk)
    return _person(request, check, ReasonForm(), form, status=422)


def _person(
    request: HttpRequest, check: Assessment, form: ReasonForm, extension_form: ExtensionForm, *, status: int
) -> HttpResponse:
    windows, extensions = _windows(check)
    situation = situation_of(check, windows)
    own = access_of(user_of(request)).staff_id == check.staff_id
    actions = () if own else rules.open_actions(situation, {rules.SECRETARIAT})
    chosen = request.POST.get("action", "")
    events = AssessmentEvent.objects.filter(assessment=check).select_related("actor").order_by("-at", "-pk")
    pairs = MentorPair.objects.filter(cycle=check.cycle_id, mentee=check.staff_id).select_related("mentor")
    context = {
        "check": check,
        "cycle": check.cycle,
        "own": own,
        "steps": step_lines(situation),
        "history": [_history_line(event) for event in events],
        "pairs": sorted(pairs, key=lambda pair: (pair.ended_at is not None, pair.is_deputy, -pair.pk)),
        "extensions": extensions,
        "form": form,
        "extension_form": extension_form,
        "actions": [
            (Action(action), _question(Action(action)), form if action == chosen else _reason_form(action))
            for action in OFFICE_ACTIONS
            if action in actions
        ],
        "chosen_action": chosen,
        "can_confirm": Action.CONFIRM in actions,
        "can_extend": not own and situation.cycle_open and check.state not in (State.RECEIVED, State.WITHDRAWN),
        "can_enter": not own and rules.entry_refusal(situation) is None,
    }
    return render(request, "assessment/board_person.html", context, status=status)


def _windows(check: Assessment) -> tuple[dict[str, rules.Window], list[Extension]]:
    """The windows with the person's extensions in them, and the extensions with their reasons; two queries."""
    extensions = list(Extension.objects.filter(assessment=check).select_related("granted_by").order_by("pk"))
    later: dict[str, date] = {row.step: row.closes_on for row in extensions}
    rows = CycleWindow.objects.filter(cycle=check.cycle_id)
    windows = {
        row.step: rules.Window(row.opens_on, max(row.closes_on, later.get(row.step, row.closes_on))) for row in rows
    }
    return windows, extensions


def _question(action: Action) -> str:
    """What an action does, said before it is taken."""
    return {
        Action.RETURN: _("Gives the check back one step, with at least a week to work on it."),
        Action.REOPEN: _("Opens the correction again. The confirmed levels stay valid until it is confirmed anew."),
        Action.WITHDRAW: _("Takes the check out of this cycle, for example on leaving or going on leave. It is final."),
    }[action]


def _history_line(event: AssessmentEvent) -> dict[str, Any]:
    words = _("%(step)s: %(source)s → %(target)s") % {
        "step": event.get_action_display(),
        "source": event.get_source_display(),
        "target": event.get_target_display(),
    }
    who = f"{event.actor.name} ({event.get_acting_as_display()})"
    if event.on_behalf:
        who += _(", on behalf")
    return {"when": event.at, "who": who, "text": words, "why": event.comment}
