"""Pages of gap runs for the secretariat: start one, watch it, look at its result, publish it."""

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from skillmap.core.errors import RuleViolation
from skillmap.core.htmx import sign_in_required
from skillmap.gaps.choices import LevelBasis
from skillmap.gaps.forms.runs import RunForm
from skillmap.gaps.selectors import dashboard as reads
from skillmap.gaps.selectors.interim import readiness, still_open, was_open
from skillmap.gaps.selectors.runs.ranks import run_result
from skillmap.gaps.selectors.runs.visible import runs_for
from skillmap.gaps.services import runs as services
from skillmap.people.access import access_of
from skillmap.people.choices import Role
from skillmap.people.models import User

PER_PAGE = 25


def _secretariat(request: HttpRequest) -> User:
    assert isinstance(request.user, User)  # noqa: S101  narrowed by sign_in_required
    access_of(request.user).require(Role.SECRETARIAT)
    return request.user


@sign_in_required
@require_safe
def runs(request: HttpRequest) -> HttpResponse:
    """All runs, the newest year first."""
    user = _secretariat(request)
    page = Paginator(reads.results_of(runs_for(user)), PER_PAGE).get_page(request.GET.get("page"))
    return render(request, "gaps/runs.html", {"page_obj": page})


@sign_in_required
@require_http_methods(["GET", "HEAD", "POST"])
def run_create(request: HttpRequest) -> HttpResponse:
    """Ask for a run; its settings stand at their defaults until somebody changes them."""
    user = _secretariat(request)
    form = RunForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            run = services.run_request(**form.request(), actor=user)
        except RuleViolation as refusal:
            form.add_error(None, str(refusal))
        else:
            return redirect("gaps:run", pk=run.pk)
    cycles, surveys = still_open()
    context = {"form": form, "open_cycles": cycles, "open_surveys": surveys}
    return render(request, "gaps/run_create.html", context, status=422 if form.errors else 200)


@sign_in_required
@require_safe
def run(request: HttpRequest, pk: int) -> HttpResponse:
    """One run: its progress while it works, then inputs, proposals, and what can be done next."""
    user = _secretariat(request)
    found = get_object_or_404(runs_for(user), pk=pk)
    context: dict[str, Any] = {"run": found, "is_mine": found.job is not None and found.job.requested_by_id == user.pk}
    if found.finished_at is not None:
        result = run_result(user, found)
        context |= {
            "result": result,
            "next_rank": result.top + 1,
            "parameters": result.parameters,
            "answers": found.parameters.get("answers", {}),
            "is_secretariat": True,
            "is_tally": found.basis == LevelBasis.CORRECTED,
            "was_open": was_open(found),
        }
    return render(request, "gaps/run.html", context)


@sign_in_required
@require_POST
def run_cancel(request: HttpRequest, pk: int) -> HttpResponse:
    """Stop a run under way."""
    user = _secretariat(request)
    try:
        services.run_cancel(run_id=pk, actor=user)
    except RuleViolation as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, _("The run stops at the next safe point."))
    return redirect("gaps:run", pk=pk)


@sign_in_required
@require_POST
def run_again(request: HttpRequest, pk: int) -> HttpResponse:
    """A new run of the same inputs and settings."""
    user = _secretariat(request)
    try:
        made = services.run_again(run_id=pk, actor=user)
    except RuleViolation as refusal:
        messages.error(request, str(refusal))
        return redirect("gaps:run", pk=pk)
    return redirect("gaps:run", pk=made.pk)


@sign_in_required
@require_http_methods(["GET", "HEAD", "POST"])
def run_publish(request: HttpRequest, pk: int) -> HttpResponse:
    """Say who will see the run, then publish it."""
    user = _secretariat(request)
    found = get_object_or_404(runs_for(user), pk=pk)
    refusal = ""
    if request.method == "POST":
        try:
            services.run_publish(run_id=pk, actor=user)
        except RuleViolation as error:
            refusal = str(error)
        else:
            messages.success(request, _("The run was published."))
            return redirect("gaps:run", pk=pk)
    elif found.published_at is not None or found.finished_at is None:
        return redirect("gaps:run", pk=pk)
    cycle, survey = readiness(found)
    context = {
        "run": found,
        "was_open": was_open(found) if found.finished_at is not None else None,
        "cycle": cycle,
        "survey": survey,
        "audience": reads.audience(),
        "shown": reads.shown_cells(found),
        "refusal": refusal,
        "page_errors": bool(refusal),
    }
    return render(request, "gaps/run_publish.html", context, status=422 if refusal else 200)
