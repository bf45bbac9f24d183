"""A small file system to be filled, and a person who saves meanwhile."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.urls import reverse

from skillmap.assessment.models import SkillRating
from tests.factories.assessment import make_cycle
from tests.support.browsing import Browser
from tests.support.crew import Crew


class Disk:
    """A small file system, and a file that fills it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.ballast = folder, folder / "ballast"

    def fill(self) -> None:
        """Leave no room at all."""
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


@contextmanager
def mounted(folder: Path, *, megabytes: int) -> Iterator[Disk]:
    """A file system in memory (tmpfs) of this size; where none may be mounted, the test is skipped, loudly."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("MISSING: no small file system may be mounted here; the full disk is not tried")
    try:
        folder.chmod(0o777)
        yield Disk(folder)
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


class Answers:
    """A person who saves answers, one after the other, and knows what was acknowledged."""

    def __init__(self, crew: Crew) -> None:
        world = make_cycle(people=1, items=6, stages=("untouched",), last_levels=False)
        self.check, self.codes = world.check("untouched"), [skill.code for skill in world.skills]
        self.browser = Browser(world.user("untouched"), crew.web(workers=2, threads=4)).sign_in()
        self.acknowledged = self._stored()

    def _stored(self) -> dict[str, int]:
        rows = SkillRating.objects.filter(assessment=self.check)
        return dict(rows.values_list("skill__code", "version"))

    def send(self, number: int) -> int:
        """Save one; the answer's status. Nothing is asked of the database here."""
        code = self.codes[number % len(self.codes)]
        version = self.acknowledged[code]
        url = reverse("assessment:check_item", args=[self.check.pk, code])
        answer = self.browser.send(url, {"version": version, "level": version % 4})
        if answer.status == 200:
            self.acknowledged[code] = answer.json()["version"]
        return answer.status

    def in_doubt(self) -> int:
        """How many were stored though they were refused; every acknowledged one must be there."""
        stored = self._stored()
        lost = {code: version for code, version in self.acknowledged.items() if stored[code] < version}
        assert not lost, f"acknowledged {lost}, stored {stored}"
        more = sum(stored[code] - version for code, version in self.acknowledged.items())
        self.acknowledged = stored
        return more

    def save(self, number: int) -> int:
        """The same where the database can be asked: what is refused is not stored."""
        status = self.send(number)
        assert self.in_doubt() == 0
        return status
