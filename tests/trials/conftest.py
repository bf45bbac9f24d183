"""Fixtures of trials: what came of one, and the product's own processes beside it."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.db import connection

from tests.conftest import database_url, unavailable
from tests.support import services
from tests.support.crew import Crew
from tests.support.trials import Trial

LEASE = 2.0  # seconds; 60 in the product
#: Seconds; 30 in the product. A worker looks into an empty folder once a second.
TICK = {"redis": 0.5, "filesystem": 4.0}


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
        "TICK_SECONDS": str(TICK[broker.partition("://")[0]]),
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
        with_test.end(grace=0)


@pytest.fixture
def own_redis() -> Iterator[services.Server]:
    """A Redis of this test alone, to be killed and frozen."""
    try:
        with services.redis_server() as server:
            yield server
    except services.MissingServiceError as error:
        unavailable(error)


@pytest.fixture
def own_postgres(transactional_db: None) -> Iterator[services.Server]:
    """A PostgreSQL of this test alone, with the tables of the one under test; this process is connected to it."""
    with connected_to_its_own() as server:
        yield server


@contextmanager
def connected_to_its_own() -> Iterator[services.Server]:
    """See `own_postgres`."""
    with services.postgres_server(lasting=True) as server:
        _copy_tables(server)
        values = connection.settings_dict
        before = dict(values)
        address = urlsplit(server.url)
        connection.close()
        values.update(HOST=address.hostname, PORT=address.port, NAME=address.path.strip("/"))
        try:
            yield server
        finally:
            if server.process is not None:
                server.thaw()
            connection.close()
            values.update(before)


def _copy_tables(server: services.Server) -> None:
    programs = services.find_postgres()
    assert programs is not None
    dumped = subprocess.run([programs / "pg_dump", "--no-owner", database_url()], capture_output=True, check=True)
    quietly = ["--quiet", "--set", "ON_ERROR_STOP=1", "--output", "/dev/null"]
    command = [str(programs / "psql"), *quietly, server.url]
    subprocess.run(command, input=dumped.stdout, check=True)
