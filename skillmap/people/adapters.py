"""How allauth signs people in here: no open sign-up, single sign-on by issuer and subject, secrets encrypted."""

import base64
import hashlib
import logging
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core import context as allauth_context
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from cryptography.fernet import Fernet
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from skillmap.core.lines import can_be_shown
from skillmap.people.models import SignInSubject, User

logger = logging.getLogger(__name__)

BY_SINGLE_SIGN_ON = gettext_lazy("This account is tied to single sign-on: sign in by that. It has no password.")


class AccountAdapter(DefaultAccountAdapter):
    """Local accounts; they come from the personnel data, nobody signs up, and no system signs in."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Never."""
        return False

    def clean_email(self, email: str) -> str:
        """An address that a mail can hold in its header, whoever types it."""
        can_be_shown(email)
        return email

    def clean_password(self, password: str, user: User | None = None) -> str:
        """A new password, for whoever may have one."""
        if user is not None and is_tied(user):
            raise ValidationError(BY_SINGLE_SIGN_ON, code="by_single_sign_on")
        return str(super().clean_password(password, user))

    def pre_login(self, request: HttpRequest, user: User, **kwargs: Any) -> HttpResponse | None:
        """Whatever the way in, password, passkey or single sign-on: an account of another system has none.

        One that is tied to single sign-on has this one alone: whom the provider no longer lets in stays out.
        """
        if user.is_service:
            answer: HttpResponse = self.respond_user_inactive(request, user)
            return answer
        if "sociallogin" not in (kwargs.get("signal_kwargs") or {}) and is_tied(user):
            messages.error(request, BY_SINGLE_SIGN_ON)
            return redirect("account_login")
        refused: HttpResponse | None = super().pre_login(request, user, **kwargs)
        return refused

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """A mail that can't be sent now is said so on the page; what it tells of has been done all the same."""
        try:
            super().send_mail(template_prefix, email, context)
        except OSError as error:
            logger.warning("account_mail_failed", extra={"error": type(error).__name__})
            request = allauth_context.request
            messages.warning(request, _("The mail could not be sent now. Please try again in a little while."))

    def send_password_reset_mail(self, user: User, email: str, context: dict[str, Any]) -> None:
        """No password for those who come by single sign-on, nor for systems: their mail says so instead.

        A mail goes whatever the account is: a page that came sooner, or without the warning while the mail server is
        away, would tell whoever asks which accounts those are.
        """
        if user.is_service or is_tied(user):
            self.send_mail("account/email/password_elsewhere", email, {})
        else:
            super().send_password_reset_mail(user, email, context)

    def get_reset_password_from_key_url(self, key: str) -> str:
        """The link of the mail, at SITE_URL: what a request called this host is not repeated in a mail."""
        return _at_site(super().get_reset_password_from_key_url(key))

    def get_email_confirmation_url(self, request: HttpRequest, emailconfirmation: Any) -> str:
        """The same for the confirmation of an address."""
        return _at_site(super().get_email_confirmation_url(request, emailconfirmation))


def _at_site(url: str) -> str:
    place = urlsplit(url)
    return f"{settings.SITE_URL}{place.path}" + (f"?{place.query}" if place.query else "")


class SocialAccountAdapter(DefaultSocialAccountAdapter):
    """Single sign-on: known (issuer, subject) pairs only; e-mail addresses never link accounts by themselves."""

    def is_open_for_signup(self, request: HttpRequest, sociallogin: Any) -> bool:
        """Never: the secretariat ties a subject to an account."""
        return False

    def pre_social_login(self, request: HttpRequest, sociallogin: Any) -> None:
        """Let in whoever the issuer's signed token names, and nobody else.

        allauth finds the account by the provider's name here and the subject. That name stays when the settings point
        to another issuer, whose subjects are other people: so the pair itself is looked up too. Tying a subject to
        one's own account from within a session is refused: only the secretariat does it.
        """
        claims = claims_of(sociallogin)
        issuer, subject = str(claims.get("iss", "")).rstrip("/"), str(claims.get("sub", ""))
        known = SignInSubject.objects.filter(issuer=issuer, subject=subject).first() if issuer and subject else None
        found = sociallogin.user.pk if sociallogin.is_existing else None
        if known is None or found is None or known.user_id != found or sociallogin.state.get("process") == "connect":
            raise ImmediateHttpResponse(render(request, "socialaccount/unknown_subject.html", status=403))

    def validate_disconnect(self, account: Any, accounts: Any) -> None:
        """Never: the secretariat unties, as it tied."""
        raise ValidationError(_("The secretariat ties accounts to single sign-on and unties them."), code="not_here")


def is_tied(user: User) -> bool:
    """Whether the secretariat has tied an account to single sign-on: then it has no password, and no other way in."""
    return SignInSubject.objects.filter(user=user).exists()


def claims_of(sociallogin: Any) -> Mapping[str, Any]:
    """The claims of the ID token, which allauth has checked; empty where the provider sent none."""
    found: Any = sociallogin.account.extra_data.get("id_token")
    return found if isinstance(found, Mapping) else {}


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
