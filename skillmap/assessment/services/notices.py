"""Notices about steps: who should know, in a sentence without any level, note or wish."""

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from skillmap.assessment.choices import Action
from skillmap.assessment.models import Assessment, MentorPair
from skillmap.core import clock, notifications
from skillmap.core.models import Notification
from skillmap.people.models import User

TO_MENTORS = {
    Action.SUBMIT: _("A self-check was submitted: the first 1on1 can be prepared"),
    Action.TAKE_BACK: _("A self-check was taken back"),
    Action.CORRECT: _("A correction was submitted"),
}
TO_PERSON = {
    Action.REVIEW: _("Your first 1on1 is recorded: please correct and submit your check"),
    Action.RETURN: _("Your check was returned to you"),
    Action.CONFIRM: _("Your levels are confirmed"),
    Action.REOPEN: _("Your check was reopened"),
    Action.WITHDRAW: _("Your check was withdrawn from the cycle"),
}


def tell_about_step(check: Assessment, *, action: str, actor: User) -> None:
    """Write the notices of one step, in the transaction that takes it; the actor is not told."""
    key = f"assessment:{check.pk}:{action}:{check.version}"
    rows: list[Notification] = []
    if action in TO_MENTORS:
        rows += [
            notifications.build(
                recipient_id=user_id,
                kind=f"assessment.{action}",
                subject=TO_MENTORS[Action(action)],
                path=reverse("assessment:one_on_one", args=[check.pk]),
                dedup_key=key,
            )
            for user_id in _mentor_users(check)
        ]
    elif action in TO_PERSON and check.staff.user_id is not None:
        rows.append(
            notifications.build(
                recipient_id=check.staff.user_id,
                kind=f"assessment.{action}",
                subject=TO_PERSON[Action(action)],
                path=reverse("assessment:check", args=[check.pk]),
                dedup_key=key,
            )
        )
    notifications.notify_many(row for row in rows if row.recipient_id != actor.pk)


def tell_about_entry(check: Assessment) -> None:
    """Tell the person that the secretariat entered something on their behalf; once a day."""
    if check.staff.user_id is None:
        return
    row = notifications.build(
        recipient_id=check.staff.user_id,
        kind="assessment.entry_on_behalf",
        subject=_("The secretariat entered answers on your behalf"),
        path=reverse("assessment:check", args=[check.pk]),
        dedup_key=f"assessment:{check.pk}:on_behalf:{clock.today()}",
    )
    notifications.notify_many([row])


def _mentor_users(check: Assessment) -> list[int]:
    pairs = MentorPair.objects.active().filter(cycle=check.cycle_id, mentee=check.staff_id)
    return list(pairs.filter(mentor__user__isnull=False).values_list("mentor__user_id", flat=True))
