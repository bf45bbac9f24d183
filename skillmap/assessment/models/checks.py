"""One person's check in one cycle: levels, evidence, steps, objections."""

from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q

from skillmap.assessment.choices import Action, Actor, CycleStep, Difficulty, ObjectionState, State, WorkRole
from skillmap.assessment.models.cycles import Cycle, CycleGroup, MentorPair
from skillmap.core import clock
from skillmap.framework.choices import Level
from skillmap.framework.models import Certification, JobType, Skill
from skillmap.people.access import access_of
from skillmap.people.models import Organisation, Staff, User


def _level_known(field: str) -> Q:
    return Q(**{field: None}) | Q(**{f"{field}__in": Level.values})


def mentored_by(staff_id: int | None, prefix: str = "") -> Q:
    """Condition: the assessment's person is mentored by this person now, in the assessment's own cycle."""
    pairs = MentorPair.objects.active().filter(
        mentor_id=staff_id,
        mentee_id=models.OuterRef(f"{prefix}staff_id"),
        cycle_id=models.OuterRef(f"{prefix}cycle_id"),
    )
    return Q(models.Exists(pairs))


class AssessmentQuerySet(models.QuerySet["Assessment"]):
    """Who may read whose check."""

    def visible_to(self, user: User) -> Self:
        """Own ones, those of current mentees, all for the secretariat; no distinct(), so that rows can be locked."""
        access = access_of(user)
        if access.is_secretariat:
            return self
        if access.staff_id is None:
            return self.none()
        return self.of_or_mentored_by(access.staff_id)

    def of_or_mentored_by(self, staff_id: int) -> Self:
        """The person's own ones, and those of current mentees."""
        return self.filter(Q(staff_id=staff_id) | mentored_by(staff_id))

    def progress_visible_to(self, user: User) -> Self:
        """Whose step (never level) may be seen: the secretariat all, a coordinator the own organisation's snapshot."""
        access = access_of(user)
        if access.is_secretariat:
            return self
        wanted = Q(pk__in=[])
        for path in access.coordinated_paths:
            wanted |= Q(organisation__path__startswith=path)
        return self.filter(wanted)


class Assessment(models.Model):
    """スキルチェック.

    One person's answers in one cycle. Organisation, grade and occupation are those at the opening.

    `due_step`, `due_who`, `due_on` and `lacks_mentor` follow from the state and from what lies around it (1on1s,
    windows, extensions, pairs). They are stored, so that a list of all checks has an index to follow;
    `services.standing.settle` writes them wherever one of these changes. `CheckCount` counts by them.

    `confirmed_digits` repeats the confirmed levels of the digital items in their order (see `digits`), NULL before the
    first confirmation: a comparison over everybody reads them here, not from two million ratings.
    """

    cycle = models.ForeignKey(Cycle, models.PROTECT, related_name="assessments")
    group = models.ForeignKey(CycleGroup, models.PROTECT, related_name="assessments")
    staff = models.ForeignKey(Staff, models.PROTECT, related_name="assessments")
    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="assessments")
    grade = models.PositiveSmallIntegerField()
    occupation = models.CharField(max_length=12)
    target_job_type = models.ForeignKey(JobType, models.PROTECT, null=True, blank=True, related_name="+")
    state = models.CharField(max_length=10, choices=State, default=State.DRAFT)
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(auto_now_add=True)
    submitted_at = models.DateTimeField(null=True)
    confirmed_at = models.DateTimeField(null=True)
    confirmed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    confirmed_digits = models.TextField(null=True)
    received_at = models.DateTimeField(null=True)
    due_step = models.CharField(max_length=20, blank=True)
    due_who = models.CharField(max_length=12, blank=True)
    due_on = models.DateField(null=True)
    lacks_mentor = models.BooleanField(default=False)

    objects = AssessmentQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["cycle", "staff"], name="assessment_once_a_cycle"),
            models.CheckConstraint(condition=Q(state__in=State.values), name="assessment_state_known"),
            models.CheckConstraint(
                condition=~Q(state__in=["confirmed", "received"])
                | Q(confirmed_at__isnull=False, confirmed_by__isnull=False),
                name="assessment_confirmed_has_who_and_when",
            ),
        ]
        indexes = [
            models.Index(fields=["cycle", "state", "group", "organisation"], name="assessment_by_state"),
            models.Index(fields=["cycle", "due_on", "id"], name="assessment_by_day"),
            models.Index(fields=["cycle", "id"], condition=Q(lacks_mentor=True), name="assessment_lacks_mentor"),
        ]

    def __str__(self) -> str:
        return f"{self.staff_id} in {self.cycle_id} ({self.state})"


