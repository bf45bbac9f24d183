"""組織改正: planned with a day, applied on it, in one transaction; members, roles and history follow.

A plan is kept as JSON, in one of these forms (ids of organisations and persons, NewOrganisation as a dict):

* rename  `{"organisation", "name", "name_en", "short_name"}`
* move    `{"organisation", "parent"}` (None: to the top)
* merge   `{"sources": [...], "target": id or None, "new": {...} or None, "carry_roles": bool}`
* split   `{"source", "keep": bool, "parts": [{"new": {...}, "staff": [...], "children": [...]}], "carry_roles": bool}`;
          without `keep` the first part takes everybody and everything not named, and the source closes
* close   `{"organisation", "members_to": id or None}`
* open    `{"new": {...}}`; the organisation is entered at once with the day as its first, so that other plans for that
          day can name it (the plan keeps its id as `opened`); it is not there for anybody before
"""

import logging
from collections.abc import Callable, Iterable
from datetime import date
from typing import Any

from django.db import transaction
from django.db.models import F, ProtectedError, Q, Value
from django.db.models.functions import Concat, Substr
from django.utils.translation import gettext as _

from skillmap.core import audit, clock, notifications
from skillmap.core.errors import RuleViolation
from skillmap.people import rules
from skillmap.people.choices import ChangeKind, ChangeState, Role
from skillmap.people.models import (
    Designation,
    Organisation,
    OrganisationChange,
    OrganisationSuccession,
    OrganisationVersion,
    RoleGrant,
    Staff,
    User,
)
from skillmap.people.services._common import require_secretariat
from skillmap.people.services.change_checks import Plan, Units, check, members_from
from skillmap.people.services.organisations import DATED, NewOrganisation, organisation_open, version_from
from skillmap.people.services.staff import refresh_current

logger = logging.getLogger(__name__)


@transaction.atomic
def change_plan(*, kind: str, effective_on: date, plan: Plan, actor: User | None, note: str = "") -> OrganisationChange:
    """Plan a change for a day, past, present or to come. It takes effect by `change_apply` or the daily job.

    Raises RuleViolation with what stands against it as things are known now.
    """
    require_secretariat(actor)
    if kind not in ChangeKind.values:
        raise RuleViolation(_("Choose what is to change."), code="unknown_kind")
    check(kind, plan, effective_on, _all_held())
    plan = dict(plan)
    if kind == ChangeKind.OPEN:
        plan["opened"] = organisation_open(NewOrganisation(**plan["new"]), on=effective_on, actor=actor).pk
    change = OrganisationChange.objects.create(
        kind=kind, effective_on=effective_on, plan=plan, note=note, created_by=actor
    )
    audit.record(verb="organisation.plan", actor=actor, target=change, kind=kind, on=effective_on.isoformat())
    return change


@transaction.atomic
def change_cancel(*, change_id: int, actor: User | None) -> OrganisationChange:
    """Drop a plan. RuleViolation `wrong_state` (in force or dropped already), `in_use` (others need it)."""
    require_secretariat(actor)
    change = _planned(change_id)
    if change.kind == ChangeKind.OPEN:
        _unopen(change)
    change.state = ChangeState.CANCELLED
    change.save(update_fields=["state"])
    audit.record(verb="organisation.plan_cancel", actor=actor, target=change)
    return change


def _unopen(change: OrganisationChange) -> None:
    """Take back an organisation that was entered for a plan and that nothing stands on yet."""
    pk = change.plan["opened"]
    others = OrganisationChange.objects.filter(state=ChangeState.PLANNED).exclude(pk=change.pk)
    used = any(pk in named(other.plan) for other in others)
    try:
        with transaction.atomic():
            OrganisationVersion.objects.filter(organisation=pk).delete()
            Organisation.objects.filter(pk=pk).delete()
    except ProtectedError:
        used = True
    if used:
        raise RuleViolation(
            _("Other plans or persons are tied to the organisation that would open. Change those first."), code="in_use"
        )


def named(plan: Plan) -> set[int]:
    """The ids of the organisations that a plan names."""
    new = [plan.get("new") or {}, *(part["new"] for part in plan.get("parts", []))]
    single = [plan.get(key) for key in ("organisation", "parent", "target", "source", "members_to", "opened")]
    found = [*single, *plan.get("sources", []), *(entry.get("parent_id") for entry in new)]
    children = [pk for part in plan.get("parts", []) for pk in part.get("children", [])]
    return {pk for pk in [*found, *children] if pk is not None}


