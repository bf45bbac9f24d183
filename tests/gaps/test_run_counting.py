"""A run counts by SQL what the rules count in plain values: random worlds, and no difference."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from skillmap.assessment.choices import CycleState, GroupItems, State
from skillmap.assessment.digits import digits_of
from skillmap.assessment.models import Assessment, CycleGroup, SkillRating
from skillmap.core import clock, jobs
from skillmap.core.suppression import Node
from skillmap.framework.models import Framework
from skillmap.gaps import gap_rules, rules
from skillmap.gaps.choices import LevelBasis, Phase, ResponseState, SurveyState
from skillmap.gaps.models import DemandItem, DemandResponse, GapNode, GapRun, SkillResult
from skillmap.gaps.selectors import counting
from skillmap.gaps.services import computing
from skillmap.people.choices import Occupation, StaffStatus
from skillmap.people.models import Organisation, Staff
from tests.factories.framework import small_framework
from tests.factories.gaps import RunWorld, answer, asked_run, finished_run, make_run_world
from tests.factories.people import OrganisationFactory
from tests.support.effects import every_cell, inputs_of, records_of

ITEMS = 4
#: Where people stand and organisations answer: three bureaus, a section of each, a part of the first section.
PLACES = 7
CONFIRMED_ONCE = (State.CONFIRMED, State.RECEIVED)
COUNTED_BEFORE = (State.SUBMITTED, State.REVIEWED, State.CORRECTED, *CONFIRMED_ONCE)
LEVEL = st.sampled_from([None, 0, 1, 2, 3])


@dataclass(frozen=True)
class Someone:
    """One person of a random world; `own`, `corrected` and `confirmed` levels by item."""

    place: int
    state: State
    reopened: bool
    occupation: Occupation
    has_left: bool
    only_tools: bool
    own: Sequence[int | None]
    corrected: Sequence[int | None]
    confirmed: Sequence[int | None]

    @property
    def was_confirmed(self) -> bool:
        """Whether there are confirmed levels: now, or before the check was reopened."""
        return self.state in CONFIRMED_ONCE or self.reopened

    def counted(self, basis: str) -> bool:
        """Whether the person belongs to the population of ICT staff."""
        if self.has_left or self.only_tools or self.occupation != Occupation.ICT or self.state == State.WITHDRAWN:
            return False
        return self.was_confirmed if basis == LevelBasis.CONFIRMED else self.state in COUNTED_BEFORE

    def level(self, basis: str, index: int) -> int | None:
        """The level that counts."""
        if basis == LevelBasis.CONFIRMED:
            return self.confirmed[index] if self.was_confirmed else None
        corrected = self.corrected[index]
        return self.own[index] if corrected is None else corrected


@dataclass(frozen=True)
class Wanted:
    """One line of a random survey; item number ITEMS + 1 is one that the cycle's framework does not have."""

    place: int
    number: int
    level: int
    heads: int
    business: str


someone = st.builds(
    Someone,
    place=st.integers(0, PLACES - 1),
    state=st.sampled_from([*State, State.CONFIRMED, State.RECEIVED, State.CORRECTED]),
    reopened=st.booleans(),
    occupation=st.sampled_from([Occupation.ICT] * 4 + [Occupation.CLERICAL]),
    has_left=st.sampled_from([False] * 7 + [True]),
    only_tools=st.sampled_from([False] * 7 + [True]),
    own=st.lists(LEVEL, min_size=ITEMS, max_size=ITEMS),
    corrected=st.lists(LEVEL, min_size=ITEMS, max_size=ITEMS),
    confirmed=st.lists(LEVEL, min_size=ITEMS, max_size=ITEMS),
)
wanted = st.builds(
    Wanted,
    place=st.integers(0, PLACES - 1),
    number=st.integers(1, ITEMS + 1),
    level=st.integers(1, 3),
    heads=st.integers(1, 6),
    business=st.sampled_from(["更改", "運用", "企画"]),
)
answer_states = st.lists(
    st.sampled_from([ResponseState.SUBMITTED] * 4 + [ResponseState.DRAFT, ResponseState.QUESTIONED]),
    min_size=PLACES,
    max_size=PLACES,
)


