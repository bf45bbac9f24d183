"""PostgreSQL: pg_dump and pg_restore, beside a connection that sees the same moment."""

import hashlib
import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Protocol

import psycopg2
from psycopg2.extensions import make_dsn

from skillmap.core.backup.engine import Engine
from skillmap.core.backup.errors import BackupError
from skillmap.core.backup.reading import Counter, Reading, Row, TableSum, quoted, select

#: How long a connection that is about to end is waited for: the server ends one a moment after its client has gone.
LEAVING_SECONDS = 3.0


class _Digest:
    """Takes what COPY writes."""

    def __init__(self) -> None:
        self.sha256 = hashlib.sha256()

    def write(self, chunk: bytes | str) -> int:
        data = chunk.encode() if isinstance(chunk, str) else chunk
        self.sha256.update(data)
        return len(data)


class Cursor(Protocol):
    """The part of psycopg2's cursor that is used here."""

    rowcount: int

    def execute(self, query: str, values: Any = ..., /) -> None: ...
    def fetchall(self) -> list[Row]: ...
    def copy_expert(self, sql: str, file: Any) -> None: ...


# How values are written, whatever the server's or the role's own settings are.
FORMS = "SET timezone = 'UTC'; SET datestyle = 'ISO, YMD'; SET intervalstyle = 'postgres'; SET extra_float_digits = 1"

COLUMNS = """
SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity,
       coalesce(pg_get_expr(d.adbin, d.adrelid), ''), coalesce(k.place, 0), t.typcategory = 'S'
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
LEFT JOIN LATERAL (SELECT array_position(i.indkey::int2[], a.attnum) + 1 AS place
                   FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary) k ON true
WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') ORDER BY c.relname, a.attname
"""
SCHEMA = """
SELECT 'index ' || indexdef FROM pg_indexes WHERE schemaname = 'public'
UNION ALL
SELECT 'constraint ' || conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid)
FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND conrelid <> 0
UNION ALL
SELECT 'trigger ' || tgenabled::text || ' ' || pg_get_triggerdef(t.oid)
FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
WHERE NOT tgisinternal AND c.relnamespace = 'public'::regnamespace
UNION ALL
SELECT 'function ' || pg_get_functiondef(oid) FROM pg_proc WHERE pronamespace = 'public'::regnamespace
"""
COUNTERS = """
SELECT c.relname, a.attname, pg_get_serial_sequence(quote_ident(c.relname), a.attname)
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r'
  AND pg_get_serial_sequence(quote_ident(c.relname), a.attname) IS NOT NULL ORDER BY c.relname
"""


def plain(line: str) -> str:
    """A line of the schema without casts and brackets: read back from a dump, PostgreSQL sets them elsewhere."""
    bare = re.sub(r"::(?:character varying|text)(?:\[\])?|[()]", " ", line)
    return re.sub(r" ?([\[\],]) ?", r"\1", " ".join(bare.split()))


