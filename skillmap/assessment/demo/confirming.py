"""Confirmed levels with their two times: since when they hold, and since when that is known."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from skillmap.assessment.choices import LevelSource, State
from skillmap.assessment.demo.bulk import BATCH, chunks
from skillmap.assessment.demo.cast import Cast
from skillmap.assessment.demo.checks import Courses
from skillmap.assessment.demo.days import at
from skillmap.assessment.demo.levels import Levels
from skillmap.assessment.demo.stages import STATE_OF
from skillmap.assessment.models import Assessment, ConfirmedLevel, Cycle, SkillRating
from skillmap.framework.models import Skill


@dataclass(frozen=True)
class PastLevels:
    """What one past cycle confirmed, and on which day."""

    cycle: Cycle
    levels: Levels
    day: date


def write_past(cast: Cast, past: Sequence[PastLevels]) -> None:
    """Confirmed levels of past cycles in their order: the last one of each item stays open."""
    skills = {skill.code: skill for skill in (*cast.digital, *cast.tools)}
    for index, step in enumerate(past):
        after = past[index + 1].day if index + 1 < len(past) else None
        ConfirmedLevel.objects.bulk_create(_past_rows(cast, step, after, skills), batch_size=BATCH)


def _past_rows(
    cast: Cast, step: PastLevels, after: date | None, skills: Mapping[str, Skill]
) -> Iterator[ConfirmedLevel]:
    """Each level as it was known until the next cycle, then its closed copy known from then on."""
    checks = dict(Assessment.objects.filter(cycle=step.cycle).values_list("staff_id", "pk"))
    for staff_id, held in step.levels.items():
        if staff_id not in checks:
            continue
        for code, level in held.items():
            common = {
                "staff_id": staff_id, "skill": skills[code], "skill_code": code, "level": level,
                "valid_from": step.day, "source": LevelSource.CYCLE, "assessment_id": checks[staff_id],
                "recorded_by": cast.office,
            }  # fmt: skip
            known_until = at(after, 15) if after else None
            yield ConfirmedLevel(**common, recorded_at=at(step.day, 15), recorded_until=known_until)
            if after is not None:
                yield ConfirmedLevel(**common, recorded_at=at(after, 15), valid_to=after)


def write_running(cast: Cast, courses: Courses, day: date) -> None:
    """Levels that the running cycle confirmed: what held before is kept as it was known, and comes back closed."""
    moment = at(day, 15)
    done = [course.check for course in courses if STATE_OF[course.stage] in (State.CONFIRMED, State.RECEIVED)]
    for chunk in chunks(done, 200):
        _confirm(cast, chunk, day, moment)


def _confirm(cast: Cast, checks: Sequence[Assessment], day: date, moment: datetime) -> None:
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
            recorded_by=cast.office,
        )
        for rating in ratings.select_related("skill", "assessment")
    ]
    ConfirmedLevel.objects.bulk_create(rows, batch_size=BATCH)
