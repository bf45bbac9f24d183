"""Who calls the API: a bearer token of a service account, or the signed-in person."""

from datetime import datetime
from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework import authentication, exceptions
from rest_framework.request import Request

from skillmap.core import clock
from skillmap.people import tokens
from skillmap.people.models import ApiToken, User


class SessionAuthentication(authentication.SessionAuthentication):
    """The signed-in person, with CSRF checks; a missing sign-in is 401, not 403."""

    def authenticate_header(self, request: Request) -> str:
        """What makes the answer a 401."""
        return "Bearer"


class ApiTokenAuthentication(authentication.BaseAuthentication):
    """`Authorization: Bearer dsm_…`; expired, revoked and unknown tokens all answer 401."""

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        """The service account and its token; None where no bearer token is sent."""
        header = authentication.get_authorization_header(request).decode("latin-1")
        scheme, _space, value = header.partition(" ")
        if scheme.lower() != "bearer":
            return None
        token = tokens.find(value.strip(), at=_now())
        if token is None:
            raise exceptions.AuthenticationFailed(_("The token is unknown, expired or revoked."))
        tokens.note_use(token)
        return token.user, token

    def authenticate_header(self, request: Request) -> str:
        """What makes the answer a 401."""
        return "Bearer"


def _now() -> datetime:
    return clock.now()


class ApiTokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How the token stands in the OpenAPI document."""

    target_class = "skillmap.people.authentication.ApiTokenAuthentication"
    name = "bearer"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        """A bearer token."""
        return {"type": "http", "scheme": "bearer"}


class SessionScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How the session stands in the OpenAPI document."""

    target_class = "skillmap.people.authentication.SessionAuthentication"
    name = "session"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        """A cookie."""
        return {"type": "apiKey", "in": "cookie", "name": "sessionid"}
