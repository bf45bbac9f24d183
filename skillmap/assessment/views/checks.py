"""The self-check: its page, saving one item, evidence, submitting."""

import json
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.middleware.csrf import get_token
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from skillmap.assessment import rules
from skillmap.assessment.choices import Action, State
from skillmap.assessment.forms.checks import EvidenceForm, StepForm, read_item, read_page
from skillmap.assessment.messages import REFUSALS
from skillmap.assessment.models import Assessment, Evidence
from skillmap.assessment.selectors.checks import CheckPage, check_for, check_page, current_check_id, earlier_evidence
from skillmap.assessment.services import ratings
from skillmap.assessment.services.looks import look
from skillmap.assessment.services.transitions import transition
from skillmap.assessment.views.check_items import (
    drawn_categories,
    drawn_evidence,
    drawn_job_types,
    drawn_lines,
    fill_in_addresses,
)
from skillmap.core.choices import Purpose
from skillmap.core.errors import Conflict, RuleViolation
from skillmap.core.htmx import json_body, sign_in_required
from skillmap.people.access import access_of, user_of

SHOWN = ("all", "open", "changed")


def _check(request: HttpRequest, pk: int) -> Assessment:
    """The check, for the person or the secretariat; a mentor reads it on the 1on1 page."""
    user = user_of(request)
    found = check_for(user, pk)
    if found is None:
        raise Http404
    if found.staff_id != access_of(user).staff_id:  # somebody else's belongs to its cycle, not below "My skills"
        request.place_in_menu = reverse("assessment:board", args=[found.cycle_id])  # type: ignore[attr-defined]
    return found


def _page(request: HttpRequest, check: Assessment) -> CheckPage:
    page = look(
        lambda: check_page(user_of(request), check),
        viewer=user_of(request),
        staff_ids=[check.staff_id],
        purpose=Purpose.CYCLE_OPERATION,
        what="check",
    )
    fill_in_addresses(page)
    return page


@sign_in_required
@require_GET
def current_check(request: HttpRequest) -> HttpResponse:
    """The own check of the running cycle; without one, what will be here."""
    staff_id = access_of(user_of(request)).staff_id
    pk = current_check_id(staff_id) if staff_id is not None else None
    if pk is None:
        return render(request, "assessment/check_none.html")
    return redirect("assessment:check", pk=pk)


@sign_in_required
@require_http_methods(["GET", "HEAD", "POST"])
def check(request: HttpRequest, pk: int) -> HttpResponse:
    """The page of a check; POST saves all of it, for browsers without JavaScript."""
    found = _check(request, pk)
    if request.method == "POST":
        return _save_page(request, found)
    page = _page(request, found)
    if not page.acknowledged and not page.on_behalf and page.can_edit:
        return render(request, "assessment/check_start.html", {"page": page})
    return _render(request, page)


def _render(request: HttpRequest, page: CheckPage, *, status: int = 200, **more: Any) -> HttpResponse:
    asked = request.GET.get("show", "all")
    shown = asked if asked in SHOWN else "all"
    context = {
        "page": page,
        "shown": shown,
        "lines": drawn_lines(page),
        "categories": drawn_categories(request, page, shown),
        "job_types": drawn_job_types(page),
        "refusal": REFUSALS.get(page.entry_refusal or ""),
        **more,
    }
    return render(request, "assessment/check.html", context, status=status)


def _save_page(request: HttpRequest, found: Assessment) -> HttpResponse:
    page = _page(request, found)
    last = {row.skill.code: row.last_level for row in page.rows}
    answers = read_page(request.POST, last)
    try:
        outcome = ratings.save_form(assessment_id=found.pk, answers=answers, actor=user_of(request))
    except RuleViolation as refusal:
        messages.error(request, str(refusal))
        return redirect("assessment:check", pk=found.pk)
    if outcome.conflicts:
        return _render_conflicts(request, found, answers, outcome)
    if "next" in request.POST:
        return redirect("assessment:check_submit", pk=found.pk)
    messages.success(request, _("Saved."))
    anchor = f"#skill-{request.POST['same']}" if request.POST.get("same") in last else ""
    return redirect(reverse("assessment:check", args=[found.pk]) + anchor)


