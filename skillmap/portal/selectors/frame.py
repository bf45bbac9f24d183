"""Counts that every page's frame needs."""

from dataclasses import dataclass

from django.db.models import Count, Exists, IntegerField, OuterRef, Subquery
from django.db.models.functions import Coalesce

from skillmap.assessment.choices import CycleState
from skillmap.assessment.models import MentorPair
from skillmap.core import periodic
from skillmap.core.models import Notification
from skillmap.people.models import User


@dataclass(frozen=True)
class Frame:
    """Counts that every page's frame needs."""

    unread: int
    is_mentor: bool
    work_stands_still: bool


def frame(user: User) -> Frame:
    """Unread notices, whether the person mentors anybody in an open cycle, whether work goes on; one query."""
    unread = Notification.objects.filter(recipient=OuterRef("pk"), read_at=None).values("recipient")
    pairs = MentorPair.objects.active().filter(mentor__user=OuterRef("pk"), cycle__state=CycleState.OPEN)
    row = (
        User.objects.filter(pk=user.pk)
        .annotate(
            unread=Coalesce(Subquery(unread.annotate(n=Count("pk")).values("n"), output_field=IntegerField()), 0),
            mentors=Exists(pairs),
            still=periodic.stands_still(),
        )
        .values_list("unread", "mentors", "still")
        .first()
    )
    return Frame(row[0], row[1], bool(row[2])) if row else Frame(0, False, False)
