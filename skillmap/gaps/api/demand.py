"""Demand surveys and their lines over REST: the same services, selectors and rights as the pages."""

from typing import Any

import django_filters
from django.db.models import Count, Prefetch, Q, QuerySet
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.request import Request
from rest_framework.response import Response

from skillmap.core.api import StrictSerializer, etag_of, version_from
from skillmap.core.filters import FilterSet, WholeNumberFilter
from skillmap.framework.models import Framework, Skill
from skillmap.gaps import demand_rules
from skillmap.gaps.choices import Phase, ResponseState, SurveyState
from skillmap.gaps.models import DemandItem, DemandResponse, DemandSurvey
from skillmap.gaps.selectors.demand import capacities_of, responses_for, situation_of, skills_of, with_counts
from skillmap.gaps.selectors.demand_surveys import surveys_for
from skillmap.gaps.services import demand as services
from skillmap.gaps.services.demand import Line, line_of
from skillmap.people.access import user_of

READ, WRITE = "reports:read", "demand:write"
IF_MATCH = OpenApiParameter(
    "If-Match", str, OpenApiParameter.HEADER, required=True, description="The ETag of the line that was read."
)


# ---------------------------------------------------------------------------------------------------------- surveys


class SurveySerializer(serializers.ModelSerializer[DemandSurvey]):
    """A survey; the counts are of the answers that the caller sees."""

    framework = serializers.CharField(source="framework.code")
    state = serializers.ChoiceField(choices=SurveyState.choices)
    asked = serializers.IntegerField(help_text="Organisations asked, as far as the caller sees them.")
    answered = serializers.IntegerField(help_text="Of these, how many have submitted or have nothing to report.")

    class Meta:
        model = DemandSurvey
        fields = (
            "id",
            "fiscal_year",
            "name",
            "framework",
            "state",
            "opens_on",
            "closes_on",
            "version",
            "asked",
            "answered",
        )


class AnswerSerializer(serializers.Serializer[DemandResponse]):
    """An organisation's answer, and the steps open to the caller."""

    id = serializers.IntegerField()
    organisation = serializers.CharField(source="organisation.code")
    organisation_name = serializers.CharField(source="organisation.name")
    state = serializers.ChoiceField(choices=ResponseState.choices)
    closes_on = serializers.SerializerMethodField(help_text="The closing day of this organisation, itself included.")
    lines = serializers.IntegerField(source="line_count")
    headcount = serializers.IntegerField()
    submitted_at = serializers.DateTimeField(allow_null=True)
    version = serializers.IntegerField()
    can_edit = serializers.SerializerMethodField(help_text="Whether the caller can enter lines now.")
    actions = serializers.SerializerMethodField()

    def get_closes_on(self, answer: DemandResponse) -> str:
        """ISO 8601."""
        return situation_of(answer).closes_on.isoformat()

    def get_can_edit(self, answer: DemandResponse) -> bool:
        """As on the page."""
        held = capacities_of(user_of(self.context["request"]), answer)
        return demand_rules.COORDINATOR in held and demand_rules.entry_refusal(situation_of(answer)) is None

    def get_actions(self, answer: DemandResponse) -> list[str]:
        """submit, nothing, reopen, ask."""
        held = capacities_of(user_of(self.context["request"]), answer)
        return list(demand_rules.open_actions(situation_of(answer), held))


class SurveyDetailSerializer(SurveySerializer):
    """A survey with the answers that the caller sees."""

    answers = AnswerSerializer(many=True, source="seen")

    class Meta(SurveySerializer.Meta):
        fields = (*SurveySerializer.Meta.fields, "answers")  # type: ignore[assignment]


class SurveyFilter(FilterSet):
    """Surveys by fiscal year and state."""

    state = django_filters.ChoiceFilter(choices=SurveyState.choices)

    class Meta:
        model = DemandSurvey
        fields = ("fiscal_year", "state")