def _render_conflicts(
    request: HttpRequest,
    found: Assessment,
    answers: dict[str, tuple[int, ratings.Answer]],
    outcome: ratings.FormOutcome,
) -> HttpResponse:
    """Both values stand on the page: what is stored now, and what was sent, still chosen."""
    page = _page(request, _check(request, found.pk))
    for row in page.rows:
        if row.skill.code in outcome.conflicts:
            row.conflict = outcome.conflicts[row.skill.code]
            answer = answers[row.skill.code][1]
            if "level" in answer:
                row.level = answer["level"]
    return _render(request, page, status=409, page_errors=True)


@sign_in_required
@require_POST
def check_item(request: HttpRequest, pk: int, code: str) -> JsonResponse:
    """Save one item: JSON in, JSON out; 409 with the stored values when another tab was first."""
    item = read_item(json_body(request))
    if item is None:
        return JsonResponse({"message": _("The answer could not be read. Please load the page again.")}, status=400)
    try:
        saved = ratings.save_rating(
            assessment_id=pk, skill_code=code, version=item["version"], answer=item["answer"], actor=user_of(request)
        )
    except Conflict as conflict:
        return JsonResponse({"message": str(conflict), "code": conflict.code, **conflict.details}, status=409)
    except RuleViolation as refusal:
        return JsonResponse({"message": str(refusal), "code": refusal.code}, status=422)
    return JsonResponse(
        {
            "version": saved.rating.version,
            "level": saved.level,
            "wish": saved.rating.wish,
            "answered": saved.answered,
            "items": saved.items,
        }
    )


@sign_in_required
@require_POST
def check_start(request: HttpRequest, pk: int) -> HttpResponse:
    """The purpose text was read."""
    found = _check(request, pk)
    if found.staff_id != access_of(user_of(request)).staff_id:
        raise Http404
    ratings.acknowledge_purpose(assessment=found, actor=user_of(request))
    return redirect("assessment:check", pk=pk)


@sign_in_required
@require_POST
def check_target(request: HttpRequest, pk: int) -> HttpResponse:
    """Choose the job type to compare with."""
    value = request.POST.get("job_type", "")
    if value and not (value.isascii() and value.isdigit() and len(value) < 18):
        raise Http404
    try:
        ratings.choose_target(assessment_id=pk, job_type_id=int(value) if value else None, actor=user_of(request))
    except RuleViolation as refusal:
        messages.error(request, str(refusal))
    return redirect("assessment:check", pk=pk)


@sign_in_required
@require_http_methods(["GET", "HEAD", "POST"])
def check_submit(request: HttpRequest, pk: int) -> HttpResponse:
    """A last look at what changes, then submit (the self-check, or the correction)."""
    page = _page(request, _check(request, pk))
    action = Action.CORRECT if page.assessment.state == State.REVIEWED else Action.SUBMIT
    missing = [row for row in page.rows if row.level is None]
    if request.method == "POST":
        try:
            transition(assessment_id=pk, action=action, actor=user_of(request), comment=request.POST.get("comment", ""))
        except RuleViolation as refusal:
            page = _page(request, _check(request, pk))
            context = {"page": page, "missing": missing, "changed": [], "refusal": str(refusal), "page_errors": True}
            return render(request, "assessment/check_submit.html", context, status=422)
        messages.success(request, _("Submitted. Thank you."))
        return redirect("assessment:check", pk=pk)
    words = set(page.capacity.words) | ({rules.SELF} if page.on_behalf else set())
    code = rules.refusal(action, page.situation, words)
    context = {
        "page": page,
        "missing": missing,
        "changed": [row for row in page.rows if row.is_changed],
        "wishes": [row for row in page.rows if row.rating.wish],
        "refusal": REFUSALS.get(code or "") if code != "not_all_answered" else None,
        "can_submit": code is None,
        "action": action,
    }
    return render(request, "assessment/check_submit.html", context)


@sign_in_required
@require_POST
def check_step(request: HttpRequest, pk: int) -> HttpResponse:
    """Take one step that needs no page of its own: take back, receive."""
    form = StepForm(request.POST)
    if not form.is_valid():
        raise Http404
    try:
        transition(
            assessment_id=pk,
            action=form.cleaned_data["action"],
            actor=user_of(request),
            comment=form.cleaned_data["comment"],
            expected_version=form.cleaned_data["version"],
        )
    except RuleViolation as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, _("Done: %(step)s") % {"step": Action(form.cleaned_data["action"]).label})
    return redirect("assessment:check", pk=pk)


