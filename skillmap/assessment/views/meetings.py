"""1on1s: the mentor's page, the person's page, the sheet to print; parts saved by themselves."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from skillmap.assessment.choices import Action, GoalState, MeetingKind, State
from skillmap.assessment.forms.meetings import (
    GoalForm,
    RecordForm,
    read_goals,
    read_page,
    read_text,
    read_view,
    read_words,
)
from skillmap.assessment.messages import REFUSALS
from skillmap.assessment.selectors.meetings import Dossier, Goal
from skillmap.assessment.selectors.talks import Talk, TalkItem, talk_of
from skillmap.assessment.services import goals, meetings
from skillmap.assessment.services.looks import look
from skillmap.assessment.services.transitions import transition
from skillmap.assessment.views.common import dossier_or_404, user_of
from skillmap.assessment.views.office import number
from skillmap.core import clock
from skillmap.core.choices import Purpose
from skillmap.core.clock import TOKYO
from skillmap.core.errors import Conflict, RuleViolation
from skillmap.core.htmx import json_body, sign_in_required
from skillmap.framework.catalogue import catalogue_of
from skillmap.framework.models import SkillCategory

# Messages with this tag are shown where `#goals` leads.
AT_GOALS = "goals"


def _mentors_dossier(request: HttpRequest, pk: int) -> Dossier:
    """For the mentors; 403 for the secretariat, which may know of the check but has no part in its 1on1."""
    dossier = dossier_or_404(request, pk)
    if not dossier.is_mentor:
        raise PermissionDenied
    return dossier


def _talk(request: HttpRequest, dossier: Dossier) -> Talk:
    """The items; the look at somebody else's is recorded with the read."""
    return look(
        lambda: talk_of(dossier),
        viewer=user_of(request),
        staff_ids=[dossier.assessment.staff_id] if dossier.levels_open else [],
        purpose=Purpose.MENTORING,
        what="one_on_one",
    )


# --------------------------------------------------------------------------------------------------- mentor's page


@dataclass(frozen=True)
class Entry:
    """One item with what stands in its fields: the stored view, or what was sent and could not be saved."""

    item: TalkItem
    level: int | None
    reason: str
    version: int
    conflict: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Sent:
    """What a page sent and what became of it; the page is drawn again with it."""

    entry: meetings.PageEntry
    outcome: meetings.PageOutcome
    goal_form: GoalForm
    goal_problems: Mapping[int, str]
    goal_typed: Mapping[int, tuple[str, str]]


@dataclass(frozen=True)
class GoalLine:
    """A goal that is there, with what stands in its fields, and what was wrong with it."""

    goal: Goal
    trouble: str
    text: str
    due_on: str


@sign_in_required
@require_http_methods(["GET", "HEAD", "POST"])
def one_on_one(request: HttpRequest, pk: int) -> HttpResponse:
    """Prepare, hold and record a 1on1. The person is shown the own page instead."""
    dossier = dossier_or_404(request, pk)
    if dossier.is_own:
        return redirect("assessment:my_one_on_one", pk=pk)
    if not dossier.is_mentor:
        raise PermissionDenied
    if request.method == "POST":
        return _post(request, dossier)
    return _draw(request, dossier)


def _draw(
    request: HttpRequest,
    dossier: Dossier,
    *,
    sent: Sent | None = None,
    record: RecordForm | None = None,
    problem: str = "",
    status: int = 200,
) -> HttpResponse:
    talk = _talk(request, dossier)
    everything = request.GET.get("all") == "1"
    can_record = dossier.record_refusal is None
    context = {
        "dossier": dossier,
        "check": dossier.assessment,
        "talk": talk,
        "everything": everything,
        "groups": [
            (category, [_entry(item, sent) for item in items]) for category, items in talk.groups(everything=everything)
        ],
        "can_record": can_record,
        "can_finish": can_record and dossier.assessment.state == State.SUBMITTED,
        "finishing": request.POST.get("do") == "finish",
        "can_view": can_record and dossier.kind == MeetingKind.FIRST,
        "can_goals": dossier.goal_refusal is None,
        "can_memo": dossier.memo_refusal is None,
        "refusal": "" if can_record else _refusal(dossier),
        "record": record or RecordForm(initial=_record_initial(dossier)),
        "note": _text(dossier.meeting.version, dossier.meeting.shared_note, "note", sent),
        "memo": _text(dossier.memo.version, dossier.memo.text, "memo", sent),
        "goal_form": sent.goal_form if sent is not None else GoalForm(skills=talk.catalogue.skills),
        "goal_lines": _goal_lines(dossier, sent),
        "unsaved": _unsaved(sent, talk),
        "comment": request.POST.get("comment", ""),
        "returning": bool(request.POST.get("comment")) or request.POST.get("do") == "return",
        "problem": problem,
        "reason_missing": problem == str(REFUSALS["comment_required"]),
        "page_errors": bool(problem or status != 200),
        "levels": talk.catalogue.levels,
    }
    return render(request, "assessment/one_on_one.html", context, status=status)


