"""How allauth signs people in here: no open sign-up, single sign-on by issuer and subject, secrets encrypted."""

import base64
import hashlib
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from cryptography.fernet import Fernet
from django.conf import settings
from django.http import HttpRequest

from skillmap.people.models import User


class AccountAdapter(DefaultAccountAdapter):
    """Local accounts; they come from the personnel data, nobody signs up."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Never."""
        return False


class SocialAccountAdapter(DefaultSocialAccountAdapter):
    """Single sign-on: known (issuer, subject) pairs only; e-mail addresses never link accounts by themselves."""

    def is_open_for_signup(self, request: HttpRequest, sociallogin: Any) -> bool:
        """Never: the secretariat links a subject to an account, or the person does from a signed-in session."""
        return False


class MfaAdapter(DefaultMFAAdapter):
    """Secrets of second factors are stored encrypted with a key derived from TOKEN_PEPPER."""

    def encrypt(self, text: str) -> str:
        """Encrypt one secret."""
        return _fernet().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        """Decrypt one secret."""
        return _fernet().decrypt(encrypted_text.encode()).decode()

    def get_user_display_name(self, user: User) -> str:
        """What an authenticator shows."""
        return user.name


def _fernet() -> Fernet:
    key = hashlib.blake2b(b"second factor", key=settings.TOKEN_PEPPER.encode()[:64], digest_size=32).digest()
    return Fernet(base64.urlsafe_b64encode(key))
