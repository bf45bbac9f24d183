"""Tables without domain words: the audit trail, long jobs, notifications, beat's slots."""

import uuid
from datetime import timedelta
from typing import Self

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from skillmap.core.choices import ImportState, JobState, MailState, RowOutcome


class AuditEvent(models.Model):
    """Who did or looked at what, when, why. Append-only: triggers in the database refuse UPDATE and DELETE.

    `subject_key` names the person whose data it is about, as `staff:<id>`, so that the person can read who looked.
    """

    at = models.DateTimeField(auto_now_add=True)
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    verb = models.CharField(max_length=64)
    target = models.CharField(max_length=80, blank=True)
    subject_key = models.CharField(max_length=40, blank=True)
    purpose = models.CharField(max_length=64, blank=True)
    channel = models.CharField(max_length=12, default="page")
    data = models.JSONField(default=dict)

    class Meta:
        indexes = [
            models.Index(fields=["subject_key", "-id"], name="audit_by_subject"),
            models.Index(fields=["target", "-id"], name="audit_by_target"),
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.verb} {self.target}"


class AuditSeal(models.Model):
    """One link of the hash chain over the audit trail, in id order; written by a job, append-only like the trail."""

    event = models.OneToOneField(AuditEvent, models.PROTECT, primary_key=True, related_name="seal")
    digest = models.CharField(max_length=64)
    sealed_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"{self.pk}: {self.digest[:12]}"


class JobQuerySet(models.QuerySet["Job"]):
    """Access to jobs: whoever asked for one sees it."""

    def requested_by(self, user_id: int | None) -> Self:
        """The jobs that a user asked for."""
        return self.filter(requested_by_id=user_id)

    def active(self) -> Self:
        """Queued or running."""
        return self.filter(state__in=JobState.active())

    def due(self) -> Self:
        """Waiting for a worker: queued, or running with a lease that has run out (time of the database)."""
        waiting = Q(state=JobState.QUEUED) | Q(state=JobState.RUNNING, lease_until__lt=Now())
        return self.filter(waiting, Q(not_before=None) | Q(not_before__lte=Now()))

    def stuck(self) -> Self:
        """What the secretariat is told of: given up, failed, or taken by nobody for a day."""
        untaken = Q(state=JobState.QUEUED, created_at__lt=Now() - timedelta(days=1))
        return self.filter(Q(state__in=[JobState.DEAD, JobState.FAILED]) | untaken)


class Job(models.Model):
    """A long job. This row is the truth about it; a message to the worker is only a nudge."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    kind = models.CharField(max_length=64)
    dedup_key = models.CharField(max_length=200, blank=True)
    state = models.CharField(max_length=12, choices=JobState, default=JobState.QUEUED)
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="jobs")
    purpose = models.CharField(max_length=64, blank=True)
    inputs = models.JSONField(default=dict)
    cursor = models.JSONField(default=dict)
    result = models.JSONField(default=dict)
    done = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField(default=0)
    message = models.CharField(max_length=300, blank=True)
    error = models.CharField(max_length=300, blank=True)
    cancel_requested = models.BooleanField(default=False)
    attempt = models.PositiveSmallIntegerField(default=0)
    fence = models.PositiveIntegerField(default=0)
    lease_owner = models.CharField(max_length=120, blank=True)
    lease_until = models.DateTimeField(null=True)
    not_before = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    objects = JobQuerySet.as_manager()

    LEASE = timedelta(seconds=settings.JOB_LEASE_SECONDS)
    MAX_ATTEMPTS = 3

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "dedup_key"],
                condition=Q(state__in=["queued", "running"]) & ~Q(dedup_key=""),
                name="job_one_active_per_key",
            ),
            models.CheckConstraint(condition=Q(state__in=JobState.values), name="job_state_known"),
            models.CheckConstraint(
                condition=Q(state__in=["queued", "running"]) | Q(finished_at__isnull=False), name="job_end_has_time"
            ),
        ]
        indexes = [models.Index(fields=["state", "lease_until"], name="job_due")]

    def __str__(self) -> str:
        return f"{self.kind} {self.public_id}"

    @property
    def is_active(self) -> bool:
        """Whether it still waits or works."""
        return self.state in JobState.active()

    @property
    def percent(self) -> int:
        """Progress in whole per cent."""
        return min(100, self.done * 100 // self.total) if self.total else 0


class Notification(models.Model):
    """A notice to one person: read in the app, and mailed by a worker. The row is the outbox.

    Texts carry no level, note or wish, only what is due and a link.
    """

    recipient = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="notifications")
    kind = models.CharField(max_length=64)
    subject = models.CharField(max_length=200)
    body = models.TextField(blank=True)
    path = models.CharField(max_length=300, blank=True)
    dedup_key = models.CharField(max_length=200)
    created_at = models.DateTimeField(auto_now_add=True)
    read_at = models.DateTimeField(null=True)
    mail_state = models.CharField(max_length=10, choices=MailState, default=MailState.WAITING)
    mail_tries = models.PositiveSmallIntegerField(default=0)
    mail_error = models.CharField(max_length=200, blank=True)
    claimed_until = models.DateTimeField(null=True)
    next_try_at = models.DateTimeField(null=True)
    sent_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["recipient", "dedup_key"], name="notification_once"),
            models.CheckConstraint(condition=Q(mail_state__in=MailState.values), name="notification_mail_state_known"),
        ]
        indexes = [
            models.Index(fields=["recipient", "read_at"], name="notification_unread"),
            models.Index(fields=["mail_state", "next_try_at"], name="notification_to_mail"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} #{self.pk}"


class PeriodicSlot(models.Model):
    """One slot of a periodic job: beat may tick twice or late, a slot runs once."""

    name = models.CharField(max_length=64)
    slot = models.CharField(max_length=32)
    #: By the database's clock: the newest tells everybody alike whether work goes on (`periodic.stands_still`).
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["name", "slot"], name="periodic_slot_once")]

    def __str__(self) -> str:
        return f"{self.name} {self.slot}"


class SubmittedForm(models.Model):
    """The key of a form that was taken, with where its answer is: a second press replays the first."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    key = models.UUIDField()
    location = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "key"], name="submitted_form_once")]

    def __str__(self) -> str:
        return f"{self.user_id}:{self.key}"