def _refusal(dossier: Dossier) -> str:
    """Why nothing can be recorded now, where the state itself does not say it."""
    code = dossier.record_refusal or ""
    return "" if code == "wrong_state" else str(REFUSALS[code])


def _record_initial(dossier: Dossier) -> dict[str, Any]:
    """What is recorded; else the agreed day if it has come, else today, in the agreed way."""
    meeting, agreed = dossier.meeting, dossier.agreed
    if meeting.held_on is not None:
        return {"held_on": meeting.held_on, "way": meeting.way}
    day: date = clock.today()
    if agreed is not None:
        day = min(day, agreed.starts_at.astimezone(TOKYO).date())
    return {"held_on": day, "way": agreed.way if agreed is not None else None}


def _entry(item: TalkItem, sent: Sent | None) -> Entry:
    rating, code = item.rating, item.skill.code
    if (
        sent is not None
        and code in sent.entry.views
        and (code in sent.outcome.conflicts or code in sent.outcome.refused)
    ):
        _version, view = sent.entry.views[code]
        return Entry(item, view.level, view.reason, rating.version, sent.outcome.conflicts.get(code))
    return Entry(item, rating.mentor_level, rating.mentor_reason, rating.version)


def _text(version: int, stored: str, part: str, sent: Sent | None) -> dict[str, Any]:
    """A text field: its version, what stands in it, and what is stored where somebody else was first."""
    if sent is None or part not in (*sent.outcome.conflicts, *sent.outcome.refused):
        return {"version": version, "text": stored, "conflict": None}
    written = sent.entry.note if part == "note" else sent.entry.memo
    return {
        "version": version,
        "text": written.text if written is not None else stored,
        "conflict": sent.outcome.conflicts.get(part),
    }


def _goal_lines(dossier: Dossier, sent: Sent | None) -> list[GoalLine]:
    """The goals; what was typed and refused stays in the fields."""
    problems = sent.goal_problems if sent is not None else {}
    typed = sent.goal_typed if sent is not None else {}
    lines = []
    for goal in dossier.goals:
        stored = (goal.text, goal.due_on.isoformat() if goal.due_on is not None else "")
        lines.append(GoalLine(goal, problems.get(goal.pk, ""), *typed.get(goal.pk, stored)))
    return lines


def _unsaved(sent: Sent | None, talk: Talk) -> list[dict[str, str]]:
    """What was refused, with its text, so that it can be kept even where the field is gone."""
    if sent is None:
        return []
    names = {item.skill.code: f"{item.skill.number}. {item.skill.label}" for item in talk.items}
    names |= {"note": _("Shared note"), "memo": _("Private memo")}
    texts = {code: view.reason for code, (_version, view) in sent.entry.views.items()}
    texts |= {
        "note": sent.entry.note.text if sent.entry.note else "",
        "memo": sent.entry.memo.text if sent.entry.memo else "",
    }
    return [
        {"label": names.get(part, part), "message": message, "text": texts.get(part, "")}
        for part, message in sent.outcome.refused.items()
    ]


