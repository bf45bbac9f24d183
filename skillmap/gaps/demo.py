"""Demand surveys of the demo world, and the gap runs of fiscal year 2024 and of the last closed year with their areas.

The survey of 2024 has the order of demand that the published analysis prints; the head counts themselves are made up.
"""

import csv
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from pathlib import Path
from random import Random

from django.db import transaction

from skillmap.assessment.demo.cycles import DemoCycles
from skillmap.core import clock, jobs
from skillmap.core.models import Job
from skillmap.framework.models import Framework, Skill
from skillmap.gaps.choices import Phase, ResponseState, SurveyState
from skillmap.gaps.models import (
    DemandItem,
    DemandQuestion,
    DemandResponse,
    DemandSurvey,
    GapRun,
    PriorityArea,
)
from skillmap.gaps.services.areas import area_adopt, area_refuse
from skillmap.gaps.services.runs import run_publish, run_request
from skillmap.people.demo import DemoPeople
from skillmap.people.models import Organisation, User

PEOPLE = 180  # ICT staff whose demand the head counts below are
MOST_HEADS = 999
BUSINESSES = (
    "電子申請基盤の運用", "窓口予約サービスの改善", "業務システムの更改", "データ公開サイトの構築", "庁内ネットワークの更新",
    "オンライン相談の導入", "補助金申請の電子化", "施設予約システムの再構築", "防災情報アプリの改修", "生成AIの業務利用の検証",
)  # fmt: skip


