"""Publishing, and what may be shown beside what was published before: attacked on the rows as they are stored."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import pytest
from django.db.models import Q
from django.http import Http404

from skillmap.assessment.choices import State
from skillmap.core import clock
from skillmap.core.errors import NotAllowed, RuleViolation
from skillmap.core.models import AuditEvent
from skillmap.core.suppression import Cuts, Node, Record, Suppressed, Vector
from skillmap.framework.models import Skill
from skillmap.gaps import gap_rules, rules
from skillmap.gaps.choices import LevelBasis
from skillmap.gaps.models import GapCell, GapNode, GapRun, SkillResult
from skillmap.gaps.selectors import counting
from skillmap.gaps.services.runs import run_publish
from skillmap.people.choices import Occupation
from skillmap.people.models import Organisation, Staff
from tests.factories.gaps import (
    RunWorld,
    add_people,
    answer,
    asked_run,
    finished_run,
    make_run_world,
    random_level,
    set_level,
)
from tests.support.cell_attack import Reader, Run
from tests.support.effects import records_of
from tests.support.ground import on_ground

# 90 people in three bureaus.
laid, world = on_ground(make_run_world)


def publish(world: RunWorld, run: GapRun) -> GapRun:
    """By the secretariat."""
    return run_publish(run_id=run.pk, actor=world.secretariat)


# ---------------------------------------------------------------------------------------------------------- publishing
def test_a_finished_run_is_published_once(world: RunWorld) -> None:
    run = finished_run(world)
    assert publish(world, run).published_at is not None
    assert AuditEvent.objects.filter(verb="gap_run.publish", target=f"gaps.gaprun:{run.pk}").count() == 1
    with pytest.raises(RuleViolation) as refused:
        publish(world, run)
    assert refused.value.code == "already_published"


def test_an_unfinished_run_is_not_published(world: RunWorld) -> None:
    run = asked_run(world)
    with pytest.raises(RuleViolation) as refused:
        publish(world, run)
    assert refused.value.code == "not_finished"
    with pytest.raises(Http404):
        run_publish(run_id=0, actor=world.secretariat)


def test_a_tally_stays_with_the_secretariat(world: RunWorld) -> None:
    run = finished_run(world, basis=LevelBasis.CORRECTED)
    with pytest.raises(RuleViolation) as refused:
        publish(world, run)
    assert refused.value.code == "tally_stays"
    visible = {name: GapRun.objects.visible_to(user).exists() for name, user in world.roles().items()}
    assert visible == {
        "secretariat": True,
        "supporter": False,
        "executive": False,
        "coordinator": False,
        "other_coordinator": False,
        "person": False,
    }


def test_only_the_secretariat_publishes(world: RunWorld) -> None:
    run = finished_run(world)
    for name, user in world.roles().items():
        if name != "secretariat":
            with pytest.raises(NotAllowed):
                run_publish(run_id=run.pk, actor=user)
    run.refresh_from_db()
    assert run.published_at is None


def test_of_two_runs_computed_side_by_side_only_one_is_published(world: RunWorld) -> None:
    first = finished_run(world)
    set_level(world, world.staff[0], 1, 3)
    second = finished_run(world, parameters={"k": 6})
    publish(world, first)
    with pytest.raises(RuleViolation) as refused:
        publish(world, second)
    assert refused.value.code == "newer_published"
    third = finished_run(world, parameters={"k": 6})
    assert third.parameters["history"] == [first.pk]
    assert publish(world, third).published_at is not None


def test_runs_of_other_cycles_do_not_count_as_earlier(world: RunWorld) -> None:
    finished_run(world, publish=True)
    other = make_run_world(people=30)
    run = finished_run(other, publish=True)
    assert run.parameters["history"] == []


# ------------------------------------------------------------------------------------------ what an earlier run hides
def cells_shown(run: GapRun) -> int:
    """How many cells show supply."""
    return GapCell.objects.filter(node__run=run, at_least_2__isnull=False).count()


def test_the_same_people_with_the_same_levels_are_shown_again(world: RunWorld) -> None:
    first = finished_run(world, publish=True)
    again = finished_run(world, publish=True)
    rows = [
        list(GapCell.objects.filter(node__run=run).order_by("node__key", "skill").values_list("cuts", "blocks"))
        for run in (first, again)
    ]
    assert rows[0] == rows[1]
    assert cells_shown(first) > 20
    assert None not in SkillResult.objects.filter(run=again).values_list("supply_rank", flat=True)


def test_one_changed_answer_hides_the_cells_on_its_way_and_no_others(world: RunWorld) -> None:
    first = finished_run(world, publish=True)
    person = world.staff[0]
    before = world.checks[0].ratings.get(skill__number=1, skill__kind="digital").confirmed_level
    set_level(world, person, 1, 0 if before and before >= 2 else 3)
    second = finished_run(world, publish=True)
    whole = [GapCell.objects.filter(node__run=run, node__key="whole") for run in (first, second)]
    assert whole[0].get(skill__number=1).at_least_2 is not None
    assert whole[1].get(skill__number=1).at_least_2 is None
    same = [cells.exclude(skill__number=1).order_by("skill") for cells in whole]
    assert [cell.at_least_2 for cell in same[0]] == [cell.at_least_2 for cell in same[1]]
    hidden = SkillResult.objects.get(run=second, skill__number=1)
    assert (hidden.supply, hidden.gaps["overall"]) == (None, None)


def told(run: GapRun, field: str) -> dict[int, Any]:
    """What a run says of its items, by number."""
    return dict(SkillResult.objects.filter(run=run).values_list("skill__number", field))


def world_of(supply: dict[int, int], people: int = 40) -> RunWorld:
    """A world in which so many people stand at level 2 of each item, the first of them all."""
    return make_run_world(
        people=people, items=len(supply), level_of=lambda index, number: 2 if index < supply[number] else 0
    )


@pytest.mark.parametrize("changed", [1, 2, 3, 26])
def test_a_hidden_count_keeps_its_earlier_rank_however_many_changed(db: None, changed: int) -> None:
    """Below the second from two on, below five at last: whoever saw that would learn how many changed."""
    world = world_of({1: 30, 2: 29, 3: 20, 4: 10})
    first = finished_run(world, publish=True)
    for person in world.staff[:changed]:
        set_level(world, person, 1, 0)
    second = finished_run(world, publish=True)
    assert told(second, "supply") == {1: None, 2: 29, 3: 20, 4: 10}
    assert told(second, "supply_rank") == told(first, "supply_rank") == {1: 1, 2: 2, 3: 3, 4: 4}
    assert told(second, "is_proposed") == told(first, "is_proposed")
    assert told(second, "supply_standing") == {1: 30, 2: 29, 3: 20, 4: 10}


def test_ranks_of_small_counts_do_not_tell_who_came(db: None) -> None:
    """Both are held by three people. One more person comes, who holds the second alone."""
    world = world_of({1: 60, 2: 40, 3: 30, 4: 20, 5: 3, 6: 3}, people=90)
    add_people(world, 1, level_of=lambda _index, number: 3 if number == 6 else 0, occupation=Occupation.EXPERT)
    first = finished_run(world, publish=True)
    second = finished_run(world, publish=True, parameters={"population": [Occupation.ICT, Occupation.EXPERT]})
    assert told(second, "supply_rank") == told(first, "supply_rank")
    assert told(first, "supply") | {5: None, 6: None} == told(first, "supply")


def test_a_run_over_one_person_has_no_ranks(db: None) -> None:
    world = world_of({1: 60, 2: 40, 3: 30}, people=90)
    add_people(world, 1, level_of=lambda _index, number: number, occupation=Occupation.EXPERT)
    run = finished_run(world, publish=True, parameters={"population": [Occupation.EXPERT]})
    assert set(told(run, "supply_rank").values()) == {None}
    assert set(told(run, "is_proposed").values()) == {False}


def test_a_hidden_count_has_the_rank_of_an_earlier_run_over_the_same_occupations(db: None) -> None:
    """The newest run is over other people and would put the first item behind the second."""
    world = world_of({1: 30, 2: 20, 3: 10})
    experts = {1: 48, 2: 62, 3: 48}  # the first forty are of the ICT staff
    add_people(
        world,
        30,
        level_of=lambda index, number: 2 if index < experts[number] else 0,
        occupation=Occupation.EXPERT,
    )
    finished_run(world, publish=True)
    wide = finished_run(world, publish=True, parameters={"population": [Occupation.ICT, Occupation.EXPERT]})
    assert told(wide, "supply_rank") == {1: 2, 2: 1, 3: 3}
    set_level(world, world.staff[0], 1, 0)
    again = finished_run(world, publish=True)
    assert (told(again, "supply")[1], told(again, "supply_rank")) == (None, {1: 1, 2: 2, 3: 3})


def test_at_another_level_a_hidden_count_has_the_rank_of_what_was_shown_there(db: None) -> None:
    world = world_of({1: 30, 2: 29, 3: 10})
    finished_run(world, publish=True, parameters={"supply_level": 1})
    set_level(world, world.staff[0], 1, 0)
    second = finished_run(world, publish=True)
    assert told(second, "supply_standing") == {1: 30, 2: 29, 3: 10}
    assert told(finished_run(world, parameters={"supply_level": 3}), "supply_standing")[1] in (0, None)


# ------------------------------------------------------------------------------------------------------------- attack
def published_of(run: GapRun, item: Skill) -> Suppressed:
    """What is stored of one item, as a reader has it; a block left open is what the others leave of the size."""
    sizes: dict[Node, int] = {
        node.key: node.people for node in GapNode.objects.filter(run=run) if node.people is not None
    }
    cuts: dict[Node, Cuts] = {}
    blocks: dict[Node, Vector] = {}
    for cell in GapCell.objects.filter(node__run=run, skill=item).select_related("node"):
        if not cell.cuts:
            assert (cell.blocks, cell.at_least_1, cell.at_least_2, cell.at_least_3) == ([], None, None, None)
            continue
        key = cell.node.key
        rest = sizes[key] - sum(block or 0 for block in cell.blocks)
        cuts[key], blocks[key] = tuple(cell.cuts), tuple(rest if block is None else block for block in cell.blocks)
        _at_least_follows(cell)
    return Suppressed(run.parameters["settings"]["k"]["value"], rules.CLASSES, sizes, {0: cuts}, {0: blocks})


def _at_least_follows(cell: GapCell) -> None:
    """Nothing stands in a cell that its blocks do not tell."""
    for level, value in ((1, cell.at_least_1), (2, cell.at_least_2), (3, cell.at_least_3)):
        low = rules.class_of(level)
        if value is not None:
            bounds = [0, *cell.cuts, rules.CLASSES]
            assert low in bounds
            assert value == sum(
                block for (start, _end), block in zip(pairwise(bounds), cell.blocks, strict=True) if start >= low
            )


def attacked(runs: Sequence[GapRun], item: Skill, place: int) -> Reader:
    """A reader of these published runs, who knows who stood where, for one item."""
    found = []
    for run in runs:
        nodes = list(GapNode.objects.filter(run=run).order_by("position"))
        records = [Record(each.key, each.node, [each.classes[place]]) for each in records_of(run)]
        found.append(Run(counting.parents_of(nodes), records, published_of(run, item)))
    return Reader(found, rules.CLASSES, 5)


def assert_safe(runs: Sequence[GapRun], items: Sequence[Skill]) -> None:
    """No count of a natural group follows from what is stored, but those that may be known."""
    for place, item in enumerate(items):
        reader = attacked(runs, item, place)
        assert not reader.leaks(reader.natural_groups()), f"item {item.number}"


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_nothing_hidden_follows_from_the_cells_of_a_run(db: None, seed: int) -> None:
    world = make_run_world(people=0, bureaus=4)
    people = 60 + 20 * seed
    small: list[Organisation] = world.sections[-2:]
    add_people(world, people, level_of=random_level(seed))
    add_people(world, 3, level_of=random_level(seed + 10), places=small)
    run = finished_run(world, publish=True)
    assert cells_shown(run) > 10
    assert_safe([run], world.items)


def test_nothing_hidden_follows_from_two_runs_of_a_cycle(db: None) -> None:
    world = make_run_world(people=80, items=4)
    first = finished_run(world, publish=True)
    for person, number in zip(world.staff[:3], (1, 2, 2), strict=True):
        set_level(world, person, number, 1)
    Staff.objects.filter(pk=world.staff[5].pk).update(organisation=world.sections[-1])
    Staff.objects.filter(pk=world.staff[6].pk).update(status="left", left_on=clock.today())
    add_people(world, 7, level_of=random_level(5), state=State.RECEIVED)
    second = finished_run(world, publish=True)
    assert second.parameters["history"] == [first.pk]
    assert cells_shown(second) < cells_shown(first)
    assert_safe([first, second], world.items)


def test_the_attack_finds_a_leak_where_there_is_one(db: None) -> None:
    """Without regard for the earlier run, one changed answer is told by the difference."""
    world = make_run_world(people=80, items=1, level_of=lambda index, _number: (index // 5) % 4)
    first = finished_run(world, publish=True)
    set_level(world, world.staff[0], 1, 3)
    GapRun.objects.update(published_at=None)
    second = finished_run(world)
    reader = attacked([first, second], world.items[0], 0)
    assert reader.leaks(reader.natural_groups())


def test_gaps_follow_from_the_supply_that_is_shown(db: None) -> None:
    """Whoever reads a cell's supply and demand can work its gap out; so it tells nothing more."""
    world = make_run_world(people=56, bureaus=4)
    for section in world.sections[::2]:
        answer(world, section, [(1, 1, 3, 4), (2, 1, 1, 2), (3, 1, 2, 5), (3, 2, 3, 1)])
    run = finished_run(world)
    asking = Q(demand_1__gt=0) | Q(demand_2__gt=0) | Q(demand_3__gt=0)
    cells = list(GapCell.objects.filter(asking, node__run=run, gap_2__isnull=False))
    assert {(cell.demand_1 > 0, cell.demand_3 > 0) for cell in cells} >= {(False, False), (True, False), (False, True)}
    for cell in cells:
        at_least = [cell.at_least_1, cell.at_least_2, cell.at_least_3]
        wanted = (cell.demand_1, cell.demand_2, cell.demand_3)
        asked = [value for value, heads in zip(at_least, wanted, strict=True) if heads]
        assert None not in asked
        # Where a level is not asked for, how many stand exactly there does not matter.
        known = [max((value for value in at_least[index:] if value is not None), default=0) for index in range(3)]
        held = [known[0] - known[1], known[1] - known[2], known[2]]
        assert gap_rules.cover(held, wanted).uncovered == (cell.gap_1, cell.gap_2, cell.gap_3)
    hidden = GapCell.objects.filter(node__run=run, at_least_2=None, demand_2__gt=0)
    assert hidden.exists()
    assert set(hidden.values_list("gap_1", "gap_2", "gap_3")) == {(None, None, None)}


def test_a_run_of_fewer_than_k_people_tells_not_even_their_number(db: None) -> None:
    world = make_run_world(people=4)
    run = finished_run(world, publish=True)
    assert run.people is None
    assert run.job is not None
    assert run.job.result["people"] is None
    assert set(GapNode.objects.filter(run=run).values_list("people", flat=True)) == {None}