class PostgresReading(Reading):
    """What one cursor sees; inside a transaction REPEATABLE READ it is one moment."""

    def __init__(self, cursor: Cursor) -> None:
        self.cursor = cursor
        cursor.execute(FORMS)
        self.columns: dict[str, list[Row]] = {}
        for row in self.query(COLUMNS):
            self.columns.setdefault(row[0], []).append(row[1:])

    def query(self, statement: str) -> list[Row]:
        """See Reading."""
        self.cursor.execute(statement)
        return self.cursor.fetchall()

    def tables(self) -> list[str]:
        """See Reading."""
        return sorted(self.columns)

    def sum_of(self, table: str) -> TableSum:
        """See Reading."""
        columns = self.columns[table]
        # Text is put into the order of its bytes: that of a language may be another one on the next server.
        keys = [
            quoted(name) + (' COLLATE "C"' if is_text else "")
            for name, *_rest, place, is_text in sorted(columns, key=lambda column: column[-2])
            if place
        ] or [f'{quoted(name)}::text COLLATE "C"' for name, *_rest in columns]
        names = ", ".join(quoted(name) for name, *_rest in columns)
        digest = _Digest()
        rows = select(names, quoted(table), f"ORDER BY {', '.join(keys)}")
        self.cursor.copy_expert(f"COPY ({rows}) TO STDOUT", digest)
        return TableSum(self.cursor.rowcount, digest.sha256.hexdigest())

    def schema(self) -> list[str]:
        """See Reading."""
        lines = [
            f"column {table} {name} {kind} {'not null' if needed else 'null'} {identity} {default}"
            for table, columns in self.columns.items()
            for name, kind, needed, identity, default, *_key in columns
        ]
        lines += [line for (line,) in self.query(SCHEMA)]
        return sorted(plain(line) for line in lines)

    def triggers(self) -> set[str]:
        """See Reading."""
        return {
            name
            for (name,) in self.query(
                "SELECT tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid WHERE NOT tgisinternal "
                "AND tgenabled = 'O' AND c.relnamespace = 'public'::regnamespace"
            )
        }

    def counters(self) -> list[Counter]:
        """See Reading."""
        found = []
        for table, column, sequence in self.query(COUNTERS):
            ((last, is_called),) = self.query(select("last_value, is_called", sequence))
            ((highest,),) = self.query(select(f"coalesce(max({quoted(column)}), 0)", quoted(table)))
            found.append(Counter(table, last + is_called, highest))
        return found

    def faults(self) -> list[str]:
        """See Reading; PostgreSQL has looked at every row while it took them in, but for what it calls not valid."""
        names = self.query(
            "SELECT conname FROM pg_constraint WHERE NOT convalidated AND connamespace = 'public'::regnamespace"
        )
        return [f"the constraint {name} is not valid" for (name,) in names]


ASIDE = "before_restore"
REPLACED = "replaced_by_restore"
INSTALLED = Path("/usr/lib/postgresql")


def program(name: str) -> str:
    """Path of one of PostgreSQL's programs: on PATH, else the newest where Debian puts them.

    Raises:
        BackupError: it is not installed.
    """
    if found := shutil.which(name):
        return found
    installed = sorted(INSTALLED.glob(f"*/bin/{name}"), key=lambda path: int("0" + re.sub(r"\D", "", path.parts[-3])))
    if not installed:
        raise BackupError(f"{name} is not installed here (Debian: postgresql-client).")
    return str(installed[-1])


