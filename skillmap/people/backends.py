"""Read the account and the person behind it in one query."""

from typing import Any

from allauth.account.auth_backends import AuthenticationBackend
from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest

from skillmap.people.models import User


class Backend(AuthenticationBackend):
    """allauth's backend; each request reads user and staff together. Accounts of systems have no password."""

    def authenticate(self, request: HttpRequest | None, **credentials: Any) -> AbstractBaseUser | None:
        """The account with this address and password; never that of a system."""
        user = super().authenticate(request, **credentials)
        return None if isinstance(user, User) and user.is_service else user

    def get_user(self, user_id: int) -> AbstractBaseUser | None:
        """The active account with its staff row."""
        return User.objects.select_related("staff__organisation").filter(pk=user_id, is_active=True).first()
