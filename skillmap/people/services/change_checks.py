"""What stands against a change of organisation, as things are known; see services.changes for the forms of plans."""

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext as _

from skillmap.core.errors import RuleViolation
from skillmap.people import rules
from skillmap.people.choices import ChangeKind, OrganisationKind
from skillmap.people.models import (
    Membership,
    Organisation,
)

Plan = Mapping[str, Any]
Units = Mapping[int, Organisation]


def check(kind: str, plan: Plan, on: date, units: Units) -> None:
    """Raise RuleViolation where a plan can't be carried out on its day; `units` are all organisations, held."""
    CHECKS[ChangeKind(kind)](plan, on, units)


def _unit(units: Units, pk: object, on: date) -> Organisation:
    row = units.get(pk) if isinstance(pk, int) else None
    if row is None:
        raise RuleViolation(_("Choose an organisation."), code="unknown_organisation")
    if row.valid_to is not None or on < row.valid_from:
        raise RuleViolation(_("%(name)s does not exist on that day, or is closed.") % {"name": row.name}, code="closed")
    return row


def _check_new(new: Plan, on: date, units: Units) -> None:
    if any(row.code == new["code"] for row in units.values()):
        raise RuleViolation(
            _("The code %(code)s is taken by another organisation.") % {"code": new["code"]}, code="code_taken"
        )
    if new.get("parent_id") is not None:
        _unit(units, new["parent_id"], on)


def _check_rename(plan: Plan, on: date, units: Units) -> None:
    row = _unit(units, plan["organisation"], on)
    if all(plan.get(name, "") == getattr(row, name) for name in ("name", "name_en", "short_name")):
        raise RuleViolation(_("Nothing would change by this rename."), code="no_change")


def _check_move(plan: Plan, on: date, units: Units) -> None:
    row = _unit(units, plan["organisation"], on)
    if plan["parent"] == row.parent_id:
        raise RuleViolation(_("It stands there already."), code="no_change")
    if plan["parent"] is not None:
        parent = _unit(units, plan["parent"], on)
        if rules.is_below(parent.path, row.path):
            raise RuleViolation(_("An organisation can't stand below itself."), code="circle")


def _check_merge(plan: Plan, on: date, units: Units) -> None:
    sources = [_unit(units, pk, on) for pk in plan["sources"]]
    if plan.get("target") is not None:
        target = _unit(units, plan["target"], on)
        _takes_members(target.kind, [source.pk for source in sources], on)
        if target in sources or any(rules.is_below(target.path, source.path) for source in sources):
            raise RuleViolation(_("The organisations that end can't include the one they go into."), code="circle")
        least = 1
    else:
        _check_new(plan["new"], on, units)
        _takes_members(plan["new"]["kind"], [source.pk for source in sources], on)
        _not_below(plan["new"], sources, units)
        least = 2
    if len(sources) < least or len({source.pk for source in sources}) != len(sources):
        raise RuleViolation(_("Choose the organisations that are merged, each once."), code="too_few")
    for one in sources:
        if any(one.pk != other.pk and rules.is_below(one.path, other.path) for other in sources):
            raise RuleViolation(_("One of the organisations stands below another one."), code="circle")


def _takes_members(kind: str, sources: Iterable[int], on: date) -> None:
    """Nobody is posted to a heading: it can't follow units with members."""
    if kind in OrganisationKind.without_members() and any(members_from(pk, on).exists() for pk in sources):
        text = _("Nobody can be posted to this entry. Choose an organisation.")
        raise RuleViolation(text, code="not_a_place")


def _not_below(new: Plan, sources: Iterable[Organisation], units: Units) -> None:
    parent = units.get(new.get("parent_id") or 0)
    if parent is not None and any(rules.is_below(parent.path, source.path) for source in sources):
        raise RuleViolation(_("The new organisation can't stand below one that ends."), code="circle")


def _check_split(plan: Plan, on: date, units: Units) -> None:
    source = _unit(units, plan["source"], on)
    parts = plan["parts"]
    if len(parts) < (1 if plan["keep"] else 2):
        raise RuleViolation(_("Name the organisations that come out of it."), code="too_few")
    codes = [part["new"]["code"] for part in parts]
    if len(set(codes)) != len(codes):
        raise RuleViolation(_("Two new organisations have the same code."), code="code_taken")
    for number, part in enumerate(parts):
        _check_new(part["new"], on, units)
        if part.get("staff") or (number == 0 and not plan["keep"]):
            _takes_members(part["new"]["kind"], [source.pk], on)
        if not plan["keep"]:
            _not_below(part["new"], [source], units)
    for name in ("staff", "children"):
        chosen = [pk for part in parts for pk in part.get(name, [])]
        if len(set(chosen)) != len(chosen):
            raise RuleViolation(_("Somebody or something stands in two parts."), code="chosen_twice")
    children = {pk for pk, row in units.items() if row.parent_id == source.pk}
    if not {pk for part in parts for pk in part.get("children", [])} <= children:
        raise RuleViolation(_("Only what stands directly below can be given to a part."), code="not_below")


def _check_close(plan: Plan, on: date, units: Units) -> None:
    row = _unit(units, plan["organisation"], on)
    if any(other.parent_id == row.pk and other.valid_to is None for other in units.values()):
        raise RuleViolation(_("Other organisations stand below it. Move or close those first."), code="has_children")
    if plan.get("members_to") is not None:
        target = _unit(units, plan["members_to"], on)
        if target.pk == row.pk:
            raise RuleViolation(_("Its members can't go to itself."), code="circle")
        _takes_members(target.kind, [row.pk], on)
    elif members_from(row.pk, on).exists():
        raise RuleViolation(_("It has members. Say where they go."), code="has_members")


def members_from(organisation_id: int, on: date) -> Any:
    """The memberships in an organisation that hold on a day or later."""
    return Membership.objects.filter(Q(valid_to=None) | Q(valid_to__gt=on), organisation=organisation_id)


CHECKS: dict[ChangeKind, Callable[[Plan, date, Units], None]] = {
    ChangeKind.RENAME: _check_rename,
    ChangeKind.MOVE: _check_move,
    ChangeKind.MERGE: _check_merge,
    ChangeKind.SPLIT: _check_split,
    ChangeKind.CLOSE: _check_close,
    ChangeKind.OPEN: lambda plan, on, units: _check_new(plan["new"], on, units),
}
