"""A confirmed cycle and a demand survey, small enough to count by hand, and gap runs over them.

>>> world = make_run_world()  # 90 people in 3 bureaus with 2 sections each, 6 items, a demand line each
>>> run = finished_run(world)  # computed here and now, not published
>>> run = finished_run(world, publish=True, parameters={"supply_level": 3})
>>> set_level(world, world.staff[0], 1, None)  # that person's answer to item 1
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random
from typing import Any

from skillmap.assessment.choices import CycleState, State
from skillmap.assessment.digits import digits_of
from skillmap.assessment.models import Assessment, Cycle, CycleGroup, SkillRating
from skillmap.core import clock, jobs
from skillmap.framework.models import Framework, Skill
from skillmap.gaps.choices import LevelBasis, Phase, ResponseState, SurveyState
from skillmap.gaps.models import DemandItem, DemandResponse, DemandSurvey, GapRun
from skillmap.gaps.services.runs import run_publish, run_request
from skillmap.people.choices import Occupation, OrganisationKind, Role
from skillmap.people.models import BureauGroup, Organisation, Staff, User
from tests.factories.assessment import make_purpose_text
from tests.factories.framework import small_framework
from tests.factories.people import BureauGroupFactory, OrganisationFactory, StaffFactory, staff_in_bulk, user_with

_numbers = itertools.count(1)

#: Level of the n-th person in an item, by its number.
LevelOf = Callable[[int, int], int | None]


@dataclass
class RunWorld:
    """A cycle, a survey and their people. `coordinator` speaks for `bureaus[0]`, `other_coordinator` for `bureaus[1]`.

    `bureaus[0]` and `bureaus[1]` are in `groups[0]` and `groups[1]`, further ones in none.
    """

    framework: Framework
    items: list[Skill]
    groups: list[BureauGroup]
    bureaus: list[Organisation]
    sections: list[Organisation]
    cycle: Cycle
    survey: DemandSurvey
    secretariat: User
    supporter: User
    executive: User
    coordinator: User
    other_coordinator: User
    person: User
    staff: list[Staff] = field(default_factory=list)
    checks: list[Assessment] = field(default_factory=list)

    def roles(self) -> dict[str, User]:
        """One account per role, by its name; read anew, so that rights are too."""
        names = ("secretariat", "supporter", "executive", "coordinator", "other_coordinator", "person")
        return {name: User.objects.get(pk=getattr(self, name).pk) for name in names}


def random_level(seed: int = 1) -> LevelOf:
    """Levels by chance, the same for the same seed; higher items are held by fewer people."""
    rng = Random(seed)

    def level(_index: int, number: int) -> int | None:
        if rng.random() < 0.05:
            return None
        return min(3, int(rng.random() * (5 - number / 3)))

    return level


def make_run_world(
    *,
    people: int = 90,
    items: int = 6,
    bureaus: int = 3,
    level_of: LevelOf | None = None,
    state: State = State.CONFIRMED,
) -> RunWorld:
    """A world with every check in the same state, and a submitted answer of each bureau with a line for each item."""
    framework = small_framework(items=items, tools=1)
    groups = [BureauGroupFactory.create() for _ in range(2)]
    units = [
        OrganisationFactory.create(bureau_group=groups[number] if number < 2 else None) for number in range(bureaus)
    ]
    sections = [
        OrganisationFactory.create(parent=bureau, kind=OrganisationKind.SECTION) for bureau in units for _ in range(2)
    ]
    office = user_with(Role.SECRETARIAT, occupation=Occupation.CLERICAL, organisation=sections[0])
    world = RunWorld(
        framework=framework,
        items=list(framework.skills.filter(kind="digital").order_by("number")),
        groups=groups,
        bureaus=units,
        sections=sections,
        cycle=_cycle(framework, office),
        survey=_survey(framework, office),
        secretariat=office,
        supporter=_account(Role.SUPPORTER, sections[0]),
        executive=_account(Role.EXECUTIVE, sections[0]),
        coordinator=user_with(Role.COORDINATOR, organisation=units[0], occupation=Occupation.CLERICAL),
        other_coordinator=user_with(
            Role.COORDINATOR, organisation=units[min(1, bureaus - 1)], occupation=Occupation.CLERICAL
        ),
        person=_person(sections[0]),
    )
    if people:
        add_people(world, people, level_of=level_of or random_level(), state=state)
    for number, bureau in enumerate(units):
        answer(world, bureau, [(item.number, 1 + number, 2, 3 + item.number) for item in world.items])
    return world


def _account(role: Role, place: Organisation) -> User:
    user = user_with(role, occupation=Occupation.CLERICAL)
    Staff.objects.filter(user=user).update(organisation=place)
    return user


def _person(place: Organisation) -> User:
    staff = StaffFactory.create(organisation=place, occupation=Occupation.CLERICAL)
    assert staff.user is not None
    return staff.user


def _cycle(framework: Framework, office: User) -> Cycle:
    cycle = Cycle.objects.create(
        fiscal_year=2025,
        name=f"年度サイクル {next(_numbers)}",
        framework=framework,
        state=CycleState.OPEN,
        purpose_text=make_purpose_text(),
        created_by=office,
        opened_at=clock.now() - timedelta(days=30),
    )
    CycleGroup.objects.create(cycle=cycle, name="ICT職", selection={"occupations": [Occupation.ICT.value]})
    return cycle


def _survey(framework: Framework, office: User) -> DemandSurvey:
    return DemandSurvey.objects.create(
        fiscal_year=2025,
        name=f"需要調査 {next(_numbers)}",
        framework=framework,
        state=SurveyState.CLOSED,
        opens_on=date(2025, 4, 15),
        closes_on=date(2025, 5, 31),
        created_by=office,
    )


def add_people(
    world: RunWorld,
    count: int,
    *,
    level_of: LevelOf,
    state: State = State.CONFIRMED,
    places: Sequence[Organisation] | None = None,
    occupation: Occupation = Occupation.ICT,
) -> list[Assessment]:
    """People with a check in a state, spread over the sections (or `places`), whose levels `level_of` tells.

    Confirmed ones have the confirmed level alone, those before the self level alone.
    """
    start = len(world.staff)
    staff = staff_in_bulk(count, places or world.sections, prefix=f"{next(_numbers):03}"[-3:])
    levels = [[level_of(start + index, item.number) for item in world.items] for index in range(count)]
    confirmed = state in (State.CONFIRMED, State.RECEIVED)
    group = world.cycle.groups.get()
    checks = Assessment.objects.bulk_create(
        Assessment(
            cycle=world.cycle,
            group=group,
            staff=person,
            organisation_id=person.organisation_id,
            grade=person.grade,
            occupation=occupation,
            state=state,
            submitted_at=clock.now(),
            confirmed_at=clock.now() if confirmed else None,
            confirmed_by=world.secretariat if confirmed else None,
            confirmed_digits=digits_of(held) if confirmed else None,
        )
        for person, held in zip(staff, levels, strict=True)
    )
    column = "confirmed_level" if confirmed else "self_level"
    SkillRating.objects.bulk_create(
        (
            SkillRating(assessment=check, skill=item, **{column: level})
            for check, held in zip(checks, levels, strict=True)
            for item, level in zip(world.items, held, strict=True)
        ),
        batch_size=500,
    )
    world.staff += staff
    world.checks += checks
    return checks


def set_level(world: RunWorld, person: Staff, number: int, level: int | None) -> None:
    """Change what is confirmed for one person in the item with this number."""
    ratings = SkillRating.objects.filter(assessment__cycle=world.cycle, assessment__staff=person)
    assert ratings.filter(skill__number=number, skill__kind="digital").update(confirmed_level=level) == 1
    digital = ratings.filter(skill__kind="digital").order_by("skill__number")
    digits = digits_of(digital.values_list("confirmed_level", flat=True))
    Assessment.objects.filter(cycle=world.cycle, staff=person).update(confirmed_digits=digits)


def answer(
    world: RunWorld,
    unit: Organisation,
    lines: Sequence[tuple[int, int, int, int]],
    *,
    state: ResponseState = ResponseState.SUBMITTED,
) -> DemandResponse:
    """An organisation's answer; each line is (item number, business, level, heads)."""
    response = DemandResponse.objects.create(
        survey=world.survey,
        organisation=unit,
        state=state,
        submitted_at=clock.now() if state in (ResponseState.SUBMITTED, ResponseState.NONE) else None,
        submitted_by=world.secretariat,
    )
    by_number = {item.number: item for item in world.items}
    DemandItem.objects.bulk_create(
        DemandItem(
            response=response,
            business=f"業務{business}",
            phase=Phase.OPERATION,
            skill=by_number[number],
            level=level,
            headcount=heads,
            position=position,
        )
        for position, (number, business, level, heads) in enumerate(lines)
    )
    return response


def asked_run(
    world: RunWorld, *, basis: str = LevelBasis.CONFIRMED, parameters: Mapping[str, Any] | None = None
) -> GapRun:
    """A run whose job waits."""
    return run_request(
        cycle_id=world.cycle.pk,
        survey_id=world.survey.pk,
        basis=basis,
        parameters=parameters,
        actor=User.objects.get(pk=world.secretariat.pk),
    )


def finished_run(
    world: RunWorld,
    *,
    basis: str = LevelBasis.CONFIRMED,
    parameters: Mapping[str, Any] | None = None,
    publish: bool = False,
) -> GapRun:
    """A run that is computed, here and now, by its job."""
    run = asked_run(world, basis=basis, parameters=parameters)
    assert run.job is not None
    jobs.run(run.job.pk)
    run = GapRun.objects.select_related("job", "cycle", "survey", "framework").get(pk=run.pk)
    assert run.finished_at is not None, run.job and run.job.error
    if publish:
        run_publish(run_id=run.pk, actor=User.objects.get(pk=world.secretariat.pk))
        run.refresh_from_db()
    return run
