"""Triggers that make a published version of the framework immutable, for migrations; on PostgreSQL and SQLite.

Whoever holds the connection, the rows of a version change only while it is a draft, and each row hangs together with
one version alone. On PostgreSQL the check locks the version's row FOR SHARE, so that publishing and editing wait for
each other.

SQLite alters a table by making it anew, which loses its triggers and breaks those of other tables that name it. A later
migration of these tables therefore begins with `LiftGuards()` and ends with `VersionGuards()`.
"""

from dataclasses import dataclass

from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

from skillmap.core.triggers import trigger_names

FRAMEWORK = "framework_framework"


@dataclass(frozen=True)
class Guarded:
    """A table whose rows belong to a version.

    `owner` and `others` are SQL for the id of a version; `{row}` stands for NEW or OLD.
    """

    table: str
    owner: str
    others: tuple[str, ...] = ()


def _by(table: str, column: str) -> str:
    return f"(SELECT framework_id FROM {table} WHERE id = {{row}}.{column})"  # noqa: S608  (names from this file)


OWN = "{row}.framework_id"
TABLES = (
    Guarded("framework_skillcategory", OWN),
    Guarded("framework_skill", OWN, (_by("framework_skillcategory", "category_id"),)),
    Guarded("framework_skilllevel", OWN),
    Guarded("framework_skillleveltext", _by("framework_skill", "skill_id")),
    Guarded("framework_jobtype", OWN, (_by("framework_skillcategory", "core_category_id"),)),
    Guarded(
        "framework_jobtyperequirement", _by("framework_jobtype", "job_type_id"), (_by("framework_skill", "skill_id"),)
    ),
    Guarded("framework_certification", OWN),
    Guarded(
        "framework_certificationskill",
        _by("framework_certification", "certification_id"),
        (_by("framework_skill", "skill_id"),),
    ),
)
# What a version's own row may still learn once it is published, beside its state and `version`.
FIXED = ("id", "code", "name", "name_en", "based_on_id", "note", "translation_provenance", "created_at")
FIXED_ONCE_PUBLISHED = ("published_at", "published_by_id")

CLOSED = "a published version of the framework cannot be changed"
MIXED = "a row cannot belong to two versions of the framework"


def _differ(column: str, vendor: str) -> str:
    operator = "IS DISTINCT FROM" if vendor == "postgresql" else "IS NOT"
    return f"OLD.{column} {operator} NEW.{column}"


def _closed_row_changed(vendor: str) -> str:
    """SQL that is true when an UPDATE of a version's own row is more than draft → published → retired."""
    texts = " OR ".join(_differ(column, vendor) for column in FIXED)
    times = " OR ".join(_differ(column, vendor) for column in FIXED_ONCE_PUBLISHED)
    steps = (
        "(OLD.state = NEW.state OR (OLD.state = 'draft' AND NEW.state = 'published') "
        "OR (OLD.state = 'published' AND NEW.state = 'retired'))"
    )
    return f"(NOT {steps} OR (OLD.state <> 'draft' AND ({texts} OR {times})))"


def _mixed(guarded: Guarded) -> str:
    """SQL that is true when the new row hangs together with more than one version."""
    owner = guarded.owner.format(row="NEW")
    return " OR ".join(f"{other.format(row='NEW')} <> {owner}" for other in guarded.others) or "1 = 0"


def _refuse(words: str) -> str:
    return f"RAISE EXCEPTION '{words}' USING ERRCODE = '23514';"


def _postgres_guard(name: str, body: str, event: str, table: str, each: str) -> list[str]:
    return [
        f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ DECLARE found text; BEGIN {body} END $$",
        f"CREATE TRIGGER {name} BEFORE {event} ON {table} FOR EACH {each} EXECUTE FUNCTION {name}()",
    ]


def _postgres_table(guarded: Guarded) -> list[str]:
    def check(row: str) -> str:
        version = f"SELECT state INTO found FROM {FRAMEWORK} WHERE id = {guarded.owner.format(row=row)} FOR SHARE;"  # noqa: S608
        return f"{version} IF found IS DISTINCT FROM 'draft' THEN {_refuse(CLOSED)} END IF;"

    body = (
        f"IF TG_OP IN ('UPDATE', 'DELETE') THEN {check('OLD')} END IF; "
        f"IF TG_OP = 'DELETE' THEN RETURN OLD; END IF; {check('NEW')} "
        f"IF {_mixed(guarded)} THEN {_refuse(MIXED)} END IF; RETURN NEW;"
    )
    name = f"{guarded.table}_guard"
    return _postgres_guard(name, body, "INSERT OR UPDATE OR DELETE", guarded.table, "ROW") + _postgres_truncate(
        guarded.table
    )


