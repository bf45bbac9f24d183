"""A running cycle with people in every state, built in bulk: the ground of most tests of the check.

>>> world = make_cycle()  # 13 people, one in each stage, 22 items, every window open today
>>> world.check("corrected")  # that person's Assessment
>>> world.user("corrected")  # that person's account
>>> make_cycle(people=2000, items=4)  # the stages in turn, some seconds

People, mentors and organisations are numbered through, so that several worlds can stand beside each other.
"""

from __future__ import annotations

import csv
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from django.conf import settings

from skillmap.assessment.choices import (
    Action,
    CycleState,
    CycleStep,
    GroupItems,
    LevelSource,
    MeetingKind,
    MeetingWay,
    SecondMeeting,
    State,
)
from skillmap.assessment.digits import digits_of
from skillmap.assessment.models import (
    Assessment,
    AssessmentEvent,
    ConfirmedLevel,
    Cycle,
    CycleGroup,
    CycleWindow,
    MentorPair,
    OneOnOne,
    PurposeText,
    SkillRating,
)
from skillmap.assessment.services.standing import settle
from skillmap.core import clock
from skillmap.core.fiscal import fiscal_year_of
from skillmap.framework.choices import FrameworkState, ItemKind
from skillmap.framework.models import Framework, JobType, JobTypeRequirement, Skill, SkillCategory, SkillLevel
from skillmap.people.choices import Grade, Occupation, OrganisationKind, Role
from skillmap.people.models import Membership, Organisation, OrganisationVersion, RoleGrant, Staff, User

_numbers = itertools.count(1)

# Stages a person of the group with 1on1 can be in, and after the slash those of the group without.
WITH_MEETINGS = (
    "untouched",  # nothing answered
    "started",  # half answered
    "submitted",
    "met",  # submitted, first 1on1 recorded
    "reviewed",
    "corrected",
    "confirmed",
    "met_again",  # confirmed, second 1on1 recorded
    "received",
    "withdrawn",
)
PLAIN = ("plain_started", "plain_submitted", "plain_confirmed")
STAGES = (*WITH_MEETINGS, *PLAIN)

STATES: Mapping[str, State] = {
    "untouched": State.DRAFT,
    "started": State.DRAFT,
    "submitted": State.SUBMITTED,
    "met": State.SUBMITTED,
    "reviewed": State.REVIEWED,
    "corrected": State.CORRECTED,
    "confirmed": State.CONFIRMED,
    "met_again": State.CONFIRMED,
    "received": State.RECEIVED,
    "withdrawn": State.WITHDRAWN,
    "plain_started": State.DRAFT,
    "plain_submitted": State.SUBMITTED,
    "plain_confirmed": State.CONFIRMED,
}
ROLES = (
    "secretariat",
    "supporter",
    "executive",
    "coordinator",
    "other_coordinator",
    "mentor",
    "deputy",
    "former_mentor",
    "other_mentor",
    "stranger",
)
HELD_FIRST = frozenset({"met", "reviewed", "corrected", "confirmed", "met_again", "received"})
HELD_SECOND = frozenset({"met_again", "received"})
CORRECTED = frozenset({"reviewed", "corrected", "confirmed", "met_again", "received"})
CONFIRMED = frozenset({"confirmed", "met_again", "received", "plain_confirmed"})


