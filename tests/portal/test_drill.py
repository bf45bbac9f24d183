"""After a restore somebody signs in and looks around, whoever has a second factor by then."""

from typing import Any

import pytest
from allauth.mfa.models import Authenticator

from skillmap.core.backup.errors import BackupError
from skillmap.people.choices import Role
from skillmap.people.models import User
from skillmap.portal.drill import look_around
from tests.factories.people import StaffFactory, user_with

pytestmark = pytest.mark.django_db
PASSWORD = "rather-long-and-of-nobody"


def somebody() -> User:
    user = StaffFactory.create().user
    assert user is not None
    return user


def with_factor(user: User) -> User:
    Authenticator.objects.create(user=user, type=Authenticator.Type.TOTP, data={"secret": "x"})
    return user


def test_who_has_no_second_factor_keeps_those_who_have_one() -> None:
    first, second = with_factor(somebody()), somebody()
    assert list(look_around(PASSWORD)) == ["Somebody signed in with a password.", "7 pages opened."]
    assert User.objects.get(pk=second.pk).check_password(PASSWORD)
    assert Authenticator.objects.filter(user=first).exists()


def test_where_everybody_has_one_somebody_loses_it() -> None:
    people = [with_factor(somebody()) for _ in range(3)]
    assert len(list(look_around(PASSWORD))) == 2
    assert Authenticator.objects.count() == len(people) - 1


def test_of_whom_one_is_demanded_is_left_alone(settings: Any) -> None:
    settings.MFA_REQUIRED_ROLES = [Role.SECRETARIAT]
    office = with_factor(user_with(Role.SECRETARIAT))
    with pytest.raises(BackupError, match="demanded of everybody"):
        list(look_around(PASSWORD))
    assert Authenticator.objects.filter(user=office).exists()
