"""Rows of another table as one column: what belongs to a row comes with it, in the same query."""

from datetime import UTC, date, datetime
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import JSONField, QuerySet, Subquery
from django.db.models.expressions import Combinable
from django.db.models.functions import JSONObject
from django.db.models.sql.compiler import SQLCompiler


class JsonRows(Subquery):
    """The rows of a queryset as a list of objects, `[]` for none; on PostgreSQL and SQLite. Their order is not kept.

    >>> Parent.objects.annotate(rows=JsonRows(Child.objects.filter(parent=OuterRef("pk")), name="name", due="due_on"))

    Args:
        rows: the queryset, which may refer to the outer one by OuterRef.
        fields: name in the object -> field or expression. A day arrives as its ISO text (see `as_date`), a moment too
            (`as_moment`), a truth value as 0 or 1 on SQLite.
    """

    def __init__(self, rows: QuerySet[Any], **fields: str | Combinable) -> None:
        super().__init__(rows.order_by().values(_row=JSONObject(**fields)), output_field=JSONField())

    def as_sqlite(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> tuple[str, Any]:
        """json_group_array; json() keeps the objects from becoming text."""
        template = "(SELECT JSON_GROUP_ARRAY(JSON(_rows._row)) FROM (%(subquery)s) _rows)"
        return self.as_sql(compiler, connection, template=template)

    def as_postgresql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> tuple[str, Any]:
        """jsonb_agg, which is NULL for no rows."""
        template = "(SELECT COALESCE(JSONB_AGG(_rows._row), '[]'::jsonb) FROM (%(subquery)s) _rows)"
        return self.as_sql(compiler, connection, template=template)


def as_date(value: str | None) -> date | None:
    """A day from its text."""
    return None if value is None else date.fromisoformat(value[:10])


def as_moment(value: str | None) -> datetime | None:
    """An aware moment from its text; SQLite keeps UTC without saying so."""
    if value is None:
        return None
    moment = datetime.fromisoformat(value)
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
