"""One table of people against what is on record: what applying each row would do, or what is wrong with it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.db.models.functions import Length
from django.utils.translation import gettext as _

from skillmap.core import clock
from skillmap.core.choices import RowOutcome
from skillmap.core.chunks import chunks
from skillmap.core.imports import Staged
from skillmap.core.tabular.normalise import trim
from skillmap.core.tabular.problems import masked
from skillmap.core.tabular.reading import TableReading
from skillmap.core.tabular.rows import Row
from skillmap.core.templatetags.ui.words import jp_date
from skillmap.people import rules
from skillmap.people.choices import OrganisationKind, StaffStatus
from skillmap.people.models import Membership, Organisation, Staff, User
from skillmap.people.tables import COLUMNS

PLAIN = ("name", "kana", "email", "employer", "former_occupation", "hiring_route", "hired_on", "expert_until")
PLACE = ("organisation", "grade", "occupation")
NEVER_EMPTY = ("name", "employer", "hiring_route", *PLACE)
NEEDED_TO_JOIN = ("name", *PLACE)
TEXTS = ("kana", "email", "former_occupation")
DAYS = ("hired_on", "expert_until")
TYPED = ("name", *TEXTS)


@dataclass
class Known:
    """What is on record about the people of a file."""

    staff: dict[str, Staff] = field(default_factory=dict)
    memberships: dict[int, list[Membership]] = field(default_factory=dict)
    organisations: dict[str, Organisation] = field(default_factory=dict)
    codes: dict[int, str] = field(default_factory=dict)
    emails: set[str] = field(default_factory=set)
    alike: dict[str, str] = field(default_factory=dict)  # a number that is not on record → one that is and looks alike

    @classmethod
    def read(cls, numbers: Sequence[str], emails: Iterable[str], *, accounts: bool) -> "Known":
        """Read it, in one query for each thing and each piece of the file.

        Args:
            emails: those in the file.
            accounts: whether accounts are to be made, for which addresses on record count as well.
        """
        known = cls()
        known.organisations = {row.code: row for row in Organisation.objects.all()}
        known.codes = {row.pk: code for code, row in known.organisations.items()}
        for part in chunks(numbers):
            known.staff |= {row.number: row for row in Staff.objects.filter(number__in=part)}
        known.alike = alike_on_record([number for number in numbers if number not in known.staff])
        for ids in chunks([row.pk for row in known.staff.values()]):
            for membership in Membership.objects.filter(staff__in=ids).order_by("staff_id", "valid_from"):
                known.memberships.setdefault(membership.staff_id, []).append(membership)
        on_record = {row.email.lower() for row in known.staff.values() if row.email and row.user_id is None}
        for addresses in chunks(sorted({*emails, *on_record} if accounts else ())):
            known.emails |= set(User.objects.filter(email__in=addresses).values_list("email", flat=True))
        return known


def alike_on_record(numbers: Sequence[str]) -> dict[str, str]:
    """Of numbers that are not on record those that would be but for leading zeros or case, each with that one."""
    if not numbers:
        return {}
    lengths = set(Staff.objects.values_list(Length("number"), flat=True).distinct())
    asked = {form: number for number in numbers for form in rules.number_forms(number, lengths)}
    found: dict[str, str] = {}
    for part in chunks(sorted(asked)):
        for known in Staff.objects.filter(number__in=part).values_list("number", flat=True):
            found[asked[known]] = known
    return found


class Refused(Exception):  # noqa: N818  one row only
    """A row cannot be taken: column, reason, how to mend it, and the value to show."""

    def __init__(self, key: str, reason: str, fix: str, value: str = "") -> None:
        super().__init__(reason)
        self.key, self.reason, self.fix, self.value = key, reason, fix, value


def _no_organisation(code: str) -> Refused:
    reason = _("There is no organisation with this code.")
    return Refused("organisation", reason, _("Look the code up in the list of organisations."), code)


class Comparison:
    """One file against what is on record."""

    def __init__(self, reading: TableReading, known: Known, *, effective_on: date, accounts: bool) -> None:
        self.reading, self.known = reading, known
        self.effective_on, self.accounts = effective_on, accounts
        self.today = clock.today()
        self._addresses: set[str] = set()
        self._numbers: dict[str, str] = {}  # of joiners, by what is left without zeros and case
        self._places: dict[tuple[str, date], Organisation] = {}  # looked at already, and somebody can be posted there

    def staged(self, row: Row) -> Staged:
        """What applying the row would do. Raises Refused."""
        number = str(row.values["number"])
        staff = self.known.staff.get(number)
        for key in NEVER_EMPTY:
            if self.reading.has(key) and row.values[key] is None and (staff is not None or key in NEEDED_TO_JOIN):
                raise Refused(key, _("This cell is empty."), _("Enter a value, or leave the whole column out."))
        return self._joiner(row, number) if staff is None else self._changed(row, staff)

    def _check_term(self, values: Mapping[str, Any], staff: Staff | None) -> None:
        """As on the page: a term doesn't end before the person was hired."""
        if not (self.reading.has("hired_on") or self.reading.has("expert_until")):
            return
        hired, ends = (
            values[key] if key in values else getattr(staff, key, None) for key in ("hired_on", "expert_until")
        )
        if hired and ends and ends < hired:
            key = "expert_until" if self.reading.has("expert_until") else "hired_on"
            raise Refused(key, _("The last day lies before the first."), _("Correct one of the two days."))

    def _joiner(self, row: Row, number: str) -> Staged:
        twin = self._numbers.setdefault(rules.bare_number(number), number)
        if number in self.known.alike or twin != number:
            raise Refused(
                "number",
                _("There is the number %(number)s; leading zeros or the case of a letter are different here.")
                % {"number": masked(self.known.alike.get(number, twin))},
                _(
                    "Enter the number as it is on record. If this is somebody else all the same, record the person by "
                    "hand."
                ),
                masked(number),
            )
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
        data: dict[str, Any] = {"move": self._place(row, on, None) | {"on": on}}
        if row.values.get("left_on") is not None:
            raise Refused(
                "left_on",
                _("This person is not on record yet and can't leave."),
                _("Empty the cell, or leave the row out."),
            )
        self._account(row, None, data)
        self._check_term(row.values, None)
        given = ((key, row.values.get(key)) for key in (*PLAIN, *PLACE))
        data["changes"] = {key: [None, value] for key, value in given if value is not None}
        return Staged(row.number, number, RowOutcome.CREATE, data, None, str(row.values["name"]))

    def _changed(self, row: Row, staff: Staff) -> Staged:
        plain = {key: _clean(key, row.values[key]) for key in PLAIN if self.reading.has(key)}
        changes: dict[str, list[Any]] = {
            key: [getattr(staff, key), value]
            for key, value in plain.items()
            if _as_in_a_table(key, getattr(staff, key)) != value
        }
        self._check_term(plain, staff)
        data: dict[str, Any] = {"staff": staff.pk}
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

    def unknown_place(self, row: Row) -> Refused | None:
        """For a row that something else is wrong with: an organisation that there is not, named in the same round."""
        code = row.values.get("organisation")
        if code is None or "organisation" in row.failed or str(code) in self.known.organisations:
            return None
        return _no_organisation(str(code))

    def _organisation(self, code: str, on: date) -> Organisation:
        if (code, on) not in self._places:
            self._places[code, on] = self._looked_up(code, on)
        return self._places[code, on]

    def _looked_up(self, code: str, on: date) -> Organisation:
        place = self.known.organisations.get(code)
        if place is None:
            raise _no_organisation(code)
        if place.kind in OrganisationKind.without_members():
            raise Refused(
                "organisation",
                _("Nobody can be posted to this entry."),
                _("Choose the bureau, division or section itself."),
                code,
            )
        if not rules.is_there(on, self.today, rules.Interval(place.valid_from, place.valid_to)):
            raise Refused(
                "organisation",
                _("%(name)s does not exist on %(day)s.") % {"name": place.name, "day": jp_date(on)},
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
        joins = staff.status == StaffStatus.JOINING and before is memberships[0]
        if wanted == old:
            if joins and len(memberships) == 1 and row.values.get("moved_on") not in (None, before.valid_from):
                self._check_left(staff, on)
                place = self.known.codes[before.organisation_id]
                self._organisation(place, on)
                data["joins"] = {"on": on, "membership": before.pk, "organisation_id": before.organisation_id}
                changes["moved_on"] = [before.valid_from, on]
            return
        self._check_move(row, staff, before, on, is_last=before is memberships[-1])
        data["move"] = wanted | {"on": on, "membership": before.pk, "since": before.valid_from, "joins": joins}
        for key, name in (("organisation", "organisation_id"), ("grade", "grade"), ("occupation", "occupation")):
            if wanted[name] != old[name]:
                changes[key] = [old[name], wanted[name]]
        if "organisation" in changes:
            changes["organisation"] = [self.known.codes[pk] for pk in changes["organisation"]]
        changes["moved_on"] = [before.valid_from, on]

    def _check_left(self, staff: Staff, on: date) -> None:
        if staff.left_on is not None and staff.has_left_by(max(on, self.today)):
            raise Refused(
                "moved_on" if self.reading.has("moved_on") else "number",
                _("The person is out of service from %(day)s.") % {"day": jp_date(staff.left_on)},
                _("Take the row out, or record the return on the person's page first."),
            )

    def _check_move(self, row: Row, staff: Staff, before: Membership, on: date, *, is_last: bool) -> None:
        self._check_left(staff, on)
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
        first, last = self.known.memberships[staff.pk][0], self.known.memberships[staff.pk][-1]
        begins = [data[name]["on"] for name in ("move", "joins") if name in data]
        if day < last.valid_from or day <= first.valid_from or any(day <= on for on in begins):
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


def _as_in_a_table(key: str, value: object) -> object:
    """What is on record as a cell that holds it would be read, so that a list that came from here changes nothing."""
    if not isinstance(value, str) or key not in TYPED:
        return value
    name, at, domain = trim(value).rpartition("@")
    return f"{name}{at}{domain.lower()}" if key == "email" else trim(value)


def _clean(key: str, value: object) -> Any:
    return "" if value is None and key in TEXTS else value
