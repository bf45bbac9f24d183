"""Jobs of people: what a new day brings, and invitations by mail."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.core.mail import EmailMessage
from django.template.loader import render_to_string
from django.utils.translation import gettext as _

from skillmap.core import clock, notifications
from skillmap.core.errors import RuleViolation
from skillmap.core.jobs import JobLater, JobRun, job_handler
from skillmap.core.periodic import daily_at, periodic
from skillmap.people import services
from skillmap.people.access import access_of
from skillmap.people.adapters import is_tied
from skillmap.people.models import User

WAITS_FOR = timedelta(days=1)
LOOK_AGAIN = timedelta(minutes=5)


@job_handler("people.apply_due")
def apply_due(run: JobRun) -> Mapping[str, Any]:
    """Bring organisations and people up to today; the same outcome however late or often it runs."""
    changes = services.changes_apply_due()
    run.progress(1, 2)
    return {"changes": changes, "people": services.people_apply_due()}


@job_handler("people.invite")
def invite(run: JobRun) -> Mapping[str, Any]:
    """Mail the link to set a password. It is made here, so that no table and no queue ever holds it.

    It waits for a mail server that is away, WAITS_FOR at most. RuleViolation `not_allowed` where whoever asked for it
    is no longer of the secretariat.
    """
    asked = run.job.requested_by_id
    if asked is not None and not access_of(User.objects.get(pk=asked)).is_secretariat:
        raise RuleViolation(_("Your role does not allow this any more."), code="not_allowed")
    user = User.objects.filter(pk=run.inputs["user_id"], is_active=True, is_service=False).first()
    if user is None or is_tied(user):
        return {"sent": False}
    context = {"name": user.name, "link": services.reset_link(user)}
    body = render_to_string("people/mail_invite.txt", context)
    try:
        EmailMessage(_("Your account for the digital skill map"), body, None, [user.email]).send()
    except OSError as error:
        if notifications.is_about_the_mail(error) or clock.now() - run.job.created_at > WAITS_FOR:
            raise
        raise JobLater(LOOK_AGAIN) from error
    return {"sent": True}


periodic("people.apply_due", daily_at(0))
