"""Development goals agreed in a 1on1: set by the mentor, ticked by the person, carried into the next cycle."""

from dataclasses import dataclass
from datetime import date

from django.db import transaction
from django.db.models import F
from django.http import Http404

from skillmap.assessment.choices import GoalState
from skillmap.assessment.messages import REFUSALS, refuse
from skillmap.assessment.models import Assessment, DevelopmentGoal
from skillmap.assessment.selectors.meetings.dossier import Dossier
from skillmap.assessment.services.meetings import hold, refuse_unless
from skillmap.core import clock
from skillmap.core.errors import Conflict
from skillmap.framework.models import Skill
from skillmap.people.access import access_of
from skillmap.people.models import User

MOST_GOALS, LONGEST_GOAL = 20, 300


@dataclass(frozen=True)
class GoalEntry:
    """A goal as it is entered; `skill_code` of an item of the cycle's framework, or empty."""

    text: str
    due_on: date | None = None
    skill_code: str = ""


@transaction.atomic
def add_goal(*, assessment_id: int, entry: GoalEntry, actor: User) -> DevelopmentGoal:
    """Set a goal; the same open goal sent twice is one.

    Raises Http404, and RuleViolation: not a mentor's turn, text_missing, too_long, goal_day_past, goals_too_many.
    """
    dossier = hold(assessment_id, actor)
    refuse_unless(dossier.goal_refusal, dossier)
    text = _text(entry)
    same = next(
        (goal for goal in dossier.goals if goal.is_open and (goal.text, goal.due_on) == (text, entry.due_on)), None
    )
    if same is not None:
        return DevelopmentGoal.objects.get(pk=same.pk)
    _refuse_past(entry.due_on)
    if len(dossier.goals) >= MOST_GOALS:
        raise refuse("goals_too_many")
    return DevelopmentGoal.objects.create(
        assessment=dossier.assessment,
        skill=_skill(dossier, entry.skill_code),
        text=text,
        due_on=entry.due_on,
        created_by=actor,
    )


def _text(entry: GoalEntry) -> str:
    text = entry.text.strip()
    if not text:
        raise refuse("text_missing")
    if len(text) > LONGEST_GOAL:
        raise refuse("too_long")
    return text


def _refuse_past(day: date | None) -> None:
    if day is not None and day < clock.today():
        raise refuse("goal_day_past")


def _skill(dossier: Dossier, code: str) -> Skill | None:
    if not code:
        return None
    skill = Skill.objects.filter(framework=dossier.assessment.cycle.framework_id, code=code).first()
    if skill is None:
        raise Http404
    return skill


@transaction.atomic
def change_goal(*, assessment_id: int, goal_id: int, version: int, entry: GoalEntry, actor: User) -> None:
    """Change text and day of a goal if it still has the version that was seen; Conflict with the present ones.

    A day that has passed may stay (the goal is older than it), but not be set: RuleViolation goal_day_past.
    """
    dossier = hold(assessment_id, actor)
    refuse_unless(dossier.goal_refusal, dossier)
    if all((goal.pk, goal.due_on) != (goal_id, entry.due_on) for goal in dossier.goals):
        _refuse_past(entry.due_on)
    _set(dossier.assessment, goal_id, version, text=_text(entry), due_on=entry.due_on)


@transaction.atomic
def set_goal_state(*, assessment_id: int, goal_id: int, version: int, state: str, actor: User) -> None:
    """Mark a goal as reached, dropped or open again, by the mentor of a running check."""
    dossier = hold(assessment_id, actor)
    refuse_unless(dossier.goal_refusal, dossier)
    if state not in GoalState.values:
        raise refuse("unknown_action")
    _set(dossier.assessment, goal_id, version, state=state)


def _set(check: Assessment, goal_id: int, version: int, **changes: object) -> None:
    row = DevelopmentGoal.objects.filter(pk=goal_id, assessment=check)
    if row.filter(version=version).update(version=F("version") + 1, **changes):
        return
    present = row.first()
    if present is None:
        raise Http404
    details = {
        "version": present.version,
        "text": present.text,
        "due_on": present.due_on.isoformat() if present.due_on else None,
        "state": present.state,
    }
    raise Conflict(REFUSALS["changed"], code="changed", details=details)


@transaction.atomic
def tick(*, goal_id: int, reached: bool, actor: User) -> DevelopmentGoal:
    """The person's own tick: reached, or open again; also after the cycle. Http404 for anybody else's goal."""
    row = DevelopmentGoal.objects.select_for_update(of=("self",)).filter(
        pk=goal_id, assessment__staff=access_of(actor).staff_id
    )
    goal = row.first()
    if goal is None:
        raise Http404
    if goal.state == GoalState.DROPPED:
        raise refuse("changed")
    goal.state, goal.version = (GoalState.REACHED if reached else GoalState.OPEN), goal.version + 1
    goal.save(update_fields=["state", "version"])
    return goal


@transaction.atomic
def carry_forward(*, assessment_id: int, actor: User, only: int | None = None) -> int:
    """Carry open goals of earlier checks into this one, all or one of them; each once. Returns how many."""
    dossier = hold(assessment_id, actor)
    refuse_unless(dossier.goal_refusal, dossier)
    wanted = [goal.pk for goal in dossier.earlier_goals if only is None or goal.pk == only]
    if len(dossier.goals) + len(wanted) > MOST_GOALS:
        raise refuse("goals_too_many")
    known = dict(Skill.objects.filter(framework=dossier.assessment.cycle.framework_id).values_list("code", "pk"))
    old = DevelopmentGoal.objects.filter(pk__in=wanted).select_related("skill").order_by("pk")
    DevelopmentGoal.objects.bulk_create(
        DevelopmentGoal(
            assessment=dossier.assessment,
            skill_id=known.get(goal.skill.code) if goal.skill is not None else None,
            text=goal.text,
            due_on=goal.due_on,
            carried_from=goal,
            created_by=actor,
        )
        for goal in old
    )
    return len(wanted)
