"""Reads about persons."""

from datetime import date

from django.db.models import Q, QuerySet

from skillmap.core import clock
from skillmap.people import rules
from skillmap.people.choices import DesignationKind, Role
from skillmap.people.models import Designation, RoleGrant, Staff, User


def search(people: QuerySet[Staff], text: str) -> QuerySet[Staff]:
    """Narrow people down to those whose name, kana or number contains every word typed, whatever its width or kana."""
    for word in text.split():
        people = people.filter(search_key__contains=rules.fold(word))
    return people


def ambassadors_beside(*, organisation_id: int, on: date, staff_id: int | None = None) -> QuerySet[Designation]:
    """Other DX ambassadors of an organisation on a day; as a rule a section has one, so the page warns."""
    found = Designation.objects.filter(
        Q(valid_to=None) | Q(valid_to__gt=on),
        organisation=organisation_id,
        kind=DesignationKind.DX_AMBASSADOR,
        valid_from__lte=on,
    )
    return found.exclude(staff=staff_id).select_related("staff").order_by("staff__kana", "pk")


def designated_on(people: QuerySet[Staff], kind: str, day: date | None = None) -> QuerySet[Staff]:
    """Narrow people down to those with a designation on a day (today by default)."""
    day = day or clock.today()
    held = Designation.objects.filter(Q(valid_to=None) | Q(valid_to__gt=day), kind=kind, valid_from__lte=day)
    return people.filter(pk__in=held.values("staff"))


def users_with_role(role: str, *, organisation_paths: tuple[str, ...] = ()) -> QuerySet[User]:
    """Open accounts that hold a role today; with paths: for an organisation at or above one of them."""
    grants = RoleGrant.objects.in_force().filter(role=role)
    if role == Role.COORDINATOR and organisation_paths:
        ids = {int(part) for path in organisation_paths for part in path.strip("/").split("/") if part}
        grants = grants.filter(organisation__in=ids)
    return User.objects.filter(is_active=True, pk__in=grants.values("user")).order_by("pk")
