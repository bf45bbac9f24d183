"""Gap runs, priority areas and reports over REST: the same services, selectors and rights as the pages."""

from collections.abc import Sequence
from io import BytesIO
from typing import Any

import django_filters
from django.db.models import QuerySet
from django.http import FileResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema, extend_schema_view
from rest_framework import mixins, renderers, serializers, status, viewsets
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from skillmap.core import clock
from skillmap.core.api import etag_of, version_from
from skillmap.core.choices import JobState
from skillmap.core.tabular.filenames import CONTENT_TYPES, content_disposition, download_name
from skillmap.core.tabular.writing import write_csv, write_xlsx
from skillmap.gaps import reports
from skillmap.gaps.choices import AreaState, LevelBasis
from skillmap.gaps.models import GapRun, PriorityArea
from skillmap.gaps.run_messages import refuse
from skillmap.gaps.selectors import areas as area_reads
from skillmap.gaps.selectors.runs.headcounts import GapRow, gap_rows
from skillmap.gaps.selectors.runs.places import WHOLE, Place, place_of
from skillmap.gaps.selectors.runs.ranks import SkillLine, run_result
from skillmap.gaps.selectors.runs.visible import runs_for
from skillmap.gaps.services import areas as area_services
from skillmap.gaps.services import runs as services
from skillmap.people.access import access_of
from skillmap.people.models import User

IF_MATCH = OpenApiParameter(
    "If-Match", str, OpenApiParameter.HEADER, description="The ETag of the decision that this one replaces."
)


def _user(request: Request) -> User:
    assert isinstance(request.user, User)  # noqa: S101  the permission class lets nobody else in
    return request.user


class StrictSerializer(serializers.Serializer[Any]):
    """Refuses keys that it does not know, so that nobody believes them to be stored."""

    def to_internal_value(self, data: Any) -> Any:
        """Known keys only."""
        if isinstance(data, dict):
            unknown = sorted(set(map(str, data)) - set(self.fields))
            if unknown:
                raise serializers.ValidationError({key: ["This field can't be set."] for key in unknown})
        return super().to_internal_value(data)


# ------------------------------------------------------------------------------------------------------------ runs
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
    supply_rank = serializers.IntegerField(allow_null=True)
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


class GapRunFilter(django_filters.FilterSet):
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
        return runs_for(_user(self.request))

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
            actor=_user(request),
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
        user = _user(request)
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


# ----------------------------------------------------------------------------------------------------------- areas
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
    reason = serializers.CharField(help_text="Why it was added by hand, refused or withdrawn; empty for a proposal.")
    adopted_on = serializers.SerializerMethodField(help_text="Null where it is not adopted.")
    decided_on = serializers.DateField()
    run = serializers.IntegerField(source="run_id", allow_null=True)
    version = serializers.IntegerField()

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


class PriorityAreaFilter(django_filters.FilterSet):
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
    cursor_ordering = area_reads.ORDER
    lookup_value_regex = "[0-9]{1,18}"

    def get_queryset(self) -> QuerySet[PriorityArea]:
        """Adopted ones; what the secretariat asks for by state, or by id."""
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        wants_all = self.action != "list" or "state" in self.request.query_params
        if wants_all and access_of(_user(self.request)).is_secretariat:
            return area_reads.areas(states=AreaState.values)
        return area_reads.areas()

    @extend_schema(responses={200: PriorityAreaSerializer})
    def retrieve(self, request: Request, pk: str = "") -> Response:
        """One decision, with its ETag."""
        return _area_answer(get_object_or_404(self.get_queryset(), pk=pk))

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
        area = _adopt(payload.validated_data, version, _user(request))
        return _area_answer(area, status.HTTP_201_CREATED)


def _adopt(values: dict[str, Any], version: int | None, actor: User) -> PriorityArea:
    code, run_id = values["skill_code"], values.get("run")
    if "reason" not in values:
        versions = {code: version} if version is not None else None
        (area,) = area_services.area_adopt(run_id=run_id or 0, skill_codes=[code], actor=actor, versions=versions)
        return area
    year = values.get("fiscal_year")
    if year is None:
        year = get_object_or_404(GapRun.objects.visible_to(actor), pk=run_id).fiscal_year
    return area_services.area_add(
        fiscal_year=year, skill_code=code, reason=values["reason"], actor=actor, run_id=run_id, version=version
    )


