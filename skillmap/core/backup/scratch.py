"""A database and a folder to throw away, for trying a backup; other processes are pointed to them."""

import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from django.conf import settings
from django.db import DatabaseError, connection

from skillmap.core.backup.errors import BackupError
from skillmap.core.backup.reading import quoted

NOWHERE = "redis://127.0.0.1:1/0"
MARK = "skillmap_drill"


@contextmanager
def scratch() -> Iterator[dict[str, str]]:
    """The environment of a process that works on a new, empty database and folder; both are gone afterwards.

    Such a process reaches no worker, no cache and no mail server: nothing it does leaves the scratch.

    Raises:
        BackupError: the role may not create databases.
    """
    folder = Path(tempfile.mkdtemp(prefix="skillmap-drill-"))
    quiet = {
        "VAR_DIR": str(folder),
        "REDIS_URL": NOWHERE,
        "CELERY_BROKER_URL": "memory://",
        "EMAIL_URL": "memorymail://",
        "DJANGO_SETTINGS_MODULE": os.environ["DJANGO_SETTINGS_MODULE"],
    }
    try:
        with _postgres() if connection.vendor == "postgresql" else _sqlite(folder) as address:
            yield os.environ | quiet | {"DATABASE_URL": address}
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def is_scratch() -> bool:
    """Whether this process works on such a database."""
    return Path(str(connection.settings_dict["NAME"])).name.startswith(MARK)


@contextmanager
def _sqlite(folder: Path) -> Iterator[str]:
    yield f"sqlite:///{folder / MARK}.sqlite3"


@contextmanager
def _postgres() -> Iterator[str]:
    name = f"{MARK}_{secrets.token_hex(4)}"
    try:
        with connection.cursor() as cursor:
            cursor.execute(f"CREATE DATABASE {quoted(name)} TEMPLATE template0 ENCODING 'UTF8'")
    except DatabaseError as error:
        raise BackupError(f"No database could be made for the drill: {error}") from error
    try:
        yield address_of(name)
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"DROP DATABASE IF EXISTS {quoted(name)} WITH (FORCE)")


def address_of(name: str) -> str:
    """DATABASE_URL of another database on the same server, for the same role."""
    values = settings.DATABASES["default"]
    user, password = quote(values["USER"], safe=""), quote(values["PASSWORD"], safe="")
    host = quote(values["HOST"], safe="") if values["HOST"].startswith("/") else values["HOST"]
    place = f"{host}:{values['PORT']}" if values["PORT"] else host
    return f"postgres://{user}{':' if password else ''}{password}@{place}/{name}"
