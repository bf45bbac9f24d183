"""The demo's fiscal year 2024: its people and survey give one of the orders that the published analysis leaves open."""

from __future__ import annotations

import csv
import io
from datetime import date

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.test import Client

from skillmap.assessment.demo.levels import ASSUMED_PLACES
from skillmap.gaps.models import GapRun, PriorityArea
from skillmap.gaps.selectors.areas import areas
from skillmap.gaps.selectors.runs.ranks import run_result
from skillmap.gaps.selectors.runs.visible import latest_run, runs_for
from skillmap.people.models import User

THREE = ["クラウドサービス活用", "UXデザイン", "UIデザイン"]


def _print() -> list[dict[str, str]]:
    with (settings.FIXTURE_ROOT / "priority_2024.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize(("people", "seed"), [(60, 1), (180, 2)])
def test_demo_gives_the_printed_orders_and_the_three_areas(db: None, people: int, seed: int) -> None:
    call_command("demo", people=people, seed=seed, today=date(2026, 11, 22), stdout=io.StringIO())
    executive = User.objects.get(email="executive@demo.example")
    run = latest_run(executive, 2024)
    assert run is not None
    result = run_result(executive, run)

    # Demand: the fifteen that are printed, in their order.
    printed = sorted((row for row in _print() if row["demand_rank"]), key=lambda row: int(row["demand_rank"]))
    assert [line.skill.code for line in result.lines][:15] == [row["skill_code"] for row in printed]
    assert [line.demand_rank for line in result.lines] == list(range(1, 23))

    # Supply: the twelve that are printed, in their order; the three without a place where the fixture sets them.
    ranks = {line.skill.code: line.supply_rank for line in result.lines}
    twelve = sorted(
        (row for row in _print() if row["supply_order_among_12"]), key=lambda row: int(row["supply_order_among_12"])
    )
    by_supply = sorted(result.lines, key=lambda line: line.supply_rank or 99)
    order = [line.skill.code for line in by_supply if line.skill.code not in ASSUMED_PLACES]
    assert order[:12] == [row["skill_code"] for row in twelve]
    for row in twelve:
        assert int(row["supply_rank_min"]) <= (ranks[row["skill_code"]] or 0) <= int(row["supply_rank_max"])
    assert {code: ranks[code] for code in ASSUMED_PLACES} == ASSUMED_PLACES

    # The rule, and what was adopted.
    assert [line.skill.name for line in result.proposed] == THREE
    assert [(area.skill.name, area.fiscal_year) for area in areas(2024)] == [(name, 2024) for name in THREE]
    assert {area.decided_on for area in areas(2024)} == {date(2024, 11, 29)}
    assert not result.undecided

    # As everyone signed in reads it.
    client = Client()
    client.force_login(User.objects.get(email="staff@demo.example"))
    answered = client.get("/api/v1/priority-areas/?fiscal_year=2024").json()["results"]
    assert [(row["skill_name"], row["demand_rank"], row["supply_rank"], row["adopted_on"]) for row in answered] == [
        ("クラウドサービス活用", 1, 10, "2024-11-29"),
        ("UXデザイン", 5, 12, "2024-11-29"),
        ("UIデザイン", 6, 8, "2024-11-29"),
    ]

    # The last closed year has its run and its decisions too.
    assert sorted(runs_for(executive).values_list("fiscal_year", flat=True)) == [2024, 2025]
    last = latest_run(executive)
    assert last is not None
    assert last.fiscal_year == 2025
    assert not run_result(User.objects.get(email="secretariat@demo.example"), last).undecided
    assert not GapRun.objects.filter(published_at=None).exists()
    assert PriorityArea.objects.filter(fiscal_year=2025, state="adopted").exists()


def test_the_running_year_lies_after_2024(db: None) -> None:
    with pytest.raises(CommandError, match="2025-04-01 or later"):
        call_command("demo", people=60, seed=1, today=date(2025, 3, 31), stdout=io.StringIO())
    assert not User.objects.exists()


@pytest.mark.sqlite
def test_the_first_possible_day_has_the_three_areas_too(db: None) -> None:
    call_command("demo", people=60, seed=1, today=date(2025, 4, 1), stdout=io.StringIO())
    assert PriorityArea.objects.filter(fiscal_year=2024, state="adopted").count() == 3
