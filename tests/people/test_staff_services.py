"""Joiners, moves, leave, leavers, designations: what is written, what is refused, what the next day brings."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
import time_machine
from allauth.usersessions.models import UserSession
from django.contrib.sessions.backends.db import SessionStore
from django.test import Client

from skillmap.core.errors import Conflict, NotAllowed, RuleViolation
from skillmap.core.models import AuditEvent
from skillmap.people import services, signals, tokens
from skillmap.people.choices import DesignationKind, Grade, Occupation, OrganisationKind, Role, StaffStatus
from skillmap.people.models import ApiToken, Leave, Membership, RoleGrant, Staff, User
from skillmap.people.selectors import ambassadors_beside
from skillmap.people.services import leaving
from tests.factories.people import (
    LONG_AGO,
    DesignationFactory,
    OrganisationFactory,
    RoleGrantFactory,
    StaffFactory,
    UserFactory,
    user_with,
)

pytestmark = pytest.mark.django_db
TODAY = date(2026, 4, 10)


@pytest.fixture(autouse=True)
def _today() -> Any:
    with time_machine.travel(datetime(2026, 4, 10, 3, tzinfo=UTC), tick=False):
        yield


@pytest.fixture
def secretariat() -> User:
    return user_with(Role.SECRETARIAT)


@pytest.fixture
def heard() -> Any:
    """The signals sent during a test: name, ids, day."""
    found: list[tuple[str, tuple[int, ...], date]] = []

    def listen(name: str) -> Any:
        def receiver(sender: Any, staff_ids: tuple[int, ...], on: date, **kwargs: Any) -> None:
            found.append((name, staff_ids, on))

        return receiver

    known = {name: getattr(signals, name) for name in ("staff_left", "staff_moved", "staff_on_leave", "staff_returned")}
    receivers = {name: listen(name) for name in known}
    for name, signal in known.items():
        signal.connect(receivers[name])
    yield found
    for name, signal in known.items():
        signal.disconnect(receivers[name])


def refused(code: str) -> Any:
    """Expect a refusal with this code."""

    class Expect:
        def __enter__(self) -> Expect:
            self.context = pytest.raises(RuleViolation)
            self.info = self.context.__enter__()
            return self

        def __exit__(self, *error: Any) -> bool:
            done = self.context.__exit__(*error)
            assert self.info.value.code == code
            return bool(done)

    return Expect()


def _create(actor: User, **more: Any) -> Staff:
    fields: dict[str, Any] = {
        "number": "00012345",
        "name": "髙橋 葵",
        "kana": "たかはし あおい",
        "organisation_id": OrganisationFactory.create().pk,
        "grade": Grade.OFFICER,
        "occupation": Occupation.ICT,
        "joined_on": date(2026, 4, 1),
    }
    return services.staff_create(**(fields | more), actor=actor)


def _segments(staff: Staff) -> list[tuple[str, date, date | None]]:
    rows = staff.memberships.order_by("valid_from").select_related("organisation")
    return [(row.organisation.code, row.valid_from, row.valid_to) for row in rows]


# --------------------------------------------------------------------------------------------------------- joiners


def test_a_joiner_has_a_membership_and_an_audit_line(secretariat: User) -> None:
    staff = _create(secretariat)
    assert staff.status == StaffStatus.ACTIVE
    assert staff.search_key.startswith("高橋葵\nたかはしあおい\n")
    assert [(row.valid_from, row.valid_to) for row in staff.memberships.all()] == [(date(2026, 4, 1), None)]
    line = AuditEvent.objects.get(verb="staff.create")
    assert (line.subject_key, line.actor_id) == (f"staff:{staff.pk}", secretariat.pk)
    assert "髙橋" not in str(line.data)


def test_a_joiner_to_come_is_joining_until_the_day(secretariat: User) -> None:
    staff = _create(secretariat, joined_on=date(2026, 5, 1))
    assert staff.status == StaffStatus.JOINING
    services.people_apply_due()
    staff.refresh_from_db()
    assert staff.status == StaffStatus.JOINING
    with time_machine.travel(datetime(2026, 5, 20, tzinfo=UTC)):
        services.people_apply_due()
    staff.refresh_from_db()
    assert staff.status == StaffStatus.ACTIVE


def test_a_number_is_given_once(secretariat: User) -> None:
    _create(secretariat)
    with refused("number_taken"):
        _create(secretariat)
    assert Staff.objects.filter(number="00012345").count() == 1


def test_nobody_joins_a_heading_or_a_closed_organisation(secretariat: User) -> None:
    with refused("not_a_place"):
        _create(secretariat, organisation_id=OrganisationFactory.create(kind=OrganisationKind.GROUP).pk)
    with refused("not_a_place"):
        _create(secretariat, organisation_id=OrganisationFactory.create(valid_to=date(2026, 4, 1)).pk)


@pytest.mark.parametrize("role", [Role.SUPPORTER, Role.EXECUTIVE, Role.EXPERT])
def test_only_the_secretariat_writes(role: Role) -> None:
    actor = user_with(role)
    staff = StaffFactory.create()
    calls: list[Any] = [
        lambda: _create(actor),
        lambda: services.staff_update(staff_id=staff.pk, version=1, actor=actor, name="x"),
        lambda: services.staff_move(staff_id=staff.pk, on=TODAY, grade=3, actor=actor),
        lambda: services.leave_begin(staff_id=staff.pk, on=TODAY, actor=actor),
        lambda: services.leave_end(staff_id=staff.pk, on=TODAY, actor=actor),
        lambda: services.staff_leave(staff_id=staff.pk, on=TODAY, actor=actor),
        lambda: services.designation_add(staff_id=staff.pk, kind="reskilling", on=TODAY, actor=actor),
        lambda: services.role_grant(user_id=staff.user_id or 0, role=Role.EXECUTIVE, actor=actor),
        lambda: services.account_create(email="x@y.example", name="x", actor=actor),
        lambda: services.change_plan(kind="close", effective_on=TODAY, plan={}, actor=actor),
        lambda: services.group_create(code="x", name="x", actor=actor),
    ]
    for call in calls:
        with pytest.raises(NotAllowed):
            call()


# --------------------------------------------------------------------------------------------------------- changes


def test_an_update_compares_the_version(secretariat: User) -> None:
    staff = StaffFactory.create(name="前の名")
    services.staff_update(staff_id=staff.pk, version=1, actor=secretariat, name="新しい名")
    with pytest.raises(Conflict) as caught:
        services.staff_update(staff_id=staff.pk, version=1, actor=secretariat, name="別の名")
    assert caught.value.details == {"version": 2}
    staff.refresh_from_db()
    assert (staff.name, staff.version) == ("新しい名", 2)
    assert "新しい名" in staff.search_key
    assert User.objects.get(staff=staff).name == "新しい名"


def test_an_update_that_changes_nothing_writes_nothing(secretariat: User) -> None:
    staff = StaffFactory.create()
    services.staff_update(staff_id=staff.pk, version=1, actor=secretariat, name=staff.name)
    staff.refresh_from_db()
    assert staff.version == 1


def test_a_dated_column_is_not_plain(secretariat: User) -> None:
    with pytest.raises(TypeError):
        services.staff_update(staff_id=StaffFactory.create().pk, version=1, actor=secretariat, grade=4)


# ----------------------------------------------------------------------------------------------------------- moves


def test_a_move_of_today_takes_effect_at_once(
    secretariat: User, heard: Any, django_capture_on_commit_callbacks: Any
) -> None:
    staff = StaffFactory.create(organisation__code="old")
    new = OrganisationFactory.create(code="new")
    with django_capture_on_commit_callbacks(execute=True):
        services.staff_move(staff_id=staff.pk, on=TODAY, organisation_id=new.pk, actor=secretariat)
    staff.refresh_from_db()
    assert staff.organisation_id == new.pk
    assert _segments(staff) == [("old", LONG_AGO, TODAY), ("new", TODAY, None)]
    assert heard == [("staff_moved", (staff.pk,), TODAY)]


def test_a_promotion_is_dated_too(secretariat: User, heard: Any, django_capture_on_commit_callbacks: Any) -> None:
    staff = StaffFactory.create(grade=Grade.OFFICER)
    with django_capture_on_commit_callbacks(execute=True):
        services.staff_move(staff_id=staff.pk, on=TODAY, grade=Grade.SENIOR, actor=secretariat)
    staff.refresh_from_db()
    assert staff.grade == Grade.SENIOR
    assert [row.grade for row in staff.memberships.order_by("valid_from")] == [Grade.OFFICER, Grade.SENIOR]
    assert heard == []  # the place is the same


def test_a_move_to_come_waits_and_is_applied_however_late(secretariat: User) -> None:
    staff = StaffFactory.create(organisation__code="old")
    first, second = OrganisationFactory.create(code="first"), OrganisationFactory.create(code="second")
    version = staff.version
    services.staff_move(staff_id=staff.pk, on=date(2026, 5, 1), organisation_id=first.pk, actor=secretariat)
    services.staff_move(staff_id=staff.pk, on=date(2026, 6, 1), organisation_id=second.pk, actor=secretariat)
    staff.refresh_from_db()
    assert staff.organisation.code == "old"
    assert staff.version > version
    with time_machine.travel(datetime(2026, 7, 1, tzinfo=UTC)):  # the job slept for a month
        assert services.people_apply_due()["moved"] == 1
        assert services.people_apply_due()["moved"] == 0
    staff.refresh_from_db()
    assert staff.organisation.code == "second"
    assert _segments(staff) == [
        ("old", LONG_AGO, date(2026, 5, 1)),
        ("first", date(2026, 5, 1), date(2026, 6, 1)),
        ("second", date(2026, 6, 1), None),
    ]


def test_a_move_on_the_first_day_of_the_last_one_corrects_it(secretariat: User) -> None:
    staff = StaffFactory.create(organisation__code="old")
    wrong, right = OrganisationFactory.create(code="wrong"), OrganisationFactory.create(code="right")
    for place in (wrong, right):
        services.staff_move(staff_id=staff.pk, on=TODAY, organisation_id=place.pk, actor=secretariat)
    assert _segments(staff) == [("old", LONG_AGO, TODAY), ("right", TODAY, None)]
    staff.refresh_from_db()
    assert staff.organisation == right


def test_moves_that_make_no_sense_are_refused(secretariat: User) -> None:
    staff = StaffFactory.create()
    place = OrganisationFactory.create()
    services.staff_move(staff_id=staff.pk, on=date(2026, 5, 1), organisation_id=place.pk, actor=secretariat)
    with refused("later_move"):
        services.staff_move(staff_id=staff.pk, on=TODAY, grade=Grade.DIRECTOR, actor=secretariat)
    with refused("no_change"):
        services.staff_move(staff_id=staff.pk, on=date(2026, 6, 1), organisation_id=place.pk, actor=secretariat)
    with refused("not_a_place"):
        closed = OrganisationFactory.create(valid_to=date(2026, 5, 20))
        services.staff_move(staff_id=staff.pk, on=date(2026, 6, 1), organisation_id=closed.pk, actor=secretariat)
    with refused("left"):
        gone = StaffFactory.create(left=True)
        services.staff_move(staff_id=gone.pk, on=TODAY, organisation_id=place.pk, actor=secretariat)


def test_a_move_to_come_can_be_taken_back(secretariat: User) -> None:
    staff = StaffFactory.create(organisation__code="old")
    place = OrganisationFactory.create()
    move = services.staff_move(staff_id=staff.pk, on=date(2026, 5, 1), organisation_id=place.pk, actor=secretariat)
    services.move_cancel(membership_id=move.pk, actor=secretariat)
    assert _segments(staff) == [("old", LONG_AGO, None)]
    with refused("already_in_force"):
        services.move_cancel(membership_id=staff.memberships.get().pk, actor=secretariat)


# ----------------------------------------------------------------------------------------------------------- leave


def test_leave_and_return(secretariat: User, heard: Any, django_capture_on_commit_callbacks: Any) -> None:
    staff = StaffFactory.create()
    with django_capture_on_commit_callbacks(execute=True):
        services.leave_begin(staff_id=staff.pk, on=TODAY, actor=secretariat)
    staff.refresh_from_db()
    assert staff.status == StaffStatus.ON_LEAVE
    with refused("on_leave"):
        services.leave_begin(staff_id=staff.pk, on=date(2026, 6, 1), actor=secretariat)
    with time_machine.travel(datetime(2026, 5, 1, 3, tzinfo=UTC)), django_capture_on_commit_callbacks(execute=True):
        services.leave_end(staff_id=staff.pk, on=date(2026, 5, 1), actor=secretariat)
    staff.refresh_from_db()
    assert staff.status == StaffStatus.ACTIVE
    assert [name for name, _, _ in heard] == ["staff_on_leave", "staff_returned"]
    with refused("not_on_leave"):
        services.leave_end(staff_id=staff.pk, on=date(2026, 6, 1), actor=secretariat)


def test_a_leave_to_come_begins_and_ends_by_itself(secretariat: User) -> None:
    staff = StaffFactory.create()
    services.leave_begin(staff_id=staff.pk, on=date(2026, 5, 1), until=date(2026, 6, 1), actor=secretariat)
    expected = {
        datetime(2026, 4, 30, tzinfo=UTC): StaffStatus.ACTIVE,
        datetime(2026, 5, 2, tzinfo=UTC): StaffStatus.ON_LEAVE,
        datetime(2026, 6, 2, tzinfo=UTC): StaffStatus.ACTIVE,
    }
    for moment, status in expected.items():
        with time_machine.travel(moment):
            services.people_apply_due()
        staff.refresh_from_db()
        assert staff.status == status, moment


def test_a_leave_that_never_began_is_taken_back(secretariat: User) -> None:
    staff = StaffFactory.create()
    services.leave_begin(staff_id=staff.pk, on=date(2026, 5, 1), actor=secretariat)
    services.leave_end(staff_id=staff.pk, on=TODAY, actor=secretariat)
    assert staff.leaves.count() == 0


# --------------------------------------------------------------------------------------------------------- leavers


def _session(user: User) -> str:
    store = SessionStore()
    store["who"] = user.pk
    store.save()
    assert store.session_key
    UserSession.objects.create(user=user, ip="127.0.0.1", session_key=store.session_key, user_agent="test")
    return store.session_key


def test_leaving_ends_everything_in_one_transaction(
    secretariat: User, heard: Any, django_capture_on_commit_callbacks: Any
) -> None:
    office = OrganisationFactory.create()
    user = user_with(Role.COORDINATOR, organisation=office)
    staff = user.staff
    DesignationFactory.create(staff=staff)
    services.staff_move(staff_id=staff.pk, on=date(2026, 9, 1), grade=Grade.DIRECTOR, actor=secretariat)
    services.leave_begin(staff_id=staff.pk, on=date(2026, 5, 1), actor=secretariat)
    token, value = tokens.issue(user=user, name="t", scopes=["people:read"], purpose="system_link", actor=secretariat)
    key = _session(user)
    with django_capture_on_commit_callbacks(execute=True):
        services.staff_leave(staff_id=staff.pk, on=TODAY, actor=secretariat)
    staff.refresh_from_db()
    user.refresh_from_db()
    assert (staff.status, staff.left_on, user.is_active) == (StaffStatus.LEFT, TODAY, False)
    assert [(row.valid_from, row.valid_to) for row in staff.memberships.all()] == [(LONG_AGO, TODAY)]
    assert [row.valid_to for row in staff.designations.all()] == [TODAY]
    assert staff.leaves.count() == 0
    assert not RoleGrant.objects.not_over().filter(user=user).exists()
    assert ApiToken.objects.get(pk=token.pk).revoked_at is not None
    assert tokens.find(value, at=datetime.now(UTC)) is None
    assert not SessionStore().exists(key)
    assert ("staff_left", (staff.pk,), TODAY) in heard


def test_a_leaver_is_out_at_the_next_request(secretariat: User) -> None:
    staff = StaffFactory.create()
    assert staff.user is not None
    client = Client()
    client.force_login(staff.user)
    assert client.get("/people/account/").status_code == 200
    _token, value = tokens.issue(
        user=staff.user, name="t", scopes=["reference:read"], purpose="system_link", actor=secretariat
    )
    bearer = {"Authorization": f"Bearer {value}"}
    assert Client().get("/api/v1/organisations/", headers=bearer).status_code == 200
    services.staff_leave(staff_id=staff.pk, on=TODAY, actor=secretariat)
    assert client.get("/people/account/").status_code == 302
    assert Client().get("/api/v1/organisations/", headers=bearer).status_code == 401


def test_leaving_later_waits_and_can_be_taken_back(secretariat: User) -> None:
    staff = StaffFactory.create()
    assert staff.user is not None
    services.staff_leave(staff_id=staff.pk, on=date(2026, 5, 1), actor=secretariat)
    staff.refresh_from_db()
    assert (staff.status, staff.left_on) == (StaffStatus.ACTIVE, date(2026, 5, 1))
    services.staff_leave_cancel(staff_id=staff.pk, actor=secretariat)
    services.staff_leave(staff_id=staff.pk, on=date(2026, 6, 1), actor=secretariat)
    with time_machine.travel(datetime(2026, 6, 3, tzinfo=UTC)):
        assert services.people_apply_due()["leavers"] == 1
        assert services.people_apply_due()["leavers"] == 0
    staff.refresh_from_db()
    staff.user.refresh_from_db()
    assert (staff.status, staff.left_on, staff.user.is_active) == (StaffStatus.LEFT, date(2026, 6, 1), False)
    assert staff.memberships.get().valid_to == date(2026, 6, 1)
    with refused("already_in_force"):
        services.staff_leave_cancel(staff_id=staff.pk, actor=secretariat)
    with refused("left"):
        services.staff_leave(staff_id=staff.pk, on=date(2026, 6, 5), actor=secretariat)


def test_the_last_of_the_secretariat_cannot_leave_by_the_clock(secretariat: User) -> None:
    other = StaffFactory.create()
    services.staff_leave(staff_id=secretariat.staff.pk, on=date(2026, 5, 1), actor=None)
    services.staff_leave(staff_id=other.pk, on=date(2026, 5, 1), actor=None)
    with time_machine.travel(datetime(2026, 5, 1, 3, tzinfo=UTC)):
        assert services.people_apply_due() == {"leavers": 1, "refused": 1, "moved": 0, "status": 0}
    assert User.objects.get(pk=secretariat.pk).is_active


def test_leaving_is_refused_where_it_makes_no_sense(secretariat: User) -> None:
    with refused("own_account"):
        services.staff_leave(staff_id=secretariat.staff.pk, on=TODAY, actor=secretariat)
    with refused("dates"):
        services.staff_leave(staff_id=StaffFactory.create().pk, on=LONG_AGO, actor=secretariat)


def test_a_failure_on_the_way_leaves_the_leaver_in_post(secretariat: User, monkeypatch: Any) -> None:
    staff = StaffFactory.create()
    monkeypatch.setattr("skillmap.people.services.leaving.close_accounts", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        services.staff_leave(staff_id=staff.pk, on=TODAY, actor=secretariat)
    staff.refresh_from_db()
    assert staff.status == StaffStatus.ACTIVE
    assert staff.memberships.get().valid_to is None


def test_somebody_comes_back_under_the_same_number(secretariat: User) -> None:
    staff = StaffFactory.create(left=True)
    place = OrganisationFactory.create(code="new")
    fields: dict[str, Any] = {"organisation_id": place.pk, "grade": Grade.SENIOR, "occupation": Occupation.ICT}
    with refused("dates"):
        services.staff_rejoin(staff_id=staff.pk, on=date(2025, 3, 1), actor=secretariat, **fields)
    services.staff_rejoin(staff_id=staff.pk, on=date(2026, 4, 1), actor=secretariat, **fields)
    staff.refresh_from_db()
    assert (staff.status, staff.left_on, staff.organisation_id) == (StaffStatus.ACTIVE, None, place.pk)
    assert Membership.objects.filter(staff=staff).count() == 2
    with refused("not_left"):
        services.staff_rejoin(staff_id=staff.pk, on=date(2026, 4, 1), actor=secretariat, **fields)


# ---------------------------------------------------------------------------------------------------- designations


def test_designations_stand_beside_each_other(secretariat: User) -> None:
    staff = StaffFactory.create()
    first = services.designation_add(staff_id=staff.pk, kind="dx_ambassador", on=TODAY, actor=secretariat)
    services.designation_add(staff_id=staff.pk, kind="reskilling", on=TODAY, actor=secretariat)
    with refused("designated"):
        services.designation_add(staff_id=staff.pk, kind="dx_ambassador", on=TODAY, actor=secretariat)
    services.designation_end(designation_id=first.pk, on=date(2026, 5, 1), actor=secretariat)
    with refused("ended"):
        services.designation_end(designation_id=first.pk, on=date(2026, 5, 1), actor=secretariat)
    again = services.designation_add(
        staff_id=staff.pk, kind="dx_ambassador", on=date(2026, 5, 1), until=date(2027, 4, 1), actor=secretariat
    )
    with refused("dates"):
        services.designation_end(designation_id=again.pk, on=date(2026, 5, 1), actor=secretariat)


def test_a_second_ambassador_of_a_section_is_seen(secretariat: User) -> None:
    office = OrganisationFactory.create()
    held = DesignationFactory.create(staff__organisation=office)
    DesignationFactory.create(staff__organisation=office, kind=DesignationKind.RESKILLING)
    newcomer = StaffFactory.create(organisation=office)
    found = ambassadors_beside(organisation_id=office.pk, on=TODAY, staff_id=newcomer.pk)
    assert [row.pk for row in found] == [held.pk]
    services.designation_add(staff_id=newcomer.pk, kind="dx_ambassador", on=TODAY, actor=secretariat)  # allowed


# ------------------------------------------------------------------------------------------------- roles, accounts


def test_a_role_is_given_with_dates_and_taken(secretariat: User) -> None:
    user, office = UserFactory.create(), OrganisationFactory.create()
    grant = services.role_grant(user_id=user.pk, role="coordinator", organisation_id=office.pk, actor=secretariat)
    with refused("has_role"):
        services.role_grant(user_id=user.pk, role="coordinator", organisation_id=office.pk, actor=secretariat)
    key = _session(user)
    services.role_revoke(grant_id=grant.pk, actor=secretariat)
    assert not RoleGrant.objects.in_force().filter(user=user).exists()
    assert not SessionStore().exists(key)
    services.role_revoke(grant_id=grant.pk, actor=secretariat)  # twice does no harm
    assert AuditEvent.objects.filter(verb="role.revoke").count() == 1
    services.role_grant(user_id=user.pk, role="coordinator", organisation_id=office.pk, actor=secretariat)


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"role": "coordinator"}, "organisation_needed"),
        ({"role": "executive", "organisation_id": 0}, "organisation_not_needed"),
        ({"role": "executive", "valid_from": TODAY, "valid_to": TODAY}, "dates"),
    ],
)
def test_grants_that_make_no_sense_are_refused(secretariat: User, fields: dict[str, Any], code: str) -> None:
    if "organisation_id" in fields:
        fields = fields | {"organisation_id": OrganisationFactory.create().pk}
    with refused(code):
        services.role_grant(user_id=UserFactory.create().pk, actor=secretariat, **fields)


def test_nobody_gives_a_role_to_oneself(secretariat: User) -> None:
    with refused("own_role"):
        services.role_grant(user_id=secretariat.pk, role="executive", actor=secretariat)


def test_the_last_secretariat_stays(secretariat: User) -> None:
    grant = secretariat.role_grants.get()
    RoleGrantFactory.create(user=UserFactory.create(is_active=False))  # cannot sign in
    RoleGrantFactory.create(user=UserFactory.create(), valid_to=date(2026, 5, 1))  # ends by itself
    with refused("last_secretariat"):
        services.role_revoke(grant_id=grant.pk, actor=secretariat)
    with refused("last_secretariat"):
        services.account_close(user_id=secretariat.pk, actor=None)
    RoleGrantFactory.create(user=UserFactory.create())
    services.role_revoke(grant_id=grant.pk, actor=secretariat)


def test_an_account_is_made_without_a_password(secretariat: User) -> None:
    staff = StaffFactory.create(user=None)
    user = services.account_create_for_staff(staff_id=staff.pk, email="New.Person@Tokyo.example", actor=secretariat)
    assert (user.email, user.has_usable_password()) == ("new.person@tokyo.example", False)
    with refused("has_account"):
        services.account_create_for_staff(staff_id=staff.pk, email="x@tokyo.example", actor=secretariat)
    with refused("email_taken"):
        other = StaffFactory.create(user=None)
        services.account_create_for_staff(staff_id=other.pk, email="NEW.person@tokyo.example", actor=secretariat)
    with refused("left"):
        gone = StaffFactory.create(user=None, left=True)
        services.account_create_for_staff(staff_id=gone.pk, email="y@tokyo.example", actor=secretariat)


def test_an_account_is_closed_and_opened(secretariat: User) -> None:
    user = user_with(Role.EXECUTIVE)
    services.account_close(user_id=user.pk, actor=secretariat)
    assert not User.objects.get(pk=user.pk).is_active
    services.account_open(user_id=user.pk, actor=secretariat)
    assert User.objects.get(pk=user.pk).is_active
    assert not RoleGrant.objects.in_force().filter(user=user).exists()
    with refused("own_account"):
        services.account_close(user_id=secretariat.pk, actor=secretariat)
    with refused("left"):
        gone = StaffFactory.create(left=True, user__is_active=False)
        services.account_open(user_id=gone.user_id or 0, actor=secretariat)


def test_a_new_address_ends_the_sessions(secretariat: User) -> None:
    user = UserFactory.create()
    key = _session(user)
    services.account_change_email(user_id=user.pk, email="Other@tokyo.example", actor=secretariat)
    user.refresh_from_db()
    assert user.email == "other@tokyo.example"
    assert not SessionStore().exists(key)


# ----------------------------------------------------------------------------------------- before the daily job has run


def _due(**more: Any) -> Staff:
    """Somebody whose last day was some days ago, and whose leaving the job has not carried out yet."""
    staff = StaffFactory.create(**more)
    Staff.objects.filter(pk=staff.pk).update(left_on=date(2026, 4, 8))
    staff.refresh_from_db()
    return staff


@pytest.mark.parametrize("made", ["left", "due"])
def test_nothing_more_is_recorded_of_whoever_has_left(secretariat: User, made: str) -> None:
    """Not for an earlier day either: it would go on beyond the leaving, and beside a return."""
    staff = StaffFactory.create(left=True) if made == "left" else _due()
    earlier, place = date(2025, 1, 1), OrganisationFactory.create()
    with refused("left"):
        services.staff_move(staff_id=staff.pk, on=earlier, organisation_id=place.pk, actor=secretariat)
    with refused("left"):
        services.designation_add(staff_id=staff.pk, kind=DesignationKind.DX_AMBASSADOR, on=earlier, actor=secretariat)
    with refused("left"):
        services.leave_begin(staff_id=staff.pk, on=earlier, actor=secretariat)
    if made == "left":
        again: dict[str, Any] = {"organisation_id": place.pk, "grade": Grade.SENIOR, "occupation": Occupation.ICT}
        services.staff_rejoin(staff_id=staff.pk, on=TODAY, actor=secretariat, **again)
        assert Staff.objects.get(pk=staff.pk).status == StaffStatus.ACTIVE
        return
    with refused("already_in_force"):
        services.staff_leave_cancel(staff_id=staff.pk, actor=secretariat)
    Staff.objects.filter(pk=staff.pk).update(user=None)
    with refused("left"):
        services.account_create_for_staff(staff_id=staff.pk, email="x@tokyo.example", actor=secretariat)


def test_a_leaving_that_is_due_brings_all_of_it_whatever_is_recorded_first(secretariat: User) -> None:
    staff = _due(on_leave=True)
    services.leave_end(staff_id=staff.pk, on=date(2026, 4, 7), actor=secretariat)
    assert Staff.objects.get(pk=staff.pk).status == StaffStatus.ON_LEAVE
    assert services.people_apply_due()["leavers"] == 1
    assert Staff.objects.get(pk=staff.pk).status == StaffStatus.LEFT
    assert not User.objects.filter(pk=staff.user_id or 0, is_active=True).exists()
    assert not staff.memberships.filter(valid_to=None).exists()


def test_whose_leaving_was_refused_is_not_said_to_have_left() -> None:
    user = user_with(Role.SECRETARIAT)
    Staff.objects.filter(user=user).update(left_on=date(2026, 4, 9))
    Leave.objects.create(staff=user.staff, valid_from=date(2026, 4, 1), valid_to=date(2026, 4, 30))
    assert services.people_apply_due()["refused"] == 1
    assert Staff.objects.get(user=user).status == StaffStatus.ACTIVE


def test_a_leave_ends_no_earlier_than_it_began(secretariat: User) -> None:
    staff = StaffFactory.create(on_leave=True)
    with refused("dates"):
        services.leave_end(staff_id=staff.pk, on=date(2020, 1, 1), actor=secretariat)
    assert staff.leaves.exists()
    later = StaffFactory.create()
    services.leave_begin(staff_id=later.pk, on=date(2026, 5, 1), actor=secretariat)
    services.leave_end(staff_id=later.pk, on=TODAY, actor=secretariat)
    assert not later.leaves.exists()


def test_a_designation_stands_for_the_organisation_of_its_day(secretariat: User) -> None:
    staff, other = StaffFactory.create(), OrganisationFactory.create()
    services.staff_move(staff_id=staff.pk, on=date(2026, 5, 1), organisation_id=other.pk, actor=secretariat)
    kind = DesignationKind.DX_AMBASSADOR
    row = services.designation_add(staff_id=staff.pk, kind=kind, on=date(2026, 5, 1), actor=secretariat)
    assert row.organisation == other


@pytest.mark.parametrize("day", [date(2026, 4, 20), date(2026, 6, 1)])
def test_a_joining_is_put_off_or_brought_forward(secretariat: User, day: date) -> None:
    staff = _create(secretariat, joined_on=date(2026, 5, 1))
    services.staff_move(staff_id=staff.pk, on=day, organisation_id=staff.organisation_id, actor=secretariat)
    assert [(row.valid_from, row.valid_to) for row in staff.memberships.all()] == [(day, None)]
    with time_machine.travel(datetime(2026, 6, 1, 3, tzinfo=UTC)):
        services.people_apply_due()
        assert Staff.objects.get(pk=staff.pk).status == StaffStatus.ACTIVE
        with refused("no_change"):
            services.staff_move(staff_id=staff.pk, on=date(2026, 7, 1), actor=secretariat)


def test_who_does_not_come_is_taken_off_the_record(secretariat: User) -> None:
    first = date(2026, 5, 1)
    staff = _create(secretariat, joined_on=first, email="x@tokyo.example")
    services.account_create_for_staff(staff_id=staff.pk, email="x@tokyo.example", actor=secretariat)
    services.staff_leave(staff_id=staff.pk, on=first, actor=secretariat)
    assert not Staff.objects.filter(pk=staff.pk).exists()
    assert not User.objects.get(email="x@tokyo.example").is_active
    assert AuditEvent.objects.get(verb="staff.not_joined").subject_key == f"staff:{staff.pk}"
    again = _create(secretariat, joined_on=first)
    services.staff_leave(staff_id=again.pk, on=date(2026, 5, 2), actor=secretariat)
    assert Staff.objects.get(pk=again.pk).left_on == date(2026, 5, 2), "who comes for a day was there"


def test_a_return_touches_no_other_leave(secretariat: User) -> None:
    staff = StaffFactory.create()
    for month in (4, 9):
        first, back = date(2026, month, 1), date(2026, month + 1, 1)
        services.leave_begin(staff_id=staff.pk, on=first, until=back, actor=secretariat)
    with refused("not_on_leave"):
        services.leave_end(staff_id=staff.pk, on=date(2026, 5, 15), actor=secretariat)
    services.leave_end(staff_id=staff.pk, on=date(2026, 4, 20), actor=secretariat)
    assert list(staff.leaves.order_by("valid_from").values_list("valid_from", "valid_to")) == [
        (date(2026, 4, 1), date(2026, 4, 20)), (date(2026, 9, 1), date(2026, 10, 1))
    ]  # fmt: skip


def test_a_fault_about_one_person_keeps_nobody_else_waiting(secretariat: User, monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = _due(), _due()
    take_leave = leaving._take_leave

    def fail(staff: Staff, actor: User | None) -> None:
        if staff.pk == one.pk:
            raise KeyError
        take_leave(staff, actor)

    monkeypatch.setattr(leaving, "_take_leave", fail)
    found = services.people_apply_due()
    assert (found["leavers"], found["refused"]) == (1, 1)
    assert Staff.objects.get(pk=two.pk).status == StaffStatus.LEFT


def test_the_account_of_whoever_has_left_by_now_stays_closed(secretariat: User) -> None:
    staff = _due()
    User.objects.filter(pk=staff.user_id or 0).update(is_active=False)
    with refused("left"):
        services.account_open(user_id=staff.user_id or 0, actor=secretariat)
