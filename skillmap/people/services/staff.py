"""Persons: joiners, changes, moves, designations; everything with its day."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F, Q
from django.utils.translation import gettext as _

from skillmap.core import audit, clock
from skillmap.core.errors import Conflict, RuleViolation
from skillmap.core.templatetags.ui.words import jp_date
from skillmap.people import rules, signals
from skillmap.people.choices import StaffStatus
from skillmap.people.models import Designation, Membership, Staff, User
from skillmap.people.services._common import lock_organisations, posting_place, require_secretariat

# What staff_update may change; organisation, grade and occupation are dated: see staff_move.
PLAIN_FIELDS = frozenset(
    {"number", "name", "kana", "email", "employer", "former_occupation", "hiring_route", "hired_on", "expert_until"}
)


def locked(staff_id: int) -> Staff:
    """A person, held until the transaction ends."""
    return Staff.objects.select_for_update(of=("self",)).get(pk=staff_id)


def write(staff: Staff, **changes: object) -> Staff:
    """Write columns of a person who is held by this transaction."""
    for name, value in changes.items():
        setattr(staff, name, value)
    staff.version += 1
    staff.save(update_fields=[*changes, "version"])
    return staff


def _number_taken() -> RuleViolation:
    return RuleViolation(_("There is a person with this staff number already."), code="number_taken")


@transaction.atomic
def staff_create(
    *,
    number: str,
    name: str,
    organisation_id: int,
    grade: int,
    occupation: str,
    joined_on: date,
    actor: User | None,
    **fields: Any,
) -> Staff:
    """Record a joiner, in post from `joined_on`; a later day means that the person is going to join.

    Args:
        fields: any others of PLAIN_FIELDS.

    Raises:
        RuleViolation: `number_taken`, `not_a_place`.
    """
    require_secretariat(actor)
    _known(fields)
    posting_place(lock_organisations([organisation_id]), organisation_id, joined_on)
    status = StaffStatus.ACTIVE if joined_on <= clock.today() else StaffStatus.JOINING
    dated = {"organisation_id": organisation_id, "grade": grade, "occupation": occupation}
    staff = Staff(number=number, name=name, status=status, **dated, **fields)
    try:
        with transaction.atomic():
            staff.save(force_insert=True)
    except IntegrityError as error:
        raise _number_taken() from error
    begin_membership(staff, organisation_id, grade, occupation, joined_on, _("Joined"), actor)
    audit.record(verb="staff.create", actor=actor, target=staff, subject_id=staff.pk)
    return staff


def _known(fields: Mapping[str, Any]) -> None:
    unknown = set(fields) - PLAIN_FIELDS
    if unknown:
        raise TypeError(f"not fields of a person: {sorted(unknown)}")


def begin_membership(
    staff: Staff, organisation_id: int, grade: int, occupation: str, on: date, reason: str, actor: User | None
) -> Membership:
    """Put a person into an organisation, grade and occupation from a day on."""
    return Membership.objects.create(
        staff=staff,
        organisation_id=organisation_id,
        grade=grade,
        occupation=occupation,
        valid_from=on,
        reason=reason,
        recorded_by=actor,
    )


@transaction.atomic
def staff_update(*, staff_id: int, version: int, actor: User | None, **fields: Any) -> Staff:
    """Change what is not dated (PLAIN_FIELDS), if the person is still as it was read.

    Raises:
        Conflict: `changed_meanwhile`, with the present version.
        RuleViolation: `number_taken`.
    """
    require_secretariat(actor)
    _known(fields)
    staff = locked(staff_id)
    if staff.version != version:
        raise Conflict(
            _("Somebody changed this person in the meantime. Your entries are kept below; compare and send again."),
            code="changed_meanwhile",
            details={"version": staff.version},
        )
    changes = {name: value for name, value in fields.items() if getattr(staff, name) != value}
    if not changes:
        return staff
    try:
        with transaction.atomic():
            write(staff, **changes, search_key="")  # the field works its text out itself
    except IntegrityError as error:
        raise _number_taken() from error
    if "name" in changes and staff.user_id is not None:
        User.objects.filter(pk=staff.user_id).update(name=staff.name)
    audit.record(verb="staff.update", actor=actor, target=staff, subject_id=staff.pk, fields=sorted(changes))
    return staff


# ----------------------------------------------------------------------------------------------------------- moves


@transaction.atomic
def staff_move(
    *,
    staff_id: int,
    on: date,
    actor: User | None,
    organisation_id: int | None = None,
    grade: int | None = None,
    occupation: str | None = None,
    reason: str = "",
) -> Membership:
    """Move a person to another organisation, grade or occupation from a day on; a later day waits in the history.

    A move on the first day of the last membership corrects that one; one that changes nothing but the day puts off, or
    brings forward, the joining of somebody who is still to come. Returns the membership that begins.

    Raises:
        RuleViolation: `left`, `later_move` (something later is recorded already), `no_change`, `not_a_place`.
    """
    require_secretariat(actor)
    places = lock_organisations([organisation_id] if organisation_id is not None else [])
    staff = locked(staff_id)
    in_service_on(staff, on)
    last = staff.memberships.order_by("valid_from").last()
    assert last is not None  # noqa: S101  every person has one
    place_id = organisation_id or last.organisation_id
    wanted = (place_id, grade or last.grade, occupation or last.occupation)
    is_same = wanted == (last.organisation_id, last.grade, last.occupation)
    if is_same and on != last.valid_from and _is_to_join(staff, last):
        if organisation_id is not None:
            posting_place(places, organisation_id, on)
        return _join_on(staff, last, on, actor)
    if on < last.valid_from:
        raise RuleViolation(
            _("A later step from %(day)s is recorded already. Take that one back first, or choose a later day.")
            % {"day": jp_date(last.valid_from)},
            code="later_move",
        )
    if organisation_id is not None:
        posting_place(places, organisation_id, on)
    if is_same:
        raise RuleViolation(_("Nothing would change by this move."), code="no_change")
    membership = _membership_from(staff, last, wanted, on, reason, actor)
    write(staff)  # whoever read this person before must look again, also where the move is still to come
    audit.record(
        verb="staff.move", actor=actor, target=staff, subject_id=staff.pk, on=on.isoformat(), organisation=place_id
    )
    refresh_current([staff.pk])
    return membership


def _membership_from(
    staff: Staff, last: Membership, wanted: tuple[int, int, str], on: date, reason: str, actor: User | None
) -> Membership:
    place_id, grade, occupation = wanted
    if on > last.valid_from:
        last.valid_to = on
        last.save(update_fields=["valid_to"])
        return begin_membership(staff, place_id, grade, occupation, on, reason, actor)
    last.organisation_id, last.grade, last.occupation, last.reason = place_id, grade, occupation, reason or last.reason
    last.save(update_fields=["organisation", "grade", "occupation", "reason"])
    if _is_to_join(staff, last):
        # Whoever is to join belongs already to where that will be.
        write(staff, organisation_id=place_id, grade=grade, occupation=occupation)
    return last


def _is_to_join(staff: Staff, last: Membership) -> bool:
    return staff.status == StaffStatus.JOINING and not staff.memberships.exclude(pk=last.pk).exists()


def _join_on(staff: Staff, first: Membership, on: date, actor: User | None) -> Membership:
    """Another first day; the job of the day brings in whoever has come by then."""
    first.valid_from = on
    first.save(update_fields=["valid_from"])
    write(staff)
    audit.record(verb="staff.join_on", actor=actor, target=staff, subject_id=staff.pk, on=on.isoformat())
    return first


def in_service_on(staff: Staff, on: date) -> None:
    """Raise RuleViolation `left` where the person has left by then, or will have.

    Of somebody who has left by now nothing more is recorded for any day: it would go on beyond the leaving.
    """
    if staff.has_left_by(max(on, clock.today())):
        raise RuleViolation(_("The person has left, or will have left by that day."), code="left")


@transaction.atomic
def move_cancel(*, membership_id: int, actor: User | None) -> None:
    """Take back a move that is still to come; the one before it goes on. RuleViolation `already_in_force`."""
    require_secretariat(actor)
    staff_id = Membership.objects.values_list("staff_id", flat=True).get(pk=membership_id)
    staff = locked(staff_id)
    memberships = list(staff.memberships.order_by("valid_from"))
    last = memberships[-1]
    if last.pk != membership_id or last.valid_from <= clock.today() or len(memberships) == 1:
        text = _("Only the last step can be taken back, and only before its day.")
        raise RuleViolation(text, code="already_in_force")
    last.delete()
    before = memberships[-2]
    before.valid_to = None
    before.save(update_fields=["valid_to"])
    write(staff)
    audit.record(
        verb="staff.move_cancel", actor=actor, target=staff, subject_id=staff.pk, on=last.valid_from.isoformat()
    )


def refresh_current(staff_ids: list[int] | None = None) -> tuple[int, ...]:
    """Bring organisation, grade and occupation of persons up to the membership of today, and tell who moved.

    It compares states, not days: a run that was missed changes nothing about the outcome. None: everybody.
    """
    today = clock.today()
    behind = Membership.objects.filter(Q(valid_to=None) | Q(valid_to__gt=today), valid_from__lte=today).exclude(
        staff__organisation=F("organisation"), staff__grade=F("grade"), staff__occupation=F("occupation")
    )
    if staff_ids is not None:
        behind = behind.filter(staff__in=staff_ids)
    stale = {row.staff_id: row for row in behind.order_by("staff_id")}
    people = list(Staff.objects.select_for_update(of=("self",)).filter(pk__in=stale).order_by("pk"))
    moved = []
    for staff in people:
        now = stale[staff.pk]
        if staff.organisation_id != now.organisation_id:
            moved.append(staff.pk)
        staff.organisation_id, staff.grade, staff.occupation = now.organisation_id, now.grade, now.occupation
        staff.version += 1
    Staff.objects.bulk_update(people, ["organisation", "grade", "occupation", "version"], batch_size=200)
    signals.announce(signals.staff_moved, moved, today)
    return tuple(staff.pk for staff in people)


# ---------------------------------------------------------------------------------------------------- designations


@transaction.atomic
def designation_add(
    *,
    staff_id: int,
    kind: str,
    on: date,
    actor: User | None,
    organisation_id: int | None = None,
    until: date | None = None,
) -> Designation:
    """Designate a person from a day, until a day (not included) or open; by default for the organisation of that day.

    That a section has more than one DX ambassador is allowed; `selectors.ambassadors_beside` says so beforehand.

    Raises:
        RuleViolation: `left`, `dates`, `designated` (the same at the same time).
    """
    require_secretariat(actor)
    staff = locked(staff_id)
    in_service_on(staff, on)
    if until is not None and until <= on:
        raise RuleViolation(_("The last day must not be before the first."), code="dates")
    wanted = rules.Interval(on, until)
    held = staff.designations.filter(kind=kind)
    if any(rules.Interval(row.valid_from, row.valid_to).overlaps(wanted) for row in held):
        raise RuleViolation(_("The person has this designation at that time already."), code="designated")
    row = Designation.objects.create(
        staff=staff,
        kind=kind,
        organisation_id=organisation_id or _place_on(staff, on),
        valid_from=on,
        valid_to=until,
        recorded_by=actor,
    )
    audit.record(verb="designation.add", actor=actor, target=row, subject_id=staff.pk, kind=kind, on=on.isoformat())
    return row


def _place_on(staff: Staff, on: date) -> int:
    """The id of the organisation that a person belongs to on a day, as far as that is known."""
    begun = staff.memberships.filter(valid_from__lte=on).order_by("valid_from").last()
    return begun.organisation_id if begun is not None else staff.organisation_id


@transaction.atomic
def designation_end(*, designation_id: int, on: date, actor: User | None) -> None:
    """End a designation: `on` is the first day without it. RuleViolation `dates`, `ended`."""
    require_secretariat(actor)
    row = Designation.objects.select_for_update(of=("self",)).get(pk=designation_id)
    if row.valid_to is not None and row.valid_to <= on:
        raise RuleViolation(_("The designation has ended by then already."), code="ended")
    if on <= row.valid_from:
        raise RuleViolation(_("The last day must not be before the first."), code="dates")
    row.valid_to = on
    row.save(update_fields=["valid_to"])
    audit.record(
        verb="designation.end", actor=actor, target=row, subject_id=row.staff_id, kind=row.kind, on=on.isoformat()
    )
