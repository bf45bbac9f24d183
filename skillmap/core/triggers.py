"""Triggers that make a table append-only, or keep its rows counted, for migrations; on PostgreSQL and SQLite."""

import re
from abc import abstractmethod
from collections.abc import Iterable, Sequence
from string import Template

from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState


def trigger_names(statements: Iterable[str]) -> set[str]:
    """Names of the triggers that SQL statements create."""
    found = (re.match(r"CREATE TRIGGER (\w+)", statement) for statement in statements)
    return {match[1] for match in found if match}


class Triggers(Operation):
    """Create triggers, and drop them on the way back; the same statements for every table of a kind."""

    reversible = True
    reduces_to_sql = True

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """No change of models."""

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Create the triggers."""
        for statement in self._create(schema_editor.connection.vendor):
            schema_editor.execute(statement, params=None)

    def database_backwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Drop the triggers."""
        for statement in self._drop(schema_editor.connection.vendor):
            schema_editor.execute(statement, params=None)

    def triggers(self, vendor: str) -> tuple[set[str], bool]:
        """Names of the triggers on a database, and that they stand after this operation."""
        return trigger_names(self._create(vendor)), True

    @abstractmethod
    def _create(self, vendor: str) -> list[str]:
        """Statements that create them."""

    @abstractmethod
    def _drop(self, vendor: str) -> list[str]:
        """Statements that drop them."""


class AppendOnly(Triggers):
    """Refuse UPDATE and DELETE (and TRUNCATE) on a table, but for columns that may change once from NULL.

    Args:
        table: the table's name in the database.
        set_once: columns that may go from NULL to a value, all others must stay.
        keep: the columns compared when `set_once` is given.
    """

    def __init__(self, table: str, set_once: Sequence[str] = (), keep: Sequence[str] = ()) -> None:
        self.table, self.set_once, self.keep = table, tuple(set_once), tuple(keep)

    def deconstruct(self) -> tuple[str, list[object], dict[str, object]]:
        """See Django's Operation."""
        return type(self).__name__, [self.table], {"set_once": self.set_once, "keep": self.keep}

    def describe(self) -> str:
        """One line for `migrate`."""
        return f"Make {self.table} append-only"

    def _allowed(self, differs: str) -> str:
        """SQL that is true when an UPDATE only sets `set_once` columns from NULL."""
        if not self.set_once:
            return "FALSE"
        same = [f"NOT ({differs.format(column=column)})" for column in self.keep]
        once = [f"(OLD.{column} IS NULL OR NOT ({differs.format(column=column)}))" for column in self.set_once]
        return " AND ".join(same + once)

    def _create(self, vendor: str) -> list[str]:
        name, table = f"{self.table}_append_only", self.table
        if vendor == "postgresql":
            allowed = self._allowed("OLD.{column} IS DISTINCT FROM NEW.{column}")
            body = (
                f"BEGIN IF TG_OP = 'UPDATE' THEN IF {allowed} THEN RETURN NEW; END IF; END IF; "
                f"RAISE EXCEPTION '{table} is append-only'; END"
            )
            return [
                f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ {body} $$",
                f"CREATE TRIGGER {name} BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION {name}()",
                f"CREATE TRIGGER {name}_t BEFORE TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION {name}()",
            ]
        allowed = self._allowed("OLD.{column} IS NOT NEW.{column}")
        refuse = f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
        return [
            f"CREATE TRIGGER {name}_u BEFORE UPDATE ON {table} WHEN NOT ({allowed}) {refuse}",
            f"CREATE TRIGGER {name}_d BEFORE DELETE ON {table} {refuse}",
        ]

    def _drop(self, vendor: str) -> list[str]:
        name, table = f"{self.table}_append_only", self.table
        if vendor == "postgresql":
            return [
                f"DROP TRIGGER IF EXISTS {name} ON {table}",
                f"DROP TRIGGER IF EXISTS {name}_t ON {table}",
                f"DROP FUNCTION IF EXISTS {name}()",
            ]
        return [f"DROP TRIGGER IF EXISTS {name}_u", f"DROP TRIGGER IF EXISTS {name}_d"]