class SkillRating(models.Model):
    """スキルレベル: one item in one check. Self, corrected, mentor's and confirmed level are kept apart.

    NULL is 未回答, not level 0. `version` moves with every write: saving compares and sets it.
    """

    assessment = models.ForeignKey(Assessment, models.PROTECT, related_name="ratings")
    skill = models.ForeignKey(Skill, models.PROTECT, related_name="ratings")
    self_level = models.PositiveSmallIntegerField(null=True)
    self_at = models.DateTimeField(null=True)
    self_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    corrected_level = models.PositiveSmallIntegerField(null=True)
    corrected_at = models.DateTimeField(null=True)
    corrected_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    mentor_level = models.PositiveSmallIntegerField(null=True)
    mentor_reason = models.CharField(max_length=500, blank=True)
    mentor_at = models.DateTimeField(null=True)
    mentor_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    confirmed_level = models.PositiveSmallIntegerField(null=True)
    wish = models.BooleanField(default=False)
    note = models.CharField(max_length=500, blank=True)
    version = models.PositiveIntegerField(default=1)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["assessment", "skill"], name="rating_once"),
            models.CheckConstraint(condition=_level_known("self_level"), name="rating_self_level_known"),
            models.CheckConstraint(condition=_level_known("corrected_level"), name="rating_corrected_level_known"),
            models.CheckConstraint(condition=_level_known("mentor_level"), name="rating_mentor_level_known"),
            models.CheckConstraint(condition=_level_known("confirmed_level"), name="rating_confirmed_level_known"),
        ]

    def __str__(self) -> str:
        return f"{self.assessment_id}:{self.skill_id}"


class Evidence(models.Model):
    """What stands behind a level: the work, its difficulty, the part played, the skill shown, a certificate."""

    rating = models.ForeignKey(SkillRating, models.PROTECT, related_name="evidence")
    work = models.CharField(max_length=120)
    fiscal_year = models.PositiveSmallIntegerField(null=True)
    difficulty = models.CharField(max_length=12, choices=Difficulty, blank=True)
    role = models.CharField(max_length=12, choices=WorkRole, blank=True)
    shown = models.CharField(max_length=500, blank=True)
    certification = models.ForeignKey(Certification, models.PROTECT, null=True, related_name="+")
    position = models.PositiveSmallIntegerField(default=0)
    version = models.PositiveIntegerField(default=1)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"{self.rating_id}: #{self.pk}"


class AssessmentEvent(models.Model):
    """One step of a check: who, when, from, to, why, in which capacity. Append-only."""

    assessment = models.ForeignKey(Assessment, models.PROTECT, related_name="events")
    action = models.CharField(max_length=10, choices=Action)
    source = models.CharField(max_length=10, choices=State)
    target = models.CharField(max_length=10, choices=State)
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    acting_as = models.CharField(max_length=12, choices=Actor)
    on_behalf = models.BooleanField(default=False)
    comment = models.CharField(max_length=1000, blank=True)
    at = models.DateTimeField(default=clock.now)

    def __str__(self) -> str:
        return f"{self.assessment_id} {self.action} #{self.pk}"


class Extension(models.Model):
    """A later closing day of one step for one person."""

    assessment = models.ForeignKey(Assessment, models.PROTECT, related_name="extensions")
    step = models.CharField(max_length=20, choices=CycleStep)
    closes_on = models.DateField()
    reason = models.CharField(max_length=200)
    granted_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    granted_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["assessment", "step"], name="extension_once_per_step")]

    def __str__(self) -> str:
        return f"{self.assessment_id} {self.step} until {self.closes_on}"


class Objection(models.Model):
    """訂正申出: the person objects to a confirmed level; the secretariat answers."""

    assessment = models.ForeignKey(Assessment, models.PROTECT, related_name="objections")
    skill = models.ForeignKey(Skill, models.PROTECT, related_name="+")
    wanted_level = models.PositiveSmallIntegerField(choices=Level)
    text = models.CharField(max_length=1000)
    state = models.CharField(max_length=8, choices=ObjectionState, default=ObjectionState.OPEN)
    raised_at = models.DateTimeField(auto_now_add=True)
    answer = models.CharField(max_length=1000, blank=True)
    answered_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    answered_at = models.DateTimeField(null=True)
    version = models.PositiveIntegerField(default=1)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["assessment", "skill"], condition=Q(state="open"), name="objection_one_open_per_item"
            ),
            models.CheckConstraint(
                condition=Q(state="open") | Q(answered_at__isnull=False, answered_by__isnull=False),
                name="objection_answer_has_who_and_when",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.assessment_id}:{self.skill_id} ({self.state})"
