"""What nobody offered to filter or to sort by has no effect: no list tells of a field that its reader does not get.

Each page and list is asked once plainly and once with every field of every model as a filter, a bound, an order and a
search; the two answers hold the same.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.access_world import ACTORS, AccessWorld, address, routes
from tests.hostile.asking import Asker
from tests.hostile.fire import printed
from tests.hostile.test_fields_of_others import FIELDS
from tests.support.ground import on_ground
from tests.test_access_matrix import matrix

pytestmark = pytest.mark.sqlite

laid, world = on_ground(AccessWorld)
LOOKUPS = ("", "__gte", "__lte", "__in", "__startswith", "__isnull")
#: Parameters that pages read; those of the API stand in its document.
PAGES_READ = frozenset(
    {"q", "organisation", "occupation", "grade", "status", "designation", "employer", "state", "group", "kind", "level",
     "skill", "run", "fy", "place", "show", "by", "page", "purpose", "next", "cycle", "mentor", "step", "sort", "on",
     "with", "job_type", "fiscal_year", "who", "late", "framework", "category", "code", "basis", "day", "what"}
)  # fmt: skip
CHANGING = re.compile(r'[0-9A-Za-z]{64}|(?:href|action|value|hx-[a-z]+|src)="[^"]*"|[\w-]{100,}')


@pytest.fixture(scope="module")
def asker(laid: AccessWorld, django_db_blocker: Any) -> Asker:
    with django_db_blocker.unblock():
        return Asker(laid)


def unoffered(known: frozenset[str]) -> str:
    """A query with every field of every model in every way, but what is offered."""
    fields = [name for name in FIELDS if name not in known]
    pairs = [(f"{name}{lookup}", "1") for name in fields for lookup in LOOKUPS]
    for word in ("ordering", "order", "order_by", "search", "fields", "include", "expand"):
        pairs += [(word, name) for name in ("-career_wish", "level", "mentor_level", "password", "-private_memo__text")]
    return urlencode(pairs[:1900])  # more are refused altogether


def lists() -> Iterator[tuple[str, frozenset[str]]]:
    """The addresses of the API without an id, with the parameters that each offers."""
    for path, operations in json.loads(printed())["paths"].items():
        if "get" in operations and "{" not in path:
            offered = operations["get"].get("parameters", ())
            yield path, frozenset(parameter["name"] for parameter in offered)


@pytest.mark.parametrize("actor", ["person", "coordinator", "secretariat"])
def test_no_list_of_the_api_answers_what_it_does_not_offer(
    asker: Asker, laid: AccessWorld, db: None, actor: str
) -> None:
    seen = 0
    for path, offered in lists():
        plain = asker.ask(actor, "GET", path)
        asked = asker.ask(actor, "GET", f"{path}?{unoffered(offered)}")
        assert plain.status_code == asked.status_code, path
        if plain.status_code == 200:
            assert plain.json()["results"] == asked.json()["results"], path
            seen += len(plain.json()["results"])
    assert seen > 5


@pytest.mark.parametrize(
    "actor", [pytest.param(name, marks=pytest.mark.trials) for name in ("coordinator", "secretariat")]
)
def test_no_page_answers_what_it_does_not_offer(asker: Asker, laid: AccessWorld, db: None, actor: str) -> None:
    table, column, query = matrix(), ACTORS.index(actor), unoffered(PAGES_READ)
    different = []
    for route, names in routes():
        if table[route, "GET"][column] != "200" or "api" in route or ":" not in route:
            continue
        url = address(laid, route, names)
        plain, asked = asker.ask(actor, "GET", f"{url}?nothing=1"), asker.ask(actor, "GET", f"{url}?{query}")
        if plain.headers.get("Content-Type", "").startswith("text/html"):
            before, after = (CHANGING.sub("", answer.content.decode()).splitlines() for answer in (plain, asked))
            found = [line.strip() for line in difflib.unified_diff(before, after, n=0, lineterm="")][3:9]
            different += [f"{route}: {found}"] if before != after else []
    assert not different, "\n".join(different)
