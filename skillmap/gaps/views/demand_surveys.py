"""The secretariat's pages of the demand survey: prepare one, see who has answered, remind, give more time, close."""

from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST, require_safe

from skillmap.core import clock
from skillmap.core.errors import Conflict, RuleViolation
from skillmap.core.fiscal import fiscal_year_of
from skillmap.core.htmx import sign_in_required
from skillmap.framework.selectors import current_framework
from skillmap.gaps.choices import ResponseState, SurveyState
from skillmap.gaps.forms.demand import ExtendForm, ProlongForm, SurveyForm
from skillmap.gaps.models import DemandSurvey
from skillmap.gaps.selectors import demand_surveys as selectors
from skillmap.gaps.services import demand_surveys as services
from skillmap.gaps.views.demand import PAGE, number_from
from skillmap.people.access import access_of, user_of
from skillmap.people.choices import Role

USUAL = timedelta(days=30)  # proposed length of a survey
VIEWS = ("", selectors.WAITING, *ResponseState.values)
DONE = {
    "open": gettext_lazy("The survey is running. The coordinators have been told."),
    "close": gettext_lazy("The survey is closed. The answers stay as they are."),
    "reopen": gettext_lazy("The survey is running again. Move the closing day if it has passed."),
}


def view_label(shown: str) -> str:
    """What a view of the answers is called."""
    if shown == selectors.WAITING:
        return _("Not in yet")
    return str(ResponseState(shown).label) if shown else _("All")


def view_from(request: HttpRequest) -> str:
    """The view that the address names; all for anything unknown."""
    wanted = request.GET.get("state", "")
    return wanted if wanted in VIEWS else ""


@sign_in_required
@require_safe
def surveys(request: HttpRequest) -> HttpResponse:
    """All surveys."""
    access = access_of(user_of(request))
    access.require(Role.SECRETARIAT, Role.SUPPORTER)
    context = {"surveys": selectors.surveys(), "is_secretariat": access.is_secretariat}
    return render(request, "gaps/surveys.html", context)


def survey_found(request: HttpRequest, pk: int) -> DemandSurvey:
    """The survey, for whoever sees all answers: 403 for others, since the list itself is not theirs."""
    access_of(user_of(request)).require(Role.SECRETARIAT, Role.SUPPORTER)
    return get_object_or_404(selectors.surveys_for(user_of(request)), pk=pk)


@sign_in_required
@require_safe
def survey(request: HttpRequest, pk: int) -> HttpResponse:
    """Who has answered, organisation by organisation."""
    return _overview(request, survey_found(request, pk), ExtendForm(prefix="extend"))


def _overview(
    request: HttpRequest, row: DemandSurvey, form: ExtendForm, *, chosen: tuple[int, ...] = ()
) -> HttpResponse:
    shown = view_from(request)
    overview = selectors.survey_overview(row, today=clock.today(), shown=shown)
    counts = {"": overview.asked, selectors.WAITING: overview.waiting, **overview.states}
    is_secretariat = access_of(user_of(request)).is_secretariat
    context = {
        "overview": overview,
        "survey": row,
        "views": [
            {"label": view_label(view), "count": counts[view], "url": f"?state={view}" if view else "?", "view": view}
            for view in VIEWS
        ],
        "is_secretariat": is_secretariat,
        "can_extend": is_secretariat and row.state == SurveyState.OPEN and any(line.waits for line in overview.rows),
        "extend_form": form,
        "chosen": chosen,
        "asks_to_remind": request.GET.get("ask") == "remind",
        "is_running": row.state == SurveyState.OPEN,
        "page_errors": bool(form.errors),
        "days_left": (row.closes_on - clock.today()).days,
    }
    return render(request, "gaps/survey.html", context, status=422 if form.errors else 200)


@sign_in_required
@require_POST
def survey_extend(request: HttpRequest, pk: int) -> HttpResponse:
    """Give the chosen organisations more time."""
    access_of(user_of(request)).require(Role.SECRETARIAT)
    row = survey_found(request, pk)
    form = ExtendForm(request.POST, prefix="extend")
    chosen = tuple(filter(None, map(number_from, request.POST.getlist("answer")[:1000])))
    if form.is_valid():
        until = form.cleaned_data["until"]
        try:
            done = services.responses_extend(survey_id=pk, response_ids=chosen, until=until, actor=user_of(request))
        except RuleViolation as refusal:
            form.add_error("until" if refusal.code != "nothing_chosen" else None, str(refusal))
        else:
            words = ngettext(
                "%(n)d organisation has more time; its coordinators were told.",
                "%(n)d organisations have more time; their coordinators were told.",
                done,
            )
            messages.success(request, words % {"n": done})
            return redirect(_address(pk, view_from(request)))
    return _overview(request, row, form, chosen=chosen)


