"""1on1s of a check over REST: the record, the mentor's views, goals; never a private memo."""

from typing import Any

from django.db import transaction
from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from skillmap.assessment import meeting_rules
from skillmap.assessment.api.purposes import NOTICE, purpose_of
from skillmap.assessment.choices import GoalState, MeetingKind, MeetingWay
from skillmap.assessment.messages import refuse
from skillmap.assessment.models import SkillRating
from skillmap.assessment.selectors.meetings.dossier import Dossier
from skillmap.assessment.selectors.meetings.parts import Meeting
from skillmap.assessment.selectors.meetings.reading import dossier_of
from skillmap.assessment.services import goals, meetings
from skillmap.assessment.services.looks import look
from skillmap.core.api import StrictSerializer
from skillmap.people.models import User


class MentorViewSerializer(StrictSerializer):
    """How the mentor sees one item; `version` is the item's and is given back to change it."""

    skill_code = serializers.CharField(max_length=40)
    level = serializers.IntegerField(min_value=0, max_value=3, allow_null=True)
    reason = serializers.CharField(
        max_length=meetings.LONGEST_REASON, allow_blank=True, required=False, default="", trim_whitespace=True
    )
    version = serializers.IntegerField(min_value=1, max_value=2**31 - 1)


class GoalSerializer(serializers.Serializer[Any]):
    """A development goal."""

    id = serializers.IntegerField(source="pk")
    text = serializers.CharField()
    due_on = serializers.DateField(allow_null=True)
    state = serializers.ChoiceField(choices=GoalState.choices)
    skill_name = serializers.CharField(allow_blank=True)


class NewGoalSerializer(StrictSerializer):
    """A goal to set."""

    text = serializers.CharField(max_length=goals.LONGEST_GOAL)
    due_on = serializers.DateField(required=False, allow_null=True, default=None)
    skill_code = serializers.CharField(max_length=40, required=False, allow_blank=True, default="")


class OneOnOneSerializer(serializers.Serializer[Any]):
    """One 1on1. The notes are null for everybody but the person and the current mentors.

    `held_on` is null while it is only prepared. `version` counts the mentor's side.
    """

    kind = serializers.ChoiceField(choices=MeetingKind.choices)
    held_on = serializers.DateField(allow_null=True)
    way = serializers.CharField(allow_blank=True, help_text="in_person, online, or empty while it is only prepared")
    mentor = serializers.CharField(source="mentor_name", allow_blank=True)
    by_deputy = serializers.BooleanField()
    shared_note = serializers.CharField(allow_null=True)
    person_note = serializers.CharField(allow_null=True)
    version = serializers.IntegerField()


class OneOnOnesSerializer(serializers.Serializer[Any]):
    """The 1on1s of a check, with the mentor's views and the goals (null for everybody but the two sides)."""

    assessment = serializers.IntegerField()
    purpose = serializers.CharField(allow_blank=True)
    notice = serializers.CharField()
    results = OneOnOneSerializer(many=True)
    mentor_views = MentorViewSerializer(many=True)
    goals = GoalSerializer(many=True, allow_null=True)


class RecordSerializer(StrictSerializer):
    """A 1on1 to record; `version` is needed where a draft of the note is there already."""

    kind = serializers.ChoiceField(choices=MeetingKind.choices)
    held_on = serializers.DateField()
    way = serializers.ChoiceField(choices=MeetingWay.choices)
    shared_note = serializers.CharField(
        max_length=meetings.LONGEST_NOTE, allow_blank=True, required=False, trim_whitespace=False
    )
    version = serializers.IntegerField(min_value=0, max_value=2**31 - 1, required=False, default=0)
    mentor_views = MentorViewSerializer(many=True, required=False, default=list)
    goals = NewGoalSerializer(many=True, required=False, default=list)


def _dossier(user: User, pk: int) -> Dossier:
    found = dossier_of(user, pk)
    if found is None or not found.words:
        raise Http404
    return found


def _meeting(meeting: Meeting, dossier: Dossier) -> dict[str, Any]:
    """One 1on1 as the caller may read it."""
    row = {name: getattr(meeting, name) for name in ("kind", "held_on", "way", "mentor_name", "by_deputy", "version")}
    party = dossier.is_party
    return row | {
        "shared_note": meeting.shared_note if party else None,
        "person_note": meeting.person_note if party else None,
    }


