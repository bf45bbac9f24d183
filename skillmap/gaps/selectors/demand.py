"""Reads of the demand survey: an organisation's answer, and who has answered."""

from dataclasses import dataclass
from datetime import date

from django.db.models import Count, Q, QuerySet

from skillmap.core import clock
from skillmap.gaps import demand_rules
from skillmap.gaps.choices import ResponseState, SurveyState
from skillmap.gaps.models import DemandItem, DemandQuestion, DemandResponse, DemandSurvey
from skillmap.people.access import access_of
from skillmap.people.choices import OrganisationKind
from skillmap.people.models import Organisation, User

ASKED_KINDS = (OrganisationKind.BUREAU, OrganisationKind.COMMITTEE, OrganisationKind.PUBLIC_ENTERPRISE)


def with_counts(responses: QuerySet[DemandResponse]) -> QuerySet[DemandResponse]:
    """Add line_count and open_question_count; in the same query."""
    return responses.annotate(
        line_count=Count("items", distinct=True),
        open_question_count=Count("questions", filter=Q(questions__replied_at=None), distinct=True),
    )


def situation_of(response: DemandResponse) -> demand_rules.Situation:
    """The situation of an answer that was read through `with_counts`, with its survey."""
    survey = response.survey
    return demand_rules.Situation(
        state=response.state,
        survey_open=survey.state == SurveyState.OPEN,
        opens_on=survey.opens_on,
        closes_on=response.extended_to or survey.closes_on,
        today=clock.today(),
        items=response.line_count,  # type: ignore[attr-defined]
        open_questions=response.open_question_count,  # type: ignore[attr-defined]
    )


def capacities_of(user: User, response: DemandResponse) -> frozenset[str]:
    """As what a user may act on an answer."""
    access = access_of(user)
    words = set()
    if access.is_secretariat:
        words.add(demand_rules.SECRETARIAT)
    if any(response.organisation.path.startswith(path) for path in access.coordinated_paths):
        words.add(demand_rules.COORDINATOR)
    return frozenset(words)


@dataclass(frozen=True)
class ResponsePage:
    """An organisation's answer with its lines and questions; what the reader may do."""

    response: DemandResponse
    items: list[DemandItem]
    questions: list[DemandQuestion]
    actions: tuple[str, ...]
    can_edit: bool
    entry_refusal: str | None
    closes_on: date

    @property
    def headcount(self) -> int:
        """All heads asked for."""
        return sum(item.headcount for item in self.items)


def responses_for(user: User) -> QuerySet[DemandResponse]:
    """Answers that the user sees, with all that their page needs."""
    visible = with_counts(DemandResponse.objects.visible_to(user))
    return visible.select_related("survey__framework", "organisation")


def response_page(user: User, response: DemandResponse) -> ResponsePage:
    """The page of an answer that was read through `responses_for`; two queries."""
    situation = situation_of(response)
    words = capacities_of(user, response)
    refusal = demand_rules.entry_refusal(situation)
    items = response.items.select_related("skill").order_by("position", "pk")
    questions = response.questions.select_related("asked_by", "replied_by").order_by("pk")
    return ResponsePage(
        response=response,
        items=list(items),
        questions=list(questions),
        actions=demand_rules.open_actions(situation, words),
        can_edit=refusal is None and demand_rules.COORDINATOR in words,
        entry_refusal=refusal,
        closes_on=situation.closes_on,
    )


def own_responses(user: User) -> list[DemandResponse]:
    """Answers of the organisations that the user coordinates, newest survey first."""
    access = access_of(user)
    wanted = Q(pk__in=[])
    for path in access.coordinated_paths:
        wanted |= Q(organisation__path__startswith=path)
    rows = responses_for(user).filter(wanted).exclude(survey__state=SurveyState.DRAFT)
    return list(rows.order_by("-survey__fiscal_year", "-survey__pk", "organisation__path"))


def last_years_response(response: DemandResponse) -> DemandResponse | None:
    """The same organisation's newest earlier answer that has lines."""
    earlier = DemandResponse.objects.filter(
        organisation=response.organisation_id, survey__fiscal_year__lt=response.survey.fiscal_year
    )
    return earlier.filter(items__isnull=False).order_by("-survey__fiscal_year", "-pk").first()


@dataclass(frozen=True)
class SurveyOverview:
    """A survey with its answers and how many there are in each state."""

    survey: DemandSurvey
    responses: list[DemandResponse]
    states: list[tuple[str, str, int]]

    @property
    def answered(self) -> int:
        """Answers that are in: submitted, or nothing to report."""
        return sum(n for state, _label, n in self.states if state in (ResponseState.SUBMITTED, ResponseState.NONE))


def survey_overview(survey: DemandSurvey) -> SurveyOverview:
    """Who has answered; one query."""
    rows = with_counts(survey.responses.all())
    responses = list(rows.select_related("organisation", "submitted_by").order_by("organisation__path"))
    states = [
        (state.value, str(state.label), sum(response.state == state for response in responses))
        for state in ResponseState
    ]
    return SurveyOverview(survey, responses, states)


def surveys() -> list[DemandSurvey]:
    """All surveys, newest first, with how many answers are in."""
    done = Q(responses__state__in=[ResponseState.SUBMITTED, ResponseState.NONE])
    rows = DemandSurvey.objects.annotate(asked=Count("responses"), answered=Count("responses", filter=done))
    return list(rows.select_related("framework").order_by("-fiscal_year", "-pk"))


def organisations_to_ask() -> list[Organisation]:
    """Bureaus, committees and public enterprises of today: whom a survey asks by default."""
    return list(Organisation.objects.current().filter(kind__in=ASKED_KINDS).order_by("sort_order", "pk"))
