"""Roles that are given, with dates."""

from datetime import date
from typing import Self

from django.db import models
from django.db.models import F, Q

from skillmap.core import clock
from skillmap.people.choices import (
    Role,
)
from skillmap.people.models.accounts import User
from skillmap.people.models.organisations import Organisation


class RoleGrantQuerySet(models.QuerySet["RoleGrant"]):
    """Grants by day."""

    def in_force(self, day: date | None = None) -> Self:
        """Those that hold on a day (today by default)."""
        day = day or clock.today()
        return self.filter(Q(valid_to=None) | Q(valid_to__gt=day), valid_from__lte=day, revoked_at=None)

    def not_over(self) -> Self:
        """Those that hold today or are going to."""
        return self.filter(Q(valid_to=None) | Q(valid_to__gt=clock.today()), revoked_at=None)


class RoleGrant(models.Model):
    """A role given to an account, for an organisation or none, with dates; a revoked one keeps its dates."""

    user = models.ForeignKey(User, models.PROTECT, related_name="role_grants")
    role = models.CharField(max_length=16, choices=Role)
    organisation = models.ForeignKey(Organisation, models.PROTECT, null=True, blank=True, related_name="role_grants")
    valid_from = models.DateField()
    valid_to = models.DateField(null=True, blank=True)
    granted_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    granted_at = models.DateTimeField(auto_now_add=True)
    revoked_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    revoked_at = models.DateTimeField(null=True)

    objects = RoleGrantQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(role__in=Role.values), name="role_grant_role_known"),
            models.CheckConstraint(
                condition=Q(valid_to=None) | Q(valid_to__gt=F("valid_from")), name="role_grant_ends_after_start"
            ),
            models.CheckConstraint(
                condition=~Q(role="coordinator") | Q(organisation__isnull=False),
                name="role_grant_coordinator_has_organisation",
            ),
        ]
        indexes = [models.Index(fields=["user", "valid_to"], name="role_grant_by_user")]

    def __str__(self) -> str:
        return f"{self.user_id} {self.role} from {self.valid_from}"
