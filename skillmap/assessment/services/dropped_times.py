"""Times for a 1on1 that do not hold any more, since whoever should be there is not."""

from collections.abc import Iterable

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from skillmap.assessment.choices import ProposalState
from skillmap.assessment.models import Assessment, MeetingProposal
from skillmap.core import clock, notifications

CANCELLED = _("The agreed time of a 1on1 was cancelled: please arrange another one")


def drop_times(cycle_id: int, staff_ids: Iterable[int]) -> None:
    """Drop the coming times of people whose mentor changes or goes: the next one has not agreed to them.

    The people whose 1on1 was agreed are told, in the transaction of the caller.
    """
    coming = _coming().filter(assessment__cycle=cycle_id, assessment__staff__in=list(staff_ids))
    agreed = coming.filter(state=ProposalState.ACCEPTED, assessment__staff__user__isnull=False)
    told = [
        notifications.build(
            recipient_id=user_id,
            kind="meeting.cancelled",
            subject=CANCELLED,
            path=reverse("assessment:meeting_times", args=[check_id]),
            dedup_key=f"cancelled:{pk}",
        )
        for pk, check_id, user_id in agreed.values_list("pk", "assessment_id", "assessment__staff__user_id")
    ]
    _drop(coming)
    notifications.notify_many(told)


def drop_times_of(check: Assessment) -> None:
    """Drop the coming times of a check that is withdrawn, in the transaction of the caller, which tells of that."""
    _drop(_coming().filter(assessment=check))


def _coming() -> QuerySet[MeetingProposal]:
    return MeetingProposal.objects.filter(
        state__in=[ProposalState.OPEN, ProposalState.ACCEPTED], starts_at__gt=clock.now()
    )


def _drop(times: QuerySet[MeetingProposal]) -> None:
    times.update(state=ProposalState.DROPPED, answered_at=clock.now())
