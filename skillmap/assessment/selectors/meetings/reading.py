"""How a dossier is read: everything in one query."""

from collections.abc import Iterable
from typing import Any, cast

from django.db.models import OuterRef
from django.utils.translation import gettext as _

from skillmap.assessment import rules
from skillmap.assessment.choices import Action, Actor, MeetingKind
from skillmap.assessment.models import Assessment, AssessmentEvent, DevelopmentGoal, MentorPair, OneOnOne, PrivateMemo
from skillmap.assessment.models.checks import AssessmentQuerySet
from skillmap.assessment.selectors.meetings.dossier import PARTIES, Dossier
from skillmap.assessment.selectors.meetings.parts import Goal, Line, Meeting, Memo, Mentor
from skillmap.assessment.selectors.meetings.rows import extension_rows, time_from, time_rows, window_rows, windows_from
from skillmap.assessment.selectors.situations import Capacity, situation_of, with_progress
from skillmap.core.jsonrows import JsonRows, as_date, as_moment
from skillmap.core.prepared import Prepared
from skillmap.framework.models import in_language
from skillmap.people.access import Access, access_of
from skillmap.people.models import User

# name in the JSON object -> field
_MEETING: dict[str, str] = {
    "kind": "kind",
    "held_on": "held_on",
    "way": "way",
    "mentor_name": "mentor__name",
    "by_deputy": "by_deputy",
    "shared_note": "shared_note",
    "version": "version",
    "person_note": "person_note",
    "person_version": "person_version",
}
_GOAL: dict[str, str] = {
    "pk": "pk",
    "assessment_id": "assessment_id",
    "fiscal_year": "assessment__cycle__fiscal_year",
    "text": "text",
    "due_on": "due_on",
    "state": "state",
    "version": "version",
    "skill": "skill__name",
    "skill_en": "skill__name_en",
    "carried_from": "carried_from_id",
}
_EVENT: dict[str, str] = {
    "pk": "pk",
    "action": "action",
    "who": "actor__name",
    "acting_as": "acting_as",
    "on_behalf": "on_behalf",
    "comment": "comment",
    "at": "at",
}


def _any_dossier(check: int, author: int) -> AssessmentQuerySet:
    """One check with what belongs to its 1on1s, and the memo of this author."""
    pairs = MentorPair.objects.active().filter(cycle=OuterRef("cycle_id"), mentee=OuterRef("staff_id"))
    here = {"assessment": OuterRef("pk")}
    found = (
        with_progress(Assessment.objects.filter(pk=check))
        .select_related("cycle__framework", "group", "staff__user", "organisation__parent__parent", "target_job_type")
        .annotate(
            pair_rows=JsonRows(
                pairs, staff="mentor_id", name="mentor__name", deputy="is_deputy", user="mentor__user_id"
            ),
            window_rows=window_rows(),
            extension_rows=extension_rows(),
            meeting_rows=JsonRows(OneOnOne.objects.filter(**here), **_MEETING),
            memo_rows=JsonRows(PrivateMemo.objects.filter(author=author, **here), text="text", version="version"),
            goal_rows=JsonRows(DevelopmentGoal.objects.filter(assessment__staff=OuterRef("staff_id")), **_GOAL),
            time_rows=time_rows(),
            event_rows=JsonRows(AssessmentEvent.objects.filter(**here), **_EVENT),
        )
    )
    return cast("AssessmentQuerySet", found)


_ANY_DOSSIER = Prepared(_any_dossier, check=int, author=int)
_DOSSIER_WITHIN_REACH = Prepared(
    lambda check, author, staff: _any_dossier(check, author).of_or_mentored_by(staff), check=int, author=int, staff=int
)


def _visible_to(user: User, pk: int) -> Assessment | None:
    """As `Assessment.objects.visible_to`."""
    access = access_of(user)
    if access.is_secretariat:
        rows = _ANY_DOSSIER.ask(check=pk, author=user.pk)
    else:
        rows = _DOSSIER_WITHIN_REACH.ask(check=pk, author=user.pk, staff=access.own_id)
    return rows[0] if rows else None


