"""Reads of the demand survey: an organisation's answer with its lines, and the totals by item."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import Count, Exists, F, IntegerField, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce

from skillmap.core import clock
from skillmap.framework.choices import ItemKind
from skillmap.framework.models import Framework, Skill, SkillLevel, in_language
from skillmap.gaps import demand_rules
from skillmap.gaps.choices import SurveyState
from skillmap.gaps.models import DemandItem, DemandQuestion, DemandResponse
from skillmap.people.access import access_of
from skillmap.people.models import User

LINES_PER_PAGE = 100
FILLED = F("filled_staff") + F("filled_govtech") + F("filled_vendor")


def with_counts(responses: QuerySet[DemandResponse]) -> QuerySet[DemandResponse]:
    """Add line_count, headcount and open_question_count; in the same query."""
    items = DemandItem.objects.filter(response=OuterRef("pk"))
    unanswered = DemandQuestion.objects.filter(response=OuterRef("pk"), replied_at=None)
    return responses.annotate(
        line_count=_total(items, Count("pk")),
        headcount=_total(items, Sum("headcount")),
        open_question_count=_total(unanswered, Count("pk")),
    )


def _total(rows: QuerySet[Any], figure: Any) -> Coalesce:
    grouped = rows.order_by().values("response").annotate(figure=figure).values("figure")
    return Coalesce(Subquery(grouped, output_field=IntegerField()), 0)


def counted(response: DemandResponse, figure: str) -> int:
    """One of the figures that `with_counts` added."""
    return int(vars(response)[figure])


def situation_of(response: DemandResponse) -> demand_rules.Situation:
    """The situation of an answer that was read through `with_counts`, with its survey."""
    survey = response.survey
    return demand_rules.Situation(
        state=response.state,
        survey_open=survey.state == SurveyState.OPEN,
        opens_on=survey.opens_on,
        closes_on=response.extended_to or survey.closes_on,
        today=clock.today(),
        items=counted(response, "line_count"),
        open_questions=counted(response, "open_question_count"),
    )


def capacities_of(user: User, response: DemandResponse) -> frozenset[str]:
    """As what a user may act on an answer."""
    access = access_of(user)
    words = set()
    if access.is_secretariat:
        words.add(demand_rules.SECRETARIAT)
    if response.organisation.path.startswith(access.answered_paths):
        words.add(demand_rules.COORDINATOR)
    return frozenset(words)


def responses_for(user: User) -> QuerySet[DemandResponse]:
    """Answers that the user sees, with all that their page needs."""
    visible = with_counts(DemandResponse.objects.visible_to(user))
    return visible.select_related("survey__framework", "organisation", "submitted_by")


def own_responses(user: User) -> list[DemandResponse]:
    """Answers of the organisations that the user coordinates, newest survey first; drafts are the secretariat's."""
    rows = with_counts(DemandResponse.objects.of_own(user)).exclude(survey__state=SurveyState.DRAFT)
    rows = rows.select_related("survey", "organisation").order_by(
        "-survey__fiscal_year", "-survey", "organisation__path"
    )
    return list(rows)


# ----------------------------------------------------------------------------------------------------------- lines


def lines_of(response: DemandResponse) -> QuerySet[DemandItem]:
    """The lines in their order, with their items."""
    return response.items.select_related("skill").order_by("position", "pk")


@dataclass(frozen=True)
class SkillTotal:
    """What is asked for in one item: lines, people, people by level, and how many are filled now."""

    number: int
    label: str
    lines: int
    headcount: int
    by_level: tuple[int, int, int]
    filled: int


def skill_totals(items: QuerySet[DemandItem]) -> list[SkillTotal]:
    """Totals by item, in the order of the items; one query."""
    rows = items.order_by().values(number=F("skill__number"), name=F("skill__name"), name_en=F("skill__name_en"))
    totals = rows.annotate(
        lines=Count("pk"),
        heads=Sum("headcount"),
        there=Sum(FILLED),
        level1=_heads_at(1),
        level2=_heads_at(2),
        level3=_heads_at(3),
    ).order_by("number")
    return [
        SkillTotal(
            number=row["number"],
            label=in_language(row["name"], row["name_en"]),
            lines=row["lines"],
            headcount=row["heads"],
            by_level=(row["level1"], row["level2"], row["level3"]),
            filled=row["there"],
        )
        for row in totals
    ]


