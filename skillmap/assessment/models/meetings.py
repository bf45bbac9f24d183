"""1on1: times proposed, the record with its shared note, the private memo, development goals."""

from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q

from skillmap.assessment.choices import GoalState, MeetingKind, MeetingWay, ProposalState
from skillmap.assessment.models.checks import Assessment
from skillmap.framework.models import Skill
from skillmap.people.models import Staff, User


class MeetingProposal(models.Model):
    """A time proposed for a 1on1, by either side; the other side agrees."""

    assessment = models.ForeignKey(Assessment, models.PROTECT, related_name="proposals")
    kind = models.CharField(max_length=8, choices=MeetingKind)
    starts_at = models.DateTimeField()
    minutes = models.PositiveSmallIntegerField(default=30)
    way = models.CharField(max_length=10, choices=MeetingWay, default=MeetingWay.ONLINE)
    place = models.CharField(max_length=200, blank=True)
    state = models.CharField(max_length=10, choices=ProposalState, default=ProposalState.OPEN)
    proposed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    answered_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["assessment", "kind"], condition=Q(state="accepted"), name="proposal_one_agreed"
            ),
            models.UniqueConstraint(
                fields=["assessment", "kind", "starts_at"], condition=Q(state="open"), name="proposal_time_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.assessment_id} {self.kind} {self.starts_at:%Y-%m-%d %H:%M}"


class OneOnOne(models.Model):
    """1on1: about the input (first) or the result (second); about career development, never an act of approval.

    It is held once it has a day. Before that the row keeps what both sides prepare: the mentor's draft of the shared
    note, which the person reads from the recording on, and the person's own words, which the mentor reads at once. Both
    are for the person and the current mentor, and nobody else. `version` counts the mentor's side, `person_version` the
    person's.
    """

    assessment = models.ForeignKey(Assessment, models.PROTECT, related_name="meetings")
    kind = models.CharField(max_length=8, choices=MeetingKind)
    held_on = models.DateField(null=True)
    way = models.CharField(max_length=10, choices=MeetingWay, blank=True)
    mentor = models.ForeignKey(Staff, models.PROTECT, related_name="+")
    by_deputy = models.BooleanField(default=False)
    shared_note = models.TextField(blank=True, max_length=4000)
    person_note = models.TextField(blank=True, max_length=2000)
    person_version = models.PositiveIntegerField(default=0)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    version = models.PositiveIntegerField(default=1)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["assessment", "kind"], name="meeting_once_per_kind"),
            models.CheckConstraint(condition=Q(held_on=None) | ~Q(way=""), name="meeting_held_has_way"),
        ]

    def __str__(self) -> str:
        return f"{self.assessment_id} {self.kind} {self.held_on}"


class PrivateMemoQuerySet(models.QuerySet["PrivateMemo"]):
    """A memo is its author's alone."""

    def visible_to(self, user: User) -> Self:
        """Own memos; nobody else's, not for the secretariat either."""
        return self.filter(author=user)


class PrivateMemo(models.Model):
    """A mentor's own memo about a check. It stays with its author, also after a hand-over."""

    assessment = models.ForeignKey(Assessment, models.PROTECT, related_name="memos")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    text = models.TextField(max_length=4000)
    updated_at = models.DateTimeField(auto_now=True)
    version = models.PositiveIntegerField(default=1)

    objects = PrivateMemoQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["assessment", "author"], name="memo_once_per_author")]

    def __str__(self) -> str:
        return f"{self.assessment_id} by {self.author_id}"


class DevelopmentGoal(models.Model):
    """A goal agreed in a 1on1; open ones of the last cycle are carried forward."""

    assessment = models.ForeignKey(Assessment, models.PROTECT, related_name="goals")
    skill = models.ForeignKey(Skill, models.PROTECT, null=True, related_name="+")
    text = models.CharField(max_length=300)
    due_on = models.DateField(null=True)
    state = models.CharField(max_length=8, choices=GoalState, default=GoalState.OPEN)
    carried_from = models.ForeignKey("self", models.PROTECT, null=True, related_name="carried_to")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    version = models.PositiveIntegerField(default=1)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["carried_from"], name="goal_carried_once")]

    def __str__(self) -> str:
        return f"{self.assessment_id} goal #{self.pk}"