class PostgresEngine(Engine):
    """One database on a server.

    What was there before a restore waits in a schema of its own, so that it comes back whatever goes wrong: no role
    that may create databases is needed, only one that owns the schema `public`.
    """

    vendor, file_name, errors = "postgresql", "database.dump", (psycopg2.Error,)

    def __init__(self, parameters: Mapping[str, Any]) -> None:
        """Take Django's parameters of a connection."""
        self.parameters = {key: value for key, value in parameters.items() if key != "cursor_factory"}

    def _connect(self) -> Any:
        return psycopg2.connect(**self.parameters)

    @contextmanager
    def _cursor(self) -> Iterator[Any]:
        """A cursor in one transaction of its own."""
        with closing(self._connect()) as link, link, link.cursor() as cursor:
            yield cursor

    def _command(self, name: str, *options: str) -> tuple[list[str], dict[str, str]]:
        """A program's command line and environment; the password is in the latter alone, where nobody lists it."""
        address = make_dsn(**{key: value for key, value in self.parameters.items() if key != "password"})
        environment = dict(os.environ)
        if self.parameters.get("password"):
            environment["PGPASSWORD"] = str(self.parameters["password"])
        return [program(name), *options, f"--dbname={address}"], environment

    @contextmanager
    def snapshot(self, folder: Path) -> Iterator[Reading]:
        """See Engine: pg_dump reads the very snapshot that this connection reads."""
        with closing(self._connect()) as link, link.cursor() as cursor:
            link.set_session(isolation_level="REPEATABLE READ", readonly=True)
            cursor.execute("SELECT pg_export_snapshot()")
            ((name,),) = cursor.fetchall()
            options = ("--format=custom", "--schema=public", "--no-owner", f"--snapshot={name}")
            command, environment = self._command("pg_dump", *options, f"--file={folder / self.file_name}")
            log = folder / ".pg_dump.log"
            with log.open("wb") as sink:
                process = subprocess.Popen(  # noqa: S603  the command is ours
                    command, env=environment, stdin=subprocess.DEVNULL, stdout=sink, stderr=subprocess.STDOUT
                )
            try:
                yield PostgresReading(cursor)
                if process.wait():
                    raise BackupError(f"pg_dump failed: {log.read_text(errors='replace').strip()[-1000:]}")
            finally:
                process.kill()
                process.wait()
                log.unlink(missing_ok=True)

    @contextmanager
    def reading(self) -> Iterator[Reading]:
        """See Engine."""
        with self._cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            yield PostgresReading(cursor)

    def server_version(self) -> str:
        """See Engine."""
        with self._cursor() as cursor:
            cursor.execute("SHOW server_version")
            return str(cursor.fetchone()[0])

    def require_alone(self) -> None:
        """See Engine. Who has just left, such as pg_dump, is waited for."""
        until = time.monotonic() + LEAVING_SECONDS
        while others := self._others():
            if time.monotonic() > until:
                raise BackupError(f"Others use this database (connections: {others}). Stop web, worker and beat first.")
            time.sleep(0.1)

    def _others(self) -> int:
        """How many connections the database has beside this one."""
        with self._cursor() as cursor:
            cursor.execute("SELECT pg_stat_clear_snapshot()")  # else a transaction sees what it saw first
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
                "AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
            )
            ((others,),) = cursor.fetchall()
        return int(others)

    def set_aside(self) -> None:
        """See Engine."""
        self.undo()
        try:
            with self._cursor() as cursor:
                cursor.execute("SET lock_timeout = '10s'")
                cursor.execute(f"ALTER SCHEMA public RENAME TO {ASIDE}")
                cursor.execute("CREATE SCHEMA public")
                cursor.execute("GRANT USAGE ON SCHEMA public TO PUBLIC")
        except psycopg2.errors.InsufficientPrivilege as error:
            raise BackupError("The role must own the schema public and may create one in this database.") from error

    def bring_in(self, dump: Path) -> None:
        """See Engine."""
        options = (
            "--exit-on-error",
            "--no-owner",
            "--no-privileges",
            "--schema=public",
            f"--jobs={os.cpu_count() or 1}",
        )
        command, environment = self._command("pg_restore", *options)
        done = subprocess.run(  # noqa: S603  the command is ours
            [*command, str(dump)], env=environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise BackupError(f"pg_restore failed: {done.stderr.strip()[-1000:]}")
        with closing(self._connect()) as link:
            link.autocommit = True
            with link.cursor() as cursor:
                cursor.execute("ANALYZE")

    def settle(self, cursor: Any) -> None:
        """See Engine."""
        cursor.execute(f"ALTER SCHEMA {ASIDE} RENAME TO {REPLACED}")

    def is_settled(self) -> bool:
        """See Engine."""
        with self._cursor() as cursor:
            return _has_schema(cursor, REPLACED)

    def is_interrupted(self) -> bool:
        """See Engine."""
        with self._cursor() as cursor:
            return _has_schema(cursor, ASIDE)

    def undo(self) -> bool:
        """See Engine."""
        if not self.is_interrupted():
            return False
        with self._cursor() as cursor:
            cursor.execute("DROP SCHEMA IF EXISTS public CASCADE")
            cursor.execute(f"ALTER SCHEMA {ASIDE} RENAME TO public")
        return True

    def finish(self) -> None:
        """See Engine."""
        with self._cursor() as cursor:
            cursor.execute(f"DROP SCHEMA IF EXISTS {REPLACED} CASCADE")


def _has_schema(cursor: Any, name: str) -> bool:
    cursor.execute("SELECT 1 FROM pg_namespace WHERE nspname = %s", [name])
    return bool(cursor.fetchall())
