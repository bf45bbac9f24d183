"""The skill framework in versions: items, levels, job types and what they ask for, certificates."""

from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import get_language

from skillmap.framework.choices import FrameworkState, ItemKind, Level, Provenance


def in_language(japanese: str, english: str) -> str:
    """The text in the reader's language; Japanese where no English one is kept."""
    return english if english and (get_language() or "ja").startswith("en") else japanese


class FrameworkQuerySet(models.QuerySet["Framework"]):
    """Published versions are open to everyone signed in, drafts to the secretariat."""

    def published(self) -> Self:
        """Versions in force or retired: what cycles may refer to."""
        return self.exclude(state=FrameworkState.DRAFT)

    def visible_to(self, user: object) -> Self:
        """Drafts only for the secretariat and its supporters."""
        from skillmap.people.access import access_of

        access = access_of(user)  # type: ignore[arg-type]
        return self if access.is_secretariat or access.is_supporter else self.published()


class Framework(models.Model):
    """One version of the skill framework. Published versions never change; a cycle keeps the one it ran on."""

    code = models.CharField(max_length=40, unique=True)
    name = models.CharField(max_length=100)
    name_en = models.CharField(max_length=100, blank=True)
    state = models.CharField(max_length=10, choices=FrameworkState, default=FrameworkState.DRAFT)
    based_on = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="drafts")
    note = models.TextField(blank=True)
    # Whether the English texts are still our own translation.
    translation_provenance = models.CharField(max_length=10, choices=Provenance, default=Provenance.INFERRED)
    created_at = models.DateTimeField(auto_now_add=True)
    published_at = models.DateTimeField(null=True)
    published_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    retired_at = models.DateTimeField(null=True)
    version = models.PositiveIntegerField(default=1)

    objects = FrameworkQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(state__in=FrameworkState.values), name="framework_state_known"),
            models.CheckConstraint(
                condition=Q(state="draft") | Q(published_at__isnull=False), name="framework_published_has_time"
            ),
            models.CheckConstraint(
                condition=~Q(state="retired") | Q(retired_at__isnull=False), name="framework_retired_has_time"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.code})"

    @property
    def label(self) -> str:
        """Its name in the reader's language."""
        return in_language(self.name, self.name_en)

    @property
    def is_draft(self) -> bool:
        """Whether it can still be edited."""
        return self.state == FrameworkState.DRAFT


class SkillCategory(models.Model):
    """分類: items that belong together."""

    framework = models.ForeignKey(Framework, models.PROTECT, related_name="categories")
    code = models.CharField(max_length=40)
    name = models.CharField(max_length=60)
    name_en = models.CharField(max_length=80, blank=True)
    kind = models.CharField(max_length=8, choices=ItemKind, default=ItemKind.DIGITAL)
    sort_order = models.PositiveSmallIntegerField()
    source = models.CharField(max_length=100, blank=True)
    version = models.PositiveIntegerField(default=1)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["framework", "code"], name="category_code_once"),
            models.CheckConstraint(condition=Q(kind__in=ItemKind.values), name="category_kind_known"),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.framework_id}:{self.code})"

    @property
    def label(self) -> str:
        """Its name in the reader's language."""
        return in_language(self.name, self.name_en)


class Skill(models.Model):
    """スキル項目 in one version; `code` stays the same through all versions."""

    framework = models.ForeignKey(Framework, models.PROTECT, related_name="skills")
    category = models.ForeignKey(SkillCategory, models.PROTECT, related_name="skills")
    code = models.CharField(max_length=40)
    number = models.PositiveSmallIntegerField()
    name = models.CharField(max_length=60)
    name_en = models.CharField(max_length=80, blank=True)
    definition = models.CharField(max_length=300, blank=True)
    definition_en = models.CharField(max_length=400, blank=True)
    kind = models.CharField(max_length=8, choices=ItemKind, default=ItemKind.DIGITAL)
    provenance = models.CharField(max_length=10, choices=Provenance, default=Provenance.SEEN)
    source = models.CharField(max_length=100, blank=True)
    version = models.PositiveIntegerField(default=1)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["framework", "code"], name="skill_code_once"),
            models.UniqueConstraint(fields=["framework", "kind", "number"], name="skill_number_once"),
            models.CheckConstraint(condition=Q(kind__in=ItemKind.values), name="skill_kind_known"),
        ]
        indexes = [models.Index(fields=["code"], name="skill_by_code")]

    def __str__(self) -> str:
        return f"{self.number} {self.name} ({self.framework_id}:{self.code})"

    @property
    def label(self) -> str:
        """Its name in the reader's language."""
        return in_language(self.name, self.name_en)

    @property
    def text(self) -> str:
        """Its definition in the reader's language."""
        return in_language(self.definition, self.definition_en)


