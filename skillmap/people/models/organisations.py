"""The dated tree of organisations, its changes, and bureau groups."""

from datetime import date
from typing import Self

from django.db import models
from django.db.models import F, Q

from skillmap.core import clock
from skillmap.people.choices import (
    ChangeKind,
    ChangeState,
    OrganisationKind,
)
from skillmap.people.models.accounts import User


class BureauGroup(models.Model):
    """部門: bureaus taken together, for support teams and for figures that would be too small."""

    code = models.CharField(max_length=40, unique=True)
    name = models.CharField(max_length=100)
    name_en = models.CharField(max_length=100, blank=True)
    sort_order = models.PositiveSmallIntegerField(default=0)
    provenance = models.CharField(max_length=12, default="inferred")
    source = models.CharField(max_length=300, blank=True)
    version = models.PositiveIntegerField(default=1)

    def __str__(self) -> str:
        return f"{self.name} ({self.code})"


class OrganisationQuerySet(models.QuerySet["Organisation"]):
    """Organisations are known to everyone signed in."""

    def current(self) -> Self:
        """Those that exist today."""
        return self.valid_on(clock.today())

    def valid_on(self, day: date) -> Self:
        """Those that existed on a day."""
        return self.filter(Q(valid_to=None) | Q(valid_to__gt=day), valid_from__lte=day)

    def under(self, paths: tuple[str, ...] | list[str]) -> Self:
        """The organisations with these paths and everything below them."""
        wanted = Q(pk__in=[])
        for path in paths:
            wanted |= Q(path__startswith=path)
        return self.filter(wanted)


class Organisation(models.Model):
    """A unit of the tree, as it is now; what it was called and where it stood before is in its versions.

    `path` lists the ids from the root down to the unit itself, as `/1/5/`, so that a subtree is one prefix.
    """

    code = models.CharField(max_length=40, unique=True)
    name = models.CharField(max_length=100)
    name_en = models.CharField(max_length=150, blank=True)
    short_name = models.CharField(max_length=40, blank=True)
    kind = models.CharField(max_length=20, choices=OrganisationKind)
    parent = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="children")
    path = models.CharField(max_length=200, default="", db_index=True)
    bureau_group = models.ForeignKey(BureauGroup, models.PROTECT, null=True, blank=True, related_name="organisations")
    role_text = models.CharField(max_length=300, blank=True)
    sort_order = models.PositiveIntegerField(default=0)
    provenance = models.CharField(max_length=12, default="seen")
    source = models.CharField(max_length=300, blank=True)
    valid_from = models.DateField()
    valid_to = models.DateField(null=True, blank=True)
    version = models.PositiveIntegerField(default=1)

    objects = OrganisationQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(valid_to=None) | Q(valid_to__gt=F("valid_from")), name="organisation_ends_after_start"
            ),
            models.CheckConstraint(condition=Q(kind__in=OrganisationKind.values), name="organisation_kind_known"),
            models.CheckConstraint(condition=~Q(parent=F("id")), name="organisation_not_own_parent"),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.code})"

    @property
    def label(self) -> str:
        """The short name where there is one."""
        return self.short_name or self.name

    @property
    def full_name(self) -> str:
        """所属 as people write it: bureau, division and section. To be read with `select_related` two units upward."""
        names, row = [self.name], self
        for _step in range(2):
            if row.parent is None:
                break
            row = row.parent
            names.append(row.name)
        return " ".join(reversed(names))


class OrganisationVersion(models.Model):
    """What an organisation was called and where it stood, from a day until a day."""

    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="versions")
    name = models.CharField(max_length=100)
    name_en = models.CharField(max_length=150, blank=True)
    short_name = models.CharField(max_length=40, blank=True)
    parent = models.ForeignKey(Organisation, models.PROTECT, null=True, related_name="+")
    bureau_group = models.ForeignKey(BureauGroup, models.PROTECT, null=True, related_name="+")
    valid_from = models.DateField()
    valid_to = models.DateField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organisation"], condition=Q(valid_to=None), name="organisation_one_open_version"
            ),
            models.UniqueConstraint(fields=["organisation", "valid_from"], name="organisation_one_version_a_day"),
            models.CheckConstraint(
                condition=Q(valid_to=None) | Q(valid_to__gt=F("valid_from")), name="organisation_version_interval"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.valid_from}"


class OrganisationChange(models.Model):
    """組織改正: a rename, merge, split or move with its date; planned ones come into force on their day.

    `plan` says what will be done (see services.changes). `problem` says why one that was due could not be applied.
    """

    kind = models.CharField(max_length=10, choices=ChangeKind)
    state = models.CharField(max_length=10, choices=ChangeState, default=ChangeState.PLANNED)
    effective_on = models.DateField()
    note = models.CharField(max_length=300, blank=True)
    plan = models.JSONField(default=dict)
    problem = models.CharField(max_length=300, blank=True)
    created_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    applied_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=~Q(state="applied") | Q(applied_at__isnull=False), name="organisation_change_applied_has_time"
            ),
            models.CheckConstraint(condition=Q(state__in=ChangeState.values), name="organisation_change_state_known"),
            models.CheckConstraint(condition=Q(kind__in=ChangeKind.values), name="organisation_change_kind_known"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.effective_on} #{self.pk}"


class OrganisationSuccessionQuerySet(models.QuerySet["OrganisationSuccession"]):
    """Who follows whom."""

    def ends(self, day: date) -> models.QuerySet["OrganisationSuccession", tuple[str, str]]:
        """The path of each organisation that is over on a day, with that of one that followed it when it ended."""
        over = self.filter(predecessor__valid_to__lte=day, change__effective_on=F("predecessor__valid_to"))
        return over.order_by("pk").values_list("predecessor__path", "successor__path")


class OrganisationSuccession(models.Model):
    """Which organisation follows which, by a change: figures can be shown by the old and by the new tree."""

    change = models.ForeignKey(OrganisationChange, models.PROTECT, related_name="successions")
    predecessor = models.ForeignKey(Organisation, models.PROTECT, related_name="successions")
    successor = models.ForeignKey(Organisation, models.PROTECT, related_name="precessions")

    objects = OrganisationSuccessionQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["change", "predecessor", "successor"], name="organisation_succession_once"),
        ]

    def __str__(self) -> str:
        return f"{self.predecessor_id} -> {self.successor_id}"
