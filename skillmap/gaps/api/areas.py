"""Priority areas over REST: the same services, selectors and rights as the pages."""

from typing import Any

import django_filters
from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.urls import reverse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.request import Request
from rest_framework.response import Response

from skillmap.core.api import StrictSerializer, etag_of, version_from
from skillmap.core.filters import FilterSet
from skillmap.gaps.choices import AreaState
from skillmap.gaps.models import GapRun, PriorityArea
from skillmap.gaps.selectors import areas as reads
from skillmap.gaps.services import areas as services
from skillmap.people.access import access_of, user_of
from skillmap.people.models import User

IF_MATCH = OpenApiParameter(
    "If-Match", str, OpenApiParameter.HEADER, description="The ETag of the decision that this one replaces."
)


class PriorityAreaSerializer(serializers.Serializer[PriorityArea]):
    """A decision about a skill for a fiscal year; by default only adopted ones are listed."""

    id = serializers.IntegerField(source="pk")
    fiscal_year = serializers.IntegerField()
    skill_code = serializers.CharField(source="skill.code")
    skill_number = serializers.IntegerField(source="skill.number")
    skill_name = serializers.CharField(source="skill.name")
    skill_name_en = serializers.CharField(source="skill.name_en")
    state = serializers.ChoiceField(choices=AreaState.choices)
    demand_rank = serializers.IntegerField(allow_null=True)
    supply_rank = serializers.IntegerField(allow_null=True)
    by_hand = serializers.BooleanField()
    reason = serializers.SerializerMethodField(
        help_text="Why it was added by hand, refused or withdrawn; empty for all but the secretariat."
    )
    adopted_on = serializers.SerializerMethodField(help_text="Null where it is not adopted.")
    decided_on = serializers.DateField()
    run = serializers.IntegerField(source="run_id", allow_null=True)
    version = serializers.IntegerField()

    def get_reason(self, area: PriorityArea) -> str:
        """Written for the secretariat alone, as the form says."""
        return area.reason if access_of(user_of(self.context["request"])).is_secretariat else ""

    def get_adopted_on(self, area: PriorityArea) -> str | None:
        """The day of the decision."""
        return area.decided_on.isoformat() if area.state == AreaState.ADOPTED else None


class AdoptionSerializer(StrictSerializer):
    """An item to adopt: proposed by a run, or by hand with a reason."""

    skill_code = serializers.CharField(max_length=40)
    run = serializers.IntegerField(min_value=1, required=False, help_text="A published run.")
    fiscal_year = serializers.IntegerField(
        min_value=2000, max_value=2100, required=False, help_text="Of an item added by hand without a run."
    )
    reason = serializers.CharField(
        max_length=500, required=False, help_text="Given, the item is added by hand; it need not be proposed."
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """A run tells the year; without one, year and reason are needed."""
        if "run" in attrs and "fiscal_year" in attrs:
            raise serializers.ValidationError({"fiscal_year": ["The run tells the fiscal year."]})
        if "run" not in attrs:
            missing = [name for name in ("fiscal_year", "reason") if name not in attrs]
            if missing:
                raise serializers.ValidationError({name: ["Needed without a run."] for name in missing})
        return attrs


class PriorityAreaFilter(FilterSet):
    """Areas by fiscal year; other states than adopted on request."""

    state = django_filters.ChoiceFilter(choices=AreaState.choices)

    class Meta:
        model = PriorityArea
        fields = ("fiscal_year", "state")


class PriorityAreaViewSet(mixins.ListModelMixin, viewsets.GenericViewSet[PriorityArea]):
    """Priority areas: adopted ones for everyone signed in, other decisions for the secretariat."""

    read_scope = "reports:read"
    write_scope = "runs:write"
    serializer_class = PriorityAreaSerializer
    filterset_class = PriorityAreaFilter
    queryset = PriorityArea.objects.none()
    cursor_ordering = reads.ORDER
    lookup_value_regex = "[0-9]{1,18}"

    def get_queryset(self) -> QuerySet[PriorityArea]:
        """Adopted ones; what the secretariat asks for by state, or by id."""
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        wants_all = self.action != "list" or "state" in self.request.query_params
        if wants_all and access_of(user_of(self.request)).is_secretariat:
            return reads.areas(states=AreaState.values)
        return reads.areas()

    @extend_schema(responses={200: PriorityAreaSerializer})
    def retrieve(self, request: Request, pk: str = "") -> Response:
        """One decision, with its ETag."""
        return self._answer(get_object_or_404(self.get_queryset(), pk=pk))

    @extend_schema(
        request=AdoptionSerializer,
        parameters=[IF_MATCH],
        responses={201: PriorityAreaSerializer},
    )
    def create(self, request: Request) -> Response:
        """Adopt an item. One that was refused or withdrawn before needs If-Match with the ETag of that decision."""
        payload = AdoptionSerializer(data=request.data)
        payload.is_valid(raise_exception=True)
        version = version_from(request) if "If-Match" in request.headers else None
        area = _adopt(payload.validated_data, version, user_of(request))
        return self._answer(area, status.HTTP_201_CREATED)

    def _answer(self, area: PriorityArea, code: int = status.HTTP_200_OK) -> Response:
        headers = {"ETag": etag_of(area.version)}
        if code == status.HTTP_201_CREATED:
            headers["Location"] = reverse("gaps-api:priority-area-detail", args=[area.pk])
        return Response(self.get_serializer(area).data, status=code, headers=headers)


def _adopt(values: dict[str, Any], version: int | None, actor: User) -> PriorityArea:
    code, run_id = values["skill_code"], values.get("run")
    if "reason" not in values:
        versions = {code: version} if version is not None else None
        (area,) = services.area_adopt(run_id=run_id or 0, skill_codes=[code], actor=actor, versions=versions)
        return area
    year = values.get("fiscal_year")
    if year is None:
        year = get_object_or_404(GapRun.objects.visible_to(actor), pk=run_id).fiscal_year
    return services.area_add(
        fiscal_year=year, skill_code=code, reason=values["reason"], actor=actor, run_id=run_id, version=version
    )
