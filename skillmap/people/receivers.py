"""What follows from a sign-in or from a change of second factors."""

from typing import Any

from allauth.account.signals import user_logged_in
from allauth.mfa.signals import authenticator_added, authenticator_removed
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.dispatch import receiver
from django.http import HttpRequest

from skillmap.people.adapters import claims_of
from skillmap.people.middleware import FACTOR_AT_PROVIDER
from skillmap.people.models import User


@receiver(user_logged_in, dispatch_uid="people.factor_at_provider")
def note_factor_at_provider(request: HttpRequest, **kwargs: Any) -> None:
    """Remember for the session whether the identity provider says that it asked for a second factor (amr or acr)."""
    sociallogin = kwargs.get("sociallogin")
    claims = claims_of(sociallogin) if sociallogin is not None else {}
    methods = claims.get("amr", [])
    by_method = isinstance(methods, list) and bool(set(map(str, methods)) & set(settings.OIDC_SECOND_FACTOR_AMR))
    request.session[FACTOR_AT_PROVIDER] = by_method or str(claims.get("acr", "")) in settings.OIDC_SECOND_FACTOR_ACR


@receiver(authenticator_added, dispatch_uid="people.end_other_sessions_added")
@receiver(authenticator_removed, dispatch_uid="people.end_other_sessions_removed")
def end_other_sessions(request: HttpRequest, user: User, **_kwargs: Any) -> None:
    """Sessions begun under the old rules end: whoever stole one is out once the owner sets up a factor."""
    for session in UserSession.objects.filter(user=user).exclude(session_key=request.session.session_key or ""):
        session.end()
