"""The checked rows of a table of people on their way into the database, in few statements for many."""

from collections.abc import Mapping, Sequence
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
from skillmap.core.imports import Staged
from skillmap.core.models import ImportBatch
from skillmap.people import rules, signals
from skillmap.people.choices import StaffStatus
from skillmap.people.models import Membership, Staff, User
from skillmap.people.services._common import lock_organisations, posting_place
from skillmap.people.services.leaving import staff_leave
from skillmap.people.services.people_compare import DAYS, PLAIN, alike_on_record

JOINER = ("id", "number", "user_id", "organisation_id", "grade", "occupation", "status", "search_key", *PLAIN)
DEFAULTS = {field.name: field.get_default() for field in Staff._meta.concrete_fields if field.name in PLAIN}
POSTING = ("staff_id", "organisation_id", "grade", "occupation", "valid_from")


class Writing:
    """The checked rows on their way into the database, in one transaction that is open."""

    def __init__(self, rows: list[Staged], actor: User, batch: ImportBatch) -> None:
        self.rows, self.actor, self.batch = rows, actor, batch
        self.today = clock.today()
        self.people: dict[str, Staff] = {}
        self.ends: dict[date, list[int]] = {}
        self.corrections: list[tuple[int, Mapping[str, Any]]] = []
        self.begins: list[tuple[Any, ...]] = []
        self.moved: list[int] = []
        self.joins: list[tuple[int, date]] = []

    def write(self) -> dict[str, int]:
        """Everything; returns counts."""
        self._hold()
        users = self._accounts()
        fresh = [row for row in self.rows if row.outcome == RowOutcome.CREATE]
        ids = bulk.reserve(Staff, len(fresh))
        bulk.append(Staff, JOINER, (self._joiner(pk, row, users) for pk, row in zip(ids, fresh, strict=True)))
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
        self._record(ids, known)
        signals.announce(signals.staff_moved, self.moved, self.today)
        return {"created": len(fresh), "updated": len(known), "leavers": leavers, "accounts": len(users)}

    def _hold(self) -> None:
        """Lock organisations, then people in id order; RuleViolation where anything is no longer as it was checked."""
        places = lock_organisations(
            row.data[name]["organisation_id"] for row in self.rows for name in ("move", "joins") if name in row.data
        )
        postings = [row.data["move"] for row in self.rows if "move" in row.data and self._changes_place(row)]
        postings += [row.data["joins"] for row in self.rows if "joins" in row.data]
        for pk, on in dict.fromkeys((place["organisation_id"], place["on"]) for place in postings):
            posting_place(places, pk, date.fromisoformat(on))
        for ids in chunks(sorted(row.data["staff"] for row in self.rows if "staff" in row.data)):
            held = Staff.objects.select_for_update(of=("self",)).filter(pk__in=ids).order_by("pk")
            self.people |= {staff.number: staff for staff in held}
        moved = [row.key for row in self.rows if row.outcome == RowOutcome.UPDATE and not self._is_as_checked(row)]
        joiners = [row.key for row in self.rows if row.outcome == RowOutcome.CREATE]
        moved += alike_on_record(joiners)
        for numbers in chunks(joiners):
            moved += Staff.objects.filter(number__in=numbers).values_list("number", flat=True)
        if moved:
            text = _("%(count)s people were changed since the check. Nothing was written. Please check the file again.")
            raise RuleViolation(text % {"count": len(moved)}, code="changed_meanwhile", details={"numbers": moved[:10]})

    def _changes_place(self, row: Staged) -> bool:
        return row.outcome == RowOutcome.CREATE or "organisation" in row.data["changes"]

    def _is_as_checked(self, row: Staged) -> bool:
        staff = self.people.get(row.key)
        return staff is not None and staff.version == row.version

    def _accounts(self) -> dict[str, User]:
        wanted = {row.key: row.data["account"] for row in self.rows if "account" in row.data}
        names = {row.key: _plain(row).get("name") or row.label for row in self.rows if "account" in row.data}
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
        about: dict[str, Any] = {"actor": self.actor, "channel": "import"}
        audit.record_many(
            audit.build(verb="account.create", target=user, is_service=False, batch=self.batch.pk, **about)
            for user in users
        )
        return dict(zip(wanted, users, strict=True))

    def _joiner(self, pk: int, row: Staged, users: Mapping[str, User]) -> Sequence[Any]:
        """The columns JOINER of somebody new, whose posting begins."""
        plain, user, place = DEFAULTS | _plain(row), users.get(row.key), row.data["move"]
        on = date.fromisoformat(place["on"])
        self._begin(pk, place, on)
        return (
            pk,
            row.key,
            user.pk if user is not None else None,
            *(place[name] for name in ("organisation_id", "grade", "occupation")),
            (StaffStatus.ACTIVE if on <= self.today else StaffStatus.JOINING).value,
            rules.search_key(plain["name"], plain["kana"], row.key),
            *(plain[name] for name in PLAIN),
        )

    def _begin(self, staff_id: int, place: Mapping[str, Any], on: date) -> None:
        self.begins.append((staff_id, place["organisation_id"], place["grade"], place["occupation"], on))

    def _change(self, row: Staged, users: Mapping[str, User]) -> None:
        staff = self.people[row.key]
        for name, value in _plain(row).items():
            setattr(staff, name, value)
        if row.key in users:
            staff.user = users[row.key]
        staff.version += 1
        if "move" in row.data:
            self._move(staff, row.data["move"])
        if "joins" in row.data:
            self.joins.append((row.data["joins"]["membership"], date.fromisoformat(row.data["joins"]["on"])))

    def _move(self, staff: Staff, place: Mapping[str, Any]) -> None:
        on = date.fromisoformat(place["on"])
        corrects = on == date.fromisoformat(place["since"])
        if corrects:
            self.corrections.append((place["membership"], place))
        else:
            self.ends.setdefault(on, []).append(place["membership"])
            self._begin(staff.pk, place, on)
        if on <= self.today or (corrects and place.get("joins")):
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
        for pk, on in self.joins:
            Membership.objects.filter(pk=pk).update(valid_from=on)
        same = {"reason": _("From a table"), "recorded_by_id": self.actor.pk}
        bulk.append(Membership, POSTING, self.begins, same=same)

    def _names(self, rows: Sequence[Staged]) -> None:
        renamed = [self.people[row.key].user_id for row in rows if "name" in row.data["changes"]]
        own_name = Staff.objects.filter(user=OuterRef("pk")).values("name")[:1]
        for part in chunks([pk for pk in renamed if pk is not None]):
            User.objects.filter(pk__in=part).update(name=Subquery(own_name))

    def _leavers(self, rows: Sequence[Staged]) -> int:
        leaving = [row for row in rows if "left_on" in row.data]
        for row in leaving:
            on = date.fromisoformat(row.data["left_on"])
            staff_leave(staff_id=row.data["staff"], on=on, actor=self.actor)
        return len(leaving)

    def _record(self, fresh: Sequence[int], known: Sequence[Staged]) -> None:
        """A line for each person, the same for all who are new."""
        about: dict[str, Any] = {"actor": self.actor, "channel": "import", "batch": self.batch.pk}
        audit.record_each(fresh, verb="staff.create", model=Staff, fields=[], **about)
        audit.record_many(
            audit.build(
                verb="staff.update",
                target=self.people[row.key],
                subject_id=self.people[row.key].pk,
                fields=sorted(row.data["changes"]),
                **about,
            )
            for row in known
        )


def _plain(row: Staged) -> dict[str, Any]:
    """The new values of the columns that are not dated, their days back from text."""
    return {
        name: date.fromisoformat(new) if name in DAYS and isinstance(new, str) else new
        for name, (_old, new) in row.data["changes"].items()
        if name in PLAIN
    }
