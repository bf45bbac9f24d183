"""Leave and return, leavers and who comes back; and what each new day brings to persons."""

import logging
from datetime import date
from typing import Any

from django.db import transaction
from django.db.models import ProtectedError, Q
from django.utils.translation import gettext as _

from skillmap.core import audit, clock
from skillmap.core.errors import RuleViolation
from skillmap.people import rules, signals
from skillmap.people.choices import StaffStatus
from skillmap.people.models import Leave, Staff, User
from skillmap.people.services._common import lock_organisations, posting_place, require_secretariat
from skillmap.people.services.accounts import close_accounts
from skillmap.people.services.staff import begin_membership, in_service_on, locked, refresh_current, write

logger = logging.getLogger(__name__)

# ----------------------------------------------------------------------------------------------------------- leave


@transaction.atomic
def leave_begin(*, staff_id: int, on: date, actor: User | None, until: date | None = None, reason: str = "") -> Leave:
    """Record 休職 or another leave from a day, until a day (not included) or open.

    Raises:
        RuleViolation: `left`, `dates`, `on_leave` (another leave at that time).
    """
    require_secretariat(actor)
    staff = locked(staff_id)
    in_service_on(staff, on)
    if until is not None and until <= on:
        raise RuleViolation(_("The last day must not be before the first."), code="dates")
    wanted = rules.Interval(on, until)
    if any(rules.Interval(row.valid_from, row.valid_to).overlaps(wanted) for row in staff.leaves.all()):
        raise RuleViolation(_("A leave at that time is recorded already."), code="on_leave")
    leave = Leave.objects.create(staff=staff, valid_from=on, valid_to=until, reason=reason, recorded_by=actor)
    audit.record(verb="staff.leave_begin", actor=actor, target=staff, subject_id=staff.pk, on=on.isoformat())
    _refresh_status(staff)
    return leave


@transaction.atomic
def leave_end(*, staff_id: int, on: date, actor: User | None) -> None:
    """Record the return from leave: `on` is the first day back. RuleViolation `not_on_leave`, `dates`.

    A leave that is still to come is taken back altogether, and one that ends on its first day.
    """
    require_secretariat(actor)
    staff = locked(staff_id)
    ahead = staff.leaves.filter(Q(valid_to=None) | Q(valid_to__gt=clock.today())).order_by("valid_from")
    leave = ahead.first()  # the present one, else the next
    if leave is None or (leave.valid_to is not None and leave.valid_to <= on):
        raise RuleViolation(_("No leave is recorded that could end on that day."), code="not_on_leave")
    if on < leave.valid_from <= clock.today():
        raise RuleViolation(_("On that day the leave had not begun. Choose a later day."), code="dates")
    if leave.valid_from >= on:
        leave.delete()
    else:
        leave.valid_to = on
        leave.save(update_fields=["valid_to"])
    audit.record(verb="staff.leave_end", actor=actor, target=staff, subject_id=staff.pk, on=on.isoformat())
    _refresh_status(staff)


def _refresh_status(staff: Staff) -> None:
    """Bring the status of a person who is held up to today, and tell what came into effect."""
    today = clock.today()
    leaves = [rules.Interval(row.valid_from, row.valid_to) for row in staff.leaves.all()]
    first = staff.memberships.order_by("valid_from").values_list("valid_from", flat=True)[0]
    status = rules.status_on(today, joins_on=first, left_on=staff.left_on, leaves=leaves)
    if status in (staff.status, StaffStatus.LEFT):  # a leaving brings more than its status: see _take_leave
        return
    before = staff.status
    write(staff, status=status)
    if status == StaffStatus.ON_LEAVE:
        signals.announce(signals.staff_on_leave, [staff.pk], today)
    elif before == StaffStatus.ON_LEAVE and status == StaffStatus.ACTIVE:
        signals.announce(signals.staff_returned, [staff.pk], today)


# --------------------------------------------------------------------------------------------------------- leavers


@transaction.atomic
def staff_leave(*, staff_id: int, on: date, actor: User | None, reason: str = "") -> Staff:
    """Record that a person leaves (退職, 転出, end of term); `on` is the first day out of service.

    From that day, in one transaction: posting, leave and designations end, the account closes, and its roles, tokens
    and sessions with it. A later day waits; until then everything goes on. Who was to join and leaves on the first day
    or before it does not come, and is taken off the record.

    Raises:
        RuleViolation: `left`, `dates` (before the last posting began), `last_secretariat`, `own_account`, `in_use`.
    """
    require_secretariat(actor)
    staff = locked(staff_id)
    if staff.status == StaffStatus.LEFT:
        raise RuleViolation(_("The person has left already."), code="left")
    if actor is not None and staff.user_id == actor.pk:
        raise RuleViolation(_("You can't record your own leaving. Ask a colleague."), code="own_account")
    began = staff.memberships.filter(valid_from__lte=clock.today()).order_by("valid_from").last()
    first = staff.memberships.order_by("valid_from")[0]
    if staff.status == StaffStatus.JOINING and on <= first.valid_from:
        _take_off_record(staff, actor)
        return staff
    # On the day of the last move is no slip: who retires on 31 March is moved by the reorganisation of 1 April.
    if on <= first.valid_from or (began is not None and on < began.valid_from):
        raise RuleViolation(_("On that day the last posting had not begun. Choose a later day."), code="dates")
    if on <= clock.today():
        write(staff, left_on=on)
        _take_leave(staff, actor)
    else:
        write(staff, left_on=on)
    audit.record(
        verb="staff.leave", actor=actor, target=staff, subject_id=staff.pk, on=on.isoformat(), reason=bool(reason)
    )
    return staff


