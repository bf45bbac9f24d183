"""Read the account and the person behind it in one query."""

from allauth.account.auth_backends import AuthenticationBackend
from django.contrib.auth.base_user import AbstractBaseUser

from skillmap.people.models import User


class Backend(AuthenticationBackend):
    """allauth's backend; each request reads user and staff together."""

    def get_user(self, user_id: int) -> AbstractBaseUser | None:
        """The active account with its staff row."""
        return User.objects.select_related("staff__organisation").filter(pk=user_id, is_active=True).first()
