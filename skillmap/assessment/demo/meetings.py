"""Pairs of mentor and person, their 1on1s and what they agreed."""

from collections.abc import Iterator
from datetime import date, datetime

from skillmap.assessment.choices import GoalState, MeetingKind, MeetingWay
from skillmap.assessment.demo.cast import Cast
from skillmap.assessment.demo.checks import Course, Courses
from skillmap.assessment.demo.stages import NOT_MET
from skillmap.assessment.models import Cycle, DevelopmentGoal, MentorPair, OneOnOne
from skillmap.core.bulk import insert

NOTES = (
    "日ごろの業務の進め方と、これから伸ばしたい分野について話しました。担当範囲を広げることにしました。",
    "自己点検の結果を一緒に見ました。調達の経験を生かせる案件に、次年度から加わることにしました。",
    "設計書のレビューを通じて学びたいとの希望。月に一度、課内のレビュー会に出ることにしました。",
    "データ活用の研修で学んだことを、窓口の待ち時間の分析で試すことにしました。",
    "チームをまとめる経験を積みたいとの希望。小さな改善案件の進行役を任せることにしました。",
    "異動から間もないため、まず業務の全体像をつかむことを優先することにしました。",
)
GOALS = (
    "担当システムの次期構成案を、自分でまとめて説明する",
    "クラウドへの移行計画の見積りを、一人で作る",
    "利用者への聞き取りを三回行い、画面の改善案にする",
    "月次の統計をダッシュボードにして、課内で使ってもらう",
    "脆弱性診断の結果を読み、対応の順番を提案する",
    "小規模な改善案件の進行役を務める",
    "生成AIの試行の手順書をまとめ、他の課に説明する",
    "調達仕様書の技術要件を、下書きから担当する",
    "課内の勉強会で、ネットワークの基礎を教える",
)


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
    insert(rows, MentorPair)


def has_met(course: Course) -> bool:
    """Whether the first 1on1 has taken place."""
    return course.check.group.with_one_on_one and course.stage not in NOT_MET


def write_meetings(cast: Cast, courses: Courses, *, goals_done: float) -> None:
    """The 1on1s that were held, each first one with a goal, of which that share is no longer open."""
    held = [course for course in courses if has_met(course)]
    insert((row for course in cast.progress.over(held) for row in _meetings_of(cast, course)), OneOnOne)
    insert((_goal_of(cast, course, goals_done) for course in held), DevelopmentGoal)


def _meetings_of(cast: Cast, course: Course) -> Iterator[OneOnOne]:
    days = {MeetingKind.FIRST: course.moments.first_met.date()}
    if course.stage in ("met_again", "received"):
        days[MeetingKind.SECOND] = course.moments.second_met.date()
    mentor = cast.pairs[course.check.staff_id]
    for kind, day in days.items():
        yield OneOnOne(
            assessment=course.check,
            kind=kind,
            held_on=day,
            way=cast.rng.choice(MeetingWay.values),
            mentor=mentor,
            shared_note=cast.rng.choice(NOTES),
            created_by=mentor.user,
        )


def _goal_of(cast: Cast, course: Course, done: float) -> DevelopmentGoal:
    state = cast.rng.choice((GoalState.REACHED, GoalState.REACHED, GoalState.DROPPED))
    return DevelopmentGoal(
        assessment=course.check,
        text=cast.rng.choice(GOALS),
        due_on=date(course.check.cycle.fiscal_year + 1, 3, 31),
        state=state if cast.rng.random() < done else GoalState.OPEN,
        created_by=cast.pairs[course.check.staff_id].user,
    )
