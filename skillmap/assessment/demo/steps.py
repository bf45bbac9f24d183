"""The steps that led each check to its state."""

from collections.abc import Iterator

from skillmap.assessment.choices import Actor, State
from skillmap.assessment.demo.cast import Cast
from skillmap.assessment.demo.checks import Course, Courses
from skillmap.assessment.demo.stages import STATE_OF
from skillmap.assessment.models import AssessmentEvent
from skillmap.core.bulk import insert


def write_steps(cast: Cast, courses: Courses) -> None:
    """Write who took them, when, and in which capacity."""
    insert((step for course in cast.progress.over(courses) for step in _steps_of(cast, course)), AssessmentEvent)


def _steps_of(cast: Cast, course: Course) -> Iterator[AssessmentEvent]:
    check, moments, mentor = course.check, course.moments, cast.pairs.get(course.check.staff_id)
    when = {
        "submit": moments.submitted,
        "review": moments.reviewed,
        "correct": moments.corrected,
        "confirm": moments.confirmed,
        "receive": moments.received,
        "withdraw": moments.submitted,
    }
    for action, source, target, acting_as in _path(course.stage, with_one_on_one=check.group.with_one_on_one):
        user = {Actor.SELF: check.staff.user, Actor.MENTOR: mentor.user if mentor else None}.get(acting_as)
        yield AssessmentEvent(
            assessment=check,
            action=action,
            source=source,
            target=target,
            actor=user or cast.office,
            acting_as=acting_as,
            comment="休職のため" if action == "withdraw" else "",
            at=when[action],
        )


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
