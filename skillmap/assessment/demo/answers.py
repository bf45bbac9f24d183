"""What people answered, what their mentors saw, and the work that stands behind it."""

from collections.abc import Iterator, Mapping, Sequence

from skillmap.assessment.choices import Difficulty, GroupItems, State, WorkRole
from skillmap.assessment.demo.cast import Cast
from skillmap.assessment.demo.checks import Course, Courses
from skillmap.assessment.demo.levels import Levels
from skillmap.assessment.demo.stages import NOT_MET
from skillmap.assessment.models import Assessment, Evidence, SkillRating
from skillmap.core.bulk import Row, insert, next_id, write
from skillmap.core.chunks import chunks

COURSES = 1000  # checks whose answers are held at a time
NOBODY = (None, None, None)
WORKS = (
    "庁内業務システムの更改計画", "電子申請サービスの改善", "窓口予約サービスの改善", "データ利活用基盤の試行",
    "クラウド移行の調達支援", "職員ポータルの再構築", "オープンデータの公開", "ネットワーク機器の更新",
    "生成AI活用の検証", "情報セキュリティ点検",
)  # fmt: skip


COLUMNS = (
    "assessment_id", "skill_id", "self_level", "self_at", "self_by_id", "corrected_level", "corrected_at",
    "corrected_by_id", "mentor_level", "mentor_at", "mentor_by_id", "mentor_reason", "confirmed_level", "wish",
)  # fmt: skip
ANSWERED = COLUMNS.index("self_level")


def write_answers(cast: Cast, courses: Courses, levels: Levels, *, changing: bool) -> None:
    """Ratings of every check, and evidence behind some of those above level 1."""
    for some in chunks(courses, COURSES):
        rows = [row for course in some for row in _ratings_of(cast, course, levels[course.check.staff_id], changing)]
        first = next_id(SkillRating)
        write(SkillRating, COLUMNS, rows)
        known = {course.check.pk: course.check for course in some}
        insert(_evidence(cast, known, rows, first), Evidence)
        cast.progress.step(len(some))


def _ratings_of(cast: Cast, course: Course, held: Mapping[str, int], changing: bool) -> Iterator[Row]:
    """The answers to all items of a check, in the order of COLUMNS."""
    check, stage, moments = course.check, course.stage, course.moments
    skills = cast.tools if check.group.items == GroupItems.TOOL else cast.digital
    answered = {"untouched": 0, "started": len(skills) * 8 // 22}.get(stage, len(skills))
    user, mentor = check.staff.user_id, cast.pairs.get(check.staff_id)
    confirmed = check.state in (State.CONFIRMED, State.RECEIVED)
    corrected = confirmed or check.state in (State.REVIEWED, State.CORRECTED)
    by_person = (moments.submitted, user)
    after_meeting = (moments.corrected, user) if corrected and check.group.with_one_on_one else None
    for index, skill in enumerate(skills):
        level = held[skill.code]
        own = max(0, level - 1) if changing and cast.rng.random() < 0.05 else level
        seen = _mentor_view(cast, check, stage, level)
        is_answered = index < answered
        yield (
            check.pk,
            skill.pk,
            *((own, *by_person) if is_answered else NOBODY),
            *((level, *after_meeting) if after_meeting else NOBODY),
            *((seen, moments.first_met, mentor.user_id) if seen is not None and mentor else NOBODY),
            _reason(seen, level),
            level if confirmed else None,
            is_answered and cast.rng.random() < 0.08,
        )


def _mentor_view(cast: Cast, check: Assessment, stage: str, level: int) -> int | None:
    """The mentor's own idea of a level, where there is one."""
    if not check.group.with_one_on_one or stage in NOT_MET:
        return None
    if cast.rng.random() > 0.3:
        return None
    return min(3, max(0, level + cast.rng.choice((-1, 0, 0, 0, 1))))


def _reason(seen: int | None, level: int) -> str:
    """What a mentor says who sees it differently."""
    if seen is None or seen == level:
        return ""
    return (
        "実績から見ると、もう少し高いと感じます。"
        if seen > level
        else "一人で進めた経験を、もう少し積んでからと感じます。"
    )


def _evidence(cast: Cast, known: Mapping[int, Assessment], ratings: Sequence[Row], first: int) -> Iterator[Evidence]:
    for pk, rating in enumerate(ratings, first):
        if (rating[ANSWERED] or 0) < 2 or cast.rng.random() >= 0.25:
            continue
        check = known[rating[0]]
        yield Evidence(
            rating_id=pk,
            work=cast.rng.choice(WORKS),
            fiscal_year=check.cycle.fiscal_year - cast.rng.randint(0, 2),
            difficulty=cast.rng.choice(Difficulty.values),
            role=cast.rng.choice(WorkRole.values),
            created_by_id=check.staff.user_id,
        )
