"""Whose it is not learns nothing from an id: what exists and what does not answer alike, on every route with one.

Two foreign people ask: staff outside the cycle and the coordinator of another bureau; in the long form a foreign mentor
too. Routes come from the URL resolver; what is open to everyone signed in stands in `OPEN`, and nothing else is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any
from uuid import UUID

import pytest
from django.urls import reverse

from tests.access_world import ACTORS, AccessWorld, routes
from tests.hostile.asking import Asker, session_of
from tests.support.ground import on_ground
from tests.test_access_matrix import matrix

pytestmark = pytest.mark.sqlite

laid, world = on_ground(AccessWorld)
TOKEN = re.compile(r"[0-9A-Za-z]{64}")
NOBODYS: dict[type, Any] = {int: 2**31 - 7, UUID: UUID(int=7), str: "nothing-here"}
Methods = Callable[[str, str], Sequence[str]]
METHODS = {"page": ("GET", "POST"), "api": ("GET", "POST", "PATCH", "PUT", "DELETE")}
#: What everyone signed in may read, whoever it belongs to: reference data, figures that are published, help.
OPEN_SPACES = ("framework:", "framework-api:")
OPEN = frozenset(
    {
        "people-api:organisation-detail",
        "people:organisation",
        "assessment-api:cycle-detail",
        "assessment:cycle_detail",
        "gaps-api:gap-run-detail",
        "gaps-api:gap-run-results",
        "gaps-api:priority-area-detail",
        "gaps-api:report",
        "portal:help_topic",
    }
)


@pytest.fixture(scope="module")
def asker(laid: AccessWorld, django_db_blocker: Any) -> Asker:
    with django_db_blocker.unblock():
        found = Asker(laid)
        found.sessions["foreign mentor"] = session_of(laid.base.other_mentor)
    return found


def addresses(world: AccessWorld) -> Iterator[tuple[str, str, list[str]]]:
    """Each route with a parameter: its name, its address, and the same with each parameter in turn naming nothing."""
    for route, names in routes():
        if not names:
            continue
        values = world.values(route, names)
        missing = [reverse(route, kwargs={**values, name: NOBODYS[type(values[name])]}) for name in sorted(names)]
        yield route, reverse(route, kwargs=values), missing


def told(asker: Asker, actor: str, method: str, url: str) -> tuple[int, str, str]:
    """What an answer tells: status, where it leads, its text without tokens and without the address asked for."""
    is_api = url.startswith("/api/")
    kind = "application/json" if is_api else "application/x-www-form-urlencoded"
    answer = asker.ask(actor, method, url, "{}" if is_api and method != "GET" else "", kind)
    text = TOKEN.sub("", answer.content.decode("utf-8", "replace")).replace(url, "")
    return answer.status_code, answer.headers.get("Location", "").replace(url, ""), text


def differences(asker: Asker, world: AccessWorld, actor: str, methods: Methods) -> list[str]:
    """Where a foreign person can tell what is there from what is not."""
    found = []
    for route, url, missing in addresses(world):
        for method in methods(route, url):
            there = told(asker, actor, method, url)
            different = [other for other in missing if told(asker, actor, method, other) != there]
            found += [f"{method} {route}: {there[:2]} but otherwise for {other}" for other in different]
    return found


def is_open(route: str) -> bool:
    """Whether everyone signed in may read it."""
    return route in OPEN or route.startswith(OPEN_SPACES)


def test_what_is_open_to_everyone_is_named_one_by_one() -> None:
    with_id = {route for route, names in routes() if names}
    assert with_id >= OPEN
    assert len([route for route in with_id if not is_open(route)]) > 90


@pytest.mark.parametrize("actor", ["stranger", pytest.param("other_coordinator", marks=pytest.mark.trials)])
def test_where_one_may_not_know_of_it_nothing_is_told(asker: Asker, laid: AccessWorld, db: None, actor: str) -> None:
    column, table = ACTORS.index(actor), matrix()

    def unknown(route: str, url: str) -> list[str]:
        return [] if is_open(route) else [name for name in ("GET", "POST") if table[route, name][column] == "404"]

    found = differences(asker, laid, actor, unknown)
    assert not found, "\n".join(found)


@pytest.mark.trials
@pytest.mark.parametrize("actor", ["stranger", "other_coordinator", "foreign mentor"])
def test_what_is_somebody_elses_answers_as_what_does_not_exist(
    asker: Asker, laid: AccessWorld, db: None, actor: str
) -> None:
    def every(route: str, url: str) -> tuple[str, ...]:
        return () if is_open(route) else METHODS["api" if url.startswith("/api/") else "page"]

    found = differences(asker, laid, actor, every)
    assert not found, "\n".join(found)
