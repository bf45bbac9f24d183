"""Every file that leaves the product, and every answer of its API."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from openpyxl import load_workbook

from tests.access_world import ACTORS, AccessWorld, address, routes
from tests.hostile.asking import Asker
from tests.hostile.forms import FORM
from tests.test_access_matrix import matrix

KINDS = {
    "text/csv": "csv",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
    "text/calendar": "ics",
    "application/json": "json",
}
#: What has a purpose to be named, and is asked for by a form.
LEVELS = "/cycles/levels/export/", "purpose=cycle_operation&form={}"


@dataclass(frozen=True)
class Export:
    """One answer that is no page: by which route, of which kind, and the answer itself."""

    name: str
    kind: str
    answer: Any

    def values(self) -> Iterator[tuple[str, Any]]:
        """Each cell or value: what it is (`f` for a formula of a workbook) and what stands there."""
        data: bytes = self.answer.content
        if self.kind == "json":
            yield from (("json", value) for value in _leaves(json.loads(data)))
        elif self.kind == "csv":
            for row in csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")):
                yield from (("csv", value) for value in row)
        elif self.kind == "xlsx":
            for sheet in load_workbook(io.BytesIO(data)).worksheets:
                for cells in sheet.iter_rows():
                    yield from ((cell.data_type, cell.value) for cell in cells if cell.value is not None)


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _leaves(part)
    else:
        yield value


def exports(asker: Asker, world: AccessWorld, *kinds: str) -> Iterator[Export]:
    """Every answer of these kinds that the secretariat, a coordinator or the person gets."""
    table = matrix()
    for route, names in routes():
        url = address(world, route, names)
        for actor in ("secretariat", "coordinator", "person"):
            queries = ["", "?format=csv", "?format=xlsx"] if route == "gaps-api:report" else [""]
            if route == "gaps:dashboard_export":
                queries = [f"?run={world.run.pk}&fy={world.run.fiscal_year}"]
            elif table[route, "GET"][ACTORS.index(actor)] != "200":
                continue
            for query in queries:
                answer = asker.ask(actor, "GET", url + query)
                kind = KINDS.get(answer.headers.get("Content-Type", "").partition(";")[0], "")
                if kind in kinds and answer.status_code == 200:
                    yield Export(f"{route}{query}", kind, answer)
    for form in {"csv", "xlsx"} & set(kinds):
        url, body = LEVELS
        answer = asker.ask("secretariat", "POST", url, body.format(form), FORM)
        assert answer.status_code == 200
        yield Export(f"levels {form}", form, answer)
