"""The API's door: signed in, and for a token the scope that the view names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rest_framework.permissions import SAFE_METHODS, BasePermission

from skillmap.people.models import ApiToken, User

if TYPE_CHECKING:  # rest_framework.views loads this module through the settings
    from rest_framework.request import Request
    from rest_framework.views import APIView


class TokenScope(BasePermission):
    """Deny by default. Every view names `read_scope` and, where it writes, `write_scope`; a token must hold it."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Whether the caller may come in; what it sees is up to `visible_to`."""
        if not isinstance(request.user, User):
            return False
        if not isinstance(request.auth, ApiToken):
            return True
        name = "read_scope" if request.method in SAFE_METHODS else "write_scope"
        scope = getattr(view, name, None)
        return scope is not None and scope in request.auth.scopes