class SkillLevel(models.Model):
    """One of the four levels with its name and definition in one version."""

    framework = models.ForeignKey(Framework, models.PROTECT, related_name="levels")
    level = models.PositiveSmallIntegerField(choices=Level)
    label = models.CharField(max_length=20)
    name = models.CharField(max_length=40)
    name_en = models.CharField(max_length=60, blank=True)
    definition = models.CharField(max_length=200)
    definition_en = models.CharField(max_length=300, blank=True)
    source = models.CharField(max_length=100, blank=True)
    version = models.PositiveIntegerField(default=1)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["framework", "level"], name="level_once"),
            models.CheckConstraint(condition=Q(level__in=Level.values), name="level_known"),
        ]

    def __str__(self) -> str:
        return f"{self.framework_id}:{self.label}"

    @property
    def title(self) -> str:
        """Its name in the reader's language."""
        return in_language(self.name, self.name_en)

    @property
    def text(self) -> str:
        """Its definition in the reader's language."""
        return in_language(self.definition, self.definition_en)


class SkillLevelText(models.Model):
    """What a level means for one item, where the general definition is not enough."""

    skill = models.ForeignKey(Skill, models.PROTECT, related_name="level_texts")
    level = models.PositiveSmallIntegerField(choices=Level)
    text = models.CharField(max_length=300)
    text_en = models.CharField(max_length=400, blank=True)
    provenance = models.CharField(max_length=10, choices=Provenance, default=Provenance.INFERRED)
    source = models.CharField(max_length=100, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["skill", "level"], name="level_text_once"),
            models.CheckConstraint(condition=Q(level__in=Level.values), name="level_text_level_known"),
        ]

    def __str__(self) -> str:
        return f"{self.skill_id} Lv.{self.level}"

    @property
    def label(self) -> str:
        """The text in the reader's language."""
        return in_language(self.text, self.text_en)


class JobType(models.Model):
    """ジョブタイプ in one version."""

    framework = models.ForeignKey(Framework, models.PROTECT, related_name="job_types")
    code = models.CharField(max_length=40)
    name = models.CharField(max_length=60)
    name_en = models.CharField(max_length=80, blank=True)
    definition = models.CharField(max_length=300)
    definition_en = models.CharField(max_length=400, blank=True)
    core_category = models.ForeignKey(SkillCategory, models.PROTECT, null=True, related_name="job_types")
    sort_order = models.PositiveSmallIntegerField()
    name_provenance = models.CharField(max_length=10, choices=Provenance, default=Provenance.INFERRED)
    definition_provenance = models.CharField(max_length=10, choices=Provenance, default=Provenance.INFERRED)
    source = models.CharField(max_length=100, blank=True)
    note = models.CharField(max_length=200, blank=True)
    version = models.PositiveIntegerField(default=1)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["framework", "code"], name="job_type_code_once")]

    def __str__(self) -> str:
        return f"{self.name} ({self.framework_id}:{self.code})"

    @property
    def label(self) -> str:
        """Its name in the reader's language."""
        return in_language(self.name, self.name_en)

    @property
    def text(self) -> str:
        """Its definition in the reader's language."""
        return in_language(self.definition, self.definition_en)

    @property
    def is_default(self) -> bool:
        """Whether name or definition is still our default."""
        return Provenance.INFERRED in (self.name_provenance, self.definition_provenance)


class JobTypeRequirement(models.Model):
    """The level at which a job type asks for a skill; 0 asks for nothing."""

    job_type = models.ForeignKey(JobType, models.PROTECT, related_name="requirements")
    skill = models.ForeignKey(Skill, models.PROTECT, related_name="requirements")
    level = models.PositiveSmallIntegerField(choices=Level)
    provenance = models.CharField(max_length=10, choices=Provenance, default=Provenance.INFERRED)
    source = models.CharField(max_length=100, blank=True)
    note = models.CharField(max_length=200, blank=True)
    version = models.PositiveIntegerField(default=1)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["job_type", "skill"], name="requirement_once"),
            models.CheckConstraint(condition=Q(level__in=Level.values), name="requirement_level_known"),
        ]

    def __str__(self) -> str:
        return f"{self.job_type_id} {self.skill_id} Lv.{self.level}"

    @property
    def is_default(self) -> bool:
        """Whether the level is still our default."""
        return self.provenance == Provenance.INFERRED


class Certification(models.Model):
    """An exam; evidence beside a level, never a level by itself."""

    framework = models.ForeignKey(Framework, models.PROTECT, related_name="certifications")
    code = models.CharField(max_length=40)
    name = models.CharField(max_length=100)
    name_en = models.CharField(max_length=120, blank=True)
    issuer = models.CharField(max_length=60, blank=True)
    grade = models.CharField(max_length=20, blank=True)
    provenance = models.CharField(max_length=10, choices=Provenance, default=Provenance.SEEN)
    source = models.CharField(max_length=100, blank=True)
    note = models.CharField(max_length=200, blank=True)
    version = models.PositiveIntegerField(default=1)
    skills = models.ManyToManyField(Skill, related_name="certifications", through="CertificationSkill")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["framework", "code"], name="certification_code_once")]

    def __str__(self) -> str:
        return f"{self.name} ({self.framework_id}:{self.code})"

    @property
    def label(self) -> str:
        """Its name in the reader's language."""
        return in_language(self.name, self.name_en)


class CertificationSkill(models.Model):
    """Which item an exam is evidence for."""

    certification = models.ForeignKey(Certification, models.PROTECT, related_name="+")
    skill = models.ForeignKey(Skill, models.PROTECT, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["certification", "skill"], name="certification_skill_once")]

    def __str__(self) -> str:
        return f"{self.certification_id} for {self.skill_id}"
