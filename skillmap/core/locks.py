"""Shared locks, which Django's `select_for_update` does not know."""

from typing import Any

from django.db import connection
from django.db.models import QuerySet


def hold_shared(rows: QuerySet[Any]) -> None:
    """Keep rows as they are until this transaction ends, without keeping others from reading or holding them.

    Whoever wants to change such a row waits. On SQLite nothing is needed: a transaction that writes is alone.
    """
    if connection.vendor != "postgresql":
        return
    sql, params = rows.order_by().values("pk").query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(f'{sql} FOR SHARE OF "{rows.model._meta.db_table}"', params)
