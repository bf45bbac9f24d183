"""What must hold in every database of ours: its migrations, its triggers, the end of its audit chain."""

from typing import Any

from django.db import connection
from django.db.migrations.loader import MigrationLoader

from skillmap.core.backup.reading import Reading


def applied(reading: Reading) -> tuple[str, ...]:
    """`app.name` of the migrations that were applied, in order."""
    return tuple(f"{app}.{name}" for app, name in reading.query("SELECT app, name FROM django_migrations ORDER BY id"))


def known() -> set[str]:
    """`app.name` of the migrations that this version brings."""
    loader = MigrationLoader(None, ignore_no_migrations=True)
    return {f"{app}.{name}" for app, name in loader.disk_migrations}


def audit_end(reading: Reading) -> dict[str, Any]:
    """How many lines are sealed, and the digest at the end of the chain."""
    ((count,),) = reading.query("SELECT count(*) FROM core_auditseal")
    last = reading.query("SELECT digest FROM core_auditseal ORDER BY event_id DESC LIMIT 1")
    return {"sealed": count, "head": last[0][0] if last else ""}


def missing(reading: Reading) -> list[str]:
    """Triggers that the applied migrations put in place and that are not there, or do not fire."""
    return sorted(wanted(set(applied(reading))) - reading.triggers())


def wanted(migrations: set[str]) -> set[str]:
    """Triggers that stand once these migrations are applied.

    An operation that makes or lifts some says so by `triggers(vendor)`: their names, and whether they stand after it.
    """
    graph = MigrationLoader(None, ignore_no_migrations=True).graph
    ordered = dict.fromkeys(node for leaf in graph.leaf_nodes() for node in graph.forwards_plan(leaf))
    names: set[str] = set()
    for app, name in ordered:
        if f"{app}.{name}" not in migrations:
            continue
        for operation in graph.nodes[app, name].operations:
            if hasattr(operation, "triggers"):
                these, stand = operation.triggers(connection.vendor)
                names = names | these if stand else names - these
    return names