def dossier_of(user: User, pk: int) -> Dossier | None:
    """One check that the user may know of, with what belongs to its 1on1s; one query. None where there is none."""
    found: Any = _visible_to(user, pk)
    if found is None:
        return None
    access = access_of(user)
    mentors = _mentors(found.pair_rows)
    capacity = _capacity(access, found, mentors)
    party = bool(PARTIES & capacity.words)
    goals = [_goal(row) for row in found.goal_rows] if party else []
    return Dossier(
        assessment=found,
        situation=situation_of(found, windows_from(found.window_rows, found.extension_rows)),
        capacity=capacity,
        mentors=mentors,
        meetings=_meetings(found.meeting_rows, party=party, own=rules.SELF in capacity.words),
        memo=next((Memo(row["text"], row["version"]) for row in found.memo_rows), Memo()),
        goals=tuple(sorted((goal for goal in goals if goal.assessment_id == pk), key=lambda goal: goal.pk)),
        earlier_goals=_earlier(goals, found),
        times=tuple(time_from(row) for row in found.time_rows) if party else (),
        history=_history(found.event_rows),
    )


def _mentors(rows: list[dict[str, Any]]) -> tuple[Mentor, ...]:
    found = [Mentor(row["staff"], row["name"], bool(row["deputy"]), row["user"]) for row in rows]
    return tuple(sorted(found, key=lambda mentor: mentor.is_deputy))


def _capacity(access: Access, assessment: Assessment, mentors: Iterable[Mentor]) -> Capacity:
    """As situations.capacity_of, from pairs that are already read."""
    if access.staff_id == assessment.staff_id:
        return Capacity(frozenset({rules.SELF}))
    words = {rules.SECRETARIAT} if access.is_secretariat else set()
    words |= {
        rules.DEPUTY if mentor.is_deputy else rules.MENTOR for mentor in mentors if mentor.staff_id == access.staff_id
    }
    return Capacity(frozenset(words), on_behalf=access.is_secretariat)


def _meetings(rows: list[dict[str, Any]], *, party: bool, own: bool) -> dict[str, Meeting]:
    """Both 1on1s. Notes are for the two sides; the person reads the mentor's from the recording on."""
    found = {kind: Meeting(kind) for kind in MeetingKind.values}
    for row in rows:
        values = {**row, "held_on": as_date(row["held_on"]), "by_deputy": bool(row["by_deputy"])}
        if not party:
            values |= {"shared_note": "", "person_note": ""}
        elif own and values["held_on"] is None:
            values |= {"shared_note": ""}
        found[row["kind"]] = Meeting(**values)
    return found


def _goal(row: dict[str, Any]) -> Goal:
    name = in_language(row["skill"] or "", row["skill_en"] or "")
    values = {key: value for key, value in row.items() if key not in ("skill", "skill_en")}
    return Goal(**{**values, "due_on": as_date(row["due_on"]), "skill_name": name})


def _earlier(goals: list[Goal], check: Assessment) -> tuple[Goal, ...]:
    """Open goals of earlier checks that were not carried forward yet, oldest first."""
    here = (check.cycle.fiscal_year, check.pk)
    carried = {goal.carried_from for goal in goals}
    found = [
        goal
        for goal in goals
        if goal.is_open and goal.pk not in carried and (goal.fiscal_year, goal.assessment_id) < here
    ]
    return tuple(sorted(found, key=lambda goal: goal.pk))


def _history(rows: list[dict[str, Any]]) -> tuple[Line, ...]:
    """The steps, newest first."""
    lines = []
    for row in sorted(rows, key=lambda row: row["pk"], reverse=True):
        who = f"{row['who']} ({Actor(row['acting_as']).label})"
        if row["on_behalf"]:
            who = _("%(name)s (on behalf of the person)") % {"name": row["who"]}
        moment = as_moment(row["at"])
        assert moment is not None  # noqa: S101  the column is never NULL
        lines.append(Line(moment, who, str(Action(row["action"]).label), row["comment"]))
    return tuple(lines)
