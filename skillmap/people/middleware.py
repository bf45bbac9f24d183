"""Middleware about people: sessions end, and some roles need a second factor."""

from collections.abc import Callable

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from skillmap.core import clock
from skillmap.people.access import access_of
from skillmap.people.models import User

Handler = Callable[[HttpRequest], HttpResponse]
STARTED, SEEN, SECOND_FACTOR = "session_started", "session_seen", "has_second_factor"


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
    """Roles in MFA_REQUIRED_ROLES reach nothing but the enrolment pages until a second factor is set up."""

    OPEN = ("/accounts/", "/language/", "/static/")

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if settings.MFA_REQUIRED_ROLES and self._must_enrol(request):
            if request.path.startswith("/api/"):
                return HttpResponse(status=403)
            messages.info(request, _("Your role needs a second factor. Set one up to go on."))
            return redirect("mfa_index")
        return self.get_response(request)

    def _must_enrol(self, request: HttpRequest) -> bool:
        user = request.user
        if not isinstance(user, User) or request.path.startswith(self.OPEN):
            return False
        if not access_of(user).roles.intersection(settings.MFA_REQUIRED_ROLES):
            return False
        if request.session.get(SECOND_FACTOR):
            return False
        factors = Authenticator.objects.filter(user=user).exclude(type=Authenticator.Type.RECOVERY_CODES)
        enrolled = factors.exists()
        if enrolled:
            request.session[SECOND_FACTOR] = True
        return not enrolled
