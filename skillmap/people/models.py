"""Accounts, staff, the dated tree of organisations, roles, designations and API tokens."""

from datetime import date
from typing import TYPE_CHECKING, ClassVar, Self

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models import F, Q

from skillmap.core import clock
from skillmap.core.choices import Purpose
from skillmap.people.choices import (
    ChangeKind,
    ChangeState,
    DesignationKind,
    Employer,
    Grade,
    HiringRoute,
    Occupation,
    OrganisationKind,
    Role,
    StaffStatus,
)
from skillmap.people.fields import SearchKeyField

if TYPE_CHECKING:
    from skillmap.people.access import Access


class UserManager(BaseUserManager["User"]):
    """Accounts by e-mail."""

    def create_user(self, email: str, password: str | None = None, **fields: object) -> "User":
        """One account; without a password it can only sign in by single sign-on or after a reset."""
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def get_by_natural_key(self, username: str | None) -> "User":
        """The account with this e-mail, whatever its case."""
        return self.get(email=(username or "").lower())


class User(AbstractBaseUser):
    """An account. What it may do follows from its staff row, its role grants and its mentor pairs."""

    email = models.EmailField(max_length=254, unique=True)
    name = models.CharField(max_length=100)
    is_active = models.BooleanField(default=True)
    is_service = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["name"]

    # Filled once per request by people.access.access_of.
    _access: "Access | None" = None

    def __str__(self) -> str:
        return f"{self.name} <{self.email}>"

    def get_full_name(self) -> str:
        """The display name."""
        return self.name


class SignInSubject(models.Model):
    """What an identity provider calls the owner of an account: issuer and subject together, never an e-mail address."""

    user = models.ForeignKey(User, models.PROTECT, related_name="sign_in_subjects")
    provider_id = models.CharField(max_length=40)
    issuer = models.CharField(max_length=300)
    subject = models.CharField(max_length=191)
    linked_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    linked_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["issuer", "subject"], name="sign_in_subject_once"),
            models.UniqueConstraint(fields=["user", "provider_id"], name="sign_in_subject_one_per_provider"),
        ]

    def __str__(self) -> str:
        return f"{self.issuer} {self.subject}"


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


class OrganisationSuccession(models.Model):
    """Which organisation follows which, by a change: figures can be shown by the old and by the new tree."""

    change = models.ForeignKey(OrganisationChange, models.PROTECT, related_name="successions")
    predecessor = models.ForeignKey(Organisation, models.PROTECT, related_name="successions")
    successor = models.ForeignKey(Organisation, models.PROTECT, related_name="precessions")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["change", "predecessor", "successor"], name="organisation_succession_once"),
        ]

    def __str__(self) -> str:
        return f"{self.predecessor_id} -> {self.successor_id}"


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
            models.Index(fields=["kana", "id"], name="staff_by_kana"),
            models.Index(fields=["occupation", "status"], name="staff_by_occupation"),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.number})"


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


class ApiToken(models.Model):
    """A bearer token of a service account: shown once, kept as a keyed hash, with scopes, purpose and expiry."""

    user = models.ForeignKey(User, models.PROTECT, related_name="api_tokens")
    name = models.CharField(max_length=100)
    prefix = models.CharField(max_length=12, unique=True)
    digest = models.CharField(max_length=64, unique=True)
    scopes = models.JSONField(default=list)
    purpose = models.CharField(max_length=64)
    created_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)
    last_used_on = models.DateField(null=True)

    def __str__(self) -> str:
        return f"{self.prefix}… of {self.user_id}"

    @property
    def purpose_label(self) -> str:
        """The purpose in words."""
        return str(Purpose(self.purpose).label) if self.purpose in Purpose.values else self.purpose
