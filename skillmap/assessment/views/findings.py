"""Findings and measures of a cycle."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from skillmap.assessment.choices import CycleState, FindingKind
from skillmap.assessment.forms.cycles import FindingForm
from skillmap.assessment.models import Cycle, Finding
from skillmap.assessment.services import findings
from skillmap.assessment.views.office import office_cycle, tabs_of
from skillmap.core.errors import RuleViolation
from skillmap.core.htmx import sign_in_required
from skillmap.people.access import user_of


@sign_in_required
@require_http_methods(["GET", "HEAD", "POST"])
def findings_page(request: HttpRequest, pk: int) -> HttpResponse:
    """Findings and measures of a cycle; POST writes one down."""
    cycle = office_cycle(request, pk)
    if cycle.state == CycleState.DRAFT:
        raise Http404
    form = FindingForm(request.POST or None, initial={"kind": FindingKind.FINDING})
    if request.method == "POST" and form.is_valid():
        try:
            findings.finding_add(cycle=cycle, actor=user_of(request), **form.cleaned_data)
        except RuleViolation as refusal:
            form.add_error("text", str(refusal))
        else:
            messages.success(request, _("Written down."))
            return redirect("assessment:findings", pk=cycle.pk)
    return _findings(request, cycle, form)


def _findings(request: HttpRequest, cycle: Cycle, form: FindingForm, **more: Any) -> HttpResponse:
    rows = list(Finding.objects.filter(cycle=cycle).select_related("author").order_by("-at", "-pk"))
    context = {
        "cycle": cycle,
        "tabs": tabs_of(cycle, "findings"),
        "form": form,
        "kinds": [(kind, [row for row in rows if row.kind == kind]) for kind in FindingKind],
        "run_url": _run_url(cycle),
        **more,
    }
    status = 409 if more else 422 if form.errors else 200
    return render(request, "assessment/findings.html", context, status=status)


def _run_url(cycle: Cycle) -> str:
    """Where a tally before confirmation is asked for; the app above may not be there."""
    try:
        return f"{reverse('gaps:run_create')}?cycle={cycle.pk}&basis=corrected"
    except NoReverseMatch:
        return ""


@sign_in_required
@require_POST
def finding_change(request: HttpRequest, pk: int, finding_id: int) -> HttpResponse:
    """Change or remove an entry."""
    cycle = office_cycle(request, pk)
    get_object_or_404(Finding, pk=finding_id, cycle=cycle)
    if "remove" in request.POST:
        findings.finding_remove(cycle=cycle, finding_id=finding_id, actor=user_of(request))
        messages.success(request, _("Removed."))
        return redirect("assessment:findings", pk=cycle.pk)
    text = request.POST.get("text", "")
    seen = request.POST.get("seen", "")
    try:
        findings.finding_change(cycle=cycle, finding_id=finding_id, seen=seen, text=text, actor=user_of(request))
    except RuleViolation as refusal:  # a Conflict too: the typed text stays
        return _findings(
            request, cycle, FindingForm(initial={"kind": FindingKind.FINDING}), conflict=str(refusal),
            conflict_id=finding_id, conflict_text=text, page_errors=True,
        )  # fmt: skip
    messages.success(request, _("Saved."))
    return redirect("assessment:findings", pk=cycle.pk)