def demand_order(path: Path) -> list[str]:
    """Item codes in the order of demand of 2024: the printed fifteen, then the others by number."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    printed = sorted((row for row in rows if row["demand_rank"]), key=lambda row: int(row["demand_rank"]))
    order = [row["skill_code"] for row in printed]
    return order + [row["skill_code"] for row in rows if row["skill_code"] not in order]


def build_surveys(
    *, people: DemoPeople, framework: Framework, rng: Random, today: date, running: int, fixtures: Path
) -> None:
    """A closed survey for each past year, and a running one with answers in every state."""
    order = demand_order(fixtures / "priority_2024.csv")
    skills = {skill.code: skill for skill in framework.skills.filter(kind="digital")}
    bureaus = list(Organisation.objects.filter(pk__in=people.coordinators).order_by("sort_order"))
    office = people.accounts["secretariat"]
    scale = max(1, len(people.ict) // PEOPLE)
    for year in sorted({2024, running - 2, running - 1} - {running}):
        survey = DemandSurvey.objects.create(
            fiscal_year=year,
            name=f"{year}年度 需要調査",
            framework=framework,
            state=SurveyState.CLOSED,
            opens_on=date(year, 4, 15),
            closes_on=date(year, 5, 31),
            created_by=office,
        )
        responses = _responses(survey, bureaus, people.coordinators, {})
        totals = {code: 4 * (len(order) - rank) + 8 for rank, code in enumerate(order)}
        _lines(responses, totals, skills, rng, scale)
        rng.shuffle(order) if year == 2024 else None
    _running_survey(framework, bureaus, people, order, skills, rng, today, running)


def _responses(
    survey: DemandSurvey,
    bureaus: Sequence[Organisation],
    coordinators: Mapping[int, User],
    states: Mapping[int, ResponseState],
) -> list[DemandResponse]:
    answered = (ResponseState.SUBMITTED, ResponseState.NONE)
    rows = []
    for bureau in bureaus:
        state = states.get(bureau.pk, ResponseState.SUBMITTED)
        sent = datetime.combine(min(survey.closes_on, clock.today() - timedelta(days=1)), time(10), tzinfo=clock.TOKYO)
        rows.append(
            DemandResponse(
                survey=survey,
                organisation=bureau,
                state=state,
                submitted_at=sent if state in answered else None,
                submitted_by=coordinators[bureau.pk] if state in answered else None,
            )
        )
    return DemandResponse.objects.bulk_create(rows)


def _lines(
    responses: Sequence[DemandResponse], totals: Mapping[str, int], skills: Mapping[str, Skill], rng: Random, scale: int
) -> None:
    """Spread the head counts of each item over the organisations, a few people a line; `scale` times as many."""
    rows: list[DemandItem] = []
    for code, total in totals.items():
        left = total * scale
        while left > 0:
            heads = min(left, rng.randint(1, 5) * scale, MOST_HEADS)
            left -= heads
            response = rng.choice(responses)
            rows.append(
                DemandItem(
                    response=response,
                    business=rng.choice(BUSINESSES),
                    phase=rng.choice(Phase.values),
                    skill=skills[code],
                    level=rng.choice((1, 2, 2, 2, 3)),
                    headcount=heads,
                    needed_from=date(response.survey.fiscal_year + 1, 4, 1),
                    filled_staff=rng.randint(0, heads),
                    position=len(rows),
                )
            )
    DemandItem.objects.bulk_create(rows, batch_size=2000)


def _running_survey(
    framework: Framework,
    bureaus: Sequence[Organisation],
    people: DemoPeople,
    order: Sequence[str],
    skills: Mapping[str, Skill],
    rng: Random,
    today: date,
    running: int,
) -> None:
    survey = DemandSurvey.objects.create(
        fiscal_year=running,
        name=f"{running}年度 需要調査",
        framework=framework,
        state=SurveyState.OPEN,
        opens_on=today - timedelta(days=14),
        closes_on=today + timedelta(days=16),
        created_by=people.accounts["secretariat"],
    )
    own = next(pk for pk, user in people.coordinators.items() if user == people.accounts["coordinator"])
    spread = (
        ResponseState.SUBMITTED, ResponseState.SUBMITTED, ResponseState.DRAFT, ResponseState.QUESTIONED,
        ResponseState.NOT_STARTED, ResponseState.NONE,
    )  # fmt: skip
    states = {bureau.pk: spread[index % len(spread)] for index, bureau in enumerate(bureaus)}
    states[own] = ResponseState.DRAFT
    scale = max(1, len(people.ict) // PEOPLE)
    responses = _responses(survey, bureaus, people.coordinators, states)
    writing = (ResponseState.SUBMITTED, ResponseState.DRAFT, ResponseState.QUESTIONED)
    totals = {code: 2 * (len(order) - rank) + 4 for rank, code in enumerate(order)}
    _lines([response for response in responses if response.state in writing], totals, skills, rng, scale)
    DemandQuestion.objects.bulk_create(
        DemandQuestion(
            response=response,
            text="人数の根拠になる業務の規模を、もう少し詳しく教えてください。",
            asked_by=people.accounts["secretariat"],
        )
        for response in responses
        if response.state == ResponseState.QUESTIONED
    )


@transaction.atomic
def run_and_adopt(*, cycles: DemoCycles, office: User) -> None:
    """Compute the gap runs of 2024 and of the last closed year as a job would, publish them, decide on what they propose.

    The days of 2024 are made up like the rest: run on 15 November, published a week later, adopted on 29 November.
    """
    for year in sorted({2024, cycles.running - 1}):
        if year not in cycles.by_year or year == cycles.running:
            continue
        survey = DemandSurvey.objects.get(fiscal_year=year)
        run = run_request(cycle_id=cycles.by_year[year].pk, survey_id=survey.pk, actor=office)
        if run.job is None:
            raise RuntimeError("A run that was asked for has a job.")
        jobs.run(run.job.pk)
        run_publish(run_id=run.pk, actor=office)
        _date_back(run, datetime(year, 11, 15, 10, tzinfo=clock.TOKYO))
        _decide(run, office, date(year, 11, 29))


def _decide(run: GapRun, office: User, day: date) -> None:
    """Adopt the first three proposals, refuse the others."""
    proposed = run.skills.filter(is_proposed=True).order_by("demand_rank")
    codes = list(proposed.values_list("skill__code", flat=True))
    if codes:
        area_adopt(run_id=run.pk, skill_codes=codes[:3], actor=office, decided_on=day)
    for code in codes[3:]:
        area = area_refuse(
            run_id=run.pk,
            skill_code=code,
            reason="今年度は上位3項目に絞って研修を組むため、見送ります。",
            actor=office,
        )
        PriorityArea.objects.filter(pk=area.pk).update(decided_on=day)


def _date_back(run: GapRun, at: datetime) -> None:
    """Put a run and its job where they belong in time."""
    end = at + timedelta(minutes=1)
    GapRun.objects.filter(pk=run.pk).update(
        created_at=at, snapshot_at=at, finished_at=end, published_at=at + timedelta(days=7)
    )
    Job.objects.filter(gap_run=run).update(created_at=at, started_at=at, finished_at=end)
