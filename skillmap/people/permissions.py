"""The API's door: signed in, and for a token the scope that the view names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.translation import gettext as _
from rest_framework.permissions import SAFE_METHODS, BasePermission

from skillmap.people.models import ApiToken, User

if TYPE_CHECKING:  # rest_framework.views loads this module through the settings
    from rest_framework.request import Request
    from rest_framework.views import APIView


class TokenScope(BasePermission):
    """Deny by default. Every view names `read_scope` and, where it writes, `write_scope`; a token must hold it.

    Where a view says `write_answers_levels`, its answer to a write tells what `read_scope` is for, and needs both.
    """

    message: str | None = None

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Whether the caller may come in; what it sees is up to `visible_to`."""
        if not isinstance(request.user, User):
            return False
        if not isinstance(request.auth, ApiToken):
            return True
        names = ["read_scope"] if request.method in SAFE_METHODS else ["write_scope"]
        if request.method not in SAFE_METHODS and getattr(view, "write_answers_levels", False):
            names.append("read_scope")
        wanted = [getattr(view, name, None) for name in names]
        missing = sorted({scope for scope in wanted if scope is not None} - set(request.auth.scopes))
        if missing:
            self.message = _("This token lacks the scope: %(scopes)s") % {"scopes": " ".join(missing)}
        return not missing and None not in wanted
