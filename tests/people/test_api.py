"""People and organisations over REST: who reads what, narrowed down how, in how many queries."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import pytest
import time_machine
from django.test import Client

from skillmap.people import services, tokens
from skillmap.people.models import Staff, User
from tests.factories.people import BureauGroupFactory, OrganisationFactory, RoleGrantFactory, UserFactory, staff_in_bulk
from tests.people.conftest import World, make_world
from tests.support.ground import on_ground
from tests.support.signing_in import signed_in

pytestmark = pytest.mark.django_db

laid, world = on_ground(make_world)
STAFF, ORGANISATIONS = "/api/v1/staff/", "/api/v1/organisations/"
SECRET = {"user", "user_id", "password", "search_key", "version", "created_at"}


@pytest.fixture(autouse=True)
def _today() -> Any:
    with time_machine.travel(datetime(2026, 4, 10, 3, tzinfo=UTC), tick=False):
        yield


def rows(client: Client, url: str, **headers: str) -> Iterator[dict[str, Any]]:
    """All rows of all pages."""
    following: str | None = url
    while following:
        page = client.get(following, headers=headers).json()
        yield from page["results"]
        following = page["next"]


def bearer(user: User, *scopes: str) -> dict[str, str]:
    """The header of a fresh token."""
    _token, value = tokens.issue(user=user, name="t", scopes=scopes, purpose="system_link", actor=None)
    return {"Authorization": f"Bearer {value}"}


@pytest.fixture
def system(world: World) -> User:
    """The account of another system that holds the secretariat's role."""
    user: User = UserFactory.create(is_service=True)
    RoleGrantFactory.create(user=user)
    return user


def test_nobody_without_an_account(client: Client) -> None:
    for url in (STAFF, ORGANISATIONS):
        answer = client.get(url)
        assert (answer.status_code, answer["WWW-Authenticate"]) == (401, "Bearer")
        assert answer["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_nothing_can_be_written(world: World, method: str) -> None:
    client = signed_in(world.users["secretariat"])
    for url in (STAFF, ORGANISATIONS, f"{STAFF}{world.member.pk}/", f"{ORGANISATIONS}{world.bureau.pk}/"):
        assert getattr(client, method)(url, {}, content_type="application/json").status_code == 405


@pytest.mark.parametrize(
    ("role", "knows_member", "knows_stranger"),
    [
        ("person", False, False),
        ("expert", False, False),
        ("executive", False, False),
        ("coordinator", True, False),
        ("supporter", True, True),
        ("secretariat", True, True),
    ],
)
def test_people_by_role(world: World, role: str, knows_member: bool, knows_stranger: bool) -> None:
    client = signed_in(world.users[role])
    listed = {row["id"] for row in rows(client, STAFF)}
    for staff, known in ((world.member, knows_member), (world.stranger, knows_stranger)):
        assert (staff.pk in listed) is known
        assert client.get(f"{STAFF}{staff.pk}/").status_code == (200 if known else 404)
    assert world.users[role].staff.pk in listed


def test_a_token_reaches_its_scopes_and_its_accounts_people_only(world: World, system: User) -> None:
    client = Client()
    people, reference = bearer(system, "people:read"), bearer(system, "reference:read")
    assert client.get(STAFF, headers=people).status_code == 200
    assert client.get(ORGANISATIONS, headers=people).status_code == 403
    assert client.get(STAFF, headers=reference).status_code == 403
    assert client.get(f"{STAFF}{world.member.pk}/", headers=reference).status_code == 403
    assert client.get(ORGANISATIONS, headers=reference).status_code == 200
    weak = bearer(UserFactory.create(is_service=True), "people:read")
    assert list(rows(client, STAFF, **weak)) == []
    assert client.get(f"{STAFF}{world.member.pk}/", headers=weak).status_code == 404


@pytest.mark.parametrize("value", ["", "dsm_wrong", "x" * 200, "dsm_" + "あ" * 10])
def test_a_wrong_token_is_401(world: World, value: str) -> None:
    answer = Client().get(STAFF, headers={"Authorization": f"Bearer {value}".encode().decode("latin-1")})
    assert answer.status_code == 401


def test_tokens_end(world: World, system: User) -> None:
    client, headers = Client(), bearer(system, "people:read")
    assert client.get(STAFF, headers=headers).status_code == 200
    with time_machine.travel(datetime(2027, 4, 11, tzinfo=UTC)):
        assert client.get(STAFF, headers=headers).status_code == 401
    services.account_close(user_id=system.pk, actor=world.users["secretariat"])
    assert client.get(STAFF, headers=headers).status_code == 401


def test_a_persons_row(world: World) -> None:
    client = signed_in(world.users["secretariat"])
    answer = client.get(f"{STAFF}{world.member.pk}/")
    assert answer["ETag"] == f'"{Staff.objects.get(pk=world.member.pk).version}"'
    row = answer.json()
    assert row == next(found for found in rows(client, STAFF) if found["id"] == world.member.pk)
    assert not SECRET & set(row)
    assert (row["number"], row["name"], row["grade"]) == ("00001111", "所属 職員", 2)
    assert (row["organisation_code"], row["organisation_id"]) == (world.division.code, world.division.pk)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("q=ショゾク", True),
        ("q=べっきょく", False),
        ("organisation={bureau}", True),
        ("organisation={other}", False),
        ("occupation=ict&grade=2", True),
        ("grade=3", False),
        ("designation=dx_ambassador", True),
        ("status=active", True),
        ("status=left", False),
    ],
)
def test_people_are_narrowed_down(world: World, query: str, found: bool) -> None:
    client = signed_in(world.users["secretariat"])
    url = f"{STAFF}?{query.format(bureau=world.bureau.pk, other=world.other.pk)}"
    assert (world.member.pk in {row["id"] for row in rows(client, url)}) is found


