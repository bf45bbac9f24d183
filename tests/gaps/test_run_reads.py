"""What the pages read of a run: narrowed by reader in the selector itself, hidden figures None, few queries."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy

import pytest
from django.db import connection
from django.http import Http404
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from skillmap.gaps.choices import LevelBasis
from skillmap.gaps.models import GapRun
from skillmap.gaps.selectors import dashboard
from skillmap.gaps.selectors.runs.headcounts import headcount_gaps
from skillmap.gaps.selectors.runs.heat import Block, heatmap
from skillmap.gaps.selectors.runs.levels import levels
from skillmap.gaps.selectors.runs.parameters import parameter_lines
from skillmap.gaps.selectors.runs.places import Place, near, tree
from skillmap.gaps.selectors.runs.ranks import run_result
from skillmap.gaps.selectors.runs.visible import latest_run, runs_for
from skillmap.gaps.services.areas import area_adopt, area_refuse
from skillmap.people.access import access_of
from skillmap.people.choices import Role
from skillmap.people.models import User
from tests.factories.gaps import RunWorld, answer, asked_run, finished_run, make_run_world
from tests.factories.people import RoleGrantFactory
from tests.support.effects import every_cell
from tests.support.ground import Ground

Read = Callable[[User, GapRun], object]
READS: dict[str, Read] = {
    "tree": tree,
    "run_result": run_result,
    "heatmap": heatmap,
    "levels": levels,
    "headcount_gaps": headcount_gaps,
}


@pytest.fixture(scope="module", autouse=True)
def laid(ground: Ground) -> tuple[RunWorld, GapRun]:
    """100 people in four bureaus, the last two without a group; a section asks beside its bureau."""
    with ground():
        world = make_run_world(people=100, bureaus=4)
        answer(world, world.sections[0], [(1, 1, 3, 4)])
        return world, finished_run(world, publish=True)


@pytest.fixture
def both(laid: tuple[RunWorld, GapRun], db: None) -> tuple[RunWorld, GapRun]:
    return deepcopy(laid)


@pytest.fixture
def world(both: tuple[RunWorld, GapRun]) -> RunWorld:
    return both[0]


@pytest.fixture
def run(both: tuple[RunWorld, GapRun]) -> GapRun:
    """A published run of it."""
    return both[1]


def keys(places: list[Place]) -> list[str]:
    """Their keys."""
    return [place.key for place in places]


# ------------------------------------------------------------------------------------------------------- who sees it
@pytest.mark.parametrize("read", READS.values(), ids=READS)
def test_an_unpublished_run_is_read_by_the_secretariat_alone(world: RunWorld, read: Read) -> None:
    run = finished_run(world)
    for name, user in world.roles().items():
        if name == "secretariat":
            assert read(user, run)
            continue
        with pytest.raises(Http404):
            read(user, run)


@pytest.mark.parametrize("read", READS.values(), ids=READS)
def test_a_published_run_is_not_read_without_a_role(world: RunWorld, run: GapRun, read: Read) -> None:
    with pytest.raises(Http404):
        read(world.roles()["person"], run)
    assert read(world.roles()["supporter"], run)


def test_a_coordinator_reads_the_own_part_alone(world: RunWorld, run: GapRun) -> None:
    user = world.roles()["other_coordinator"]
    own = f"org-{world.bureaus[1].pk}"
    below = [f"org-{section.pk}" for section in world.sections[2:4]]
    assert keys(tree(user, run)) == ["whole", own, *below]
    assert keys(heatmap(user, run).columns) == [own]
    assert keys(heatmap(user, run, own).columns) == below
    for key in (f"org-{world.bureaus[0].pk}", f"org-{world.sections[0].pk}", f"group-{world.groups[1].pk}", "", "x"):
        for refused in (heatmap, levels, headcount_gaps):
            with pytest.raises(Http404):
                refused(user, run, key)


def test_who_coordinates_two_organisations_reads_both(world: RunWorld, run: GapRun) -> None:
    RoleGrantFactory.create(user=world.coordinator, role=Role.COORDINATOR, organisation=world.sections[4])
    user = world.roles()["coordinator"]
    assert access_of(user).is_coordinator
    seen = [world.bureaus[0], world.sections[0], world.sections[1], world.sections[4]]
    assert keys(tree(user, run)) == ["whole", *(f"org-{unit.pk}" for unit in seen)]
    assert keys(heatmap(user, run).columns) == [f"org-{seen[0].pk}", f"org-{seen[3].pk}"]


def test_decisions_that_were_not_for_it_are_read_by_the_secretariat_alone(world: RunWorld, run: GapRun) -> None:
    codes = list(run.skills.filter(is_proposed=True).order_by("demand_rank").values_list("skill__code", flat=True))
    assert len(codes) == 2
    area_adopt(run_id=run.pk, skill_codes=codes[:1], actor=world.secretariat)
    area_refuse(run_id=run.pk, skill_code=codes[1], reason="枠がない", actor=world.secretariat)
    roles = world.roles()

    def decided(role: str) -> dict[str, str]:
        return {line.skill.code: line.area.state for line in run_result(roles[role], run).lines if line.area}

    assert decided("secretariat") == {codes[0]: "adopted", codes[1]: "refused"}
    assert decided("executive") == decided("coordinator") == {codes[0]: "adopted"}
    assert not run_result(roles["secretariat"], run).undecided


def test_the_newest_published_run_opens_the_dashboard(world: RunWorld, run: GapRun) -> None:
    executive, office = world.roles()["executive"], world.roles()["secretariat"]
    assert latest_run(executive) == run
    later = finished_run(world, parameters={"k": 6})
    assert latest_run(executive) == latest_run(office) == run
    assert list(runs_for(office)) == [later, run]
    assert list(runs_for(executive)) == [run]
    assert latest_run(executive, run.fiscal_year) == run
    assert latest_run(executive, 1999) is None
    assert latest_run(world.roles()["person"]) is None


# ----------------------------------------------------------------------------------------------------- what is read
def test_heat_map_shows_the_members_of_a_place(world: RunWorld, run: GapRun) -> None:
    user = world.roles()["executive"]
    whole = heatmap(user, run)
    groups = [f"group-{group.pk}" for group in world.groups]
    bureaus = [f"org-{bureau.pk}" for bureau in world.bureaus]
    assert keys(whole.columns) == [*groups, *bureaus[2:]]
    assert (keys(whole.trail), whole.parent.key, whole.block) == (["whole"], "whole", Block.AT_LEAST_2)
    assert [row.skill.number for row in whole.rows] == [1, 2, 3, 4, 5, 6]
    down = heatmap(user, run, bureaus[0], "at_least_1")
    assert keys(down.trail) == ["whole", groups[0], bureaus[0]]
    assert keys(down.columns) == [f"org-{section.pk}" for section in world.sections[:2]]
    assert heatmap(user, run, down.columns[0].key).columns == []
    with pytest.raises(Http404):
        heatmap(user, run, "whole", "names")


@pytest.mark.parametrize("block", list(Block))
def test_heat_map_says_what_the_cells_say(world: RunWorld, run: GapRun, block: Block) -> None:
    found = heatmap(world.roles()["executive"], run, "whole", block)
    cells = every_cell(run)
    hidden = 0
    for row in found.rows:
        for place, shown in zip([found.parent, *found.columns], [row.total, *row.cells], strict=True):
            cell = cells[place.pk, row.skill.pk]
            gaps = (cell.gap_1, cell.gap_2, cell.gap_3)
            expected = {
                "demand": cell.demand_1 + cell.demand_2 + cell.demand_3,
                "gap": None if cell.gap_1 is None else sum(gap or 0 for gap in gaps),
            }.get(block.value, getattr(cell, block.value, None))
            assert shown.value == expected
            hidden += shown.is_hidden
            if shown.percent is not None and place.people:
                assert shown.percent == round(100 * (shown.value or 0) / place.people)
    assert block == Block.DEMAND or hidden, "this world hides something"


def test_levels_come_in_blocks_that_make_up_the_place(world: RunWorld, run: GapRun) -> None:
    place, rows = levels(world.roles()["executive"], run)
    assert place.people == 100
    assert any(len(row.blocks) > 2 for row in rows)
    for row in rows:
        known = [block.people for block in row.blocks]
        assert None in known or sum(known) == 100  # type: ignore[arg-type]
        assert row.blocks[0].lowest is None
        assert row.blocks[-1].highest == 3
        starts = [block.lowest for block in row.blocks]
        for level, people in row.at_least.items():
            if people is not None:
                assert people == sum(block.people or 0 for block in row.blocks[starts.index(level) :])


def test_all_of_them_is_no_figure(client: Client, db: None) -> None:
    """Nobody at a level may be told of a large group; that all stand at another one follows, but is not handed out."""
    world = make_run_world(people=40, items=2, level_of=lambda _index, number: 0 if number == 1 else 3)
    run = finished_run(world, publish=True, parameters={"top_share": [1, 2]})
    user = world.roles()["executive"]
    _place, rows = levels(user, run)
    assert [[block.people for block in row.blocks] for row in rows] == [[0, None, 0, 0, 0], [0, 0, 0, 0, None]]
    assert [row.at_least for row in rows] == [{1: 0, 2: 0, 3: 0}, {1: None, 2: None, 3: None}]
    figures = dashboard.cells_of(run, tree(user, run)[:1]).values()
    assert [each.bars for each in figures] == [[], []]
    client.force_login(user)
    assert client.get(reverse("gaps:dashboard")).status_code == 200


def test_head_count_gap_of_one_place(world: RunWorld, run: GapRun) -> None:
    place, rows = headcount_gaps(world.roles()["executive"], run, f"org-{world.bureaus[0].pk}")
    assert place.people == 26
    first = rows[0]
    assert first.demand == (0, 4, 4), "the section's line counts for the bureau too"
    assert [row.demand for row in rows[1:]] == [(0, 3 + number, 0) for number in range(2, 7)]


def test_a_page_about_a_place_reads_what_stands_around_it(world: RunWorld, run: GapRun) -> None:
    office = world.roles()["secretariat"]
    everything = tree(office, run)
    by_key = {place.key: place for place in everything}
    first, section = f"org-{world.bureaus[0].pk}", f"org-{world.sections[0].pk}"

    top, around, deep = (near(office, run, key) for key in ("whole", first, section))

    sections = {f"org-{unit.pk}" for unit in world.sections}
    assert keys(top) == [key for key in by_key if key not in sections]
    assert set(keys(around)) - set(keys(top)) == {f"org-{unit.pk}" for unit in world.sections[:2]}
    assert keys(deep) == keys(around)
    assert keys(near(office, run, "org-0")) == keys(near(office, run, "")) == keys(top)
    assert all(place == by_key[place.key] for place in (*top, *around))


def test_near_a_place_a_coordinator_reads_the_own_part_alone(world: RunWorld, run: GapRun) -> None:
    user = world.roles()["other_coordinator"]
    own = f"org-{world.bureaus[1].pk}"
    assert keys(near(user, run, "whole")) == keys(near(user, run, f"org-{world.bureaus[0].pk}")) == ["whole", own]
    assert keys(near(user, run, own)) == keys(tree(user, run))
    with pytest.raises(Http404):
        near(world.roles()["person"], run, own)


def test_settings_are_told_in_words_with_their_default(world: RunWorld) -> None:
    run = finished_run(world, basis=LevelBasis.CORRECTED, parameters={"supply_level": 3, "top_share": [1, 4]})
    lines = {line.name: line for line in parameter_lines(run)}
    assert list(lines) == ["basis", "population", "supply_level", "top_share", "k"]
    assert {name: line.is_default for name, line in lines.items()} == {
        "basis": False,
        "population": True,
        "supply_level": False,
        "top_share": False,
        "k": True,
    }
    assert (lines["supply_level"].value, lines["supply_level"].default) == ("3", "2")
    assert (lines["top_share"].value, lines["top_share"].default) == ("1/4", "1/3")
    assert all(line.label and line.source for line in lines.values())


def test_a_run_under_way_has_no_result_yet(world: RunWorld) -> None:
    run, office = asked_run(world), world.roles()["secretariat"]
    assert tree(office, run) == []
    assert run_result(office, run).lines == []
    with pytest.raises(Http404):
        levels(office, run)


@pytest.mark.parametrize("name", READS)
def test_reads_take_as_many_queries_as_they_say(world: RunWorld, run: GapRun, name: str) -> None:
    large = make_run_world(people=60, items=10, bureaus=10)
    large_run = finished_run(large, publish=True)
    most = {"tree": 1, "run_result": 2, "heatmap": 3, "levels": 3, "headcount_gaps": 3}[name]
    for base, each in ((world, run), (large, large_run)):
        user = base.roles()["executive"]
        access_of(user)
        with CaptureQueriesContext(connection) as seen:
            READS[name](user, each)
        assert len(seen) == most