@extend_schema_view(
    list=extend_schema(
        responses=SurveySerializer(many=True),
        description="Needs `reports:read`. Surveys that ask an organisation of the caller; all for the secretariat.",
    ),
    retrieve=extend_schema(
        responses={200: SurveyDetailSerializer},
        description="Needs `reports:read`. One survey with the answers that the caller sees.",
    ),
)
class DemandSurveyViewSet(viewsets.ReadOnlyModelViewSet[DemandSurvey]):
    """Demand surveys, for reading."""

    read_scope = READ
    filterset_class = SurveyFilter
    queryset = DemandSurvey.objects.none()
    cursor_ordering = ("-fiscal_year", "-pk")

    def get_serializer_class(self) -> Any:
        """Answers stand in the detail."""
        return SurveySerializer if self.action == "list" else SurveyDetailSerializer

    def get_queryset(self) -> QuerySet[DemandSurvey]:
        """`visible_to`, with counts and, for one survey, its answers."""
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        user = user_of(self.request)
        seen = Q(responses__in=DemandResponse.objects.visible_to(user))
        done = seen & Q(responses__state__in=sorted(demand_rules.ANSWERED))
        rows = surveys_for(user).annotate(
            asked=Count("responses", filter=seen, distinct=True),
            answered=Count("responses", filter=done, distinct=True),
        )
        if self.action == "list":
            return rows
        answers = with_counts(DemandResponse.objects.visible_to(user)).select_related("survey", "organisation")
        answers = answers.order_by("organisation__sort_order", "organisation")
        return rows.prefetch_related(Prefetch("responses", answers, to_attr="seen"))

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """One survey, with its ETag."""
        survey = self.get_object()
        return Response(self.get_serializer(survey).data, headers={"ETag": etag_of(survey.version)})


# ------------------------------------------------------------------------------------------------------------ lines


class DemandItemSerializer(serializers.ModelSerializer[DemandItem]):
    """A line: a business needs so many people with a skill at a level."""

    survey = serializers.IntegerField(source="response.survey_id")
    organisation = serializers.CharField(source="response.organisation.code")
    skill = serializers.CharField(source="skill.code")
    phase = serializers.ChoiceField(choices=Phase.choices)

    class Meta:
        model = DemandItem
        fields = (
            "id",
            "survey",
            "organisation",
            "business",
            "phase",
            "skill",
            "level",
            "headcount",
            "needed_from",
            "needed_until",
            "filled_staff",
            "filled_govtech",
            "filled_vendor",
            "note",
            "version",
            "updated_at",
        )


class DemandItemChangeSerializer(StrictSerializer):
    """What can be said in a line; whatever is left out of a PATCH stays as it is.

    Context: `framework` of the survey; `present`, the stored line, where there is one.
    """

    business = serializers.CharField(max_length=services.LONGEST["business"])
    phase = serializers.ChoiceField(choices=Phase.choices)
    skill = serializers.CharField(max_length=40, help_text="Code of a digital item of the survey's framework.")
    level = serializers.IntegerField(min_value=1, max_value=3)
    headcount = serializers.IntegerField(min_value=1, max_value=demand_rules.MOST_PEOPLE)
    needed_from = serializers.DateField(allow_null=True, default=None)
    needed_until = serializers.DateField(allow_null=True, default=None)
    filled_staff = serializers.IntegerField(min_value=0, max_value=demand_rules.MOST_PEOPLE, default=0)
    filled_govtech = serializers.IntegerField(min_value=0, max_value=demand_rules.MOST_PEOPLE, default=0)
    filled_vendor = serializers.IntegerField(min_value=0, max_value=demand_rules.MOST_PEOPLE, default=0)
    note = serializers.CharField(max_length=services.LONGEST["note"], allow_blank=True, default="")

    def validate_business(self, text: str) -> str:
        """Something must be left once invisible characters are gone."""
        if not services.tidy(text):
            raise serializers.ValidationError(_("Write the text."))
        return text

    def validate_skill(self, code: str) -> Skill:
        """An item that the survey asks about."""
        framework: Framework = self.context["framework"]
        found = next((skill for skill in skills_of(framework) if skill.code == code), None)
        if found is None:
            raise serializers.ValidationError(
                _("This skill item does not belong to the survey. Choose one of its list.")
            )
        return found

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """The period ends after it begins, also where only one of its days is sent."""
        if not attrs:
            raise serializers.ValidationError(_("Give at least one value."))
        present: Line | None = self.context.get("present")
        line = {**(present or {}), **attrs}
        code = demand_rules.line_refusal(
            level=line["level"],
            headcount=line["headcount"],
            needed_from=line["needed_from"],
            needed_until=line["needed_until"],
        )
        if code == "bad_period":
            raise serializers.ValidationError({"needed_until": [_("The last day lies before the first.")]})
        return attrs


class DemandItemCreateSerializer(DemandItemChangeSerializer):
    """A line, and into whose answer to which survey it goes."""

    survey = serializers.IntegerField(min_value=1)
    organisation = serializers.CharField(max_length=40, help_text="Code of the organisation that answers.")


class DemandItemFilter(FilterSet):
    """Lines by survey, fiscal year, organisation, item, phase, level and state of the answer."""

    survey = WholeNumberFilter(field_name="response__survey", min_value=1, max_value=2**31 - 1)
    fiscal_year = WholeNumberFilter(field_name="response__survey__fiscal_year", min_value=2000, max_value=2099)
    organisation = django_filters.CharFilter(field_name="response__organisation__code")
    skill = django_filters.CharFilter(field_name="skill__code")
    phase = django_filters.ChoiceFilter(choices=Phase.choices)
    state = django_filters.ChoiceFilter(field_name="response__state", choices=ResponseState.choices)

    class Meta:
        model = DemandItem
        fields = ("survey", "fiscal_year", "organisation", "skill", "phase", "level", "state")


