"""Middleware about people: sessions end, and some roles need a second factor."""

import logging
from collections.abc import Callable

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from requests import RequestException

from skillmap.core import clock
from skillmap.core.api import problem_page
from skillmap.people.access import access_of
from skillmap.people.models import User

logger = logging.getLogger(__name__)

Handler = Callable[[HttpRequest], HttpResponse]
STARTED, SEEN = "session_started", "session_seen"
# Set at sign-in where the identity provider has asked for a second factor itself (people.receivers).
FACTOR_AT_PROVIDER = "second_factor_at_provider"


class SessionLimitsMiddleware:
    """A session ends after 30 idle minutes and 12 hours in all; every minute at most the time is noted."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.user.is_authenticated:
            now = int(clock.now().timestamp())
            started = request.session.setdefault(STARTED, now)
            seen = request.session.setdefault(SEEN, now)
            if now - seen > settings.SESSION_IDLE_SECONDS or now - started > settings.SESSION_ABSOLUTE_SECONDS:
                logout(request)
            elif now - seen > 60:
                request.session[SEEN] = now
        return self.get_response(request)


class RequireSecondFactorMiddleware:
    """Roles in MFA_REQUIRED_ROLES reach nothing but the enrolment pages until a second factor is set up.

    Asked anew with each request, so that a role given or a factor removed within a session counts at once.
    """

    # Enrolment, the password that it asks for, signing out, the language; no other page of the account.
    OPEN = (
        "/accounts/2fa/",
        "/accounts/reauthenticate/",
        "/accounts/logout/",
        "/accounts/login/",
        "/accounts/password/set/",
        "/language/",
        "/static/",
    )

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if settings.MFA_REQUIRED_ROLES and self._must_enrol(request):
            return self._refuse(request)
        return self.get_response(request)

    def _refuse(self, request: HttpRequest) -> HttpResponse:
        text = _("Your role needs a second factor. Set one up to go on.")
        if request.path.startswith("/api/"):
            return problem_page(403, "second_factor_required", text)
        if getattr(request, "htmx", False):
            response = HttpResponse(status=403)
            response["HX-Redirect"] = reverse("mfa_index")
            return response
        messages.info(request, text)
        return redirect("mfa_index")

    def _must_enrol(self, request: HttpRequest) -> bool:
        user = request.user
        if not isinstance(user, User) or request.path.startswith(self.OPEN):
            return False
        if not access_of(user).roles.intersection(settings.MFA_REQUIRED_ROLES):
            return False
        if request.session.get(FACTOR_AT_PROVIDER):
            return False
        factors = Authenticator.objects.filter(user=user).exclude(type=Authenticator.Type.RECOVERY_CODES)
        return not factors.exists()


class ProviderAwayMiddleware:
    """An identity provider that does not answer is said in words (503), with the way back to the sign-in page."""

    PATHS = "/accounts/oidc/"

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """The error page of single sign-on; other faults go their way."""
        if not request.path.startswith(self.PATHS) or not isinstance(exception, RequestException):
            return None
        logger.warning("identity_provider_away", extra={"error": type(exception).__name__})
        return render(request, "socialaccount/authentication_error.html", status=503)
