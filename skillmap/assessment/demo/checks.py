"""The groups of a cycle and everyone's check in it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from skillmap.assessment.choices import GroupItems, State
from skillmap.assessment.demo.cast import Cast
from skillmap.assessment.demo.days import Moments
from skillmap.assessment.demo.levels import Levels
from skillmap.assessment.demo.stages import NOT_SUBMITTED, STATE_OF
from skillmap.assessment.digits import digits_of
from skillmap.assessment.models import Assessment, Cycle, CycleGroup
from skillmap.core.bulk import insert
from skillmap.people.choices import Occupation
from skillmap.people.models import Staff


@dataclass(frozen=True)
class Course:
    """A check, the stage at which it stands, and when its steps were taken."""

    check: Assessment
    stage: str
    moments: Moments


Courses = Sequence[Course]


def write_checks(
    cast: Cast, cycle: Cycle, stages: Mapping[int, str], levels: Levels, moments: Callable[[], Moments]
) -> Courses:
    """A check for everyone, at the stage that is given by staff id."""
    ict, experts, tools = _groups(cycle)
    found = []
    members = ((ict, cast.people.ict), (experts, cast.people.experts), (tools, cast.people.ambassadors))
    for group, people in members:
        for person in people:
            stage, taken = stages[person.pk], moments()
            check = _check(cast, cycle, group, person, stage, taken)
            if check.confirmed_at is not None:
                check.confirmed_digits = _digits(cast, group, levels[person.pk])
            found.append(Course(check, stage, taken))
    in_order = sorted(found, key=lambda course: (course.check.staff.organisation.path, course.check.staff.kana))
    insert((course.check for course in in_order), Assessment)  # as an opening writes them
    return found


def _digits(cast: Cast, group: CycleGroup, held: Mapping[str, int]) -> str:
    """The confirmed levels of the digital items, if the group has them."""
    return digits_of(held[skill.code] for skill in cast.digital) if group.items == GroupItems.DIGITAL else ""


def _groups(cycle: Cycle) -> tuple[CycleGroup, CycleGroup, CycleGroup]:
    ict = CycleGroup(cycle=cycle, name="ICT職", selection={"occupations": [Occupation.ICT]}, sort_order=1)
    experts = CycleGroup(
        cycle=cycle,
        name="情報技術エキスパート",
        with_one_on_one=False,
        selection={"occupations": [Occupation.EXPERT]},
        sort_order=2,
    )
    tools = CycleGroup(
        cycle=cycle,
        name="DXアンバサダー",
        items=GroupItems.TOOL,
        with_one_on_one=False,
        selection={"designations": ["dx_ambassador"]},
        sort_order=3,
    )
    CycleGroup.objects.bulk_create([ict, experts, tools])
    return ict, experts, tools


def _check(cast: Cast, cycle: Cycle, group: CycleGroup, person: Staff, stage: str, taken: Moments) -> Assessment:
    state = STATE_OF[stage]
    done = state in (State.CONFIRMED, State.RECEIVED)
    return Assessment(
        cycle=cycle,
        group=group,
        staff=person,
        organisation=person.organisation,
        grade=person.grade,
        occupation=person.occupation,
        target_job_type=cast.rng.choice(cast.job_types) if group.items == GroupItems.DIGITAL else None,
        state=state,
        submitted_at=None if stage in NOT_SUBMITTED else taken.submitted,
        confirmed_at=taken.confirmed if done else None,
        confirmed_by=cast.office if done else None,
        received_at=taken.received if state == State.RECEIVED else None,
    )
