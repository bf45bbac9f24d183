"""What a reader of published figures can work out, tried by force."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from time import process_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skillmap.core.suppression import Cube, History, Node, Published, Record, Suppressed, may_show, suppress
from tests.support.cell_attack import Reader, Run, cube_of, records_of

World = tuple[Mapping[Node, Node | None], Mapping[Node, Sequence[int]]]

CLASSES, CUT, K = 5, 3, 5  # not answered, levels 0 to 3; "level 2 or more"; five people

#: Worlds made to break a careless suppression: (parents, people by class at each node itself).
HOSTILE: dict[str, World] = {
    "one small bureau beside a large one": (
        {"all": None, "large": "all", "small": "all"},
        {"large": (0, 10, 8, 7, 5), "small": (0, 1, 0, 1, 1)},
    ),
    "every bureau safe but the last, which is the rest": (
        {"all": None, "a": "all", "b": "all", "c": "all"},
        {"a": (0, 6, 6, 6, 6), "b": (0, 7, 5, 8, 5), "c": (0, 6, 5, 2, 1)},
    ),
    "a head above the divisions": (
        {"all": None, "a": "all", "a1": "a", "a2": "a", "b": "all"},
        {
            "all": (0, 0, 0, 0, 1),
            "a": (0, 0, 0, 0, 1),
            "a1": (0, 8, 2, 5, 6),
            "a2": (0, 6, 6, 5, 0),
            "b": (0, 9, 9, 9, 9),
        },
    ),
    "all alike, and all but one": (
        {"all": None, "a": "all", "b": "all", "c": "all"},
        {"a": (0, 0, 7, 0, 0), "b": (0, 0, 11, 1, 0), "c": (0, 0, 12, 0, 0)},
    ),
    "levels that differ by two": (
        {"all": None, "a": "all", "b": "all"},
        {"a": (0, 9, 9, 6, 2), "b": (2, 9, 9, 2, 6)},
    ),
    "groups of small bureaus, and one more level of tree": (
        {"all": None, "g": "all", "h": "all", "g1": "g", "g2": "g", "h1": "h", "h2": "h", "h3": "h"},
        {
            "g1": (0, 12, 3, 6, 5),
            "g2": (0, 2, 1, 0, 1),
            "h1": (1, 5, 4, 5, 1),
            "h2": (0, 5, 0, 3, 2),
            "h3": (0, 0, 2, 0, 1),
        },
    ),
    "a chain of single members, and one with nobody": (
        {"all": None, "a": "all", "a1": "a", "a11": "a1", "b": "all", "c": "all"},
        {"a11": (3, 4, 2, 4, 3), "b": (0, 8, 5, 5, 1)},
    ),
    "nobody at the level in one, few in the other": (
        {"all": None, "g": "all", "g1": "g", "g2": "g", "h": "all"},
        {"g1": (0, 10, 10, 0, 0), "g2": (0, 3, 2, 2, 1), "h": (0, 6, 6, 6, 6)},
    ),
    "a hidden group with members, beside others shown in different detail": (
        {"all": None, "a": "all", "a1": "a", "b": "all", "c": "all"},
        {"all": (0, 8, 1, 2, 0), "a1": (0, 11, 1, 0, 5), "b": (11, 8, 0, 6, 1), "c": (5, 3, 0, 11, 6)},
    ),
    "fewer than k in all": ({"all": None, "a": "all"}, {"a": (0, 1, 1, 1, 1)}),
    "fewer than 2k in all": ({"all": None, "a": "all", "b": "all"}, {"a": (0, 0, 0, 5, 0), "b": (0, 0, 3, 1, 0)}),
}


def run_of(world: World, *, classes: int = CLASSES, cut: int = CUT, k: int = K) -> Run:
    """Publish one world."""
    parents, own = world
    records = records_of(own)
    return Run(parents, records, suppress(cube_of(parents, records, classes), k=k, cut=cut))


def carelessly(run: Run) -> Run:
    """The same people, each cell judged by itself alone."""
    cube = cube_of(run.parents, run.records, CLASSES)
    cuts: dict[Node, tuple[int, ...]] = {}
    for node in run.parents:
        kept = [cut for cut in range(1, CLASSES) if may_show(sum(cube.counts[0][node][cut:]), cube.sizes[node], K)]
        cuts[node] = tuple(kept)
    blocks = {
        node: tuple(sum(cube.counts[0][node][a:b]) for a, b in zip((0, *own), (*own, CLASSES), strict=True))
        for node, own in cuts.items()
    }
    return Run(run.parents, run.records, Suppressed(K, CLASSES, cube.sizes, {0: cuts}, {0: blocks}))


def published(run: Run) -> Published:
    """The run as a later one reads it."""
    return Published(run.parents, [0], run.records, run.shown.layout)


def after(
    runs: Sequence[Run],
    parents: Mapping[Node, Node | None],
    records: Sequence[Record],
    *,
    classes: int = CLASSES,
    cut: int = CUT,
    k: int = K,
) -> Run:
    """Publish a further run."""
    history = History(parents, [0], classes, records, [published(run) for run in runs])
    shown = suppress(cube_of(parents, records, classes), k=k, cut=cut, history=history)
    return Run(parents, records, shown)


# -------------------------------------------------------------------------------------------------- the rule itself
@pytest.mark.parametrize(
    ("value", "group", "shown"),
    [(5, 10, True), (4, 10, False), (6, 10, False), (0, 10, True), (0, 9, False), (10, 10, False), (5, 9, False)],
)
def test_a_cell_stands_for_k_and_leaves_out_k_or_is_none_of_2k(value: int, group: int, *, shown: bool) -> None:
    assert may_show(value, group, 5) is shown


@pytest.mark.parametrize(("k", "cut"), [(2, 3), (5, 0), (5, 5)])
def test_senseless_settings_are_refused(k: int, cut: int) -> None:
    with pytest.raises(ValueError):
        suppress(cube_of({"all": None}, [], CLASSES), k=k, cut=cut)


def test_a_cube_must_put_everybody_in_one_class_at_a_known_place() -> None:
    with pytest.raises(ValueError, match="once each"):
        Cube.rolled_up({"all": None}, 2, {"all": 3}, {0: {"all": (1, 1)}})
    with pytest.raises(ValueError, match="Not in the tree"):
        Cube.rolled_up({"all": None}, 2, {"b": 3}, {})
    with pytest.raises(ValueError, match="Class 2"):
        cube_of({"all": None}, [Record(1, "all", (2,))], 2)
    with pytest.raises(ValueError, match="not in the tree"):
        cube_of({"a": "b"}, [], 2)
    with pytest.raises(ValueError, match="cycle"):
        cube_of({"a": "b", "b": "a"}, [], 2)


def test_only_whole_blocks_are_handed_out_and_only_by_the_rule() -> None:
    shown = Suppressed(5, 5, {"a": 20, "b": 12}, {0: {"a": (1, 3), "b": (3,)}}, {0: {"a": (0, 14, 6), "b": (12, 0)}})
    assert [shown.at_least("a", 0, low) for low in range(1, 5)] == [None, None, 6, None]
    assert (shown.between("a", 0, 0, 0), shown.between("a", 0, 1, 2), shown.between("a", 0, 0, 2)) == (0, 14, 14)
    assert (shown.at_least("b", 0, 3), shown.between("b", 0, 0, 2), shown.at_least("c", 0, 3)) == (0, None, None)
    assert (shown.size("a"), shown.size("c"), shown.between("a", 0, 0, 4)) == (20, None, None)
    with pytest.raises(ValueError):
        shown.between("a", 0, 3, 5)


# ------------------------------------------------------------------------------------------------------ one run
@pytest.mark.parametrize("name", HOSTILE)
def test_no_small_count_follows_from_a_hostile_world(name: str) -> None:
    """Every union of groups x every run of levels, by linear algebra."""
    reader = Reader([run_of(HOSTILE[name])], CLASSES, K)
    assert not reader.leaks(reader.all_groups())


@pytest.mark.parametrize("name", HOSTILE)
def test_every_hidden_count_leaves_two_whole_numbers(name: str) -> None:
    """Every node x every run of levels, by integer programming."""
    run = run_of(HOSTILE[name])
    reader, permitted = Reader([run], CLASSES, K), Reader([run], CLASSES, K).permitted()
    for node in run.parents:
        units = reader.units_in(0, run.nodes_under(node))
        for low, high in reader.intervals():
            cells = reader.cells_of(units, low, high)
            value = sum(reader.truth[cell] for cell in cells)
            if not reader.is_unsafe(value, sum(reader.sizes[unit] for unit in units)):
                continue
            rest = set(reader.cells_of(units, 0, CLASSES - 1)) - set(cells)
            if permitted.issuperset(cells) or permitted.issuperset(rest):
                continue
            least, most = reader.bounds(cells)
            assert least < most, (node, low, high, value)


def test_the_attack_sees_what_careless_suppression_gives_away() -> None:
    broken = [
        name
        for name, world in HOSTILE.items()
        if (reader := Reader([carelessly(run_of(world))], CLASSES, K)).leaks(reader.all_groups())
    ]
    assert len(broken) >= 5, broken


counts = st.sampled_from([0, 0, 0, 1, 2, 3, 5, 6, 8, 11])


@st.composite
def worlds(draw: st.DrawFn, most: int = 6) -> World:
    """Small trees with people anywhere in them."""
    parents: dict[Node, Node | None] = {0: None}
    for node in range(1, draw(st.integers(1, most))):
        parents[node] = draw(st.integers(0, node - 1))
    own = {node: draw(st.lists(counts, min_size=CLASSES, max_size=CLASSES)) for node in parents if draw(st.booleans())}
    return parents, own


@settings(max_examples=150, deadline=None)
@given(worlds(), st.sampled_from([3, 5]))
def test_no_small_count_follows_from_any_world(world: World, k: int) -> None:
    reader = Reader([run_of(world, k=k)], CLASSES, k)
    assert not reader.leaks(reader.all_groups())


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.lists(st.integers(0, 4), min_size=2, max_size=2), min_size=3, max_size=3), st.sampled_from(["all", 1])
)
def test_trying_all_possibilities_finds_nothing_more(own: list[list[int]], middle: Node) -> None:
    """Two classes, three groups: all whole-number worlds that agree with what is shown."""
    parents: dict[Node, Node | None] = {"all": None, 0: "all", 1: "all", 2: middle}
    run = run_of((parents, dict(enumerate(own))), classes=2, cut=1, k=3)
    reader = Reader([run], 2, 3)
    permitted, seen = reader.permitted(), list(reader.possible())
    assert dict(reader.truth) in [{cell: count for cell, count in world.items() if count} for world in seen]
    for node in parents:
        units = reader.units_in(0, run.nodes_under(node))
        values = {sum(world[unit, 1] for unit in units) for world in seen}
        zero = [(unit, c) for unit in units for c in (0, 1)]
        known = all(cell in permitted for cell in zero if cell[1] == 1) or all(
            cell in permitted for cell in zero if cell[1] == 0
        )
        if reader.is_unsafe(sum(reader.truth[unit, 1] for unit in units), sum(reader.sizes[unit] for unit in units)):
            assert known or len(values) > 1, node


def test_what_is_shown_obeys_the_rule_cell_by_cell() -> None:
    for world in HOSTILE.values():
        run = run_of(world)
        cube = cube_of(run.parents, run.records, CLASSES)
        for node in run.parents:
            for low in range(CLASSES):
                for high in range(low, CLASSES):
                    value = run.shown.between(node, 0, low, high)
                    assert value is None or may_show(value, cube.sizes[node], K)
                    assert value is None or value == sum(cube.counts[0][node][low : high + 1])
            assert run.shown.size(node) in (None, cube.sizes[node])


# -------------------------------------------------------------------------------------------------- several runs
BASE: World = (
    {"all": None, "a": "all", "b": "all", "c": "all", "d": "all"},
    {"a": (0, 9, 7, 8, 5), "b": (0, 6, 8, 7, 6), "c": (0, 8, 2, 5, 1), "d": (0, 1, 1, 1, 0)},
)


def but_first(records: Sequence[Record], *replaced: Record) -> list[Record]:
    """All records, the first person's (bureau a, level 0) replaced."""
    return [*replaced, *(record for record in records if record.key != 0)]


