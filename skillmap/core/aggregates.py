"""Aggregates that both databases know under different names."""

from typing import Any

from django.db.models import Aggregate, TextField, Value
from django.db.models.sql.compiler import SQLCompiler

SEPARATOR = "\n"


class Lines(Aggregate):
    """The texts of a group in one text, a line each, in no particular order. A text must hold no line break itself.

    Many small rows cost more on their way than in the database: joined there they arrive as one.
    """

    function = "STRING_AGG"
    name = "Lines"
    output_field = TextField()

    def __init__(self, expression: Any) -> None:
        super().__init__(expression, Value(SEPARATOR))

    def as_sqlite(self, compiler: SQLCompiler, connection: Any, **context: Any) -> tuple[str, Any]:
        """SQLite's word for it."""
        return self.as_sql(compiler, connection, function="GROUP_CONCAT", **context)
