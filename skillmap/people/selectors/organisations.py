"""The tree as it is and as it was, who follows whom, and how many people stand where."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from django.db.models import BigIntegerField, Case, Count, Q, Value, When
from django.db.models.functions import Cast, StrIndex, Substr
from django.db.models.lookups import In

from skillmap.core import clock
from skillmap.people import rules
from skillmap.people.choices import ChangeState, OrganisationKind, Role, StaffStatus
from skillmap.people.models import (
    Membership,
    Organisation,
    OrganisationSuccession,
    OrganisationVersion,
    RoleGrant,
    Staff,
)
from skillmap.people.rules import Node


def tree_on(day: date | None = None) -> list[Node]:
    """The organisations of a day (today by default), in tree order, named and placed as they were; one query."""
    day = day or clock.today()
    versions = OrganisationVersion.objects.filter(Q(valid_to=None) | Q(valid_to__gt=day), valid_from__lte=day)
    rows = versions.values_list(
        "organisation_id",
        "organisation__code",
        "name",
        "short_name",
        "name_en",
        "organisation__kind",
        "parent_id",
        "bureau_group_id",
        "organisation__sort_order",
    )
    return rules.arrange(Node(*row) for row in rows)


def places() -> list[Node]:
    """What can be chosen in forms: organisations of today and those to come, in tree order; one query."""
    rows = Organisation.objects.filter(Q(valid_to=None) | Q(valid_to__gt=clock.today()))
    return rules.arrange(node_of(row) for row in rows)


def places_near(chosen: int | None, *, below: Sequence[str] | None = None) -> list[Node]:
    """Of the tree of today what a choice needs: the top, the way down to a unit, and what stands beside and below it.

    What stands below a mere heading belongs to the top. Two queries, however many organisations there are.

    Args:
        below: paths of the units whose subtrees alone are offered, each of them at the top.
    """
    path = Organisation.objects.filter(pk=chosen or 0).values_list("path", flat=True).first() or ""
    way = [int(part) for part in path.strip("/").split("/") if part]
    rows = Organisation.objects.current()
    if below is None:
        top = Q(parent=None) | Q(parent__kind=OrganisationKind.GROUP)
    else:
        rows, top = rows.under(list(below)), Q(path__in=below)
    return rules.arrange(node_of(row) for row in rows.filter(top | Q(parent__in=way)))


def node_of(row: Organisation) -> Node:
    """An organisation as a node, as it stands now."""
    return Node(
        pk=row.pk,
        code=row.code,
        name=row.name,
        short_name=row.short_name,
        name_en=row.name_en,
        kind=row.kind,
        parent_id=row.parent_id,
        bureau_group_id=row.bureau_group_id,
        sort_order=row.sort_order,
    )


def top_of(path: str, headings: Mapping[str, int]) -> Cast:
    """SQL of the id of the topmost unit in a path that is no mere heading; of the heading itself where it is the path.

    Written for many rows: what is asked of each is little.

    Args:
        path: the lookup of the path.
        headings: paths of all units that are mere headings, with their ids; without any the topmost unit counts.
    """
    first = Substr(path, 2, StrIndex(Substr(path, 2), Value("/")) - 1)
    if not headings:
        return Cast(first, BigIntegerField())
    itself = [When(**{path: head}, then=Value(str(pk))) for head, pk in headings.items()]
    tops = [str(pk) for head, pk in headings.items() if head.count("/") == 2]
    nested = sorted((head for head in headings if head.count("/") > 2), key=len, reverse=True)
    below = [
        When(**{f"{path}__startswith": head}, then=Case(*itself, default=_first_in(Substr(path, len(head) + 1))))
        for head in nested
    ]
    after_first = Substr(path, StrIndex(Substr(path, 2), Value("/")) + 2)
    heading = When(In(first, tops), then=Case(*itself, default=_first_in(after_first)))
    return Cast(Case(*below, heading, default=first), BigIntegerField())


def _first_in(path: Substr) -> Substr:
    """SQL of what stands before the first slash."""
    return Substr(path, 1, StrIndex(path, Value("/")) - 1)


def members_on(organisation_id: int, day: date) -> int:
    """How many people have a membership in an organisation on a day or later, those below it not included."""
    held = Membership.objects.filter(Q(valid_to=None) | Q(valid_to__gt=day), organisation=organisation_id)
    return held.values("staff").distinct().count()


def mapping(from_day: date, to_day: date) -> dict[int, tuple[int, ...]]:
    """Which organisations of one day stand for which of another: id → ids, in one query more than the tree.

    Forward in time it follows merges, splits and closings; backward it is the same seen from the other side, with
    organisations that opened in between standing for none. So figures can be shown by the old and by the new tree.
    """
    early, late = sorted((from_day, to_day))
    steps = OrganisationSuccession.objects.filter(
        change__state=ChangeState.APPLIED, change__effective_on__gt=early, change__effective_on__lte=late
    ).values_list("change__effective_on", "change_id", "predecessor_id", "successor_id")
    then, now = _existing(early), _existing(late)
    forward = {
        pk: tuple(end for end in ends if end in now)
        for pk, ends in rules.follow(then, (rules.Succession(*step) for step in steps)).items()
    }
    if from_day <= to_day:
        return forward
    backward = rules.turned(forward)
    return {pk: backward.get(pk, ()) for pk in sorted(now)}


def _existing(day: date) -> set[int]:
    return set(Organisation.objects.valid_on(day).values_list("pk", flat=True))


def headcounts() -> dict[int, int]:
    """People in service per organisation, those below it included: id → count; none where there are none."""
    own = Staff.objects.exclude(status=StaffStatus.LEFT).values("organisation_id", "organisation__path")
    totals: dict[int, int] = {}
    for row in own.annotate(people=Count("pk")).order_by():
        for part in row["organisation__path"].strip("/").split("/"):
            totals[int(part)] = totals.get(int(part), 0) + row["people"]
    return totals


def coordinators_of(organisation_ids: Iterable[int]) -> dict[int, list[RoleGrant]]:
    """Who coordinates each of these organisations today, with the account and the person behind it; one query."""
    found: dict[int, list[RoleGrant]] = {}
    grants = RoleGrant.objects.in_force().filter(role=Role.COORDINATOR, organisation__in=list(organisation_ids))
    for grant in grants.select_related("user__staff").order_by("user__name", "pk"):
        found.setdefault(grant.organisation_id or 0, []).append(grant)
    return found