def _take_off_record(staff: Staff, actor: User | None) -> None:
    """Nothing is kept of somebody who never came but the line in the audit trail; an account stays, closed."""
    audit.record(verb="staff.not_joined", actor=actor, target=staff, subject_id=staff.pk)
    if staff.user_id is not None:
        close_accounts([staff.user_id], actor=actor)
    for rows in (staff.memberships, staff.leaves, staff.designations):
        rows.all().delete()
    try:
        with transaction.atomic():
            Staff.objects.filter(pk=staff.pk).delete()
    except ProtectedError as error:
        text = _("There are records of this person already. Record a day after the first one.")
        raise RuleViolation(text, code="in_use") from error


def _take_leave(staff: Staff, actor: User | None) -> None:
    """What the day of leaving brings, for a person who is held, in the transaction of the caller."""
    on = staff.left_on
    assert on is not None  # noqa: S101
    for rows in (staff.memberships, staff.leaves, staff.designations):
        rows.filter(valid_from__gte=on).delete()
        rows.filter(Q(valid_to=None) | Q(valid_to__gt=on)).update(valid_to=on)
    write(staff, status=StaffStatus.LEFT)
    if staff.user_id is not None:
        close_accounts([staff.user_id], actor=actor)
    audit.record(verb="staff.left", actor=actor, target=staff, subject_id=staff.pk, on=on.isoformat())
    signals.announce(signals.staff_left, [staff.pk], on)


@transaction.atomic
def staff_leave_cancel(*, staff_id: int, actor: User | None) -> Staff:
    """Take back a leaving that is still to come. RuleViolation `already_in_force`."""
    require_secretariat(actor)
    staff = locked(staff_id)
    if staff.status == StaffStatus.LEFT or staff.left_on is None or staff.has_left_by(clock.today()):
        raise RuleViolation(_("There is no leaving to take back."), code="already_in_force")
    write(staff, left_on=None)
    audit.record(verb="staff.leave_cancel", actor=actor, target=staff, subject_id=staff.pk)
    return staff


@transaction.atomic
def staff_rejoin(
    *, staff_id: int, on: date, organisation_id: int, grade: int, occupation: str, actor: User | None
) -> Staff:
    """Record that a person who had left is back from a day, under the same number, with the history kept.

    The account stays closed until it is opened again; roles are given anew.

    Raises:
        RuleViolation: `not_left`, `dates`, `not_a_place`.
    """
    require_secretariat(actor)
    posting_place(lock_organisations([organisation_id]), organisation_id, on)
    staff = locked(staff_id)
    if staff.status != StaffStatus.LEFT or staff.left_on is None:
        raise RuleViolation(_("This person has not left."), code="not_left")
    if not staff.left_on <= on <= clock.today():
        raise RuleViolation(_("The return lies between the day of leaving and today."), code="dates")
    begin_membership(staff, organisation_id, grade, occupation, on, _("Came back"), actor)
    write(
        staff,
        left_on=None,
        status=StaffStatus.ACTIVE,
        organisation_id=organisation_id,
        grade=grade,
        occupation=occupation,
    )
    audit.record(verb="staff.rejoin", actor=actor, target=staff, subject_id=staff.pk, on=on.isoformat())
    return staff


# ------------------------------------------------------------------------------------------------------ day by day


def people_apply_due() -> dict[str, int]:
    """Bring every person up to today: leavers, moves, leave, return; the same outcome however late or often it runs."""
    today = clock.today()
    due = Staff.objects.filter(left_on__lte=today).exclude(status=StaffStatus.LEFT)
    leavers = refused = 0
    for pk in list(due.order_by("pk").values_list("pk", flat=True)):
        try:
            leavers += _leave_if_due(pk)
        except RuleViolation:  # the last of the secretariat: everybody else's day goes on, this one is counted
            refused += 1
        except Exception:  # a fault about one person neither
            logger.exception("leaving_failed", extra={"staff": pk})
            refused += 1
    with transaction.atomic():
        moved = refresh_current()
    begun = Q(leaves__valid_from__lte=today) & (Q(leaves__valid_to=None) | Q(leaves__valid_to__gt=today))
    starting = Staff.objects.filter(begun, status=StaffStatus.ACTIVE)
    returning = Staff.objects.filter(status=StaffStatus.ON_LEAVE).exclude(
        pk__in=Staff.objects.filter(begun).values("pk")
    )
    joining = Staff.objects.filter(status=StaffStatus.JOINING, memberships__valid_from__lte=today)
    changed = 0
    for pk in sorted({*_pks(starting), *_pks(returning), *_pks(joining)}):
        with transaction.atomic():
            _refresh_status(locked(pk))
            changed += 1
    return {"leavers": leavers, "refused": refused, "moved": len(moved), "status": changed}


def _pks(people: Any) -> list[int]:
    return list(people.values_list("pk", flat=True))


@transaction.atomic
def _leave_if_due(pk: int) -> int:
    staff = locked(pk)
    if staff.status == StaffStatus.LEFT or not staff.has_left_by(clock.today()):
        return 0
    _take_leave(staff, None)
    return 1
