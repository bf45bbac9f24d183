"""Fixtures of trials: what came of one, and the product's own processes beside it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection

from tests.conftest import database_url
from tests.support.crew import Crew
from tests.support.trials import Trial

LEASE, TICK = 2.0, 0.5  # seconds; 60 and 30 in the product


@pytest.fixture
def trial(request: pytest.FixtureRequest) -> Iterator[Trial]:
    """What this test finds out, under its own name and the ids of its parameters but the number of repeats."""
    node = request.node
    name = node.originalname.removeprefix("test_").replace("_", " ")
    parameters = node.callspec.params if hasattr(node, "callspec") else {}
    others = [str(value) for key, value in sorted(parameters.items()) if key != "repeats"]
    found = Trial(f"{name} [{', '.join(others)}]" if others else name, connection.vendor)
    yield found
    found.write()


@pytest.fixture
def broker(request: pytest.FixtureRequest) -> str:
    """An empty broker: Redis beside PostgreSQL, as in a real installation; the demo's folder beside SQLite."""
    if connection.vendor == "postgresql":
        return str(request.getfixturevalue("redis_url"))
    return str(request.getfixturevalue("folder_broker"))


def crew_environment(broker: str, folder: Path) -> dict[str, str]:
    """What the product's processes read: this test's database and broker, short leases."""
    return {
        "DJANGO_SETTINGS_MODULE": "tests.trials.settings",
        "CELERY_BROKER_URL": broker,
        "DATABASE_URL": database_url(),
        "EMAIL_FILE_PATH": str(folder / "mail"),
        "JOB_LEASE_SECONDS": str(LEASE),
        "TICK_SECONDS": str(TICK),
        "LOG_LEVEL": "INFO",
        "VAR_DIR": str(settings.VAR_DIR),
    }


@pytest.fixture
def crew(sent_to_broker: str, tmp_path: Path) -> Iterator[Crew]:
    """Processes of the product on this test's database and broker; all of them end with the test."""
    (tmp_path / "mail").mkdir()
    with_test = Crew(environment=crew_environment(sent_to_broker, tmp_path), logs=tmp_path)
    try:
        yield with_test
    finally:
        with_test.end()
