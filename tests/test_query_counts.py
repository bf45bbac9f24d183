"""How many queries a page or a save takes, signed in and with rights checked: few, and the same for many people.

Transaction statements and savepoints are not counted.
"""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from skillmap.assessment.models import PurposeAcknowledgement
from skillmap.people.models import User
from tests.factories.assessment import World, make_cycle

pytestmark = pytest.mark.django_db
NOT_COUNTED = ("SAVEPOINT", "RELEASE", "ROLLBACK", "BEGIN", "COMMIT")
SMALL, LARGE = 20, 2000

# page or save -> (who, address, most queries)
PAGES: dict[str, tuple[str, Callable[[World], str], int]] = {
    "home": ("person", lambda _w: "/", 15),
    "home of a mentor": ("mentor", lambda _w: "/", 15),
    "home of the secretariat": ("secretariat", lambda _w: "/", 15),
    "self-check": ("person", lambda w: reverse("assessment:check", args=[w.check("started").pk]), 10),
    "submit": ("person", lambda w: reverse("assessment:check_submit", args=[w.check("started").pk]), 10),
    "my map": ("person", lambda _w: "/map/", 15),
    "mentees": ("mentor", lambda _w: reverse("assessment:mentees"), 10),
    "1on1": ("mentor", lambda w: reverse("assessment:one_on_one", args=[w.check("submitted").pk]), 10),
    "board": ("secretariat", lambda w: reverse("assessment:board", args=[w.cycle.pk]), 10),
    "confirmation": ("secretariat", lambda w: reverse("assessment:board_confirm", args=[w.cycle.pk]), 10),
    "progress": ("coordinator", lambda _w: reverse("assessment:progress"), 10),
    "people": ("secretariat", lambda _w: reverse("people:staff_list"), 10),
    "search": ("secretariat", lambda _w: "/search/?q=a", 10),
    "looks": ("person", lambda _w: "/looks/", 10),
    "notices": ("person", lambda _w: "/notices/", 10),
    "api: cycles": ("secretariat", lambda _w: reverse("assessment-api:cycle-list"), 10),
    "api: checks": ("secretariat", lambda _w: reverse("assessment-api:assessment-list"), 10),
    "api: check": ("person", lambda w: reverse("assessment-api:assessment-detail", args=[w.check("started").pk]), 10),
    "api: profiles": ("mentor", lambda _w: reverse("assessment-api:profiles"), 10),
    "api: profile": ("person", lambda w: reverse("assessment-api:profile", args=[w.staff("started").pk]), 10),
}


def counted(captured: CaptureQueriesContext) -> list[str]:
    """The statements that count."""
    return [query["sql"] for query in captured.captured_queries if not query["sql"].startswith(NOT_COUNTED)]


def client_of(world: World, who: str) -> Client:
    user: User = world.user("started") if who == "person" else getattr(world, who)
    client = Client()
    client.force_login(user)
    return client


def acknowledge(world: World) -> None:
    check = world.check("started")
    PurposeAcknowledgement.objects.get_or_create(
        staff_id=check.staff_id, cycle=world.cycle, purpose_text=world.cycle.purpose_text
    )


def measure(world: World) -> dict[str, int]:
    """Queries per page, after a first call that fills this process's memory of the published framework."""
    acknowledge(world)
    found = {}
    for name, (who, address, _most) in PAGES.items():
        client = client_of(world, who)
        client.get(address(world))
        with CaptureQueriesContext(
            connection,
        ) as captured:
            answer = client.get(address(world))
        assert answer.status_code == 200, name
        found[name] = len(counted(captured))
    return found


def test_pages_take_few_queries_and_the_same_for_many_people() -> None:
    small = measure(make_cycle(people=SMALL, items=4))
    large = make_cycle(people=LARGE, items=4)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")  # as databases do by themselves after a while: without it they plan for few rows
    many = measure(large)
    assert {name: n for name, n in small.items() if n > PAGES[name][2]} == {}
    assert {name: (small[name], n) for name, n in many.items() if n > small[name]} == {}


def test_a_save_takes_at_most_eight() -> None:
    world = make_cycle(items=4)
    check = world.check("started")
    rating = check.ratings.select_related("skill").order_by("skill__number")[3]
    client = client_of(world, "person")
    client.get("/help/")
    url = reverse("assessment:check_item", args=[check.pk, rating.skill.code])
    with CaptureQueriesContext(connection) as captured:
        answer = client.post(url, json.dumps({"version": rating.version, "level": 2}), content_type="application/json")
    assert answer.status_code == 200
    assert len(counted(captured)) <= 8, "\n".join(counted(captured))
