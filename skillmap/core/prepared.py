"""A query whose SQL is written once and then only asked: for what every page asks, or one that is asked very often.

Django writes the SQL of a query anew each time, which takes longer than the database takes to answer a small one.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from dataclasses import dataclass
from datetime import date, timedelta
from types import SimpleNamespace
from typing import Any, Generic, TypeVar

from django.db import connection
from django.db.models import QuerySet

Value = int | date
Row = TypeVar("Row")

#: Stand-ins for values while the SQL is written: no row has them.
NUMBERS, DAYS = 2_147_483_000, date(9871, 1, 1)
LARGEST = 2**63 - 1


@dataclass(frozen=True)
class _Written:
    """A query set up by Django's compiler; `holes` are the places of each value among the parameters of its SQL."""

    queryset: QuerySet[Any, Any]
    compiler: Any
    sql: str
    params: tuple[Any, ...]
    holes: dict[str, tuple[int, ...]]


class Prepared(Generic[Row]):
    """A query of which only these values change: each an id or another number, or a day.

        GRANTS = Prepared(lambda user, day: RoleGrant.objects.in_force(day).filter(user=user), user=int, day=date)
        GRANTS.ask(user=user.pk, day=clock.today())

    The query is built once, with stand-ins, so it must not depend on its values in another way: no `if`, no counting
    with them. Rows come as from the query itself: objects with what `select_related` reads and what is annotated, or
    the tuples of `values_list`.
    """

    def __init__(self, build: Callable[..., QuerySet[Any, Row]], **types: type[Value]) -> None:
        self._build = build
        self._stand_ins = {name: _stand_in(at, kind) for at, (name, kind) in enumerate(types.items())}
        self._written: dict[str, _Written] = {}

    def ask(self, **values: Value) -> list[Row]:
        """All rows; one query. With a number larger than the database has, which somebody typed, there are none."""
        if any(isinstance(value, int) and value > LARGEST for value in values.values()):
            return []
        written = self._written.get(connection.vendor)
        if written is None:
            written = self._written[connection.vendor] = self._write()
        params = list(written.params)
        for name, places in written.holes.items():
            value = _adapted(values[name])
            for place in places:
                params[place] = value
        return list(_ready(written, tuple(params)))

    def _write(self) -> _Written:
        queryset = self._build(**self._stand_ins)
        compiler = queryset.query.get_compiler(connection=connection)
        sql, params = compiler.as_sql()
        holes = {
            name: tuple(place for place, param in enumerate(params) if param == _adapted(stand_in))
            for name, stand_in in self._stand_ins.items()
        }
        if missing := [name for name, places in holes.items() if not places]:
            raise ValueError(f"The query does not ask for {', '.join(missing)}.")
        return _Written(queryset, compiler, sql, tuple(params), holes)


def _ready(written: _Written, params: tuple[Any, ...]) -> QuerySet[Any, Any]:
    """The query with its SQL at hand: Django asks it and makes the rows, as ever, but does not write it again."""
    compiler = copy(written.compiler)  # requests in other threads have their own
    compiler.connection = connection
    compiler.as_sql = lambda *_, **__: (written.sql, params)
    query: Any = SimpleNamespace(get_compiler=lambda *_, **__: compiler)
    ready: QuerySet[Any, Any] = QuerySet(written.queryset.model, query)
    ready._iterable_class = written.queryset._iterable_class
    return ready


def _stand_in(at: int, kind: type[Value]) -> Value:
    return DAYS + timedelta(days=at) if issubclass(kind, date) else NUMBERS + at


def _adapted(value: Value) -> Any:
    """As the database under this connection takes it."""
    return connection.ops.adapt_datefield_value(value) if isinstance(value, date) else value