@pytest.mark.parametrize("query", ["grade=x", "status=?", "organisation=1.5", "organisation=-1", "cursor=x", "grade=٣"])
def test_what_cannot_be_understood_is_400_or_404(world: World, query: str) -> None:
    answer = signed_in(world.users["secretariat"]).get(f"{STAFF}?{query}")
    assert answer.status_code in {400, 404}
    assert answer["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("order", ["grade", "-grade", "name"])
def test_nobody_chooses_the_order(world: World, order: str) -> None:
    client = signed_in(world.users["secretariat"])
    listed = [row["id"] for row in rows(client, f"{STAFF}?ordering={order}")]
    assert listed == sorted(listed)


def test_pages_end_at_a_hundred(world: World) -> None:
    staff_in_bulk(120, [world.bureau])
    client = signed_in(world.users["secretariat"])
    assert len(client.get(f"{STAFF}?page_size=5000").json()["results"]) == 100
    assert len({row["id"] for row in rows(client, f"{STAFF}?page_size=7")}) == Staff.objects.count()


def test_the_tree_as_it_was(world: World) -> None:
    actor = world.users["secretariat"]
    for kind, plan in (
        ("rename", {"organisation": world.other.pk, "name": "臨海局", "name_en": "", "short_name": ""}),
        ("move", {"organisation": world.division.pk, "parent": world.other.pk}),
    ):
        change = services.change_plan(kind=kind, effective_on=date(2026, 4, 1), plan=plan, actor=actor)
        services.change_apply(change_id=change.pk, actor=actor)
    client = signed_in(world.users["person"])
    now = {row["id"]: row for row in rows(client, ORGANISATIONS)}
    then = {row["id"]: row for row in rows(client, f"{ORGANISATIONS}?on=2026-03-31")}
    assert (now[world.other.pk]["name"], then[world.other.pk]["name"]) == ("臨海局", "港湾局")
    assert now[world.division.pk]["parent_code"] == world.other.code
    assert then[world.division.pk]["parent_code"] == world.bureau.code
    assert now[world.division.pk]["since"] == "2026-04-01"
    below_now = {row["id"] for row in rows(client, f"{ORGANISATIONS}?under={world.bureau.pk}")}
    below_then = {row["id"] for row in rows(client, f"{ORGANISATIONS}?under={world.bureau.pk}&on=2026-03-31")}
    assert (below_now, below_then) == ({world.bureau.pk}, {world.bureau.pk, world.division.pk})
    assert client.get(f"{ORGANISATIONS}{world.other.pk}/?on=2026-03-31").json()["name"] == "港湾局"
    assert client.get(f"{ORGANISATIONS}{world.other.pk}/?on=1999-01-01").status_code == 404


@pytest.mark.parametrize(
    ("query", "codes"),
    [
        ("kind=division", {"division"}),
        ("code={bureau}", {"bureau"}),
        ("bureau_group=none", set()),
        ("under={bureau}", {"bureau", "division"}),
    ],
)
def test_organisations_are_narrowed_down(world: World, query: str, codes: set[str]) -> None:
    known = {"bureau": world.bureau, "division": world.division}
    given = world.bureau.pk if query.startswith("under") else world.bureau.code
    url = f"{ORGANISATIONS}?{query.format(bureau=given)}"
    found = {row["id"] for row in rows(signed_in(world.users["person"]), url)}
    assert found == {known[code].pk for code in codes}


@pytest.mark.parametrize("query", ["on=yesterday", "on=2026-02-30", "under=x", "under=99999999999", "kind=?"])
def test_strange_days_and_units_are_400(world: World, query: str) -> None:
    assert signed_in(world.users["person"]).get(f"{ORGANISATIONS}?{query}").status_code == 400


@pytest.mark.parametrize("pk", ["0", "x", "9" * 30, "1.0"])
def test_an_id_that_no_row_has_is_404(world: World, pk: str) -> None:
    client = signed_in(world.users["secretariat"])
    assert client.get(f"{STAFF}{pk}/").status_code == 404
    assert client.get(f"{ORGANISATIONS}{pk}/").status_code == 404


def test_the_queries_do_not_grow(world: World, system: User, django_assert_max_num_queries: Any) -> None:
    headers, client = bearer(system, "people:read", "reference:read"), Client()
    urls = (f"{STAFF}?page_size=100", f"{ORGANISATIONS}?page_size=100", f"{STAFF}{world.member.pk}/")
    counts: list[list[int]] = []
    for prefix in ("8", "9"):
        counts.append([])
        for url in urls:
            client.get(url, headers=headers)
            with django_assert_max_num_queries(5) as few:
                assert client.get(url, headers=headers).status_code == 200
            counts[-1].append(len(few))
        staff_in_bulk(1000, [world.bureau], prefix=prefix)
        for _number in range(60):
            OrganisationFactory.create(parent=world.bureau)
    assert counts[0] == counts[1]


def test_a_bureau_group_of_a_past_day_is_that_of_the_day(world: World) -> None:
    old, new = BureauGroupFactory.create(code="old"), BureauGroupFactory.create(code="new")
    unit = OrganisationFactory.create(bureau_group=old)
    office = world.users["secretariat"]
    services.organisation_update(organisation_id=unit.pk, version=unit.version, bureau_group_id=new.pk, actor=office)
    client = signed_in(office)

    def found(query: str) -> list[int]:
        return [row["id"] for row in rows(client, f"{ORGANISATIONS}?{query}")]

    assert (found("on=2026-03-31&bureau_group=old"), found("on=2026-03-31&bureau_group=new")) == ([unit.pk], [])
    assert (found("bureau_group=old"), found("bureau_group=new")) == ([], [unit.pk])
