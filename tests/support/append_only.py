"""Lift the database's own guards while a transactional test's rows are flushed, and at no other time."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from django.db.backends.base.base import BaseDatabaseWrapper


@contextlib.contextmanager
def guards_lifted(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """Let no trigger fire on this connection until the block ends.

    On PostgreSQL this takes a superuser, which the suite's private server gives; its checks of foreign keys rest too.
    """
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
    # For this connection alone, and without touching the tables: they may have checks of foreign keys still to come.
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SET session_replication_role = DEFAULT")
