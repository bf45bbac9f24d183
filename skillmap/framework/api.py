"""The framework over REST, for reading: versions, items with their levels, job types with what they ask for.

Lists and details take `?framework=code`; without it they answer from the version in force. A published version never
changes, so that a detail's ETag may be kept and asked for again with If-None-Match.
"""

from collections.abc import Iterable
from hashlib import sha256
from typing import Any

from django.db.models import Prefetch, QuerySet
from django.http import Http404
from drf_spectacular.utils import (
    OpenApiParameter,
    OpenApiResponse,
    extend_schema,
    extend_schema_field,
    extend_schema_view,
)
from rest_framework import serializers, status, viewsets
from rest_framework.generics import get_object_or_404
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import SimpleRouter

from skillmap.framework.catalogue import catalogue_of
from skillmap.framework.choices import FrameworkState, ItemKind, Level, Provenance
from skillmap.framework.filters import FrameworkFilter, JobTypeFilter, SkillFilter
from skillmap.framework.models import Framework, JobType, JobTypeRequirement, Skill
from skillmap.framework.rules import is_code
from skillmap.framework.selectors import current_framework
from skillmap.people.access import user_of

VERSION = OpenApiParameter("framework", str, description="Code of a version; without it the version in force.")
IF_NONE_MATCH = OpenApiParameter(
    "If-None-Match", str, OpenApiParameter.HEADER, description="An ETag read before; 304 where it still holds."
)
SAME = OpenApiResponse(description="Not changed since the ETag in If-None-Match.")


class LevelSerializer(serializers.Serializer[Any]):
    """A level and what it means for the item: its own text where there is one, else the general definition."""

    level = serializers.ChoiceField(choices=Level.choices, source="row.level")
    short = serializers.CharField(source="row.label", help_text="Such as Lv.2.")
    name = serializers.CharField(source="row.name")
    name_en = serializers.CharField(source="row.name_en")
    definition = serializers.SerializerMethodField()
    definition_en = serializers.SerializerMethodField()
    is_default = serializers.BooleanField(help_text="Our default, not yet confirmed by the secretariat.")

    def get_definition(self, choice: Any) -> str:
        """In Japanese."""
        return str(choice.own.text if choice.own else choice.row.definition)

    def get_definition_en(self, choice: Any) -> str:
        """In English; may be empty."""
        return str(choice.own.text_en if choice.own else choice.row.definition_en)


class FrameworkSerializer(serializers.ModelSerializer[Framework]):
    """A version."""

    state = serializers.ChoiceField(choices=FrameworkState.choices)
    based_on = serializers.SlugRelatedField[Any](slug_field="code", read_only=True, allow_null=True)
    translation_provenance = serializers.ChoiceField(choices=Provenance.choices)

    class Meta:
        model = Framework
        fields = (
            "code",
            "name",
            "name_en",
            "state",
            "based_on",
            "translation_provenance",
            "published_at",
            "retired_at",
            "version",
        )


class SkillSerializer(serializers.ModelSerializer[Skill]):
    """An item with its four levels; `code` stays the same through all versions."""

    framework = serializers.SlugRelatedField[Any](slug_field="code", read_only=True)
    category = serializers.CharField(source="category.code")
    category_name = serializers.CharField(source="category.name")
    category_name_en = serializers.CharField(source="category.name_en")
    kind = serializers.ChoiceField(choices=ItemKind.choices)
    provenance = serializers.ChoiceField(choices=Provenance.choices)
    levels = serializers.SerializerMethodField()
    certifications = serializers.SerializerMethodField()

    class Meta:
        model = Skill
        fields = (
            "code",
            "number",
            "framework",
            "kind",
            "category",
            "category_name",
            "category_name_en",
            "name",
            "name_en",
            "definition",
            "definition_en",
            "provenance",
            "source",
            "levels",
            "certifications",
        )

    @extend_schema_field(LevelSerializer(many=True))
    def get_levels(self, skill: Skill) -> Any:
        """Lowest first."""
        return LevelSerializer(self.context["catalogue"].choices[skill.pk], many=True).data

    def get_certifications(self, skill: Skill) -> list[str]:
        """Codes of the exams that are evidence for the item."""
        return [exam.code for exam in self.context["catalogue"].certifications.get(skill.code, ())]


class RequirementSerializer(serializers.ModelSerializer[JobTypeRequirement]):
    """A level that a job type asks for; 0 asks for nothing."""

    skill = serializers.CharField(source="skill.code")
    level = serializers.ChoiceField(choices=Level.choices)
    provenance = serializers.ChoiceField(choices=Provenance.choices)

    class Meta:
        model = JobTypeRequirement
        fields = ("skill", "level", "provenance")


class JobTypeSerializer(serializers.ModelSerializer[JobType]):
    """A job type and what it asks for, in the order of the items' numbers."""

    framework = serializers.SlugRelatedField[Any](slug_field="code", read_only=True)
    core_category = serializers.SlugRelatedField[Any](slug_field="code", read_only=True, allow_null=True)
    name_provenance = serializers.ChoiceField(choices=Provenance.choices)
    definition_provenance = serializers.ChoiceField(choices=Provenance.choices)
    requirements = RequirementSerializer(many=True, read_only=True)

    class Meta:
        model = JobType
        fields = (
            "code",
            "framework",
            "name",
            "name_en",
            "name_provenance",
            "definition",
            "definition_en",
            "definition_provenance",
            "core_category",
            "sort_order",
            "source",
            "requirements",
        )


