"""The confirmed profile: which level held from when to when, and when that was recorded."""

from datetime import date
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from skillmap.assessment.choices import LevelSource
from skillmap.assessment.models.checks import Assessment
from skillmap.assessment.models.cycles import MentorPair
from skillmap.core import clock
from skillmap.framework.choices import Level
from skillmap.framework.models import Skill
from skillmap.people.access import access_of
from skillmap.people.models import Staff, User


class ConfirmedLevelQuerySet(models.QuerySet["ConfirmedLevel"]):
    """Two times: when a level held, and when that was known."""

    def visible_to(self, user: User) -> Self:
        """Own levels, those of current mentees, all for the secretariat."""
        access = access_of(user)
        if access.is_secretariat:
            return self
        if access.staff_id is None:
            return self.none()
        mentees = MentorPair.objects.active().filter(mentor_id=access.staff_id, cycle__state="open")
        return self.filter(Q(staff_id=access.staff_id) | Q(staff_id__in=mentees.values("mentee_id")))

    def known(self, day: date | None = None) -> Self:
        """What we hold to be true today, or held to be true at the end of a day (Asia/Tokyo)."""
        if day is None:
            return self.filter(recorded_until=None)
        moment = clock.end_of_day(day)
        return self.filter(Q(recorded_until=None) | Q(recorded_until__gte=moment), recorded_at__lt=moment)

    def current(self) -> Self:
        """The level that holds now, by today's knowledge; one per person and item."""
        return self.filter(recorded_until=None, valid_to=None)

    def valid_on(self, day: date) -> Self:
        """What held on a day, by today's knowledge."""
        return self.known().filter(Q(valid_to=None) | Q(valid_to__gt=day), valid_from__lte=day)

    def as_of(self, day: date) -> Self:
        """What held on a day, as known at the end of that day (Asia/Tokyo)."""
        return self.known(day).filter(Q(valid_to=None) | Q(valid_to__gt=day), valid_from__lte=day)


class ConfirmedLevel(models.Model):
    """One level of one person in one item. Never overwritten: a row only learns when it ceased to be known.

    `skill` is the item in the version it was confirmed by, `skill_code` the same through all versions.
    """

    staff = models.ForeignKey(Staff, models.PROTECT, related_name="confirmed_levels")
    skill = models.ForeignKey(Skill, models.PROTECT, related_name="confirmed_levels")
    skill_code = models.CharField(max_length=40)
    level = models.PositiveSmallIntegerField(choices=Level)
    valid_from = models.DateField()
    valid_to = models.DateField(null=True)
    recorded_at = models.DateTimeField()
    recorded_until = models.DateTimeField(null=True)
    source = models.CharField(max_length=8, choices=LevelSource)
    assessment = models.ForeignKey(Assessment, models.PROTECT, null=True, related_name="confirmed_levels")
    recorded_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")

    objects = ConfirmedLevelQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["staff", "skill_code"],
                condition=Q(recorded_until=None, valid_to=None),
                name="confirmed_one_current",
            ),
            models.CheckConstraint(condition=Q(level__in=Level.values), name="confirmed_level_known"),
            models.CheckConstraint(
                condition=Q(valid_to=None) | Q(valid_to__gt=F("valid_from")), name="confirmed_interval"
            ),
            models.CheckConstraint(
                condition=Q(recorded_until=None) | Q(recorded_until__gte=F("recorded_at")),
                name="confirmed_known_interval",
            ),
        ]
        indexes = [models.Index(fields=["skill_code", "level"], name="confirmed_by_skill")]

    def __str__(self) -> str:
        return f"{self.staff_id} {self.skill_code} Lv.{self.level} from {self.valid_from}"
