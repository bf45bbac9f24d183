"""Many rows in one statement: INSERT … SELECT with the model's own defaults for every column that is not named."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import connection, models

from skillmap.core import clock


def insert_select(model: type[models.Model], values: Mapping[str, str], source: str, params: Sequence[Any]) -> int:
    """Insert one row of `model` for each row that `source` yields; returns how many.

    Args:
        values: column name to an SQL expression over `source`; all else gets the default of its field.
        source: what follows FROM, with %s for `params`.

    No text of users ever becomes SQL here: expressions are written in this app, values are parameters.
    """
    columns: list[str] = []
    expressions: list[str] = []
    given: list[Any] = []
    for field in model._meta.concrete_fields:
        if field.primary_key:
            continue
        column = str(field.column)
        columns.append(column)
        if column in values:
            expressions.append(values[column])
            continue
        expressions.append("%s")
        given.append(field.get_db_prep_save(_default(field), connection))
    quote = connection.ops.quote_name
    statement = (
        f"INSERT INTO {quote(model._meta.db_table)} ({', '.join(map(quote, columns))}) "  # noqa: S608
        f"SELECT {', '.join(_typed(model, columns, expressions))} FROM {source}"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, [*given, *params])
        return int(cursor.rowcount)


def _default(field: "models.Field[Any, Any]") -> object:
    if getattr(field, "auto_now", False) or getattr(field, "auto_now_add", False):
        return clock.now()
    if field.has_default() or not field.null:
        return field.get_default()
    return None


def _typed(model: type[models.Model], columns: Sequence[str], expressions: Sequence[str]) -> list[str]:
    """PostgreSQL wants to know the type of a bare parameter in a SELECT list."""
    if connection.vendor != "postgresql":
        return list(expressions)
    types = {field.column: field.db_type(connection) for field in model._meta.concrete_fields}
    return [
        f"CAST(%s AS {types[column]})" if expression == "%s" else expression
        for column, expression in zip(columns, expressions, strict=True)
    ]


def pairs_table() -> str:
    """A table expression of one parameter (see `pairs_param`): columns `a` and `b`, both ids."""
    if connection.vendor == "postgresql":
        return "(SELECT (j.v->>0)::bigint AS a, (j.v->>1)::bigint AS b FROM jsonb_array_elements(%s::jsonb) AS j(v))"
    return "(SELECT json_extract(value, '$[0]') AS a, json_extract(value, '$[1]') AS b FROM json_each(%s))"


def pairs_param(pairs: Mapping[int, int]) -> str:
    """The parameter of `pairs_table`."""
    return json.dumps([[key, value] for key, value in pairs.items()])
