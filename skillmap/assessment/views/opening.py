"""A cycle opened, and closed: the last look before either."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from skillmap.assessment import cycle_rules
from skillmap.assessment.choices import CycleState
from skillmap.assessment.forms.cycles import OpenForm
from skillmap.assessment.models import Cycle
from skillmap.assessment.selectors.cycles import closing_figures, cycle_steps, windows_of_cycle
from skillmap.assessment.selectors.participants import participants
from skillmap.assessment.services import cycles, participation
from skillmap.assessment.views.office import office_cycle
from skillmap.core import clock
from skillmap.core.errors import RuleViolation
from skillmap.core.htmx import sign_in_required
from skillmap.core.models import Job
from skillmap.people.access import user_of

SHOWN = 50
CHECKLIST = {
    "unfinished": gettext_lazy("People who have not come as far as the correction"),
    "unconfirmed": gettext_lazy("Checks that wait for confirmation"),
    "unreceived": gettext_lazy("Confirmed results that nobody has received"),
    "objections": gettext_lazy("Requests for correction without an answer"),
    "findings": gettext_lazy("Findings written down"),
    "measures": gettext_lazy("Measures written down"),
}


@sign_in_required
@require_http_methods(["GET", "HEAD", "POST"])
def cycle_open(request: HttpRequest, pk: int) -> HttpResponse:
    """What opening does, who has no mentor; POST opens."""
    cycle = office_cycle(request, pk)
    if cycle.state != CycleState.DRAFT:
        return redirect("assessment:board", pk=cycle.pk)
    form = OpenForm(request.POST or None, initial={"version": cycle.version})
    if request.method == "POST" and form.is_valid():
        answer = _try_to_open(request, cycle, form)
        if answer is not None:
            return answer
    found = participants(cycle)
    context = {
        "cycle": cycle,
        "form": form,
        "found": found,
        "steps": cycle_steps(cycle, windows_of_cycle(cycle), clock.today()),
        "without_mentor": found.without_mentor[:SHOWN],
        "waiting": Job.objects.active().filter(kind=participation.OPEN_KIND, dedup_key=f"cycle:{cycle.pk}").first(),
    }
    return render(request, "assessment/cycle_open.html", context, status=422 if form.errors else 200)


def _try_to_open(request: HttpRequest, cycle: Cycle, form: OpenForm) -> HttpResponse | None:
    try:
        job = participation.opening_start(
            cycle_id=cycle.pk,
            version=form.cleaned_data["version"],
            without_mentor=form.cleaned_data["without_mentor"],
            actor=user_of(request),
        )
    except RuleViolation as refusal:
        form.add_error("without_mentor" if refusal.code == "mentors_missing" else None, str(refusal))
        return None
    if job is not None:
        return redirect("core:job", public_id=job.public_id)
    messages.success(request, _("The cycle is open. People are told on the first day of the self-check."))
    return redirect("assessment:board", pk=cycle.pk)


@sign_in_required
@require_http_methods(["GET", "HEAD", "POST"])
def cycle_close(request: HttpRequest, pk: int) -> HttpResponse:
    """The closing checklist; POST closes the cycle for good."""
    cycle = office_cycle(request, pk)
    if cycle.state == CycleState.DRAFT:
        raise Http404
    error = ""
    accepted = [code for code in request.POST.getlist("accept") if code in CHECKLIST]
    if request.method == "POST":
        try:
            cycles.cycle_close(cycle_id=cycle.pk, accepted=accepted, actor=user_of(request))
        except RuleViolation as refusal:
            error = str(refusal)
        else:
            messages.success(request, _("The cycle is closed. Levels and history stay readable."))
            return redirect("assessment:cycle_close", pk=cycle.pk)
    context = {
        "cycle": cycle,
        "items": _checklist(cycle, accepted),
        "error": error,
        "page_errors": bool(error),
        "is_open": cycle.state == CycleState.OPEN,
    }
    return render(request, "assessment/cycle_close.html", context, status=422 if error else 200)


def _checklist(cycle: Cycle, accepted: list[str]) -> list[dict[str, Any]]:
    board, written = reverse("assessment:board", args=[cycle.pk]), reverse("assessment:findings", args=[cycle.pk])
    urls = {
        "unfinished": board,
        "unconfirmed": reverse("assessment:board_confirm", args=[cycle.pk]),
        "unreceived": f"{board}?state=confirmed",
        "objections": reverse("assessment:objections"),
        "findings": written,
        "measures": written,
    }
    if cycle.state == CycleState.CLOSED:
        kept = cycle.closing_checklist.get("items", [])
        return [
            {**item, "label": CHECKLIST[item["code"]], "url": urls[item["code"]]}
            for item in kept
            if item.get("code") in CHECKLIST
        ]
    return [
        {
            "code": item.code,
            "count": item.count,
            "settled": item.settled,
            "accepted": item.code in accepted,
            "label": CHECKLIST[item.code],
            "url": urls[item.code],
        }
        for item in cycle_rules.closing_checklist(closing_figures(cycle))
    ]