@dataclass
class Ground:
    """What all random worlds stand on: places, and a survey whose framework has one item more than the cycle's."""

    world: RunWorld
    places: list[Organisation]
    asked: Framework
    groups: dict[GroupItems, CycleGroup]

    @property
    def parents(self) -> dict[Node, Node | None]:
        """The whole tree, by hand."""
        first, second, third, section, other, last, part = (counting.key_of(unit.pk) for unit in self.places)
        one, two = (f"group-{group.pk}" for group in self.world.groups)
        return {
            "whole": None,
            one: "whole",
            two: "whole",
            first: one,
            second: two,
            third: "whole",
            section: first,
            other: second,
            last: third,
            part: section,
        }


@pytest.fixture
def ground(db: None) -> Ground:
    """Three bureaus, the third without a group; the survey runs on another version of the framework."""
    world = make_run_world(people=0, items=ITEMS)
    world.survey.responses.all()[0].items.all().delete()
    DemandItem.objects.all().delete()
    DemandResponse.objects.all().delete()
    places = [*world.bureaus, *world.sections[::2]]
    places.append(OrganisationFactory.create(parent=places[3]))
    asked = small_framework(items=ITEMS + 1, tools=1)
    world.survey.framework = asked
    world.survey.save(update_fields=["framework"])
    tools = CycleGroup.objects.create(cycle=world.cycle, name="道具", items=GroupItems.TOOL, sort_order=2)
    both = CycleGroup.objects.create(cycle=world.cycle, name="両方", items=GroupItems.BOTH, sort_order=3)
    digital = world.cycle.groups.get(name="ICT職")
    groups = {GroupItems.DIGITAL: digital, GroupItems.TOOL: tools, GroupItems.BOTH: both}
    return Ground(world, places, asked, groups)


