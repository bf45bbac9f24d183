"""Two at the same moment: each service holds what it decides on, on both databases."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from django.db import connections

from skillmap.core import clock, imports
from skillmap.core.choices import ImportState
from skillmap.core.errors import NotAllowed, RuleViolation
from skillmap.core.models import ImportBatch
from skillmap.people import services
from skillmap.people.choices import Role
from skillmap.people.models import Membership, RoleGrant, Staff
from skillmap.people.services import accounts, roles
from tests.factories.people import OrganisationFactory, StaffFactory, user_with
from tests.people.test_import import csv_file
from tests.support.due_jobs import run_due

pytestmark = pytest.mark.django_db(transaction=True)
ROUNDS = 5


def at_once(*acts: Callable[[], object]) -> list[BaseException | None]:
    """Run acts in threads that start together; what each raised."""
    barrier = threading.Barrier(len(acts))
    raised: list[BaseException | None] = [None] * len(acts)

    def run(number: int, act: Callable[[], object]) -> None:
        try:
            barrier.wait()
            act()
        except BaseException as error:  # noqa: BLE001  the test looks at it
            raised[number] = error
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return raised


def codes(raised: list[BaseException | None]) -> list[str]:
    """The codes of refusals; anything else that was raised is raised again."""
    for error in raised:
        if error is not None and not isinstance(error, RuleViolation):
            raise error
    return sorted(error.code for error in raised if isinstance(error, RuleViolation))


def test_two_of_the_secretariat_cannot_take_each_other_out() -> None:
    for _round in range(ROUNDS):
        RoleGrant.objects.all().delete()
        one, two = user_with(Role.SECRETARIAT), user_with(Role.SECRETARIAT)
        grants = [user.role_grants.get().pk for user in (one, two)]
        raised = at_once(
            lambda pk=grants[1], actor=one: services.role_revoke(grant_id=pk, actor=actor),  # type: ignore[misc]
            lambda pk=grants[0], actor=two: services.role_revoke(grant_id=pk, actor=actor),  # type: ignore[misc]
        )
        kept = RoleGrant.objects.in_force().filter(role=Role.SECRETARIAT).count()
        assert kept == 1, raised


def test_roles_of_the_secretariat_taken_at_once_wait_for_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither ends with a word of the database about two who block each other."""
    one, two, three = (user_with(Role.SECRETARIAT) for _ in range(3))
    first, second = one.role_grants.get().pk, two.role_grants.get().pk
    keep = accounts.keep_a_secretariat

    def slowly(**options: Any) -> None:
        time.sleep(0.3)  # by now each holds what it takes first
        keep(**options)

    monkeypatch.setattr(roles, "keep_a_secretariat", slowly)
    raised = at_once(
        lambda: services.role_revoke(grant_id=second, actor=one),
        lambda: services.role_revoke(grant_id=first, actor=three),
    )
    assert [error for error in raised if not isinstance(error, NotAllowed | None)] == []
    assert RoleGrant.objects.in_force().filter(role=Role.SECRETARIAT).count() in (1, 2)


def test_the_same_step_twice_counts_once() -> None:
    actor = user_with(Role.SECRETARIAT)
    place = OrganisationFactory.create()
    for _round in range(ROUNDS):
        staff = StaffFactory.create()

        def move(pk: int = staff.pk) -> object:
            return services.staff_move(staff_id=pk, on=clock.today(), organisation_id=place.pk, actor=actor)

        assert codes(at_once(move, move, move)) == ["no_change", "no_change"]
        assert staff.memberships.count() == 2

        def leave(pk: int = staff.pk) -> object:
            return services.staff_leave(staff_id=pk, on=date(2099, 4, 1), actor=actor)

        assert codes(at_once(leave, leave)) == []
        assert Staff.objects.get(pk=staff.pk).left_on == date(2099, 4, 1)


def test_nobody_is_put_into_an_organisation_while_it_closes() -> None:
    actor = user_with(Role.SECRETARIAT)
    today = clock.today()
    for _round in range(ROUNDS):
        row = OrganisationFactory.create()
        staff = StaffFactory.create()
        plan = {"organisation": row.pk, "members_to": None}
        change = services.change_plan(kind="close", effective_on=today, plan=plan, actor=actor)
        raised = at_once(
            lambda pk=change.pk: services.change_apply(change_id=pk, actor=actor),  # type: ignore[misc]
            lambda pk=staff.pk, to=row.pk: services.staff_move(  # type: ignore[misc]
                staff_id=pk, on=today, organisation_id=to, actor=actor
            ),
        )
        assert codes(raised) in (["has_members"], ["not_a_place"]), raised
        row.refresh_from_db()
        members = Membership.objects.filter(organisation=row, valid_to=None).count()
        assert (row.valid_to is None) == (members == 1)


def test_a_change_is_applied_once_whoever_presses() -> None:
    actor = user_with(Role.SECRETARIAT)
    row = OrganisationFactory.create()
    plan = {"organisation": row.pk, "name": "新しい名", "name_en": "", "short_name": ""}
    change = services.change_plan(kind="rename", effective_on=clock.today(), plan=plan, actor=actor)
    raised = at_once(
        lambda: services.change_apply(change_id=change.pk, actor=actor),
        lambda: services.change_apply(change_id=change.pk, actor=actor),
        services.changes_apply_due,
    )
    assert set(codes(raised)) <= {"wrong_state"}
    assert row.versions.count() == 2


def test_an_import_is_applied_once_by_however_many_workers() -> None:
    actor = user_with(Role.SECRETARIAT)
    StaffFactory.create(number="00000001")
    options: dict[str, Any] = {"effective_on": clock.today(), "accounts": False}
    file = csv_file(("number", "kana"), ("00000001", "かな"))
    batch = imports.upload(kind="people.staff", file=file, options=options, user=actor).batch
    run_due()
    raised = at_once(
        lambda: imports.apply(batch=batch, user=actor),
        lambda: imports.apply(batch=ImportBatch.objects.get(pk=batch.pk), user=actor),
    )
    assert codes(raised) == ["wrong_state"]
    assert at_once(run_due, run_due, run_due) == [None, None, None]
    batch.refresh_from_db()
    assert batch.state == ImportState.APPLIED
    assert Staff.objects.get(number="00000001").version == 2


def test_the_daily_job_may_run_twice_at_once() -> None:
    actor = user_with(Role.SECRETARIAT)
    people = [StaffFactory.create() for _ in range(4)]
    for staff in people:
        services.staff_leave(staff_id=staff.pk, on=date(2099, 1, 1), actor=actor)
    Staff.objects.filter(pk__in=[staff.pk for staff in people]).update(left_on=clock.today())
    assert at_once(services.people_apply_due, services.people_apply_due) == [None, None]
    assert set(Staff.objects.filter(pk__in=[staff.pk for staff in people]).values_list("status", flat=True)) == {"left"}
