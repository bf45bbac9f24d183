"""Commands: the organisations of the fixtures, the first account, a token."""

from __future__ import annotations

import io
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.test import Client

from skillmap.core import clock
from skillmap.people import selectors, services, tokens
from skillmap.people.models import ApiToken, BureauGroup, Organisation, RoleGrant, User
from tests.factories.people import OrganisationFactory, UserFactory

pytestmark = pytest.mark.django_db


def run(command: str, /, **options: Any) -> str:
    """What a command prints."""
    out = io.StringIO()
    call_command(command, stdout=out, **options)
    return out.getvalue()


def test_the_organisations_are_loaded_once() -> None:
    assert run("load_organisations").startswith("Organisations and bureau groups: 39 new")
    before = list(Organisation.objects.order_by("pk").values())
    assert run("load_organisations").startswith("Organisations and bureau groups: 0 new, 0 brought up to date")
    assert list(Organisation.objects.order_by("pk").values()) == before
    assert Organisation.objects.count() == 33
    bods = Organisation.objects.get(code="bods")
    division = Organisation.objects.get(code="bods_platform")
    assert division.path == f"{bods.path}{division.pk}/"
    assert (bods.provenance, bods.source) == ("seen", "東京都デジタル人材確保・育成基本方針 ver.2.0")
    assert Organisation.objects.get(code="municipalities").kind == "group"


def test_what_ended_is_closed_and_groups_are_marked_as_defaults() -> None:
    run("load_organisations")
    old = Organisation.objects.get(code="bods_strategy_fy2021")
    assert old.valid_to == date(2022, 4, 1)
    assert old.pk not in {node.pk for node in selectors.tree_on(date(2026, 4, 1))}
    assert old.pk in {node.pk for node in selectors.tree_on(date(2021, 6, 1))}
    assert set(BureauGroup.objects.values_list("provenance", flat=True)) == {"inferred"}
    assert not Organisation.objects.current().filter(kind="bureau", bureau_group=None).exists()


def test_loading_again_keeps_what_the_secretariat_changed() -> None:
    run("load_organisations")
    row = Organisation.objects.get(code="fukushi")
    services.organisation_update(
        organisation_id=row.pk,
        version=row.version,
        actor=None,
        bureau_group_id=BureauGroup.objects.get(code="digital").pk,
        role_text="直したもの",
        provenance="confirmed",
    )
    change = services.change_plan(
        kind="rename",
        effective_on=clock.today(),
        plan={"organisation": row.pk, "name": "福祉保健局", "name_en": "", "short_name": ""},
        actor=None,
    )
    services.change_apply(change_id=change.pk, actor=None)
    run("load_organisations")
    row.refresh_from_db()
    assert (row.name, row.role_text) == ("福祉保健局", "直したもの")
    assert row.bureau_group is not None
    assert row.bureau_group.code == "digital"


def test_a_city_loads_its_own_organisations(tmp_path: Path) -> None:
    (tmp_path / "organisations.csv").write_text(
        "sort_order,code,name,kind,parent_code\n1,ward_it,情報課,section,ward\n2,ward,X区,municipality,\n"
    )
    assert run("load_organisations", folder=tmp_path).startswith("Organisations and bureau groups: 2 new")
    assert run("load_organisations", folder=tmp_path).startswith("Organisations and bureau groups: 0 new, 0 brought")
    assert Organisation.objects.get(code="ward_it").parent == Organisation.objects.get(code="ward")


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({}, "has no organisations.csv"),
        ({"organisations.csv": "code,name\nx,y\n"}, "lacks columns: kind, parent_code, sort_order"),
        ({"organisations.csv": "sort_order,code,name,kind,parent_code\n1,x,y,castle,\n"}, "x: the kind must be one of"),
        (
            {"organisations.csv": "sort_order,code,name,kind,parent_code\n1,x,y,bureau,z\n"},
            "a parent that is not in it",
        ),
        (
            {
                "organisations.csv": "sort_order,code,name,kind,parent_code\n1,x,y,bureau,\n",
                "bureau_groups.csv": "sort_order,code,name,name_en,organisations\n1,g,G,G,x z\n",
            },
            "an organisation that is not there: z",
        ),
    ],
)
def test_organisations_that_cannot_be_used_leave_nothing(files: dict[str, str], words: str, tmp_path: Path) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    with pytest.raises(CommandError, match=words):
        run("load_organisations", folder=tmp_path)
    assert not Organisation.objects.exists()