def _postgres_truncate(table: str) -> list[str]:
    return _postgres_guard(f"{table}_guard_t", _refuse(CLOSED), "TRUNCATE", table, "STATEMENT")


def _postgres_framework() -> list[str]:
    body = (
        f"IF TG_OP = 'DELETE' THEN IF OLD.state = 'draft' THEN RETURN OLD; END IF; "
        f"ELSIF NOT {_closed_row_changed('postgresql')} THEN RETURN NEW; END IF; {_refuse(CLOSED)}"
    )
    name = f"{FRAMEWORK}_guard"
    return _postgres_guard(name, body, "UPDATE OR DELETE", FRAMEWORK, "ROW") + _postgres_truncate(FRAMEWORK)


def _sqlite_table(guarded: Guarded) -> list[str]:
    table = guarded.table

    def closed(row: str) -> str:
        owner = guarded.owner.format(row=row)
        return f"NOT EXISTS (SELECT 1 FROM {FRAMEWORK} WHERE id = {owner} AND state = 'draft')"  # noqa: S608

    def refuse(suffix: str, event: str, when: str, words: str) -> str:
        return (
            f"CREATE TRIGGER {table}_guard_{suffix} BEFORE {event} ON {table} WHEN {when} "
            f"BEGIN SELECT RAISE(ABORT, '{words}'); END"
        )

    return [
        refuse("i", "INSERT", closed("NEW"), CLOSED),
        refuse("u", "UPDATE", f"{closed('OLD')} OR {closed('NEW')}", CLOSED),
        refuse("d", "DELETE", closed("OLD"), CLOSED),
        refuse("mi", "INSERT", _mixed(guarded), MIXED),
        refuse("mu", "UPDATE", _mixed(guarded), MIXED),
    ]


def _sqlite_framework() -> list[str]:
    refuse = f"BEGIN SELECT RAISE(ABORT, '{CLOSED}'); END"
    name = f"{FRAMEWORK}_guard"
    return [
        f"CREATE TRIGGER {name}_u BEFORE UPDATE ON {FRAMEWORK} WHEN {_closed_row_changed('sqlite')} {refuse}",
        f"CREATE TRIGGER {name}_d BEFORE DELETE ON {FRAMEWORK} WHEN OLD.state <> 'draft' {refuse}",
    ]


def create_statements(vendor: str) -> list[str]:
    """SQL that puts every guard in place."""
    if vendor == "postgresql":
        return [*_postgres_framework(), *(sql for guarded in TABLES for sql in _postgres_table(guarded))]
    return [*_sqlite_framework(), *(sql for guarded in TABLES for sql in _sqlite_table(guarded))]


def drop_statements(vendor: str) -> list[str]:
    """SQL that takes every guard away; one that is missing is no error."""
    tables = [FRAMEWORK, *(guarded.table for guarded in TABLES)]
    if vendor == "postgresql":
        return [
            sql
            for table in tables
            for suffix in ("guard", "guard_t")
            for sql in (
                f"DROP TRIGGER IF EXISTS {table}_{suffix} ON {table}",
                f"DROP FUNCTION IF EXISTS {table}_{suffix}()",
            )
        ]
    return [
        f"DROP TRIGGER IF EXISTS {table}_guard_{suffix}" for table in tables for suffix in ("i", "u", "d", "mi", "mu")
    ]


class VersionGuards(Operation):
    """Put the guards in place."""

    reversible = True
    reduces_to_sql = True
    guarded = True

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """No change of models."""

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Create or drop the triggers."""
        self._run(schema_editor, guarded=self.guarded)

    def database_backwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """The reverse."""
        self._run(schema_editor, guarded=not self.guarded)

    def describe(self) -> str:
        """One line for `migrate`."""
        return "Make published versions immutable" if self.guarded else "Lift the guards of published versions"

    def triggers(self, vendor: str) -> tuple[set[str], bool]:
        """Names of the triggers on a database, and whether they stand after this operation."""
        return trigger_names(create_statements(vendor)), self.guarded

    def _run(self, schema_editor: BaseDatabaseSchemaEditor, *, guarded: bool) -> None:
        vendor = schema_editor.connection.vendor
        for statement in create_statements(vendor) if guarded else drop_statements(vendor):
            schema_editor.execute(statement, params=None)


class LiftGuards(VersionGuards):
    """Take the guards away, before a migration that alters these tables; it puts them back at its end."""

    guarded = False