def _area_answer(area: PriorityArea, code: int = status.HTTP_200_OK) -> Response:
    headers = {"ETag": etag_of(area.version)}
    if code == status.HTTP_201_CREATED:
        headers["Location"] = reverse("gaps-api:priority-area-detail", args=[area.pk])
    return Response(PriorityAreaSerializer(area).data, status=code, headers=headers)


# --------------------------------------------------------------------------------------------------------- reports
class FileRenderer(renderers.JSONRenderer):
    """Chosen by `format`; the file itself is an answer of its own, refusals stay JSON."""


class CsvRenderer(FileRenderer):
    """`format=csv`."""

    media_type, format = "text/csv", "csv"


class XlsxRenderer(FileRenderer):
    """`format=xlsx`."""

    media_type, format = CONTENT_TYPES["xlsx"], "xlsx"


class ColumnSerializer(serializers.Serializer[Any]):
    """A column: its key in the rows, and its heading."""

    key = serializers.CharField()
    heading = serializers.CharField()


class ReportSerializer(serializers.Serializer[Any]):
    """A report; null in a row is a hidden figure."""

    report = serializers.CharField()
    title = serializers.CharField()
    facts = serializers.DictField(help_text="Fiscal year, place, run and more that it rests on.")
    columns = ColumnSerializer(many=True)
    rows = serializers.ListField(child=serializers.DictField())


class ReportQuery(StrictSerializer):
    """What narrows a report."""

    fiscal_year = serializers.IntegerField(min_value=2000, max_value=2100, required=False)
    organisation = serializers.CharField(max_length=40, required=False, default="")


class ReportView(APIView):
    """Reports as JSON, CSV or Excel: supply, gap, priority, cycle-progress."""

    read_scope = "reports:read"
    renderer_classes: Sequence[type[renderers.BaseRenderer]] = (renderers.JSONRenderer, CsvRenderer, XlsxRenderer)

    @extend_schema(
        parameters=[
            OpenApiParameter("name", str, OpenApiParameter.PATH, enum=["supply", "gap", "priority", "cycle-progress"]),
            OpenApiParameter("fiscal_year", int, description="The newest by default."),
            OpenApiParameter("organisation", str, description="Code of an organisation; the whole by default."),
        ],
        responses={
            (200, "application/json"): ReportSerializer,
            (200, "text/csv"): OpenApiTypes.BINARY,
            (200, CONTENT_TYPES["xlsx"]): OpenApiTypes.BINARY,
        },
    )
    def get(self, request: Request, name: str) -> Response | StreamingHttpResponse:
        """One report; figures of groups come from the newest published run."""
        query = ReportQuery(data={key: value for key, value in request.query_params.items() if key != "format"})
        query.is_valid(raise_exception=True)
        report = reports.build(name, user=_user(request), **query.validated_data)
        kind: str = request.accepted_renderer.format
        if kind == "json":
            return Response(_as_json(report))
        return _as_file(report, kind)


def _as_json(report: reports.Report) -> dict[str, Any]:
    return {
        "report": report.name,
        "title": report.title,
        "facts": report.facts,
        "columns": [{"key": key, "heading": str(out.header)} for key, out in report.columns],
        "rows": report.rows,
    }


def _as_file(report: reports.Report, kind: str) -> StreamingHttpResponse:
    name = download_name(report.title, report.facts.get("fiscal_year"), ending=kind, made_at=clock.now())
    if kind == "csv":
        answer = StreamingHttpResponse(write_csv(report.table()), content_type=CONTENT_TYPES["csv"])
    else:
        file = BytesIO()
        write_xlsx([report.table()], file, made_at=clock.now())
        file.seek(0)
        answer = FileResponse(file, content_type=CONTENT_TYPES["xlsx"])
    answer["Content-Disposition"] = content_disposition(name)
    return answer
