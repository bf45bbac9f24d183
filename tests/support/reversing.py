"""Every migration of ours taken back and applied again, on the database of the settings."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import dataclass, field

from django.apps import apps
from django.db import connection
from django.db.migrations import Migration
from django.db.migrations.executor import MigrationExecutor

from skillmap.core.backup import guards
from skillmap.core.backup.engine import present_engine
from skillmap.core.backup.reading import TableSum

Node = tuple[str, str]


@dataclass
class Journey:
    """What was seen on the way.

    Args:
        steps: seconds that each took, by `unapply app.name` or `apply app.name`.
        changed: lines of the schema that were not the same at the end.
        lost: tables that were there all the time and whose rows were not the same at the end.
        unguarded: triggers that were missing at the end.
    """

    steps: dict[str, float] = field(default_factory=dict)
    changed: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    unguarded: list[str] = field(default_factory=list)

    def is_round(self) -> bool:
        """Whether all was as before."""
        return not (self.changed or self.lost or self.unguarded)


def ours() -> list[Node]:
    """Our migrations, in the order in which they are applied."""
    labels = {config.label for config in apps.get_app_configs() if config.name.startswith("skillmap.")}
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes(), clean_start=True)
    return [(migration.app_label, migration.name) for migration, _back in plan if migration.app_label in labels]


def back_and_forth(stay: int) -> Journey:
    """Take our migrations back but the first `stay` of each app, then apply all of them; with 0 nothing remains."""
    journey = Journey()
    schema, sums = _schema(), _sums()
    names: dict[str, list[str]] = {}
    for app, name in ours():
        names.setdefault(app, []).append(name)
    # Who stands on others goes first: a target that another one has taken back already would be a step forward again.
    last_first = reversed(names.items())
    _migrate(journey, [(app, given[stay - 1] if stay else None) for app, given in last_first if len(given) > stay])
    stayed = set(_tables())
    _migrate(journey, None)
    after = _sums()
    journey.changed = sorted(set(schema) ^ set(_schema()))
    journey.lost = sorted(table for table in stayed - {"django_migrations"} if after[table] != sums[table])
    with present_engine().reading() as reading:
        journey.unguarded = guards.missing(reading)
    return journey


def _migrate(journey: Journey, targets: list[tuple[str, str | None]] | None) -> None:
    """Go to the targets, or to the end where there are none; the signals of `migrate` are not sent."""
    begun = time.monotonic()

    def note(action: str, migration: Migration | None = None, fake: bool | None = None, /) -> None:
        nonlocal begun
        if action.endswith("_success"):
            journey.steps[f"{action.removesuffix('_success')} {migration}"] = round(time.monotonic() - begun, 2)
        begun = time.monotonic()

    executor = MigrationExecutor(connection, progress_callback=note)
    executor.migrate(executor.loader.graph.leaf_nodes() if targets is None else targets)
    connection.close()


def _schema() -> list[str]:
    connection.close()
    with present_engine().reading() as reading:
        return reading.schema()


def _sums() -> dict[str, TableSum]:
    connection.close()
    with present_engine().reading() as reading:
        return reading.sums()


def _tables() -> list[str]:
    with present_engine().reading() as reading:
        return reading.tables()


def main() -> None:
    """Print both journeys, for the trial on a large world."""
    import django

    django.setup()
    sys.stdout.write(json.dumps([vars(back_and_forth(1)), vars(back_and_forth(0))]))


if __name__ == "__main__":
    main()