@extend_schema_view(
    list=extend_schema(description="Needs `reports:read`. Lines of the answers that the caller sees."),
    retrieve=extend_schema(responses={200: DemandItemSerializer}, description="Needs `reports:read`. One line."),
)
class DemandItemViewSet(mixins.ListModelMixin, viewsets.GenericViewSet[DemandItem]):
    """Lines of demand; written by the coordinators of the organisation, while the survey lets them."""

    read_scope = READ
    write_scope = WRITE
    serializer_class = DemandItemSerializer
    filterset_class = DemandItemFilter
    queryset = DemandItem.objects.none()
    cursor_ordering = ("pk",)

    def get_queryset(self) -> QuerySet[DemandItem]:
        """`visible_to`."""
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        rows = DemandItem.objects.visible_to(user_of(self.request))
        return rows.select_related("skill", "response__organisation", "response__survey__framework")

    def retrieve(self, request: Request, pk: int) -> Response:
        """One line, with its ETag."""
        return _answer(get_object_or_404(self.get_queryset(), pk=pk))

    @extend_schema(
        request=DemandItemCreateSerializer,
        responses={201: DemandItemSerializer},
        description="Needs `demand:write`. Adds a line to the answer of an organisation that the caller coordinates.",
    )
    def create(self, request: Request) -> Response:
        """Add a line."""
        response = _response_named(request)
        body = DemandItemCreateSerializer(data=request.data, context={"framework": response.survey.framework})
        body.is_valid(raise_exception=True)
        values = {name: value for name, value in body.validated_data.items() if name not in ("survey", "organisation")}
        item = services.line_add(response_id=response.pk, line=values, actor=user_of(request), channel="api")  # type: ignore[arg-type]
        return _answer(item, status.HTTP_201_CREATED)

    @extend_schema(
        request=DemandItemChangeSerializer,
        parameters=[IF_MATCH],
        responses={
            200: DemandItemSerializer,
        },
        description="Needs `demand:write`. Changes the values that are sent.",
    )
    def partial_update(self, request: Request, pk: int) -> Response:
        """Change a line."""
        item = get_object_or_404(self.get_queryset(), pk=pk)
        version = version_from(request)
        present = line_of(item)
        context = {"framework": item.response.survey.framework, "present": present}
        body = DemandItemChangeSerializer(data=request.data, partial=True, context=context)
        body.is_valid(raise_exception=True)
        line: Line = {**present, **body.validated_data}
        done = services.line_change(
            response_id=item.response_id, item_id=pk, version=version, line=line, actor=user_of(request), channel="api"
        )
        for name, value in done.line.items():
            setattr(item, name, value)
        item.version, item.updated_at = done.version, done.updated_at
        return _answer(item)

    @extend_schema(
        parameters=[IF_MATCH],
        responses={204: None},
        description="Needs `demand:write`. Removes a line for good.",
    )
    def destroy(self, request: Request, pk: int) -> Response:
        """Remove a line."""
        item = get_object_or_404(self.get_queryset(), pk=pk)
        services.line_remove(
            response_id=item.response_id,
            item_id=pk,
            version=version_from(request),
            actor=user_of(request),
            channel="api",
        )
        return Response(status=status.HTTP_204_NO_CONTENT)


def _answer(item: DemandItem, code: int = status.HTTP_200_OK) -> Response:
    """A line as JSON, with its ETag."""
    headers = {"ETag": etag_of(item.version)}
    if code == status.HTTP_201_CREATED:
        headers["Location"] = reverse("gaps-api:demand-item-detail", args=[item.pk])
    return Response(DemandItemSerializer(item).data, status=code, headers=headers)


class TargetSerializer(serializers.Serializer[Any]):
    """Which answer a new line goes to."""

    survey = serializers.IntegerField(min_value=1)
    organisation = serializers.CharField(max_length=40)


def _response_named(request: Request) -> DemandResponse:
    """The answer that a new line names; the same 400 for one that does not exist and one that is not the caller's."""
    target = TargetSerializer(data=request.data)
    target.is_valid(raise_exception=True)
    survey, organisation = target.validated_data["survey"], target.validated_data["organisation"]
    rows = responses_for(user_of(request))
    found = rows.filter(survey=survey, organisation__code=organisation).first()
    if found is None:
        raise serializers.ValidationError({"organisation": [_("This survey does not ask this organisation.")]})
    return found
