"""Shared locks, which Django's `select_for_update` does not know."""

import zlib
from functools import cache

from django.db import connection, models

GATES = 7201  # names these advisory locks, apart from any others


def _gate(model: type[models.Model]) -> list[int]:
    return [GATES, zlib.crc32(model._meta.db_table.encode()) & 0x7FFFFFFF]


def hold_shared(model: type[models.Model], lookup: str, value: int) -> None:
    """Keep the rows that a lookup finds as they are until this transaction ends; others may read and hold them too.

    Whoever wants to change such a row waits. PostgreSQL lets shared locks pass an exclusive one that waits: four people
    saving without pause kept a closing out for 45 seconds. So each passes a gate first, at which whoever comes after
    `queue_to_change` waits. On SQLite nothing is needed: a transaction that writes is alone.
    """
    if connection.vendor != "postgresql":
        return
    with connection.cursor() as cursor:
        cursor.execute(_held(model, lookup), [*_gate(model), value])


@cache
def _held(model: type[models.Model], lookup: str) -> str:
    """The statement, put together once: every answer that is saved asks for it."""
    rows = model._default_manager.filter(**{lookup: 0}).order_by().values("pk")
    sql, params = rows.query.sql_with_params()
    if len(params) != 1:
        raise ValueError(f"{lookup} compares with more than one value.")
    return f'SELECT pg_advisory_xact_lock_shared(%s, %s); {sql} FOR SHARE OF "{model._meta.db_table}"'


def queue_to_change(model: type[models.Model]) -> None:
    """Stand in line before locking a row of this table FOR UPDATE that others hold shared all the time."""
    if connection.vendor != "postgresql":
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", _gate(model))


def hold_table(model: type[models.Model]) -> None:
    """Wait for all who write to this table, and let nobody else do so until this transaction ends; reading goes on."""
    if connection.vendor != "postgresql":
        return
    with connection.cursor() as cursor:
        cursor.execute(f'LOCK TABLE "{model._meta.db_table}" IN SHARE ROW EXCLUSIVE MODE')
