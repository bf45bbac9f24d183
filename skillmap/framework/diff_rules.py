"""How two versions of the framework differ: values in, values out, as in rules.py."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import TypeVar

from skillmap.framework.rules import (
    CONFIRMED,
    INFERRED,
    LEVELS,
    CategoryRow,
    CellRow,
    CertificationRow,
    Content,
    ItemRow,
    JobTypeRow,
    LevelRow,
    LevelTextRow,
)


@dataclass(frozen=True)
class FieldChange:
    """One value before and after."""

    field: str
    before: str
    after: str


@dataclass(frozen=True)
class RowChange:
    """A row that was added, removed or changed; `name` is the newer one."""

    change: str
    code: str
    name: str
    fields: tuple[FieldChange, ...] = ()


@dataclass(frozen=True)
class CellChange:
    """A required level before and after; None where the job type or the item did not exist."""

    job_type: str
    skill: str
    before: int | None
    after: int | None


@dataclass(frozen=True)
class Differences:
    """What a reader would see differently; where a value comes from does not count, but see `confirmed`."""

    categories: tuple[RowChange, ...] = ()
    levels: tuple[RowChange, ...] = ()
    items: tuple[RowChange, ...] = ()
    job_types: tuple[RowChange, ...] = ()
    certifications: tuple[RowChange, ...] = ()
    cells: tuple[CellChange, ...] = ()
    confirmed: int = 0

    @property
    def count(self) -> int:
        """How many rows and cells differ."""
        parts = (self.categories, self.levels, self.items, self.job_types, self.certifications, self.cells)
        return sum(len(part) for part in parts)


Row = TypeVar("Row", CategoryRow, LevelRow, ItemRow, JobTypeRow, CertificationRow)
UNREAD = frozenset({"source", "note", "provenance", "name_provenance", "definition_provenance", "cells"})


def differences(old: Content, new: Content) -> Differences:
    """What changed from one version to another; cells of an added or removed job type or item stand with that row."""
    return Differences(
        categories=_rows(old.categories, new.categories, _code),
        levels=_rows(old.levels, new.levels, _level),
        items=_rows(old.items, new.items, _code),
        job_types=_rows(old.job_types, new.job_types, _code),
        certifications=_rows(old.certifications, new.certifications, _code),
        cells=_cells(old, new),
        confirmed=_confirmed(old, new),
    )


def _code(row: CategoryRow | ItemRow | JobTypeRow | CertificationRow) -> str:
    return row.code


def _level(row: LevelRow) -> str:
    return str(row.level)


def _rows(old: Sequence[Row], new: Sequence[Row], key: Callable[[Row], str]) -> tuple[RowChange, ...]:
    before, after = {key(row): row for row in old}, {key(row): row for row in new}
    found = []
    for code, row in after.items():
        if code not in before:
            found.append(RowChange("added", code, row.name))
        elif changed := _fields(before[code], row):
            found.append(RowChange("changed", code, row.name, changed))
    found += [RowChange("removed", code, row.name) for code, row in before.items() if code not in after]
    return tuple(found)


def _fields(old: Row, new: Row) -> tuple[FieldChange, ...]:
    pairs = ((field.name, getattr(old, field.name), getattr(new, field.name)) for field in fields(old))
    changed = []
    for name, before, after in pairs:
        if name == "level_texts":
            changed += _level_texts(before, after)
        elif name not in UNREAD and before != after:
            changed.append(FieldChange(name, _plain(before), _plain(after)))
    return tuple(changed)


def _level_texts(old: Sequence[LevelTextRow], new: Sequence[LevelTextRow]) -> list[FieldChange]:
    before, after = {row.level: row for row in old}, {row.level: row for row in new}
    changed = []
    for level in LEVELS:
        for suffix, attribute in (("", "text"), ("_en", "text_en")):
            was, now = (getattr(table.get(level), attribute, "") for table in (before, after))
            if was != now:
                changed.append(FieldChange(f"level_{level}{suffix}", was, now))
    return changed


def _plain(value: object) -> str:
    return ", ".join(value) if isinstance(value, tuple) else str(value)


def _levels_asked(version: Content) -> dict[tuple[str, str], CellRow]:
    return {(job_type.code, cell.skill): cell for job_type in version.job_types for cell in job_type.cells}


def _common(old: Content, new: Content) -> Callable[[tuple[str, str]], bool]:
    job_types = {row.code for row in old.job_types} & {row.code for row in new.job_types}
    items = set(old.digital_codes()) & set(new.digital_codes())
    return lambda key: key[0] in job_types and key[1] in items


def _cells(old: Content, new: Content) -> tuple[CellChange, ...]:
    before, after, common = _levels_asked(old), _levels_asked(new), _common(old, new)
    found = []
    for key in sorted(filter(common, before.keys() | after.keys())):
        was, now = (table[key].level if key in table else None for table in (before, after))
        if was != now:
            found.append(CellChange(*key, was, now))
    return tuple(found)


def _confirmed(old: Content, new: Content) -> int:
    """How many cells were a default before and are confirmed now, at whatever level."""
    before = _levels_asked(old)
    return sum(
        1
        for key, cell in _levels_asked(new).items()
        if cell.provenance == CONFIRMED and key in before and before[key].provenance == INFERRED
    )
