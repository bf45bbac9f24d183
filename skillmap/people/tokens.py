"""API tokens: made, found, revoked. The value is shown once; the table keeps a keyed hash."""

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from skillmap.core import audit, clock
from skillmap.core.choices import Purpose
from skillmap.core.errors import RuleViolation
from skillmap.people.models import ApiToken, User
from skillmap.people.services._common import require_secretariat

SCOPES = (
    "reference:read",
    "people:read",
    "levels:read",
    "assessments:write",
    "demand:write",
    "runs:write",
    "reports:read",
)
LONGEST = timedelta(days=365)


def digest_of(value: str) -> str:
    """HMAC-SHA256 of a token under TOKEN_PEPPER."""
    return hmac.new(settings.TOKEN_PEPPER.encode(), value.encode(), hashlib.sha256).hexdigest()


@transaction.atomic
def issue(
    *, user: User, name: str, scopes: Sequence[str], purpose: str, actor: User | None, lifetime: timedelta = LONGEST
) -> tuple[ApiToken, str]:
    """Make a token; returns its row and its value, which is shown once.

    Raises:
        NotAllowed: unless the actor is of the secretariat, or a command on the server (None).
        RuleViolation: `unknown_scope`, `unknown_purpose`, `account_closed`.
    """
    require_secretariat(actor)
    user = User.objects.select_for_update().get(pk=user.pk)  # who closes it waits, and finds the token
    if not user.is_active:
        raise RuleViolation(_("The account is closed."), code="account_closed")
    unknown = sorted(set(scopes) - set(SCOPES))
    if unknown or not scopes:
        raise RuleViolation(_("Unknown scopes: %(scopes)s") % {"scopes": ", ".join(unknown)}, code="unknown_scope")
    if purpose not in Purpose.values:
        raise RuleViolation(_("Choose a purpose from the list."), code="unknown_purpose")
    value = f"dsm_{secrets.token_urlsafe(32)}"
    token = ApiToken.objects.create(
        user=user,
        name=name,
        prefix=value[:12],
        digest=digest_of(value),
        scopes=sorted(set(scopes)),
        purpose=purpose,
        created_by=actor,
        expires_at=clock.now() + min(lifetime, LONGEST),
    )
    audit.record(verb="token.issue", actor=actor, target=token, scopes=token.scopes)
    return token, value


def issue_for_days(
    *, user_id: int, name: str, scopes: Sequence[str], purpose: str, days: int, actor: User | None
) -> tuple[ApiToken, str]:
    """The same for an account by its id and a number of days."""
    user = User.objects.get(pk=user_id)
    return issue(user=user, name=name, scopes=scopes, purpose=purpose, actor=actor, lifetime=timedelta(days=days))


@transaction.atomic
def revoke(*, token_id: int, actor: User | None) -> None:
    """End a token at once; for the secretariat."""
    require_secretariat(actor)
    token = ApiToken.objects.select_for_update().get(pk=token_id)
    if token.revoked_at is None:
        token.revoked_at = clock.now()
        token.save(update_fields=["revoked_at"])
        audit.record(verb="token.revoke", actor=actor, target=token)


def find(value: str, *, at: datetime) -> ApiToken | None:
    """The token with this value, if it and its account are valid at a moment."""
    if not value.startswith("dsm_") or len(value) > 100:
        return None
    found = ApiToken.objects.select_related("user", "user__staff").filter(
        digest=digest_of(value), revoked_at=None, expires_at__gt=at, user__is_active=True
    )
    return found.first()


def note_use(token: ApiToken) -> None:
    """Remember the day of the last use; one write a day."""
    today = clock.today()
    if token.last_used_on != today:
        ApiToken.objects.filter(pk=token.pk).update(last_used_on=today)
