"""Pages of an organisation's answer to the demand survey."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from skillmap.core.errors import Conflict, NotAllowed, RuleViolation
from skillmap.core.htmx import sign_in_required
from skillmap.core.templatetags.ui.words import jp_date
from skillmap.gaps.choices import SurveyState
from skillmap.gaps.demand_rules import ANSWERED, COORDINATOR, SECRETARIAT
from skillmap.gaps.forms.demand import ExtendForm, LineForm, QuestionForm, ReplyForm
from skillmap.gaps.messages import REFUSALS
from skillmap.gaps.models import DemandItem, DemandResponse
from skillmap.gaps.selectors import demand as selectors
from skillmap.gaps.services import demand as services
from skillmap.gaps.services import demand_steps
from skillmap.gaps.services.demand_surveys import responses_extend
from skillmap.people.access import access_of, user_of
from skillmap.people.choices import Role

PAGE = require_http_methods(["GET", "HEAD", "POST"])
DONE = {
    "submit": gettext_lazy("The answer was submitted. Until the closing day you may open it again and change it."),
    "nothing": gettext_lazy("It is noted that there is nothing to report. Until the closing day you may change that."),
    "reopen": gettext_lazy("The answer is open again. Submit it once more when it is ready."),
}


def number_from(text: str | None) -> int:
    """A whole number from an address or a form; 0 for anything else."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 10 else 0


@sign_in_required
@require_safe
def my_demand(request: HttpRequest) -> HttpResponse:
    """The answers of the own organisations: those of running surveys, and earlier ones."""
    access_of(user_of(request)).require(Role.COORDINATOR)
    rows: list[dict[str, Any]] = [
        {"response": row, "situation": selectors.situation_of(row), "waits": row.state not in ANSWERED}
        for row in selectors.own_responses(user_of(request))
    ]
    running = [row for row in rows if row["response"].survey.state == SurveyState.OPEN]
    past = [row for row in rows if row["response"].survey.state != SurveyState.OPEN]
    return render(request, "gaps/my_demand.html", {"running": running, "past": past})


# ----------------------------------------------------------------------------------------------------------- answer


def found(request: HttpRequest, pk: int) -> DemandResponse:
    """The answer, or 404 for what the reader may not know of."""
    return get_object_or_404(selectors.responses_for(user_of(request)), pk=pk)


def _page(request: HttpRequest, pk: int) -> selectors.ResponsePage:
    return selectors.response_page(user_of(request), found(request, pk), page=request.GET.get("page"))


def _render(request: HttpRequest, page: selectors.ResponsePage, *, status: int = 200, **more: Any) -> HttpResponse:
    """The page of an answer; `more` brings forms that could not be taken, by their name in the template."""
    replied: tuple[int, forms.Form] | None = more.pop("reply", None)
    access = access_of(user_of(request))
    context = {
        "page": page,
        "page_obj": page.lines,
        "refusal": REFUSALS.get(page.entry_refusal or "") if page.is_own else None,
        "steps": _steps(page),
        "questions": [
            {"row": row, "form": _reply_form(row.pk, replied) if page.can_reply and row.replied_at is None else None}
            for row in page.questions
        ],
        "sees_survey": access.is_secretariat or access.is_supporter,
        "page_errors": status == 422,
        **_forms(request, page),
        **more,
    }
    return render(request, "gaps/demand.html", context, status=status)


def _reply_form(question_id: int, replied: tuple[int, forms.Form] | None) -> forms.Form:
    if replied is not None and replied[0] == question_id:
        return replied[1]
    return ReplyForm(prefix=f"reply-{question_id}")


def _forms(request: HttpRequest, page: selectors.ResponsePage) -> dict[str, Any]:
    """The forms that the reader may use now, with what they offer."""
    context: dict[str, Any] = {}
    framework = page.response.survey.framework
    if page.can_edit:
        after = _line_before(request, page)
        context |= {
            "after": after,
            "form": LineForm(
                initial=LineForm.carried(after) if after else None,
                skills=selectors.skills_asked(page.response.pk),
                businesses=sorted({line.business for line in page.lines}),
            ),
            "levels": selectors.levels_of(framework),
            "last_year": selectors.last_years_response(page.response) if not page.line_count else None,
        }
    if "ask" in page.actions:
        context["ask_form"] = QuestionForm(prefix="ask")
    if page.can_extend:
        context["extend_form"] = ExtendForm(prefix="extend")
    return context


