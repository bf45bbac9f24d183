"""Reports over REST, as JSON, CSV or Excel: the same rights as the pages."""

from collections.abc import Sequence
from io import BytesIO
from typing import Any

from django.http import FileResponse, StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import renderers, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from skillmap.core import clock
from skillmap.core.api import StrictSerializer
from skillmap.core.filters import refuse_empty
from skillmap.core.tabular.filenames import CONTENT_TYPES, content_disposition, download_name
from skillmap.core.tabular.writing import write_csv, write_xlsx
from skillmap.gaps import reports
from skillmap.people.access import user_of


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
        refuse_empty(request, ["format"])
        query = ReportQuery(data={key: value for key, value in request.query_params.items() if key != "format"})
        query.is_valid(raise_exception=True)
        report = reports.build(name, user=user_of(request), **query.validated_data)
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