class ByCode(viewsets.ReadOnlyModelViewSet[Any]):
    """Lists in cursor pages, details by code with an ETag."""

    read_scope = "reference:read"
    lookup_field = "code"
    lookup_value_regex = "[a-z0-9][a-z0-9_-]*"

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """One row; 304 where the caller has it already."""
        row = self.get_object()
        etag = self.etag(row)
        headers = {"ETag": etag}
        if etag in request.headers.get("If-None-Match", ""):
            return Response(status=status.HTTP_304_NOT_MODIFIED, headers=headers)
        return Response(self.get_serializer(row).data, headers=headers)

    def etag(self, row: Any) -> str:
        """Differs whenever the answer does."""
        raise NotImplementedError


@extend_schema_view(retrieve=extend_schema(parameters=[IF_NONE_MATCH], responses={200: FrameworkSerializer, 304: SAME}))
class FrameworkViewSet(ByCode):
    """Versions of the framework; drafts for the secretariat alone."""

    serializer_class = FrameworkSerializer
    filterset_class = FrameworkFilter
    queryset = Framework.objects.none()
    cursor_ordering = ("pk",)

    def get_queryset(self) -> QuerySet[Framework]:
        """`visible_to`."""
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        return Framework.objects.visible_to(user_of(self.request)).select_related("based_on")

    def etag(self, row: Framework) -> str:
        """A version's own row counts its changes; a draft made anew under the same code is another row."""
        return _etag(row.code, [row])


class OfVersion(ByCode):
    """Rows of the version that the caller names, or of the one in force."""

    nothing: QuerySet[Any]

    def framework(self) -> Framework | None:
        """The version; None where nothing is published yet, Http404 for one that the caller may not know of."""
        code = self.request.query_params.get("framework")
        if code is None:
            return current_framework()
        if not is_code(code):
            raise Http404
        return get_object_or_404(Framework.objects.visible_to(user_of(self.request)), code=code)

    def get_queryset(self) -> QuerySet[Any]:
        """The rows of that version; none where nothing is published yet."""
        framework = None if getattr(self, "swagger_fake_view", False) else self.framework()
        return self.rows(framework) if framework is not None else self.nothing

    def rows(self, framework: Framework) -> QuerySet[Any]:
        """The rows of one version, with what the serializer needs."""
        raise NotImplementedError


@extend_schema_view(
    list=extend_schema(parameters=[VERSION], responses={200: SkillSerializer(many=True)}),
    retrieve=extend_schema(
        parameters=[VERSION, IF_NONE_MATCH],
        responses={200: SkillSerializer, 304: SAME},
    ),
)
class SkillViewSet(OfVersion):
    """Items with their levels: digital skills first, then tools, by number."""

    serializer_class = SkillSerializer
    filterset_class = SkillFilter
    queryset = nothing = Skill.objects.none()
    cursor_ordering = ("kind", "number", "pk")

    def rows(self, framework: Framework) -> QuerySet[Skill]:
        """The items; what their levels mean is read with the version."""
        self.catalogue = catalogue_of(framework)
        return Skill.objects.filter(framework=framework).select_related("category", "framework")

    def get_serializer_context(self) -> dict[str, Any]:
        """The version's levels and exams."""
        return {**super().get_serializer_context(), "catalogue": getattr(self, "catalogue", None)}

    def etag(self, row: Skill) -> str:
        """Category, levels and exams are part of the answer, so that their changes in a draft count too."""
        choices = [choice.row for choice in self.catalogue.choices[row.pk]]
        exams = self.catalogue.certifications.get(row.code, ())
        return _etag(f"{row.framework.code}.{row.code}", [row, row.category, *choices, *exams])


@extend_schema_view(
    list=extend_schema(parameters=[VERSION], responses={200: JobTypeSerializer(many=True)}),
    retrieve=extend_schema(
        parameters=[VERSION, IF_NONE_MATCH],
        responses={200: JobTypeSerializer, 304: SAME},
    ),
)
class JobTypeViewSet(OfVersion):
    """Job types with the level that each asks for in every digital item."""

    serializer_class = JobTypeSerializer
    filterset_class = JobTypeFilter
    queryset = nothing = JobType.objects.none()
    cursor_ordering = ("sort_order", "pk")

    def rows(self, framework: Framework) -> QuerySet[JobType]:
        """The job types with their cells."""
        cells = JobTypeRequirement.objects.select_related("skill").order_by("skill__number")
        rows = JobType.objects.filter(framework=framework).select_related("framework", "core_category")
        return rows.prefetch_related(Prefetch("requirements", cells))

    def etag(self, row: JobType) -> str:
        """Counts the changes of the job type and of each of its cells, whose items are part of the answer too."""
        cells = row.requirements.all()
        items = [cell.skill for cell in cells]
        return _etag(f"{row.framework.code}.{row.code}", [row, *cells, *items])


def _etag(name: str, rows: Iterable[Any]) -> str:
    """Of rows that count their changes; one put in another's place counts as a change too."""
    told = ".".join(f"{row.pk}-{row.version}" for row in rows)
    return f'"{name}.{sha256(told.encode()).hexdigest()[:32]}"'


router = SimpleRouter()
router.register("frameworks", FrameworkViewSet, basename="framework")
router.register("skills", SkillViewSet, basename="skill")
router.register("job-types", JobTypeViewSet, basename="job-type")

app_name = "framework-api"
urlpatterns = router.urls
