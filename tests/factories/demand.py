"""Demand surveys for tests: a running survey, organisations with their coordinators, lines.

>>> world = make_survey(answers=2)  # running from 2026-04-01 to 2026-05-31, two bureaus, three items
>>> DemandItemFactory.create(response=world.answers[0], skill=world.skills[0], headcount=3)
>>> world.coordinators[0], world.secretariat, world.supporter
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import factory
from factory.django import DjangoModelFactory

from skillmap.framework.models import Framework, Skill
from skillmap.gaps.choices import Phase, ResponseState, SurveyState
from skillmap.gaps.models import DemandItem, DemandQuestion, DemandResponse, DemandSurvey
from skillmap.people.choices import Role
from skillmap.people.models import Organisation, User
from tests.factories.framework import small_framework
from tests.factories.people import OrganisationFactory, user_with

OPENS, CLOSES = date(2026, 4, 1), date(2026, 5, 31)
DURING = "2026-05-10 12:00+09:00"  # for time_machine: a day on which lines can be entered
AFTER = "2026-06-03 12:00+09:00"


class DemandSurveyFactory(DjangoModelFactory[DemandSurvey]):
    """A running survey; its framework must be given."""

    class Meta:
        model = DemandSurvey

    fiscal_year = 2026
    name = factory.Sequence(lambda n: f"需要調査 {n}")
    state = SurveyState.OPEN
    opens_on = OPENS
    closes_on = CLOSES


class DemandResponseFactory(DjangoModelFactory[DemandResponse]):
    """An untouched answer."""

    class Meta:
        model = DemandResponse

    survey = factory.SubFactory(DemandSurveyFactory)
    organisation = factory.SubFactory(OrganisationFactory)


class DemandItemFactory(DjangoModelFactory[DemandItem]):
    """Two people at level 2; response and skill must be given."""

    class Meta:
        model = DemandItem

    business = factory.Sequence(lambda n: f"業務 {n}")
    phase = Phase.OPERATION
    level = 2
    headcount = 2
    position = factory.Sequence(lambda n: n)


class DemandQuestionFactory(DjangoModelFactory[DemandQuestion]):
    """A question without a reply."""

    class Meta:
        model = DemandQuestion

    text = "人数の根拠を教えてください。"


@dataclass
class SurveyWorld:
    """A survey with its answers, each organisation's coordinator beside it, and the people of the office."""

    survey: DemandSurvey
    framework: Framework
    skills: list[Skill]
    organisations: list[Organisation]
    answers: list[DemandResponse]
    coordinators: list[User]
    secretariat: User
    supporter: User

    @property
    def answer(self) -> DemandResponse:
        """The first organisation's answer."""
        return self.answers[0]

    @property
    def coordinator(self) -> User:
        """Who speaks for the first organisation."""
        return self.coordinators[0]


def make_survey(
    *,
    answers: int = 2,
    items: int = 3,
    lines: int = 0,
    state: str = SurveyState.OPEN,
    opens_on: date = OPENS,
    closes_on: date = CLOSES,
) -> SurveyWorld:
    """A survey of as many bureaus as `answers`, about `items` digital items and one tool.

    The first answer has `lines` lines and is a draft then; the others are untouched.
    """
    framework = small_framework(items=items, tools=1)
    skills = list(framework.skills.filter(kind="digital").order_by("number"))
    survey = DemandSurveyFactory.create(framework=framework, state=state, opens_on=opens_on, closes_on=closes_on)
    bureaus = OrganisationFactory.create_batch(answers)
    rows = [DemandResponseFactory.create(survey=survey, organisation=bureau) for bureau in bureaus]
    if lines:
        add_lines(rows[0], skills, lines)
    return SurveyWorld(
        survey=survey,
        framework=framework,
        skills=skills,
        organisations=bureaus,
        answers=rows,
        coordinators=[user_with(Role.COORDINATOR, organisation=bureau) for bureau in bureaus],
        secretariat=user_with(Role.SECRETARIAT, organisation=None),
        supporter=user_with(Role.SUPPORTER, organisation=None),
    )


def add_lines(answer: DemandResponse, skills: list[Skill], count: int) -> None:
    """Lines over the items in turn, in one statement; the answer becomes a draft."""
    first = answer.items.count()
    DemandItem.objects.bulk_create(
        DemandItem(
            response=answer,
            business=f"業務 {n // len(skills)}",
            phase=Phase.values[n % len(Phase.values)],
            skill=skills[n % len(skills)],
            level=1 + n % 3,
            headcount=1 + n % 5,
            needed_from=date(2027, 4, 1) if n % 2 else None,
            needed_until=date(2028, 3, 31) if n % 4 == 1 else None,
            filled_staff=n % 2,
            filled_vendor=n % 3,
            note=f"備考 {n}" if n % 5 == 0 else "",
            position=n,
        )
        for n in range(first, first + count)
    )
    DemandResponse.objects.filter(pk=answer.pk).update(state=ResponseState.DRAFT)
    answer.refresh_from_db()