def _post(request: HttpRequest, dossier: Dossier) -> HttpResponse:
    """Save everything that the page holds first, then do what was pressed: nothing that was written gets lost."""
    pk = dossier.assessment.pk
    sent = _save(request, dossier)
    fresh = _mentors_dossier(request, pk)
    if not sent.outcome.is_clean or sent.goal_problems or sent.goal_form.errors:
        status = 409 if sent.outcome.conflicts or sent.goal_problems else 422
        return _draw(request, fresh, sent=sent, record=_posted_record(request), status=status)
    action = request.POST.get("do", "save")
    if action in ("finish", "record"):
        return _record(request, fresh, sent, finish=action == "finish")
    try:
        anchor = _do(request, pk, action)
    except Http404:
        raise
    except RuleViolation as refusal:
        return _draw(request, fresh, problem=str(refusal), record=_posted_record(request), status=422)
    return redirect(_address(request, "one_on_one", pk, anchor))


def _address(request: HttpRequest, name: str, pk: int, anchor: str = "") -> str:
    query = "?all=1" if request.GET.get("all") == "1" else ""
    return reverse(f"assessment:{name}", args=[pk]) + query + anchor


def _posted_record(request: HttpRequest) -> RecordForm | None:
    """The day and way that were sent, kept in their fields."""
    if "held_on" not in request.POST and "way" not in request.POST:
        return None
    return RecordForm(initial={"held_on": request.POST.get("held_on"), "way": request.POST.get("way")})


def _save(request: HttpRequest, dossier: Dossier) -> Sent:
    pk, user = dossier.assessment.pk, user_of(request)
    entry = read_page(request.POST)
    outcome = meetings.save_page(assessment_id=pk, entry=entry, actor=user)
    problems, typed = _save_goals(request, dossier)
    goal_form = GoalForm(request.POST, skills=catalogue_of(dossier.assessment.cycle.framework).skills)
    if goal_form.is_valid():
        _add_goal(request, pk, goal_form)
    return Sent(entry, outcome, goal_form, problems, typed)


def _save_goals(request: HttpRequest, dossier: Dossier) -> tuple[dict[int, str], dict[int, tuple[str, str]]]:
    """Save the goals that stand on the page; what was wrong, and what was typed where it may simply be mended."""
    pk, user = dossier.assessment.pk, user_of(request)
    problems: dict[int, str] = {}
    typed: dict[int, tuple[str, str]] = {}
    stored = {goal.pk: goal for goal in dossier.goals}
    for goal_id, form in read_goals(request.POST).items():
        present = stored.get(goal_id)
        if present is None or not form.is_valid():
            problems[goal_id] = _("Please look at the text and the day again.")
            typed[goal_id] = _typed(request, goal_id)
            continue
        values = form.cleaned_data
        if (values["text"].strip(), values["due_on"]) == (present.text, present.due_on):
            continue
        change = goals.GoalEntry(values["text"], values["due_on"])
        try:
            goals.change_goal(assessment_id=pk, goal_id=goal_id, version=values["version"], entry=change, actor=user)
        except Conflict as conflict:
            problems[goal_id] = str(conflict)
        except RuleViolation as refusal:
            problems[goal_id] = str(refusal)
            typed[goal_id] = _typed(request, goal_id)
    return problems, typed


def _typed(request: HttpRequest, goal_id: int) -> tuple[str, str]:
    """Text and day of a goal as they were sent."""
    return request.POST.get(f"goal-{goal_id}-text", ""), request.POST.get(f"goal-{goal_id}-due_on", "")


def _add_goal(request: HttpRequest, pk: int, form: GoalForm) -> None:
    """Add the goal that was entered; pressed without a text, the button says what is missing."""
    new = form.entry()
    if new is None:
        begun = bool(form.cleaned_data["due_on"] or form.cleaned_data["skill_code"])
        action = request.POST.get("do")
        if action == "add" or (begun and action != "return"):
            form.add_error("text", str(REFUSALS["text_missing"]))
        return
    try:
        goals.add_goal(assessment_id=pk, entry=new, actor=user_of(request))
    except RuleViolation as refusal:
        form.add_error("due_on" if refusal.code == "goal_day_past" else "text", str(refusal))