@dataclass
class World:
    """A cycle, the accounts of every role, and its people by stage.

    `mentor` mentors one person of each stage with 1on1 (the first of each), who stand in `section` of `bureau`;
    `deputy` is deputy for the same people, `former_mentor` mentored them until yesterday. `coordinator` coordinates
    `bureau`, `other_coordinator` `other_bureau`. `stranger` is staff outside the cycle.
    """

    framework: Framework
    skills: list[Skill]
    tools: list[Skill]
    job_types: list[JobType]
    bureau: Organisation
    section: Organisation
    other_bureau: Organisation
    other_section: Organisation
    secretariat: User
    secretariat_colleague: User
    supporter: User
    executive: User
    coordinator: User
    other_coordinator: User
    mentor: User
    other_mentor: User
    deputy: User
    former_mentor: User
    stranger: User
    mentors: list[User]
    cycle: Cycle
    group: CycleGroup
    plain_group: CycleGroup
    by_stage: dict[str, list[Assessment]] = field(default_factory=dict)

    @property
    def checks(self) -> list[Assessment]:
        """All checks, in the order of their people."""
        return sorted((check for rows in self.by_stage.values() for check in rows), key=lambda check: check.pk)

    def check(self, stage: str) -> Assessment:
        """The first check of a stage, read anew."""
        rows = Assessment.objects.select_related("staff__user", "cycle", "group", "organisation")
        return rows.get(pk=self.by_stage[stage][0].pk)

    def staff(self, stage: str) -> Staff:
        """The person of that check."""
        return self.check(stage).staff

    def user(self, stage: str) -> User:
        """The account of that person, read anew."""
        return User.objects.get(staff__pk=self.by_stage[stage][0].staff_id)

    def roles(self) -> dict[str, User]:
        """One account per role, by its name; the person's own is `user(stage)`."""
        return {name: getattr(self, name) for name in ROLES}


# ------------------------------------------------------------------------------------------------------- framework


def _facts(name: str) -> list[dict[str, str]]:
    with (settings.FIXTURE_ROOT / f"{name}.csv").open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def make_framework(*, items: int = 22, tools: int = 2, job_types: int = 2, publish: bool = True) -> Framework:
    """A small version: the first digital skills and tool items, four levels, job types with requirements."""
    framework = Framework.objects.create(code=f"test-{next(_numbers)}", name="スキル体系", name_en="Framework")
    facts = _facts("skills")[:items]
    tool_facts = _facts("digital_tools")[:tools]
    kinds = {row["category_code"]: (row["category_name"], ItemKind.DIGITAL) for row in facts}
    kinds |= {f"tool_{row['category_code']}": (row["category"], ItemKind.TOOL) for row in tool_facts}
    SkillCategory.objects.bulk_create(
        SkillCategory(framework=framework, code=code, name=name, kind=kind, sort_order=order)
        for order, (code, (name, kind)) in enumerate(kinds.items(), 1)
    )
    categories = {row.code: row for row in SkillCategory.objects.filter(framework=framework)}
    Skill.objects.bulk_create(
        [
            Skill(
                framework=framework,
                category=categories[row["category_code"]],
                code=row["code"],
                number=int(row["number"]),
                name=row["name"],
                definition=row["definition"],
            )
            for row in facts
        ]
        + [
            Skill(
                framework=framework,
                category=categories[f"tool_{row['category_code']}"],
                code=f"tool_{row['code']}",
                number=int(row["sort_order"]),
                name=row["name"],
                kind=ItemKind.TOOL,
            )
            for row in tool_facts
        ]
    )
    SkillLevel.objects.bulk_create(
        SkillLevel(
            framework=framework,
            level=int(row["level"]),
            label=row["label"],
            name=row["name"],
            definition=row["definition"],
        )
        for row in _facts("skill_levels")
    )
    _make_job_types(framework, job_types)
    if publish:
        Framework.objects.filter(pk=framework.pk).update(state=FrameworkState.PUBLISHED, published_at=clock.now())
        framework.refresh_from_db()
    return framework


def _make_job_types(framework: Framework, count: int) -> None:
    JobType.objects.bulk_create(
        JobType(
            framework=framework,
            code=row["code"],
            name=row["name"],
            definition=row["definition"],
            sort_order=int(row["sort_order"]),
        )
        for row in _facts("job_types")[:count]
    )
    skills = {row.code: row for row in Skill.objects.filter(framework=framework)}
    job_types = {row.code: row for row in JobType.objects.filter(framework=framework)}
    JobTypeRequirement.objects.bulk_create(
        JobTypeRequirement(
            job_type=job_types[row["job_type_code"]], skill=skills[row["skill_code"]], level=int(row["level"])
        )
        for row in _facts("job_type_requirements")
        if row["job_type_code"] in job_types and row["skill_code"] in skills
    )


# ---------------------------------------------------------------------------------------------------------- people


