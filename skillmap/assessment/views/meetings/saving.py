"""What the mentor's page sent, and what became of it."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.http import HttpRequest
from django.utils.translation import gettext as _

from skillmap.assessment.forms.meetings import GoalForm, read_goals, read_page
from skillmap.assessment.messages import REFUSALS
from skillmap.assessment.selectors.meetings.dossier import Dossier
from skillmap.assessment.services import goals, meetings
from skillmap.core.errors import Conflict, RuleViolation
from skillmap.framework.catalogue import catalogue_of
from skillmap.people.access import user_of


@dataclass(frozen=True)
class Sent:
    """What a page sent and what became of it; the page is drawn again with it."""

    entry: meetings.PageEntry
    outcome: meetings.PageOutcome
    goal_form: GoalForm
    goal_problems: Mapping[int, str]
    goal_typed: Mapping[int, tuple[str, str]]


def save(request: HttpRequest, dossier: Dossier) -> Sent:
    """Save all parts of the page, each by itself; what could not be saved stands in the answer."""
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
