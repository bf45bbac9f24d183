"""What a backup asks of a database, whichever it is."""

from abc import ABC, abstractmethod
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, ClassVar

from django.db import DatabaseError, connection

from skillmap.core.backup.errors import BackupError
from skillmap.core.backup.reading import Reading


class Engine(ABC):
    """One database: a dump and a reading of the same moment, and an exchange that can be undone.

    A restore is `set_aside`, `bring_in`, `settle` and `finish`, or `undo` at whatever point before `settle` it fails.
    `errors` is what the driver raises.
    """

    vendor: ClassVar[str]
    file_name: ClassVar[str]
    errors: ClassVar[tuple[type[Exception], ...]]

    @abstractmethod
    def snapshot(self, folder: Path) -> AbstractContextManager[Reading]:
        """Write the dump into a folder; what is read meanwhile is of the same moment, whoever writes beside it.

        The dump is complete once the block has ended.
        """

    @abstractmethod
    def reading(self) -> AbstractContextManager[Reading]:
        """Read the database as it is now, one moment for the whole block."""

    @abstractmethod
    def server_version(self) -> str:
        """The version of what holds the database."""

    @abstractmethod
    def require_alone(self) -> None:
        """BackupError where another process uses the database."""

    @abstractmethod
    def set_aside(self) -> None:
        """Keep what is there where nobody sees it, and leave an empty database; undoes an interrupted restore first."""

    @abstractmethod
    def bring_in(self, dump: Path) -> None:
        """Fill the empty database from a dump."""

    @abstractmethod
    def settle(self, cursor: Any) -> None:
        """Say, in the transaction of this cursor, that what was brought in stays once that commits."""

    @abstractmethod
    def is_settled(self) -> bool:
        """Whether what was brought in stays, and only what it replaced is still to be forgotten."""

    @abstractmethod
    def is_interrupted(self) -> bool:
        """Whether a restore was begun and came to no end: what is there now is not whole."""

    @abstractmethod
    def undo(self) -> bool:
        """Put back what was set aside; False where nothing was, or what was brought in stays."""

    @abstractmethod
    def finish(self) -> None:
        """Forget what was set aside."""


def present_engine() -> Engine:
    """The engine of the database in the settings; BackupError where it can't be backed up."""
    from skillmap.core.backup.postgres import PostgresEngine
    from skillmap.core.backup.sqlite import SqliteEngine

    if connection.vendor == "postgresql":
        return PostgresEngine(connection.get_connection_params())
    name = str(connection.settings_dict["NAME"])
    if connection.vendor != "sqlite" or ":memory:" in name or "mode=memory" in name:
        raise BackupError("Only PostgreSQL, and SQLite in a file, can be backed up.")
    return SqliteEngine(Path(name))


def is_broken_off() -> bool:
    """Whether a restore into the database of the settings came to no end; DatabaseError where the database is away."""
    try:
        engine = present_engine()
    except BackupError:  # a database that is never restored
        return False
    try:
        return engine.is_interrupted()
    except engine.errors as error:
        raise DatabaseError(str(error)) from error
