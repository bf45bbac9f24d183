"""What a service raises when it refuses."""

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import PermissionDenied


class RuleViolation(Exception):  # noqa: N818  (a refusal, not a fault)
    """The rules say no. A form error on a page, 409 in the API; nothing has been written.

    Args:
        message: one translated sentence in the user's words: what happened, what is kept, what to do.
        code: a stable word for programs, such as `wrong_state`.
        details: further values for the answer, such as both versions of a text.
    """

    def __init__(self, message: object, *, code: str, details: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.details = dict(details or {})

    def __str__(self) -> str:
        return str(self.message)


class Conflict(RuleViolation):
    """Somebody changed the row since it was read: 409 on pages, 412 where If-Match was given."""


class NotAllowed(PermissionDenied):
    """The role may not act: 403, on pages and in the API."""
