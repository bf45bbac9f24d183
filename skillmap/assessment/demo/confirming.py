"""Confirmed levels with their two times: since when they hold, and since when that is known."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from skillmap.assessment.choices import LevelSource, State
from skillmap.assessment.demo.cast import Cast
from skillmap.assessment.demo.checks import Courses
from skillmap.assessment.demo.days import at
from skillmap.assessment.demo.levels import Levels
from skillmap.assessment.demo.stages import STATE_OF
from skillmap.assessment.models import Assessment, ConfirmedLevel, Cycle, SkillRating
from skillmap.core.bulk import Row, write
from skillmap.core.chunks import chunks

CHECKS = 500  # whose levels are held at a time
COLUMNS = (
    "staff_id", "skill_id", "skill_code", "level", "assessment_id", "recorded_by_id", "source", "valid_from",
    "valid_to", "recorded_at", "recorded_until",
)  # fmt: skip


@dataclass(frozen=True)
class PastLevels:
    """What one past cycle confirmed, and on which day."""

    cycle: Cycle
    levels: Levels
    day: date


def write_past(cast: Cast, past: Sequence[PastLevels]) -> None:
    """Confirmed levels of past cycles in their order: the last one of each item stays open."""
    skills = {skill.code: skill.pk for skill in (*cast.digital, *cast.tools)}
    for index, step in enumerate(past):
        after = past[index + 1].day if index + 1 < len(past) else None
        write(ConfirmedLevel, COLUMNS, _past_rows(cast, step, after, skills))


def _past_rows(cast: Cast, step: PastLevels, after: date | None, skills: Mapping[str, int]) -> Iterator[Row]:
    """Each level as it was known until the next cycle, then its closed copy known from then on."""
    checks = dict(Assessment.objects.filter(cycle=step.cycle).values_list("staff_id", "pk"))
    known, moment = at(step.day, 15), at(after, 15) if after else None
    for staff_id, held in step.levels.items():
        if staff_id not in checks:
            continue
        for code, level in held.items():
            what = (staff_id, skills[code], code, level, checks[staff_id], cast.office.pk, LevelSource.CYCLE, step.day)
            yield (*what, None, known, moment)
            if after is not None:
                yield (*what, after, moment, None)


def write_running(cast: Cast, courses: Courses, day: date) -> None:
    """Levels that the running cycle confirmed: what held before is kept as it was known, and comes back closed."""
    done = [course.check for course in courses if STATE_OF[course.stage] in (State.CONFIRMED, State.RECEIVED)]
    for some in chunks(done, CHECKS):
        _confirm(cast, {check.pk: check.staff_id for check in some}, day)


def _confirm(cast: Cast, staff_of: Mapping[int, int], day: date) -> None:
    moment = at(day, 15)
    current = ConfirmedLevel.objects.current().filter(staff__in=staff_of.values()).order_by("pk")
    closed = [(*row[:-3], day, moment, None) for row in current.values_list(*COLUMNS)]
    current.order_by().update(recorded_until=moment)
    ratings = SkillRating.objects.filter(assessment__in=staff_of, confirmed_level__isnull=False).order_by("pk")
    confirmed = (
        (staff_of[check], skill, code, level, check, cast.office.pk, LevelSource.CYCLE, day, None, moment, None)
        for check, skill, code, level in ratings.values_list(
            "assessment_id", "skill_id", "skill__code", "confirmed_level"
        )
    )
    write(ConfirmedLevel, COLUMNS, [*closed, *confirmed])
