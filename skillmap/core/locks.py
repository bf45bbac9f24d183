"""Shared locks, which Django's `select_for_update` does not know."""

import zlib
from typing import Any

from django.db import connection, models
from django.db.models import QuerySet

GATES = 7201  # names these advisory locks, apart from any others


def _gate(model: type[models.Model]) -> list[int]:
    return [GATES, zlib.crc32(model._meta.db_table.encode()) & 0x7FFFFFFF]


def hold_shared(rows: QuerySet[Any]) -> None:
    """Keep rows as they are until this transaction ends, without keeping others from reading or holding them.

    Whoever wants to change such a row waits. PostgreSQL lets shared locks pass an exclusive one that waits: four people
    saving without pause kept a closing out for 45 seconds. So each passes a gate first, at which whoever comes after
    `queue_to_change` waits. On SQLite nothing is needed: a transaction that writes is alone.
    """
    if connection.vendor != "postgresql":
        return
    sql, params = rows.order_by().values("pk").query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(
            f'SELECT pg_advisory_xact_lock_shared(%s, %s); {sql} FOR SHARE OF "{rows.model._meta.db_table}"',
            [*_gate(rows.model), *params],
        )


def queue_to_change(model: type[models.Model]) -> None:
    """Stand in line before locking a row of this table FOR UPDATE that others hold shared all the time."""
    if connection.vendor != "postgresql":
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", _gate(model))
