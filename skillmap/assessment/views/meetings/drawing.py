"""The mentor's page as it is drawn: what is stored, or what was sent and could not be saved."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from skillmap.assessment.choices import MeetingKind, State
from skillmap.assessment.forms.meetings import GoalForm, RecordForm
from skillmap.assessment.messages import REFUSALS
from skillmap.assessment.selectors.meetings.dossier import Dossier
from skillmap.assessment.selectors.meetings.parts import Goal
from skillmap.assessment.selectors.talks import Talk, TalkItem
from skillmap.assessment.views.meetings.common import talk_with_look
from skillmap.assessment.views.meetings.items import Entry, Sheet
from skillmap.assessment.views.meetings.saving import Sent
from skillmap.core import clock
from skillmap.core.clock import TOKYO


@dataclass(frozen=True)
class GoalLine:
    """A goal that is there, with what stands in its fields, and what was wrong with it."""

    goal: Goal
    trouble: str
    text: str
    due_on: str


def draw(
    request: HttpRequest,
    dossier: Dossier,
    *,
    sent: Sent | None = None,
    record: RecordForm | None = None,
    problem: str = "",
    status: int = 200,
) -> HttpResponse:
    """The page, with what was sent and could not be saved."""
    talk = talk_with_look(request, dossier)
    everything = request.GET.get("all") == "1"
    can_record = dossier.record_refusal is None
    can_view = can_record and dossier.kind == MeetingKind.FIRST
    sheet = Sheet(dossier.assessment, talk.catalogue.levels, can_view, everything)
    context = {
        "dossier": dossier,
        "check": dossier.assessment,
        "talk": talk,
        "everything": everything,
        "groups": [
            (category, sheet.drawn(category, [_entry(item, sent) for item in items]))
            for category, items in talk.groups(everything=everything)
        ],
        "can_record": can_record,
        "can_finish": can_record and dossier.assessment.state == State.SUBMITTED,
        "finishing": request.POST.get("do") == "finish",
        "can_view": can_view,
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
