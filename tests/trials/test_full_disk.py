"""The disk is full: what cannot be stored is not acknowledged, and once there is room all goes on by itself."""

from __future__ import annotations

import shutil
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.db import DatabaseError, connection

from skillmap.core.choices import JobState
from skillmap.core.models import Job, StoredFile
from tests.support.crew import Crew, wait_for
from tests.support.trials import Trial
from tests.trials.disks import Answers, Disk, mounted
from tests.trials.works import LONGEST, GapRuns, Imports, undisturbed

# PostgreSQL is another program, with its own answer to a full disk.
pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.services,
    pytest.mark.sqlite,
    pytest.mark.trials,
]
MEGABYTES = 48


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Disk]:
    """A file system in memory (tmpfs) of MEGABYTES."""
    with mounted(tmp_path / "small", megabytes=MEGABYTES) as disk:
        yield disk


@pytest.fixture
def database_there(small_disk: Disk, transactional_db: None) -> Iterator[Disk]:
    """The database under test lies on the small disk, and so do uploaded files."""
    values = connection.settings_dict
    before = dict(values)
    connection.close()
    moved = small_disk.folder / "db.sqlite3"
    subprocess.run(["sqlite3", before["NAME"], f".backup {moved}"], check=False, capture_output=True)
    if not moved.exists():
        shutil.copy(before["NAME"], moved)
    values["NAME"] = str(moved)
    media = Path(settings.MEDIA_ROOT)
    media.mkdir(parents=True, exist_ok=True)
    (small_disk.folder / "files").mkdir()
    subprocess.run(["mount", "--bind", str(small_disk.folder / "files"), str(media)], check=True)
    try:
        yield small_disk
    finally:
        subprocess.run(["umount", "--lazy", str(media)], check=True)
        connection.close()
        values.update(before)


def emptied_log() -> None:
    """Leave no room inside SQLite's log either."""
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def refused(act: Callable[[], object]) -> bool:
    """Whether something cannot be stored, in whatever words."""
    try:
        act()
    except (OSError, DatabaseError):
        connection.close()
        return True
    return False


def test_a_full_disk_loses_nothing_that_was_acknowledged(trial: Trial, database_there: Disk, crew: Crew) -> None:
    crew.worker(concurrency=2)
    crew.beat()
    answers, work, table = Answers(crew), GapRuns(1), Imports(1)
    crew.ready()
    clean, _seconds = undisturbed(work)
    statuses: Counter[int] = Counter()
    ends: Counter[str] = Counter()
    for number in range(10):
        job = work.ask()
        emptied_log()
        database_there.fill()
        statuses[answers.save(number)] += 1
        files = StoredFile.objects.count()
        if refused(table.upload):
            assert StoredFile.objects.count() == files
        database_there.make_room()
        wait_for(lambda: not Job.objects.active().exists(), seconds=LONGEST * 2, what=crew.said)
        job.refresh_from_db()
        ends[job.state] += 1
        assert job.state in (JobState.DEAD, JobState.DONE)
        assert job.state == JobState.DEAD or work.effect(job) == clean
        assert answers.save(number) == 200
        trial.count()
    assert set(statuses) <= {200, 503}, statuses
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA integrity_check")
        assert cursor.fetchone() == ("ok",)
    trial.held(
        disk=f"tmpfs of {MEGABYTES} MB",
        saves_refused=statuses[503],
        saves_stored=statuses[200],
        runs_done=ends[JobState.DONE],
        runs_dead=ends[JobState.DEAD],
    )
