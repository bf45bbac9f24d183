"""Whether a restored database is the one that was backed up."""

from collections.abc import Iterator
from pathlib import Path

from skillmap.core import audit
from skillmap.core.backup import guards
from skillmap.core.backup.errors import BackupError
from skillmap.core.backup.manifest import SCHEMA, Manifest
from skillmap.core.backup.reading import Reading


def prove(reading: Reading, manifest: Manifest, folder: Path) -> Iterator[str]:
    """Compare everything; says in sentences what holds. BackupError with the first thing that does not."""
    yield _tables(reading, manifest)
    yield _schema(reading, folder)
    yield _counters(reading)
    yield _faults(reading)
    yield _chain(reading, manifest)


def _tables(reading: Reading, manifest: Manifest) -> str:
    found = reading.sums()
    wrong = sorted(name for name in set(found) | set(manifest.tables) if found.get(name) != manifest.tables.get(name))
    if wrong:
        raise BackupError(f"These tables are not as they were backed up: {', '.join(wrong[:5])}.")
    if guards.applied(reading) != manifest.migrations:
        raise BackupError("The migrations are not those of the backup.")
    return f"Rows and checksums of all {len(found)} tables ({manifest.rows:,} rows) are those of the backup."


def _schema(reading: Reading, folder: Path) -> str:
    known = (folder / SCHEMA).read_text(encoding="utf-8").splitlines()
    found = "\n".join(reading.schema()).splitlines()
    if differing := sorted(set(found) ^ set(known)):
        raise BackupError(f"The schema is not that of the backup: {differing[0][:200]}")
    if unguarded := guards.missing(reading):
        raise BackupError(f"Triggers are missing: {', '.join(unguarded)}.")
    return f"Columns, indexes and constraints too; all {len(reading.triggers())} triggers stand."


def _counters(reading: Reading) -> str:
    counters = reading.counters()
    if behind := sorted(each.table for each in counters if each.following <= each.highest):
        raise BackupError(f"New rows would get numbers that are taken: {', '.join(behind[:5])}.")
    return f"{len(counters)} tables count on after their last row."


def _faults(reading: Reading) -> str:
    if faults := reading.faults():
        raise BackupError(f"The database finds faults: {'; '.join(faults[:5])}.")
    return "Every row points to something that is there."


def _chain(reading: Reading, manifest: Manifest) -> str:
    found = audit.verify()
    if found.problems:
        raise BackupError(f"The audit trail was tampered with: {'; '.join(found.problems[:5])}.")
    end = guards.audit_end(reading)
    if end != dict(manifest.audit) or found.checked != end["sealed"]:
        raise BackupError("The audit chain does not end where the backup's ended.")
    return f"The audit chain is whole: {found.checked:,} lines sealed, {found.unsealed:,} not yet, head {found.head}."
