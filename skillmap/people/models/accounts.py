"""Accounts, what single sign-on calls their owners, roles, API tokens."""

from typing import TYPE_CHECKING, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models

from skillmap.core.choices import Purpose

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
