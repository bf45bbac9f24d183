"""The cycles of the demo world: those of 2024 and of the two years before the running one, and the running one."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from random import Random

from skillmap.assessment.choices import CycleState, CycleStep
from skillmap.assessment.demo.answers import write_answers
from skillmap.assessment.demo.cast import Cast, pair_up
from skillmap.assessment.demo.checks import Courses, write_checks
from skillmap.assessment.demo.confirming import PastLevels, write_past, write_running
from skillmap.assessment.demo.days import Windows, at, day_of, moments_of
from skillmap.assessment.demo.levels import Levels, levels_of_2024, next_year, supply_order, tool_levels
from skillmap.assessment.demo.looks import write_looks
from skillmap.assessment.demo.meetings import has_met, write_meetings, write_pairs
from skillmap.assessment.demo.stages import stages_of
from skillmap.assessment.demo.steps import write_steps
from skillmap.assessment.models import Cycle, CycleWindow, PurposeAcknowledgement
from skillmap.assessment.services.cycles import newest_purpose_text
from skillmap.assessment.services.standing import recount
from skillmap.core.bulk import insert
from skillmap.core.progress import Progress
from skillmap.framework.models import Framework
from skillmap.people.demo import DemoPeople


@dataclass(frozen=True)
class DemoCycles:
    """The cycles by fiscal year."""

    by_year: Mapping[int, Cycle]
    running: int


def build(
    *,
    people: DemoPeople,
    framework: Framework,
    rng: Random,
    today: date,
    running: int,
    fixtures: Path,
    progress: Progress,
) -> DemoCycles:
    """Write the cycles of 2024, of the two years before the running one, and the running one."""
    order = supply_order(fixtures / "priority_2024.csv")
    skills = list(framework.skills.select_related("category").order_by("kind", "number"))
    tools = [skill for skill in skills if skill.kind == "tool"]
    levels = levels_of_2024(people.ict, order, rng) | levels_of_2024(people.experts, order, rng)
    levels |= tool_levels(people.ambassadors, tools, rng)
    cast = Cast(
        framework=framework,
        digital=[skill for skill in skills if skill.kind == "digital"],
        tools=tools,
        job_types=list(framework.job_types.order_by("sort_order")),
        text=newest_purpose_text(),
        office=people.accounts["secretariat"],
        rng=rng,
        people=people,
        pairs=pair_up(people, rng),
        progress=progress,
    )
    past = []
    for year in sorted({2024, running - 2, running - 1} - {running}):
        confirmed_on = day_of(year, 9, 30)
        goals_done = 0.4 if year == running - 1 else 1.0
        past.append(PastLevels(_past_cycle(cast, year, levels, confirmed_on, goals_done), levels, confirmed_on))
        levels = next_year(levels, rng)
    progress.stage("confirmed levels")
    write_past(cast, past)
    cycles = {step.cycle.fiscal_year: step.cycle for step in past}
    cycles[running] = _running_cycle(cast, running, levels, today)
    progress.stage("where the checks stand")
    recount()
    return DemoCycles(cycles, running)


def _past_cycle(cast: Cast, year: int, levels: Levels, confirmed_on: date, goals_done: float) -> Cycle:
    """A closed cycle in which everyone received the confirmed levels."""
    windows = {
        CycleStep.SELF_CHECK: (day_of(year, 6, 1), day_of(year, 6, 30)),
        CycleStep.FIRST_ONE_ON_ONE: (day_of(year, 7, 1), day_of(year, 7, 31)),
        CycleStep.CORRECTION: (day_of(year, 8, 1), day_of(year, 8, 20)),
        CycleStep.CONFIRMATION: (day_of(year, 8, 21), day_of(year, 9, 30)),
        CycleStep.SECOND_ONE_ON_ONE: (day_of(year, 10, 1), day_of(year, 10, 31)),
    }
    cycle = _cycle(cast, year, CycleState.CLOSED, windows)
    everyone = (*cast.people.ict, *cast.people.experts, *cast.people.ambassadors)
    stages = {person.pk: "received" for person in everyone}
    courses = write_checks(
        cast, cycle, stages, levels, lambda: moments_of(windows, confirmed_on, day_of(year, 10, 31), cast.rng)
    )
    _write_course(cast, cycle, courses, levels, goals_done=goals_done)
    return cycle


def _write_course(cast: Cast, cycle: Cycle, courses: Courses, levels: Levels, *, goals_done: float) -> None:
    """What people answered, with whom they met and the steps they took."""
    year, is_closed = cycle.fiscal_year, cycle.state == CycleState.CLOSED
    cast.progress.stage(f"cycle {year}: answers", len(courses))
    write_answers(cast, courses, levels, changing=not is_closed)
    write_pairs(cast, cycle, ended=at(day_of(year, 10, 31), 18) if is_closed else None)
    cast.progress.stage(f"cycle {year}: meetings", sum(has_met(course) for course in courses))
    write_meetings(cast, courses, goals_done=goals_done)
    cast.progress.stage(f"cycle {year}: steps", len(courses))
    write_steps(cast, courses)


def _running_cycle(cast: Cast, year: int, levels: Levels, today: date) -> Cycle:
    """An open cycle whose windows all lie around today, with people in every state."""
    windows = {
        CycleStep.SELF_CHECK: (today - timedelta(days=20), today + timedelta(days=10)),
        CycleStep.FIRST_ONE_ON_ONE: (today - timedelta(days=15), today + timedelta(days=20)),
        CycleStep.CORRECTION: (today - timedelta(days=12), today + timedelta(days=27)),
        CycleStep.CONFIRMATION: (today - timedelta(days=9), today + timedelta(days=34)),
        CycleStep.SECOND_ONE_ON_ONE: (today - timedelta(days=8), today + timedelta(days=55)),
    }
    cycle = _cycle(cast, year, CycleState.OPEN, windows)
    confirmed_on = today - timedelta(days=5)
    levels = next_year(levels, cast.rng)
    courses = write_checks(
        cast, cycle, stages_of(cast), levels, lambda: moments_of(windows, confirmed_on, today, cast.rng)
    )
    _write_course(cast, cycle, courses, levels, goals_done=0)
    cast.progress.stage(f"cycle {year}: levels and looks")
    write_running(cast, courses, confirmed_on)
    write_looks(cast, courses)
    read = (course.check.staff for course in courses if course.stage != "untouched")
    insert(
        (PurposeAcknowledgement(staff=person, cycle=cycle, purpose_text=cast.text) for person in read),
        PurposeAcknowledgement,
    )
    return cycle


def _cycle(cast: Cast, year: int, state: CycleState, windows: Windows) -> Cycle:
    opened = min(opens for opens, _closes in windows.values())
    closed = max(closes for _opens, closes in windows.values())
    cycle = Cycle.objects.create(
        fiscal_year=year,
        name=f"{year}年度 スキルチェック",
        framework=cast.framework,
        state=state,
        purpose_text=cast.text,
        created_by=cast.office,
        opened_at=at(opened, 9),
        closed_at=at(closed, 18) if state == CycleState.CLOSED else None,
    )
    CycleWindow.objects.bulk_create(
        CycleWindow(cycle=cycle, step=step, opens_on=opens, closes_on=closes)
        for step, (opens, closes) in windows.items()
    )
    return cycle