def _is_shown(meeting: Meeting, dossier: Dossier) -> bool:
    """Held ones; before that the two sides see that something is prepared for them."""
    prepared = meeting.version if dossier.is_mentor else 0
    return meeting.held_on is not None or (dossier.is_party and bool(prepared or meeting.person_version))


def _views(dossier: Dossier) -> list[dict[str, Any]]:
    """The mentor's views: for the mentors at any time, for others from the first 1on1 on, never of a draft."""
    shown = dossier.is_mentor or dossier.situation.first_held
    if not shown or not dossier.levels_open:
        return []
    rows = SkillRating.objects.filter(assessment=dossier.assessment, mentor_level__isnull=False)
    return [
        {"skill_code": code, "level": level, "reason": reason, "version": version}
        for code, level, reason, version in rows.order_by("skill__kind", "skill__number").values_list(
            "skill__code", "mentor_level", "mentor_reason", "version"
        )
    ]


class OneOnOnesView(APIView):
    """The 1on1s of one check."""

    read_scope = "levels:read"
    write_scope = "assessments:write"
    write_answers_levels = True

    @extend_schema(responses={200: OneOnOnesSerializer, 409: None})
    def get(self, request: Request, pk: int) -> Response:
        """What is recorded and agreed; a look at somebody else's is recorded."""
        return Response(_answer(request, pk))

    # 412 without If-Match: the versions stand in the body, one for each text.
    @extend_schema(request=RecordSerializer, responses={201: OneOnOnesSerializer, 412: None})
    def post(self, request: Request, pk: int) -> Response:
        """Record a 1on1 with views and goals, together or not at all; by a mentor of the person.

        The step `review` is taken by `transition/` afterwards.
        """
        payload = RecordSerializer(data=request.data)
        payload.is_valid(raise_exception=True)
        assert isinstance(request.user, User)  # noqa: S101  the permission class lets nobody else in
        _record(pk, payload.validated_data, request.user)
        return Response(_answer(request, pk), status=status.HTTP_201_CREATED)


@transaction.atomic
def _record(pk: int, values: dict[str, Any], actor: User) -> None:
    dossier = meetings.hold(pk, actor)
    if not dossier.words:
        raise Http404
    meetings.refuse_unless(meeting_rules.record_refusal(values["kind"], dossier.situation, dossier.words), dossier)
    if dossier.meetings[values["kind"]].held_on is not None:
        raise refuse("already_held")
    for view in values["mentor_views"]:
        meetings.save_view(
            assessment_id=pk,
            skill_code=view["skill_code"],
            version=view["version"],
            view=meetings.View(view["level"], view["reason"]),
            actor=actor,
        )
    note = meetings.Text(values["version"], values["shared_note"]) if "shared_note" in values else None
    meetings.record_meeting(
        assessment_id=pk,
        kind=values["kind"],
        held_on=values["held_on"],
        way=values["way"],
        note=note,
        actor=actor,
        channel="api",
    )
    for goal in values["goals"]:
        entry = goals.GoalEntry(goal["text"], goal["due_on"], goal["skill_code"])
        goals.add_goal(assessment_id=pk, entry=entry, actor=actor)


def _answer(request: Request, pk: int) -> dict[str, Any]:
    user = request.user
    assert isinstance(user, User)  # noqa: S101  the permission class lets nobody else in
    dossier = _dossier(user, pk)
    subject = dossier.assessment.staff_id
    purpose = purpose_of(request, subject_id=subject)
    views = look(
        lambda: _views(dossier),
        viewer=user,
        staff_ids=[subject] if dossier.levels_open else [],
        purpose=purpose,
        what="one_on_one",
        channel="api",
    )
    body = {
        "assessment": pk,
        "purpose": purpose,
        "notice": NOTICE,
        "results": [
            _meeting(meeting, dossier)
            for kind in MeetingKind.values
            if _is_shown(meeting := dossier.meetings[kind], dossier)
        ],
        "mentor_views": views,
        "goals": dossier.goals if dossier.is_party else None,
    }
    return dict(OneOnOnesSerializer(body).data)
