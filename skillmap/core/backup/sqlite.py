"""SQLite: a copy made by the database itself, never by copying the file of a database that is in use."""

import hashlib
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from skillmap.core.backup.engine import Engine
from skillmap.core.backup.errors import BackupError
from skillmap.core.backup.reading import Counter, Reading, Row, TableSum, literal, quoted, select

SETTLED = 1


class SqliteReading(Reading):
    """What a connection to a file sees; one moment where nobody writes to the file."""

    def __init__(self, link: sqlite3.Connection) -> None:
        self.link = link

    def query(self, statement: str) -> list[Row]:
        """See Reading."""
        return self.link.execute(statement).fetchall()

    def tables(self) -> list[str]:
        """See Reading."""
        found = self.query("SELECT name FROM sqlite_master WHERE type = 'table'")
        return sorted(name for (name,) in found if not name.startswith("sqlite_"))

    def sum_of(self, table: str) -> TableSum:
        """See Reading."""
        columns = self.query(select("name, pk", f"pragma_table_info({literal(table)})", "ORDER BY name"))
        keys = [quoted(name) for name, place in sorted(columns, key=lambda column: int(column[1])) if place]
        names = ", ".join(quoted(name) for name, _place in columns)
        statement = select(names, quoted(table), f"ORDER BY {', '.join(keys) or names}")
        digest, count = hashlib.sha256(), 0
        for row in self.link.execute(statement):
            digest.update(repr(row).encode("utf-8", "backslashreplace"))
            count += 1
        return TableSum(count, digest.hexdigest())

    def schema(self) -> list[str]:
        """See Reading."""
        found = self.query("SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL")
        return sorted(" ".join(f"{kind} {name} {sql}".split()) for kind, name, sql in found)

    def triggers(self) -> set[str]:
        """See Reading."""
        return {name for (name,) in self.query("SELECT name FROM sqlite_master WHERE type = 'trigger'")}

    def counters(self) -> list[Counter]:
        """See Reading."""
        if not self.query("SELECT 1 FROM sqlite_master WHERE name = 'sqlite_sequence'"):
            return []
        found = []
        for table, last in self.query("SELECT name, seq FROM sqlite_sequence ORDER BY name"):
            ((highest,),) = self.query(select("coalesce(max(rowid), 0)", quoted(table)))
            found.append(Counter(table, last + 1, highest))
        return found

    def faults(self) -> list[str]:
        """See Reading."""
        broken = [line for (line,) in self.query("PRAGMA integrity_check(20)") if line != "ok"]
        lost = self.query("PRAGMA foreign_key_check")[:20]
        return broken + [f"row {row} of {table} points to nothing in {other}" for table, row, other, _key in lost]


class SqliteEngine(Engine):
    """One file, with what SQLite keeps beside it."""

    vendor, file_name, errors = "sqlite", "database.sqlite3", (sqlite3.Error,)

    def __init__(self, path: Path) -> None:
        """Take the path of the database."""
        self.path = path
        self.aside = path.with_name(f"{path.name}.before-restore")

    @contextmanager
    def snapshot(self, folder: Path) -> Iterator[Reading]:
        """See Engine: what is counted is the copy itself."""
        target = folder / self.file_name
        with closing(sqlite3.connect(self.path, timeout=60)) as link:
            link.execute("VACUUM INTO ?", [str(target)])
        with closing(_read_only(target)) as copy:
            yield SqliteReading(copy)

    @contextmanager
    def reading(self) -> Iterator[Reading]:
        """See Engine."""
        if not self.path.exists():  # the first connection makes it
            sqlite3.connect(self.path).close()
        with closing(_read_only(self.path)) as link:
            link.execute("BEGIN")
            yield SqliteReading(link)

    def server_version(self) -> str:
        """See Engine."""
        return sqlite3.sqlite_version

    def require_alone(self) -> None:
        """See Engine: the journal's mode changes for whoever has the file for itself alone."""
        if not self.path.exists():
            return
        try:
            with closing(sqlite3.connect(self.path, timeout=2)) as link:
                link.execute("PRAGMA journal_mode = DELETE").fetchall()
        except sqlite3.OperationalError as error:
            raise BackupError("Another process uses this database. Stop web, worker and beat first.") from error

    def set_aside(self) -> None:
        """See Engine."""
        self.undo()
        self.require_alone()  # whatever stood beside the file is in it now
        if self.path.exists():
            self.path.rename(self.aside)
        else:
            self.aside.touch()

    def bring_in(self, dump: Path) -> None:
        """See Engine."""
        arriving = self.path.with_name(f"{self.path.name}.restoring")
        try:
            shutil.copyfile(dump, arriving)
            with closing(sqlite3.connect(arriving)) as link:  # as the settings have it, and a reader keeps nobody out
                link.execute("PRAGMA journal_mode = WAL").fetchall()
                link.execute("PRAGMA user_version = 0")
            arriving.replace(self.path)
        finally:
            arriving.unlink(missing_ok=True)

    def settle(self, cursor: Any) -> None:
        """See Engine: the number is the file's own, free for use, and changes with the transaction."""
        cursor.execute(f"PRAGMA user_version = {SETTLED}")

    def is_settled(self) -> bool:
        """See Engine."""
        if not (self.aside.exists() and self.path.exists()):
            return False
        with closing(_read_only(self.path)) as link:
            ((found,),) = link.execute("PRAGMA user_version").fetchall()
        return bool(found == SETTLED)

    def is_interrupted(self) -> bool:
        """See Engine."""
        return self.aside.exists() and not self.is_settled()

    def undo(self) -> bool:
        """See Engine."""
        if not self.is_interrupted():
            return False
        for ending in ("-wal", "-shm"):
            self.path.with_name(self.path.name + ending).unlink(missing_ok=True)
        self.aside.replace(self.path)
        return True

    def finish(self) -> None:
        """See Engine."""
        self.aside.unlink(missing_ok=True)


def _read_only(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=60)
