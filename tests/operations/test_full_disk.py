"""A disk that is full: said clearly, nothing half stored. A file system of 256 KB where one may be mounted."""

from __future__ import annotations

import errno
import shutil
import subprocess
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError
from django.test import Client
from django.urls import reverse

from skillmap.core import clock, files
from skillmap.core.models import ImportBatch, Job, StoredFile
from skillmap.people.models import User
from tests.factories.assessment import make_cycle
from tests.support.signing_in import english, signed_in

pytestmark = pytest.mark.django_db
BIG = b"x" * 300_000


@pytest.fixture
def client() -> Client:
    """The secretariat's."""
    return english(signed_in(make_cycle(items=4).secretariat, Client(raise_request_exception=False)))


@pytest.fixture
def small_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A disk with less room than the upload takes; where none may be mounted, a file that refuses to grow."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(folder)]
    if shutil.which("mount") and subprocess.run(mount, capture_output=True, check=False).returncode == 0:
        yield folder
        subprocess.run(["umount", "--lazy", folder], check=True)
        return
    monkeypatch.setattr(files, "_copy", _full)
    yield folder


def _full(_chunks: object, target: Path) -> object:
    target.write_bytes(b"half")
    raise OSError(errno.ENOSPC, "No space left on device")


def left(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def stored() -> int:
    return (
        StoredFile.objects.count()
        + ImportBatch.objects.count()
        + Job.objects.filter(kind__startswith="core.imp").count()
    )


def upload(client: Client, contents: bytes = BIG) -> Any:
    form = {"file": SimpleUploadedFile("people.csv", contents), "effective_on": clock.today().isoformat()}
    return client.post(reverse("people:import"), form)


@pytest.mark.sqlite
def test_an_upload_that_finds_no_room_says_so_and_leaves_nothing(
    client: Client, small_disk: Path, settings: Any
) -> None:
    settings.MEDIA_ROOT = small_disk
    answer = upload(client)
    assert answer.status_code == 422
    assert "There is no room left to store this file. Nothing was stored." in answer.content.decode()
    assert left(small_disk) == []
    assert stored() == 0


@pytest.mark.sqlite
def test_a_disk_that_is_nearly_full_takes_no_uploads(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    total = 100 * 1024**3
    room = SimpleNamespace(total=total, used=int(total * 0.96), free=files.KEPT_FREE - 1)
    monkeypatch.setattr("skillmap.core.files.shutil.disk_usage", lambda _folder: room)
    assert "There is no room left" in upload(client, b"x").content.decode()
    assert stored() == 0
    room.free = files.KEPT_FREE  # of a large disk the rest is room enough
    assert upload(client, b"x").status_code == 302


@pytest.mark.sqlite
def test_an_upload_that_no_temporary_file_can_hold_is_answered_in_words(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full(BytesIO):
        def write(self, *_values: object) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("django.core.files.uploadedfile.tempfile.NamedTemporaryFile", lambda **_values: Full())
    answer = upload(client)
    assert answer.status_code == 507
    assert "空き容量が足りません" in answer.content.decode() or "There is no room left" in answer.content.decode()
    assert stored() == 0


@pytest.mark.sqlite
def test_a_file_whose_row_can_not_be_written_is_not_kept(settings: Any, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path
    nobody = User()
    with pytest.raises(IntegrityError):
        files.keep(SimpleUploadedFile("a", b"x"), owner=nobody, kind="kind")
    assert left(tmp_path) == []
