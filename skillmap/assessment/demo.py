"""Cycles of the demo world: past ones closed and confirmed, the running one with people in every state; in bulk.

The levels of fiscal year 2024 are arranged so that supply has the order that the published analysis prints, with the three
places that the print leaves open set here (UIデザイン 8, クラウドサービス活用 10, UXデザイン 12): made up, and said so.
"""

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

from django.db import models

from skillmap.assessment import rules
from skillmap.assessment.choices import (
    Actor,
    CycleState,
    CycleStep,
    Difficulty,
    GroupItems,
    LevelSource,
    MeetingKind,
    MeetingWay,
    State,
    WorkRole,
)
from skillmap.assessment.models import (
    Assessment,
    AssessmentEvent,
    ConfirmedLevel,
    Cycle,
    CycleGroup,
    CycleWindow,
    DevelopmentGoal,
    Evidence,
    MentorPair,
    OneOnOne,
    PurposeAcknowledgement,
    PurposeText,
    SkillRating,
)
from skillmap.assessment.services.cycles import newest_purpose_text
from skillmap.core import clock
from skillmap.framework.models import Framework, Skill
from skillmap.people.choices import Occupation
from skillmap.people.demo import DemoPeople
from skillmap.people.models import Staff, User

ASSUMED_PLACES = {"ui_design": 8, "cloud_services": 10, "ux_design": 12}
BATCH = 2000
Levels = dict[int, dict[str, int]]
WORKS = (
    "庁内業務システムの更改計画", "電子申請サービスの改善", "窓口予約サービスの改善", "データ利活用基盤の試行", "クラウド移行の調達支援",
    "職員ポータルの再構築", "オープンデータの公開", "ネットワーク機器の更新", "生成AI活用の検証", "情報セキュリティ点検",
)  # fmt: skip
NOTE = "日ごろの業務の進め方と、これから伸ばしたい分野について話しました。次の異動に向けて、担当範囲を広げることにしました。"
GOAL = "担当システムの次期構成案を、自分でまとめて説明する"
# Stages of the running cycle and how many of a hundred people stand in each.
STAGES = (
    ("untouched", 10), ("started", 13), ("answered", 5), ("submitted", 15), ("met", 5), ("reviewed", 15), ("corrected", 17),
    ("confirmed", 6), ("met_again", 5), ("received", 7), ("withdrawn", 2),
)  # fmt: skip
STATE_OF = {
    "untouched": State.DRAFT, "started": State.DRAFT, "answered": State.DRAFT, "submitted": State.SUBMITTED,
    "met": State.SUBMITTED, "reviewed": State.REVIEWED, "corrected": State.CORRECTED, "confirmed": State.CONFIRMED,
    "met_again": State.CONFIRMED, "received": State.RECEIVED, "withdrawn": State.WITHDRAWN,
}  # fmt: skip


@dataclass(frozen=True)
class DemoCycles:
    """The cycles by fiscal year."""

    by_year: Mapping[int, Cycle]
    running: int


