"""Gap runs over REST: the same services, selectors and rights as the pages."""

from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.urls import reverse
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema, extend_schema_view
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.request import Request
from rest_framework.response import Response

from skillmap.core.api import StrictSerializer
from skillmap.core.choices import JobState
from skillmap.core.filters import FilterSet
from skillmap.gaps.choices import LevelBasis
from skillmap.gaps.models import GapRun
from skillmap.gaps.run_messages import refuse
from skillmap.gaps.selectors.runs.headcounts import GapRow, gap_rows
from skillmap.gaps.selectors.runs.places import WHOLE, Place, place_of
from skillmap.gaps.selectors.runs.ranks import SkillLine, run_result
from skillmap.gaps.selectors.runs.visible import runs_for
from skillmap.gaps.services import runs as services
from skillmap.people.access import user_of


class SettingsSerializer(serializers.Serializer[Any]):
    """What a run computes by."""

    population = serializers.ListField(child=serializers.CharField(), help_text="Occupations that count as supply.")
    supply_level = serializers.IntegerField(help_text="A person counts as supply from this level on.")
    top_share = serializers.ListField(
        child=serializers.IntegerField(), help_text='Numerator and denominator of the share that is "top".'
    )
    k = serializers.IntegerField(help_text="Smallest number of people of which a figure is shown.")


class GapRunSerializer(serializers.Serializer[GapRun]):
    """A run: what it was asked to compare, and how far it is."""

    id = serializers.IntegerField(source="pk")
    fiscal_year = serializers.IntegerField()
    cycle = serializers.IntegerField(source="cycle_id")
    survey = serializers.IntegerField(source="survey_id")
    framework = serializers.CharField(source="framework.code")
    basis = serializers.ChoiceField(choices=LevelBasis.choices)
    settings = serializers.SerializerMethodField()
    state = serializers.SerializerMethodField()
    progress = serializers.SerializerMethodField(help_text="Per cent done.")
    message = serializers.SerializerMethodField(help_text="What it is doing, or why it failed.")
    people = serializers.IntegerField(allow_null=True, help_text="People counted; null until finished, or if hidden.")
    snapshot_at = serializers.DateTimeField(allow_null=True)
    finished_at = serializers.DateTimeField(allow_null=True)
    published_at = serializers.DateTimeField(allow_null=True)

    def get_settings(self, run: GapRun) -> dict[str, Any]:
        """Values only; the basis stands beside."""
        values = {name: entry["value"] for name, entry in run.parameters["settings"].items()}
        return dict(SettingsSerializer(values).data)

    def get_state(self, run: GapRun) -> str:
        """queued, running, done, failed, dead, cancelled."""
        return run.job.state if run.job is not None else JobState.DONE.value

    def get_progress(self, run: GapRun) -> int:
        """100 once it is finished."""
        if run.finished_at is not None:
            return 100
        return run.job.percent if run.job is not None else 0

    def get_message(self, run: GapRun) -> str:
        """In the language of whoever asked for the run."""
        return (run.job.error or run.job.message) if run.job is not None else ""


class WantedSettingsSerializer(StrictSerializer):
    """Settings other than the default ones."""

    population = serializers.ListField(child=serializers.CharField(max_length=12), required=False, max_length=20)
    supply_level = serializers.IntegerField(required=False)
    top_share = serializers.ListField(child=serializers.IntegerField(), min_length=2, max_length=2, required=False)
    k = serializers.IntegerField(required=False)


class GapRunRequestSerializer(StrictSerializer):
    """A run to compute."""

    cycle = serializers.IntegerField(min_value=1)
    survey = serializers.IntegerField(min_value=1)
    basis = serializers.ChoiceField(choices=LevelBasis.choices, default=LevelBasis.CONFIRMED.value)
    settings = WantedSettingsSerializer(required=False)


class SkillResultSerializer(serializers.Serializer[SkillLine]):
    """One skill over the whole; null is a hidden figure."""

    skill_number = serializers.IntegerField(source="skill.number")
    skill_code = serializers.CharField(source="skill.code")
    skill_name = serializers.CharField(source="skill.name")
    skill_name_en = serializers.CharField(source="skill.name_en")
    demand = serializers.IntegerField(help_text="Heads asked for.")
    businesses = serializers.IntegerField()
    demand_rank = serializers.IntegerField()
    supply = serializers.IntegerField(allow_null=True, help_text="People at the supply level or higher.")
    supply_rank = serializers.IntegerField(
        allow_null=True,
        help_text="From what is shown; a hidden supply has the place of what is known of it, null if nothing is.",
    )
    is_proposed = serializers.BooleanField()
    wanted = serializers.ListField(child=serializers.IntegerField(), help_text="Heads asked for at level 1, 2, 3.")
    uncovered_overall = serializers.ListField(
        source="overall",
        child=serializers.IntegerField(),
        allow_null=True,
        help_text="Heads nobody covers, by level, from the whole population.",
    )
    uncovered_within = serializers.ListField(
        source="within",
        child=serializers.IntegerField(),
        allow_null=True,
        help_text="The same from each organisation's own people, summed up.",
    )


