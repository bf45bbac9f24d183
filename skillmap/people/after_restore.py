"""What must not go on as it was once old accounts are back: sessions, API tokens, second factors of another key."""

from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from cryptography.fernet import InvalidToken
from django.contrib.sessions.models import Session

from skillmap.core import clock
from skillmap.core.backup.after import Wishes, after_restore
from skillmap.core.backup.errors import BackupError
from skillmap.people.adapters import MfaAdapter
from skillmap.people.models import ApiToken


@after_restore
def end_sessions(_wishes: Wishes) -> str:
    """Whoever had signed out since the backup must not be signed in again by it."""
    UserSession.objects.all().delete()
    count, _by_model = Session.objects.all().delete()
    return f"{count} sessions were ended: everybody signs in anew."


@after_restore
def end_tokens(_wishes: Wishes) -> str:
    """A token that was revoked since the backup must not work again; which were is not known any more."""
    count = ApiToken.objects.filter(revoked_at=None).update(revoked_at=clock.now())
    return f"{count} API tokens were revoked: issue new ones."


@after_restore
def check_second_factors(wishes: Wishes) -> str:
    """Each can be read with the present key; where the key is lost, those that can't are removed."""
    unreadable, count = [], 0
    for row in Authenticator.objects.exclude(type=Authenticator.Type.WEBAUTHN).order_by("pk").iterator():
        count += 1
        if not _is_readable(row):
            unreadable.append(row.pk)
    if unreadable and not wishes.keys_lost:
        raise BackupError(f"{len(unreadable)} second factors can't be read with the present TOKEN_PEPPER.")
    Authenticator.objects.filter(pk__in=unreadable).delete()
    removed = f"; {len(unreadable)} others were removed and have to be set up anew" if unreadable else ""
    return f"{count - len(unreadable)} second factors can be read with the present key{removed}."


def _is_readable(row: Authenticator) -> bool:
    secrets = [row.data[name] for name in ("secret", "seed") if name in row.data] + row.data.get("migrated_codes", [])
    try:
        for secret in secrets:
            MfaAdapter().decrypt(secret)
    except InvalidToken:
        return False
    return True