class StoredFile(models.Model):
    """A file kept outside the web root under a name of our making; views check rights before they hand it out."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="stored_files")
    kind = models.CharField(max_length=64)
    name = models.CharField(max_length=200)
    content_type = models.CharField(max_length=100)
    size = models.PositiveBigIntegerField()
    sha256 = models.CharField(max_length=64)
    path = models.CharField(max_length=300)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.kind} {self.public_id}"


class ImportBatch(models.Model):
    """One uploaded table on its way in: checked row by row first, then applied whole or not at all.

    `fingerprint` stands for kind, options and contents: the same file with the same options is applied once. `facts`
    holds what the check found about it (see core.imports). The file itself is kept until it is applied, or for two
    days.
    """

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    kind = models.CharField(max_length=64)
    state = models.CharField(max_length=10, choices=ImportState, default=ImportState.CHECKING)
    file_name = models.CharField(max_length=200)
    sha256 = models.CharField(max_length=64)
    fingerprint = models.CharField(max_length=64)
    options = models.JSONField(default=dict)
    facts = models.JSONField(default=dict, encoder=DjangoJSONEncoder)
    file = models.ForeignKey(StoredFile, models.SET_NULL, null=True, related_name="+")
    job = models.ForeignKey(Job, models.PROTECT, null=True, related_name="+")
    row_count = models.PositiveIntegerField(default=0)
    problem_count = models.PositiveIntegerField(default=0)
    problem = models.CharField(max_length=600, blank=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    checked_at = models.DateTimeField(null=True)
    applied_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    applied_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["fingerprint"], condition=Q(state__in=["applying", "applied"]), name="import_applied_once"
            ),
            models.CheckConstraint(condition=Q(state__in=ImportState.values), name="import_state_known"),
            models.CheckConstraint(
                condition=~Q(state="applied") | Q(applied_at__isnull=False), name="import_applied_has_time"
            ),
        ]
        indexes = [models.Index(fields=["kind", "-id"], name="import_by_kind")]

    def __str__(self) -> str:
        return f"{self.kind} {self.public_id}"

    @property
    def is_busy(self) -> bool:
        """Whether a job works on it."""
        return self.state in ImportState.busy()

    @property
    def is_stuck(self) -> bool:
        """Whether a job ought to work on it but has ended: cancelled, or given up."""
        return self.is_busy and (self.job is None or not self.job.is_active)


class ImportRow(models.Model):
    """One row of an uploaded table: what applying it would do, or what is wrong with it. Kept for some weeks."""

    batch = models.ForeignKey(ImportBatch, models.CASCADE, related_name="rows")
    number = models.PositiveIntegerField()
    key = models.CharField(max_length=100, blank=True)
    label = models.CharField(max_length=200, blank=True)
    outcome = models.CharField(max_length=6, choices=RowOutcome)
    data = models.JSONField(default=dict, encoder=DjangoJSONEncoder)
    version = models.PositiveIntegerField(null=True)
    problems = models.JSONField(default=list, encoder=DjangoJSONEncoder)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["batch", "number"], name="import_row_once"),
            models.CheckConstraint(condition=Q(outcome__in=RowOutcome.values), name="import_row_outcome_known"),
        ]

    def __str__(self) -> str:
        return f"{self.batch_id}:{self.number}"