class PlaceSerializer(serializers.Serializer[Place]):
    """A place of the run's tree that the caller may see."""

    key = serializers.CharField()
    name = serializers.CharField(source="label")
    kind = serializers.ChoiceField(choices=["whole", "group", "organisation"])
    parent_key = serializers.CharField(allow_null=True)
    depth = serializers.IntegerField()
    people = serializers.IntegerField(allow_null=True)


class CellSerializer(serializers.Serializer[Any]):
    """One skill at the chosen place; null is a hidden figure."""

    skill_code = serializers.CharField()
    at_least_1 = serializers.IntegerField(allow_null=True)
    at_least_2 = serializers.IntegerField(allow_null=True)
    at_least_3 = serializers.IntegerField(allow_null=True)
    demand = serializers.ListField(child=serializers.IntegerField(), help_text="Heads asked for at level 1, 2, 3.")
    uncovered = serializers.ListField(
        child=serializers.IntegerField(), allow_null=True, help_text="Heads that nobody of the place covers, by level."
    )


class ResultSerializer(serializers.Serializer[Any]):
    """The result of a finished run, with the figures of one place."""

    run = serializers.IntegerField()
    fiscal_year = serializers.IntegerField()
    top = serializers.IntegerField(help_text="Proposed are demand_rank <= top < supply_rank.")
    skills = SkillResultSerializer(many=True)
    places = PlaceSerializer(many=True)
    place = serializers.CharField()
    cells = CellSerializer(many=True)


class GapRunFilter(FilterSet):
    """Runs by fiscal year, cycle and basis."""

    class Meta:
        model = GapRun
        fields = ("fiscal_year", "cycle", "basis")


@extend_schema_view(
    list=extend_schema(summary="Runs that the caller may see"),
    retrieve=extend_schema(summary="One run, its state and progress", responses={200: GapRunSerializer}),
)
class GapRunViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[GapRun]):
    """Comparisons of supply and demand: published ones for who reads aggregates, all for the secretariat."""

    read_scope = "reports:read"
    write_scope = "runs:write"
    serializer_class = GapRunSerializer
    filterset_class = GapRunFilter
    queryset = GapRun.objects.none()
    cursor_ordering = ("-pk",)
    lookup_value_regex = "[0-9]{1,18}"

    def get_queryset(self) -> QuerySet[GapRun]:
        """`visible_to`."""
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        return runs_for(user_of(self.request))

    @extend_schema(
        request=GapRunRequestSerializer,
        responses={202: OpenApiResponse(GapRunSerializer, description="Accepted; Location tells where to look.")},
    )
    def create(self, request: Request) -> Response:
        """Ask for a run. The same request while one is under way answers that one."""
        payload = GapRunRequestSerializer(data=request.data)
        payload.is_valid(raise_exception=True)
        values = payload.validated_data
        made = services.run_request(
            cycle_id=values["cycle"],
            survey_id=values["survey"],
            basis=values["basis"],
            parameters=values.get("settings"),
            actor=user_of(request),
        )
        run = self.get_queryset().get(pk=made.pk)
        where = request.build_absolute_uri(reverse("gaps-api:gap-run-detail", args=[run.pk]))
        return Response(GapRunSerializer(run).data, status=status.HTTP_202_ACCEPTED, headers={"Location": where})

    @extend_schema(
        parameters=[
            OpenApiParameter("place", str, description="Key of the place whose cells are given; `whole` by default.")
        ],
        responses={200: ResultSerializer, 409: None},
    )
    def results(self, request: Request, pk: str = "") -> Response:
        """Ranks, proposals and head-count gaps over the whole, the places, and the cells of one place."""
        user = user_of(request)
        run = get_object_or_404(self.get_queryset(), pk=pk)
        if run.finished_at is None:
            raise refuse("not_finished")
        result = run_result(user, run)
        place, places = place_of(user, run, request.query_params.get("place", WHOLE))
        rows = gap_rows(run, place)
        body = {
            "run": run.pk,
            "fiscal_year": run.fiscal_year,
            "top": result.top,
            "skills": result.lines,
            "places": places,
            "place": place.key,
            "cells": [_cell(row) for row in rows],
        }
        return Response(ResultSerializer(body).data)


def _cell(row: GapRow) -> dict[str, Any]:
    return {
        "skill_code": row.skill.code,
        **{f"at_least_{level}": people for level, people in row.at_least.items()},
        "demand": row.demand,
        "uncovered": row.gap,
    }
