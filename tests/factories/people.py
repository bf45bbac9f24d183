"""Accounts, people and organisations for tests."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import factory
from factory.django import DjangoModelFactory

from skillmap.core import clock
from skillmap.people import rules
from skillmap.people.choices import DesignationKind, Grade, Occupation, OrganisationKind, Role, StaffStatus
from skillmap.people.models import (
    BureauGroup,
    Designation,
    Leave,
    Membership,
    Organisation,
    OrganisationVersion,
    RoleGrant,
    Staff,
    User,
)

LONG_AGO = date(2021, 4, 1)
PASSWORD = "correct horse battery staple"


class BureauGroupFactory(DjangoModelFactory[BureauGroup]):
    """部門."""

    class Meta:
        model = BureauGroup

    code = factory.Sequence(lambda n: f"group{n}")
    name = factory.Sequence(lambda n: f"部門{n}")
    sort_order = factory.Sequence(lambda n: n % 1000)


class OrganisationFactory(DjangoModelFactory[Organisation]):
    """A bureau that has existed since LONG_AGO, with path and first version; `parent=` puts it below another one."""

    class Meta:
        model = Organisation
        skip_postgeneration_save = True

    code = factory.Sequence(lambda n: f"org{n}")
    name = factory.Sequence(lambda n: f"第{n}局")
    kind = OrganisationKind.BUREAU
    sort_order = factory.Sequence(lambda n: n)
    valid_from = LONG_AGO

    @factory.post_generation
    def placed(self: Any, create: bool, extracted: Any, **kwargs: Any) -> None:
        """Give it its path and its first version."""
        if not create:
            return
        row: Organisation = self
        row.path = rules.path_of(row.parent.path if row.parent else "", row.pk)
        row.save(update_fields=["path"])
        OrganisationVersion.objects.create(
            organisation=row,
            name=row.name,
            name_en=row.name_en,
            short_name=row.short_name,
            parent=row.parent,
            bureau_group=row.bureau_group,
            valid_from=row.valid_from,
            valid_to=row.valid_to,
        )


class UserFactory(DjangoModelFactory[User]):
    """An account with PASSWORD."""

    class Meta:
        model = User
        skip_postgeneration_save = True

    email = factory.Sequence(lambda n: f"person{n}@tokyo.example")
    name = factory.Sequence(lambda n: f"利用者 {n}")

    @factory.post_generation
    def password(self: Any, create: bool, extracted: Any, **kwargs: Any) -> None:
        """Set the password, PASSWORD unless another is given."""
        if create:
            self.set_password(extracted or PASSWORD)
            self.save(update_fields=["password"])


class StaffFactory(DjangoModelFactory[Staff]):
    """An ICT職 主任 in post since LONG_AGO, with membership and account; `user=None` for one without an account."""

    class Meta:
        model = Staff
        skip_postgeneration_save = True

    number = factory.Sequence(lambda n: f"F{n:07d}")  # tests name numbers of digits
    user = factory.SubFactory(UserFactory)
    name = factory.Sequence(lambda n: f"職員 {n}")
    kana = factory.Sequence(lambda n: f"しょくいん {n}")
    email = factory.LazyAttribute(lambda staff: staff.user.email if staff.user else "")
    occupation = Occupation.ICT
    grade = Grade.SENIOR
    organisation = factory.SubFactory(OrganisationFactory)

    class Params:
        manager = factory.Trait(grade=Grade.DEPUTY_MANAGER)
        on_leave = factory.Trait(status=StaffStatus.ON_LEAVE)
        left = factory.Trait(status=StaffStatus.LEFT, left_on=date(2025, 4, 1))

    @factory.post_generation
    def joined(self: Any, create: bool, extracted: date | None, **kwargs: Any) -> None:
        """Begin the membership on LONG_AGO or the day given; one who is on leave has a leave."""
        if not create:
            return
        row: Staff = self
        Membership.objects.create(
            staff=row,
            organisation=row.organisation,
            grade=row.grade,
            occupation=row.occupation,
            valid_from=extracted or LONG_AGO,
            valid_to=row.left_on,
        )
        if row.status == StaffStatus.ON_LEAVE:
            Leave.objects.create(staff=row, valid_from=date(2025, 4, 1))


class RoleGrantFactory(DjangoModelFactory[RoleGrant]):
    """A role in force since LONG_AGO."""

    class Meta:
        model = RoleGrant

    user = factory.SubFactory(UserFactory)
    role = Role.SECRETARIAT
    valid_from = LONG_AGO


class DesignationFactory(DjangoModelFactory[Designation]):
    """A DX ambassador since LONG_AGO."""

    class Meta:
        model = Designation

    staff = factory.SubFactory(StaffFactory)
    organisation = factory.SelfAttribute("staff.organisation")
    kind = DesignationKind.DX_AMBASSADOR
    valid_from = LONG_AGO


def user_with(role: str, *, organisation: Organisation | None = None, **fields: Any) -> User:
    """An account with a person behind it and one role, since LONG_AGO; `organisation` is where it coordinates."""
    if organisation is not None:
        fields.setdefault("organisation", organisation)
    staff = StaffFactory.create(**fields)
    assert staff.user is not None
    RoleGrantFactory.create(user=staff.user, role=role, organisation=organisation)
    return staff.user


def staff_in_bulk(count: int, organisations: Sequence[Organisation], *, prefix: str = "9") -> list[Staff]:
    """Many people without accounts, spread over organisations, each with a membership, in a few statements."""
    people = Staff.objects.bulk_create(
        [
            Staff(
                number=f"{prefix}{n:07d}",
                name=f"多数 {n}",
                kana=f"たすう {n}",
                occupation=Occupation.ICT,
                grade=Grade.SENIOR,
                organisation=organisations[n % len(organisations)],
            )
            for n in range(count)
        ],
        batch_size=500,
    )
    Membership.objects.bulk_create(
        [
            Membership(
                staff=row,
                organisation_id=row.organisation_id,
                grade=row.grade,
                occupation=row.occupation,
                valid_from=LONG_AGO,
                recorded_at=clock.now(),
            )
            for row in people
        ],
        batch_size=500,
    )
    return people
