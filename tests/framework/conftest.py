"""A draft, a published version and the people who may or may not work on them."""

from __future__ import annotations

import pytest

from skillmap.framework.models import Framework
from skillmap.people.choices import OrganisationKind, Role
from skillmap.people.models import Organisation, RoleGrant, User
from tests.factories.framework import real_framework, small_framework


def account(name: str, *roles: str) -> User:
    """An account with roles in force."""
    user = User.objects.create_user(f"{name}@example.test", name=name)
    for role in roles:
        organisation = None
        if role == Role.COORDINATOR:
            organisation = Organisation.objects.create(
                code=f"org-{name}", name="第一局", kind=OrganisationKind.BUREAU, valid_from="2020-04-01"
            )
        RoleGrant.objects.create(user=user, role=role, organisation=organisation, valid_from="2020-04-01")
    return user


@pytest.fixture
def secretariat(db: None) -> User:
    """Somebody of the secretariat."""
    return account("secretariat", Role.SECRETARIAT)


@pytest.fixture
def supporter(db: None) -> User:
    """A supporter of the secretariat."""
    return account("supporter", Role.SUPPORTER)


@pytest.fixture
def staff(db: None) -> User:
    """Somebody without a role."""
    return account("staff")


@pytest.fixture
def draft(db: None) -> Framework:
    """A whole draft: 3 items, 1 tool, 2 job types, 6 cells."""
    return small_framework(items=3, tools=1, job_types=2, published=False, code="draft")


@pytest.fixture
def published(db: None) -> Framework:
    """The same, published."""
    return small_framework(items=3, tools=1, job_types=2, code="published")


@pytest.fixture
def real(db: None) -> Framework:
    """The version of fixtures/."""
    return real_framework()