def _line_before(request: HttpRequest, page: selectors.ResponsePage) -> DemandItem | None:
    """The line that was just added, named in the address: the next one begins with its business."""
    pk = number_from(request.GET.get("after"))
    return next((line for line in page.lines if line.pk == pk), None)


def _steps(page: selectors.ResponsePage) -> list[dict[str, str]]:
    """Where the answer stands, and what happens next."""
    names = [_("Enter the lines"), _("Submit"), _("Questions of the secretariat"), _("Supply and demand analysis")]
    dates = ["", _("until %(day)s") % {"day": jp_date(page.closes_on)}, "", ""]
    state = page.response.state
    current = {"not_started": 0, "draft": 0, "questioned": 2}.get(state, 2 if page.situation.survey_open else 3)
    return [
        {"name": name, "date": day, "state": "done" if index < current else "current" if index == current else "todo"}
        for index, (name, day) in enumerate(zip(names, dates, strict=True))
    ]


@sign_in_required
@PAGE
def demand(request: HttpRequest, pk: int) -> HttpResponse:
    """An organisation's answer: its lines, and a form for the next one."""
    if request.method != "POST":
        return _render(request, _page(request, pk))
    form = LineForm(request.POST, skills=selectors.skills_asked(pk))
    if form.is_valid():
        try:
            item = services.line_add(response_id=pk, line=form.line(), actor=user_of(request))
        except RuleViolation as refusal:
            form.add_error(None, str(refusal))
        else:
            # It stands last; a number beyond the last page, where lines were removed before, leads there too.
            last = item.position // selectors.LINES_PER_PAGE + 1
            return redirect(_address(pk, page=last, after=item.pk) + "#new-line")
    page = _page(request, pk)
    if not page.is_own:
        raise NotAllowed
    return _render(request, page, form=form, status=422)


def _address(pk: int, *, page: int = 1, after: int = 0) -> str:
    """The address of an answer, of a page of its lines, of the form after a line."""
    values = ({"after": after} if after else {}) | ({"page": page} if page > 1 else {})
    address = reverse("gaps:demand", args=[pk])
    return f"{address}?{urlencode(values)}" if values else address


# ----------------------------------------------------------------------------------------------------------- a line


@sign_in_required
@PAGE
def demand_line(request: HttpRequest, pk: int, item_id: int) -> HttpResponse:
    """Change one line; when somebody else changed it, both stand on the page."""
    if request.method != "POST":
        standing, item = _line_found(request, pk, item_id)
        if not standing.can_edit:
            messages.error(request, str(REFUSALS[standing.entry_refusal or "wrong_state"]))
            return redirect("gaps:demand", pk=pk)
        form = LineForm.for_item(item, skills=selectors.skills_asked(pk))
        return _line_page(request, standing, item, form, version=item.version)
    form, version, status = LineForm(request.POST, skills=selectors.skills_asked(pk)), _version_of(request), 422
    if form.is_valid():
        user = user_of(request)
        try:
            services.line_change(response_id=pk, item_id=item_id, version=version, line=form.line(), actor=user)
        except Conflict as conflict:
            form.add_error(None, str(conflict))
            version, status = conflict.details["version"], 409
        except RuleViolation as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, _("The line was changed."))
            return redirect(f"{_address(pk, page=number_from(request.GET.get('page')))}#line-{item_id}")
    standing, item = _line_found(request, pk, item_id)
    stored = item if status == 409 else None
    return _line_page(request, standing, item, form, version=version, stored=stored, status=status)


def _line_found(request: HttpRequest, pk: int, item_id: int) -> tuple[selectors.Standing, DemandItem]:
    """A line and the standing of its answer: 404 for what one may not know of, 403 for who may not write."""
    response = found(request, pk)
    item = get_object_or_404(selectors.lines_of(response), pk=item_id)
    standing = selectors.standing(user_of(request), response)
    if not standing.is_own:
        raise NotAllowed
    return standing, item


def _version_of(request: HttpRequest) -> int:
    return number_from(request.POST.get("version"))


