"""Priority areas: the list for everyone, and the secretariat's decisions on what a run proposes."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_safe

from skillmap.core.errors import Conflict, RuleViolation
from skillmap.core.htmx import sign_in_required
from skillmap.gaps.choices import AreaState
from skillmap.gaps.forms.runs import AddAreaForm, ReasonForm
from skillmap.gaps.models import PriorityArea
from skillmap.gaps.selectors import areas as selectors
from skillmap.gaps.selectors.dashboard import area_history
from skillmap.gaps.selectors.runs.ranks import RunResult, SkillLine, run_result
from skillmap.gaps.selectors.runs.visible import runs_for
from skillmap.gaps.services import areas as services
from skillmap.people.access import access_of, user_of
from skillmap.people.choices import Role
from skillmap.people.models import User


def _secretariat(request: HttpRequest) -> User:
    user = user_of(request)
    access_of(user).require(Role.SECRETARIAT)
    return user


@sign_in_required
@require_safe
def areas(request: HttpRequest) -> HttpResponse:
    """The adopted areas of each fiscal year, for everyone who is signed in."""
    user = user_of(request)
    by_year: dict[int, list[PriorityArea]] = {}
    for area in selectors.areas():
        by_year.setdefault(area.fiscal_year, []).append(area)
    access = access_of(user)
    context = {
        "years": list(by_year.items()),
        "is_secretariat": access.is_secretariat,
        "sees_dashboard": access.sees_all_aggregates or access.is_coordinator,
    }
    return render(request, "gaps/areas.html", context)


# ------------------------------------------------------------------------------------------------------- secretariat
def _result(request: HttpRequest, pk: int) -> RunResult:
    user = _secretariat(request)
    run = get_object_or_404(runs_for(user).filter(finished_at__isnull=False), pk=pk)
    return run_result(user, run)


def _render(request: HttpRequest, result: RunResult, form: AddAreaForm, *, refusal: str = "") -> HttpResponse:
    year = result.run.fiscal_year
    decided = list(selectors.areas(year, AreaState.values))
    context = {
        "run": result.run,
        "result": result,
        "next_rank": result.top + 1,
        "open_lines": [line for line in result.proposed if _is_open(line)],
        "adopted": [area for area in decided if area.state == AreaState.ADOPTED],
        "rejected": [area for area in decided if area.state != AreaState.ADOPTED],
        "history": area_history(decided),
        "form": form,
        "refusal": refusal,
        "page_errors": bool(refusal),
    }
    return render(request, "gaps/area_decide.html", context, status=422 if refusal or form.errors else 200)


def _is_open(line: SkillLine) -> bool:
    return line.area is None or line.area.state != AreaState.ADOPTED


def _add_form(result: RunResult, data: Any = None) -> AddAreaForm:
    offered = [
        (line.skill.code, f"{line.skill.number}. {line.skill.label}")
        for line in sorted(result.lines, key=lambda line: line.skill.number)
        if _is_open(line) and not line.is_proposed
    ]
    return AddAreaForm(data, offered=offered)


def _version(request: HttpRequest, name: str) -> int | None:
    """A version that the page carried; None where the item was not decided on."""
    text = request.POST.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


@sign_in_required
@require_http_methods(["GET", "HEAD", "POST"])
def area_decide(request: HttpRequest, pk: int) -> HttpResponse:
    """Proposals of a run in demand order; several are adopted at once."""
    result = _result(request, pk)
    if request.method != "POST":
        return _render(request, result, _add_form(result))
    codes = request.POST.getlist("skill")[:100]
    seen = {code: version for code in codes if (version := _version(request, f"version-{code}")) is not None}
    try:
        made = services.area_adopt(run_id=pk, skill_codes=codes, versions=seen, actor=user_of(request))
    except RuleViolation as refusal:
        return _render(request, _result(request, pk), _add_form(result), refusal=str(refusal))
    count = len(made)
    words = ngettext("%(n)d priority area was adopted.", "%(n)d priority areas were adopted.", count)
    messages.success(request, words % {"n": count})
    return redirect("gaps:area_decide", pk=pk)


@sign_in_required
@require_http_methods(["GET", "HEAD", "POST"])
def area_refuse(request: HttpRequest, pk: int, code: str) -> HttpResponse:
    """Decide against one proposal, with the reason."""
    result = _result(request, pk)
    line = next((line for line in result.proposed if line.skill.code == code and _is_open(line)), None)
    if line is None:
        raise Http404
    version = line.area.version if line.area is not None else None
    context = {"run": result.run, "skill": line.skill, "line": line, "is_withdrawal": False, "version": version}

    def refuse(reason: str) -> None:
        services.area_refuse(
            run_id=pk, skill_code=code, reason=reason, version=_version(request, "version"), actor=user_of(request)
        )

    return _with_reason(request, refuse, context, done=_("The decision was stored."), back=pk)


@sign_in_required
@require_http_methods(["GET", "HEAD", "POST"])
def area_withdraw(request: HttpRequest, pk: int, area_id: int) -> HttpResponse:
    """Take an adopted area back, with the reason."""
    result = _result(request, pk)
    rows = selectors.areas(result.run.fiscal_year, [AreaState.ADOPTED])
    area = get_object_or_404(rows, pk=area_id)
    context = {"run": result.run, "skill": area.skill, "is_withdrawal": True, "version": area.version}

    def withdraw(reason: str) -> None:
        version = _version(request, "version") or 0
        services.area_withdraw(area_id=area_id, version=version, reason=reason, actor=user_of(request))

    return _with_reason(request, withdraw, context, done=_("The area was withdrawn."), back=pk)


def _with_reason(
    request: HttpRequest, act: Callable[[str], None], context: dict[str, Any], *, done: str, back: int
) -> HttpResponse:
    """Ask for the reason, act, and go back to the decisions."""
    form = ReasonForm(request.POST or None)
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                act(form.cleaned_data["reason"])
            except RuleViolation as refusal:
                form.add_error(None, str(refusal))
                status = 409 if isinstance(refusal, Conflict) else 422
            else:
                messages.success(request, done)
                return redirect("gaps:area_decide", pk=back)
    return render(request, "gaps/area_reason.html", {**context, "form": form}, status=status)


@sign_in_required
@require_http_methods(["POST"])
def area_add(request: HttpRequest, pk: int) -> HttpResponse:
    """Adopt an item that the run does not propose, with the reason."""
    result = _result(request, pk)
    form = _add_form(result, request.POST)
    if not form.is_valid():
        return _render(request, result, form)
    code = form.cleaned_data["skill"]
    try:
        services.area_add(
            fiscal_year=result.run.fiscal_year,
            skill_code=code,
            reason=form.cleaned_data["reason"],
            run_id=pk if result.run.published_at is not None else None,
            framework=result.run.framework,
            version=_version(request, f"version-{code}"),
            actor=user_of(request),
        )
    except RuleViolation as refusal:
        form.add_error(None, str(refusal))
        return _render(request, _result(request, pk), form)
    messages.success(request, _("The area was added."))
    return redirect("gaps:area_decide", pk=pk)
