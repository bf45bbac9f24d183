"""A cycle: its windows, participant groups, mentors, texts."""

from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from skillmap.assessment.choices import CycleState, CycleStep, FindingKind, GroupItems, SecondMeeting
from skillmap.framework.models import Framework, in_language
from skillmap.people.access import access_of
from skillmap.people.models import Staff, User


class PurposeText(models.Model):
    """What the check is for, as shown to the person; a new text is a new version."""

    number = models.PositiveSmallIntegerField(unique=True)
    text = models.TextField()
    text_en = models.TextField(blank=True)
    published_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"v{self.number}"

    @property
    def body(self) -> str:
        """The text in the reader's language."""
        return in_language(self.text, self.text_en)


class CycleQuerySet(models.QuerySet["Cycle"]):
    """Who sees a cycle: drafts are the secretariat's."""

    def visible_to(self, user: User) -> Self:
        """All for the secretariat and its supporters, opened ones for everyone else."""
        access = access_of(user)
        if access.is_secretariat or access.is_supporter:
            return self
        return self.exclude(state=CycleState.DRAFT)


class Cycle(models.Model):
    """年度サイクル: one round from self-check to confirmed version, on one version of the framework."""

    fiscal_year = models.PositiveSmallIntegerField()
    name = models.CharField(max_length=100)
    framework = models.ForeignKey(Framework, models.PROTECT, related_name="cycles")
    state = models.CharField(max_length=8, choices=CycleState, default=CycleState.DRAFT)
    second_meeting = models.CharField(max_length=8, choices=SecondMeeting, default=SecondMeeting.AFTER)
    purpose_text = models.ForeignKey(PurposeText, models.PROTECT, related_name="cycles")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    opened_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)
    closing_checklist = models.JSONField(default=dict)
    version = models.PositiveIntegerField(default=1)

    objects = CycleQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["fiscal_year", "name"], name="cycle_name_once_a_year"),
            models.CheckConstraint(condition=Q(state__in=CycleState.values), name="cycle_state_known"),
            models.CheckConstraint(
                condition=Q(fiscal_year__gte=2000, fiscal_year__lte=2100), name="cycle_fiscal_year_plausible"
            ),
            models.CheckConstraint(
                condition=Q(state="draft") | Q(opened_at__isnull=False), name="cycle_opened_has_time"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.fiscal_year} {self.name}"

    @property
    def is_open(self) -> bool:
        """Whether people work in it."""
        return self.state == CycleState.OPEN


class CycleWindow(models.Model):
    """The days on which one step is open, both included."""

    cycle = models.ForeignKey(Cycle, models.PROTECT, related_name="windows")
    step = models.CharField(max_length=20, choices=CycleStep)
    opens_on = models.DateField()
    closes_on = models.DateField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["cycle", "step"], name="window_once_per_step"),
            models.CheckConstraint(condition=Q(closes_on__gte=F("opens_on")), name="window_ends_after_start"),
        ]

    def __str__(self) -> str:
        return f"{self.cycle_id} {self.step} {self.opens_on}..{self.closes_on}"


class CycleGroup(models.Model):
    """Participants: who, which kind of items, with or without 1on1.

    `selection` holds any of `occupations`, `designations`, `organisation_ids`, `staff_numbers`; a person is in the
    group who
    fits every one that is given. Someone who fits several groups is in the first.
    """

    cycle = models.ForeignKey(Cycle, models.PROTECT, related_name="groups")
    name = models.CharField(max_length=60)
    items = models.CharField(max_length=8, choices=GroupItems, default=GroupItems.DIGITAL)
    with_one_on_one = models.BooleanField(default=True)
    selection = models.JSONField(default=dict)
    sort_order = models.PositiveSmallIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["cycle", "name"], name="cycle_group_name_once")]

    def __str__(self) -> str:
        return f"{self.cycle_id} {self.name}"


class MentorPairQuerySet(models.QuerySet["MentorPair"]):
    """Pairs by time and by reader."""

    def active(self) -> Self:
        """Pairs that hold now."""
        return self.filter(ended_at=None)

    def visible_to(self, user: User) -> Self:
        """The secretariat sees all, others the pairs that they are part of."""
        access = access_of(user)
        if access.is_secretariat:
            return self
        return self.filter(Q(mentor=access.staff_id) | Q(mentee=access.staff_id))


class MentorPair(models.Model):
    """Who mentors whom in a cycle. A hand-over ends one row and begins another; the old mentor loses sight at once."""

    cycle = models.ForeignKey(Cycle, models.PROTECT, related_name="mentor_pairs")
    mentee = models.ForeignKey(Staff, models.PROTECT, related_name="mentor_pairs")
    mentor = models.ForeignKey(Staff, models.PROTECT, related_name="mentee_pairs")
    is_deputy = models.BooleanField(default=False)
    not_evaluator_declared = models.BooleanField(default=False)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    assigned_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    reason = models.CharField(max_length=200, blank=True)

    objects = MentorPairQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["cycle", "mentee", "is_deputy"], condition=Q(ended_at=None), name="pair_one_active_mentor"
            ),
            models.CheckConstraint(condition=~Q(mentor=F("mentee")), name="pair_not_oneself"),
            models.CheckConstraint(condition=Q(not_evaluator_declared=True), name="pair_not_evaluator_declared"),
            models.CheckConstraint(
                condition=Q(ended_at=None) | Q(ended_at__gte=F("started_at")), name="pair_ends_after_start"
            ),
        ]
        indexes = [models.Index(fields=["mentor", "ended_at"], name="pair_by_mentor")]

    def __str__(self) -> str:
        return f"{self.mentor_id} mentors {self.mentee_id} in {self.cycle_id}"


class PurposeAcknowledgement(models.Model):
    """That a person has seen the purpose text, at first entry and at each cycle."""

    staff = models.ForeignKey(Staff, models.PROTECT, related_name="acknowledgements")
    cycle = models.ForeignKey(Cycle, models.PROTECT, related_name="acknowledgements")
    purpose_text = models.ForeignKey(PurposeText, models.PROTECT, related_name="+")
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["staff", "cycle", "purpose_text"], name="purpose_acknowledged_once")
        ]

    def __str__(self) -> str:
        return f"{self.staff_id} {self.cycle_id} v{self.purpose_text_id}"


class Finding(models.Model):
    """What the tally showed, and what will be done; kept with the cycle."""

    cycle = models.ForeignKey(Cycle, models.PROTECT, related_name="findings")
    kind = models.CharField(max_length=8, choices=FindingKind)
    text = models.TextField()
    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"{self.kind} #{self.pk}"


class MailText(models.Model):
    """The editable text of a reminder or notice, per kind; where none is kept, the built-in text is sent."""

    kind = models.CharField(max_length=64, unique=True)
    subject = models.CharField(max_length=200)
    body = models.TextField()
    updated_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    updated_at = models.DateTimeField(auto_now=True)
    version = models.PositiveIntegerField(default=1)

    def __str__(self) -> str:
        return self.kind
