"""Why an API caller reads levels: the token says it; a signed-in person's role or session does."""

from django.utils.translation import gettext as _
from rest_framework.request import Request

from skillmap.core import purpose
from skillmap.core.choices import Purpose
from skillmap.core.errors import RuleViolation
from skillmap.people.access import access_of
from skillmap.people.models import ApiToken, User

NOTICE = "人材育成目的。人事評価への利用禁止"


def purpose_of(request: Request, *, subject_id: int | None = None) -> str:
    """The purpose recorded with this look; RuleViolation (409) where the secretariat has not chosen one."""
    if isinstance(request.auth, ApiToken):
        return request.auth.purpose
    user = request.user
    assert isinstance(user, User)  # noqa: S101  the permission class lets nobody else in
    access = access_of(user)
    if subject_id is not None and access.staff_id == subject_id:
        return ""
    if not access.is_secretariat:
        return Purpose.MENTORING
    chosen = purpose.chosen(request._request)
    if chosen is None:
        raise RuleViolation(_("Choose the purpose of this session first."), code="purpose_required")
    return chosen