@transaction.atomic
def change_apply(*, change_id: int, actor: User | None) -> OrganisationChange:
    """Put a planned change into force, whole or not at all; from its own day on, also when that has passed.

    Raises RuleViolation `not_yet` before its day, `wrong_state`, or what stands against it.
    """
    require_secretariat(actor)
    units = _all_held()
    change = _planned(change_id)
    if change.effective_on > clock.today():
        raise RuleViolation(_("The day of this change has not come yet."), code="not_yet")
    if "opened" not in change.plan:
        check(change.kind, change.plan, change.effective_on, units)
    APPLY[ChangeKind(change.kind)](change, units, actor)
    change.state, change.applied_at, change.problem = ChangeState.APPLIED, clock.now(), ""
    change.save(update_fields=["state", "applied_at", "problem"])
    audit.record(
        verb="organisation.change", actor=actor, target=change, kind=change.kind, on=change.effective_on.isoformat()
    )
    return change


def changes_apply_due() -> dict[str, int]:
    """Apply what is due, oldest first, each in a transaction of its own; what can't be is noted and told."""
    due = OrganisationChange.objects.filter(state=ChangeState.PLANNED, effective_on__lte=clock.today())
    applied = refused = 0
    for pk in list(due.order_by("effective_on", "pk").values_list("pk", flat=True)):
        try:
            change_apply(change_id=pk, actor=None)
            applied += 1
        except RuleViolation as refusal:
            if refusal.code != "wrong_state":  # else somebody pressed the button at this moment
                _note_problem(pk, str(refusal))
                refused += 1
        except Exception:
            # A fault in one plan must not keep the others waiting, nor the day of whoever joins or leaves.
            logger.exception("change_failed", extra={"change": pk})
            _note_problem(pk, _("An unexpected error. Please tell those who run the system."))
            refused += 1
    return {"applied": applied, "refused": refused}


@transaction.atomic
def _note_problem(change_id: int, problem: str) -> None:
    OrganisationChange.objects.filter(pk=change_id, state=ChangeState.PLANNED).update(problem=problem[:300])
    secretariat = RoleGrant.objects.in_force().filter(role=Role.SECRETARIAT, user__is_active=True)
    notifications.notify_many(
        notifications.build(
            recipient_id=user_id,
            kind="organisation.problem",
            subject=_("A planned change of organisation could not be applied"),
            body=problem,
            path=f"/people/reorganisations/{change_id}/",
            dedup_key=f"organisation-change:{change_id}:{clock.today().isoformat()}",
        )
        for user_id in sorted(set(secretariat.values_list("user_id", flat=True)))
    )


def _planned(change_id: int) -> OrganisationChange:
    change = OrganisationChange.objects.select_for_update(of=("self",)).get(pk=change_id)
    if change.state != ChangeState.PLANNED:
        raise RuleViolation(_("This change is in force or was dropped already."), code="wrong_state")
    return change


def _all_held() -> dict[int, Organisation]:
    """Every organisation, held: changes are rare, and two at once could close a circle between them."""
    return {row.pk: row for row in Organisation.objects.select_for_update(of=("self",)).order_by("pk")}


# ------------------------------------------------------------------------------------------------------------ acts


def _apply_rename(change: OrganisationChange, units: Units, _actor: User | None) -> None:
    plan = change.plan
    names = {name: plan.get(name, "") for name in ("name", "name_en", "short_name")}
    version_from(units[plan["organisation"]], change.effective_on, names)


def _apply_move(change: OrganisationChange, units: Units, _actor: User | None) -> None:
    _put_below(units[change.plan["organisation"]], change.plan["parent"], change.effective_on)


def _put_below(row: Organisation, parent_id: int | None, on: date) -> None:
    """Hang a unit and all below it under another one, with their paths."""
    row.refresh_from_db()
    old = row.path
    parent_path = Organisation.objects.values_list("path", flat=True).get(pk=parent_id) if parent_id else ""
    version_from(row, on, {"parent_id": parent_id})
    new = rules.path_of(parent_path, row.pk)
    Organisation.objects.filter(path__startswith=old).update(
        path=Concat(Value(new), Substr(F("path"), len(old) + 1)), version=F("version") + 1
    )


