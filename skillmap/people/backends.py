"""Read the account and the person behind it in one query."""

from typing import Any

from allauth.account.auth_backends import AuthenticationBackend
from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest

from skillmap.core import clock
from skillmap.people.access import staff_of
from skillmap.people.choices import Role
from skillmap.people.models import RoleGrant, User


class Backend(AuthenticationBackend):
    """allauth's backend; each request reads user and staff together. Accounts of systems have no password."""

    def authenticate(self, request: HttpRequest | None, **credentials: Any) -> AbstractBaseUser | None:
        """The account with this address and password; never that of a system."""
        user = super().authenticate(request, **credentials)
        return None if isinstance(user, User) and user.is_service else user

    def get_user(self, user_id: int) -> AbstractBaseUser | None:
        """The active account with its staff row; none from the day of leaving on, also before the day's job has run."""
        user = User.objects.select_related("staff__organisation").filter(pk=user_id, is_active=True).first()
        return None if user is not None and _has_left(user) else user


def _has_left(user: User) -> bool:
    """Whether the day of leaving has come; that of the secretariat is left to the job, which keeps the last of them."""
    staff = staff_of(user)
    if staff is None or not staff.has_left_by(clock.today()):
        return False
    return not RoleGrant.objects.in_force().filter(user=user, role=Role.SECRETARIAT).exists()
