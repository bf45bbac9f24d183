"""What jobs leave behind, without ids and times, to be compared with what a clean one left."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from itertools import product
from typing import Any

from skillmap.core.suppression import Record
from skillmap.gaps.models import GapCell, GapNode, GapRun, PlaceInput, SkillResult
from skillmap.gaps.selectors import counting


def inputs_of(run: GapRun) -> list[tuple[int, int, str]]:
    """Each person that a run read: who, where, the levels."""
    found = []
    for row in PlaceInput.objects.filter(run=run).order_by("pk"):
        width, more = divmod(len(row.levels), len(row.staff))
        assert not more, "everybody has as many levels"
        held = [row.levels[start : start + width] for start in range(0, len(row.levels), width)]
        found += [(staff, row.organisation_id, levels) for staff, levels in zip(row.staff, held, strict=True)]
    return found


def every_cell(run: GapRun) -> dict[tuple[int, int], GapCell]:
    """All cells of a run by place and skill; one without a row shows nothing, and nobody is asked for there."""
    stored = {(cell.node_id, cell.skill_id): cell for cell in GapCell.objects.filter(node__run=run)}
    places = GapNode.objects.filter(run=run).values_list("pk", flat=True)
    skills = SkillResult.objects.filter(run=run).order_by("skill__number").values_list("skill_id", flat=True)
    found = {}
    for node, skill in product(places, list(skills)):
        empty = GapCell(node_id=node, skill_id=skill, gap_1=0, gap_2=0, gap_3=0)
        found[node, skill] = stored.pop((node, skill), empty)
    assert not stored, "a cell of no place of the run"
    return found


def records_of(run: GapRun) -> Iterator[Record]:
    """Everybody of a run, with a class for each item."""
    for crowd in counting.crowds(run):
        width = len(crowd.classes) // len(crowd.keys)
        for place, (key, node) in enumerate(zip(crowd.keys, crowd.nodes, strict=True)):
            yield Record(key, node, crowd.classes[place * width : (place + 1) * width])


def rows_of(run: GapRun) -> dict[str, list[tuple[Any, ...]]]:
    """All that a run stored, without ids and times."""
    keys, supply = ("node__key", "skill__code"), ("supply", "supply_standing", "supply_rank")
    figures = [f"{name}_{level}" for name in ("at_least", "demand", "gap") for level in (1, 2, 3)]
    return {
        "inputs": sorted(inputs_of(run)),
        "nodes": list(
            GapNode.objects.filter(run=run).order_by("position").values_list("key", "parent__key", "people", "depth")
        ),
        "cells": list(
            GapCell.objects.filter(node__run=run).order_by(*keys).values_list(*keys, "cuts", "blocks", *figures)
        ),
        "skills": list(
            SkillResult.objects.filter(run=run)
            .order_by("skill")
            .values_list("skill", "demand", "demand_rank", *supply, "is_proposed", "gaps")
        ),
    }


def checksum(rows: object) -> str:
    """A short text that is the same for the same rows."""
    return hashlib.sha256(repr(rows).encode()).hexdigest()
