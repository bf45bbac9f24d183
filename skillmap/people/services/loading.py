"""The organisations of the fixtures: loaded once, and again without harm."""

import csv
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from django.db import transaction

from skillmap.core import audit
from skillmap.people.choices import OrganisationKind
from skillmap.people.models import BureauGroup, Organisation
from skillmap.people.services.organisations import NewOrganisation, organisation_open, version_from

# The digital services bureau began on this day; the tree of the fixtures is known from then on.
FIRST_DAY = date(2021, 4, 1)


@dataclass(frozen=True)
class Loaded:
    """How many rows were new, brought up to date, and left as they were."""

    created: int = 0
    updated: int = 0
    same: int = 0


#: The files, with the columns that each must have.
ORGANISATIONS = ("organisations.csv", ("sort_order", "code", "name", "kind", "parent_code"))
DATES = ("organisations_dates.csv", ("code", "valid_from", "valid_to"))
GROUPS = ("bureau_groups.csv", ("sort_order", "code", "name", "name_en", "organisations"))


def _rows(folder: Path, table: tuple[str, tuple[str, ...]], *, optional: bool = False) -> list[dict[str, str]]:
    """The rows of a file; ValueError, with its name, where it or a column is missing."""
    name, columns = table
    try:
        with (folder / name).open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, restval="")
            if missing := sorted(set(columns) - set(reader.fieldnames or ())):
                raise ValueError(f"{name} lacks columns: {', '.join(missing)}")
            return list(reader)
    except FileNotFoundError as error:
        if optional:
            return []
        raise ValueError(f"{folder} has no {name}") from error


@transaction.atomic
def organisations_load(folder: Path) -> Loaded:
    """Load `organisations.csv` of a folder; `organisations_dates.csv` and `bureau_groups.csv` where they are there.

    Rows are known by their code. Texts of role and source follow the file as long as nobody confirmed the row; names
    and places in the tree are set once, since later ones come by dated changes. Running it again changes nothing.
    """
    days = {row["code"]: row for row in _rows(folder, DATES, optional=True)}
    known = {row.code: row for row in Organisation.objects.select_for_update(of=("self",)).order_by("pk")}
    created = updated = same = 0
    for entry in _parents_first(_rows(folder, ORGANISATIONS)):
        code = entry["code"]
        if entry["kind"] not in OrganisationKind.values:
            raise ValueError(f"organisations.csv, {code}: the kind must be one of {', '.join(OrganisationKind.values)}")
        if code not in known:
            known[code] = _open(entry, days.get(code), known)
            created += 1
        elif _refresh(known[code], entry):
            updated += 1
        else:
            same += 1
    groups = _load_groups(folder, known)
    loaded = Loaded(created + groups.created, updated + groups.updated, same + groups.same)
    audit.record(verb="organisation.load", actor=None, created=loaded.created, updated=loaded.updated)
    return loaded


def _parents_first(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    """The rows in an order in which nothing comes before what it stands below."""
    done: set[str] = set()
    ordered: list[dict[str, str]] = []
    while len(ordered) < len(rows):
        waiting = [row for row in rows if row["code"] not in done]
        ready = [row for row in waiting if not row["parent_code"] or row["parent_code"] in done]
        if not ready:
            raise ValueError("organisations.csv names a parent that is not in it, or a circle")
        ordered += ready
        done |= {row["code"] for row in ready}
    return ordered


def _open(entry: dict[str, str], days: dict[str, str] | None, known: dict[str, Organisation]) -> Organisation:
    first = date.fromisoformat(days["valid_from"]) if days and days["valid_from"] else FIRST_DAY
    until = date.fromisoformat(days["valid_to"]) if days and days["valid_to"] else None
    return organisation_open(
        NewOrganisation(
            code=entry["code"],
            name=entry["name"],
            kind=entry["kind"],
            parent_id=known[entry["parent_code"]].pk if entry["parent_code"] else None,
            name_en=entry.get("name_en", ""),
            role_text=_role_of(entry),
            sort_order=int(entry["sort_order"]),
            provenance=entry.get("provenance") or "confirmed",
            source=entry.get("source", ""),
        ),
        on=first,
        until=until,
        actor=None,
    )


def _role_of(entry: dict[str, str]) -> str:
    """What the organisation does; of those known from public pages the column only says that they serve as examples."""
    return "" if entry.get("provenance") == "seen_web" else entry.get("role", "")


def _refresh(row: Organisation, entry: dict[str, str]) -> bool:
    wanted = {"role_text": _role_of(entry), "source": entry.get("source", "")}
    changes = {name: value for name, value in wanted.items() if getattr(row, name) != value}
    if not changes or row.provenance == "confirmed":
        return False
    for name, value in changes.items():
        setattr(row, name, value)
    row.version += 1
    row.save(update_fields=[*changes, "version"])
    return True


def _load_groups(folder: Path, known: dict[str, Organisation]) -> Loaded:
    """Make the default bureau groups; an organisation is put into one only where it has none."""
    created = same = updated = 0
    for entry in _rows(folder, GROUPS, optional=True):
        group, new = BureauGroup.objects.get_or_create(
            code=entry["code"],
            defaults={
                "name": entry["name"],
                "name_en": entry["name_en"],
                "sort_order": int(entry["sort_order"]),
                "provenance": entry.get("provenance") or "confirmed",
                "source": entry.get("source", ""),
            },
        )
        created, same = created + new, same + (not new)
        for code in entry["organisations"].split() if new else []:
            if code not in known:
                raise ValueError(f"bureau_groups.csv names an organisation that is not there: {code}")
            row = known[code]
            row.refresh_from_db()
            if row.bureau_group_id is None and row.valid_to is None:
                version_from(row, row.valid_from, {"bureau_group_id": group.pk})
                updated += 1
    return Loaded(created, updated, same)
