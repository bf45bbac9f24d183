"""What the database gathers from many rows beyond what Django knows on both databases."""

from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Aggregate, TextField, Value
from django.db.models.sql.compiler import SQLCompiler


class Joined(Aggregate):
    """The texts of a group in one, in no order; those that are NULL are left out.

    Args:
        separator: between any two of them.
    """

    function = "STRING_AGG"
    output_field = TextField()

    def __init__(self, expression: Any, separator: str = "", **extra: Any) -> None:
        super().__init__(expression, Value(separator), **extra)

    def as_sqlite(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **context: Any) -> tuple[str, Any]:
        """SQLite has another name for it."""
        return super().as_sql(compiler, connection, function="GROUP_CONCAT", **context)
