"""Accounts, staff, the dated tree of organisations, roles, designations and API tokens."""

from skillmap.people.models.accounts import (
    ApiToken,
    SignInSubject,
    User,
    UserManager,
)
from skillmap.people.models.organisations import (
    BureauGroup,
    Organisation,
    OrganisationChange,
    OrganisationQuerySet,
    OrganisationSuccession,
    OrganisationVersion,
)
from skillmap.people.models.roles import RoleGrant, RoleGrantQuerySet
from skillmap.people.models.staff import (
    Designation,
    Leave,
    Membership,
    Staff,
    StaffQuerySet,
)

__all__ = [
    "ApiToken",
    "BureauGroup",
    "Designation",
    "Leave",
    "Membership",
    "Organisation",
    "OrganisationChange",
    "OrganisationQuerySet",
    "OrganisationSuccession",
    "OrganisationVersion",
    "RoleGrant",
    "RoleGrantQuerySet",
    "SignInSubject",
    "Staff",
    "StaffQuerySet",
    "User",
    "UserManager",
]
