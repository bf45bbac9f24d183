"""Cycles, checks, ratings and steps over REST: the same services and rights as the pages."""

from collections.abc import Callable
from typing import Any

import django_filters
from django.db.models import Prefetch, QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import mixins, viewsets
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from skillmap.assessment import rules
from skillmap.assessment.api.purposes import purpose_of
from skillmap.assessment.api.serializers import (
    AssessmentLineSerializer,
    AssessmentSerializer,
    CycleSerializer,
    RatingChangeSerializer,
    SavedRatingSerializer,
    TransitionSerializer,
)
from skillmap.assessment.choices import State
from skillmap.assessment.models import Assessment, AssessmentEvent, Cycle, SkillRating
from skillmap.assessment.selectors.situations import open_actions, with_progress
from skillmap.assessment.services.looks import look
from skillmap.assessment.services.ratings import Saved, save_rating
from skillmap.assessment.services.transitions import transition
from skillmap.core.api import PreconditionRequired, etag_of, version_from
from skillmap.core.filters import FilterSet
from skillmap.people.access import access_of, user_of

IF_MATCH = OpenApiParameter("If-Match", str, OpenApiParameter.HEADER, description="The ETag that was read.")


class CycleFilter(FilterSet):
    """Cycles by fiscal year and state."""

    class Meta:
        model = Cycle
        fields = ("fiscal_year", "state")


class CycleViewSet(viewsets.ReadOnlyModelViewSet[Cycle]):
    """Cycles with their windows."""

    read_scope = "reference:read"
    serializer_class = CycleSerializer
    filterset_class = CycleFilter
    queryset = Cycle.objects.none()
    cursor_ordering = ("-fiscal_year", "-pk")

    def get_queryset(self) -> QuerySet[Cycle]:
        """Opened cycles; drafts for the secretariat."""
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        return Cycle.objects.visible_to(user_of(self.request)).select_related("framework").prefetch_related("windows")


class AssessmentFilter(FilterSet):
    """Checks by cycle, state and organisation; never by level."""

    state = django_filters.ChoiceFilter(choices=State.choices)
    organisation = django_filters.CharFilter(field_name="organisation__code")
    staff_number = django_filters.CharFilter(field_name="staff__number")

    class Meta:
        model = Assessment
        fields = ("cycle", "state", "organisation", "staff_number")


@extend_schema_view(list=extend_schema(responses=AssessmentLineSerializer(many=True)))
class AssessmentViewSet(mixins.ListModelMixin, viewsets.GenericViewSet[Assessment]):
    """Checks that the caller may read: a list of steps, and each one with its items."""

    read_scope = "levels:read"
    write_scope = "assessments:write"
    write_answers_levels = True
    serializer_class = AssessmentSerializer
    filterset_class = AssessmentFilter
    queryset = Assessment.objects.none()
    cursor_ordering = ("pk",)
    lookup_value_regex = "[0-9]{1,18}"

    def get_serializer_class(self) -> Any:
        """Lines in the list, whole checks elsewhere."""
        return AssessmentLineSerializer if self.action == "list" else AssessmentSerializer

    def get_queryset(self) -> QuerySet[Any]:
        """`visible_to`; lists read plain values."""
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        rows = Assessment.objects.visible_to(user_of(self.request))
        if self.action != "list":
            return rows
        return rows.order_by("pk").values(
            "pk",
            "id",
            "cycle_id",
            "staff_id",
            "staff__number",
            "organisation__code",
            "state",
            "version",
            "submitted_at",
            "confirmed_at",
            "received_at",
        )

    @extend_schema(responses={200: AssessmentSerializer, 409: None})
    def retrieve(self, request: Request, pk: str = "") -> Response:
        """One check with its items, history and open steps; the look is recorded."""
        return _answer(request, int(pk))

    @extend_schema(
        request=TransitionSerializer,
        parameters=[IF_MATCH],
        responses={200: AssessmentSerializer},
    )
    def transition(self, request: Request, pk: str = "") -> Response:
        """Take one step. If-Match is required to confirm, and respected for every step."""
        payload = TransitionSerializer(data=request.data)
        payload.is_valid(raise_exception=True)
        action = payload.validated_data["action"]
        if action == "confirm" and "If-Match" not in request.headers:
            raise PreconditionRequired
        version = version_from(request) if "If-Match" in request.headers else None
        transition(
            assessment_id=int(pk),
            action=action,
            actor=user_of(request),
            comment=payload.validated_data["comment"],
            expected_version=version,
            channel="api",
        )
        return _answer(request, int(pk))


