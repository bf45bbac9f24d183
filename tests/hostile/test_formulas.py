"""Formulas that people type in are text in every file that leaves: thirty strings in every text, every export."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

import pytest
from openpyxl import load_workbook

from tests.access_world import ACTORS, AccessWorld, address, routes
from tests.hostile.asking import Asker
from tests.hostile.forms import FORM
from tests.hostile.poison import poison
from tests.support.ground import on_ground
from tests.test_access_matrix import matrix

pytestmark = pytest.mark.sqlite

FORMULAS = (
    "=1+1", "=cmd|'/c calc'!A0", "=HYPERLINK(\"http://evil.example\",\"x\")", "=WEBSERVICE(\"http://evil.example\")",
    "=IMPORTXML(\"http://evil.example\",\"//a\")", "=DDE(\"cmd\",\"/c calc\",\"x\")", "=INDIRECT(\"A1\")", "={1;2}",
    "==1+1", "+1+1", "+cmd|'/c calc'!A0", "+81-3-1234", "-1+1", "-cmd|'/c calc'!A0", "--1", "@SUM(1+1)", "@1", "@@x",
    "\t=1+1", "\r=1+1", " =1+1", "　=1+1", "＝1+1", "＋1+1", "－1+1", "＠SUM(1)", "'=1+1", "\"=1+1\"", "|=1+1",
    "\u200b=1+1", "\ufeff=1+1", "\u00a0=1+1",
)  # fmt: skip
STARTS = tuple("=+-@＝＋－＠\t\r")
KINDS = {"text/csv": "csv", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx"}


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


def exports(asker: Asker, world: AccessWorld) -> Iterator[tuple[str, str, bytes]]:
    """Every file that the secretariat or a coordinator gets: by which route, of which kind, its bytes."""
    table = matrix()
    for route, names in routes():
        url = address(world, route, names)
        for actor in ("secretariat", "coordinator"):
            queries = ["", "?format=csv", "?format=xlsx"] if route == "gaps-api:report" else [""]
            if route == "gaps:dashboard_export":
                queries = [f"?run={world.run.pk}&fy={world.run.fiscal_year}"]
            elif table[route, "GET"][ACTORS.index(actor)] != "200":
                continue
            for query in queries:
                answer = asker.ask(actor, "GET", url + query)
                kind = KINDS.get(answer.headers.get("Content-Type", "").partition(";")[0])
                if kind and answer.status_code == 200:
                    yield f"{route}{query}", kind, answer.content
    for form in ("csv", "xlsx"):
        answer = asker.ask(
            "secretariat", "POST", "/cycles/levels/export/", f"purpose=cycle_operation&form={form}", FORM
        )
        assert answer.status_code == 200
        yield f"levels {form}", form, answer.content


def cells_of(kind: str, data: bytes) -> Iterator[tuple[str, Any]]:
    """Each cell: what it is (`f` for a formula) and its value."""
    if kind == "csv":
        for row in csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")):
            yield from (("csv", value) for value in row)
        return
    for sheet in load_workbook(io.BytesIO(data)).worksheets:
        for cells in sheet.iter_rows():
            yield from ((cell.data_type, cell.value) for cell in cells if cell.value is not None)


def test_no_export_holds_a_formula(asker: Asker, laid: AccessWorld, db: None) -> None:
    found: dict[str, int] = {}
    seen = 0
    for name, kind, data in exports(asker, laid):
        found[name] = found.get(name, 0) + 1
        for data_type, value in cells_of(kind, data):
            assert data_type != "f", (name, value)
            if data_type == "csv":
                # A figure alone may begin with its sign.
                assert not value.startswith(STARTS) or value.lstrip("-").replace(".", "").isdigit(), (name, value)
            seen += "1+1" in str(value) or "SUM(" in str(value)
    assert len(found) >= 12, found
    assert seen > 5