def _line_page(
    request: HttpRequest,
    standing: selectors.Standing,
    item: DemandItem,
    form: LineForm,
    *,
    version: int,
    stored: DemandItem | None = None,
    status: int = 200,
) -> HttpResponse:
    context = {
        "page": standing,
        "item": item,
        "form": form,
        "version": version,
        "stored": stored,
        "levels": selectors.levels_of(standing.response.survey.framework),
    }
    return render(request, "gaps/demand_line.html", context, status=status)


@sign_in_required
@require_POST
def demand_line_remove(request: HttpRequest, pk: int, item_id: int) -> HttpResponse:
    """Remove one line, if it is still as it was seen."""
    values = {"item_id": item_id, "version": _version_of(request)}
    return _act(request, pk, lambda _done: _("The line was removed."), services.line_remove, **values)


# ----------------------------------------------------------------------------------------------------------- steps


@sign_in_required
@require_POST
def demand_copy(request: HttpRequest, pk: int) -> HttpResponse:
    """Copy last year's lines."""

    def said(done: services.Copied) -> str:
        words = ngettext("%(n)d line was copied.", "%(n)d lines were copied.", done.lines) % {"n": done.lines}
        words += " " + _("Look through them, add the periods, then submit.")
        if done.left_out:
            gone = ngettext(
                "%(n)d line was left out, since its item is no longer asked about.",
                "%(n)d lines were left out, since their items are no longer asked about.",
                done.left_out,
            )
            words += " " + gone % {"n": done.left_out}
        return words

    return _act(request, pk, said, services.copy_last_year)


@sign_in_required
@require_POST
def demand_step(request: HttpRequest, pk: int) -> HttpResponse:
    """Submit, report nothing, or open again."""
    action = request.POST.get("action", "")
    return _act(request, pk, lambda _done: str(DONE[action]), demand_steps.response_step, action=action)


@sign_in_required
@require_POST
def demand_ask(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask the organisation back."""
    form = QuestionForm(request.POST, prefix="ask")
    return _act_with_form(
        request,
        pk,
        form,
        lambda values: demand_steps.question_ask(response_id=pk, actor=user_of(request), **values),
        who=SECRETARIAT,
        done=_("The question was sent. The answer is open to the organisation again."),
        ask_form=form,
    )


@sign_in_required
@require_POST
def demand_reply(request: HttpRequest, pk: int, question_id: int) -> HttpResponse:
    """Reply to a question."""
    form = ReplyForm(request.POST, prefix=f"reply-{question_id}")
    return _act_with_form(
        request,
        pk,
        form,
        lambda values: demand_steps.question_reply(
            response_id=pk, question_id=question_id, actor=user_of(request), **values
        ),
        who=COORDINATOR,
        done=_("The reply was sent. Change lines where needed, then submit the answer again."),
        reply=(question_id, form),
    )


@sign_in_required
@require_POST
def demand_extend(request: HttpRequest, pk: int) -> HttpResponse:
    """Give one organisation more time."""
    form = ExtendForm(request.POST, prefix="extend")
    survey_id = found(request, pk).survey_id
    return _act_with_form(
        request,
        pk,
        form,
        lambda values: responses_extend(survey_id=survey_id, response_ids=[pk], actor=user_of(request), **values),
        who=SECRETARIAT,
        done=_("The closing day was moved, and the coordinators were told."),
        extend_form=form,
    )


def _act(
    request: HttpRequest, pk: int, said: Callable[[Any], str], service: Callable[..., object], **values: Any
) -> HttpResponse:
    """Call one service, which finds the answer by right, and say how it went."""
    try:
        done = service(response_id=pk, actor=user_of(request), **values)
    except RuleViolation as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, said(done))
    return redirect("gaps:demand", pk=pk)


def _act_with_form(
    request: HttpRequest,
    pk: int,
    form: forms.Form,
    service: Callable[[dict[str, Any]], object],
    *,
    who: str,
    done: str,
    **again: Any,
) -> HttpResponse:
    """Check the form, call one service, which finds the answer by right; what can't be taken stays on the page."""
    if form.is_valid():
        try:
            service(form.cleaned_data)
        except RuleViolation as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, done)
            return redirect("gaps:demand", pk=pk)
    page = _page(request, pk)
    if who not in page.capacities:
        raise NotAllowed
    return _render(request, page, status=422, **again)