@sign_in_required
@require_http_methods(["GET", "HEAD", "POST"])
def evidence(request: HttpRequest, pk: int, code: str, evidence_id: int | None = None) -> HttpResponse:
    """The evidence of one item, as part of the self-check (htmx) or as a page; POST adds or changes one piece."""
    found = _check(request, pk)
    page = _page(request, found)
    row = next((row for row in page.rows if row.skill.code == code), None)
    if row is None:
        raise Http404
    present = next((piece for piece in row.evidence if piece.pk == evidence_id), None)
    if evidence_id is not None and present is None:
        raise Http404
    # Forms of several items can be open on one page: each has ids of its own.
    made_for: dict[str, Any] = {"framework_id": found.cycle.framework_id, "auto_id": f"evidence-{code}-%s"}
    if request.method != "POST":
        form = EvidenceForm(initial=_initial(request, found, code, present), **made_for)
        return _evidence_part(request, page, code, form, present)
    form = EvidenceForm(request.POST, **made_for)
    if not form.is_valid():
        return _evidence_part(request, page, code, form, present, status=422)
    try:
        if present is None:
            ratings.evidence_add(assessment_id=pk, skill_code=code, entry=form.entry(), actor=user_of(request))
        else:
            ratings.evidence_change(
                assessment_id=pk,
                evidence_id=present.pk,
                version=_version(request),
                entry=form.entry(),
                actor=user_of(request),
            )
    except RuleViolation as refusal:
        form.add_error(None, str(refusal))
        return _evidence_part(request, page, code, form, present, status=422)
    return _after_evidence(request, pk, code, _("Evidence saved."))


def _version(request: HttpRequest) -> int:
    sent = request.POST.get("version", "")
    return int(sent) if sent.isascii() and sent.isdigit() and len(sent) < 10 else 0


def _initial(request: HttpRequest, found: Assessment, code: str, present: Evidence | None) -> dict[str, Any]:
    """The present piece, or one of an earlier cycle that the person picked."""
    source = present
    picked = request.GET.get("from", "")
    if source is None and picked.isascii() and picked.isdigit() and len(picked) < 18:
        offered = earlier_evidence(found.staff_id, code, besides=found.pk)
        source = next((piece for piece in offered if piece.pk == int(picked)), None)
    if source is None:
        return {}
    return {
        "work": source.work,
        "fiscal_year": source.fiscal_year,
        "difficulty": source.difficulty,
        "role": source.role,
        "shown": source.shown,
        "certification": source.certification_id,
    }


def _after_evidence(request: HttpRequest, pk: int, code: str, done: str) -> HttpResponse:
    if request.htmx:  # type: ignore[attr-defined]
        page = _page(request, _check(request, pk))
        form = EvidenceForm(framework_id=page.assessment.cycle.framework_id)
        response = _evidence_part(request, page, code, form, None, closed=True)
        response["HX-Trigger"] = json.dumps({"announce": {"value": done}})
        return response
    return redirect(reverse("assessment:check", args=[pk]) + f"#skill-{code}")


def _evidence_part(
    request: HttpRequest,
    page: CheckPage,
    code: str,
    form: EvidenceForm,
    present: Evidence | None,
    *,
    status: int = 200,
    closed: bool = False,
) -> HttpResponse:
    row = next(row for row in page.rows if row.skill.code == code)
    context = {
        "page": page,
        "row": row,
        "pieces": drawn_evidence(get_token(request), page, row),
        "form": form,
        "present": present,
        "closed": closed,
        "earlier": earlier_evidence(page.assessment.staff_id, code, besides=page.assessment.pk) if not closed else [],
    }
    template = "assessment/_evidence.html" if request.htmx else "assessment/evidence.html"  # type: ignore[attr-defined]
    return render(request, template, context, status=status)


@sign_in_required
@require_POST
def evidence_remove(request: HttpRequest, pk: int, code: str, evidence_id: int) -> HttpResponse:
    """Remove one piece of evidence."""
    _check(request, pk)
    try:
        ratings.evidence_remove(assessment_id=pk, evidence_id=evidence_id, actor=user_of(request))
    except RuleViolation as refusal:
        messages.error(request, str(refusal))
        return redirect("assessment:check", pk=pk)
    return _after_evidence(request, pk, code, _("Evidence removed."))
