"""Supply, demand, gap and priority in plain values."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from itertools import permutations, product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillmap.core.suppression import Cube, Node, Suppressed
from skillmap.gaps import gap_rules, rules
from skillmap.gaps.gap_rules import Gap
from skillmap.gaps.rules import DemandLine, Parameters, Person

PRINT = Path(__file__).resolve().parent.parent.parent / "fixtures" / "priority_2024.csv"
TREE: Mapping[Node, Node | None] = {"all": None, "a": "all", "a1": "a", "b": "all"}


def people(*levels: Mapping[int, int | None], organisation: str = "a") -> list[Person]:
    """One person for each set of levels."""
    return [Person((organisation, number), organisation, own) for number, own in enumerate(levels)]


def line(skill: int, headcount: int, level: int = 2, organisation: str = "a", business: object = "x") -> DemandLine:
    """One line of the survey."""
    return DemandLine(organisation, skill, level, headcount, business)


# --------------------------------------------------------------------------------------------------------- parameters
def test_default_parameters_are_those_of_the_policy_and_house() -> None:
    parameters = Parameters()
    assert (parameters.supply_level, parameters.k) == (2, 5)
    assert [parameters.top(items) for items in (22, 21, 20, 2)] == [7, 7, 6, 0]


@pytest.mark.parametrize(
    "wrong", [{"supply_level": 0}, {"supply_level": 4}, {"top_numerator": 0}, {"top_numerator": 3}, {"k": 2}]
)
def test_senseless_parameters_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError):
        Parameters(**wrong)


@pytest.mark.parametrize(("level", "headcount"), [(0, 1), (4, 1), (1, -1)])
def test_senseless_demand_is_refused(level: int, headcount: int) -> None:
    with pytest.raises(ValueError):
        line(1, headcount, level)


# --------------------------------------------------------------------------------------------------------------- cube
def test_cube_counts_levels_up_the_tree_and_keeps_unanswered_apart() -> None:
    counted = rules.cube(
        [*people({1: 0}, {1: 3}, {1: None}, {}, organisation="a1"), *people({1: 2}), *people({1: 2}, organisation="b")],
        TREE,
        [1],
    )
    assert counted.counts[1] == {
        "a1": (2, 1, 0, 0, 1),
        "a": (2, 1, 0, 1, 1),
        "b": (0, 0, 0, 1, 0),
        "all": (2, 1, 0, 2, 1),
    }
    assert counted.sizes == {"a1": 4, "a": 5, "b": 1, "all": 6}


def test_cube_refuses_unknown_places_and_levels_and_forests() -> None:
    with pytest.raises(ValueError, match="Not in the tree"):
        rules.cube(people({1: 1}, organisation="nowhere"), TREE, [1])
    with pytest.raises(ValueError, match="no level 4"):
        rules.cube(people({1: 4}), TREE, [1])
    with pytest.raises(ValueError, match="one root"):
        rules.cube([], {"a": None, "b": None}, [1])


# -------------------------------------------------------------------------------------------------------------- ranks
def held(counts: Mapping[int, Sequence[int]], size: int = 40) -> Cube:
    """A cube of so many people; of each skill it says how many stand at level 1, 2, 3 or higher."""
    levels = [
        {skill: sum(index < people for people in at_least) for skill, at_least in counts.items()}
        for index in range(size)
    ]
    return rules.cube(people(*levels), TREE, list(counts))


def ranked(counted: Cube, earlier: Mapping[int, int] | None = None, **settings: int) -> dict[int, rules.Supply]:
    """Supply with what the cube shows by itself."""
    parameters = Parameters(**settings)
    return rules.supply(counted, rules.suppressed(counted, parameters), parameters, earlier)


def ranks_of(counted: Cube, earlier: Mapping[int, int] | None = None, **settings: int) -> dict[int, int | None]:
    """The ranks alone."""
    return {skill: each.rank for skill, each in ranked(counted, earlier, **settings).items()}


def test_supply_is_ranked_by_people_then_levels_then_number() -> None:
    counted = held({4: (30, 12, 6), 3: (30, 20, 10), 2: (30, 20, 12), 1: (30, 20, 10)})
    assert ranked(counted) == {
        1: rules.Supply(1, 20, 20, 2),
        2: rules.Supply(2, 20, 20, 1),
        3: rules.Supply(3, 20, 20, 3),
        4: rules.Supply(4, 12, 12, 4),
    }


def test_supply_level_is_a_setting() -> None:
    counted = held({1: (30, 10, 10), 2: (20, 20, 10)})
    assert [ranks_of(counted, supply_level=level)[1] for level in (1, 2, 3)] == [1, 2, 1]


@pytest.mark.parametrize("few", range(1, 5))
def test_a_tie_does_not_tell_a_hidden_count(few: int) -> None:
    """The sum of levels of the first would: it is the larger one from a certain count on."""
    counted = held({1: (28, 20, few), 2: (24, 20, 6)})
    assert ranked(counted)[1].people == 20
    assert ranks_of(counted) == {1: 1, 2: 2}


@pytest.mark.parametrize("counts", list(product(range(1, 5), repeat=2)))
def test_ranks_of_few_and_of_all_but_few_do_not_tell_how_many(counts: tuple[int, int]) -> None:
    one, other = counts
    at_least = {1: one, 2: other, 3: 20, 4: 0, 5: 40 - one, 6: 40 - other}
    counted = held({skill: (count,) * 3 for skill, count in at_least.items()})
    found = ranked(counted)
    assert {skill: each.people for skill, each in found.items()} == {1: None, 2: None, 3: 20, 4: 0, 5: None, 6: None}
    assert {skill: each.rank for skill, each in found.items()} == {5: 1, 6: 2, 3: 3, 1: 4, 2: 5, 4: 6}


@pytest.mark.parametrize("size", [1, 4, 5, 9])
def test_a_group_in_which_nothing_is_shown_has_no_ranks_and_no_proposals(size: int) -> None:
    counted = held({1: (size,) * 3, 2: (0,) * 3, 3: (1, 1, 0)}, size)
    found = ranked(counted)
    assert {(each.people, each.standing, each.rank) for each in found.values()} == {(None, None, None)}
    assert not rules.propose(rules.demand([line(2, 9)], [1, 2, 3]), found, Parameters())


@pytest.mark.parametrize("people", range(1, 5))
def test_where_runs_came_before_a_hidden_count_keeps_the_place_it_had(people: int) -> None:
    """Fewer than five would go to the end, if it were not known that twenty-five stood there before."""
    counted = held({1: (people,) * 3, 2: (30,) * 3, 3: (20,) * 3})
    assert ranks_of(counted) == {2: 1, 3: 2, 1: 3}
    assert ranked(counted, earlier={1: 25, 2: 12, 3: 12})[1] == rules.Supply(1, None, 25, 2)
    assert ranks_of(counted, earlier={1: 25, 2: 12, 3: 12}) == {2: 1, 1: 2, 3: 3}


def test_without_a_place_before_there_is_no_rank_and_the_others_are_ranked_without_it() -> None:
    counted = held({1: (30,) * 3, 2: (3,) * 3, 3: (20,) * 3})
    found = ranked(counted, earlier={1: 30, 3: 20})
    assert {skill: each.rank for skill, each in found.items()} == {1: 1, 2: None, 3: 2}
    demanded = rules.demand([line(2, 9), line(3, 8)], [1, 2, 3])
    half = Parameters(top_numerator=2, top_denominator=3)
    assert [each.skill for each in rules.propose(demanded, found, half)] == []
    assert [each.skill for each in rules.propose(demanded, found, Parameters())] == []
    assert [each.skill for each in rules.propose(demanded, ranked(counted), half)] == [2]


def test_demand_is_ranked_by_heads_then_businesses_then_number() -> None:
    lines = [
        line(1, 4),
        line(2, 2),
        line(2, 2, business="y"),
        line(3, 4, 1),
        line(4, 2),
        line(4, 1, 3),
        line(6, 0, business="z"),
        line(7, 1, business="x"),
        line(7, 1, business="x", organisation="b"),
    ]
    found = rules.demand(lines, range(1, 8))
    assert [(found[s].headcount, found[s].businesses) for s in range(1, 8)] == [
        (4, 1),
        (4, 2),
        (4, 1),
        (3, 1),
        (0, 0),
        (0, 0),
        (2, 2),
    ]
    assert sorted(found, key=lambda skill: found[skill].rank) == [2, 1, 3, 4, 7, 5, 6]


def test_demand_for_an_unknown_skill_is_refused() -> None:
    with pytest.raises(ValueError, match="Skill 9"):
        rules.demand([line(9, 1)], [1, 2])
    with pytest.raises(ValueError, match="Skill 9"):
        gap_rules.gaps(rules.cube([], TREE, [1, 2]), [line(9, 1)])


@given(st.lists(st.lists(st.sampled_from([None, 0, 1, 2, 3]), min_size=4, max_size=4), min_size=10, max_size=24))
def test_ranks_are_complete_and_follow_their_measure(levels: list[list[int | None]]) -> None:
    counted = rules.cube(people(*(dict(enumerate(own, 1)) for own in levels)), TREE, [1, 2, 3, 4])
    found = sorted(ranked(counted).values(), key=lambda each: each.rank or 0)
    assert [each.rank for each in found] == [1, 2, 3, 4]
    for each in found:
        count = sum((person[each.skill - 1] or 0) >= 2 for person in levels)
        assert each.people in (None, count)
        assert each.standing == (each.people if each.people is not None else 1 if count < 5 else len(levels))
    assert [each.standing for each in found] == sorted((each.standing or 0 for each in found), reverse=True)


# ----------------------------------------------------------------------------------------------------- priority areas
def test_priority_needs_demand_in_the_top_and_supply_below_it() -> None:
    assert [rules.is_priority(*ranks, top=7) for ranks in ((7, 8), (8, 8), (7, 7), (1, 22), (8, 7))] == [
        True,
        False,
        False,
        True,
        False,
    ]


def test_proposals_come_in_order_of_demand_with_their_reasons() -> None:
    counted = held({1: (30,) * 3, 2: (30,) * 3} | dict.fromkeys(range(3, 7), (0,) * 3))
    lines = [line(4, 9), line(3, 8), line(1, 1)]
    proposals = rules.propose(rules.demand(lines, range(1, 7)), ranked(counted), Parameters())
    assert proposals == [rules.Proposal(4, 1, 4, 2, 6), rules.Proposal(3, 2, 3, 2, 6)]


def test_what_nobody_asks_for_is_ranked_but_not_proposed() -> None:
    counted = held({1: (30,) * 3, 2: (30,) * 3} | dict.fromkeys(range(3, 7), (0,) * 3))
    demanded = rules.demand([line(5, 1)], range(1, 7))
    assert demanded[1].rank == 2
    assert [each.skill for each in rules.propose(demanded, ranked(counted), Parameters())] == [5]
    assert not rules.propose(rules.demand([], range(1, 7)), ranked(counted), Parameters())


def test_supply_and_demand_must_be_of_the_same_skills() -> None:
    counted = rules.cube([], TREE, [1, 2])
    with pytest.raises(ValueError, match="same skills"):
        rules.propose(rules.demand([], [1, 2, 3]), ranked(counted), Parameters())


def _print_of_2024() -> tuple[dict[int, str], dict[int, int], list[int], list[int]]:
    """Names, demand ranks, the twelve skills of the supply list in printed order, the three without a place."""
    with PRINT.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    names = {int(row["skill_number"]): row["skill_name"] for row in rows}
    printed = {int(row["skill_number"]): int(row["demand_rank"]) for row in rows if row["demand_rank"]}
    rest = sorted(names.keys() - printed.keys())  # outside the list of 15: behind it, by number
    demand_ranks = printed | {skill: len(printed) + place for place, skill in enumerate(rest, 1)}
    known = {
        int(row["supply_order_among_12"]): int(row["skill_number"]) for row in rows if row["supply_order_among_12"]
    }
    lost = [int(row["skill_number"]) for row in rows if row["in_supply_top15"] == "yes"]
    lost = [skill for skill in lost if skill not in known.values()]
    return names, demand_ranks, [known[place] for place in sorted(known)], lost


def _supply_ranks(names: Mapping[int, str], twelve: Sequence[int], placed: Mapping[int, int]) -> dict[int, int]:
    """Ranks with the three at the places given, the twelve in their order between them, all others behind."""
    ranks = {skill: place for place, skill in placed.items()}
    free = (place for place in range(1, 16) if place not in placed)
    ranks |= dict(zip(twelve, free, strict=True))
    return ranks | {skill: place for place, skill in enumerate(sorted(names.keys() - ranks.keys()), 16)}


def test_rule_gives_exactly_the_three_areas_of_2024_wherever_they_stand() -> None:
    """The print loses the places of the three in the supply list: all ordered combinations of 8 to 15 are tried."""
    names, demand_ranks, twelve, lost = _print_of_2024()
    assert (len(names), len(twelve), len(lost)) == (22, 12, 3)
    tried = 0
    for places in permutations(range(8, 16), 3):
        supply_ranks = _supply_ranks(names, twelve, dict(zip(places, lost, strict=True)))
        assert sorted(supply_ranks.values()) == sorted(demand_ranks.values()) == list(range(1, 23))
        proposals = rules.propose_by_rank(demand_ranks, supply_ranks, Parameters())
        assert [names[each.skill] for each in proposals] == ["クラウドサービス活用", "UXデザイン", "UIデザイン"]
        tried += 1
    assert tried == 336


def test_cybersecurity_stands_at_the_border_in_2024() -> None:
    """Demand rank 3, supply rank 7 with the three behind it: a smaller share lets it in."""
    names, demand_ranks, twelve, lost = _print_of_2024()
    supply_ranks = _supply_ranks(names, twelve, dict(zip((8, 10, 12), lost, strict=True)))
    tighter = rules.propose_by_rank(demand_ranks, supply_ranks, Parameters(top_numerator=3, top_denominator=11))
    assert "サイバーセキュリティ" in [names[each.skill] for each in tighter]


# ---------------------------------------------------------------------------------------------------------------- gap
def _uncovered_at_best(held: Sequence[int], wanted: Sequence[int]) -> tuple[int, ...]:
    """Least uncovered heads, and of those ways the one with least at the highest level: by trying all ways."""
    ways: list[tuple[int, ...]] = []
    pairs = [(own, asked) for own in range(3) for asked in range(own + 1)]
    for used in product(*(range(min(held[own], wanted[asked]) + 1) for own, asked in pairs)):
        taken = [sum(n for n, (own, _a) in zip(used, pairs, strict=True) if own == level) for level in range(3)]
        met = [sum(n for n, (_o, asked) in zip(used, pairs, strict=True) if asked == level) for level in range(3)]
        if all(a <= b for a, b in zip((*taken, *met), (*held, *wanted), strict=True)):
            ways.append(tuple(b - a for a, b in zip(met, wanted, strict=True)))
    return min(ways, key=lambda way: (sum(way), way[::-1]))


@given(st.lists(st.integers(0, 3), min_size=6, max_size=6))
def test_cover_from_the_top_leaves_the_fewest_heads_open(numbers: list[int]) -> None:
    held, wanted = numbers[:3], numbers[3:]
    assert gap_rules.cover(held, wanted).uncovered == _uncovered_at_best(held, wanted)


@pytest.mark.parametrize(
    ("held", "wanted", "uncovered"),
    [
        ((0, 0, 2), (1, 0, 1), (0, 0, 0)),  # the second at level 3 covers level 1
        ((0, 0, 1), (1, 0, 1), (1, 0, 0)),  # but each person once
        ((5, 0, 0), (0, 1, 0), (0, 1, 0)),  # nobody covers upward
        ((1, 1, 1), (0, 4, 0), (0, 2, 0)),
        ((0, 3, 0), (2, 2, 1), (1, 0, 1)),
    ],
)
def test_higher_levels_cover_lower_ones_once(
    held: tuple[int, ...], wanted: tuple[int, ...], uncovered: tuple[int, ...]
) -> None:
    assert gap_rules.cover(held, wanted) == Gap(wanted, uncovered)


def test_gap_within_the_organisations_and_over_all() -> None:
    counted = rules.cube(
        [*people({1: 3}, {1: 2}, {1: 2}, organisation="a1"), *people({1: 1}, {1: None}, organisation="b")], TREE, [1, 2]
    )
    found = gap_rules.gaps(counted, [line(1, 1), line(1, 2, 2, "b"), line(1, 1, 1, "b"), line(2, 0, 1, "b")])
    assert found.by_organisation == {("a", 1): Gap((0, 1, 0), (0, 0, 0)), ("b", 1): Gap((1, 2, 0), (0, 2, 0))}
    assert found.within == {1: Gap((1, 3, 0), (0, 2, 0))}
    assert found.overall == {1: Gap((1, 3, 0), (0, 0, 0))}
    assert found.within[1].total == 2


def test_nobody_covers_twice_where_an_organisation_and_its_part_both_ask() -> None:
    counted = rules.cube(people({1: 2}, organisation="a1"), TREE, [1])
    found = gap_rules.gaps(counted, [line(1, 1, organisation="a"), line(1, 1, organisation="a1")])
    assert found.by_organisation == {("a", 1): Gap((0, 2, 0), (0, 1, 0))}


def test_demand_from_outside_the_tree_is_refused() -> None:
    with pytest.raises(ValueError, match="Not in the tree"):
        gap_rules.gaps(rules.cube([], TREE, [1]), [line(1, 1, organisation="nowhere")])


# ------------------------------------------------------------------------------------------------- what may be shown
def _shown_world() -> tuple[Cube, Suppressed]:
    """a: 20 people, 8 at level 2, 6 at level 3; b: 14, 2 at level 2, 5 at level 3."""
    by_level = {"a": {0: 6, 2: 8, 3: 6}, "b": {0: 7, 2: 2, 3: 5}}
    everybody = [
        person
        for organisation, levels in by_level.items()
        for level, count in levels.items()
        for person in people(*([{1: level}] * count), organisation=organisation)
    ]
    counted = rules.cube(everybody, {"all": None, "a": "all", "b": "all"}, [1])
    return counted, rules.suppressed(counted, Parameters())


def test_supply_of_the_level_that_counts_is_shown_first() -> None:
    _counted, shown = _shown_world()
    at = {node: [shown.at_least(node, 1, rules.class_of(level)) for level in (1, 2, 3)] for node in ("all", "a", "b")}
    assert at["all"] == [21, 21, 11]
    assert (at["a"][1], at["b"][1]) == (14, 7)
    assert at["b"][2] is None  # level 2 and level 3 apart would show two people


def test_gap_is_shown_only_where_the_supply_it_depends_on_is() -> None:
    counted, shown = _shown_world()
    cases: dict[tuple[int, str], tuple[bool, bool, bool]] = {
        (2, "a"): (True, True, True),
        (2, "b"): (True, True, True),
        (3, "b"): (False, False, True),
    }
    for (level, organisation), (own, within, overall) in cases.items():
        found = gap_rules.gaps(counted, [line(1, 9, level, organisation), line(1, 16, 2, "a")])
        seen = gap_rules.published(found, shown, "all")
        assert (
            seen.by_organisation[organisation, 1] is not None,
            seen.within[1] is not None,
            seen.overall[1] is not None,
        ) == (own, within, overall)
    assert seen.by_organisation["a", 1] == Gap((0, 16, 0), (0, 2, 0))


# ---------------------------------------------------------------------------------------------------------- progress
@pytest.mark.parametrize(
    ("part", "people", "share"),
    [(0, 100, 0), (9, 100, 0), (10, 100, 1), (99, 100, 9), (100, 100, 9), (89, 99, None), (5, 10, None), (0, 0, None)],
)
def test_a_share_never_counts_a_few(part: int, people: int, share: int | None) -> None:
    assert rules.rough_share(part, people, 5) == share