def _apply_merge(change: OrganisationChange, units: Units, actor: User | None) -> None:
    plan, on = change.plan, change.effective_on
    if plan.get("target") is not None:
        target = units[plan["target"]]
    else:
        target = organisation_open(NewOrganisation(**plan["new"]), on=on, actor=actor)
    for pk in plan["sources"]:
        _children_to(pk, target.pk, on, units)
        _members_to(pk, target.pk, change)
        _roles_to(pk, [target.pk] if plan.get("carry_roles", True) else [], change)
        _end(units[pk], on)
        _succeed(change, pk, target.pk)


def _apply_split(change: OrganisationChange, units: Units, actor: User | None) -> None:
    plan, on, source = change.plan, change.effective_on, units[change.plan["source"]]
    opened = [organisation_open(NewOrganisation(**part["new"]), on=on, actor=actor) for part in plan["parts"]]
    for part, row in zip(plan["parts"], opened, strict=True):
        _members_to(source.pk, row.pk, change, staff_ids=part.get("staff", []))
        for child in part.get("children", []):
            _put_below(units[child], row.pk, on)
        _succeed(change, source.pk, row.pk)
    if plan["keep"]:
        _succeed(change, source.pk, source.pk)
        return
    _members_to(source.pk, opened[0].pk, change)
    _children_to(source.pk, opened[0].pk, on, units)
    _roles_to(source.pk, [row.pk for row in opened] if plan.get("carry_roles", True) else [], change)
    _end(source, on)


def _apply_close(change: OrganisationChange, units: Units, actor: User | None) -> None:
    plan, on = change.plan, change.effective_on
    row = units[plan["organisation"]]
    if plan.get("members_to") is not None:
        _members_to(row.pk, plan["members_to"], change)
        _succeed(change, row.pk, plan["members_to"])
    else:
        _designations_end(row.pk, on, actor)
    _roles_to(row.pk, [], change)
    _end(row, on)


def _designations_end(organisation_id: int, on: date, actor: User | None) -> None:
    """Nobody is appointed for a unit that is over."""
    rows = Designation.objects.filter(Q(valid_to=None) | Q(valid_to__gt=on), organisation=organisation_id)
    audit.record_many(
        audit.build(
            verb="designation.end", actor=actor, target=row, subject_id=row.staff_id, kind=row.kind, on=on.isoformat()
        )
        for row in rows.order_by("pk")
    )
    rows.filter(valid_from__gte=on).delete()
    rows.update(valid_to=on)


def _apply_open(_change: OrganisationChange, _units: Units, _actor: User | None) -> None:
    """The row was entered with the plan; its first day has come."""


def _children_to(source_id: int, target_id: int, on: date, units: Units) -> None:
    """Hang what stands below a unit that ends under another one from the day on.

    Also in what was recorded for later days, as of a unit that is still to open: it can't stand below what is over.
    """
    for child in Organisation.objects.filter(parent=source_id, valid_to=None).order_by("pk"):
        if child.pk == target_id:
            continue
        last = child.versions.get(valid_to=None)
        _put_below(units[child.pk], target_id, max(on, last.valid_from))
        later = OrganisationVersion.objects.filter(organisation=child, parent=source_id, valid_from__gte=on)
        later.update(parent=target_id)
        for spanning in OrganisationVersion.objects.filter(organisation=child, parent=source_id, valid_to__gt=on):
            until, spanning.valid_to = spanning.valid_to, on
            spanning.save(update_fields=["valid_to"])
            values = {name: getattr(spanning, name) for name in DATED} | {"parent_id": target_id}
            OrganisationVersion.objects.create(organisation=child, valid_from=on, valid_to=until, **values)


def _end(row: Organisation, on: date) -> None:
    """Close a unit from a day on. RuleViolation where a later version of it exists."""
    row.refresh_from_db()
    last = row.versions.get(valid_to=None)
    if on < last.valid_from or on <= row.valid_from:
        raise RuleViolation(
            _("%(name)s was opened or changed on that day or later. Choose a later day.") % {"name": row.name},
            code="later_version",
        )
    if on == last.valid_from:  # changed on the very day, by another plan: that never held
        last.delete()
    else:
        OrganisationVersion.objects.filter(pk=last.pk).update(valid_to=on)
    row.valid_to = on
    row.version += 1
    row.save(update_fields=["valid_to", "version"])


def _succeed(change: OrganisationChange, predecessor_id: int, successor_id: int) -> None:
    OrganisationSuccession.objects.create(change=change, predecessor_id=predecessor_id, successor_id=successor_id)


