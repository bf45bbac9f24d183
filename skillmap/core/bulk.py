"""Rows by the million, past the ORM: for what is computed and for made-up worlds, never for what people enter.

PostgreSQL takes them by COPY, SQLite by `executemany`, a batch at a time. The database's own constraints hold;
validation, signals and audit do not take place. `append` and `add` let the database give the ids, as any INSERT does.
`insert` and `write` give them in order, so that later rows can point to earlier ones: call these inside a transaction,
with nobody else writing to the table. Where others write, `reserve` ids first and name them in `append`.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from functools import lru_cache
from io import StringIO
from itertools import count, islice
from typing import Any

import orjson
from django.apps import apps
from django.core.management.color import no_style
from django.core.serializers.json import DjangoJSONEncoder
from django.db import IntegrityError, connection, models
from django.db.models import Max

from skillmap.core import clock

BATCH = 10_000
Row = Sequence[Any]
JSON_DEFAULT = DjangoJSONEncoder().default
JSON_OPTIONS = orjson.OPT_NON_STR_KEYS | orjson.OPT_PASSTHROUGH_DATETIME  # moments as Django's own encoder writes them


def insert(rows: Iterable[models.Model], model: type[models.Model]) -> int:
    """Write unsaved objects as they come and give them their ids; returns how many."""
    written = 0
    for batch in _batches(rows, BATCH):
        for number, row in enumerate(batch, next_id(model)):
            row.pk = number
        names, values = _columns_of(batch, model)
        written += write(model, names, values)
    return written


def add(rows: Iterable[models.Model], model: type[models.Model]) -> int:
    """Write unsaved objects whose ids nobody needs, as they come; returns how many. See `append`."""
    written = 0
    for batch in _batches(rows, BATCH):
        names, values = _columns_of(batch, model)
        written += append(model, names, values)
    return written


def _columns_of(rows: Sequence[models.Model], model: type[models.Model]) -> tuple[list[str], Iterator[Row]]:
    """All columns of objects but their ids; the times of writing are now."""
    fields = [field for field in model._meta.concrete_fields if not field.primary_key]
    names = [field.attname for field in fields if not _is_stamped(field)]
    relations = [field for field in fields if field.is_relation]
    filling = [
        field for field in fields if type(field).pre_save is not models.Field.pre_save and not _is_stamped(field)
    ]

    def values() -> Iterator[Row]:
        for row in rows:
            for field in relations:  # of objects that were given before they had an id
                other = row._state.fields_cache.get(field.name)
                if other is not None and getattr(row, field.attname) is None:
                    setattr(row, field.attname, other.pk)
            for field in filling:  # that fill themselves with every insert
                setattr(row, field.attname, field.pre_save(row, add=True))
            yield [getattr(row, name) for name in names]

    return names, values()


def write(model: type[models.Model], names: Sequence[str], rows: Iterable[Row]) -> int:
    """Write rows of plain values of the named columns as they come, the others by their defaults; returns how many.

    The ids follow on `next_id(model)` in the order of the rows.
    """
    numbers = count(next_id(model))
    written = append(model, (model._meta.pk.attname, *names), ((next(numbers), *row) for row in rows))
    _follow(model)
    return written


def append(
    model: type[models.Model], names: Sequence[str], rows: Iterable[Row], *, same: Mapping[str, Any] | None = None
) -> int:
    """Write rows of plain values of the named columns as they come, the others by their defaults; returns how many.

    Ids that are not named are the database's to give; others may write to the table meanwhile.

    Args:
        same: by column, what is the same in every row.
    """
    now, given = clock.now(), same or {}
    others = [field for field in model._meta.concrete_fields if not field.primary_key and field.attname not in names]
    rest = [
        given[field.attname] if field.attname in given else now if _is_stamped(field) else field.get_default()
        for field in others
    ]
    columns = [_column(model, name) for name in (*names, *(field.attname for field in others))]
    writer = _copy if connection.vendor == "postgresql" else _execute
    written = 0
    for batch in _batches(rows, BATCH):
        writer(model._meta.db_table, columns, batch, rest)
        written += len(batch)
    return written


def next_id(model: type[models.Model]) -> int:
    """The id that the next row gets."""
    last = model._default_manager.aggregate(last=Max("pk"))["last"]
    return (last or 0) + 1


def reserve(model: type[models.Model], number: int) -> list[int]:
    """That many ids, rising, that no other row gets, for rows that others will point to.

    Others may write to the table meanwhile: PostgreSQL counts them off, on SQLite the transaction that is open is the
    only one that writes. Stands inside a transaction.
    """
    table, column = connection.ops.quote_name(model._meta.db_table), model._meta.pk.column
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            statement = "SELECT nextval(pg_get_serial_sequence(%s, %s)) FROM generate_series(1, %s)"
            cursor.execute(statement, [table, column, number])
            return sorted(pk for (pk,) in cursor.fetchall())
        cursor.execute("SELECT seq FROM sqlite_sequence WHERE name = %s", [model._meta.db_table])
        last = cursor.fetchone()
    first = 1 + (last[0] if last else 0)
    return list(range(first, first + number))


def _is_stamped(field: object) -> bool:
    """Whether the column holds when its row was written."""
    return bool(getattr(field, "auto_now", False) or getattr(field, "auto_now_add", False))


def _column(model: type[models.Model], name: str) -> str:
    column = next(field.column for field in model._meta.concrete_fields if field.attname == name)
    return connection.ops.quote_name(str(column))


def _batches(rows: Iterable[Any], size: int) -> Iterator[list[Any]]:
    stream = iter(rows)
    while batch := list(islice(stream, size)):
        yield batch


def _follow(model: type[models.Model]) -> None:
    """Let the database count on from the last id."""
    with connection.cursor() as cursor:
        for statement in connection.ops.sequence_reset_sql(no_style(), [model]):
            cursor.execute(statement)


# ------------------------------------------------------------------------------------------- what rows point to


@contextmanager
def looked_up_later() -> Iterator[None]:
    """Within it PostgreSQL does not look up one by one what each row points to; at the end all are, table by table.

    A superuser alone may do so; for others, and on SQLite, nothing changes. Stands inside a transaction.

    Raises:
        IntegrityError: a row points to nothing.
    """
    if connection.vendor != "postgresql" or not _is_superuser():
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        yield
        cursor.execute("SET LOCAL session_replication_role = DEFAULT")
        for model in apps.get_models():
            _look_up(cursor, model)


def _is_superuser() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT usesuper FROM pg_user WHERE usename = current_user")
        return bool(cursor.fetchone()[0])


def _look_up(cursor: Any, model: type[models.Model]) -> None:
    quote = connection.ops.quote_name
    for field in model._meta.concrete_fields:
        if not isinstance(field, models.ForeignKey) or not getattr(field, "db_constraint", True):
            continue
        table, column = quote(model._meta.db_table), quote(str(field.column))
        other, key = quote(field.related_model._meta.db_table), quote(str(field.target_field.column))
        cursor.execute(
            f"SELECT t.{column} FROM {table} t LEFT JOIN {other} o ON o.{key} = t.{column}"  # noqa: S608  quoted names
            f" WHERE t.{column} IS NOT NULL AND o.{key} IS NULL LIMIT 1"
        )
        lost = cursor.fetchone()
        if lost is not None:
            raise IntegrityError(f"{model._meta.label}.{field.name} points to {lost[0]}, which is not there")


# ------------------------------------------------------------------------------------------------ PostgreSQL's COPY


def _escaped(text: str) -> str:
    """Where a line or a value ends is marked by characters, which the text itself holds in another form."""
    return text.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")


class _Texts(dict[type, Callable[[Any], str]]):
    """How a value is written, by its type; looked up for every value, so that those of a million rows are quick."""

    def __missing__(self, kind: type) -> Callable[[Any], str]:
        """Choices of whole numbers are numbers, all else is what it says of itself."""
        self[kind] = _whole if issubclass(kind, int) else _said
        return self[kind]


def _whole(value: int) -> str:
    return str(int(value))


def _said(value: object) -> str:
    return _escaped(str(value))


def _listed(value: Any) -> str:
    return _json(value).replace("\\", "\\\\")  # JSON itself has no line or tab but by a backslash


TEXTS = _Texts(
    {
        str: _escaped,
        type(None): lambda _none: "\\N",
        bool: lambda value: "t" if value else "f",
        int: str,
        float: repr,
        date: date.isoformat,
        datetime: datetime.isoformat,
        list: _listed,
        tuple: _listed,
        dict: _listed,
    }
)


def _line(row: Row) -> str:
    return "\t".join([TEXTS[type(value)](value) for value in row])


def _copy(table: str, columns: Sequence[str], rows: Sequence[Row], rest: Row) -> None:
    ending = "".join(f"\t{text}" for text in map(_line, zip(rest))) + "\n"
    lines = [_line(row) + ending for row in rows]
    statement = f"COPY {connection.ops.quote_name(table)} ({', '.join(columns)}) FROM STDIN"
    with connection.wrap_database_errors, connection.cursor() as cursor:
        cursor.cursor.copy_expert(statement, StringIO("".join(lines)))


# ------------------------------------------------------------------------------------------------------ any other


def _execute(table: str, columns: Sequence[str], rows: Sequence[Row], rest: Row) -> None:
    places = ", ".join(["%s"] * len(columns))
    statement = f"INSERT INTO {connection.ops.quote_name(table)} ({', '.join(columns)}) VALUES ({places})"  # noqa: S608  quoted names
    forms: dict[type, Callable[[Any], Any]] = {
        datetime: lru_cache(maxsize=100_000)(connection.ops.adapt_datetimefield_value),
        date: connection.ops.adapt_datefield_value,
        list: _json,
        tuple: _json,
        dict: _json,
    }

    def plain(row: Iterable[Any]) -> list[Any]:
        return [forms[type(value)](value) if type(value) in forms else value for value in row]

    end = plain(rest)
    values = [[*plain(row), *end] for row in rows]
    with connection.cursor() as cursor:
        cursor.executemany(statement, values)


def _json(value: Any) -> str:
    return orjson.dumps(value, default=JSON_DEFAULT, option=JSON_OPTIONS).decode()
