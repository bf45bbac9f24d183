"""The disk under PostgreSQL or Redis is full: nothing acknowledged is lost, and with room all goes on."""

from __future__ import annotations

import signal
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import redis
from django.db import DatabaseError, connection

from skillmap.core.choices import JobState
from skillmap.core.models import Job
from tests.support import services
from tests.support.crew import Crew, wait_for
from tests.support.services import Server
from tests.support.trials import Trial
from tests.trials.conftest import connected_to_its_own
from tests.trials.disks import Answers, Disk, mounted
from tests.trials.works import LONGEST, GapRuns, undisturbed

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.services,
    pytest.mark.postgres,
    pytest.mark.trials,
]
REPEATS = 20


@pytest.fixture
def small_disk(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Disk]:
    """A file system in memory, in which the folders of servers are made."""
    place = Path(tempfile.mkdtemp(prefix="skillmap-disk-"))
    place.chmod(0o755)
    with mounted(place / "small", megabytes=request.param) as disk:
        monkeypatch.setattr(tempfile, "tempdir", str(disk.folder))
        yield disk


@pytest.fixture
def postgres_there(small_disk: Disk, transactional_db: None) -> Iterator[Server]:
    """A PostgreSQL whose data lie on the small disk, with the tables of the one under test."""
    with connected_to_its_own() as server:
        yield server


@pytest.fixture
def redis_there(small_disk: Disk) -> Iterator[Server]:
    """A Redis whose file lies on the small disk."""
    with services.redis_server(lasting=True) as server:
        yield server


def exhaust(number: int) -> None:
    """Write until nothing more can be written: into a table, or into the log alone, which ends PostgreSQL."""
    into_table = "INSERT INTO filler SELECT md5(random()::text) || md5(random()::text) FROM generate_series(1, 200000)"
    into_log = "SELECT pg_logical_emit_message(false, 'filler', repeat('x', 4000000))"
    with suppress(DatabaseError), connection.cursor() as cursor:
        while True:
            cursor.execute(into_log if number % 2 else into_table)
    connection.close()


def has_room(server: Server) -> None:
    """What an operator does: where it has ended itself, it is started again."""
    if server.process is not None and server.process.poll() is not None:
        server.start(parent_died=signal.SIGQUIT)


def answers_again() -> bool:
    """Whether the database takes a connection."""
    try:
        connection.close()
        return not Job.objects.active().exists()
    except DatabaseError:
        return False


@pytest.mark.parametrize("small_disk", [420], indirect=True)
def test_a_full_disk_under_postgres_loses_nothing_that_was_acknowledged(
    trial: Trial, small_disk: Disk, postgres_there: Server, crew: Crew
) -> None:
    crew.worker(concurrency=2)
    crew.beat()
    answers, work = Answers(crew), GapRuns(1)
    crew.ready()
    clean, _seconds = undisturbed(work)
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE filler (text text)")
    statuses: Counter[int] = Counter()
    ends: Counter[str] = Counter()
    restarts = in_doubt = 0
    while trial.tried < REPEATS:
        job = work.ask()
        small_disk.fill()
        exhaust(trial.tried)
        statuses.update(answers.send(number) for number in range(6))
        small_disk.make_room()
        restarts += postgres_there.process is not None and postgres_there.process.poll() is not None
        has_room(postgres_there)
        wait_for(answers_again, seconds=LONGEST * 2, what=crew.said)
        in_doubt += answers.in_doubt()
        with connection.cursor() as cursor:
            cursor.execute("TRUNCATE filler")
        job.refresh_from_db()
        ends[job.state] += 1
        assert job.state in (JobState.DEAD, JobState.DONE)
        assert job.state == JobState.DEAD or work.effect(job) == clean
        assert answers.send(0) == 200
        assert crew.ended() == [], "nobody has to start them anew"
        trial.count()
    assert set(statuses) <= {200, 503}, statuses
    trial.held(
        disk="tmpfs of 420 MB",
        saves_refused=statuses[503],
        saves_stored=statuses[200],
        refused_and_yet_stored=in_doubt,
        runs_done=ends[JobState.DONE],
        runs_dead=ends[JobState.DEAD],
        ended_itself=restarts,
    )


def refuses(server: Server) -> bool:
    """Whether Redis has noticed that it cannot write."""
    with redis.Redis.from_url(server.url) as client:
        try:
            client.set("noticed", "x" * 4096)
        except redis.RedisError:
            return True
    return False


@pytest.mark.parametrize("small_disk", [16], indirect=True)
def test_a_full_disk_under_redis_stops_no_page_and_loses_no_work(
    trial: Trial, small_disk: Disk, redis_there: Server, crew: Crew
) -> None:
    crew.environment |= {"CELERY_BROKER_URL": redis_there.url, "REDIS_URL": redis_there.url}
    crew.worker(concurrency=2)
    crew.beat()
    answers, work = Answers(crew), GapRuns(1)
    crew.ready()
    clean, _seconds = undisturbed(work)
    while trial.tried < REPEATS:
        small_disk.fill()
        wait_for(lambda: refuses(redis_there), seconds=LONGEST, what="a Redis that refuses")
        job = work.ask()
        assert {answers.send(number) for number in range(6)} == {200}, "pages do without it"
        small_disk.make_room()
        has_room(redis_there)
        wait_for(lambda: not Job.objects.active().exists(), seconds=LONGEST * 2, what=crew.said)
        assert answers.in_doubt() == 0
        job.refresh_from_db()
        assert (job.state, work.effect(job)) == (JobState.DONE, clean)
        assert crew.ended() == [], "nobody has to start them anew"
        trial.count()
    trial.held(disk="tmpfs of 16 MB", saves_stored=6 * REPEATS, runs_done=REPEATS)
