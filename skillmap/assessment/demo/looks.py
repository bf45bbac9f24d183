"""Who looked at whose levels in the running cycle: mentors for their 1on1s, the secretariat before confirming."""

from collections.abc import Iterator

from skillmap.assessment.demo.cast import Cast
from skillmap.assessment.demo.checks import Course, Courses
from skillmap.assessment.demo.stages import NOT_MET
from skillmap.core import audit
from skillmap.core.bulk import insert
from skillmap.core.choices import Purpose
from skillmap.core.models import AuditEvent
from skillmap.people.models import User


def write_looks(cast: Cast, courses: Courses) -> None:
    """A line of the audit trail for each look that the stage of a check supposes."""
    insert((line for course in courses for line in _looks_at(cast, course)), AuditEvent)


def _looks_at(cast: Cast, course: Course) -> Iterator[AuditEvent]:
    mentor = cast.pairs.get(course.check.staff_id)
    if mentor is not None and course.stage != "untouched":
        yield _look(course, mentor.user, Purpose.MENTORING, "map")
        if course.stage not in NOT_MET:
            yield _look(course, mentor.user, Purpose.MENTORING, "one_on_one")
    if course.check.confirmed_by is not None:
        yield _look(course, course.check.confirmed_by, Purpose.CYCLE_OPERATION, "confirm_preview")


def _look(course: Course, by: User | None, purpose: Purpose, what: str) -> AuditEvent:
    return audit.build(verb="levels.read", actor=by, subject_id=course.check.staff_id, purpose=purpose, what=what)