def test_an_unchanged_run_shows_the_same_again() -> None:
    first = run_of(BASE)
    again = after([first], first.parents, first.records)
    assert again.shown == first.shown
    assert first.shown.cuts[0].keys() >= {"all", "a", "b"}


@pytest.mark.parametrize("what", ["left", "came", "moved", "rose", "checked anew"])
def test_one_changed_person_cannot_be_seen_by_comparing_two_runs(what: str) -> None:
    first = run_of(BASE)
    records = {
        "left": but_first(first.records),
        "came": [*first.records, Record("new", "a", (4,))],
        "moved": but_first(first.records, Record(0, "b", (1,))),
        "rose": but_first(first.records, Record(0, "a", (4,))),
        "checked anew": but_first(first.records, Record("anew", "a", (3,))),
    }[what]
    second = after([first], first.parents, records)
    reader = Reader([first, second], CLASSES, K)
    assert not reader.leaks(reader.natural_groups())
    assert second.shown.at_least("a", 0, CUT) is None
    assert (second.shown.at_least("b", 0, CUT) is not None) == (what != "moved")  # untouched groups stay
    unguarded = Run(first.parents, records, suppress(cube_of(first.parents, records, CLASSES), k=K, cut=CUT))
    reader = Reader([first, unguarded], CLASSES, K)
    assert reader.leaks(reader.natural_groups()), "the attack must see a comparison that nobody guards"


