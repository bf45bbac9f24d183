"""The checked rows of a table of people on their way into the database, in few statements for many."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from allauth.account.models import EmailAddress
from django.contrib.auth.hashers import make_password
from django.db.models import OuterRef, Subquery
from django.utils.translation import gettext as _

from skillmap.core import audit, bulk, clock
from skillmap.core.choices import RowOutcome
from skillmap.core.chunks import chunks
from skillmap.core.errors import RuleViolation
from skillmap.core.models import ImportBatch, ImportRow
from skillmap.people import signals
from skillmap.people.choices import StaffStatus
from skillmap.people.models import Membership, Staff, User
from skillmap.people.services._common import lock_organisations, posting_place
from skillmap.people.services.leaving import staff_leave
from skillmap.people.services.people_compare import DAYS, PLAIN


class Writing:
    """The checked rows on their way into the database, in one transaction that is open."""

    def __init__(self, rows: list[ImportRow], actor: User, batch: ImportBatch) -> None:
        self.rows, self.actor, self.batch = rows, actor, batch
        self.today = clock.today()
        self.people: dict[str, Staff] = {}
        self.ends: dict[date, list[int]] = {}
        self.corrections: list[tuple[int, Mapping[str, Any]]] = []
        self.begins: list[Membership] = []
        self.moved: list[int] = []

    def write(self) -> dict[str, int]:
        """Everything; returns counts."""
        self._hold()
        users = self._accounts()
        fresh = [self._joiner(row, users) for row in self.rows if row.outcome == RowOutcome.CREATE]
        Staff.objects.bulk_create(fresh, batch_size=500)
        known = [row for row in self.rows if row.outcome == RowOutcome.UPDATE]
        for row in known:
            self._change(row, users)
        changed = [self.people[row.key] for row in known]
        columns = [*PLAIN, "organisation", "grade", "occupation", "user", "version", "search_key"]
        # The rows are held, so that writing all these columns undoes nobody's work; an upsert writes many at once.
        Staff.objects.bulk_create(
            changed, batch_size=500, update_conflicts=True, unique_fields=["id"], update_fields=columns
        )
        self._memberships()
        self._names(known)
        leavers = self._leavers(known)
        self._record(fresh, known)
        signals.announce(signals.staff_moved, self.moved, self.today)
        return {"created": len(fresh), "updated": len(known), "leavers": leavers, "accounts": len(users)}

    def _hold(self) -> None:
        """Lock organisations, then people in id order; RuleViolation where anything is no longer as it was checked."""
        places = lock_organisations(row.data["move"]["organisation_id"] for row in self.rows if "move" in row.data)
        for row in self.rows:
            if "move" in row.data and self._changes_place(row):
                posting_place(places, row.data["move"]["organisation_id"], date.fromisoformat(row.data["move"]["on"]))
        for ids in chunks(sorted(row.data["staff"] for row in self.rows if "staff" in row.data)):
            held = Staff.objects.select_for_update(of=("self",)).filter(pk__in=ids).order_by("pk")
            self.people |= {staff.number: staff for staff in held}
        moved = [row.key for row in self.rows if row.outcome == RowOutcome.UPDATE and not self._is_as_checked(row)]
        for numbers in chunks([row.key for row in self.rows if row.outcome == RowOutcome.CREATE]):
            moved += Staff.objects.filter(number__in=numbers).values_list("number", flat=True)
        if moved:
            text = _("%(count)s people were changed since the check. Nothing was written. Please check the file again.")
            raise RuleViolation(text % {"count": len(moved)}, code="changed_meanwhile", details={"numbers": moved[:10]})

    def _changes_place(self, row: ImportRow) -> bool:
        return row.outcome == RowOutcome.CREATE or "organisation" in row.data["changes"]

    def _is_as_checked(self, row: ImportRow) -> bool:
        staff = self.people.get(row.key)
        return staff is not None and staff.version == row.version

    def _accounts(self) -> dict[str, User]:
        wanted = {row.key: row.data["account"] for row in self.rows if "account" in row.data}
        names = {row.key: row.data["plain"].get("name") or row.label for row in self.rows}
        for part in chunks(sorted(wanted.values())):
            if User.objects.filter(email__in=part).exists():
                text = _("An account with one of the addresses was made since the check. Please check the file again.")
                raise RuleViolation(text, code="changed_meanwhile")
        users = User.objects.bulk_create(
            [User(email=email, name=names[number], password=make_password(None)) for number, email in wanted.items()],
            batch_size=500,
        )
        EmailAddress.objects.bulk_create(
            [EmailAddress(user=user, email=user.email, primary=True, verified=True) for user in users], batch_size=500
        )
        return dict(zip(wanted, users, strict=True))

    def _joiner(self, row: ImportRow, users: Mapping[str, User]) -> Staff:
        place = row.data["move"]
        on = date.fromisoformat(place["on"])
        staff = Staff(
            number=row.key,
            user=users.get(row.key),
            organisation_id=place["organisation_id"],
            grade=place["grade"],
            occupation=place["occupation"],
            status=StaffStatus.ACTIVE if on <= self.today else StaffStatus.JOINING,
            **_dated(row.data["plain"]),
        )
        self.begins.append(self._membership(staff, place, on))
        return staff

    def _membership(self, staff: Staff, place: Mapping[str, Any], on: date) -> Membership:
        return Membership(
            staff=staff,
            organisation_id=place["organisation_id"],
            grade=place["grade"],
            occupation=place["occupation"],
            valid_from=on,
            reason=_("From a table"),
            recorded_by=self.actor,
        )

    def _change(self, row: ImportRow, users: Mapping[str, User]) -> None:
        staff = self.people[row.key]
        for name, value in _dated(row.data["plain"]).items():
            setattr(staff, name, value)
        if row.key in users:
            staff.user = users[row.key]
        staff.version += 1
        if "move" in row.data:
            self._move(staff, row.data["move"])

    def _move(self, staff: Staff, place: Mapping[str, Any]) -> None:
        on = date.fromisoformat(place["on"])
        if on == date.fromisoformat(place["since"]):
            self.corrections.append((place["membership"], place))
        else:
            self.ends.setdefault(on, []).append(place["membership"])
            self.begins.append(self._membership(staff, place, on))
        if on <= self.today:
            if staff.organisation_id != place["organisation_id"]:
                self.moved.append(staff.pk)
            staff.organisation_id, staff.grade = place["organisation_id"], place["grade"]
            staff.occupation = place["occupation"]

    def _memberships(self) -> None:
        """End what ends before the next begins: a person has one open membership at a time."""
        for on, pks in self.ends.items():
            for part in chunks(pks):
                Membership.objects.filter(pk__in=part).update(valid_to=on)
        for pk, place in self.corrections:
            Membership.objects.filter(pk=pk).update(
                organisation=place["organisation_id"], grade=place["grade"], occupation=place["occupation"]
            )
        bulk.add(self.begins, Membership)

    def _names(self, rows: Sequence[ImportRow]) -> None:
        renamed = [self.people[row.key].user_id for row in rows if "name" in row.data["plain"]]
        own_name = Staff.objects.filter(user=OuterRef("pk")).values("name")[:1]
        for part in chunks([pk for pk in renamed if pk is not None]):
            User.objects.filter(pk__in=part).update(name=Subquery(own_name))

    def _leavers(self, rows: Sequence[ImportRow]) -> int:
        leaving = [row for row in rows if "left_on" in row.data]
        for row in leaving:
            on = date.fromisoformat(row.data["left_on"])
            staff_leave(staff_id=row.data["staff"], on=on, actor=self.actor)
        return len(leaving)

    def _record(self, fresh: Sequence[Staff], known: Sequence[ImportRow]) -> None:
        lines = [self._line("staff.create", staff, ()) for staff in fresh]
        lines += [self._line("staff.update", self.people[row.key], row.data["changes"]) for row in known]
        audit.record_many(lines)

    def _line(self, verb: str, staff: Staff, fields: Iterable[str]) -> Any:
        return audit.build(
            verb=verb,
            actor=self.actor,
            target=staff,
            subject_id=staff.pk,
            channel="import",
            batch=self.batch.pk,
            fields=sorted(fields),
        )


def _dated(plain: Mapping[str, Any]) -> dict[str, Any]:
    """Values of columns, their days back from text."""
    return {
        name: date.fromisoformat(value) if name in DAYS and isinstance(value, str) else value
        for name, value in plain.items()
    }
