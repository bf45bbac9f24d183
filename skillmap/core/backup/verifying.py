"""Whether a backup's folder holds what its manifest says; asked before anything is written."""

from pathlib import Path

from django.db import connection

from skillmap.core.backup import guards
from skillmap.core.backup.errors import BackupError
from skillmap.core.backup.manifest import NAME, NEEDED, Manifest, file_sum


def verified(folder: Path, *, keys_lost: bool = False) -> Manifest:
    """The manifest of a backup that is whole, of this kind of database, and readable with the present keys.

    Args:
        folder: where the backup lies.
        keys_lost: restore though TOKEN_PEPPER is another one, so that the seal can't be checked.

    Raises:
        BackupError: anything else.
    """
    manifest = Manifest.read(folder)
    _check_keys(manifest, keys_lost=keys_lost)
    if manifest.vendor != connection.vendor:
        raise BackupError(f"This is a backup of {manifest.vendor}; the database here is {connection.vendor}.")
    _check_files(folder, manifest)
    if unknown := sorted(set(manifest.migrations) - guards.known()):
        raise BackupError(f"The backup is of a later version: it has the migrations {', '.join(unknown[:5])}.")
    return manifest


def _check_keys(manifest: Manifest, *, keys_lost: bool) -> None:
    if NEEDED in manifest.other_keys():
        if keys_lost:
            return
        raise BackupError(
            f"The key of this backup is another one: its {NEEDED} is not the present one, and second factors could not "
            "be read. Set the old value. Where it is lost for good, --keys-lost removes the second factors."
        )
    if not manifest.is_sealed():
        raise BackupError(f"{NAME} was changed after the backup was made: its seal does not fit.")


def _check_files(folder: Path, manifest: Manifest) -> None:
    present = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()} - {NAME}
    if lost := sorted(set(manifest.files) - present):
        raise BackupError(f"Files of the backup are missing: {', '.join(lost[:5])}.")
    if added := sorted(present - set(manifest.files)):
        raise BackupError(f"These files do not belong to the backup: {', '.join(added[:5])}.")
    for path, known in manifest.files.items():
        if file_sum(folder / path) != known:
            raise BackupError(f"{path} is not what was backed up: its checksum is another one.")
