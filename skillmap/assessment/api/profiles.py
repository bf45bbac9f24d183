"""Confirmed levels over REST: those of one person, and of many a page at a time. Each look is recorded."""

from datetime import date
from operator import itemgetter
from typing import Any

from django.db.models import QuerySet
from django.http import Http404
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import serializers, viewsets
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from skillmap.assessment.api.purposes import NOTICE, purpose_of
from skillmap.assessment.api.serializers import PersonLevelsSerializer, ProfileSerializer
from skillmap.assessment.models import ConfirmedLevel
from skillmap.assessment.selectors.profile import LevelsAlike, levels_of, levels_together, people_with_levels
from skillmap.assessment.services.looks import look
from skillmap.core import clock
from skillmap.core.api import day_from
from skillmap.people.access import user_of
from skillmap.people.filters import StaffFilter
from skillmap.people.models import Staff

DAYS = [
    OpenApiParameter("as_of", date, description="As known at the end of this day (Asia/Tokyo)."),
    OpenApiParameter("valid_on", date, description="What held on this day, by today's knowledge."),
]


class ProfileView(APIView):
    """The confirmed profile of one person."""

    read_scope = "levels:read"

    @extend_schema(parameters=DAYS, responses={200: ProfileSerializer, 409: None})
    def get(self, request: Request, pk: int) -> Response:
        """Confirmed levels now, as of a day, or valid on a day; the look is recorded."""
        user = user_of(request)
        if not people_with_levels(user).filter(pk=pk).exists():
            raise Http404
        as_of, valid_on = _days(request)
        purpose = purpose_of(request, subject_id=pk)
        rows = look(
            lambda: list(levels_of([pk], viewer=user, as_of=as_of, valid_on=valid_on)),
            viewer=user,
            staff_ids=[pk],
            purpose=purpose,
            what="profile",
            channel="api",
        )
        body = {"staff": pk, "as_of": as_of, "valid_on": valid_on, "purpose": purpose, "notice": NOTICE, "levels": rows}
        return Response(ProfileSerializer(body).data)


@extend_schema_view(list=extend_schema(parameters=DAYS, responses={200: PersonLevelsSerializer(many=True), 409: None}))
class ProfilesViewSet(viewsets.GenericViewSet[Staff]):
    """The confirmed levels of everyone whose levels the caller may read, in the order of their ids."""

    read_scope = "levels:read"
    serializer_class = PersonLevelsSerializer
    filterset_class = StaffFilter
    queryset = Staff.objects.none()
    cursor_ordering = ("pk",)

    def get_queryset(self) -> QuerySet[Staff]:
        """Oneself, present mentees, for the secretariat everyone."""
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        return people_with_levels(user_of(self.request))

    def list(self, request: Request) -> Response:
        """A cursor page of people with their levels now, as of a day, or valid on a day; each look is recorded."""
        user, (as_of, valid_on) = user_of(request), _days(request)
        purpose = purpose_of(request)
        people = self.paginate_queryset(self.filter_queryset(self.get_queryset()).values("pk", "number")) or []
        ids = [person["pk"] for person in people]
        levels = look(
            lambda: _by_person(levels_of(ids, viewer=user, as_of=as_of, valid_on=valid_on)),
            viewer=user,
            staff_ids=ids,
            purpose=purpose,
            what="profile",
            channel="api",
        )
        return self.get_paginated_response(
            [
                {"staff": person["pk"], "number": person["number"], "levels": levels.get(person["pk"], [])}
                for person in people
            ]
        )


def _by_person(rows: QuerySet[ConfirmedLevel]) -> dict[int, list[dict[str, Any]]]:
    """Levels by person in the form of the serializer, in item order: plain values, a page has thousands."""
    found: dict[int, list[LevelsAlike]] = {}
    for alike in levels_together(rows):
        found.setdefault(alike.staff_id, []).append(alike)
    return {staff_id: _levels(together) for staff_id, together in found.items()}


def _levels(together: list[LevelsAlike]) -> list[dict[str, Any]]:
    """One person's levels, in item order."""
    if len(together) == 1:
        return _rows(together[0])
    pairs = [pair for alike in together for pair in zip(alike.items, _rows(alike), strict=True)]
    return [row for _item, row in sorted(pairs, key=itemgetter(0))]


def _rows(alike: LevelsAlike) -> list[dict[str, Any]]:
    """Each level with what it has in common with the others."""
    valid_from = alike.valid_from.isoformat()
    valid_to = alike.valid_to.isoformat() if alike.valid_to is not None else None
    recorded_at, source = alike.recorded_at.astimezone(clock.TOKYO).isoformat(), alike.source
    return [
        {
            "skill_code": code,
            "level": level,
            "valid_from": valid_from,
            "valid_to": valid_to,
            "recorded_at": recorded_at,
            "source": source,
        }
        for _kind, _number, code, level in alike.items
    ]


def _days(request: Request) -> tuple[date | None, date | None]:
    """What was asked for: as of a day, valid on a day, or neither; 400 where it can't be."""
    as_of, valid_on = day_from(request, "as_of"), day_from(request, "valid_on")
    if as_of is not None and as_of > clock.today():
        raise serializers.ValidationError({"as_of": [_("Choose a day that is not in the future.")]})
    if as_of is not None and valid_on is not None:
        raise serializers.ValidationError({"valid_on": [_("Give either as_of or valid_on.")]})
    return as_of, valid_on