def supply_order(path: Path) -> list[str]:
    """Item codes in the order of supply of 2024: printed, the three unknown places assumed, the rest by number."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    printed = sorted(
        (row for row in rows if row["supply_order_among_12"]), key=lambda row: int(row["supply_order_among_12"])
    )
    known = iter(row["skill_code"] for row in printed)
    assumed = {place: code for code, place in ASSUMED_PLACES.items()}
    order = [assumed.get(place) or next(known) for place in range(1, len(printed) + len(assumed) + 1)]
    return order + [row["skill_code"] for row in rows if row["skill_code"] not in order]


def levels_of_2024(staff: Sequence[Staff], order: Sequence[str], rng: Random) -> Levels:
    """Levels with exactly the wanted order of supply: fewer people at level 2 or more from rank to rank."""
    levels: Levels = {person.pk: {} for person in staff}
    reach = {person.pk: rng.gauss(person.grade, 1.2) for person in staff}
    for rank, code in enumerate(order):
        ranked = sorted(staff, key=lambda person: -(reach[person.pk] + rng.gauss(0, 2.2)))
        holders = round(len(staff) * (0.52 - 0.02 * rank))
        for place, person in enumerate(ranked):
            if place < holders:
                levels[person.pk][code] = 3 if place < holders * 0.22 else 2
            else:
                levels[person.pk][code] = 1 if place < holders + len(staff) * 0.25 else 0
    return levels


def _next_year(levels: Levels, rng: Random) -> Levels:
    return {
        staff_id: {code: min(3, level + 1) if rng.random() < 0.07 else level for code, level in held.items()}
        for staff_id, held in levels.items()
    }


def _tool_levels(staff: Iterable[Staff], tools: Sequence[Skill], rng: Random) -> Levels:
    return {person.pk: {tool.code: rng.choice((1, 1, 2, 2, 3)) for tool in tools} for person in staff}


def build(
    *, people: DemoPeople, framework: Framework, rng: Random, today: date, running: int, fixtures: Path
) -> DemoCycles:
    """Write the cycles of 2024, of the two years before the running one, and the running one."""
    skills = list(framework.skills.select_related("category").order_by("kind", "number"))
    digital = [skill for skill in skills if skill.kind == "digital"]
    tools = [skill for skill in skills if skill.kind == "tool"]
    order = supply_order(fixtures / "priority_2024.csv")
    text = newest_purpose_text()
    levels = levels_of_2024(people.ict, order, rng) | levels_of_2024(people.experts, order, rng)
    levels |= _tool_levels(people.ambassadors, tools, rng)
    office = people.accounts["secretariat"]
    pairs = _pair_up(people, rng)
    cycles: dict[int, Cycle] = {}
    history = _History(framework, office)
    for year in sorted({2024, running - 2, running - 1} - {running}):
        builder = _CycleBuilder(framework, digital, tools, text, office, rng, people, pairs)
        cycles[year] = builder.past(year, levels)
        history.add(cycles[year], levels, {skill.code: skill for skill in skills}, _day(year, 9, 30))
        levels = _next_year(levels, rng)
    history.write()
    builder = _CycleBuilder(framework, digital, tools, text, office, rng, people, pairs)
    cycles[running] = builder.running(running, levels, today)
    return DemoCycles(cycles, running)


def _day(year: int, month: int, day: int) -> date:
    return date(year + (month < 4), month, day)


def _at(day: date, hour: int = 10) -> datetime:
    return datetime.combine(day, time(hour), tzinfo=clock.TOKYO)


def _pair_up(people: DemoPeople, rng: Random) -> dict[int, Staff]:
    """A mentor for each ICT person: somebody before them in one order, so that no pair goes both ways; loads balanced."""
    seniors = sorted((person for person in people.ict if rules.may_mentor(occupation="ict", grade=person.grade)),
                     key=lambda person: (-person.grade, person.pk))  # fmt: skip
    order = [*people.experts, *seniors]
    load = {person.pk: 0 for person in order}
    place = {person.pk: index for index, person in enumerate(order)}
    demo_mentor, demo_person = people.ict[1], people.ict[0]
    pairs = {demo_person.pk: demo_mentor}
    load[demo_mentor.pk] += 1
    for person in [*people.ict[2:], demo_mentor]:
        before = order[: place.get(person.pk, len(order))] or order[: len(people.experts)]
        some = before if len(before) <= 12 else rng.sample(before, 12)
        mentor = min(some, key=lambda row: (load[row.pk], row.pk))
        pairs[person.pk] = mentor
        load[mentor.pk] += 1
    return pairs


class _History:
    """Confirmed levels of past cycles with their two times, written at once: the last one of each item stays open."""

    def __init__(self, framework: Framework, office: User) -> None:
        self.framework, self.office = framework, office
        self.steps: list[tuple[Cycle, Levels, Mapping[str, Skill], date]] = []

    def add(self, cycle: Cycle, levels: Levels, skills: Mapping[str, Skill], day: date) -> None:
        """Remember what one cycle confirmed."""
        self.steps.append((cycle, levels, skills, day))

    def write(self) -> None:
        """Insert the rows: each step's row, known until the next step, then its closed copy known from then on."""
        rows: list[ConfirmedLevel] = []
        for index, (cycle, levels, skills, day) in enumerate(self.steps):
            checks = dict(Assessment.objects.filter(cycle=cycle).values_list("staff_id", "pk"))
            after = self.steps[index + 1][3] if index + 1 < len(self.steps) else None
            for staff_id, held in levels.items():
                if staff_id not in checks:
                    continue
                for code, level in held.items():
                    common = {
                        "staff_id": staff_id, "skill": skills[code], "skill_code": code, "level": level,
                        "valid_from": day, "source": LevelSource.CYCLE, "assessment_id": checks[staff_id],
                        "recorded_by": self.office,
                    }  # fmt: skip
                    known_until = _at(after, 15) if after else None
                    rows.append(ConfirmedLevel(**common, recorded_at=_at(day, 15), recorded_until=known_until))
                    if after is not None:
                        rows.append(ConfirmedLevel(**common, recorded_at=_at(after, 15), valid_to=after))
            ConfirmedLevel.objects.bulk_create(rows, batch_size=BATCH)
            rows.clear()


