"""Pages of the demand survey: an organisation's answer, and the secretariat's view of who has answered."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from skillmap.core import clock
from skillmap.core.errors import Conflict, RuleViolation
from skillmap.core.fiscal import fiscal_year_of
from skillmap.core.htmx import sign_in_required
from skillmap.framework.selectors import current_framework
from skillmap.gaps.choices import SurveyState
from skillmap.gaps.forms.demand import ExtendForm, LineForm, SurveyForm, TextForm
from skillmap.gaps.messages import REFUSALS
from skillmap.gaps.models import DemandItem, DemandSurvey
from skillmap.gaps.selectors import demand as selectors
from skillmap.gaps.services import demand as services
from skillmap.people.access import access_of
from skillmap.people.choices import Role
from skillmap.people.models import User


def _user(request: HttpRequest) -> User:
    assert isinstance(request.user, User)  # noqa: S101  narrowed by sign_in_required
    return request.user


@sign_in_required
@require_GET
def my_demand(request: HttpRequest) -> HttpResponse:
    """The answers of the own organisations."""
    access_of(_user(request)).require(Role.COORDINATOR)
    rows = [
        {"response": row, "closes_on": row.extended_to or row.survey.closes_on, "is_open": row.survey.state == SurveyState.OPEN}
        for row in selectors.own_responses(_user(request))
    ]
    return render(request, "gaps/my_demand.html", {"rows": rows})


def _page(request: HttpRequest, pk: int) -> selectors.ResponsePage:
    response = get_object_or_404(selectors.responses_for(_user(request)), pk=pk)
    return selectors.response_page(_user(request), response)


def _render(request: HttpRequest, page: selectors.ResponsePage, *, status: int = 200, **more: Any) -> HttpResponse:
    framework = page.response.survey.framework
    context = {
        "page": page,
        "form": LineForm(framework=framework) if page.can_edit else None,
        "refusal": REFUSALS.get(page.entry_refusal or ""),
        "is_secretariat": access_of(_user(request)).is_secretariat,
        "ask_form": TextForm(prefix="ask"),
        "reply_form": TextForm(prefix="reply"),
        "extend_form": ExtendForm(prefix="extend"),
        **more,
    }
    return render(request, "gaps/demand.html", context, status=status)


@sign_in_required
@require_http_methods(["GET", "HEAD", "POST"])
def demand(request: HttpRequest, pk: int) -> HttpResponse:
    """An organisation's answer: its lines, and a form for the next one."""
    page = _page(request, pk)
    if request.method != "POST":
        return _render(request, page)
    form = LineForm(request.POST, framework=page.response.survey.framework)
    if not form.is_valid():
        return _render(request, page, form=form, status=422)
    try:
        services.line_add(response_id=pk, line=form.line(), actor=_user(request))
    except RuleViolation as refusal:
        form.add_error(None, str(refusal))
        return _render(request, page, form=form, status=422)
    messages.success(request, _("The line was added."))
    return redirect("gaps:demand", pk=pk)


@sign_in_required
@require_http_methods(["GET", "HEAD", "POST"])
def demand_line(request: HttpRequest, pk: int, item_id: int) -> HttpResponse:
    """Change one line; when somebody else changed it, both stand on the page."""
    page = _page(request, pk)
    item = next((row for row in page.items if row.pk == item_id), None)
    if item is None:
        raise Http404
    framework = page.response.survey.framework
    if request.method != "POST":
        form = LineForm(initial=_values(item), framework=framework)
        return render(request, "gaps/demand_line.html", {"page": page, "item": item, "form": form, "version": item.version})
    form = LineForm(request.POST, framework=framework)
    sent = request.POST.get("version", "")
    version = int(sent) if sent.isascii() and sent.isdigit() and len(sent) < 10 else 0
    context = {"page": page, "item": item, "form": form, "version": version}
    if not form.is_valid():
        return render(request, "gaps/demand_line.html", context, status=422)
    try:
        services.line_change(response_id=pk, item_id=item_id, version=version, line=form.line(), actor=_user(request))
    except Conflict as conflict:
        form.add_error(None, str(conflict))
        context |= {"version": conflict.details["version"], "stored": item}
        return render(request, "gaps/demand_line.html", context, status=409)
    except RuleViolation as refusal:
        form.add_error(None, str(refusal))
        return render(request, "gaps/demand_line.html", context, status=422)
    messages.success(request, _("The line was changed."))
    return redirect("gaps:demand", pk=pk)


def _values(item: DemandItem) -> dict[str, Any]:
    names = (
        "business", "phase", "level", "headcount", "needed_from", "needed_until", "filled_staff", "filled_govtech",
        "filled_vendor", "note",
    )  # fmt: skip
    return {name: getattr(item, name) for name in names} | {"skill": item.skill_id}