def test_a_new_check_of_everybody_is_shown_like_a_first_run() -> None:
    """Answers given anew are not the old ones, whatever their value."""
    first = run_of(BASE)
    records = [record._replace(key=("anew", record.key)) for record in first.records]
    assert after([first], first.parents, records).shown == first.shown


def test_a_few_who_were_not_checked_anew_do_not_hide_the_rest() -> None:
    first = run_of(BASE)
    old = {0, 1, 10, 30}
    records = [record if record.key in old else record._replace(key=("anew", record.key)) for record in first.records]
    second = after([first], first.parents, records)
    assert second.shown.cuts[0].keys() >= {"all", "a", "b"}
    reader = Reader([first, second], CLASSES, K)
    assert not reader.leaks(reader.natural_groups())


def test_a_new_none_tells_of_those_who_were_counted_before_as_well() -> None:
    """Nine of eleven in a1 are checked anew, all at the lowest class: that nobody in a is at the highest would, with
    the whole's figures of before, give away the three groups that hid behind a."""
    parents: dict[Node, Node | None] = {"all": None, "a": "all", "b": "all", "c": "all", "a1": "a", "a2": "a"}
    own: dict[Node, Sequence[int]] = {
        "all": (0, 0, 5),
        "b": (2, 1, 3),
        "c": (5, 0, 0),
        "a2": (11, 8, 0),
        "a1": (11, 0, 0),
    }
    first = run_of((parents, own), classes=3, cut=1)
    anew = {record.key for record in first.records if record.node == "a1"}
    anew = set(sorted(anew, key=repr)[:9])
    records = [r._replace(key=("anew", r.key)) if r.key in anew else r for r in first.records]
    second = after([first], parents, records, classes=3, cut=1)
    reader = Reader([first, second], 3, K)
    assert not reader.leaks(reader.all_groups())


