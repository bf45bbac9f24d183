"""What people answered, what their mentors saw, and the work that stands behind it."""

from collections.abc import Iterator, Mapping, Sequence

from skillmap.assessment.choices import Difficulty, GroupItems, State, WorkRole
from skillmap.assessment.demo.bulk import BATCH, bulk
from skillmap.assessment.demo.cast import Cast
from skillmap.assessment.demo.checks import Course, Courses
from skillmap.assessment.demo.levels import Levels
from skillmap.assessment.demo.stages import NOT_MET
from skillmap.assessment.models import Assessment, Evidence, SkillRating

WORKS = (
    "庁内業務システムの更改計画", "電子申請サービスの改善", "窓口予約サービスの改善", "データ利活用基盤の試行",
    "クラウド移行の調達支援", "職員ポータルの再構築", "オープンデータの公開", "ネットワーク機器の更新",
    "生成AI活用の検証", "情報セキュリティ点検",
)  # fmt: skip


def write_answers(cast: Cast, courses: Courses, levels: Levels, *, changing: bool) -> None:
    """Ratings of every check, and evidence behind some of those above level 1."""
    rows: list[SkillRating] = []
    for course in courses:
        rows += _ratings_of(cast, course, levels[course.check.staff_id], changing=changing)
    for start in range(0, len(rows), BATCH * 5):
        SkillRating.objects.bulk_create(rows[start : start + BATCH * 5], batch_size=BATCH)
    _write_evidence(cast, rows)


def _ratings_of(cast: Cast, course: Course, held: Mapping[str, int], *, changing: bool) -> Iterator[SkillRating]:
    check, stage, moments = course.check, course.stage, course.moments
    skills = cast.tools if check.group.items == GroupItems.TOOL else cast.digital
    answered = {"untouched": 0, "started": len(skills) * 8 // 22}.get(stage, len(skills))
    state, user = check.state, check.staff.user
    corrected = state in (State.REVIEWED, State.CORRECTED, State.CONFIRMED, State.RECEIVED)
    corrected = corrected and check.group.with_one_on_one
    for index, skill in enumerate(skills):
        level = held[skill.code]
        own = max(0, level - 1) if changing and cast.rng.random() < 0.05 else level
        seen = _mentor_view(cast, check, stage, level)
        is_answered = index < answered
        yield SkillRating(
            assessment=check,
            skill=skill,
            self_level=own if is_answered else None,
            self_at=moments.submitted if is_answered else None,
            self_by=user if is_answered else None,
            corrected_level=level if corrected else None,
            corrected_at=moments.corrected if corrected else None,
            corrected_by=user if corrected else None,
            mentor_level=seen,
            mentor_reason="実績から見ると、もう少し高い(低い)と感じます。" if seen not in (None, level) else "",
            mentor_by=cast.pairs[check.staff_id].user if seen is not None else None,
            mentor_at=moments.first_met if seen is not None else None,
            confirmed_level=level if state in (State.CONFIRMED, State.RECEIVED) else None,
            wish=is_answered and cast.rng.random() < 0.08,
        )


def _mentor_view(cast: Cast, check: Assessment, stage: str, level: int) -> int | None:
    """The mentor's own idea of a level, where there is one."""
    if not check.group.with_one_on_one or stage in NOT_MET:
        return None
    if cast.rng.random() > 0.3:
        return None
    return min(3, max(0, level + cast.rng.choice((-1, 0, 0, 0, 1))))


def _write_evidence(cast: Cast, ratings: Sequence[SkillRating]) -> None:
    rows = (
        Evidence(
            rating=rating,
            work=cast.rng.choice(WORKS),
            fiscal_year=rating.assessment.cycle.fiscal_year - cast.rng.randint(0, 2),
            difficulty=cast.rng.choice(Difficulty.values),
            role=cast.rng.choice(WorkRole.values),
            created_by=rating.assessment.staff.user,
        )
        for rating in ratings
        if (rating.self_level or 0) >= 2 and cast.rng.random() < 0.25
    )
    bulk(Evidence, rows)
