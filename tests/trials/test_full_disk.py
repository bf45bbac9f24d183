"""The disk is full: what cannot be stored is not acknowledged, and once there is room all goes on by itself."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.db import DatabaseError, connection
from django.urls import reverse

from skillmap.assessment.models import SkillRating
from skillmap.core.choices import JobState
from skillmap.core.models import Job, StoredFile
from tests.factories.assessment import make_cycle
from tests.support.browsing import Browser
from tests.support.crew import Crew, wait_for
from tests.support.trials import Trial
from tests.trials.works import LONGEST, GapRuns, Imports, undisturbed

# PostgreSQL is another program, with its own answer to a full disk.
pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.services,
    pytest.mark.sqlite,
    pytest.mark.trials,
]
MEGABYTES = 48


class Disk:
    """A small file system, and a file that fills it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.ballast = folder, folder / "ballast"

    def fill(self) -> None:
        """Leave no room at all, neither inside SQLite's log nor beside it."""
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        with self.ballast.open("wb", buffering=0) as sink:
            block = b"x" * 4096
            try:
                while True:
                    sink.write(block)
            except OSError:
                return

    def make_room(self) -> None:
        """Give it back."""
        self.ballast.unlink()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Disk]:
    """A file system in memory (tmpfs) of MEGABYTES."""
    folder = tmp_path / "small"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={MEGABYTES}m", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("MISSING: no small file system may be mounted here; the full disk is not tried")
    try:
        yield Disk(folder)
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


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


def refused(act: Callable[[], object]) -> bool:
    """Whether something cannot be stored, in whatever words."""
    try:
        act()
    except (OSError, DatabaseError):
        connection.close()
        return True
    return False


class Answers:
    """A person who saves answers, one after the other."""

    def __init__(self, crew: Crew) -> None:
        world = make_cycle(people=1, items=6, stages=("untouched",), last_levels=False)
        self.check, self.skills = world.check("untouched"), world.skills
        self.browser = Browser(world.user("untouched"), crew.web(workers=2, threads=4)).sign_in()

    def save(self, number: int) -> int:
        """Save one; the answer's status. It is stored where it is acknowledged, and only there."""
        skill = self.skills[number % len(self.skills)]
        row = SkillRating.objects.filter(assessment=self.check, skill=skill)
        before = row.get().version
        url = reverse("assessment:check_item", args=[self.check.pk, skill.code])
        answer = self.browser.send(url, {"version": before, "level": number % 4})
        assert (row.get().version > before) == (answer.status == 200)
        return answer.status


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
