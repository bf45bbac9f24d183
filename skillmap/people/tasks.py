"""Jobs of people: what a new day brings, and invitations by mail."""

from collections.abc import Mapping
from typing import Any

from django.core.mail import EmailMessage
from django.template.loader import render_to_string
from django.utils.translation import gettext as _

from skillmap.core.errors import RuleViolation
from skillmap.core.jobs import JobRun, job_handler
from skillmap.core.periodic import daily_at, periodic
from skillmap.people import services
from skillmap.people.access import access_of
from skillmap.people.models import User


@job_handler("people.apply_due")
def apply_due(run: JobRun) -> Mapping[str, Any]:
    """Bring organisations and people up to today; the same outcome however late or often it runs."""
    changes = services.changes_apply_due()
    run.progress(1, 2)
    return {"changes": changes, "people": services.people_apply_due()}


@job_handler("people.invite")
def invite(run: JobRun) -> Mapping[str, Any]:
    """Mail the link to set a password. It is made here, so that no table and no queue ever holds it.

    RuleViolation `not_allowed` where whoever asked for it is no longer of the secretariat.
    """
    asked = run.job.requested_by_id
    if asked is not None and not access_of(User.objects.get(pk=asked)).is_secretariat:
        raise RuleViolation(_("Your role does not allow this any more."), code="not_allowed")
    user = User.objects.filter(pk=run.inputs["user_id"], is_active=True, is_service=False).first()
    if user is None:
        return {"sent": False}
    context = {"name": user.name, "link": services.reset_link(user)}
    body = render_to_string("people/mail_invite.txt", context)
    EmailMessage(_("Your account for the digital skill map"), body, None, [user.email]).send()
    return {"sent": True}


periodic("people.apply_due", daily_at(0))
