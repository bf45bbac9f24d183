"""People's rules: searching names, intervals, the tree, who follows whom."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillmap.people import rules
from skillmap.people.rules import Interval, Node, Succession

DAY = date(2026, 4, 1)


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("ヤマダ", "やまだ"),
        ("ﾔﾏﾀﾞ", "やまだ"),
        ("か゛", "が"),
        ("山田太郎", "山田　太郎"),
        ("高崎", "髙﨑"),
        ("吉田", "𠮷田"),
        ("葛󠄀城", "葛城"),
        ("ＡＢＣ１２", "abc12"),
        ("ヴァン", "ゔぁん"),
    ],
)
def test_names_are_found_whatever_their_form(typed: str, stored: str) -> None:
    assert rules.fold(typed) == rules.fold(stored)


def test_names_that_differ_stay_apart() -> None:
    assert rules.fold("やまた") != rules.fold("やまだ")


@given(st.text(st.characters(max_codepoint=127)))
def test_plain_letters_and_digits_are_folded_as_among_others(text: str) -> None:
    assert rules.fold(text + "髙") == rules.fold(text) + "高"


@given(st.text(max_size=30))
def test_folding_twice_changes_nothing(text: str) -> None:
    once = rules.fold(text)
    assert rules.fold(once) == once


@given(st.text(max_size=30))
def test_a_folded_name_holds_no_separator(text: str) -> None:
    assert "\n" not in rules.fold(text)


def test_an_interval_leaves_its_last_day_out() -> None:
    interval = Interval(DAY, date(2026, 5, 1))
    assert interval.holds_on(DAY)
    assert interval.holds_on(date(2026, 4, 30))
    assert not interval.holds_on(date(2026, 5, 1))
    assert not interval.holds_on(date(2026, 3, 31))


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (Interval(DAY), Interval(DAY), True),
        (Interval(DAY, date(2026, 5, 1)), Interval(date(2026, 5, 1)), False),
        (Interval(DAY), Interval(date(2030, 1, 1), date(2030, 1, 2)), True),
        (Interval(date(2020, 1, 1), DAY), Interval(DAY), False),
    ],
)
def test_intervals_overlap(one: Interval, other: Interval, expected: bool) -> None:
    assert one.overlaps(other) is expected
    assert other.overlaps(one) is expected


@pytest.mark.parametrize(
    ("day", "existence", "expected"),
    [
        (DAY, Interval(DAY), True),
        (date(2010, 4, 1), Interval(date(2021, 4, 1)), True),  # posted before the record of the tree begins
        (DAY, Interval(date(2026, 6, 1)), False),  # not there yet
        (date(2026, 6, 1), Interval(date(2026, 6, 1)), True),
        (DAY, Interval(date(2021, 4, 1), DAY), False),
    ],
)
def test_people_are_posted_to_what_is_there(day: date, existence: Interval, expected: bool) -> None:
    assert rules.is_there(day, DAY, existence) is expected


@pytest.mark.parametrize(
    ("day", "left_on", "leaves", "expected"),
    [
        (date(2026, 3, 31), None, [], "joining"),
        (DAY, None, [], "active"),
        (DAY, None, [Interval(DAY)], "on_leave"),
        (DAY, None, [Interval(date(2026, 4, 2))], "active"),
        (DAY, date(2026, 4, 2), [], "active"),
        (DAY, DAY, [Interval(DAY)], "left"),
    ],
)
def test_status_follows_from_the_days(day: date, left_on: date | None, leaves: list[Interval], expected: str) -> None:
    assert rules.status_on(day, joins_on=DAY, left_on=left_on, leaves=leaves) == expected


def _node(pk: int, parent: int | None = None, order: int = 0) -> Node:
    return Node(pk, f"c{pk}", f"n{pk}", "", "", "bureau", parent, None, order)


def test_the_tree_is_arranged_with_paths() -> None:
    arranged = rules.arrange([_node(3, 1), _node(1, order=2), _node(2, order=1), _node(4, 3), _node(5, 99)])
    assert [(node.pk, node.path, node.depth) for node in arranged] == [
        (5, "/5/", 0),
        (2, "/2/", 0),
        (1, "/1/", 0),
        (3, "/1/3/", 1),
        (4, "/1/3/4/", 2),
    ]


def test_a_path_prefix_is_no_ancestor_by_accident() -> None:
    assert not rules.is_below("/12/", "/1/")
    assert rules.is_below("/1/2/", "/1/")


def test_changes_are_followed_in_their_order() -> None:
    steps = [
        Succession(date(2026, 4, 1), 2, 20, 30),  # later: 20 goes into 30
        Succession(date(2025, 4, 1), 1, 10, 20),  # first: 10 splits into 20 and 21
        Succession(date(2025, 4, 1), 1, 10, 21),
        Succession(date(2026, 4, 1), 3, 40, 40),  # 40 splits and is kept
        Succession(date(2026, 4, 1), 3, 40, 41),
    ]
    assert rules.follow([10, 20, 40, 50], steps) == {10: (21, 30), 20: (30,), 40: (40, 41), 50: (50,)}


@pytest.mark.parametrize(
    ("own", "inherited"),
    [
        (["/2/"], ("/1/", "/9/", "/8/7/")),  # what was merged into it, and into that before; a section of another unit
        (["/2/3/"], ("/1/", "/9/", "/8/7/", "/2/6/")),
        (["/2/4/"], ()),
        (["/5/"], ("/1/", "/9/", "/8/7/")),  # the other part of a unit that was split
        (["/2/", "/1/"], ("/9/", "/8/7/")),
        (["/22/"], ()),
        ([], ()),
    ],
)
def test_what_is_over_falls_to_who_holds_its_successors(own: list[str], inherited: tuple[str, ...]) -> None:
    ends = [("/8/7/", "/9/"), ("/9/", "/1/"), ("/1/", "/2/3/"), ("/1/", "/5/"), ("/2/6/", "/2/3/")]
    assert set(rules.inherited_paths(own, ends)) == set(inherited)


def test_the_mapping_can_be_turned() -> None:
    assert rules.turned({1: (3, 4), 2: (3,)}) == {3: (1, 2), 4: (1,)}


def test_how_else_a_number_may_be_written() -> None:
    assert rules.number_forms("123", {8}) == {"00000123"}
    assert rules.number_forms("00000123", {3, 8}) == {"123"}
    assert rules.number_forms("ab1", {3}) == {"AB1"}
    assert rules.number_forms("000", set()) == set()


def test_what_is_left_over_of_an_interval() -> None:
    def days(*pairs: tuple[int, int | None]) -> list[Interval]:
        return [Interval(date(2026, 1, a), date(2026, 1, b) if b is not None else None) for a, b in pairs]

    (wanted,), (ending,) = days((5, None)), days((5, 20))
    assert rules.left_over(wanted, []) == [wanted]
    assert rules.left_over(wanted, days((1, 5))) == [wanted]
    assert rules.left_over(wanted, days((10, 12), (1, 7))) == days((7, 10), (12, None))
    assert rules.left_over(wanted, days((1, None))) == []
    assert rules.left_over(ending, days((1, 7), (6, 9), (20, None))) == days((9, 20))
    assert rules.left_over(ending, days((19, 25))) == days((5, 19))
