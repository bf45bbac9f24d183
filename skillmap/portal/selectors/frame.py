"""Counts that every page's frame needs."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Exists, IntegerField, QuerySet, Subquery
from django.db.models.functions import Coalesce

from skillmap.assessment.choices import CycleState
from skillmap.assessment.models import MentorPair
from skillmap.core import periodic
from skillmap.core.models import Notification
from skillmap.core.prepared import Prepared
from skillmap.people.access import access_of
from skillmap.people.models import User


@dataclass(frozen=True)
class Frame:
    """Counts that every page's frame needs. Whether work stands still is asked for those alone who are told."""

    unread: int
    is_mentor: bool
    work_stands_still: bool


def _counts(user: int, staff: int) -> QuerySet[User, tuple[Any, ...]]:
    unread = Notification.objects.filter(recipient=user, read_at=None).values("recipient")
    pairs = MentorPair.objects.active().filter(mentor=staff, cycle__state=CycleState.OPEN)
    counts = User.objects.filter(pk=user).annotate(
        unread=Coalesce(Subquery(unread.annotate(n=Count("pk")).values("n"), output_field=IntegerField()), 0),
        mentors=Exists(pairs),
    )
    return counts.values_list("unread", "mentors")


def _counts_and_work(user: int, staff: int) -> QuerySet[User, tuple[Any, ...]]:
    return _counts(user, staff).annotate(still=periodic.stands_still()).values_list("unread", "mentors", "still")


_COUNTS = Prepared(_counts, user=int, staff=int)
_COUNTS_AND_WORK = Prepared(_counts_and_work, user=int, staff=int)


def frame(user: User, *, told_of_work: bool = False) -> Frame:
    """Unread notices, whether the person mentors anybody in an open cycle, whether work goes on; one query."""
    asked = _COUNTS_AND_WORK if told_of_work else _COUNTS
    rows = asked.ask(user=user.pk, staff=access_of(user).own_id)
    unread, is_mentor, *still = rows[0] if rows else (0, False)
    return Frame(unread, is_mentor, any(still))