def _members_to(
    source_id: int, target_id: int, change: OrganisationChange, *, staff_ids: Iterable[int] | None = None
) -> None:
    """Take people (all, or those named) from one unit to another from the day on: memberships and designations.

    What lies before the day stays; what spans it is cut in two; what begins later begins in the new unit. So the
    history comes out the same whenever the change is applied.
    """
    on = change.effective_on
    rows = members_from(source_id, on)
    appointments = Designation.objects.filter(Q(valid_to=None) | Q(valid_to__gt=on), organisation=source_id)
    if staff_ids is not None:
        chosen = list(staff_ids)
        rows, appointments = rows.filter(staff__in=chosen), appointments.filter(staff__in=chosen)
    people = sorted(set(rows.values_list("staff_id", flat=True)))
    list(Staff.objects.select_for_update(of=("self",)).filter(pk__in=people).order_by("pk").values_list("pk"))
    reason = _("Change of organisation")
    _cut(rows, on, organisation_id=target_id, reason=reason, recorded_by_id=change.created_by_id)
    _cut(appointments, on, organisation_id=target_id, recorded_by_id=change.created_by_id)
    refresh_current(people)
    # Whoever has left by now, or joins later, has no membership of today.
    Staff.objects.filter(pk__in=people).update(version=F("version") + 1)
    Staff.objects.filter(pk__in=people, organisation=source_id).update(organisation=target_id)


def _cut(rows: Any, on: date, **values: Any) -> None:
    """Give dated rows new values from a day on."""
    spanning = list(rows.filter(valid_from__lt=on))
    rows.filter(valid_from__gte=on).update(**values)
    model = rows.model
    model.objects.filter(pk__in=[row.pk for row in spanning]).update(valid_to=on)
    for row in spanning:
        row.pk, row.id, row.valid_from = None, None, on
        row._state.adding = True
        for name, value in values.items():
            setattr(row, name, value)
    model.objects.bulk_create(spanning, batch_size=500)


def _roles_to(source_id: int, target_ids: Iterable[int], change: OrganisationChange) -> None:
    """End grants for a unit that ends, and give the same for its successors; never to whoever planned the change."""
    on, actor = change.effective_on, change.created_by
    grants = list(RoleGrant.objects.not_over().filter(organisation=source_id).select_related("user").order_by("pk"))
    lines = []
    for grant in grants:
        told: dict[str, Any] = {"role": grant.role, "change": change.pk}
        ended = {**told, "organisation": source_id, "grant": grant.pk, "on": on.isoformat()}
        lines.append(audit.build(verb="role.revoke", actor=actor, target=grant.user, **ended))
        for target_id in target_ids if grant.user_id != change.created_by_id else ():
            for part in _not_held_yet(grant, target_id, on):
                RoleGrant.objects.create(
                    user_id=grant.user_id,
                    role=grant.role,
                    organisation_id=target_id,
                    valid_from=part.valid_from,
                    valid_to=part.valid_to,
                    granted_by=actor,
                )
                lines.append(
                    audit.build(verb="role.grant", actor=actor, target=grant.user, organisation=target_id, **told)
                )
    RoleGrant.objects.filter(pk__in=[grant.pk for grant in grants], valid_from__lt=on).update(valid_to=on)
    RoleGrant.objects.filter(pk__in=[grant.pk for grant in grants], valid_from__gte=on).update(
        revoked_at=clock.now(), revoked_by=actor
    )
    audit.record_many(lines)


def _not_held_yet(grant: RoleGrant, target_id: int, on: date) -> list[rules.Interval]:
    """The time of a grant from a day on in which its account does not hold the same role for another unit anyway."""
    held = RoleGrant.objects.filter(
        user=grant.user_id, role=grant.role, organisation=target_id, revoked_at=None
    ).values_list("valid_from", "valid_to")
    wanted = rules.Interval(max(on, grant.valid_from), grant.valid_to)
    return rules.left_over(wanted, [rules.Interval(*days) for days in held])


APPLY: dict[ChangeKind, Callable[[OrganisationChange, Units, User | None], None]] = {
    ChangeKind.RENAME: _apply_rename,
    ChangeKind.MOVE: _apply_move,
    ChangeKind.MERGE: _apply_merge,
    ChangeKind.SPLIT: _apply_split,
    ChangeKind.CLOSE: _apply_close,
    ChangeKind.OPEN: _apply_open,
}