def test_another_tree_is_another_way_to_compare() -> None:
    """Group d moves from the whole to below c: c grows by its three people, the whole does not change."""
    first = run_of(BASE)
    second = after([first], {**BASE[0], "d": "c"}, first.records)
    reader = Reader([first, second], CLASSES, K)
    assert not reader.leaks(reader.all_groups())
    assert second.shown.at_least("all", 0, CUT) is not None


def test_a_history_of_other_people_is_refused() -> None:
    first = run_of(BASE)
    history = History(first.parents, [0], CLASSES, [*first.records, Record("x", "a", (1,))], [])
    with pytest.raises(ValueError, match="do not make up"):
        suppress(cube_of(first.parents, first.records, CLASSES), cut=CUT, history=history)


def mutations(rng: random.Random, records: Sequence[Record], keys: Iterator[str]) -> list[Record]:
    """Some people leave, move, change, are checked anew; some come. Half of the time in a third of the places."""
    nodes = sorted({record.node for record in records}, key=repr)
    touched = set(nodes if rng.random() < 0.5 else rng.sample(nodes, max(1, len(nodes) // 3)))
    leave, move, rise, anew = (rng.choice(chances) for chances in ((0, 0.03, 0.2), (0, 0.1), (0, 0.1), (0, 0, 0.9)))
    result = []
    for record in records:
        if record.node in touched:
            if rng.random() < leave:
                continue
            if rng.random() < move:
                record = record._replace(node=rng.choice(nodes))  # noqa: PLW2901
            if rng.random() < rise:
                record = record._replace(classes=(rng.randrange(CLASSES),))  # noqa: PLW2901
            if rng.random() < anew:
                record = record._replace(key=next(keys))  # noqa: PLW2901
        result.append(record)
    joiners = rng.choice((0, 0, 1, 2, 7, 15))
    where = sorted(touched, key=repr)
    return result + [Record(next(keys), rng.choice(where), (rng.randrange(CLASSES),)) for _ in range(joiners)]


@settings(max_examples=80, deadline=None)
@given(worlds(5), st.sampled_from([3, 5]), st.integers(0, 10**6), st.integers(1, 2))
def test_no_small_count_follows_from_several_runs(world: World, k: int, seed: int, further: int) -> None:
    rng, keys = random.Random(seed), (f"n{number}" for number in range(10**6))
    runs = [run_of(world, k=k)]
    for _ in range(further):
        parents = dict(runs[-1].parents)
        if rng.random() < 0.3:
            parents |= {node: rng.randrange(int(str(node))) for node in list(parents)[1:] if rng.random() < 0.3}
        if runs[-1].records:
            runs.append(after(runs, parents, mutations(rng, runs[-1].records, keys), k=k))
    reader = Reader(runs, CLASSES, k)
    groups = reader.all_groups() if len(reader.units) <= 7 else reader.natural_groups()
    assert not reader.leaks(groups)


@settings(max_examples=15, deadline=None)
@given(worlds(4), st.integers(0, 10**6))
def test_several_runs_leave_two_whole_numbers_as_well(world: World, seed: int) -> None:
    first = run_of(world, k=3)
    if not first.records:
        return
    keys = (f"n{number}" for number in range(10**6))
    second = after([first], first.parents, mutations(random.Random(seed), first.records, keys), k=3)
    reader = Reader([first, second], CLASSES, 3)
    permitted = reader.permitted()
    for unit in islice(reader.units, 12):
        for low, high in reader.intervals():
            cells = reader.cells_of([unit], low, high)
            rest = set(reader.cells_of([unit], 0, CLASSES - 1)) - set(cells)
            if permitted.issuperset(cells) or permitted.issuperset(rest):
                continue
            if reader.is_unsafe(sum(reader.truth[cell] for cell in cells), reader.sizes[unit]):
                least, most = reader.bounds(cells)
                assert least < most, (unit, low, high)


# ----------------------------------------------------------------------------------------------------- usefulness
def government(seed: int, groups: int) -> tuple[dict[Node, Node | None], list[Record]]:
    """180 people in 15 bureaus of uneven size, in bureau groups, with 22 skills of different spread."""
    rng, bureaus = random.Random(seed), (38, 25, 20, 18, 15, 12, 10, 9, 8, 7, 6, 5, 3, 2, 2)
    spread = [rng.choice((0.15, 0.25, 0.35, 0.5)) for _ in range(22)]
    parents: dict[Node, Node | None] = {"all": None} | {("group", number): "all" for number in range(groups)}
    records: list[Record] = []
    for bureau, size in enumerate(bureaus):
        parents[bureau] = ("group", bureau % groups) if groups else "all"
        for _ in range(size):
            classes = [rng.choices((1, 2, 3, 4), (5 - 4 * s, 5 - 4 * s, 8 * s, 3 * s))[0] for s in spread]
            records.append(Record(len(records), bureau, classes))
    return parents, records


@pytest.mark.parametrize(("groups", "share"), [(0, 0.95), (3, 0.85), (5, 0.85)])
def test_most_of_what_larger_bureaus_may_show_is_shown(groups: int, share: float) -> None:
    """Of the cells "level 2 or more" of bureaus of 15 people and more that the rule alone would show."""
    allowed = shown = 0
    for seed in range(4):
        parents, records = government(seed, groups)
        cube = Cube.of(parents, range(22), CLASSES, records)
        result = suppress(cube, cut=CUT)
        for skill in range(22):
            for bureau in range(5):
                allowed += may_show(sum(cube.counts[skill][bureau][CUT:]), cube.sizes[bureau], 5)
                shown += result.at_least(bureau, skill, CUT) is not None
            assert result.at_least("all", skill, CUT) is not None
    assert allowed > 200
    assert shown >= share * allowed, f"{shown} of {allowed}"


def test_a_thousand_organisations_take_seconds() -> None:
    rng = random.Random(1)
    parents: dict[Node, Node | None] = {"all": None}
    for node in range(1000):
        parents[node] = "all" if node < 10 else rng.randrange(max(10, node // 8))
    records = [
        Record(number, rng.randrange(1000), [rng.choice((1, 1, 2, 2, 3, 3, 4)) for _ in range(22)])
        for number in range(20_000)
    ]
    cube = Cube.of(parents, range(22), CLASSES, records)
    start = process_time()
    suppress(cube, cut=CUT)
    assert process_time() - start < 15  # two on a small machine
