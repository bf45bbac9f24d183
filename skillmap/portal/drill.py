"""Whether people could work with a restored database: somebody signs in by the form and opens pages."""

from collections.abc import Iterator

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.db.models import Exists, F, OuterRef
from django.test import Client
from django.urls import reverse

from skillmap.core.backup.errors import BackupError
from skillmap.people.access import access_of, staff_of
from skillmap.people.models import User

PAGES = ("portal:home", "portal:notices", "people:account", "framework:home", "portal:search")
PAGES_OF_STAFF = ("portal:my_map", "portal:looks")


def look_around(password: str) -> Iterator[str]:
    """Sign in with a password of the drill's own and open the pages; BackupError where one does not open.

    Never on a database that anybody uses: it changes a password, takes a second factor off, unties from single sign-on.
    """
    user = _somebody()
    user.sign_in_subjects.all().delete()
    user.set_password(password)
    user.save(update_fields=["password"])
    Authenticator.objects.filter(user=user).delete()
    client = _client()
    form = {"login": user.email, "password": password}
    answer = client.post(reverse("account_login"), form, secure=True)
    if answer.status_code != 302 or "_auth_user_id" not in client.session:
        raise BackupError(f"Nobody could sign in: {answer.status_code}.")
    yield "Somebody signed in with a password."
    pages = PAGES + (PAGES_OF_STAFF if staff_of(user) is not None else ())
    for page in pages:
        answer = client.get(reverse(page), secure=True)
        if answer.status_code != 200 or b"</html>" not in answer.content:
            raise BackupError(f"{reverse(page)} did not open: {answer.status_code}.")
    yield f"{len(pages)} pages opened."


def _client() -> Client:
    host = next(host for host in settings.ALLOWED_HOSTS if host != "*")
    return Client(raise_request_exception=False, headers={"host": host.lstrip(".")})


def _somebody() -> User:
    """Somebody of whom no second factor is demanded, best one who has none, and staff before others."""
    with_factor = Exists(Authenticator.objects.filter(user=OuterRef("pk")))
    people = User.objects.filter(is_active=True, is_service=False).order_by(
        with_factor, F("staff").asc(nulls_last=True), "pk"
    )
    for user in people.select_related("staff")[:200]:
        if not access_of(user).roles.intersection(settings.MFA_REQUIRED_ROLES):
            return user
    raise BackupError("The backup is sound, but a second factor is demanded of everybody: no signing in was tried.")