def _address(pk: int, shown: str) -> str:
    address = reverse("gaps:survey", args=[pk])
    return f"{address}?state={shown}" if shown else address


@sign_in_required
@require_POST
def survey_step(request: HttpRequest, pk: int) -> HttpResponse:
    """Open, close, open again, remind."""
    access_of(user_of(request)).require(Role.SECRETARIAT)
    survey_found(request, pk)
    action = request.POST.get("action", "")
    try:
        if action == "remind":
            words = _reminded(services.survey_remind(survey_id=pk, actor=user_of(request)))
        else:
            services.survey_step(survey_id=pk, action=action, actor=user_of(request))
            words = str(DONE[action])
    except RuleViolation as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, words)
    return redirect("gaps:survey", pk=pk)


def _reminded(done: services.Reminded) -> str:
    text = _("%(answers)d answers are missing; %(people)d coordinators are reminded, each at most once a day.")
    return text % {"answers": done.answers, "people": done.people}


@sign_in_required
@require_safe
def survey_close(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask once more before a survey is closed: who has not answered yet."""
    access_of(user_of(request)).require(Role.SECRETARIAT)
    row = survey_found(request, pk)
    if row.state != SurveyState.OPEN:
        raise Http404
    overview = selectors.survey_overview(row, today=clock.today(), shown=selectors.WAITING)
    return render(request, "gaps/survey_close.html", {"survey": row, "overview": overview})


# -------------------------------------------------------------------------------------------------- prepare, change


@sign_in_required
@PAGE
def survey_create(request: HttpRequest) -> HttpResponse:
    """A new survey."""
    access_of(user_of(request)).require(Role.SECRETARIAT)
    framework = current_framework()
    if framework is None:
        messages.error(request, _("Publish a skill framework first."))
        return redirect("gaps:surveys")
    year, offered = fiscal_year_of(clock.today()), selectors.organisations_to_ask()
    initial = {
        "fiscal_year": year,
        "name": _("Demand survey %(year)d") % {"year": year},
        "opens_on": clock.today(),
        "closes_on": clock.today() + USUAL,
        "organisations": [unit.pk for unit in offered],
    }
    form = SurveyForm(_sent(request), initial=initial, offered=offered)
    if request.method == "POST" and form.is_valid():
        try:
            made = services.survey_create(framework=framework, actor=user_of(request), **form.cleaned_data)
        except RuleViolation as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, _("The survey is prepared. Nobody has been told yet: open it when it is ready."))
            return redirect("gaps:survey", pk=made.pk)
    context = {"form": form, "framework": framework, "survey": None}
    return render(request, "gaps/survey_edit.html", context, status=422 if form.errors else 200)


@sign_in_required
@PAGE
def survey_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Change a survey: all of it in preparation; while it runs, its closing day and who is asked in addition."""
    access_of(user_of(request)).require(Role.SECRETARIAT)
    row = survey_found(request, pk)
    if row.state == SurveyState.CLOSED:
        messages.error(request, _("The survey is closed. Open it again to change it."))
        return redirect("gaps:survey", pk=pk)
    change, form = _change_of(request, row)
    version = number_from(request.POST.get("version")) if request.method == "POST" else row.version
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                change(survey_id=pk, version=version, actor=user_of(request), **_values(form))
            except Conflict as conflict:
                form.add_error(None, str(conflict))
                version, status = conflict.details["version"], 409
            except RuleViolation as refusal:
                form.add_error(None, str(refusal))
            else:
                messages.success(request, _("The survey was changed."))
                return redirect("gaps:survey", pk=pk)
    context = {"form": form, "framework": row.framework, "survey": row, "version": version}
    return render(request, "gaps/survey_edit.html", context, status=status)


def _change_of(request: HttpRequest, row: DemandSurvey) -> tuple[Any, SurveyForm | ProlongForm]:
    """The service and the form that the survey's state allows."""
    asked = set(row.responses.values_list("organisation_id", flat=True))
    offered = selectors.organisations_to_ask(row)
    if row.state == SurveyState.OPEN:
        others = [unit for unit in offered if unit.pk not in asked]
        return services.survey_prolong, ProlongForm(
            _sent(request), initial={"closes_on": row.closes_on}, offered=others
        )
    names = ("name", "fiscal_year", "opens_on", "closes_on")
    initial = {name: getattr(row, name) for name in names} | {"organisations": sorted(asked)}
    return services.survey_change, SurveyForm(_sent(request), initial=initial, offered=offered)


def _sent(request: HttpRequest) -> QueryDict | None:
    """What was sent, also where it is nothing."""
    return request.POST if request.method == "POST" else None


def _values(form: SurveyForm | ProlongForm) -> dict[str, Any]:
    return {"organisations": (), **form.cleaned_data}
