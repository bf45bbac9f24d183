"""Who gets in where: every route x method x actor, as a table in `access_matrix.tsv`, every denied cell written.

A cell is the status of the answer to a request without any data: 200 a page, 302 a redirect (of somebody signed out: to
the sign-in page), 400 and 422 a form or body that was read and refused, 401 the API without a sign-in, 403 a role that
may not, 404 what one may not know of, 405 no such method, 409 and 428 a step refused by the rules. Whoever changes a
right changes its line here.

The routes are the same on both databases, so SQLite's run is enough.
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

import pytest
from django.conf import settings
from django.core.cache import cache
from django.db import transaction
from django.test import Client, TestCase

from skillmap.people.models import User
from tests.access_world import ACTORS, AccessWorld, address, routes

TABLE = Path(__file__).with_name("access_matrix.tsv")
METHODS = ("GET", "POST")


def matrix() -> dict[tuple[str, str], tuple[str, ...]]:
    """The table: (route, method) -> a status per actor."""
    with TABLE.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file, delimiter="\t"))
    assert tuple(rows[0][2:]) == ACTORS
    return {(row[0], row[1]): tuple(row[2:]) for row in rows[1:]}


@pytest.mark.early
class AccessMatrix(TestCase):
    """One test per route; each request in a transaction of its own that is undone."""

    world: ClassVar[AccessWorld]
    sessions: ClassVar[dict[str, str]]
    client_of_all: ClassVar[Client]

    @classmethod
    def setUpClass(cls) -> None:
        """The world once, and a session per actor; not as test data, which would be copied for each test."""
        super().setUpClass()
        cls.world = AccessWorld()
        cls.sessions = {name: cls._session(user) for name, user in cls.world.users().items() if user is not None}
        cls.client_of_all = Client(raise_request_exception=False)  # each new one would build the middleware anew

    @staticmethod
    def _session(user: User) -> str:
        client = Client()
        client.force_login(user)
        return client.cookies[settings.SESSION_COOKIE_NAME].value

    def answer(self, actor: str, method: str, url: str) -> str:
        """The status of one request, whose effects are undone."""
        cache.clear()  # the limits on tries are not what is tried here
        client = self.client_of_all
        client.cookies.clear()
        if actor in self.sessions:
            client.cookies[settings.SESSION_COOKIE_NAME] = self.sessions[actor]
        content_type = {"content_type": "application/json"} if url.startswith("/api/") and method != "GET" else {}
        with transaction.atomic():
            response = client.generic(method, url, b"{}" if content_type else b"", **content_type)  # type: ignore[arg-type]
            status = str(response.status_code)
            transaction.set_rollback(True)
        return status

    def line(self, route: str, names: frozenset[str], method: str) -> tuple[str, ...]:
        """The statuses of all actors."""
        url = address(self.world, route, names)
        return tuple(self.answer(actor, method, url) for actor in ACTORS)


def _test(route: str, names: frozenset[str]) -> Callable[[AccessMatrix], None]:
    def test(self: AccessMatrix) -> None:
        table = matrix()
        for method in METHODS:
            assert (route, method) in table, f"{method} {route} is missing in {TABLE.name}"
            expected = dict(zip(ACTORS, table[route, method], strict=True))
            found = dict(zip(ACTORS, self.line(route, names, method), strict=True))
            assert found == expected, f"{method} {route}"

    return test


for _route, _names in routes():
    setattr(AccessMatrix, "test_" + _route.replace(":", "__").replace("-", "_"), _test(_route, _names))


def test_the_table_has_no_route_that_does_not_exist() -> None:
    known = {route for route, _names in routes()}
    assert {route for route, _method in matrix()} == known


def test_no_cell_is_a_fault() -> None:
    assert not [key for key, cells in matrix().items() if any(cell.startswith("5") for cell in cells)]
