"""People from a table: joiners, changes of master data, moves, leavers. See core.imports for the two steps.

A column that is absent changes nothing, an empty cell clears what may be empty. Whoever is not in the file stays as
recorded and is listed.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from itertools import islice
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from skillmap.core.chunks import chunks
from skillmap.core.imports import LISTED, Checked, Importer, Progress, Staged
from skillmap.core.models import ImportBatch
from skillmap.core.tabular.columns import Column
from skillmap.core.tabular.reading import TableReading
from skillmap.core.tabular.rows import Row
from skillmap.people.access import access_of
from skillmap.people.models import Staff, User
from skillmap.people.services.people_compare import Comparison, Known, Refused
from skillmap.people.services.people_write import Writing
from skillmap.people.tables import COLUMNS


class PeopleImporter(Importer):
    """Joiners, changes, moves and leavers from one table."""

    kind = "people.staff"
    title = gettext_lazy("People from a table")
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
        accounts = bool(options.get("accounts"))
        addresses = {str(row.values["email"]).lower() for row in good if row.values.get("email")}
        known = Known.read([str(row.values["number"]) for row in good], addresses, accounts=accounts)
        effective_on = date.fromisoformat(options["effective_on"])
        comparison = Comparison(reading, known, effective_on=effective_on, accounts=accounts)
        staged = []
        for count, row in enumerate(reading.rows, start=1):
            try:
                if row.ok:
                    staged.append(comparison.staged(row))
            except Refused as refusal:
                _refuse(reading, row, refusal)
            if not row.ok and (unknown := comparison.unknown_place(row)):
                _refuse(reading, row, unknown)
            if count % 2000 == 0:
                progress(count, total, _("Comparing with the people on record"))
        missing, number = _missing({str(row.values.get("number")) for row in reading.rows})
        return Checked(staged, {"missing": missing}, totals={"missing": number})

    def apply(
        self, rows: Iterable[Staged], options: Mapping[str, Any], *, user: AbstractBaseUser, batch: ImportBatch
    ) -> Mapping[str, Any]:
        """Write all rows, in a few statements for each thousand."""
        assert isinstance(user, User)  # noqa: S101  `may` said so
        return Writing(list(rows), user, batch).write()


def _refuse(reading: TableReading, row: Row, refusal: Refused) -> None:
    reading.refuse(row, refusal.key, reason=refusal.reason, fix=refusal.fix, value=refusal.value)


def _missing(numbers: set[str]) -> tuple[list[list[str]], int]:
    """Who is in service and not in the file: number, name, organisation of the first LISTED, and how many there are."""
    people = Staff.objects.in_service()
    found = sum(people.filter(number__in=part).count() for part in chunks(sorted(numbers)))
    ordered = people.order_by("organisation__sort_order", "number")[: found + LISTED]  # so many hold the first LISTED
    values = ordered.values_list("number", "name", "organisation__name").iterator(chunk_size=2000)
    entries = list(islice((list(row) for row in values if row[0] not in numbers), LISTED))
    return entries, max(people.count() - found, len(entries))