def _heads_at(level: int) -> Coalesce:
    return Coalesce(Sum("headcount", filter=Q(level=level)), 0)


def skills_of(framework: Framework) -> list[Skill]:
    """The items that a survey on this version asks about."""
    return list(framework.skills.filter(kind=ItemKind.DIGITAL).order_by("number"))


def skills_asked(response_id: int) -> QuerySet[Skill]:
    """The items that the survey of an answer asks about."""
    asked = Skill.objects.filter(framework__surveys__responses=response_id, kind=ItemKind.DIGITAL)
    return asked.order_by("number")


def levels_of(framework: Framework) -> list[SkillLevel]:
    """The levels that can be asked for, with what they mean."""
    return list(framework.levels.filter(level__gte=1).order_by("level"))


# ----------------------------------------------------------------------------------------------------------- answer


@dataclass(frozen=True)
class Standing:
    """Where an answer stands, and what the reader may do with it."""

    response: DemandResponse
    situation: demand_rules.Situation
    capacities: frozenset[str]

    @property
    def is_own(self) -> bool:
        """Whether the reader speaks for the organisation."""
        return demand_rules.COORDINATOR in self.capacities

    @property
    def entry_refusal(self) -> str | None:
        """Why lines can't be entered now, as a code."""
        return demand_rules.entry_refusal(self.situation)

    @property
    def can_edit(self) -> bool:
        """Whether the reader can enter lines now."""
        return self.is_own and self.entry_refusal is None

    @property
    def can_reply(self) -> bool:
        """Whether the reader can reply to questions now."""
        return self.is_own and demand_rules.reply_refusal(self.situation) is None

    @property
    def can_extend(self) -> bool:
        """Whether the reader can give more time now."""
        waits = self.response.state in demand_rules.WRITABLE
        return waits and self.situation.survey_open and demand_rules.SECRETARIAT in self.capacities

    @property
    def actions(self) -> tuple[str, ...]:
        """The steps open to the reader."""
        return demand_rules.open_actions(self.situation, self.capacities)

    @property
    def line_count(self) -> int:
        """All lines, on whatever page."""
        return self.situation.items

    @property
    def closes_on(self) -> date:
        """The closing day of this organisation."""
        return self.situation.closes_on


@dataclass(frozen=True)
class ResponsePage(Standing):
    """An organisation's answer with its lines and questions."""

    lines: Page[DemandItem]
    totals: Sequence[SkillTotal]
    questions: list[DemandQuestion]

    @property
    def headcount(self) -> int:
        """All heads asked for."""
        return sum(total.headcount for total in self.totals)

    @property
    def filled(self) -> int:
        """All heads that are there now."""
        return sum(total.filled for total in self.totals)


def standing(user: User, response: DemandResponse) -> Standing:
    """Where an answer stands that was read through `responses_for`; no query."""
    return Standing(response, situation_of(response), capacities_of(user, response))


def response_page(user: User, response: DemandResponse, *, page: str | int | None = 1) -> ResponsePage:
    """The page of an answer that was read through `responses_for`; three queries."""
    found = standing(user, response)
    paginator = Paginator(lines_of(response), LINES_PER_PAGE)
    paginator.count = found.line_count  # known already
    lines = paginator.get_page(page)
    lines.object_list = list(lines.object_list)
    questions = response.questions.select_related("asked_by", "replied_by").order_by("pk")
    return ResponsePage(
        response=response,
        situation=found.situation,
        capacities=found.capacities,
        lines=lines,
        totals=skill_totals(response.items.all()) if found.line_count else (),
        questions=list(questions),
    )


def last_years_response(response: DemandResponse) -> DemandResponse | None:
    """The same organisation's newest earlier answer that has lines, with its counts and survey."""
    earlier = DemandResponse.objects.filter(
        organisation=response.organisation_id, survey__fiscal_year__lt=response.survey.fiscal_year
    )
    filled = with_counts(earlier.filter(Exists(DemandItem.objects.filter(response=OuterRef("pk"))))).select_related(
        "survey"
    )
    return filled.order_by("-survey__fiscal_year", "-pk").first()