def make_organisation(
    name: str, *, parent: Organisation | None = None, kind: OrganisationKind = OrganisationKind.BUREAU
) -> Organisation:
    """One unit of the tree with its path."""
    unit = Organisation.objects.create(
        code=f"unit-{next(_numbers)}", name=name, kind=kind, parent=parent, valid_from=date(2020, 4, 1)
    )
    unit.path = f"{parent.path if parent else '/'}{unit.pk}/"
    unit.save(update_fields=["path"])
    OrganisationVersion.objects.create(organisation=unit, name=name, parent=parent, valid_from=unit.valid_from)
    return unit


def make_staff(
    organisation: Organisation,
    *,
    name: str = "",
    grade: Grade = Grade.SENIOR,
    occupation: Occupation = Occupation.ICT,
    role: Role | None = None,
    role_organisation: Organisation | None = None,
) -> User:
    """One person with an account, a membership and maybe a role; the account comes back (`user.staff`)."""
    (user,) = make_people(1, [organisation], grade=grade, occupation=occupation, names=[name] if name else None)
    if role is not None:
        RoleGrant.objects.create(user=user, role=role, organisation=role_organisation, valid_from=date(2020, 4, 1))
    return user


def make_people(
    count: int,
    organisations: Sequence[Organisation],
    *,
    grade: Grade = Grade.SENIOR,
    occupation: Occupation = Occupation.ICT,
    names: Sequence[str] | None = None,
) -> list[User]:
    """People with accounts and memberships, in bulk; the n-th stands in `organisations[n]`, in turn."""
    numbers = [next(_numbers) for _ in range(count)]
    labels = list(names) if names is not None else [f"職員{number:05}" for number in numbers]
    emails = [f"person{number}@example.test" for number in numbers]
    User.objects.bulk_create(
        (User(email=email, name=name, password="!") for email, name in zip(emails, labels, strict=True)),
        batch_size=500,
    )
    users = _in_order(User, "email", emails)
    Staff.objects.bulk_create(
        (
            Staff(
                number=f"{number:08}",
                user=user,
                name=user.name,
                kana=f"しょくいん{number:05}",
                email=user.email,
                occupation=occupation,
                grade=grade,
                organisation=organisations[index % len(organisations)],
                hired_on=date(2015, 4, 1),
            )
            for index, (number, user) in enumerate(zip(numbers, users, strict=True))
        ),
        batch_size=500,
    )
    staff = _in_order(Staff, "number", [f"{number:08}" for number in numbers])
    Membership.objects.bulk_create(
        (
            Membership(
                staff=row,
                organisation_id=row.organisation_id,
                grade=grade,
                occupation=occupation,
                valid_from=date(2020, 4, 1),
            )
            for row in staff
        ),
        batch_size=500,
    )
    for user, row in zip(users, staff, strict=True):
        user.staff = row
    return users


def _in_order(model: type, key: str, values: Sequence[str]) -> list[Any]:
    found: dict[str, Any] = {}
    for start in range(0, len(values), 500):
        rows = model.objects.filter(**{f"{key}__in": values[start : start + 500]})  # type: ignore[attr-defined]
        found |= {getattr(row, key): row for row in rows}
    return [found[value] for value in values]


# ----------------------------------------------------------------------------------------------------------- cycle


def make_purpose_text() -> PurposeText:
    """The newest purpose text, or a short one where none is kept."""
    newest = PurposeText.objects.order_by("-number").first()
    return newest or PurposeText.objects.create(number=1, text="人材育成のために使います。人事評価には使いません。")


def set_windows(cycle: Cycle, *, opens_on: date, closes_on: date, steps: Sequence[str] = CycleStep.values) -> None:
    """Give steps of a cycle the same window."""
    for step in steps:
        CycleWindow.objects.update_or_create(
            cycle=cycle, step=step, defaults={"opens_on": opens_on, "closes_on": closes_on}
        )
    settle(cycle.assessments.all())


