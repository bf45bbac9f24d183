"""Confirming many: the preview, each look at it recorded, and the list of results."""

import uuid

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from skillmap.assessment.choices import CycleState, CycleStep
from skillmap.assessment.models import Assessment, Cycle
from skillmap.assessment.selectors.preview import preview, ready_to_confirm
from skillmap.assessment.services.confirming import CONFIRM_AT_ONCE, CONFIRM_KIND, confirm_start
from skillmap.assessment.services.looks import look
from skillmap.assessment.views.office import number, running_cycle, tabs_of
from skillmap.core import clock
from skillmap.core.choices import JobState, Purpose
from skillmap.core.errors import RuleViolation
from skillmap.core.htmx import sign_in_required
from skillmap.core.models import Job
from skillmap.people.access import user_of
from skillmap.people.models import Organisation

PER_PAGE = 50
SIZES = (20, 50, 100, 200, 500)


@sign_in_required
@require_http_methods(["GET", "HEAD", "POST"])
def confirm_page(request: HttpRequest, pk: int) -> HttpResponse:
    """The preview of a confirmation, person by person; each look at it is recorded. POST confirms what was chosen."""
    cycle, windows = running_cycle(request, pk)
    user = user_of(request)
    if request.method == "POST":
        return _confirm(request, cycle)
    ready = ready_to_confirm(user, cycle)
    org, only = number(request.GET.get("org")), number(request.GET.get("only"))
    place = Organisation.objects.filter(pk=org).first() if org is not None else None
    if place is not None:
        ready = ready.filter(organisation__path__startswith=place.path)
    if only is not None:
        ready = ready.filter(pk=only)
    wanted = number(request.GET.get("size"))
    size = wanted if wanted in SIZES else PER_PAGE
    rows = ready.select_related("staff", "organisation__parent__parent", "group").order_by(
        "organisation__path", "staff__kana", "pk"
    )
    page = Paginator(rows, size).get_page(request.GET.get("page"))
    checks = list(page.object_list)
    window = windows.get(CycleStep.CONFIRMATION)
    is_running = cycle.state == CycleState.OPEN
    lines = look(
        lambda: preview(checks, window if is_running else None),
        viewer=user,
        staff_ids=[check.staff_id for check in checks],
        purpose=Purpose.CYCLE_OPERATION,
        what="confirm_preview",
    )
    context = {
        "cycle": cycle,
        "tabs": tabs_of(cycle, "confirm"),
        "page_obj": page,
        "lines": lines,
        "place": place,
        "size": size,
        "sizes": SIZES,
        "window": window,
        "window_shut": is_running and (window is None or not window.is_open(clock.today())),
        "can_confirm": any(line.is_open for line in lines),
        "at_once": CONFIRM_AT_ONCE,
        "needs_second": cycle.second_meeting == "before",
    }
    return render(request, "assessment/board_confirm.html", context)


def _confirm(request: HttpRequest, cycle: Cycle) -> HttpResponse:
    chosen = []
    for text in request.POST.getlist("chosen"):
        check, _colon, version = text.partition(":")
        pair = (number(check), number(version))
        if pair[0] is not None and pair[1] is not None:
            chosen.append((pair[0], pair[1]))
    try:
        job = confirm_start(cycle=cycle, chosen=chosen, actor=user_of(request))
    except RuleViolation as refusal:
        messages.error(request, str(refusal))
        return redirect("assessment:board_confirm", pk=cycle.pk)
    return redirect("assessment:board_result", pk=cycle.pk, public_id=job.public_id)


@sign_in_required
@require_GET
def confirm_result(request: HttpRequest, pk: int, public_id: uuid.UUID) -> HttpResponse:
    """What became of a bulk confirmation: progress, then who was confirmed, changed meanwhile, left out and why."""
    cycle, _windows_of = running_cycle(request, pk)
    user = user_of(request)
    job = get_object_or_404(Job.objects.requested_by(user.pk), kind=CONFIRM_KIND, public_id=public_id)
    if job.inputs.get("cycle") != cycle.pk:
        raise Http404
    if job.is_active:
        return render(request, "assessment/board_result.html", {"cycle": cycle, "job": job})
    outcome = job.result if job.state == JobState.DONE else job.cursor.get("outcome", {})
    why = dict(outcome.get("left_out", []))
    ids = [*outcome.get("confirmed", []), *outcome.get("changed", []), *why]
    visible = (
        Assessment.objects.visible_to(user).filter(cycle=cycle).select_related("staff", "organisation__parent__parent")
    )
    known = visible.in_bulk(ids)
    context = {
        "cycle": cycle,
        "job": job,
        "confirmed": [known[check] for check in outcome.get("confirmed", []) if check in known],
        "changed": [known[check] for check in outcome.get("changed", []) if check in known],
        "left_out": [(known[check], reason) for check, reason in why.items() if check in known],
        "not_reached": len(job.inputs["chosen"]) - len(ids),
    }
    return render(request, "assessment/board_result.html", context)
