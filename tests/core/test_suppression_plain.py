"""The fast suppression shows what its plainest form shows, whatever the groups, people and earlier runs."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skillmap.core.suppression import Cube, History, Node, Published, Record, suppress
from skillmap.core.suppression.cube import blocks_of, is_safe
from skillmap.core.suppression.partitions import partitions_of
from skillmap.core.suppression.pieces import Form
from tests.support import plain_suppression as plain

MEASURES, CLASSES = (7, "second"), 5
Parents = Mapping[Node, Node | None]


def a_tree(rng: random.Random, nodes: int) -> dict[Node, Node | None]:
    """One root mostly; the rest anywhere below, so that some nodes hold nobody."""
    roots = 1 + (rng.random() < 0.1)
    return {f"n{node}": None if node < roots else f"n{rng.randrange(node)}" for node in range(roots + nodes)}


def some_people(rng: random.Random, parents: Parents, most: int) -> list[Record]:
    """People at some of the nodes, in few or many classes."""
    used = rng.sample(list(parents), max(1, int(len(parents) * rng.random())))
    classes = rng.choice((range(CLASSES), range(3), (0, 4), (2,)))
    people = rng.randrange(most)
    return [
        Record((number, "check"), rng.choice(used), [rng.choice(classes) for _measure in MEASURES])
        for number in range(people)
    ]


def changed(rng: random.Random, parents: Parents, records: Sequence[Record], keys: Iterator[int]) -> list[Record]:
    """People leave, move, change one class, are checked anew, or come; often only in a few of the places."""
    nodes = list(parents)
    touched = set(rng.sample(nodes, rng.randint(0, len(nodes))))
    chance, found = rng.choice((0, 0.02, 0.3)), list[Record]()
    for record in records:
        what = rng.choice(("leave", "move", "rise", "anew")) if record.node in touched and rng.random() < chance else ""
        if what == "leave":
            continue
        if what == "move":
            found.append(record._replace(node=rng.choice(nodes)))
        elif what == "rise":
            found.append(record._replace(classes=[rng.randrange(CLASSES), *record.classes[1:]]))
        else:
            found.append(record._replace(key=("anew", next(keys))) if what else record)
    return found + [
        Record(("new", next(keys)), rng.choice(nodes), [rng.randrange(CLASSES) for _measure in MEASURES])
        for _ in range(rng.choice((0, 0, 1, 6, 40)))
    ]


@settings(max_examples=250, deadline=None)
@given(st.integers(0, 10**9), st.integers(0, 30), st.sampled_from([20, 100, 600]), st.integers(0, 3))
def test_the_fast_form_shows_what_the_plain_form_shows(seed: int, nodes: int, most: int, further: int) -> None:
    rng, keys = random.Random(seed), count()
    parents = a_tree(rng, nodes)
    records, runs = some_people(rng, parents, most), list[Published]()
    for _ in range(1 + further):
        k, cut = rng.choice((3, 5, 5, 8)), rng.randrange(1, CLASSES)
        cube = Cube.of(parents, MEASURES, CLASSES, records)
        fast = History(parents, MEASURES, CLASSES, records, runs) if runs else None
        slow = plain.History(parents, MEASURES, CLASSES, records, runs) if runs else None
        shown = suppress(cube, k=k, cut=cut, history=fast)
        assert shown == plain.suppress(cube, k=k, cut=cut, history=slow)
        runs.append(Published(parents, MEASURES, records, shown.layout))
        records = changed(rng, parents, records, keys)
        if rng.random() < 0.3:
            parents = parents | {node: f"n{rng.randrange(int(str(node)[1:]))}" for node in list(parents)[2:]}


@given(st.lists(st.integers(0, 12), min_size=1, max_size=6), st.integers(3, 6))
def test_all_sets_of_cuts_at_once_are_judged_like_one_by_one(counts: list[int], k: int) -> None:
    vector, partitions = tuple(counts), partitions_of(len(counts))
    assert len(partitions.bits) == 2 ** (len(counts) - 1)
    for cuts, bit in partitions.bits.items():
        blocks = blocks_of(vector, cuts)
        assert bool(partitions.safe(vector, k) & bit) == is_safe(blocks, k)
        assert bool(partitions.filled(vector, k) & bit) == (min(blocks) >= k)
        assert [bool(partitions.coarser[cuts] & other) for other in partitions.bits.values()] == [
            set(coarse) <= set(cuts) for coarse in partitions.bits
        ]


@given(st.lists(st.integers(0, 2**29), min_size=1, max_size=5), st.data())
def test_figures_in_one_number_add_up_like_figures_one_by_one(counts: list[int], data: st.DataObject) -> None:
    whole, form = tuple(counts), Form(len(counts))
    part = tuple(data.draw(st.integers(0, value)) for value in counts)
    rest = tuple(value - other for value, other in zip(whole, part, strict=True))
    pieces = [form.of(sum(vector), vector) for vector in (whole, part, rest)]
    assert form.counts(pieces[0] - pieces[1]) == rest
    assert form.counts(pieces[1] + pieces[2]) == whole


@pytest.mark.parametrize("classes", [[0], [0, 5], [0, 300], [0, -1], [0, 1, 1]])
def test_somebody_without_one_class_for_each_measure_is_refused(classes: list[int]) -> None:
    History({"all": None}, MEASURES, CLASSES, [Record(1, "all", [0, 1])], [])
    with pytest.raises(ValueError):
        History({"all": None}, MEASURES, CLASSES, [Record(1, "all", classes)], [])


def test_records_of_unknown_places_are_refused() -> None:
    with pytest.raises(ValueError, match="Not in the tree"):
        History({"all": None}, MEASURES, CLASSES, [Record(1, "elsewhere", [0, 1])], [])
