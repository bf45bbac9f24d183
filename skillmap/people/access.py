"""What a user may do: roles in force and the organisations they reach, read once per request."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING

from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest

from skillmap.core import clock
from skillmap.core.errors import NotAllowed
from skillmap.core.prepared import Prepared
from skillmap.people.choices import Role
from skillmap.people.models import OrganisationSuccession, RoleGrant, Staff, User
from skillmap.people.rules import inherited_paths

if TYPE_CHECKING:  # rest_framework loads apps of ours through the settings
    from rest_framework.request import Request


@dataclass(frozen=True)
class Access:
    """A user's rights at this moment.

    `coordinated_paths` are the paths of the organisations that the user coordinates, each reaching all below it.
    """

    user_id: int | None
    staff_id: int | None = None
    roles: frozenset[str] = frozenset()
    coordinated_paths: tuple[str, ...] = ()
    coordinated_ids: tuple[int, ...] = ()
    scopes: frozenset[str] | None = field(default=None)

    @property
    def own_id(self) -> int:
        """The person's id, to be asked for; without a person one that nobody has."""
        return self.staff_id or 0

    @cached_property
    def answered_paths(self) -> tuple[str, ...]:
        """Paths of the organisations that the user answers for: those coordinated, and those that became part of them.

        What an organisation still has to answer when it is over is its successor's to do. One query for coordinators,
        once per request.
        """
        own = self.coordinated_paths
        return (*own, *inherited_paths(own, _ENDS.ask(day=clock.today()))) if own else ()

    @property
    def is_secretariat(self) -> bool:
        """Runs the map: sees all, each look recorded."""
        return Role.SECRETARIAT in self.roles

    @property
    def is_supporter(self) -> bool:
        """Sub-role of the secretariat: aggregates and master data only."""
        return Role.SUPPORTER in self.roles

    @property
    def is_coordinator(self) -> bool:
        """Speaks for one or more organisations."""
        return Role.COORDINATOR in self.roles

    @property
    def is_executive(self) -> bool:
        """Reads dashboards and reports."""
        return Role.EXECUTIVE in self.roles

    @property
    def is_expert(self) -> bool:
        """Handles support requests."""
        return Role.EXPERT in self.roles

    @property
    def sees_all_aggregates(self) -> bool:
        """Whether figures about all organisations are open to this user."""
        return self.is_secretariat or self.is_supporter or self.is_executive

    def require(self, *roles: str) -> None:
        """Raise NotAllowed (403) unless one of the roles is held."""
        if not self.roles.intersection(roles):
            raise NotAllowed


NOBODY = Access(user_id=None)
_GRANTS = Prepared(
    lambda user, day: (
        RoleGrant.objects.in_force(day).filter(user=user).values_list("role", "organisation_id", "organisation__path")
    ),
    user=int,
    day=date,
)

_ENDS = Prepared(OrganisationSuccession.objects.ends, day=date)


def access_of(user: User | AnonymousUser) -> Access:
    """The user's rights, read from the database once per user object, that is once per request."""
    if not isinstance(user, User) or not user.is_active:
        return NOBODY
    if user._access is None:
        user._access = _read(user)
    return user._access


def forget(user: User) -> None:
    """Drop what was read, after a grant changed within the same request."""
    user._access = None


def _read(user: User) -> Access:
    grants = _GRANTS.ask(user=user.pk, day=clock.today())
    coordinated = [(pk, path) for role, pk, path in grants if role == Role.COORDINATOR and path]
    return Access(
        user_id=user.pk,
        staff_id=staff_id_of(user),
        roles=frozenset(role for role, _, _ in grants),
        coordinated_paths=tuple(path for _, path in coordinated),
        coordinated_ids=tuple(pk for pk, _ in coordinated),
    )


def staff_of(user: User) -> Staff | None:
    """The person behind the account; None for service and executive accounts without one."""
    try:
        return user.staff
    except Staff.DoesNotExist:
        return None


def staff_id_of(user: User) -> int | None:
    """The id of the person behind the account."""
    staff = staff_of(user)
    return staff.pk if staff is not None else None


def user_of(request: HttpRequest | Request) -> User:
    """The account that is signed in or calls, behind `sign_in_required` or the API's permission class."""
    assert isinstance(request.user, User)  # noqa: S101  the door lets nobody else in
    return request.user