# PostgreSQL counts what a whole statement changed: a hundred thousand rows leave a few lines.
STATEMENT_FUNCTION = Template(
    """CREATE FUNCTION $name() RETURNS trigger LANGUAGE plpgsql AS $$$$ BEGIN
INSERT INTO $counts ($keys, $number)
SELECT $keys, sum(n) FROM ($changes) changes GROUP BY $keys HAVING sum(n) <> 0;
RETURN NULL; END $$$$"""
)
STATEMENT_TRIGGER = Template(
    """CREATE TRIGGER $name AFTER $event ON $table REFERENCING $tables
FOR EACH STATEMENT EXECUTE FUNCTION $name()"""
)
ROW_TRIGGER = Template(
    """CREATE TRIGGER $name AFTER $event ON $table $condition BEGIN
INSERT INTO $counts ($keys, $number) VALUES $lines; END"""
)


class KeptCounts(Triggers):
    """Keep the rows of a table counted by some of its columns, in the transaction that changes them.

    Every change adds lines to `counts`, of the same columns and `number`: how many rows more or fewer there are. What a
    line says is never changed, so nobody waits for anybody; the sum over the lines is the count. Lines that belong
    together may be added up at any time. Writing past the triggers (TRUNCATE, `session_replication_role`) needs a new
    count afterwards.

    Args:
        table: whose rows are counted.
        counts: the table of lines.
        columns: by what is counted; of these names in both tables.
        number: the column of how many more or fewer.
    """

    def __init__(self, table: str, counts: str, columns: Sequence[str], number: str) -> None:
        self.table, self.counts, self.columns, self.number = table, counts, tuple(columns), number

    def deconstruct(self) -> tuple[str, list[object], dict[str, object]]:
        """See Django's Operation."""
        return type(self).__name__, [self.table, self.counts, self.columns, self.number], {}

    def describe(self) -> str:
        """One line for `migrate`."""
        return f"Keep {self.table} counted in {self.counts}"

    def _create(self, vendor: str) -> list[str]:
        events = ("insert", "delete", "update")
        templates = [STATEMENT_FUNCTION, STATEMENT_TRIGGER] if vendor == "postgresql" else [ROW_TRIGGER]
        return [template.substitute(self._words(event)) for event in events for template in templates]

    def _words(self, event: str) -> dict[str, str]:
        """What the templates need for one event."""
        keys = ", ".join(self.columns)
        come, gone = "SELECT $keys, 1 AS n FROM come", "SELECT $keys, -1 AS n FROM gone"
        rows = {"insert": [come], "delete": [gone], "update": [come, gone]}[event]
        tables = {"insert": "NEW TABLE AS come", "delete": "OLD TABLE AS gone"}
        new = f"({', '.join(f'NEW.{column}' for column in self.columns)}, 1)"
        old = f"({', '.join(f'OLD.{column}' for column in self.columns)}, -1)"
        differs = " OR ".join(f"OLD.{column} IS NOT NEW.{column}" for column in self.columns)
        return {
            "name": f"{self.table}_counted_{event}",
            "event": event.upper(),
            "table": self.table,
            "counts": self.counts,
            "keys": keys,
            "number": self.number,
            "changes": Template(" UNION ALL ".join(rows)).substitute(keys=keys),
            "tables": tables.get(event, " ".join(tables.values())),
            "lines": {"insert": new, "delete": old, "update": f"{old}, {new}"}[event],
            "condition": f"WHEN {differs}" if event == "update" else "",
        }

    def _drop(self, vendor: str) -> list[str]:
        names = [f"{self.table}_counted_{event}" for event in ("insert", "delete", "update")]
        if vendor == "postgresql":
            drops = [f"DROP TRIGGER IF EXISTS {name} ON {self.table}" for name in names]
            return drops + [f"DROP FUNCTION IF EXISTS {name}()" for name in names]
        return [f"DROP TRIGGER IF EXISTS {name}" for name in names]
