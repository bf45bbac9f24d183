"""Restoring a backup: proven, or undone."""

import time
from collections.abc import Callable
from pathlib import Path

from django.core.management import call_command
from django.db import Error, connection, transaction

from skillmap.core import audit
from skillmap.core.backup import guards
from skillmap.core.backup.after import STEPS, Wishes
from skillmap.core.backup.engine import Engine, present_engine
from skillmap.core.backup.errors import BackupError
from skillmap.core.backup.making import UPLOADS
from skillmap.core.backup.manifest import Manifest
from skillmap.core.backup.proving import prove
from skillmap.core.backup.uploads import Uploads
from skillmap.core.backup.verifying import verified

Say = Callable[[str], None]
# What `migrate` puts into a new database.
OF_MIGRATE = ("django_migrations", "django_content_type", "auth_permission")


def restore(folder: Path, wishes: Wishes, *, say: Say) -> Manifest:
    """Bring a backup into the database of the settings, prove that it is the same, end sessions and tokens.

    Raises:
        BackupError: anything was in doubt; the database and the uploads are as they were before.
    """
    begun = time.monotonic()
    manifest = verified(folder, keys_lost=wishes.keys_lost)
    say(f"The backup of {manifest.made_at} is whole: {len(manifest.files)} files, {manifest.bytes / 1e6:.1f} MB.")
    _require_same_version(manifest, wishes)
    connection.close()
    engine, uploads = present_engine(), Uploads()
    _require_room(engine, uploads, wishes, say)
    try:
        _exchange(engine, uploads, folder, manifest, say)
        _bring_up(manifest, say)
        _tidy(engine, manifest, wishes, say)
    except BaseException as error:
        connection.close()
        try:
            engine.undo()
        finally:
            uploads.undo()
        say("Nothing was kept: the database and the uploads are as they were before.")
        if isinstance(error, (OSError, Error, *engine.errors)):
            raise BackupError(f"{type(error).__name__}: {error}".strip()) from error
        raise
    connection.close()
    _finish(engine, uploads)
    say(f"Restored in {_minutes(time.monotonic() - begun)}. What was entered after {manifest.made_at} is not in it.")
    return manifest


def _finish(engine: Engine, uploads: Uploads) -> None:
    """Forget what was replaced, the database last: as long as that is there, it says that what was brought in stays."""
    uploads.finish()
    engine.finish()


def _require_same_version(manifest: Manifest, wishes: Wishes) -> None:
    later = sorted(guards.known() - set(manifest.migrations))
    if later and not wishes.migrate:
        raise BackupError(
            f"The backup is of an earlier version: it lacks {len(later)} migrations ({later[0]}, …). "
            "Restore with that version, or say --migrate to bring it up to this one."
        )


def _require_room(engine: Engine, uploads: Uploads, wishes: Wishes, say: Say) -> None:
    engine.require_alone()
    if engine.is_settled():
        _finish(engine, uploads)
        say("An earlier restore had come to its end, but what it replaced was still there; that is gone now.")
    elif engine.undo() | uploads.undo():
        say("A restore had been interrupted; what was there before it has been put back first.")
    with engine.reading() as reading:
        filled = reading.filled(but=OF_MIGRATE)
    if not filled and uploads.is_empty():
        say("The database was empty.")
        return
    what = f"{len(filled)} tables hold rows ({', '.join(filled[:5])}, …)" if filled else "there are uploads"
    if not wishes.overwrite:
        raise BackupError(f"The database is not empty: {what}. Nothing was changed. --overwrite replaces all of it.")
    say(f"The database was not empty ({what}) and is replaced, as you said.")


def _exchange(engine: Engine, uploads: Uploads, folder: Path, manifest: Manifest, say: Say) -> None:
    uploads.set_aside()
    engine.set_aside()
    engine.bring_in(folder / engine.file_name)
    wanted = {path.removeprefix(f"{UPLOADS}/"): each for path, each in manifest.files.items() if "/" in path}
    uploads.bring_in(folder / UPLOADS, wanted)
    say(f"{len(manifest.tables)} tables and {len(wanted)} uploads are back.")
    if manifest.missing:
        say(f"{len(manifest.missing)} uploads were gone already when the backup was made.")
    with engine.reading() as reading:
        for sentence in prove(reading, manifest, folder):
            say(sentence)


def _bring_up(manifest: Manifest, say: Say) -> None:
    later = guards.known() - set(manifest.migrations)
    if not later:
        return
    call_command("migrate", interactive=False, verbosity=0)
    say(f"{len(later)} migrations of later versions were applied.")


def _tidy(engine: Engine, manifest: Manifest, wishes: Wishes, say: Say) -> None:
    """What must not go on as it was; the line in the audit trail is also the proof that rows can be written.

    With it the restore is settled: killed later than that, it is not undone any more.
    """
    with transaction.atomic():
        for step in STEPS:
            say(step(wishes))
        audit.record(
            verb="backup.restore", actor=None, made_at=manifest.made_at, rows=manifest.rows, keys_lost=wishes.keys_lost
        )
        with connection.cursor() as cursor:
            engine.settle(cursor)


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:.1f} minutes" if seconds >= 60 else f"{seconds:.1f} seconds"
