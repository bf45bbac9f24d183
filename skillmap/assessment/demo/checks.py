"""The groups of a cycle and everyone's check in it."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

from skillmap.assessment.choices import GroupItems, State
from skillmap.assessment.demo.bulk import BATCH
from skillmap.assessment.demo.cast import Cast
from skillmap.assessment.demo.stages import STATE_OF
from skillmap.assessment.models import Assessment, Cycle, CycleGroup
from skillmap.people.choices import Occupation
from skillmap.people.models import Staff

#: Checks, each with the stage at which it stands.
Checks = Sequence[tuple[Assessment, str]]


def write_checks(cast: Cast, cycle: Cycle, stages: Mapping[int, str]) -> Checks:
    """A check for everyone, at the stage that is given by staff id."""
    ict, experts, tools = _groups(cycle)
    found = []
    members = ((ict, cast.people.ict), (experts, cast.people.experts), (tools, cast.people.ambassadors))
    for group, people in members:
        for person in people:
            stage = stages[person.pk]
            found.append((_check(cast, cycle, group, person, stage), stage))
    Assessment.objects.bulk_create([check for check, _stage in found], batch_size=BATCH)
    return found


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


def _check(cast: Cast, cycle: Cycle, group: CycleGroup, person: Staff, stage: str) -> Assessment:
    state = STATE_OF[stage]
    done = state in (State.CONFIRMED, State.RECEIVED)
    assert cycle.opened_at is not None  # noqa: S101
    return Assessment(
        cycle=cycle,
        group=group,
        staff=person,
        organisation=person.organisation,
        grade=person.grade,
        occupation=person.occupation,
        target_job_type=cast.rng.choice(cast.job_types) if group.items == GroupItems.DIGITAL else None,
        state=state,
        submitted_at=None if state == State.DRAFT else cycle.opened_at + timedelta(days=6),
        confirmed_at=cycle.opened_at + timedelta(days=12) if done else None,
        confirmed_by=cast.office if done else None,
        received_at=cycle.opened_at + timedelta(days=14) if state == State.RECEIVED else None,
    )