def _record(request: HttpRequest, dossier: Dossier, sent: Sent, *, finish: bool) -> HttpResponse:
    pk, user = dossier.assessment.pk, user_of(request)
    form = RecordForm(request.POST)
    if not form.is_valid():
        return _draw(request, dossier, record=form, status=422)
    day, way = form.cleaned_data["held_on"], form.cleaned_data["way"]
    try:
        if finish:
            meetings.finish_first(assessment_id=pk, held_on=day, way=way, actor=user)
        else:
            meetings.record_meeting(assessment_id=pk, kind=sent.entry.kind, held_on=day, way=way, actor=user)
    except RuleViolation as refusal:
        form.add_error("held_on" if refusal.code.startswith("held_") else None, str(refusal))
        return _draw(request, dossier, record=form, status=422)
    if finish:
        messages.success(request, _("The first 1on1 is finished. The person can correct the levels now."))
    else:
        messages.success(request, _("The 1on1 is recorded."))
    return redirect(_address(request, "one_on_one", pk))


def _do(request: HttpRequest, pk: int, action: str) -> str:
    """Carry out one button; returns where on the page to go on."""
    user = user_of(request)
    if action == "return":
        transition(assessment_id=pk, action=Action.RETURN, actor=user, comment=request.POST.get("comment", ""))
        messages.success(request, _("The check is returned with your reason. The person is told."))
        return ""
    if action == "carry":
        count = goals.carry_forward(assessment_id=pk, actor=user)
        messages.success(request, _("%(count)d goals were carried forward.") % {"count": count}, extra_tags=AT_GOALS)
        return "#goals"
    if action == "add":
        messages.success(request, _("The goal is added."), extra_tags=AT_GOALS)
        return "#goals"
    word, _dash, rest = action.partition("-")
    goal, _dash, version = rest.partition("-")
    states = {"reached": GoalState.REACHED, "dropped": GoalState.DROPPED, "reopened": GoalState.OPEN}
    if word in states and goal.isdecimal() and version.isdecimal():
        state = states[word]
        goals.set_goal_state(assessment_id=pk, goal_id=int(goal), version=int(version), state=state, actor=user)
        messages.success(
            request, _("The goal is now: %(state)s") % {"state": GoalState(state).label}, extra_tags=AT_GOALS
        )
        return "#goals"
    messages.success(request, _("Saved."))
    return ""


# ------------------------------------------------------------------------------------------- parts saved by a script


def _answer(save: Callable[[], int]) -> JsonResponse:
    """Run a save; 409 with what is stored where somebody else was first, 422 where the rules say no."""
    try:
        version = save()
    except Conflict as conflict:
        return JsonResponse({"message": str(conflict), "code": conflict.code, **conflict.details}, status=409)
    except RuleViolation as refusal:
        return JsonResponse({"message": str(refusal), "code": refusal.code}, status=422)
    return JsonResponse({"version": version})


def _unreadable() -> JsonResponse:
    return JsonResponse({"message": _("The entry could not be read. Please load the page again.")}, status=400)


@sign_in_required
@require_POST
def one_on_one_view(request: HttpRequest, pk: int, code: str) -> JsonResponse:
    """Save the mentor's view of one item."""
    entry = read_view(json_body(request))
    if entry is None:
        return _unreadable()
    return _answer(
        lambda: meetings.save_view(
            assessment_id=pk, skill_code=code, version=entry["version"], view=entry["view"], actor=user_of(request)
        )
    )


@sign_in_required
@require_POST
def one_on_one_text(request: HttpRequest, pk: int, part: str) -> JsonResponse:
    """Save one text: the mentor's `note` or `memo`, the person's `words`."""
    entry = read_text(json_body(request))
    if entry is None:
        return _unreadable()
    kind, text, actor = entry["kind"], entry["text"], user_of(request)
    saves: dict[str, Callable[[], int]] = {
        "note": lambda: meetings.save_note(assessment_id=pk, kind=kind, note=text, actor=actor),
        "memo": lambda: meetings.save_memo(assessment_id=pk, memo=text, actor=actor),
        "words": lambda: meetings.save_words(assessment_id=pk, kind=kind, words=text, actor=actor),
    }
    if part not in saves:
        raise Http404
    return _answer(saves[part])


# ---------------------------------------------------------------------------------------------------- person's page