@contextmanager
def undone() -> Iterator[None]:
    """Whatever is written inside is undone."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def _write(ground: Ground, people: Sequence[Someone], lines: Sequence[Wanted], states: Sequence[str]) -> list[Staff]:
    staff = Staff.objects.bulk_create(
        Staff(
            number=f"W{index}",
            name=f"職員{index}",
            occupation=person.occupation,
            grade=2,
            organisation=ground.places[person.place],
            status=StaffStatus.LEFT if person.has_left else StaffStatus.ACTIVE,
            left_on=date(2025, 4, 1) if person.has_left else None,
        )
        for index, person in enumerate(people)
    )
    checks = Assessment.objects.bulk_create(_check(ground, *pair) for pair in zip(staff, people, strict=True))
    SkillRating.objects.bulk_create(
        SkillRating(
            assessment=check,
            skill=item,
            self_level=person.own[index],
            corrected_level=person.corrected[index],
            confirmed_level=person.confirmed[index] if person.was_confirmed else None,
        )
        for check, person in zip(checks, people, strict=True)
        for index, item in enumerate(ground.world.items)
    )
    responses = DemandResponse.objects.bulk_create(
        DemandResponse(survey=ground.world.survey, organisation=place, state=state)
        for place, state in zip(ground.places, states, strict=True)
    )
    skills = {skill.number: skill for skill in ground.asked.skills.filter(kind="digital")}
    DemandItem.objects.bulk_create(
        DemandItem(
            response=responses[line.place],
            business=line.business,
            phase=Phase.OPERATION,
            skill=skills[line.number],
            level=line.level,
            headcount=line.heads,
        )
        for line in lines
    )
    return staff


def _check(ground: Ground, staff: Staff, person: Someone) -> Assessment:
    items = GroupItems.TOOL if person.only_tools else (GroupItems.DIGITAL, GroupItems.BOTH)[staff.pk % 2]
    return Assessment(
        cycle=ground.world.cycle,
        group=ground.groups[items],
        staff=staff,
        organisation=ground.places[0],  # where the person stood when the cycle began: of no account
        grade=2,
        occupation=person.occupation,
        state=person.state,
        confirmed_at=clock.now() - timedelta(days=1) if person.was_confirmed else None,
        confirmed_by=ground.world.secretariat if person.was_confirmed else None,
        confirmed_digits=digits_of(person.confirmed) if person.was_confirmed else None,
    )


def _expected(
    ground: Ground, people: Sequence[Someone], staff: Sequence[Staff], basis: str
) -> tuple[list[rules.Person], list[int]]:
    numbers = [item.number for item in ground.world.items]
    found = [
        rules.Person(
            row.pk,
            counting.key_of(ground.places[person.place].pk),
            {number: person.level(basis, index) for index, number in enumerate(numbers)},
            ground.world.cycle.pk,
        )
        for row, person in zip(staff, people, strict=True)
        if person.counted(basis)
    ]
    return found, numbers


def _lines(ground: Ground, lines: Sequence[Wanted], states: Sequence[str]) -> list[rules.DemandLine]:
    return [
        rules.DemandLine(
            counting.key_of(ground.places[line.place].pk), line.number, line.level, line.heads, line.business
        )
        for line in lines
        if states[line.place] == ResponseState.SUBMITTED and line.number <= ITEMS
    ]


#: The same answers from several people, so that some figures are large enough to be shown.
crowd = st.lists(st.tuples(someone, st.integers(1, 12)), max_size=12)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    groups=crowd,
    lines=st.lists(wanted, max_size=20),
    states=answer_states,
    basis=st.sampled_from(LevelBasis.values),
    supply_level=st.sampled_from([2, 2, 1, 3]),
)
def test_sql_counts_what_the_rules_count(
    ground: Ground,
    groups: Sequence[tuple[Someone, int]],
    lines: Sequence[Wanted],
    states: Sequence[str],
    basis: str,
    supply_level: int,
) -> None:
    people = [person for person, count in groups for _ in range(count)]
    with undone():
        staff = _write(ground, people, lines, states)
        run = finished_run(ground.world, basis=basis, parameters={"supply_level": supply_level})
        expected, numbers = _expected(ground, people, staff, basis)
        asked = _lines(ground, lines, states)
        parameters = rules.Parameters(supply_level=supply_level)
        cube = rules.cube(expected, ground.parents, numbers)

        _same_inputs(run, expected, numbers)
        _same_cube(run, cube)
        _same_ranks(
            run,
            rules.supply(cube, rules.suppressed(cube, parameters), parameters),
            rules.demand(asked, numbers),
            parameters,
        )
        _same_cells(run, cube, asked, parameters)
        left_out = sum(
            line.heads for line in lines if line.number > ITEMS and states[line.place] == ResponseState.SUBMITTED
        )
        assert run.parameters["answers"] == {
            "asked": PLACES,
            "submitted": sum(state == ResponseState.SUBMITTED for state in states),
            "nothing": 0,
            "left_out_heads": left_out,
        }


def _same_inputs(run: GapRun, expected: Sequence[rules.Person], numbers: Sequence[int]) -> None:
    rows = inputs_of(run)
    stored = {staff: (place, levels) for staff, place, levels in rows}
    assert len(stored) == len(rows), "everybody once"
    assert stored.keys() == {person.id for person in expected}
    for person in expected:
        place, held = stored[int(str(person.id))]
        levels = (person.levels[number] for number in numbers)
        assert held == "".join("-" if level is None else str(level) for level in levels)
        assert counting.key_of(place) == person.organisation
    assert [record.key for record in records_of(run)] == list(stored)


def _same_cube(run: GapRun, cube: Any) -> None:
    """Numbers at each place itself, as they are counted, against those that the rules counted."""
    own, children = counting.own_counts(run, counting.items_of(run.framework)), cube.tree.children
    for node, size in cube.sizes.items():
        people = size - sum(cube.sizes[child] for child in children[node])
        assert own.sizes.get(_organisation(node), 0) == people
    for place, number in enumerate(cube.counts):
        counts = own.by_item[place]
        for node, vector in cube.counts[number].items():
            below = [cube.counts[number][child] for child in children[node]]
            own_vector = [value - sum(other[index] for other in below) for index, value in enumerate(vector)]
            assert counts.get(_organisation(node), [0] * rules.CLASSES) == own_vector


def _organisation(node: object) -> int:
    kind, _dash, pk = str(node).partition("-")
    return int(pk) if kind == "org" else 0


def _same_ranks(
    run: GapRun,
    supplied: dict[int, rules.Supply],
    demanded: dict[int, rules.Demand],
    parameters: rules.Parameters,
) -> None:
    proposed = {each.skill for each in rules.propose(demanded, supplied, parameters)}
    stored = {row.skill.number: row for row in SkillResult.objects.filter(run=run).select_related("skill")}
    assert stored.keys() == supplied.keys()
    for number, row in stored.items():
        assert (row.demand, row.businesses, row.demand_rank) == demanded[number][1:]
        assert row.supply_rank == supplied[number].rank
        assert row.is_proposed == (number in proposed)
        assert (row.supply, row.supply_standing) == (supplied[number].people, supplied[number].standing)


def _same_cells(run: GapRun, cube: Any, lines: Sequence[rules.DemandLine], parameters: rules.Parameters) -> None:
    shown = rules.suppressed(cube, parameters)
    nodes = {node.pk: node for node in GapNode.objects.filter(run=run)}
    assert {node.key: node.people for node in nodes.values()} == {node: shown.size(node) for node in cube.tree.parents}
    assert {node.key: nodes[node.parent_id].key if node.parent_id else None for node in nodes.values()} == (
        cube.tree.parents
    )
    gap_of = _gaps_by_node(cube, lines, shown)
    cells = every_cell(run)
    assert len(cells) == len(nodes) * ITEMS
    for cell in cells.values():
        key, number = nodes[cell.node_id].key, cell.skill.number
        assert tuple(cell.cuts) == shown.cuts[number].get(key, ())
        bounds = [0, *cell.cuts, rules.CLASSES]
        blocks = [shown.between(key, number, a, b - 1) for a, b in pairwise(bounds)]
        assert cell.blocks == (blocks if cell.cuts else [])
        at_least = [shown.at_least(key, number, rules.class_of(level)) for level in (1, 2, 3)]
        assert [cell.at_least_1, cell.at_least_2, cell.at_least_3] == at_least
        wanted_heads, uncovered = gap_of(key, number)
        assert (cell.demand_1, cell.demand_2, cell.demand_3) == wanted_heads
        assert (cell.gap_1, cell.gap_2, cell.gap_3) == uncovered


def _gaps_by_node(
    cube: Any, lines: Sequence[rules.DemandLine], shown: Any
) -> Callable[[str, int], tuple[tuple[int, ...], tuple[int | None, ...]]]:
    """Demand and gap of each place: its own lines and all below, covered by its own people and all below."""

    def under(node: Node, top: str) -> bool:
        while node is not None and node != top:
            node = cube.tree.parents[node]
        return node == top

    def gap(key: str, number: int) -> tuple[tuple[int, ...], tuple[int | None, ...]]:
        own = [line for line in lines if line.skill == number and under(line.organisation, key)]
        heads = tuple(sum(line.headcount for line in own if line.level == level) for level in (1, 2, 3))
        follows = all(
            shown.at_least(key, number, rules.class_of(level)) is not None
            for level, count in zip((1, 2, 3), heads, strict=True)
            if count
        )
        if not follows:
            return heads, (None, None, None)
        return heads, gap_rules.cover(cube.counts[number][key][2:], heads).uncovered

    return gap


@pytest.mark.django_db
def test_places_stand_in_the_order_of_the_tree_and_only_those_that_are_needed(ground: Ground) -> None:
    OrganisationFactory.create(name="だれもいない局")
    nodes = counting.places([ground.places[6].pk, ground.places[2].pk])
    first, third, section, part = (counting.key_of(ground.places[index].pk) for index in (0, 2, 3, 6))
    group = f"group-{ground.world.groups[0].pk}"
    assert [(node.key, node.depth, node.position) for node in nodes] == [
        ("whole", 0, 0),
        (group, 1, 1),
        (first, 2, 2),
        (section, 3, 3),
        (part, 4, 4),
        (third, 1, 5),
    ]
    assert counting.parents_of(nodes) == {
        "whole": None, group: "whole", first: group, section: first, part: section, third: "whole",
    }  # fmt: skip


@pytest.mark.django_db
def test_a_run_compares_as_many_items_as_its_inputs_hold() -> None:
    run = finished_run(make_run_world(items=60, level_of=lambda person, item: (person + item) % 4))
    assert {len(levels) for _staff, _place, levels in inputs_of(run)} == {60}
    assert run.skills.count() == 60


@pytest.mark.django_db
def test_items_whose_ids_lie_far_apart_are_read_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    world = make_run_world(
        state=State.SUBMITTED, level_of=lambda person, item: (person * item) % 5 - 1 if (person * item) % 5 else None
    )
    near = sorted(inputs_of(finished_run(world, basis=LevelBasis.CORRECTED)))
    assert {"-", "0", "1", "2", "3"} >= set("".join(levels for _staff, _place, levels in near)) >= {"-", "0", "3"}
    monkeypatch.setattr(counting, "MOST_SPREAD", 0)
    again = finished_run(world, basis=LevelBasis.CORRECTED, parameters={"supply_level": 3})
    assert sorted(inputs_of(again)) == near


@pytest.mark.django_db
def test_a_run_over_nobody_is_finished_and_shows_nothing(ground: Ground) -> None:
    run = finished_run(ground.world)
    assert run.people is None
    assert {row.supply for row in SkillResult.objects.filter(run=run)} == {None}
    assert not SkillResult.objects.filter(run=run, is_proposed=True).exists()
    assert {cell.at_least_2 for cell in every_cell(run).values()} == {None}


def computed_while(world: RunWorld, monkeypatch: pytest.MonkeyPatch, act: Callable[[], object]) -> GapRun:
    """A run during whose computation something happens, behind its reads."""
    run = asked_run(world)
    suppress = computing._suppress

    def slow(*args: Any) -> Any:
        act()
        return suppress(*args)

    with monkeypatch.context() as patch:
        patch.setattr(computing, "_suppress", slow)
        jobs.run(run.job_id or 0)
    run.refresh_from_db()
    return run


@pytest.mark.django_db
def test_an_answer_that_comes_in_meanwhile_is_not_printed_as_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    world = make_run_world(people=40)
    late = DemandResponse.objects.filter(
        pk=answer(world, OrganisationFactory.create(), [(1, 1, 2, 50)], state=ResponseState.DRAFT).pk
    )
    run = computed_while(world, monkeypatch, lambda: late.update(state=ResponseState.SUBMITTED))
    assert SkillResult.objects.get(run=run, skill__number=1).demand == 3 * 4  # the three bureaus'
    assert (run.parameters["answers"]["asked"], run.parameters["answers"]["submitted"]) == (4, 3)


@pytest.mark.django_db
def test_what_is_closed_meanwhile_was_open(monkeypatch: pytest.MonkeyPatch) -> None:
    world = make_run_world(people=40)
    surveys, cycles = (type(row).objects.filter(pk=row.pk) for row in (world.survey, world.cycle))
    surveys.update(state=SurveyState.OPEN)

    def close() -> None:
        surveys.update(state=SurveyState.CLOSED)
        cycles.update(state=CycleState.CLOSED)

    assert computed_while(world, monkeypatch, close).parameters["open"] == {"cycle": True, "survey": True}
    again = finished_run(world)
    assert again.parameters["open"] == {"cycle": False, "survey": False}


@pytest.mark.django_db
def test_a_confirmed_check_without_digits_is_no_person_without_levels() -> None:
    world = make_run_world(people=4, items=ITEMS)
    run = asked_run(world)
    Assessment.objects.filter(pk=world.checks[0].pk).update(confirmed_digits=None)
    with pytest.raises(ValueError, match="without a level for each"):
        counting.inputs(run, [Occupation.ICT], world.items, lambda _read, _people: None)