def test_the_first_account_sets_its_own_password() -> None:
    printed = run("create_account", email="First@Tokyo.example", name="事務 局", role=["secretariat"]).splitlines()
    user = User.objects.get(email="first@tokyo.example")
    assert not user.has_usable_password()
    assert RoleGrant.objects.in_force().get(user=user).role == "secretariat"
    assert printed[1].startswith(f"{settings.SITE_URL}/accounts/")
    browser = Client()
    form = browser.get(printed[1].removeprefix(settings.SITE_URL), follow=True)
    path = form.request["PATH_INFO"]
    browser.post(path, {"password1": "a long new passphrase", "password2": "a long new passphrase"})
    user.refresh_from_db()
    assert user.check_password("a long new passphrase")
    again = Client().get(printed[1].removeprefix(settings.SITE_URL), follow=True)
    assert b"password1" not in again.content  # the link works once


def test_an_account_that_cannot_be_made_leaves_nothing() -> None:
    with pytest.raises(CommandError):
        run("create_account", email="x@tokyo.example", name="x", role=["coordinator"])
    with pytest.raises(CommandError):
        run("create_account", email="x@tokyo.example", name="x", role=["coordinator"], organisation="nowhere")
    assert not User.objects.exists()
    place = OrganisationFactory.create(code="here")
    run("create_account", email="x@tokyo.example", name="x", role=["coordinator"], organisation="here")
    assert RoleGrant.objects.get().organisation == place
    with pytest.raises(CommandError):
        run("create_account", email="X@tokyo.example", name="x")


def test_the_account_of_a_system_takes_a_token_and_no_password() -> None:
    printed = run("create_account", email="system@tokyo.example", name="研修管理", role=["executive"], system=True)
    assert printed.splitlines() == ["system@tokyo.example: executive"]  # no link
    user = User.objects.get(email="system@tokyo.example")
    assert user.is_service
    assert not user.has_usable_password()
    value = run("api_token", user="system@tokyo.example", scopes="reports:read").strip()
    answer = Client().get("/api/v1/priority-areas/", headers={"authorization": f"Bearer {value}"})
    assert answer.status_code == 200


def test_a_token_is_printed_once() -> None:
    user = UserFactory.create(email="system@tokyo.example", is_service=True)
    value = run("api_token", user="System@tokyo.example", scopes="reference:read, people:read", days=10).strip()
    token = ApiToken.objects.get(user=user)
    assert tokens.find(value, at=clock.now()) == token
    assert token.scopes == ["people:read", "reference:read"]
    assert (token.expires_at - clock.now()).days in {9, 10}


@pytest.mark.parametrize(
    "options",
    [
        {"user": "nobody@tokyo.example", "scopes": "people:read"},
        {"user": "system@tokyo.example", "scopes": "everything"},
        {"user": "system@tokyo.example", "scopes": ""},
        {"user": "system@tokyo.example", "scopes": "people:read", "days": 400},
        {"user": "closed@tokyo.example", "scopes": "people:read"},
        {"user": "person@tokyo.example", "scopes": "people:read"},
    ],
)
def test_a_token_that_cannot_be_made(options: dict[str, Any]) -> None:
    UserFactory.create(email="system@tokyo.example", is_service=True)
    UserFactory.create(email="closed@tokyo.example", is_service=True, is_active=False)
    UserFactory.create(email="person@tokyo.example")
    with pytest.raises(CommandError):
        run("api_token", **options)
    assert not ApiToken.objects.exists()


@pytest.mark.parametrize(
    ("email", "name"),
    [
        ("not an address", "x"),
        ("a@b.example\nBcc: x@y.example", "x"),
        ("", "x"),
        (f"{'a' * 60}@{'.'.join(['b' * 50] * 4)}.example", "x"),
        ("a@b.example", "x" * 101),
        ("a@b.example", "x\x07"),
    ],
)
def test_an_account_is_made_of_what_the_form_would_take(email: str, name: str) -> None:
    with pytest.raises(CommandError, match=r"--(email|name): "):
        run("create_account", email=email, name=name)
    assert not User.objects.exists()


def test_a_tokens_long_name_is_refused_in_words() -> None:
    system = UserFactory.create(is_service=True)
    with pytest.raises(CommandError, match="--name"):
        run("api_token", user=system.email, scopes="people:read", name="x" * 200)
    assert not ApiToken.objects.exists()
