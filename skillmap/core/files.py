"""Files that people hand in: kept outside every web root, under names of our making."""

import errno
import hashlib
import shutil
import uuid
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import BinaryIO

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.utils.translation import gettext as _

from skillmap.core import clock
from skillmap.core.models import StoredFile

CHUNK = 64 * 1024
FULL = 0.95  # of a disk
KEPT_FREE = 1024**3  # bytes; of a large disk the rest is room enough


class NoRoomError(OSError):
    """There is no room for a file; nothing of it is left."""

    def __init__(self) -> None:
        super().__init__(errno.ENOSPC, "No room for a file")

    def __str__(self) -> str:
        return _("There is no room left to store this file. Nothing was stored. Please tell the secretariat.")


def keep(
    upload: "UploadedFile[bytes]", *, owner: AbstractBaseUser, kind: str, lifetime: timedelta | None = None
) -> StoredFile:
    """Write an upload into the files' folder and remember it; its own name is only shown, never used as a path.

    Raises:
        NoRoomError: the disk is full, or nearly.
    """
    public_id = uuid.uuid4()
    path = f"{kind.replace('.', '-')}/{public_id.hex}"
    target = Path(settings.MEDIA_ROOT) / path
    target.parent.mkdir(parents=True, exist_ok=True)
    _require_room(target.parent)
    try:
        digest, size = _copy(upload.chunks(CHUNK), target)
        return StoredFile.objects.create(
            public_id=public_id,
            owner_id=owner.pk,
            kind=kind,
            name=Path(upload.name or "").name[-200:],
            content_type=(upload.content_type or "")[:100],
            size=size,
            sha256=digest,
            path=path,
            expires_at=clock.now() + lifetime if lifetime is not None else None,
        )
    except BaseException as error:
        target.unlink(missing_ok=True)
        if is_full(error):
            raise NoRoomError from error
        raise


def is_full(error: BaseException | None) -> bool:
    """Whether an error says that a disk or somebody's share of it is full."""
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)


def _require_room(folder: Path) -> None:
    """The last of a disk belongs to the database."""
    room = shutil.disk_usage(folder)
    if room.used / room.total > FULL and room.free < KEPT_FREE:
        raise NoRoomError


def _copy(chunks: Iterable[bytes], target: Path) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    with target.open("xb") as sink:
        for chunk in chunks:
            digest.update(chunk)
            size += len(chunk)
            sink.write(chunk)
    return digest.hexdigest(), size


def digest_of(upload: "UploadedFile[bytes]") -> str:
    """SHA-256 of an upload, in hex; the upload can be read again afterwards."""
    digest = hashlib.sha256()
    for chunk in upload.chunks(CHUNK):
        digest.update(chunk)
    upload.seek(0)
    return digest.hexdigest()


def opened(row: StoredFile) -> BinaryIO:
    """The file, open for reading. FileNotFoundError where it has been removed."""
    return (Path(settings.MEDIA_ROOT) / row.path).open("rb")


def drop(row: StoredFile) -> None:
    """Forget a file: the row in the transaction of the caller, the contents once that is committed."""
    path = Path(settings.MEDIA_ROOT) / row.path
    row.delete()
    transaction.on_commit(lambda: path.unlink(missing_ok=True), robust=True)


def drop_expired(limit: int = 1000) -> int:
    """Forget the files whose time is over; returns how many."""
    count = 0
    for row in StoredFile.objects.filter(expires_at__lt=clock.now()).order_by("pk")[:limit]:
        with transaction.atomic():
            drop(row)
        count += 1
    return count
