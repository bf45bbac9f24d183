"""Organisations and people over REST, for reading. The confirmed profile of a person is the check's endpoint."""

from collections.abc import Mapping
from datetime import date
from typing import Any, cast

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import exceptions, serializers, viewsets
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import SimpleRouter

from skillmap.core import clock
from skillmap.core.api import day_from, etag_of
from skillmap.core.filters import refuse_empty
from skillmap.people import selectors
from skillmap.people.choices import Employer, Grade, HiringRoute, Occupation, OrganisationKind, StaffStatus
from skillmap.people.filters import OrganisationFilter, StaffFilter
from skillmap.people.models import Organisation, OrganisationVersion, Staff, User

ON = OpenApiParameter("on", OpenApiTypes.DATE, description="The tree as it was on a day; without it that of today.")


class OrganisationSerializer(serializers.ModelSerializer[Organisation]):
    """A unit of the tree, named and placed as on the day asked for. `code` and `id` stay through renames and moves."""

    kind = serializers.ChoiceField(choices=OrganisationKind.choices)
    parent_code = serializers.CharField(allow_null=True, help_text="Of the unit above; null on top.")
    bureau_group_code = serializers.CharField(allow_null=True)
    provenance = serializers.CharField(help_text="`inferred`: our default, not yet confirmed by the secretariat.")
    valid_from = serializers.DateField(help_text="First day of the organisation.")
    valid_to = serializers.DateField(allow_null=True, help_text="First day without it; null while it goes on.")
    since = serializers.DateField(help_text="First day of this name and place.")

    class Meta:
        model = Organisation
        fields = (
            "id",
            "code",
            "name",
            "name_en",
            "short_name",
            "kind",
            "parent_code",
            "bureau_group_code",
            "role_text",
            "sort_order",
            "provenance",
            "source",
            "valid_from",
            "valid_to",
            "since",
        )


class StaffSerializer(serializers.Serializer[Any]):
    """A person: master data, as of today. Levels are in the profile."""

    id = serializers.IntegerField()
    number = serializers.CharField()
    name = serializers.CharField()
    kana = serializers.CharField()
    email = serializers.CharField()
    employer = serializers.ChoiceField(choices=Employer.choices)
    occupation = serializers.ChoiceField(choices=Occupation.choices)
    former_occupation = serializers.CharField()
    hiring_route = serializers.ChoiceField(choices=HiringRoute.choices)
    hired_on = serializers.DateField(allow_null=True)
    expert_until = serializers.DateField(allow_null=True)
    grade = serializers.ChoiceField(choices=Grade.choices)
    organisation_id = serializers.IntegerField()
    organisation_code = serializers.CharField()
    status = serializers.ChoiceField(choices=StaffStatus.choices)
    left_on = serializers.DateField(allow_null=True, help_text="First day out of service, past or to come.")


class Values(viewsets.ReadOnlyModelViewSet[Any]):
    """Rows read as plain values, many times faster than by a serializer, which is the schema; details carry an ETag."""

    lookups: Mapping[str, str] = {}

    def names(self) -> dict[str, str]:
        """Each field of the answer with the lookup that reads it; its own name unless `lookups` says otherwise."""
        serializer = cast(serializers.Serializer[Any], self.get_serializer())
        return {str(name): self.lookups.get(str(name), str(name)) for name in serializer.get_fields()}

    def page(self, rows: QuerySet[Any]) -> Response:
        """A cursor page of rows."""
        names = self.names()
        found = self.paginate_queryset(rows.values(*names.values()))
        return self.get_paginated_response(
            [{name: row[lookup] for name, lookup in names.items()} for row in found or ()]
        )

    def one(self, rows: QuerySet[Any], version: str) -> Response:
        """One row, with the version in its ETag; 404 where there is none."""
        names = self.names()
        row = rows.values(*names.values(), version).first()
        if row is None:
            raise exceptions.NotFound
        body = {name: row[lookup] for name, lookup in names.items()}
        return Response(body, headers={"ETag": etag_of(row[version])})


