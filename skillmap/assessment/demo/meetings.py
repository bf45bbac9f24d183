"""Pairs of mentor and person, their 1on1s and what they agreed."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta

from skillmap.assessment.choices import CycleStep, MeetingKind, MeetingWay
from skillmap.assessment.demo.bulk import bulk
from skillmap.assessment.demo.cast import Cast
from skillmap.assessment.demo.checks import Checks
from skillmap.assessment.demo.stages import NOT_MET
from skillmap.assessment.models import Cycle, DevelopmentGoal, MentorPair, OneOnOne

NOTE = (
    "日ごろの業務の進め方と、これから伸ばしたい分野について話しました。"
    "次の異動に向けて、担当範囲を広げることにしました。"
)
GOAL = "担当システムの次期構成案を、自分でまとめて説明する"


def write_pairs(cast: Cast, cycle: Cycle, *, ended: datetime | None) -> None:
    """The pairs of a cycle, from its opening on."""
    assert cycle.opened_at is not None  # noqa: S101
    people = {person.pk: person for person in cast.people.ict}
    rows = (
        MentorPair(
            cycle=cycle,
            mentee=people[mentee],
            mentor=mentor,
            not_evaluator_declared=True,
            started_at=cycle.opened_at,
            ended_at=ended,
            assigned_by=cast.office,
        )
        for mentee, mentor in cast.pairs.items()
    )
    bulk(MentorPair, rows)


def write_meetings(cast: Cast, checks: Checks, windows: Mapping[CycleStep, tuple[date, date]]) -> None:
    """The 1on1s that were held, each first one with a goal."""
    meetings, goals = [], []
    first_day = windows[CycleStep.FIRST_ONE_ON_ONE][0] + timedelta(days=2)
    second_day = windows[CycleStep.SECOND_ONE_ON_ONE][0] + timedelta(days=2)
    for check, stage in checks:
        if not check.group.with_one_on_one or stage in NOT_MET:
            continue
        mentor = cast.pairs[check.staff_id]
        for kind, day in ((MeetingKind.FIRST, first_day), (MeetingKind.SECOND, second_day)):
            if kind == MeetingKind.SECOND and stage not in ("met_again", "received"):
                continue
            way = cast.rng.choice(MeetingWay.values)
            meetings.append(
                OneOnOne(
                    assessment=check,
                    kind=kind,
                    held_on=day,
                    way=way,
                    mentor=mentor,
                    shared_note=NOTE,
                    created_by=mentor.user,
                )
            )
        due = date(check.cycle.fiscal_year + 1, 3, 31)
        goals.append(DevelopmentGoal(assessment=check, text=GOAL, due_on=due, created_by=mentor.user))
    bulk(OneOnOne, meetings)
    bulk(DevelopmentGoal, goals)
