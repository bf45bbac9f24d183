"""People from a table: joiners, changes of master data, moves, leavers. See core.imports for the two steps.

A column that is absent changes nothing, an empty cell clears what may be empty. Whoever is not in the file stays as
recorded and is listed.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, TypeVar

from allauth.account.models import EmailAddress
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.hashers import make_password
from django.db.models import OuterRef, Subquery
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from skillmap.core import audit, clock
from skillmap.core.choices import RowOutcome
from skillmap.core.errors import RuleViolation
from skillmap.core.imports import Checked, Importer, Progress, Staged
from skillmap.core.models import ImportBatch, ImportRow
from skillmap.core.tabular.columns import Column
from skillmap.core.tabular.problems import masked
from skillmap.core.tabular.reading import TableReading
from skillmap.core.tabular.rows import Row
from skillmap.people import rules, signals
from skillmap.people.access import access_of
from skillmap.people.choices import OrganisationKind, StaffStatus
from skillmap.people.models import Membership, Organisation, Staff, User
from skillmap.people.services._common import lock_organisations, posting_place
from skillmap.people.services.staff import staff_leave
from skillmap.people.tables import COLUMNS

PLAIN = ("name", "kana", "email", "employer", "former_occupation", "hiring_route", "hired_on", "expert_until")
PLACE = ("organisation", "grade", "occupation")
NEVER_EMPTY = ("name", "employer", "hiring_route", *PLACE)
NEEDED_TO_JOIN = ("name", *PLACE)
TEXTS = ("kana", "email", "former_occupation")
DAYS = ("hired_on", "expert_until")
CHUNK = 900  # what one IN of SQLite takes without trouble

T = TypeVar("T")


def chunks(items: Sequence[T]) -> Iterator[Sequence[T]]:
    """A list in pieces."""
    for start in range(0, len(items), CHUNK):
        yield items[start : start + CHUNK]


@dataclass
class Known:
    """What is on record about the people of a file."""

    staff: dict[str, Staff] = field(default_factory=dict)
    memberships: dict[int, list[Membership]] = field(default_factory=dict)
    organisations: dict[str, Organisation] = field(default_factory=dict)
    codes: dict[int, str] = field(default_factory=dict)
    emails: set[str] = field(default_factory=set)

    @classmethod
    def read(cls, numbers: Sequence[str], emails: Sequence[str]) -> "Known":
        """Read it, in one query for each thing and each piece of the file."""
        known = cls()
        known.organisations = {row.code: row for row in Organisation.objects.all()}
        known.codes = {row.pk: code for code, row in known.organisations.items()}
        for part in chunks(numbers):
            known.staff |= {row.number: row for row in Staff.objects.filter(number__in=part)}
        for ids in chunks([row.pk for row in known.staff.values()]):
            for membership in Membership.objects.filter(staff__in=ids).order_by("staff_id", "valid_from"):
                known.memberships.setdefault(membership.staff_id, []).append(membership)
        for addresses in chunks(emails):
            known.emails |= set(User.objects.filter(email__in=addresses).values_list("email", flat=True))
        return known


class Refused(Exception):  # noqa: N818  one row only
    """A row cannot be taken: column, reason, how to mend it, and the value to show."""

    def __init__(self, key: str, reason: str, fix: str, value: str = "") -> None:
        super().__init__(reason)
        self.key, self.reason, self.fix, self.value = key, reason, fix, value


class Comparison:
    """One file against what is on record."""

    def __init__(self, reading: TableReading, known: Known, *, effective_on: date, accounts: bool) -> None:
        self.reading, self.known = reading, known
        self.effective_on, self.accounts = effective_on, accounts
        self._addresses: set[str] = set()

    def staged(self, row: Row) -> Staged:
        """What applying the row would do. Raises Refused."""
        number = str(row.values["number"])
        staff = self.known.staff.get(number)
        for key in NEVER_EMPTY:
            if self.reading.has(key) and row.values[key] is None and (staff is not None or key in NEEDED_TO_JOIN):
                raise Refused(key, _("This cell is empty."), _("Enter a value, or leave the whole column out."))
        return self._joiner(row, number) if staff is None else self._changed(row, staff)

    def _joiner(self, row: Row, number: str) -> Staged:
        missing = [key for key in NEEDED_TO_JOIN if row.values.get(key) is None]
        if missing:
            labels = "、".join(column.label for column in COLUMNS if column.key in missing)
            raise Refused(
                "number",
                _("This person is not on record yet, and these columns are missing: %(columns)s") % {"columns": labels},
                _("Add the columns, or correct the staff number."),
                masked(number),
            )
        on = self._day(row)
        plain = {key: _clean(key, row.values[key]) for key in PLAIN if row.values.get(key) is not None}
        place = self._place(row, on, None)
        data: dict[str, Any] = {"plain": plain, "move": place | {"on": on}}
        if row.values.get("left_on") is not None:
            raise Refused(
                "left_on",
                _("This person is not on record yet and can't leave."),
                _("Empty the cell, or leave the row out."),
            )
        self._account(row, None, data)
        data["changes"] = {key: [None, row.values[key]] for key in (*PLAIN, *PLACE) if row.values.get(key) is not None}
        return Staged(row.number, number, RowOutcome.CREATE, data, None, str(row.values["name"]))

    def _changed(self, row: Row, staff: Staff) -> Staged:
        plain = {key: _clean(key, row.values[key]) for key in PLAIN if self.reading.has(key)}
        plain = {key: value for key, value in plain.items() if getattr(staff, key) != value}
        changes: dict[str, list[Any]] = {key: [getattr(staff, key), value] for key, value in plain.items()}
        data: dict[str, Any] = {"staff": staff.pk, "plain": plain}
        self._move(row, staff, data, changes)
        self._leave(row, staff, data, changes)
        self._account(row, staff, data)
        data["changes"] = changes
        differs = bool(changes) or "account" in data
        outcome = RowOutcome.UPDATE if differs else RowOutcome.SAME
        return Staged(row.number, staff.number, outcome, data if differs else {}, staff.version, staff.name)

    def _day(self, row: Row) -> date:
        day = row.values.get("moved_on")
        return day if isinstance(day, date) else self.effective_on

    def _place(self, row: Row, on: date, before: Membership | None) -> dict[str, Any]:
        """Organisation, grade and occupation as the row wants them, the rest as before."""
        found: dict[str, Any] = {}
        if before is not None:
            found = {
                "organisation_id": before.organisation_id,
                "grade": before.grade,
                "occupation": before.occupation,
            }
        if row.values.get("grade") is not None:
            found["grade"] = int(str(row.values["grade"]))
        if row.values.get("occupation") is not None:
            found["occupation"] = str(row.values["occupation"])
        code = row.values.get("organisation")
        if code is not None and (before is None or self.known.codes[before.organisation_id] != code):
            found["organisation_id"] = self._organisation(str(code), on).pk
        return found

    def _organisation(self, code: str, on: date) -> Organisation:
        place = self.known.organisations.get(code)
        if place is None:
            raise Refused(
                "organisation",
                _("There is no organisation with this code."),
                _("Look the code up in the list of organisations."),
                code,
            )
        if place.kind in OrganisationKind.without_members():
            raise Refused(
                "organisation",
                _("Nobody can be posted to this entry."),
                _("Choose the bureau, division or section itself."),
                code,
            )
        if not rules.is_there(on, clock.today(), rules.Interval(place.valid_from, place.valid_to)):
            raise Refused(
                "organisation",
                _("%(name)s does not exist on %(day)s.") % {"name": place.name, "day": on.isoformat()},
                _("Choose the organisation that exists then, or another day."),
                code,
            )
        return place

    def _move(self, row: Row, staff: Staff, data: dict[str, Any], changes: dict[str, list[Any]]) -> None:
        memberships, on = self.known.memberships[staff.pk], self._day(row)
        at = next((one for one in memberships if rules.Interval(one.valid_from, one.valid_to).holds_on(on)), None)
        before = at or (memberships[0] if on < memberships[0].valid_from else memberships[-1])
        wanted = self._place(row, on, before)
        old = {"organisation_id": before.organisation_id, "grade": before.grade, "occupation": before.occupation}
        if wanted == old:
            return
        self._check_move(row, staff, before, on, is_last=before is memberships[-1])
        data["move"] = wanted | {"on": on, "membership": before.pk, "since": before.valid_from}
        for key, name in (("organisation", "organisation_id"), ("grade", "grade"), ("occupation", "occupation")):
            if wanted[name] != old[name]:
                changes[key] = [old[name], wanted[name]]
        if "organisation" in changes:
            changes["organisation"] = [self.known.codes[pk] for pk in changes["organisation"]]
        changes["moved_on"] = [before.valid_from, on]

    def _check_move(self, row: Row, staff: Staff, before: Membership, on: date, *, is_last: bool) -> None:
        if staff.left_on is not None and staff.left_on <= on:
            raise Refused(
                "moved_on" if self.reading.has("moved_on") else "number",
                _("The person is out of service from %(day)s.") % {"day": staff.left_on.isoformat()},
                _("Take the row out, or record the return on the person's page first."),
            )
        if not is_last or on < before.valid_from:
            raise Refused(
                "moved_on" if self.reading.has("moved_on") else "number",
                _("A later step is recorded for this person."),
                _("Choose a later day, or take the later step back on the person's page first."),
                on.isoformat(),
            )
        if on == before.valid_from and on < self.effective_on:
            raise Refused(
                "moved_on",
                _("On this day the present posting began; the new one needs a day of its own."),
                _("Enter the day from which the new posting holds. To correct the history, use the person's page."),
                on.isoformat(),
            )

    def _leave(self, row: Row, staff: Staff, data: dict[str, Any], changes: dict[str, list[Any]]) -> None:
        day = row.values.get("left_on")
        if not isinstance(day, date) or day == staff.left_on:
            return
        if staff.status == StaffStatus.LEFT:
            raise Refused(
                "left_on",
                _("The person has left on another day."),
                _("Correct the day, or empty the cell to leave it as it is."),
                day.isoformat(),
            )
        last = self.known.memberships[staff.pk][-1]
        if day <= last.valid_from or ("move" in data and day <= data["move"]["on"]):
            raise Refused(
                "left_on",
                _("On that day the last posting had not begun."),
                _("Enter the first day out of service; it lies after the last move."),
                day.isoformat(),
            )
        data["left_on"] = day
        changes["left_on"] = [staff.left_on, day]

    def _account(self, row: Row, staff: Staff | None, data: dict[str, Any]) -> None:
        """An account for whoever has an address and no account, where that was chosen at upload."""
        given = row.values.get("email") if self.reading.has("email") else staff.email if staff is not None else None
        if (
            not self.accounts
            or not given
            or (staff is not None and (staff.user_id or staff.left_on or "left_on" in data))
        ):
            return
        email = str(given).lower()
        if email in self.known.emails or email in self._addresses:
            raise Refused(
                "email" if self.reading.has("email") else "number",
                _("There is an account with this e-mail address already."),
                _("Correct the address, or upload without making accounts."),
                masked(email),
            )
        self._addresses.add(email)
        data["account"] = email


def _clean(key: str, value: object) -> Any:
    return "" if value is None and key in TEXTS else value


class PeopleImporter(Importer):
    """Joiners, changes, moves and leavers from one table."""

    kind = "people.staff"
    title = gettext_lazy("People from a table")
    sheets = ("職員", "Staff")
    unique = (("number",),)

    def columns(self, options: Mapping[str, Any]) -> Sequence[Column]:
        """See people.tables."""
        return COLUMNS

    def may(self, user: AbstractBaseUser, options: Mapping[str, Any]) -> bool:
        """The secretariat."""
        return isinstance(user, User) and access_of(user).is_secretariat

    def check(
        self, reading: TableReading, options: Mapping[str, Any], *, user: AbstractBaseUser, progress: Progress
    ) -> Checked:
        """Compare each row with what is on record."""
        total = len(reading.rows)
        progress(0, total, _("Comparing with the people on record"))
        good = [row for row in reading.rows if row.ok]
        addresses = {str(row.values["email"]).lower() for row in good if row.values.get("email")}
        known = Known.read([str(row.values["number"]) for row in good], sorted(addresses))
        comparison = Comparison(
            reading,
            known,
            effective_on=date.fromisoformat(options["effective_on"]),
            accounts=bool(options.get("accounts")),
        )
        staged = []
        for count, row in enumerate(good, start=1):
            try:
                staged.append(comparison.staged(row))
            except Refused as refusal:
                reading.refuse(row, refusal.key, reason=refusal.reason, fix=refusal.fix, value=refusal.value)
            if count % 2000 == 0:
                progress(count, total, _("Comparing with the people on record"))
        return Checked(staged, {"missing": _missing({str(row.values.get("number")) for row in reading.rows})})

    def apply(
        self, rows: Iterable[ImportRow], options: Mapping[str, Any], *, user: AbstractBaseUser, batch: ImportBatch
    ) -> Mapping[str, Any]:
        """Write all rows, in a few statements for each thousand."""
        assert isinstance(user, User)  # noqa: S101  `may` said so
        return Writing(list(rows), user, batch).write()


def _missing(numbers: set[str]) -> list[list[str]]:
    """Who is in service and not in the file: number, name, organisation."""
    people = Staff.objects.in_service().order_by("organisation__sort_order", "number")
    values = people.values_list("number", "name", "organisation__name")
    return [list(row) for row in values if row[0] not in numbers]


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
        Membership.objects.bulk_create(self.begins, batch_size=500)

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