def make_cycle(
    people: int = len(STAGES),
    *,
    items: int = 22,
    stages: Sequence[str] = STAGES,
    second_meeting: SecondMeeting = SecondMeeting.AFTER,
    last_levels: bool = True,
    state: CycleState = CycleState.OPEN,
) -> World:
    """A running cycle; the n-th person is in `stages[n]`, in turn, with levels that differ from person to person.

    Every window is open today, from 30 days ago to 30 days ahead. With `last_levels` everyone has levels confirmed a
    year ago; those who are confirmed now have the new ones besides.
    """
    world = _empty_world(items=items, people=people, second_meeting=second_meeting, state=state)
    wanted = [stages[index % len(stages)] for index in range(people)]
    places = [world.section if (index // len(stages)) % 2 == 0 else world.other_section for index in range(people)]
    users = make_people(people, places)
    now = clock.now()
    Assessment.objects.bulk_create(
        (
            _check(world, user.staff, stage, index, now)
            for index, (user, stage) in enumerate(zip(users, wanted, strict=True))
        ),
        batch_size=500,
    )
    stored = {row.staff_id: row for row in Assessment.objects.filter(cycle=world.cycle).select_related("staff")}
    checks = [stored[user.staff.pk] for user in users]
    for check, stage in zip(checks, wanted, strict=True):
        world.by_stage.setdefault(stage, []).append(check)
    staged = list(zip(range(people), checks, wanted, strict=True))
    _make_ratings(world, staged, now)
    _make_pairs(world, staged, len(stages), now)
    _make_meetings_and_events(world, staged, now)
    if last_levels:
        _make_profile(world, staged, now)
    settle(world.cycle.assessments.all())
    return world


def _empty_world(*, items: int, people: int, second_meeting: SecondMeeting, state: CycleState) -> World:
    framework = make_framework(items=items)
    bureau, other_bureau = make_organisation("第一局"), make_organisation("第二局")
    section = make_organisation("第一課", parent=bureau, kind=OrganisationKind.SECTION)
    other_section = make_organisation("第二課", parent=other_bureau, kind=OrganisationKind.SECTION)
    mentors = make_people(
        max(2, people // 6), [other_section, section], grade=Grade.DEPUTY_MANAGER, occupation=Occupation.ICT
    )
    today = clock.today()
    secretariat = make_staff(other_section, name="事務局 一郎", role=Role.SECRETARIAT)
    cycle = Cycle.objects.create(
        fiscal_year=fiscal_year_of(today),
        name=f"年度サイクル {next(_numbers)}",
        framework=framework,
        state=state,
        second_meeting=second_meeting,
        purpose_text=make_purpose_text(),
        created_by=secretariat,
        opened_at=None if state == CycleState.DRAFT else clock.now() - timedelta(days=30),
        closed_at=clock.now() if state == CycleState.CLOSED else None,
    )
    set_windows(cycle, opens_on=today - timedelta(days=30), closes_on=today + timedelta(days=30))
    ict = {"occupations": [Occupation.ICT.value]}
    groups = [
        CycleGroup.objects.create(cycle=cycle, name="ICT職", selection=ict, sort_order=1),
        CycleGroup.objects.create(
            cycle=cycle,
            name="1on1なし",
            selection={"occupations": [Occupation.CLERICAL.value]},
            with_one_on_one=False,
            items=GroupItems.DIGITAL,
            sort_order=2,
        ),
    ]
    kinds = {kind: list(framework.skills.filter(kind=kind).order_by("number")) for kind in ItemKind.values}
    return World(
        framework=framework,
        skills=kinds[ItemKind.DIGITAL],
        tools=kinds[ItemKind.TOOL],
        job_types=list(framework.job_types.order_by("sort_order")),
        bureau=bureau,
        section=section,
        other_bureau=other_bureau,
        other_section=other_section,
        secretariat=secretariat,
        secretariat_colleague=make_staff(other_section, name="事務局 二郎", role=Role.SECRETARIAT),
        supporter=make_staff(other_section, name="支援 花子", role=Role.SUPPORTER),
        executive=make_staff(other_section, name="閲覧 太郎", role=Role.EXECUTIVE),
        coordinator=make_staff(section, name="局担当 一子", role=Role.COORDINATOR, role_organisation=bureau),
        other_coordinator=make_staff(
            other_section, name="局担当 二子", role=Role.COORDINATOR, role_organisation=other_bureau
        ),
        mentor=mentors[0],
        other_mentor=mentors[1],
        deputy=make_staff(other_section, name="代理 三郎", occupation=Occupation.EXPERT),
        former_mentor=make_staff(other_section, name="前任 四郎", occupation=Occupation.EXPERT),
        stranger=make_staff(other_section, name="部外 五郎", occupation=Occupation.CLERICAL),
        mentors=mentors,
        cycle=cycle,
        group=groups[0],
        plain_group=groups[1],
    )


def _check(world: World, staff: Staff, stage: str, index: int, now: datetime) -> Assessment:
    confirmed = stage in CONFIRMED
    levels = [_final(index, skill.number, stage) for skill in world.skills]
    return Assessment(
        cycle=world.cycle,
        group=world.plain_group if stage in PLAIN else world.group,
        staff=staff,
        organisation_id=staff.organisation_id,
        grade=staff.grade,
        occupation=staff.occupation,
        target_job_type=world.job_types[index % len(world.job_types)],
        state=STATES[stage],
        submitted_at=None if STATES[stage] in (State.DRAFT, State.WITHDRAWN) else now - timedelta(days=20),
        confirmed_at=now - timedelta(days=2) if confirmed else None,
        confirmed_by=world.secretariat if confirmed else None,
        confirmed_digits=digits_of(levels) if confirmed else None,
        received_at=now - timedelta(days=1) if stage == "received" else None,
    )


def own_level(index: int, number: int) -> int:
    """The self level that the n-th person gives item `number`."""
    return (index + number) % 4


def corrected_level(index: int, number: int) -> int:
    """The corrected level: one higher in every fifth item."""
    own = own_level(index, number)
    return min(3, own + 1) if number % 5 == 0 else own


def mentor_level(index: int, number: int) -> int:
    """The mentor's view: one lower in every seventh item."""
    own = own_level(index, number)
    return max(0, own - 1) if number % 7 == 0 else own


def _make_ratings(world: World, staged: list[tuple[int, Assessment, str]], now: datetime) -> None:
    rows = []
    for index, check, stage in staged:
        answered = {"untouched": 0, "started": len(world.skills) // 2}.get(stage, len(world.skills))
        for position, skill in enumerate(world.skills):
            known = position < answered
            corrected = corrected_level(index, skill.number) if stage in CORRECTED else None
            rows.append(
                SkillRating(
                    assessment=check,
                    skill=skill,
                    self_level=own_level(index, skill.number) if known else None,
                    self_at=now - timedelta(days=21) if known else None,
                    self_by_id=check.staff.user_id if known else None,
                    corrected_level=corrected,
                    corrected_at=now - timedelta(days=9) if corrected is not None else None,
                    corrected_by_id=check.staff.user_id if corrected is not None else None,
                    mentor_level=mentor_level(index, skill.number) if stage in HELD_FIRST else None,
                    mentor_reason="根拠を確認した" if stage in HELD_FIRST and skill.number % 7 == 0 else "",
                    mentor_at=now - timedelta(days=10) if stage in HELD_FIRST else None,
                    mentor_by=world.mentor if stage in HELD_FIRST else None,
                    confirmed_level=_final(index, skill.number, stage) if stage in CONFIRMED else None,
                )
            )
    SkillRating.objects.bulk_create(rows, batch_size=1000)


def _final(index: int, number: int, stage: str) -> int:
    return corrected_level(index, number) if stage in CORRECTED else own_level(index, number)


def _make_pairs(world: World, staged: list[tuple[int, Assessment, str]], block: int, now: datetime) -> None:
    start, yesterday = now - timedelta(days=60), now - timedelta(days=1)
    rows = []
    for index, check, stage in staged:
        if stage in PLAIN:
            continue
        mentor = world.mentors[(index // block) % len(world.mentors)].staff
        common = {"cycle": world.cycle, "mentee_id": check.staff_id, "not_evaluator_declared": True}
        rows.append(MentorPair(**common, mentor=mentor, started_at=yesterday if index < block else start))
        if index < block:
            rows.append(MentorPair(**common, mentor=world.deputy.staff, is_deputy=True, started_at=start))
            rows.append(MentorPair(**common, mentor=world.former_mentor.staff, started_at=start, ended_at=yesterday))
    MentorPair.objects.bulk_create(rows, batch_size=500)


def _steps_to(stage: str) -> list[tuple[Action, State, State]]:
    """The steps that lead from the start to a stage."""
    if stage == "withdrawn":
        return [(Action.WITHDRAW, State.DRAFT, State.WITHDRAWN)]
    way = [State.DRAFT, State.SUBMITTED, State.REVIEWED, State.CORRECTED, State.CONFIRMED, State.RECEIVED]
    actions = [Action.SUBMIT, Action.REVIEW, Action.CORRECT, Action.CONFIRM, Action.RECEIVE]
    if stage in PLAIN:
        way, actions = [State.DRAFT, State.SUBMITTED, State.CONFIRMED], [Action.SUBMIT, Action.CONFIRM]
    reached = way.index(STATES[stage])
    return list(zip(actions[:reached], way[:reached], way[1 : reached + 1], strict=True))


def _make_meetings_and_events(world: World, staged: list[tuple[int, Assessment, str]], now: datetime) -> None:
    meetings, events = [], []
    for _index, check, stage in staged:
        kinds = [(MeetingKind.FIRST, HELD_FIRST, 10), (MeetingKind.SECOND, HELD_SECOND, 2)]
        meetings += [
            OneOnOne(
                assessment=check,
                kind=kind,
                held_on=(now - timedelta(days=days)).date(),
                way=MeetingWay.ONLINE,
                mentor=world.mentor.staff,
                shared_note="今後の進め方を話した",
                created_by=world.mentor,
            )
            for kind, stages, days in kinds
            if stage in stages
        ]
        for action, source, target in _steps_to(stage):
            by_person = action in (Action.SUBMIT, Action.CORRECT, Action.RECEIVE)
            by_mentor = action == Action.REVIEW
            own = check.staff.user_id
            assert own is not None
            actor_id = own if by_person else (world.mentor if by_mentor else world.secretariat).pk
            capacity = "self" if by_person else "mentor" if by_mentor else "secretariat"
            events.append(
                AssessmentEvent(
                    assessment=check, action=action, source=source, target=target, actor_id=actor_id, acting_as=capacity
                )
            )
    OneOnOne.objects.bulk_create(meetings, batch_size=500)
    AssessmentEvent.objects.bulk_create(events, batch_size=500)


def _make_profile(world: World, staged: list[tuple[int, Assessment, str]], now: datetime) -> None:
    """Everyone's level of a year ago (one below the own level), and for the confirmed the one of this cycle."""
    then, confirmed_on = clock.today() - timedelta(days=365), clock.today() - timedelta(days=2)
    rows = []
    for index, check, stage in staged:
        done = stage in CONFIRMED
        for skill in world.skills:
            common = {
                "staff_id": check.staff_id,
                "skill": skill,
                "skill_code": skill.code,
                "recorded_by": world.secretariat,
            }
            past = {"level": max(0, own_level(index, skill.number) - 1), "source": LevelSource.IMPORT}
            recorded = now - timedelta(days=365)
            if not done:
                rows.append(ConfirmedLevel(**common, **past, valid_from=then, recorded_at=recorded))
                continue
            turn = now - timedelta(days=2)
            rows += [
                ConfirmedLevel(**common, **past, valid_from=then, recorded_at=recorded, recorded_until=turn),
                ConfirmedLevel(**common, **past, valid_from=then, valid_to=confirmed_on, recorded_at=turn),
                ConfirmedLevel(
                    **common,
                    level=_final(index, skill.number, stage),
                    source=LevelSource.CYCLE,
                    assessment=check,
                    valid_from=confirmed_on,
                    recorded_at=turn,
                ),
            ]
    ConfirmedLevel.objects.bulk_create(rows, batch_size=1000)