@sign_in_required
@require_POST
def demand_line_remove(request: HttpRequest, pk: int, item_id: int) -> HttpResponse:
    """Remove one line."""
    return _act(request, pk, _("The line was removed."), services.line_remove, item_id=item_id)


@sign_in_required
@require_POST
def demand_copy(request: HttpRequest, pk: int) -> HttpResponse:
    """Copy last year's lines."""
    return _act(request, pk, _("Last year's lines were copied. Look through them before you submit."), services.copy_last_year)


@sign_in_required
@require_POST
def demand_step(request: HttpRequest, pk: int) -> HttpResponse:
    """Submit, report nothing, or open again."""
    return _act(request, pk, _("Done."), services.response_step, action=request.POST.get("action", ""))


@sign_in_required
@require_POST
def demand_ask(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask the organisation back."""
    return _act(request, pk, _("The question was sent."), services.question_ask, text=request.POST.get("ask-text", ""))


@sign_in_required
@require_POST
def demand_reply(request: HttpRequest, pk: int, question_id: int) -> HttpResponse:
    """Reply to a question."""
    text = request.POST.get("reply-text", "")
    return _act(request, pk, _("The reply was sent."), services.question_reply, question_id=question_id, text=text)


@sign_in_required
@require_POST
def demand_extend(request: HttpRequest, pk: int) -> HttpResponse:
    """Give one organisation more time."""
    form = ExtendForm(request.POST, prefix="extend")
    if not form.is_valid():
        messages.error(request, _("Write the day as 2026-04-01."))
        return redirect("gaps:demand", pk=pk)
    return _act(request, pk, _("The closing day was moved."), services.response_extend, until=form.cleaned_data["until"])


def _act(request: HttpRequest, pk: int, done: str, service: Any, **values: Any) -> HttpResponse:
    """Find the answer by right, call one service, say how it went."""
    _page(request, pk)
    try:
        service(response_id=pk, actor=_user(request), **values)
    except RuleViolation as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, done)
    return redirect("gaps:demand", pk=pk)


# ------------------------------------------------------------------------------------------------------- secretariat


@sign_in_required
@require_GET
def surveys(request: HttpRequest) -> HttpResponse:
    """All surveys."""
    access_of(_user(request)).require(Role.SECRETARIAT, Role.SUPPORTER)
    context = {"surveys": selectors.surveys(), "is_secretariat": access_of(_user(request)).is_secretariat}
    return render(request, "gaps/surveys.html", context)


@sign_in_required
@require_http_methods(["GET", "HEAD", "POST"])
def survey_create(request: HttpRequest) -> HttpResponse:
    """A new survey."""
    access_of(_user(request)).require(Role.SECRETARIAT)
    framework = current_framework()
    if framework is None:
        messages.error(request, _("Publish a skill framework first."))
        return redirect("gaps:surveys")
    year = fiscal_year_of(clock.today())
    initial = {"fiscal_year": year, "name": _("Demand survey %(year)d") % {"year": year}}
    form = SurveyForm(request.POST or None, initial=initial, asked=selectors.organisations_to_ask())
    if request.method == "POST" and form.is_valid():
        try:
            survey = services.survey_create(framework=framework, actor=_user(request), **form.cleaned_data)
        except RuleViolation as refusal:
            form.add_error(None, str(refusal))
        else:
            return redirect("gaps:survey", pk=survey.pk)
    return render(request, "gaps/survey_create.html", {"form": form}, status=422 if form.errors else 200)


@sign_in_required
@require_GET
def survey(request: HttpRequest, pk: int) -> HttpResponse:
    """Who has answered, organisation by organisation."""
    access_of(_user(request)).require(Role.SECRETARIAT, Role.SUPPORTER)
    found = get_object_or_404(DemandSurvey.objects.select_related("framework"), pk=pk)
    context = {
        "overview": selectors.survey_overview(found),
        "is_secretariat": access_of(_user(request)).is_secretariat,
        "today": clock.today(),
    }
    return render(request, "gaps/survey.html", context)


@sign_in_required
@require_POST
def survey_step(request: HttpRequest, pk: int) -> HttpResponse:
    """Open, close, remind."""
    access_of(_user(request)).require(Role.SECRETARIAT)
    step = {"open": services.survey_open, "close": services.survey_close, "remind": services.survey_remind}.get(
        request.POST.get("action", "")
    )
    if step is None:
        raise Http404
    try:
        step(survey_id=pk, actor=_user(request))  # type: ignore[operator]
    except RuleViolation as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, _("Done."))
    return redirect("gaps:survey", pk=pk)
