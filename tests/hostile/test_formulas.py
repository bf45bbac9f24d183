"""Formulas that people type in are text in every file that leaves: thirty strings in every text, every export."""

from __future__ import annotations

from typing import Any

import pytest

from tests.access_world import AccessWorld
from tests.hostile.asking import Asker
from tests.hostile.exports import Export, exports
from tests.hostile.poison import FORMULAS, poison
from tests.support.ground import on_ground

pytestmark = pytest.mark.postgres

STARTS = tuple("=+-@＝＋－＠\t\r")


def poisoned() -> AccessWorld:
    """The world of the access matrix with formulas in every text."""
    world = AccessWorld()
    assert len(poison(FORMULAS)) > 45
    return world


laid, world = on_ground(poisoned)


@pytest.fixture(scope="module")
def asker(laid: AccessWorld, django_db_blocker: Any) -> Asker:
    with django_db_blocker.unblock():
        return Asker(laid)


@pytest.fixture(scope="module")
def everything(asker: Asker, laid: AccessWorld, django_db_blocker: Any) -> list[Export]:
    """Every file and every answer of the API, asked for once."""
    with django_db_blocker.unblock():
        return list(exports(asker, laid, "csv", "xlsx", "json"))


def test_no_export_holds_a_formula(everything: list[Export], db: None) -> None:
    found: set[str] = set()
    seen = 0
    for export in everything:
        if export.kind == "json":
            continue
        found.add(export.name)
        for data_type, value in export.values():
            assert data_type != "f", (export.name, value)
            if data_type == "csv":
                # A figure alone may begin with its sign.
                is_figure = value.lstrip("-").replace(".", "").isdigit()
                assert is_figure or not value.startswith(STARTS), (export.name, value)
            seen += "1+1" in str(value) or "SUM(" in str(value)
    assert len(found) >= 12, found
    assert seen > 5


def test_what_programs_read_is_as_it_was_typed(everything: list[Export], db: None) -> None:
    """Nothing computes in JSON: an apostrophe that no one typed would be a wrong answer there."""
    seen = 0
    for export in everything:
        if export.kind != "json":
            continue
        for _type, value in export.values():
            if isinstance(value, str) and ("1+1" in value or "SUM(" in value):
                assert value in FORMULAS, (export.name, value)
                seen += 1
    assert seen > 5
