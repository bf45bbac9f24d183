"""Levels that people of the demo hold, year by year.

Those of fiscal year 2024 are arranged so that supply has the order that the published analysis prints, with the three
places that the print leaves open set here (UIデザイン 8, クラウドサービス活用 10, UXデザイン 12): made up, and said so.
"""

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path
from random import Random

from skillmap.framework.models import Skill
from skillmap.people.models import Staff

ASSUMED_PLACES = {"ui_design": 8, "cloud_services": 10, "ux_design": 12}
Levels = dict[int, dict[str, int]]


def supply_order(path: Path) -> list[str]:
    """Item codes in the order of supply of 2024: printed, the three unknown places assumed, the rest by number."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    printed = sorted(
        (row for row in rows if row["supply_order_among_12"]), key=lambda row: int(row["supply_order_among_12"])
    )
    known = iter(row["skill_code"] for row in printed)
    assumed = {place: code for code, place in ASSUMED_PLACES.items()}
    order = [assumed.get(place) or next(known) for place in range(1, len(printed) + len(assumed) + 1)]
    return order + [row["skill_code"] for row in rows if row["skill_code"] not in order]


def levels_of_2024(staff: Sequence[Staff], order: Sequence[str], rng: Random) -> Levels:
    """Levels with exactly the wanted order of supply: fewer people at level 2 or more from rank to rank."""
    levels: Levels = {person.pk: {} for person in staff}
    reach = {person.pk: rng.gauss(person.grade, 1.2) for person in staff}
    for rank, code in enumerate(order):
        ranked = sorted(staff, key=lambda person: -(reach[person.pk] + rng.gauss(0, 2.2)))
        holders = round(len(staff) * (0.52 - 0.02 * rank))
        for place, person in enumerate(ranked):
            if place < holders:
                levels[person.pk][code] = 3 if place < holders * 0.22 else 2
            else:
                levels[person.pk][code] = 1 if place < holders + len(staff) * 0.25 else 0
    return levels


def next_year(levels: Levels, rng: Random) -> Levels:
    """The levels a year later: here and there one more."""
    return {
        staff_id: {code: min(3, level + 1) if rng.random() < 0.07 else level for code, level in held.items()}
        for staff_id, held in levels.items()
    }


def tool_levels(staff: Iterable[Staff], tools: Sequence[Skill], rng: Random) -> Levels:
    """Levels of those who are asked for the tools only."""
    return {person.pk: {tool.code: rng.choice((1, 1, 2, 2, 3)) for tool in tools} for person in staff}
