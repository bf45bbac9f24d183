"""Persons: who they are, where they were, are and will be posted, leave and designations."""

from datetime import date
from typing import Self

from django.db import models
from django.db.models import F, Q

from skillmap.people.choices import (
    DesignationKind,
    Employer,
    Grade,
    HiringRoute,
    Occupation,
    StaffStatus,
)
from skillmap.people.fields import SearchKeyField
from skillmap.people.models.accounts import User
from skillmap.people.models.organisations import Organisation


class StaffQuerySet(models.QuerySet["Staff"]):
    """Who may know of whom."""

    def visible_to(self, user: User) -> Self:
        """Persons whose master data the user may read: oneself; the secretariat all, a coordinator those of the own.

        Being somebody's mentor adds the mentees, where assessment asks for them.
        """
        from skillmap.people.access import access_of

        access = access_of(user)
        if access.is_secretariat:
            return self
        wanted = Q(pk=access.staff_id)
        for path in access.coordinated_paths:
            wanted |= Q(organisation__path__startswith=path)
        return self.filter(wanted)

    def readable_by(self, user: User) -> Self:
        """Persons whose master data (who, where, occupation, grade) the user may read on the pages of people.

        Those of `visible_to`, and all of them for a supporter of the secretariat. It opens nothing about levels.
        """
        from skillmap.people.access import access_of

        return self if access_of(user).is_supporter else self.visible_to(user)

    def at_work(self) -> Self:
        """In post: neither left nor on leave."""
        return self.filter(status=StaffStatus.ACTIVE)

    def in_service(self) -> Self:
        """In post or on leave."""
        return self.exclude(status=StaffStatus.LEFT)


class Staff(models.Model):
    """A person whose skills are, or could be, on the map.

    Organisation, grade and occupation are those of the membership of today, status that of today; a daily job brings
    them up to date. `left_on` is the first day out of service; a later day means that the person is going to leave.
    """

    number = models.CharField(max_length=20, unique=True)
    user = models.OneToOneField(User, models.PROTECT, null=True, blank=True, related_name="staff")
    name = models.CharField(max_length=100)
    kana = models.CharField(max_length=100, blank=True)
    email = models.EmailField(blank=True)
    employer = models.CharField(max_length=16, choices=Employer, default=Employer.GOVERNMENT)
    occupation = models.CharField(max_length=12, choices=Occupation)
    former_occupation = models.CharField(max_length=60, blank=True)
    hiring_route = models.CharField(max_length=16, choices=HiringRoute, default=HiringRoute.OTHER)
    hired_on = models.DateField(null=True, blank=True)
    expert_until = models.DateField(null=True, blank=True)
    grade = models.PositiveSmallIntegerField(choices=Grade)
    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="staff")
    status = models.CharField(max_length=10, choices=StaffStatus, default=StaffStatus.ACTIVE)
    left_on = models.DateField(null=True, blank=True)
    search_key = SearchKeyField(max_length=400, default="", editable=False)
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = StaffQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(grade__in=Grade.values), name="staff_grade_known"),
            models.CheckConstraint(condition=Q(occupation__in=Occupation.values), name="staff_occupation_known"),
            models.CheckConstraint(condition=Q(status__in=StaffStatus.values), name="staff_status_known"),
            models.CheckConstraint(condition=~Q(status="left") | Q(left_on__isnull=False), name="staff_left_has_day"),
        ]
        indexes = [
            # In the order of lists, with what a search looks at.
            models.Index(fields=["kana", "id", "search_key", "occupation", "status"], name="staff_by_kana_searched"),
            models.Index(fields=["occupation", "status"], name="staff_by_occupation"),
            models.Index(fields=["status", "id"], condition=~Q(status="active"), name="staff_away"),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.number})"

    def has_left_by(self, day: date) -> bool:
        """Whether the person is out of service on a day; by the day recorded, whether or not a job has seen to it."""
        return self.left_on is not None and self.left_on <= day


class Membership(models.Model):
    """Where a person's main posting is, from a day until a day; a later day means a move that is to come."""

    staff = models.ForeignKey(Staff, models.PROTECT, related_name="memberships")
    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="memberships")
    grade = models.PositiveSmallIntegerField(choices=Grade)
    occupation = models.CharField(max_length=12, choices=Occupation)
    valid_from = models.DateField()
    valid_to = models.DateField(null=True, blank=True)
    reason = models.CharField(max_length=200, blank=True)
    recorded_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    recorded_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["staff"], condition=Q(valid_to=None), name="membership_one_open"),
            models.UniqueConstraint(fields=["staff", "valid_from"], name="membership_one_start_a_day"),
            models.CheckConstraint(
                condition=Q(valid_to=None) | Q(valid_to__gt=F("valid_from")), name="membership_ends_after_start"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.staff_id} in {self.organisation_id} from {self.valid_from}"


class Leave(models.Model):
    """休職 and other leave, from a day until a day."""

    staff = models.ForeignKey(Staff, models.PROTECT, related_name="leaves")
    valid_from = models.DateField()
    valid_to = models.DateField(null=True, blank=True)
    reason = models.CharField(max_length=100, blank=True)
    recorded_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["staff"], condition=Q(valid_to=None), name="leave_one_open"),
            models.CheckConstraint(
                condition=Q(valid_to=None) | Q(valid_to__gt=F("valid_from")), name="leave_ends_after_start"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.staff_id} on leave from {self.valid_from}"


class Designation(models.Model):
    """A dated appointment beside the occupation; several at once."""

    staff = models.ForeignKey(Staff, models.PROTECT, related_name="designations")
    kind = models.CharField(max_length=16, choices=DesignationKind)
    organisation = models.ForeignKey(Organisation, models.PROTECT, null=True, blank=True, related_name="+")
    valid_from = models.DateField()
    valid_to = models.DateField(null=True, blank=True)
    recorded_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["staff", "kind"], condition=Q(valid_to=None), name="designation_one_open_per_kind"
            ),
            models.CheckConstraint(
                condition=Q(valid_to=None) | Q(valid_to__gt=F("valid_from")), name="designation_ends_after_start"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.staff_id} {self.kind} from {self.valid_from}"
