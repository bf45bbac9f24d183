"""Which role reaches which page of people, by which method; and that nobody reaches another one's rows."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.urls import reverse

from skillmap.people.models import Staff
from skillmap.people.urls import urlpatterns
from tests.people.conftest import World, make_world
from tests.support.ground import on_ground
from tests.support.signing_in import english, signed_in

# As in the access matrix, the routes are the same on both databases: SQLite's run is enough.
pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]

laid, world = on_ground(make_world)
ROLES = ("anonymous", "person", "expert", "executive", "coordinator", "supporter", "secretariat")
NOBODY_ELSE = (302, 403, 403, 403, 403, 403)
# route: its arguments (keys of World.ids), GET and POST for each of ROLES; None: not a method of this route.
EVERYONE = (302, 200, 200, 200, 200, 200, 200)
READ_TREE = (302, 403, 403, 200, 200, 200, 200)
OFFICE_ONLY = (*NOBODY_ELSE, 200)
POSTED = (*NOBODY_ELSE, 302)
INVALID = (*NOBODY_ELSE, 422)
MATRIX: dict[str, tuple[dict[str, str], tuple[int, ...] | None, tuple[int, ...] | None]] = {
    "staff_list": ({}, (302, 403, 403, 403, 200, 200, 200), None),
    "staff_export": ({}, (302, 403, 403, 403, 200, 403, 200), None),
    "staff": ({"pk": "staff"}, (302, 404, 404, 404, 200, 200, 200), None),
    "staff_new": ({}, OFFICE_ONLY, INVALID),
    "staff_edit": ({"pk": "staff"}, OFFICE_ONLY, INVALID),
    "staff_move": ({"pk": "staff"}, OFFICE_ONLY, INVALID),
    "move_cancel": ({"pk": "staff", "membership": "membership"}, None, POSTED),
    "leave_begin": ({"pk": "staff"}, OFFICE_ONLY, INVALID),
    "leave_end": ({"pk": "staff"}, OFFICE_ONLY, INVALID),
    "staff_leave": ({"pk": "staff"}, OFFICE_ONLY, INVALID),
    "leave_cancel": ({"pk": "staff"}, None, POSTED),
    "staff_rejoin": ({"pk": "staff"}, OFFICE_ONLY, INVALID),
    "designation_new": ({"pk": "staff"}, OFFICE_ONLY, INVALID),
    "designation_end": ({"pk": "designation"}, OFFICE_ONLY, INVALID),
    "staff_account_new": ({"pk": "staff"}, OFFICE_ONLY, INVALID),
    "account": ({}, EVERYONE, None),
    "accounts": ({}, OFFICE_ONLY, None),
    "account_new": ({}, OFFICE_ONLY, INVALID),
    "service_new": ({}, OFFICE_ONLY, INVALID),
    "account_detail": ({"pk": "account"}, OFFICE_ONLY, None),
    "account_email": ({"pk": "account"}, OFFICE_ONLY, INVALID),
    "account_link": ({"pk": "account"}, OFFICE_ONLY, INVALID),
    "account_unlink": ({"pk": "account", "link": "link"}, None, POSTED),
    "role_new": ({"pk": "account"}, OFFICE_ONLY, INVALID),
    "account_invite": ({"pk": "account"}, None, POSTED),
    "account_sign_out": ({"pk": "account"}, None, POSTED),
    "account_close": ({"pk": "account"}, None, POSTED),
    "account_open": ({"pk": "account"}, None, POSTED),
    "roles": ({}, OFFICE_ONLY, None),
    "role_revoke": ({"pk": "grant"}, OFFICE_ONLY, POSTED),
    "tokens": ({}, OFFICE_ONLY, None),
    "token_new": ({}, OFFICE_ONLY, INVALID),
    "token_revoke": ({"pk": "token"}, None, POSTED),
    "organisations": ({}, READ_TREE, None),
    "organisation": ({"pk": "organisation"}, READ_TREE, None),
    "organisation_edit": ({"pk": "organisation"}, OFFICE_ONLY, INVALID),
    "groups": ({}, (302, 403, 403, 403, 403, 200, 200), None),
    "group_new": ({}, OFFICE_ONLY, INVALID),
    "group_edit": ({"pk": "group"}, OFFICE_ONLY, INVALID),
    "changes": ({}, OFFICE_ONLY, None),
    "mapping": ({}, OFFICE_ONLY, None),
    "change_new": ({"kind": "=merge"}, OFFICE_ONLY, INVALID),
    "change": ({"pk": "change"}, OFFICE_ONLY, None),
    "change_apply": ({"pk": "change"}, None, POSTED),
    "change_cancel": ({"pk": "change"}, None, POSTED),
    "import": ({}, OFFICE_ONLY, INVALID),
    "import_template": ({}, OFFICE_ONLY, None),
    "import_batch": ({"public_id": "batch"}, OFFICE_ONLY, None),
    "import_apply": ({"public_id": "batch"}, None, POSTED),
    "import_check": ({"public_id": "batch"}, None, POSTED),
    "import_discard": ({"public_id": "batch"}, None, POSTED),
    "import_report": ({"public_id": "batch"}, OFFICE_ONLY, None),
}


def _without_tokens(page: bytes) -> bytes:
    """A page without what differs each time: the tokens against forged requests, its own address."""
    return re.sub(rb"[0-9A-Za-z]{64}|/people/\d+/", b"", page)


def _url(world: World, route: str) -> str:
    wanted = MATRIX[route][0]
    kwargs = {name: key[1:] if key.startswith("=") else world.ids[key] for name, key in wanted.items()}
    return reverse(f"people:{route}", kwargs=kwargs)


@pytest.mark.parametrize("role", ROLES)
def test_each_role_gets_what_the_matrix_says(world: World, role: str) -> None:
    client = signed_in(world.users.get(role))
    wrong = {}
    for route, (_, get, post) in MATRIX.items():
        if role == "secretariat" and post is not None:
            continue  # its writes are tried one by one below: some would end what others need
        for method, expected in (("get", get), ("post", post)):
            answer = getattr(client, method)(_url(world, route)).status_code
            wanted = expected[ROLES.index(role)] if expected is not None else (302 if role == "anonymous" else 405)
            if answer not in {wanted, 405 if expected is None else wanted}:
                wrong[route, method] = (answer, wanted)
    assert wrong == {}


@pytest.mark.parametrize("route", [route for route, (_, _, post) in MATRIX.items() if post is not None])
def test_the_secretariat_writes(world: World, route: str) -> None:
    client = signed_in(world.users["secretariat"])
    _, get, post = MATRIX[route]
    if get is not None:
        assert client.get(_url(world, route)).status_code == get[-1]
    assert post is not None
    assert client.post(_url(world, route)).status_code == post[-1]


def test_every_route_is_in_the_matrix() -> None:
    assert {pattern.name for pattern in urlpatterns} == set(MATRIX)


@pytest.mark.parametrize("route", [route for route in MATRIX if MATRIX[route][1] is not None])
def test_an_expired_session_never_puts_the_sign_in_page_into_a_part(world: World, route: str) -> None:
    answer = signed_in(None).get(_url(world, route), headers={"HX-Request": "true"})
    assert (answer.status_code, answer.get("HX-Redirect")) == (401, "/accounts/login/")


def test_a_coordinator_knows_the_own_people_alone(world: World) -> None:
    client = signed_in(world.users["coordinator"])
    listed = client.get(reverse("people:staff_list")).content.decode()
    assert world.member.name in listed
    assert world.stranger.name not in listed
    assert client.get(reverse("people:staff", args=[world.member.pk])).status_code == 200
    hidden = client.get(reverse("people:staff", args=[world.stranger.pk]))
    unknown = client.get(reverse("people:staff", args=[10**9]))
    assert (hidden.status_code, unknown.status_code) == (404, 404)
    assert _without_tokens(hidden.content) == _without_tokens(unknown.content)
    csv = client.get(reverse("people:staff_export"), {"format": "csv"}).content.decode("utf-8-sig")
    assert world.member.name in csv
    assert world.stranger.name not in csv
    for query in ({"organisation": world.other.pk}, {"q": "べっきょく"}, {"status": "active"}, {"page": "999"}):
        assert world.stranger.name not in client.get(reverse("people:staff_list"), query).content.decode(), query


def test_a_person_knows_oneself_alone(world: World) -> None:
    user = world.users["person"]
    client = signed_in(user)
    assert client.get(reverse("people:staff", args=[user.staff.pk])).status_code == 200
    for other in Staff.objects.exclude(user=user):
        assert client.get(reverse("people:staff", args=[other.pk])).status_code == 404
    own = client.get(reverse("people:account")).content.decode()
    assert user.email in own
    assert world.member.name not in own


def test_a_supporter_reads_and_writes_nothing(world: World) -> None:
    page = signed_in(world.users["supporter"]).get(reverse("people:staff", args=[world.member.pk])).content.decode()
    assert world.member.name in page
    assert world.member.user is not None
    assert reverse("people:account_detail", args=[world.member.user.pk]) not in page
    assert reverse("people:staff_edit", args=[world.member.pk]) not in page


def test_head_counts_are_for_those_who_may(world: World) -> None:
    url = reverse("people:organisation", args=[world.other.pk])
    words = "People, with those below"
    shown = {role: words in english(signed_in(world.users[role])).get(url).content.decode()
             for role in ("executive", "coordinator", "supporter", "secretariat")}  # fmt: skip
    assert shown == {"executive": False, "coordinator": False, "supporter": True, "secretariat": True}


def test_somebody_elses_row_in_the_address_is_nobodys(world: World) -> None:
    """The second number of an address belongs to the first."""
    client = signed_in(world.users["secretariat"])
    mixed: dict[str, Any] = {
        "move_cancel": {"pk": world.stranger.pk, "membership": world.ids["membership"]},
        "account_unlink": {"pk": world.users["person"].pk, "link": world.ids["link"]},
    }
    for route, kwargs in mixed.items():
        assert client.post(reverse(f"people:{route}", kwargs=kwargs)).status_code == 404, route
