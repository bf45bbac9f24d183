"""Fixtures for all tests: the database's guards, private servers, a real worker process."""

from __future__ import annotations

import gc
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import hypothesis
import pytest
from django.conf import settings
from django.db import connection, transaction
from django.test import Client, SimpleTestCase, TransactionTestCase
from pytest_django import DjangoDbBlocker

from tests.support import api_document, lanes, services
from tests.support.append_only import guards_lifted
from tests.support.ground import Ground

ROOT = Path(__file__).resolve().parent.parent


# A run makes millions of short-lived objects; looking through the old ones each time is a tenth of it.
gc.set_threshold(50_000, 20, 50)
# How long an example takes says how busy the machine is, not whether it holds.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")


def asks_database(item: pytest.Item) -> bool:
    """Whether a test may touch the database under test: by its mark, its fixtures, or as one of Django's test cases."""
    case = getattr(item, "cls", None)
    return (
        item.get_closest_marker("django_db") is not None
        or bool({"db", "transactional_db"} & set(getattr(item, "fixturenames", ())))
        or (isinstance(case, type) and issubclass(case, SimpleTestCase))
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what another lane runs, and what the database under test cannot answer."""
    lane, once = os.environ.get(lanes.LANE, ""), os.environ.get(lanes.ONCE, "")
    early = os.environ.get(lanes.EARLY, "sqlite")
    postgres = connection.vendor == "postgresql"
    keep: list[pytest.Item] = []
    drop: list[pytest.Item] = []
    for item in items:
        markers = {marker.name for marker in item.iter_markers()}
        wanted = lanes.wanted(
            lane,
            markers,
            postgres=postgres,
            database=asks_database(item),
            once=once,
            early=early,
            trials=lanes.TRIALS in os.environ,
        )
        (keep if wanted else drop).append(item)
    if drop:
        config.hook.pytest_deselected(items=drop)
    items[:] = sorted(keep, key=lambda item: "browser" in item.keywords)  # nothing else can run after those


def pytest_report_header() -> str:
    """Name the database under test."""
    return f"database: {connection.vendor}"


@pytest.fixture(scope="session", autouse=True)
def _flush_past_the_guards() -> Iterator[None]:
    """A transactional test ends with a flush, which append-only tables refuse; there alone they must not."""
    name = "_fixture_teardown"  # Django's own, and without a type
    original: Callable[[TransactionTestCase], None] = getattr(TransactionTestCase, name)

    def flush(case: TransactionTestCase) -> None:
        with guards_lifted(connection):
            original(case)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, name, flush)
        yield


@pytest.fixture(scope="session", autouse=True)
def _answers_are_as_documented() -> Iterator[None]:
    """Whatever a test asks of the API is held against the API's document."""
    original = Client.generic

    def generic(client: Client, method: str, path: str, *args: Any, **kwargs: Any) -> Any:
        response: Any = original(client, method, path, *args, **kwargs)
        api_document.check(method, path, response)
        return response

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Client, "generic", generic)
        yield


@pytest.fixture(scope="module")
def ground(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Ground]:
    """What all tests of a module start from is stored once: `with ground(): ...` in a fixture of the module, autouse.

    What a test changes is taken back after it, the ground itself at the module's end. A test must not change the
    objects: give it copies (`deepcopy`). No test of such a module is transactional.
    """
    laid = False

    @contextmanager
    def lay() -> Iterator[None]:
        nonlocal laid
        assert not laid, "A second ground would be there for some tests of the module and not for others."
        laid = True
        with django_db_blocker.unblock():
            yield

    with django_db_blocker.unblock():
        outer = transaction.atomic()
        outer._from_testcase = True  # type: ignore[attr-defined]  # as TestCase's own: durable blocks may stand inside
        outer.__enter__()
    yield lay
    with django_db_blocker.unblock():
        transaction.set_rollback(True)
        outer.__exit__(None, None, None)