@sign_in_required
@require_http_methods(["GET", "HEAD", "POST"])
def my_one_on_one(request: HttpRequest, pk: int) -> HttpResponse:
    """The person's side: own words, what was agreed, the mentor's view, goals."""
    dossier = dossier_or_404(request, pk)
    if not dossier.is_own:
        raise Http404
    if request.method == "POST":
        return _save_words(request, dossier)
    return _draw_mine(request, dossier)


def _draw_mine(
    request: HttpRequest,
    dossier: Dossier,
    *,
    words: Mapping[str, Any] | None = None,
    problem: str = "",
    status: int = 200,
) -> HttpResponse:
    talk = talk_of(dossier)
    stored = {"version": dossier.meeting.person_version, "text": dossier.meeting.person_note, "conflict": None}
    seen = [item for item in talk.items if item.rating.mentor_level is not None] if dossier.situation.first_held else []
    views = [item for item in seen if item.mentor_differs or item.rating.mentor_reason]
    context = {
        "dossier": dossier,
        "check": dossier.assessment,
        "views": views,
        "same_views": len(seen) - len(views),
        "words": words or stored,
        "can_write": dossier.words_refusal is None and bool(dossier.mentors),
        "is_over": not dossier.situation.cycle_open or dossier.assessment.state in (State.RECEIVED, State.WITHDRAWN),
        "past_mentor": dossier.held[-1].mentor_name if dossier.held else "",
        "problem": problem,
        "page_errors": bool(problem or status != 200),
    }
    return render(request, "assessment/one_on_one_mine.html", context, status=status)


def _save_words(request: HttpRequest, dossier: Dossier) -> HttpResponse:
    pk, words = dossier.assessment.pk, read_words(request.POST)
    if words is None:
        raise Http404
    try:
        meetings.save_words(assessment_id=pk, kind=request.POST.get("kind", ""), words=words, actor=user_of(request))
    except Conflict as conflict:
        shown = {"version": conflict.details["version"], "text": words.text, "conflict": conflict.details}
        return _draw_mine(request, dossier, words=shown, status=409)
    except RuleViolation as refusal:
        shown = {"version": words.version, "text": words.text, "conflict": None}
        return _draw_mine(request, dossier, words=shown, problem=str(refusal), status=422)
    messages.success(request, _("Saved. Your mentor can read it."))
    return redirect("assessment:my_one_on_one", pk=pk)


@sign_in_required
@require_POST
def goal_tick(request: HttpRequest, pk: int) -> HttpResponse:
    """The person's own tick: reached, or open again; back to the page where it was pressed."""
    page = number(request.POST.get("page"))
    try:
        goal = goals.tick(goal_id=pk, reached=request.POST.get("reached") == "1", actor=user_of(request))
    except RuleViolation as refusal:
        messages.error(request, str(refusal), extra_tags=AT_GOALS)
        return redirect("portal:home") if page is None else redirect(_own_goals(page))
    if goal.state == GoalState.REACHED:
        messages.success(request, _("Marked as reached. Well done."), extra_tags=AT_GOALS)
    else:
        messages.success(request, _("The goal is open again."), extra_tags=AT_GOALS)
    return redirect(_own_goals(goal.assessment_id if page is None else page))


def _own_goals(pk: int) -> str:
    return reverse("assessment:my_one_on_one", args=[pk]) + "#goals"


# ------------------------------------------------------------------------------------------------------------ sheet


@sign_in_required
@require_GET
def meeting_sheet(request: HttpRequest, pk: int) -> HttpResponse:
    """A sheet for the table: what differs, last goals, room for notes; for both sides."""
    dossier = dossier_or_404(request, pk)
    if not dossier.is_party:
        raise PermissionDenied
    talk = _talk(request, dossier)
    groups: list[tuple[SkillCategory, list[TalkItem]]] = talk.groups(everything=request.GET.get("all") == "1")
    context = {
        "dossier": dossier,
        "check": dossier.assessment,
        "talk": talk,
        "groups": groups,
        "show_views": dossier.is_mentor or dossier.situation.first_held,
    }
    return render(request, "assessment/meeting_sheet.html", context)
