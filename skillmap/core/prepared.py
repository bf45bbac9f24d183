"""A query whose SQL is written once and then only asked: for what every page asks.

Django writes the SQL of a query anew each time, which takes longer than the database takes to answer a small one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, ClassVar

from django.db import connection
from django.db.models import QuerySet

Value = int | date


@dataclass(frozen=True)
class _Written:
    """SQL with its parameters; `holes` are the places in these that each value goes to."""

    sql: str
    params: tuple[Any, ...]
    holes: dict[str, tuple[int, ...]]
    converters: Any


class Prepared:
    """A `values_list` query of which only these values change: each an id or another number, or a day.

        GRANTS = Prepared(lambda user, day: RoleGrant.objects.in_force(day).filter(user=user).values_list("role"),
                          user=int, day=date)
        GRANTS.rows(user=user.pk, day=clock.today())

    What is built must not depend on the values in any other way, for it is built once, with stand-ins: no `if`, no
    arithmetic with them in Python.
    """

    #: Stand-ins: values that no row has.
    NUMBERS: ClassVar[int] = 2_147_483_000
    DAYS: ClassVar[date] = date(9871, 1, 1)

    def __init__(self, build: Callable[..., QuerySet[Any, Any]], **types: type[Value]) -> None:
        self._build = build
        self._stand_ins = {name: self._stand_in(at, kind) for at, (name, kind) in enumerate(types.items())}
        self._written: dict[str, _Written] = {}

    def rows(self, **values: Value) -> Sequence[tuple[Any, ...]]:
        """Ask, and return all rows; one query."""
        written = self._written.get(connection.vendor)
        if written is None:
            written = self._written[connection.vendor] = self._write()
        params = list(written.params)
        for name, places in written.holes.items():
            value = _adapted(values[name])
            for place in places:
                params[place] = value
        with connection.cursor() as cursor:
            cursor.execute(written.sql, params)
            found: list[tuple[Any, ...]] = cursor.fetchall()
        return [_converted(row, written.converters) for row in found] if written.converters else found

    def _write(self) -> _Written:
        compiler = self._build(**self._stand_ins).query.get_compiler(connection=connection)
        sql, params = compiler.as_sql()
        holes = {
            name: tuple(place for place, param in enumerate(params) if param == _adapted(stand_in))
            for name, stand_in in self._stand_ins.items()
        }
        if missing := [name for name, places in holes.items() if not places]:
            raise ValueError(f"The query does not ask for {', '.join(missing)}.")
        converters = compiler.get_converters([column for column, _sql, _alias in compiler.select])
        return _Written(sql, tuple(params), holes, converters)

    @classmethod
    def _stand_in(cls, at: int, kind: type[Value]) -> Value:
        return cls.DAYS + timedelta(days=at) if issubclass(kind, date) else cls.NUMBERS + at


def _adapted(value: Value) -> Any:
    """As the database under this connection takes it."""
    return connection.ops.adapt_datefield_value(value) if isinstance(value, date) else value


def _converted(row: tuple[Any, ...], converters: Any) -> tuple[Any, ...]:
    """With days, times and truth as Python has them, where the database has none of its own."""
    values = list(row)
    for at, (convert, expression) in converters.items():
        for step in convert:
            values[at] = step(values[at], expression, connection)
    return tuple(values)