def unavailable(error: services.MissingServiceError) -> NoReturn:
    """A missing server is an error in CI, and named loudly elsewhere."""
    if os.environ.get("CI") == "true":
        pytest.fail(str(error), pytrace=False)
    pytest.skip(f"MISSING: {error}")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """Address of a private PostgreSQL's maintenance database, as a superuser."""
    if url := os.environ.get(lanes.POSTGRES_URL):
        yield url
        return
    try:
        with services.postgres() as url:
            yield url
    except services.MissingServiceError as error:
        unavailable(error)


@pytest.fixture(scope="session")
def redis_server() -> Iterator[str]:
    """Address of a private Redis database that no other lane uses."""
    if url := os.environ.get(lanes.REDIS_URL):
        lane = os.environ.get(lanes.LANE, "")
        number = 1 + lanes.LANES.index(lane) if lane in lanes.LANES else 0
        yield f"{url.rpartition('/')[0]}/{number}"
        return
    try:
        with services.redis() as url:
            yield url
    except services.MissingServiceError as error:
        unavailable(error)


@pytest.fixture
def redis_url(redis_server: str) -> str:
    """Address of an empty Redis database."""
    import redis

    with redis.Redis.from_url(redis_server) as client:
        client.flushdb()
    return redis_server


@pytest.fixture
def broker(request: pytest.FixtureRequest) -> str:
    """Address of an empty broker: the demo's folder, or Redis where a test is parametrized with it.

    @pytest.mark.parametrize("broker", ["filesystem", "redis"], indirect=True)
    """
    name = "redis_url" if getattr(request, "param", "filesystem") == "redis" else "folder_broker"
    return str(request.getfixturevalue(name))


@pytest.fixture
def folder_broker() -> str:
    """The demo's broker, empty."""
    for folder in ("messages", "control"):
        shutil.rmtree(settings.CELERY_BROKER_DIR / folder, ignore_errors=True)
        (settings.CELERY_BROKER_DIR / folder).mkdir(parents=True)
    return "filesystem://"


def database_url() -> str:
    """Address of the database under test, for another process."""
    values = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{values['NAME']}"
    return f"postgres://{values['USER']}@{values['HOST']}:{values['PORT']}/{values['NAME']}"


@pytest.fixture
def sent_to_broker(transactional_db: None, broker: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """What this test sends through the application reaches the broker; its address.

    The test's rows are committed, so that other processes see them.
    """
    use_broker(broker, monkeypatch)
    return broker


def use_broker(broker: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Point the application of this process at a broker until the test ends."""
    from skillmap.config.celery import app

    folder = settings.CELERY_BROKER_DIR
    options = {
        "data_folder_in": str(folder / "messages"),
        "data_folder_out": str(folder / "messages"),
        "control_folder": str(folder / "control"),
    }
    monkeypatch.setitem(app.conf, "broker_url", broker)
    monkeypatch.setitem(app.conf, "broker_transport_options", options if broker.startswith("filesystem") else {})
    monkeypatch.setitem(app.conf, "task_always_eager", False)
    # Connections of earlier tests lead to another broker.
    monkeypatch.setattr(app, "_pool", None)
    monkeypatch.setattr(app.amqp, "_producer_pool", None)


@pytest.fixture
def celery_worker_process(sent_to_broker: str, tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A real worker process on the test database; what this test sends through the application reaches it.

    The worker's log is `tmp_path / "worker.log"`.
    """
    environment = {
        "DJANGO_SETTINGS_MODULE": "skillmap.config.settings.test",
        "CELERY_BROKER_URL": sent_to_broker,
        "DATABASE_URL": database_url(),
        "LOG_LEVEL": "INFO",
        "VAR_DIR": str(settings.VAR_DIR),
    }
    log = tmp_path / "worker.log"
    with services.celery_worker(environment, log=log, root=ROOT, python=sys.executable) as process:
        yield process
