"""Lift the database's own guards while a transactional test's rows are flushed, and at no other time."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from django.db.backends.base.base import BaseDatabaseWrapper

# pg_trigger.tgenabled → how to put the trigger back into that state
STATES = {"O": "ENABLE", "A": "ENABLE ALWAYS", "R": "ENABLE REPLICA", "D": "DISABLE"}


@contextlib.contextmanager
def guards_lifted(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """Switch off all triggers of this database's tables until the block ends, then put each back as it was."""
    lifted = _postgres if connection.vendor == "postgresql" else _sqlite
    with lifted(connection):
        yield


@contextlib.contextmanager
def _sqlite(connection: BaseDatabaseWrapper) -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger' ORDER BY name")
        triggers = cursor.fetchall()
        for name, _ in triggers:
            cursor.execute(f"DROP TRIGGER {connection.ops.quote_name(name)}")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            for _, sql in triggers:
                cursor.execute(sql)


@contextlib.contextmanager
def _postgres(connection: BaseDatabaseWrapper) -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tgrelid::regclass::text, quote_ident(tgname), tgenabled FROM pg_trigger WHERE NOT tgisinternal"
        )
        triggers = cursor.fetchall()
        for table, name, _ in triggers:
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER {name}")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            for table, name, state in triggers:
                cursor.execute(f"ALTER TABLE {table} {STATES[state]} TRIGGER {name}")