class _CycleBuilder:
    """Writes one cycle in bulk."""

    def __init__(
        self,
        framework: Framework,
        digital: Sequence[Skill],
        tools: Sequence[Skill],
        text: PurposeText,
        office: User,
        rng: Random,
        people: DemoPeople,
        pairs: Mapping[int, Staff],
    ) -> None:
        self.framework, self.digital, self.tools, self.text = framework, digital, tools, text
        self.office, self.rng, self.people, self.pairs = office, rng, people, pairs
        self.job_types = list(framework.job_types.order_by("sort_order"))

    def _cycle(self, year: int, state: CycleState, windows: Mapping[CycleStep, tuple[date, date]]) -> Cycle:
        opened = min(opens for opens, _closes in windows.values())
        closed = max(closes for _opens, closes in windows.values())
        cycle = Cycle.objects.create(
            fiscal_year=year,
            name=f"{year}年度 スキルチェック",
            framework=self.framework,
            state=state,
            purpose_text=self.text,
            created_by=self.office,
            opened_at=_at(opened, 9),
            closed_at=_at(closed, 18) if state == CycleState.CLOSED else None,
        )
        CycleWindow.objects.bulk_create(
            CycleWindow(cycle=cycle, step=step, opens_on=opens, closes_on=closes)
            for step, (opens, closes) in windows.items()
        )
        return cycle

    def _groups(self, cycle: Cycle) -> tuple[CycleGroup, CycleGroup, CycleGroup]:
        ict = CycleGroup(cycle=cycle, name="ICT職", selection={"occupations": [Occupation.ICT]}, sort_order=1)
        experts = CycleGroup(
            cycle=cycle,
            name="情報技術エキスパート",
            with_one_on_one=False,
            selection={"occupations": [Occupation.EXPERT]},
            sort_order=2,
        )
        tools = CycleGroup(
            cycle=cycle,
            name="DXアンバサダー",
            items=GroupItems.TOOL,
            with_one_on_one=False,
            selection={"designations": ["dx_ambassador"]},
            sort_order=3,
        )
        CycleGroup.objects.bulk_create([ict, experts, tools])
        return ict, experts, tools

    def _checks(self, cycle: Cycle, stages: Mapping[int, str]) -> list[tuple[Assessment, str]]:
        ict, experts, tools = self._groups(cycle)
        found = []
        members = ((ict, self.people.ict), (experts, self.people.experts), (tools, self.people.ambassadors))
        for group, people in members:
            for person in people:
                stage = stages[person.pk]
                found.append((self._check(cycle, group, person, stage), stage))
        Assessment.objects.bulk_create([check for check, _stage in found], batch_size=BATCH)
        return found

    def _check(self, cycle: Cycle, group: CycleGroup, person: Staff, stage: str) -> Assessment:
        state = STATE_OF[stage]
        done = state in (State.CONFIRMED, State.RECEIVED)
        assert cycle.opened_at is not None  # noqa: S101
        return Assessment(
            cycle=cycle,
            group=group,
            staff=person,
            organisation=person.organisation,
            grade=person.grade,
            occupation=person.occupation,
            target_job_type=self.rng.choice(self.job_types) if group.items == GroupItems.DIGITAL else None,
            state=state,
            submitted_at=None if state == State.DRAFT else cycle.opened_at + timedelta(days=6),
            confirmed_at=cycle.opened_at + timedelta(days=12) if done else None,
            confirmed_by=self.office if done else None,
            received_at=cycle.opened_at + timedelta(days=14) if state == State.RECEIVED else None,
        )

    def past(self, year: int, levels: Levels) -> Cycle:
        """A closed cycle in which everyone received the confirmed levels."""
        windows = {
            CycleStep.SELF_CHECK: (_day(year, 6, 1), _day(year, 6, 30)),
            CycleStep.FIRST_ONE_ON_ONE: (_day(year, 7, 1), _day(year, 7, 31)),
            CycleStep.CORRECTION: (_day(year, 8, 1), _day(year, 8, 20)),
            CycleStep.CONFIRMATION: (_day(year, 8, 21), _day(year, 9, 30)),
            CycleStep.SECOND_ONE_ON_ONE: (_day(year, 10, 1), _day(year, 10, 31)),
        }
        cycle = self._cycle(year, CycleState.CLOSED, windows)
        everyone = [*self.people.ict, *self.people.experts, *self.people.ambassadors]
        checks = self._checks(cycle, {person.pk: "received" for person in everyone})
        self._ratings(checks, levels, changing=False)
        self._pairs(cycle, ended=_at(_day(year, 10, 31), 18))
        self._meetings(checks, windows)
        self._events(checks, windows)
        return cycle

    def running(self, year: int, levels: Levels, today: date) -> Cycle:
        """An open cycle whose windows all lie around today, with people in every state."""
        windows = {
            CycleStep.SELF_CHECK: (today - timedelta(days=20), today + timedelta(days=10)),
            CycleStep.FIRST_ONE_ON_ONE: (today - timedelta(days=15), today + timedelta(days=20)),
            CycleStep.CORRECTION: (today - timedelta(days=12), today + timedelta(days=27)),
            CycleStep.CONFIRMATION: (today - timedelta(days=9), today + timedelta(days=34)),
            CycleStep.SECOND_ONE_ON_ONE: (today - timedelta(days=8), today + timedelta(days=55)),
        }
        cycle = self._cycle(year, CycleState.OPEN, windows)
        checks = self._checks(cycle, self._stages())
        self._ratings(checks, _next_year(levels, self.rng), changing=True)
        self._pairs(cycle, ended=None)
        self._meetings(checks, windows)
        self._events(checks, windows)
        self._confirm_running(cycle, checks, today)
        PurposeAcknowledgement.objects.bulk_create(
            PurposeAcknowledgement(staff=check.staff, cycle=cycle, purpose_text=self.text)
            for check, stage in checks
            if stage != "untouched"
        )
        return cycle

    def _stages(self) -> dict[int, str]:
        """Who stands where: the demo people first, then spread by STAGES; groups without 1on1 skip the meetings."""
        names, weights = zip(*STAGES, strict=True)
        stages = {
            person.pk: stage
            for person, stage in zip(
                self.people.ict, self.rng.choices(names, weights, k=len(self.people.ict)), strict=True
            )
        }
        stages[self.people.ict[0].pk] = "started"
        stages[self.people.ict[1].pk] = "reviewed"
        demo_mentor = self.people.ict[1].pk
        own = [person.pk for person in self.people.ict if self.pairs.get(person.pk, person).pk == demo_mentor][1:]
        stages |= dict(zip(own, ("submitted", "met", "corrected", "met_again"), strict=False))
        plain = ("untouched", "started", "submitted", "submitted", "confirmed", "received")
        for person in (*self.people.experts, *self.people.ambassadors):
            stages[person.pk] = self.rng.choice(plain)
        expert = self.people.experts[0].pk
        stages[expert] = "submitted"
        mentees = [person.pk for person in self.people.ict if self.pairs.get(person.pk, person).pk == expert]
        stages |= dict(zip(mentees, ("submitted", "reviewed", "met_again"), strict=False))
        return stages

    def _ratings(self, checks: Sequence[tuple[Assessment, str]], levels: Levels, *, changing: bool) -> None:
        """Ratings of every check, and evidence behind some of those above level 1."""
        rows: list[SkillRating] = []
        for check, stage in checks:
            rows += self._ratings_of(check, stage, levels[check.staff_id], changing=changing)
        for start in range(0, len(rows), BATCH * 5):
            SkillRating.objects.bulk_create(rows[start : start + BATCH * 5], batch_size=BATCH)
        self._evidence(rows)

    def _ratings_of(
        self, check: Assessment, stage: str, held: Mapping[str, int], *, changing: bool
    ) -> Iterable[SkillRating]:
        skills = self.tools if check.group.items == GroupItems.TOOL else self.digital
        answered = {"untouched": 0, "started": len(skills) * 8 // 22}.get(stage, len(skills))
        state, at, user = check.state, check.cycle.opened_at, check.staff.user
        corrected = state in (State.REVIEWED, State.CORRECTED, State.CONFIRMED, State.RECEIVED)
        for index, skill in enumerate(skills):
            level = held[skill.code]
            own = max(0, level - 1) if changing and self.rng.random() < 0.05 else level
            seen = self._mentor_view(check, stage, level)
            is_answered = index < answered
            yield SkillRating(
                assessment=check,
                skill=skill,
                self_level=own if is_answered else None,
                self_at=at if is_answered else None,
                self_by=user if is_answered else None,
                corrected_level=level if corrected and check.group.with_one_on_one else None,
                mentor_level=seen,
                mentor_reason="実績から見ると、もう少し高い(低い)と感じます。" if seen not in (None, level) else "",
                mentor_by=self.pairs[check.staff_id].user if seen is not None else None,
                mentor_at=at if seen is not None else None,
                confirmed_level=level if state in (State.CONFIRMED, State.RECEIVED) else None,
                wish=is_answered and self.rng.random() < 0.08,
            )

    def _mentor_view(self, check: Assessment, stage: str, level: int) -> int | None:
        if not check.group.with_one_on_one or stage in ("untouched", "started", "answered", "submitted", "withdrawn"):
            return None
        if self.rng.random() > 0.3:
            return None
        return min(3, max(0, level + self.rng.choice((-1, 0, 0, 0, 1))))

    def _evidence(self, ratings: Sequence[SkillRating]) -> None:
        rows = (
            Evidence(
                rating=rating,
                work=self.rng.choice(WORKS),
                fiscal_year=rating.assessment.cycle.fiscal_year - self.rng.randint(0, 2),
                difficulty=self.rng.choice(Difficulty.values),
                role=self.rng.choice(WorkRole.values),
                created_by=rating.assessment.staff.user,
            )
            for rating in ratings
            if (rating.self_level or 0) >= 2 and self.rng.random() < 0.25
        )
        _bulk(Evidence, rows)

    def _pairs(self, cycle: Cycle, *, ended: datetime | None) -> None:
        assert cycle.opened_at is not None  # noqa: S101
        people = {person.pk: person for person in self.people.ict}
        rows = (
            MentorPair(
                cycle=cycle,
                mentee=people[mentee],
                mentor=mentor,
                not_evaluator_declared=True,
                started_at=cycle.opened_at,
                ended_at=ended,
                assigned_by=self.office,
            )
            for mentee, mentor in self.pairs.items()
        )
        _bulk(MentorPair, rows)

    def _meetings(
        self, checks: Sequence[tuple[Assessment, str]], windows: Mapping[CycleStep, tuple[date, date]]
    ) -> None:
        meetings, goals = [], []
        first_day = windows[CycleStep.FIRST_ONE_ON_ONE][0] + timedelta(days=2)
        second_day = windows[CycleStep.SECOND_ONE_ON_ONE][0] + timedelta(days=2)
        for check, stage in checks:
            if not check.group.with_one_on_one or stage in (
                "untouched",
                "started",
                "answered",
                "submitted",
                "withdrawn",
            ):
                continue
            mentor = self.pairs[check.staff_id]
            for kind, day in ((MeetingKind.FIRST, first_day), (MeetingKind.SECOND, second_day)):
                if kind == MeetingKind.SECOND and stage not in ("met_again", "received"):
                    continue
                way = self.rng.choice(MeetingWay.values)
                meetings.append(
                    OneOnOne(assessment=check, kind=kind, held_on=day, way=way, mentor=mentor, shared_note=NOTE,
                             created_by=mentor.user)
                )  # fmt: skip
            due = date(check.cycle.fiscal_year + 1, 3, 31)
            goals.append(DevelopmentGoal(assessment=check, text=GOAL, due_on=due, created_by=mentor.user))
        _bulk(OneOnOne, meetings)
        _bulk(DevelopmentGoal, goals)

    def _events(self, checks: Sequence[tuple[Assessment, str]], windows: Mapping[CycleStep, tuple[date, date]]) -> None:
        """The steps that led to each state."""
        rows = []
        for check, stage in checks:
            mentor = self.pairs.get(check.staff_id)
            for action, source, target, acting_as in _path(stage, with_one_on_one=check.group.with_one_on_one):
                user = {Actor.SELF: check.staff.user, Actor.MENTOR: mentor.user if mentor else None}.get(acting_as)
                rows.append(
                    AssessmentEvent(
                        assessment=check,
                        action=action,
                        source=source,
                        target=target,
                        actor=user or self.office,
                        acting_as=acting_as,
                        comment="休職のため" if action == "withdraw" else "",
                    )
                )
        _bulk(AssessmentEvent, rows)

    def _confirm_running(self, cycle: Cycle, checks: Sequence[tuple[Assessment, str]], today: date) -> None:
        """Confirmed levels of the running cycle: what held before is kept as it was known, and comes back closed."""
        day = today - timedelta(days=5)
        moment = _at(day, 15)
        done = [check for check, stage in checks if STATE_OF[stage] in (State.CONFIRMED, State.RECEIVED)]
        for chunk in _chunks(done, 200):
            self._confirm_chunk(chunk, day, moment)

    def _confirm_chunk(self, checks: Sequence[Assessment], day: date, moment: datetime) -> None:
        staff = [check.staff_id for check in checks]
        before = list(ConfirmedLevel.objects.current().filter(staff__in=staff))
        ConfirmedLevel.objects.filter(pk__in=[row.pk for row in before]).update(recorded_until=moment)
        rows = []
        for row in before:
            row.pk, row.valid_to, row.recorded_at, row.recorded_until = None, day, moment, None
            rows.append(row)
        ratings = SkillRating.objects.filter(assessment__in=checks, confirmed_level__isnull=False)
        rows += [
            ConfirmedLevel(
                staff_id=rating.assessment.staff_id,
                skill=rating.skill,
                skill_code=rating.skill.code,
                level=rating.confirmed_level or 0,
                valid_from=day,
                recorded_at=moment,
                source=LevelSource.CYCLE,
                assessment=rating.assessment,
                recorded_by=self.office,
            )
            for rating in ratings.select_related("skill", "assessment")
        ]
        ConfirmedLevel.objects.bulk_create(rows, batch_size=BATCH)


def _path(stage: str, *, with_one_on_one: bool) -> list[tuple[str, str, str, Actor]]:
    """The steps to a stage of the running cycle."""
    if stage == "withdrawn":
        return [("withdraw", "draft", "withdrawn", Actor.SECRETARIAT)]
    steps: list[tuple[str, str, str, Actor]] = [("submit", "draft", "submitted", Actor.SELF)]
    if with_one_on_one:
        steps += [
            ("review", "submitted", "reviewed", Actor.MENTOR),
            ("correct", "reviewed", "corrected", Actor.SELF),
            ("confirm", "corrected", "confirmed", Actor.SECRETARIAT),
        ]
    else:
        steps.append(("confirm", "submitted", "confirmed", Actor.SECRETARIAT))
    steps.append(("receive", "confirmed", "received", Actor.SELF))
    target = STATE_OF[stage]
    if target == State.DRAFT:
        return []
    reached = [index for index, step in enumerate(steps) if step[2] == target]
    return steps[: reached[0] + 1]


def _chunks(rows: Sequence[Any], size: int) -> Iterable[Sequence[Any]]:
    return (rows[start : start + size] for start in range(0, len(rows), size))


def _bulk(model: type[models.Model], rows: Iterable[Any]) -> None:
    """Insert rows as they come, a batch at a time."""
    stream = iter(rows)
    while batch := list(islice(stream, BATCH)):
        model._default_manager.bulk_create(batch, batch_size=BATCH)