def _answer(request: Request, pk: int) -> Response:
    """One check as JSON, with its ETag; the look is recorded in the transaction that reads."""
    user = user_of(request)
    visible = with_progress(Assessment.objects.visible_to(user)).select_related("cycle", "group")
    check = get_object_or_404(visible.select_related("staff", "organisation", "target_job_type"), pk=pk)
    ratings = SkillRating.objects.select_related("skill").order_by("skill__kind", "skill__number")
    events = AssessmentEvent.objects.order_by("pk")

    def read() -> dict[str, Any]:
        rows = Assessment.objects.filter(pk=check.pk).select_related("staff", "organisation", "target_job_type")
        found = rows.prefetch_related(Prefetch("ratings", ratings), Prefetch("events", events)).get()
        found.actions = open_actions(user, check)  # type: ignore[attr-defined]
        own = access.staff_id == check.staff_id
        hidden = _hidden(check.state, own=own, office=access.is_secretariat, first_held=check.first_held)  # type: ignore[attr-defined]
        return _without(dict(AssessmentSerializer(found).data), hidden)

    access = access_of(user)
    purpose = purpose_of(request, subject_id=check.staff_id)
    body = look(read, viewer=user, staff_ids=[check.staff_id], purpose=purpose, what="check", channel="api")
    return Response(body, headers={"ETag": etag_of(body["version"])})


def _on_record(request: Request, pk: int, save: Callable[[], Saved]) -> Saved:
    """Save in a check that may be somebody else's, whose answer tells a level: a look, recorded with its purpose."""
    user = user_of(request)
    staff_id = get_object_or_404(Assessment.objects.visible_to(user).only("staff_id"), pk=pk).staff_id
    purpose = purpose_of(request, subject_id=staff_id)
    return look(save, viewer=user, staff_ids=[staff_id], purpose=purpose, what="check", channel="api")


OWN_WORDS = frozenset({"self_level", "corrected_level", "wish"})
MENTORS_WORDS = frozenset({"mentor_level", "mentor_reason"})


def _hidden(state: str, *, own: bool, office: bool, first_held: bool) -> frozenset[str]:
    """The fields of an item that this reader does not get in this state, as on the pages.

    The person gets the mentor's view from the first 1on1 on; others get answers once they are submitted.
    """
    if own:
        return frozenset() if first_held else MENTORS_WORDS
    if office:
        return frozenset()
    if state == State.WITHDRAWN:
        return OWN_WORDS | MENTORS_WORDS
    if not rules.levels_open_to_others(state):
        return OWN_WORDS
    return frozenset() if rules.correction_open_to_others(state) else frozenset({"corrected_level"})


def _without(body: dict[str, Any], hidden: frozenset[str]) -> dict[str, Any]:
    ratings = [{key: None if key in hidden else value for key, value in row.items()} for row in body["ratings"]]
    return body | {"ratings": ratings}


class RatingView(APIView):
    """One item of a check."""

    read_scope = "levels:read"
    write_scope = "assessments:write"
    write_answers_levels = True

    @extend_schema(
        request=RatingChangeSerializer,
        parameters=[IF_MATCH],
        responses={200: SavedRatingSerializer},
    )
    def patch(self, request: Request, pk: int, code: str) -> Response:
        """Change level or wish; If-Match carries the item's version, which stands in the check's `ratings`."""
        version = version_from(request)
        payload = RatingChangeSerializer(data=request.data)
        payload.is_valid(raise_exception=True)
        user = user_of(request)

        def save() -> Saved:
            return save_rating(
                assessment_id=pk,
                skill_code=code,
                version=version,
                answer=payload.validated_data,
                actor=user,
                channel="api",
            )

        saved = save() if not access_of(user).is_secretariat else _on_record(request, pk, save)
        body = {
            "skill_code": code,
            "level": saved.level,
            "wish": saved.rating.wish,
            "version": saved.rating.version,
            "answered": saved.answered,
            "items": saved.items,
        }
        return Response(body, headers={"ETag": etag_of(saved.rating.version)})
