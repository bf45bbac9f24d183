"""One small world for the pages: a bureau with a division, somebody in each role, and an object for each route."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import pytest

from skillmap.core.models import ImportBatch
from skillmap.people import services, tokens
from skillmap.people.choices import Role
from skillmap.people.models import Organisation, SignInSubject, Staff, User
from tests.factories.people import (
    BureauGroupFactory,
    DesignationFactory,
    OrganisationFactory,
    StaffFactory,
    UserFactory,
    user_with,
)


@dataclass
class World:
    """The people of a test, by what they are; `ids` are the objects of the routes."""

    users: dict[str, User]
    bureau: Organisation
    division: Organisation
    other: Organisation
    member: Staff
    stranger: Staff
    ids: dict[str, Any]


def make_world() -> World:
    """Store a World. The member stands in the coordinator's division, the stranger in another bureau."""
    bureau, other = OrganisationFactory.create(name="福祉局"), OrganisationFactory.create(name="港湾局")
    division = OrganisationFactory.create(name="総務部", kind="division", parent=bureau)
    member = StaffFactory.create(organisation=division, name="所属 職員", kana="しょぞく しょくいん", number="00001111")
    stranger = StaffFactory.create(
        organisation=other, name="別局 職員", kana="べっきょく しょくいん", number="00002222"
    )
    users = {
        "person": StaffFactory.create(organisation=other).user,
        "coordinator": user_with(Role.COORDINATOR, organisation=bureau),
        "expert": user_with(Role.EXPERT),
        "executive": user_with(Role.EXECUTIVE),
        "supporter": user_with(Role.SUPPORTER),
        "secretariat": user_with(Role.SECRETARIAT),
    }
    secretariat = users["secretariat"]
    assert secretariat is not None
    move = services.staff_move(staff_id=member.pk, on=date(2099, 4, 1), organisation_id=other.pk, actor=secretariat)
    change = services.change_plan(
        kind="rename",
        effective_on=date(2099, 4, 1),
        plan={"organisation": bureau.pk, "name": "新福祉局", "name_en": "", "short_name": ""},
        actor=secretariat,
    )
    system = UserFactory.create(is_service=True)
    token, _value = tokens.issue(
        user=system, name="連携", scopes=["people:read"], purpose="system_link", actor=secretariat
    )
    batch = ImportBatch.objects.create(
        kind="people.staff",
        state="checked",
        file_name="people.csv",
        sha256="x",
        fingerprint="x",
        created_by=secretariat,
    )
    assert member.user is not None
    assert users["coordinator"] is not None
    ids = {
        "staff": member.pk,
        "membership": move.pk,
        "designation": DesignationFactory.create(staff=member).pk,
        "account": member.user.pk,
        "link": SignInSubject.objects.create(
            user=member.user, provider_id="sso", issuer="https://idp.example", subject="abc"
        ).pk,
        "grant": users["coordinator"].role_grants.get().pk,
        "token": token.pk,
        "organisation": bureau.pk,
        "group": BureauGroupFactory.create().pk,
        "change": change.pk,
        "batch": batch.public_id,
    }
    found = {name: user for name, user in users.items() if user is not None}
    return World(found, bureau, division, other, member, stranger, ids)


@pytest.fixture
def world(db: None) -> World:
    """A World of this test alone."""
    return make_world()
