"""What the services of people share."""

from collections.abc import Iterable
from datetime import date

from django.utils.translation import gettext as _

from skillmap.core import clock
from skillmap.core.errors import RuleViolation
from skillmap.people import rules
from skillmap.people.access import access_of
from skillmap.people.choices import OrganisationKind, Role
from skillmap.people.models import Organisation, User


def require_secretariat(actor: User | None) -> None:
    """Raise NotAllowed unless the actor holds the secretariat's role now; None is the system itself."""
    if actor is not None:
        access_of(actor).require(Role.SECRETARIAT)


def lock_organisations(pks: Iterable[int]) -> dict[int, Organisation]:
    """Hold organisations, in id order and before any person, so that none is closed while somebody is put into it."""
    rows = Organisation.objects.select_for_update(no_key=True).filter(pk__in=set(pks)).order_by("pk")
    return {row.pk: row for row in rows}


def posting_place(organisations: dict[int, Organisation], pk: int, on: date) -> Organisation:
    """The organisation, if somebody can be posted there on a day; RuleViolation `not_a_place` where not.

    The tree is on record from some day only, people were posted before: a day before it began is no obstacle once it is
    there.
    """
    place = organisations.get(pk)
    if place is None or place.kind in OrganisationKind.without_members():
        raise RuleViolation(_("Nobody can be posted to this entry. Choose an organisation."), code="not_a_place")
    if not rules.is_there(on, clock.today(), rules.Interval(place.valid_from, place.valid_to)):
        text = _("%(name)s does not exist on that day. Choose another day or another organisation.")
        raise RuleViolation(text % {"name": place.name}, code="not_a_place")
    return place
