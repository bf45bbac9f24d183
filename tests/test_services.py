"""The servers that the suite starts are real, and its guards come back."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import psycopg2
import pytest
import redis
from django.db import DatabaseError, connection, transaction

from skillmap.config.celery import app
from tests.support.append_only import guards_lifted
from tests.support.lanes import wanted


def wait_for(text: str, log: Path, seconds: float = 20) -> None:
    """Wait until `text` stands in the log; fail with the log where it does not."""
    deadline = time.monotonic() + seconds
    while text not in log.read_text(errors="replace"):
        assert time.monotonic() < deadline, log.read_text(errors="replace")[-3000:]
        time.sleep(0.05)


@pytest.mark.services
def test_postgres_answers(postgres_server: str) -> None:
    with psycopg2.connect(postgres_server) as link, link.cursor() as cursor:
        cursor.execute("SHOW fsync")
        assert cursor.fetchone() == ("off",)


@pytest.mark.services
def test_redis_is_empty_for_each_test(redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        assert client.dbsize() == 0
        assert client.set("left", "over")


@pytest.mark.services
@pytest.mark.parametrize("broker", ["filesystem", "redis"], indirect=True)
def test_worker_process_takes_a_task(
    celery_worker_process: subprocess.Popen[bytes], broker: str, tmp_path: Path
) -> None:
    app.send_task("skillmap.core.tasks.tick")
    wait_for("succeeded", tmp_path / "worker.log")
    assert celery_worker_process.poll() is None


@pytest.mark.django_db
def test_guards_are_lifted_inside_the_block_only() -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE guarded (id integer)")
        if connection.vendor == "postgresql":
            cursor.execute(
                "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'kept'; END $$"
            )
            cursor.execute("CREATE TRIGGER guard BEFORE DELETE ON guarded EXECUTE FUNCTION refuse()")
        else:
            cursor.execute("CREATE TRIGGER guard BEFORE DELETE ON guarded BEGIN SELECT RAISE(ABORT, 'kept'); END")
        cursor.execute("INSERT INTO guarded VALUES (1), (2)")

        with guards_lifted(connection):
            cursor.execute("DELETE FROM guarded WHERE id = 1")
            assert cursor.rowcount == 1

        with pytest.raises(DatabaseError, match="kept"), transaction.atomic():
            cursor.execute("DELETE FROM guarded WHERE id = 2")


@pytest.mark.parametrize(
    ("lane", "markers", "postgres", "expected"),
    [
        ("", set(), False, True),
        ("", {"browser"}, False, True),
        ("", {"postgres"}, False, False),
        ("", {"sqlite"}, True, False),
        ("sqlite", set(), False, True),
        ("sqlite", {"browser"}, False, False),
        ("sqlite", {"sqlite"}, False, True),
        ("postgres", {"postgres"}, True, True),
        ("postgres", {"sqlite"}, True, False),
        ("postgres", {"browser", "postgres"}, True, False),
        ("browser", {"browser"}, False, True),
        ("browser", set(), False, False),
    ],
)
def test_every_test_has_its_lane(lane: str, markers: set[str], postgres: bool, expected: bool) -> None:
    assert wanted(lane, markers, postgres=postgres) is expected


@pytest.mark.parametrize(
    ("lane", "early", "postgres", "expected"),
    [
        ("browser", "browser", False, True),
        ("sqlite", "browser", False, False),
        ("postgres", "browser", True, False),
        ("sqlite", "sqlite", False, True),
        ("browser", "sqlite", False, False),
        ("", "sqlite", False, True),
        ("", "sqlite", True, False),
    ],
)
def test_early_ones_run_on_sqlite_in_one_lane(lane: str, early: str, postgres: bool, expected: bool) -> None:
    assert wanted(lane, {"early"}, postgres=postgres, early=early) is expected


def test_trials_run_alone_or_not_at_all() -> None:
    for lane in ("", "sqlite"):
        assert not wanted(lane, {"trials"}, postgres=False)
        assert wanted(lane, {"trials"}, postgres=False, trials=True)
        assert not wanted(lane, set(), postgres=False, trials=True)
    assert not wanted("sqlite", {"trials", "postgres"}, postgres=False, trials=True)


@pytest.mark.parametrize(
    ("lane", "markers", "once", "expected"),
    [
        ("sqlite", set(), "postgres", False),
        ("postgres", set(), "postgres", True),
        ("sqlite", set(), "sqlite", True),
        ("sqlite", set(), "", True),
        ("sqlite", {"sqlite"}, "postgres", True),
        ("browser", {"browser"}, "postgres", True),
        ("browser", set(), "postgres", False),
        ("", set(), "postgres", True),
    ],
)
def test_what_asks_no_database_runs_once(lane: str, markers: set[str], once: str, expected: bool) -> None:
    assert wanted(lane, markers, postgres=lane == "postgres", database=False, once=once) is expected
