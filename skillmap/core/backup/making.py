"""Making a backup: complete or not at all, while people go on working."""

import os
import platform
import shutil
import time
from collections.abc import Callable, Iterable
from datetime import timedelta
from pathlib import Path

import django
from django.conf import settings
from django.utils import timezone

from skillmap.core.backup import guards
from skillmap.core.backup.engine import Engine, present_engine
from skillmap.core.backup.errors import BackupError
from skillmap.core.backup.manifest import SCHEMA, FileSum, Manifest, file_sum, fingerprints
from skillmap.core.models import StoredFile

Say = Callable[[str], None]
UPLOADS = "files"
ABANDONED_AFTER = timedelta(days=1)


def make(folder: Path, *, say: Say) -> Manifest:
    """Write a backup into a new folder, which appears once it is whole.

    Raises:
        BackupError: it could not be made; nothing is left of it.
    """
    if folder.exists():
        raise BackupError(f"{folder} is there already. A backup gets a folder of its own.")
    engine = present_engine()
    _forget_broken(folder.parent, say)
    growing = folder.with_name(f".{folder.name}.growing")
    try:
        growing.mkdir(mode=0o700)
    except OSError as error:
        raise BackupError(f"{growing} can't be made: {error.strerror}.") from error
    try:
        manifest = _fill(growing, engine, say)
        manifest.write(growing)
        _sync(growing)
        growing.rename(folder)
    except Exception as error:
        if not isinstance(error, (OSError, *engine.errors)):
            raise
        raise BackupError(f"The backup could not be written: {str(error).strip()}") from error
    finally:
        shutil.rmtree(growing, ignore_errors=True)
    say(f"The backup is whole: {len(manifest.files)} files, {manifest.bytes / 1e6:.1f} MB, in {folder}.")
    return manifest


def _forget_broken(beside: Path, say: Say) -> None:
    """Remove what a backup that was killed has left: it holds personal data, and nobody would miss it."""
    for path in beside.glob(".*.growing"):
        if time.time() - path.stat().st_mtime > ABANDONED_AFTER.total_seconds():
            shutil.rmtree(path, ignore_errors=True)
            say(f"{path.name} was left by a backup that was killed, and is removed.")


def _fill(folder: Path, engine: Engine, say: Say) -> Manifest:
    # Uploads live until a job has used them. Those of now are taken first, those that came meanwhile afterwards.
    _take(folder, _known_now())
    made_at = timezone.localtime().isoformat(timespec="seconds")
    with engine.snapshot(folder) as reading:
        tables = reading.sums()
        (folder / SCHEMA).write_text("\n".join(reading.schema()) + "\n", encoding="utf-8")
        if unguarded := guards.missing(reading):
            raise BackupError(f"Triggers are missing in this database: {', '.join(unguarded)}.")
        uploads = reading.query("SELECT path, size, sha256 FROM core_storedfile ORDER BY path")
        migrations = guards.applied(reading)
        audit = guards.audit_end(reading)
    rows = sum(each.rows for each in tables.values())
    say(f"{len(tables)} tables with {rows:,} rows, as they were at {made_at}.")
    missing = _uploads_of(folder, {path: FileSum(size, sha256) for path, size, sha256 in uploads})
    say(f"{len(uploads) - len(missing)} uploads." + (f" {len(missing)} more are named but gone." if missing else ""))
    return Manifest(
        made_at=made_at,
        vendor=engine.vendor,
        versions={
            "database": engine.server_version(),
            "django": django.get_version(),
            "python": platform.python_version(),
        },
        keys=fingerprints(),
        migrations=migrations,
        tables=tables,
        audit=audit,
        missing=tuple(missing),
        files={str(path.relative_to(folder)): file_sum(path) for path in _files(folder)},
    )


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _known_now() -> list[str]:
    return list(StoredFile.objects.order_by("path").values_list("path", flat=True))


def _take(folder: Path, paths: Iterable[str]) -> None:
    """Copy uploads that are not in the backup yet; one that is gone is left out."""
    for path in paths:
        target = folder / UPLOADS / path
        if target.exists():
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            shutil.copyfile(Path(settings.MEDIA_ROOT) / path, target)
        except FileNotFoundError:
            target.unlink(missing_ok=True)


def _uploads_of(folder: Path, wanted: dict[str, FileSum]) -> list[str]:
    """Keep exactly the uploads that the dump's rows name; returns those that are gone.

    Raises:
        BackupError: an upload is not what its row says.
    """
    _take(folder, wanted)
    for path in _files(folder / UPLOADS):
        if str(path.relative_to(folder / UPLOADS)) not in wanted:
            path.unlink()
    found = {path: file_sum(folder / UPLOADS / path) for path in wanted if (folder / UPLOADS / path).exists()}
    if changed := [path for path, each in found.items() if each != wanted[path]]:
        raise BackupError(f"These uploads are not what was handed in: {', '.join(changed[:5])}.")
    return sorted(set(wanted) - set(found))


def _sync(folder: Path) -> None:
    """Have everything on the disk before the folder gets its name."""
    for path in (*_files(folder), *(path for path in folder.rglob("*") if path.is_dir()), folder):
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