@extend_schema_view(
    list=extend_schema(parameters=[ON], responses={200: OrganisationSerializer(many=True)}),
    retrieve=extend_schema(parameters=[ON], responses={200: OrganisationSerializer}),
)
class OrganisationViewSet(Values):
    """The tree of a day, as rows that name the unit above them."""

    read_scope = "reference:read"
    serializer_class = OrganisationSerializer
    filterset_class = OrganisationFilter
    queryset = Organisation.objects.none()
    lookups = {
        "id": "organisation_id",
        "code": "organisation__code",
        "kind": "organisation__kind",
        "parent_code": "parent__code",
        "bureau_group_code": "bureau_group__code",
        "role_text": "organisation__role_text",
        "sort_order": "organisation__sort_order",
        "provenance": "organisation__provenance",
        "source": "organisation__source",
        "valid_from": "organisation__valid_from",
        "valid_to": "organisation__valid_to",
        "since": "valid_from",
    }
    cursor_ordering = ("organisation_id",)

    def day(self) -> date:
        """The day asked for; 400 where it can't be one."""
        return day_from(self.request, "on") or clock.today()

    def versions(self) -> QuerySet[OrganisationVersion]:
        """What each organisation was called on the day."""
        day = self.day()
        return OrganisationVersion.objects.filter(Q(valid_to=None) | Q(valid_to__gt=day), valid_from__lte=day)

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """A cursor page; `under` goes by the tree of the same day."""
        refuse_empty(request, ("on", *OrganisationFilter.base_filters))
        query = request.query_params.copy()
        under = query.pop("under", [""])[0]
        narrowed = OrganisationFilter(query, queryset=Organisation.objects.all(), request=request)
        if not narrowed.is_valid():
            raise exceptions.ValidationError(narrowed.errors)
        rows = self.versions().filter(organisation__in=narrowed.qs.values("pk"))
        if group := narrowed.form.cleaned_data["bureau_group"]:
            rows = rows.filter(bureau_group__code=group)
        if under:
            rows = rows.filter(organisation__in=self._below(under))
        return self.page(rows)

    def _below(self, under: str) -> set[int]:
        if not (under.isascii() and under.isdigit() and len(under) < 10):
            raise exceptions.ValidationError({"under": [_("Give the id of an organisation.")]})
        return {node.pk for node in selectors.tree_on(self.day()) if f"/{int(under)}/" in node.path}

    def retrieve(self, request: Request, pk: str = "", *args: Any, **kwargs: Any) -> Response:
        """One organisation by its id."""
        return self.one(self.versions().filter(organisation=_number(pk)), "organisation__version")


@extend_schema_view(
    list=extend_schema(responses={200: StaffSerializer(many=True)}),
    retrieve=extend_schema(responses={200: StaffSerializer}),
)
class StaffViewSet(Values):
    """The people that the caller may know of, in the order of their ids."""

    read_scope = "people:read"
    serializer_class = StaffSerializer
    filterset_class = StaffFilter
    queryset = Staff.objects.none()
    lookups = {"organisation_code": "organisation__code"}
    cursor_ordering = ("id",)

    def get_queryset(self) -> QuerySet[Staff]:
        """`readable_by`: for a token, those of its account."""
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        assert isinstance(self.request.user, User)  # noqa: S101  the permission class lets nobody else in
        return Staff.objects.readable_by(self.request.user)

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """A cursor page."""
        return self.page(self.filter_queryset(self.get_queryset()))

    def retrieve(self, request: Request, pk: str = "", *args: Any, **kwargs: Any) -> Response:
        """One person by the id."""
        return self.one(self.get_queryset().filter(pk=_number(pk)), "version")


def _number(pk: str) -> int:
    """The id in an address; 404 for one that no row can have."""
    if not (pk.isascii() and pk.isdigit() and len(pk) < 16):
        raise exceptions.NotFound
    return int(pk)


router = SimpleRouter()
router.register("organisations", OrganisationViewSet, basename="organisation")
router.register("staff", StaffViewSet, basename="staff")

app_name = "people-api"
urlpatterns = router.urls
