"""Reads of the demand survey for the secretariat: who has answered, who is to be asked."""

from dataclasses import dataclass
from datetime import date
from functools import cache

from django.db.models import Count, Q, QuerySet

from skillmap.core import clock
from skillmap.gaps.choices import ResponseState
from skillmap.gaps.demand_rules import ANSWERED, WRITABLE
from skillmap.gaps.models import DemandItem, DemandResponse, DemandSurvey
from skillmap.gaps.selectors.demand import counted, with_counts
from skillmap.people.choices import OrganisationKind, Role
from skillmap.people.models import Organisation, OrganisationSuccession, RoleGrant, User
from skillmap.people.rules import inherited_paths

ASKED_KINDS = (OrganisationKind.BUREAU, OrganisationKind.COMMITTEE, OrganisationKind.PUBLIC_ENTERPRISE)
WAITING = "waiting"  # a view beside the states: all that are not in


@dataclass(frozen=True)
class Coordinator:
    """An account that speaks for the organisations at and below a path."""

    user_id: int
    name: str
    path: str


def coordinators() -> list[Coordinator]:
    """Who speaks for which organisation today, for one that is over those of its successors; two queries."""
    grants = RoleGrant.objects.in_force().filter(role=Role.COORDINATOR, user__is_active=True)
    rows = grants.order_by("pk").values_list("user_id", "user__name", "organisation__path")
    ends = list(OrganisationSuccession.objects.ends(clock.today()))
    answered = cache(lambda path: (path, *inherited_paths([path], ends)))
    return [Coordinator(user_id, name, path) for user_id, name, own in rows if own for path in answered(own)]


def coordinators_of(organisation: Organisation, known: list[Coordinator]) -> list[Coordinator]:
    """Those who speak for one organisation, each account once."""
    found = {row.user_id: row for row in known if organisation.path.startswith(row.path)}
    return list(found.values())


@dataclass(frozen=True)
class AnswerRow:
    """One organisation's answer in the secretariat's list."""

    response: DemandResponse
    coordinators: tuple[str, ...]
    closes_on: date
    is_late: bool

    @property
    def waits(self) -> bool:
        """Whether the answer is not in, or has a question to reply to."""
        return self.response.state in WRITABLE


@dataclass(frozen=True)
class SurveyOverview:
    """A survey with the answers of one view (`shown`), how many there are in each state, and in all."""

    survey: DemandSurvey
    shown: str
    rows: list[AnswerRow]
    states: dict[str, int]
    lines: int
    headcount: int
    without_coordinator: tuple[str, ...]

    @property
    def asked(self) -> int:
        """All organisations asked."""
        return sum(self.states.values())

    @property
    def answered(self) -> int:
        """Answers that are in: submitted, or nothing to report."""
        return sum(self.states[state] for state in ANSWERED)

    @property
    def waiting(self) -> int:
        """Answers that are not in, or have a question to reply to."""
        return sum(self.states[state] for state in WRITABLE)


def is_shown(response: DemandResponse, shown: str) -> bool:
    """Whether an answer belongs to a view: a state, `waiting`, or all."""
    if shown == WAITING:
        return response.state in WRITABLE
    return not shown or response.state == shown


def survey_overview(survey: DemandSurvey, *, today: date, shown: str = "") -> SurveyOverview:
    """Who has answered; three queries."""
    asked = with_counts(survey.responses.all()).select_related("organisation", "submitted_by")
    responses = list(asked.order_by("organisation__sort_order", "organisation__pk"))
    known = coordinators()
    names = {row.pk: tuple(one.name for one in coordinators_of(row.organisation, known)) for row in responses}
    states = {state.value: 0 for state in ResponseState}
    for row in responses:
        states[row.state] += 1
    return SurveyOverview(
        survey=survey,
        shown=shown,
        rows=[_answer_row(survey, row, names[row.pk], today) for row in responses if is_shown(row, shown)],
        states=states,
        lines=sum(counted(row, "line_count") for row in responses),
        headcount=sum(counted(row, "headcount") for row in responses),
        without_coordinator=tuple(row.organisation.name for row in responses if not names[row.pk]),
    )


def _answer_row(survey: DemandSurvey, row: DemandResponse, names: tuple[str, ...], today: date) -> AnswerRow:
    closes_on = row.extended_to or survey.closes_on
    return AnswerRow(row, names, closes_on, is_late=row.state in WRITABLE and closes_on < today)


def surveys() -> list[DemandSurvey]:
    """All surveys, newest first, with how many answers are in."""
    done = Q(responses__state__in=sorted(ANSWERED))
    rows = DemandSurvey.objects.annotate(asked=Count("responses"), answered=Count("responses", filter=done))
    return list(rows.select_related("framework").order_by("-fiscal_year", "-pk"))


def surveys_for(user: User) -> QuerySet[DemandSurvey]:
    """Surveys that the user knows of, with their framework."""
    return DemandSurvey.objects.visible_to(user).select_related("framework")


def survey_lines(survey: DemandSurvey, shown: str = "") -> QuerySet[DemandItem]:
    """All lines of a survey, or of the answers in one view, organisation by organisation."""
    rows = DemandItem.objects.filter(response__survey=survey)
    if shown == WAITING:
        rows = rows.filter(response__state__in=sorted(WRITABLE))
    elif shown:
        rows = rows.filter(response__state=shown)
    order = ("response__organisation__sort_order", "response__organisation", "position", "pk")
    return rows.select_related("skill", "response__organisation").order_by(*order)


def organisations_to_ask(survey: DemandSurvey | None = None) -> list[Organisation]:
    """Bureaus, committees and public enterprises of today, whom a survey asks by default; and whom it asks already."""
    wanted = Q(pk__in=Organisation.objects.current().filter(kind__in=ASKED_KINDS).values("pk"))
    if survey is not None:
        wanted |= Q(demand_responses__survey=survey)
    return list(Organisation.objects.filter(wanted).distinct().order_by("sort_order", "pk"))
