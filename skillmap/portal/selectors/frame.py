"""Counts that every page's frame needs."""

from dataclasses import dataclass

from django.db.models import Count, Exists, IntegerField, OuterRef, Subquery
from django.db.models.functions import Coalesce

from skillmap.assessment.choices import CycleState
from skillmap.assessment.models import MentorPair
from skillmap.core.models import Notification
from skillmap.people.models import User


@dataclass(frozen=True)
class Frame:
    """Counts that every page's frame needs."""

    unread: int
    is_mentor: bool


def frame(user: User) -> Frame:
    """Unread notices, and whether the person mentors anybody in an open cycle; one query."""
    unread = Notification.objects.filter(recipient=OuterRef("pk"), read_at=None).values("recipient")
    pairs = MentorPair.objects.active().filter(mentor__user=OuterRef("pk"), cycle__state=CycleState.OPEN)
    row = (
        User.objects.filter(pk=user.pk)
        .annotate(
            unread=Coalesce(Subquery(unread.annotate(n=Count("pk")).values("n"), output_field=IntegerField()), 0),
            mentors=Exists(pairs),
        )
        .values_list("unread", "mentors")
        .first()
    )
    return Frame(*row) if row else Frame(0, False)
