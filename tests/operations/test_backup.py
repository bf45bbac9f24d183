"""A backup is whole or not there; a restore is proven or undone. On the database under test itself."""

from __future__ import annotations

import json
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib.sessions.models import Session
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from django.test import Client

from skillmap.core import audit, clock, files
from skillmap.core.backup import guards, proving
from skillmap.core.backup.engine import is_broken_off, present_engine
from skillmap.core.backup.errors import BackupError
from skillmap.core.backup.manifest import Manifest
from skillmap.core.backup.reading import TableSum
from skillmap.core.backup.uploads import Uploads
from skillmap.core.models import AuditEvent, Job, PeriodicSlot, StoredFile
from skillmap.people.adapters import MfaAdapter
from skillmap.people.models import ApiToken, User
from tests.factories.people import UserFactory
from tests.support.append_only import guards_lifted

pytestmark = pytest.mark.django_db(transaction=True)
DSN = ("dbname", "user", "password", "host", "port")
CONTENTS = "番号,氏名\n1,髙橋\n".encode()


@pytest.fixture
def media(tmp_path: Path, settings: Any) -> Path:
    """A folder of uploads of this test's own."""
    settings.MEDIA_ROOT = tmp_path / "var" / "files"
    settings.MEDIA_ROOT.mkdir(parents=True)
    return Path(settings.MEDIA_ROOT)


@pytest.fixture
def person(media: Path) -> User:
    """Somebody with a session, a second factor, an upload, and lines in the audit trail, some of them sealed."""
    UserFactory.create()  # signs in without a second factor
    user = UserFactory.create(name="髙﨑 𠮷\\n\t'\"")
    with transaction.atomic():
        audit.record_many(audit.build(verb="thing.done", actor=user, number=number) for number in range(30))
    audit.seal()
    with transaction.atomic():
        audit.record(verb="later", actor=None)
    Client().force_login(user)
    secret = MfaAdapter().encrypt("JBSWY3DPEHPK3PXP")
    Authenticator.objects.create(user=user, type=Authenticator.Type.TOTP, data={"secret": secret})
    ApiToken.objects.create(
        user=user, name="t", prefix="dsm_1", digest="0" * 64, purpose="support",
        expires_at=clock.now() + timedelta(days=9),
    )  # fmt: skip
    files.keep(SimpleUploadedFile("a.csv", CONTENTS), owner=user, kind="imports")
    return user


@pytest.fixture
def folder(person: User, tmp_path: Path) -> Path:
    """A backup of that."""
    call_command("backup", str(tmp_path / "backup"))
    return tmp_path / "backup"


def sums() -> dict[str, TableSum]:
    """What the database holds."""
    connection.close()
    with present_engine().reading() as reading:
        return reading.sums()


def uploads() -> dict[str, bytes]:
    root = Path(settings.MEDIA_ROOT)
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_what_was_backed_up_comes_back_proven_and_nobody_stays_signed_in(
    person: User, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before, kept = sums(), uploads()
    manifest = Manifest.read(folder)
    assert manifest.tables == before
    assert kept and list(kept.values()) == [CONTENTS]
    # Afterwards more happens, and uploads go.
    User.objects.filter(pk=person.pk).update(name="someone else")
    Job.objects.create(kind="later")
    shutil.rmtree(settings.MEDIA_ROOT)

    call_command("restore", str(folder), overwrite=True)

    after = sums()
    changed = {name for name, each in after.items() if each != before[name]}
    assert changed == {"django_session", "people_apitoken", "core_auditevent"}
    assert uploads() == kept
    assert User.objects.get(pk=person.pk).name == person.name
    assert not Session.objects.exists()
    assert not ApiToken.objects.filter(revoked_at=None).exists()
    assert AuditEvent.objects.latest("pk").verb == "backup.restore"
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        AuditEvent.objects.filter(verb="later").update(verb="never")
    said = capsys.readouterr().out
    for words in ("is replaced, as you said", f"{len(before)} tables", "30 lines sealed",
                  "1 sessions were ended", "1 API tokens were revoked", "1 second factors can be read"):  # fmt: skip
        assert words in said
    assert not list(Path(settings.MEDIA_ROOT).parent.glob("*restor*"))


def test_a_drill_restores_elsewhere_signs_in_and_leaves_nothing(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sums()
    call_command("restore_drill", str(folder))
    said = capsys.readouterr().out
    for words in ("The database was empty", "checksums of all", "Somebody signed in", "pages opened", "Drill passed"):
        assert words in said
    assert sums() == before
    with pytest.raises(CommandError, match="no scratch database"):
        call_command("restore_drill", str(folder), inside=True)


def refused(folder: Path, **options: bool) -> str:
    """What a restore says that does not take place."""
    with pytest.raises(CommandError) as refusal:
        call_command("restore", str(folder), **options)
    return str(refusal.value)


def _flip(path: Path) -> None:
    contents = bytearray(path.read_bytes())
    contents[len(contents) // 2] ^= 1
    path.write_bytes(contents)


def _edit(folder: Path, **values: object) -> None:
    path = folder / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def _cut(folder: Path) -> None:
    path = folder / "manifest.json"
    path.write_text(path.read_text()[:-40])


TAMPERING: dict[str, Callable[[Path], object]] = {
    "its checksum is another one": lambda folder: _flip(next(folder.glob("database.*"))),
    "files/imports": lambda folder: _flip(next((folder / "files").rglob("*/*"))),
    "do not belong to the backup: added": lambda folder: (folder / "added").touch(),
    "are missing: schema.txt": lambda folder: (folder / "schema.txt").unlink(),
    "its seal does not fit": lambda folder: _edit(folder, audit={"sealed": 0, "head": ""}),
    "of format 2": lambda folder: _edit(folder, format=2),
    "can't be read": _cut,
    "holds no manifest.json": lambda folder: (folder / "manifest.json").unlink(),
}


def test_a_backup_that_is_not_as_it_was_made_touches_nothing(folder: Path, tmp_path: Path) -> None:
    before, kept = sums(), uploads()
    for number, (words, tamper) in enumerate(TAMPERING.items()):
        other = tmp_path / f"tampered{number}"
        shutil.copytree(folder, other)
        tamper(other)
        assert words in refused(other, overwrite=True)
    assert "The database is not empty" in refused(folder)
    assert (sums(), uploads()) == (before, kept)


def test_whatever_goes_wrong_on_the_way_the_database_is_as_it_was(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Job.objects.create(kind="later")
    (Path(settings.MEDIA_ROOT) / "imports" / "later").touch()
    before, kept = sums(), uploads()

    def is_as_it_was() -> bool:
        return (sums(), uploads()) == (before, kept)

    with monkeypatch.context() as patch:  # the very last step
        patch.setattr(audit, "record", lambda **_values: Job.objects.get(kind="nowhere"))
        with pytest.raises(Job.DoesNotExist):
            call_command("restore", str(folder), overwrite=True)
    assert is_as_it_was()
    with monkeypatch.context() as patch:  # a table that did not come back as it was
        patch.setattr(audit, "verify", _break_off)
        assert "counts differ" in refused(folder, overwrite=True)
    assert is_as_it_was()
    assert "as they were before" in capsys.readouterr().out

    # Killed in the middle: nothing was put back. The next restore does so first, and goes no further unasked.
    engine = present_engine()
    connection.close()
    Uploads().set_aside()
    engine.set_aside()
    assert "The database is not empty" in refused(folder)
    assert "had been interrupted" in capsys.readouterr().out
    assert is_as_it_was()


def _break_off() -> object:
    raise BackupError("counts differ")


def test_a_table_that_did_not_come_back_as_it_was_is_found(folder: Path) -> None:
    manifest, engine = Manifest.read(folder), present_engine()
    UserFactory.create()
    connection.close()
    with engine.reading() as reading, pytest.raises(BackupError, match="not as they were backed up: people_user"):
        list(proving.prove(reading, manifest, folder))


def test_another_key_is_said_and_a_lost_one_costs_the_second_factors(folder: Path, settings: Any) -> None:
    settings.TOKEN_PEPPER = "another pepper, as long as it has to be"
    assert "The key of this backup is another one: its TOKEN_PEPPER" in refused(folder, overwrite=True)
    assert Authenticator.objects.count() == 1
    call_command("restore", str(folder), overwrite=True, keys_lost=True)
    assert not Authenticator.objects.exists()


def test_a_backup_of_another_version_is_refused_or_brought_up_to_date(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ours = guards.known()
    monkeypatch.setattr(guards, "known", lambda: ours - {"core.0001_initial"})
    assert "of a later version: it has the migrations core.0001_initial" in refused(folder, overwrite=True)
    monkeypatch.setattr(guards, "known", lambda: ours | {"core.9999_next"})
    assert "of an earlier version: it lacks 1 migrations (core.9999_next" in refused(folder, overwrite=True)
    call_command("restore", str(folder), overwrite=True, migrate=True)
    assert "1 migrations of later versions were applied" in capsys.readouterr().out


def test_a_backup_is_of_one_moment_while_people_write(person: User, tmp_path: Path) -> None:
    stop = threading.Event()
    written = 0

    def write() -> None:
        nonlocal written
        while not stop.is_set():
            with transaction.atomic():  # always two rows together
                PeriodicSlot.objects.create(name="writing", slot=str(written))
                Job.objects.create(kind="writing")
            written += 1
        connection.close()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        while written < 5:
            pass
        call_command("backup", str(tmp_path / "backup"))
        during = written
    finally:
        stop.set()
        writer.join()
    tables = Manifest.read(tmp_path / "backup").tables
    assert 5 <= tables["core_periodicslot"].rows == tables["core_job"].rows <= during
    call_command("restore", str(tmp_path / "backup"), overwrite=True)  # the dump is of that very moment, too
    assert PeriodicSlot.objects.count() == Job.objects.count() == tables["core_job"].rows


def test_a_backup_that_can_not_be_whole_leaves_nothing(
    person: User, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(words: str) -> None:
        with pytest.raises(CommandError, match=words):
            call_command("backup", str(tmp_path / "backup"))
        assert not list(tmp_path.glob("*backup*"))

    path = Path(settings.MEDIA_ROOT) / StoredFile.objects.get().path
    with monkeypatch.context() as patch:
        patch.setattr(Manifest, "write", lambda *_args: Path("/dev/full").write_bytes(b"x"))
        fails("No space left on device")
    path.write_bytes(b"changed")
    fails("not what was handed in")
    path.unlink()  # a lost upload is named, and does not keep the rest from being backed up
    with guards_gone():
        fails(r"Triggers are missing in this database: .*core_auditevent_append_only")
    call_command("backup", str(tmp_path / "backup"))
    assert Manifest.read(tmp_path / "backup").missing == (StoredFile.objects.get().path,)
    with pytest.raises(CommandError, match="is there already"):
        call_command("backup", str(tmp_path / "backup"))


def guards_gone() -> Any:
    """A database whose audit trail has lost its triggers."""
    if connection.vendor == "sqlite":
        return guards_lifted(connection)
    return _disabled()


@contextmanager
def _disabled() -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE core_auditevent DISABLE TRIGGER USER")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE core_auditevent ENABLE TRIGGER USER")


@pytest.mark.postgres
def test_who_is_about_to_leave_is_waited_for_and_who_stays_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = present_engine()
    other = psycopg2.connect(
        **{name: value for name, value in connection.get_connection_params().items() if name in DSN}
    )
    connection.close()
    leaving = threading.Timer(0.5, other.close)
    leaving.start()

    engine.require_alone()

    leaving.join()
    monkeypatch.setattr("skillmap.core.backup.postgres.LEAVING_SECONDS", 0.2)
    connection.ensure_connection()
    with pytest.raises(BackupError, match=r"connections: 1"):
        engine.require_alone()


@contextmanager
def killed(patch: pytest.MonkeyPatch, owner: type, step: str) -> Iterator[None]:
    """What is done within it dies at a step, as by kill -9: nothing is put back."""

    def die(*_args: object) -> None:
        raise KeyboardInterrupt

    with patch.context() as inner:
        inner.setattr(owner, step, die)
        with pytest.raises(KeyboardInterrupt):
            yield


@pytest.mark.parametrize("step", ["uploads", "database"])
def test_a_restore_killed_at_its_very_end_stays_and_nothing_entered_since_is_lost(
    person: User, folder: Path, step: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree(settings.MEDIA_ROOT)  # the disk was lost
    Path(settings.MEDIA_ROOT).mkdir()
    owner = Uploads if step == "uploads" else type(present_engine())
    with killed(monkeypatch, owner, "finish"):
        call_command("restore", str(folder), overwrite=True)
    assert not is_broken_off()
    # Services start, and people go on working.
    late = UserFactory.create()
    files.keep(SimpleUploadedFile("b.csv", b"new"), owner=person, kind="imports")
    before, kept = sums(), uploads()
    assert len(kept) == 2
    assert "Nothing was changed" in refused(folder)
    assert "had come to its end" in capsys.readouterr().out
    assert (sums(), uploads()) == (before, kept)
    assert User.objects.filter(pk=late.pk).exists()
    call_command("restore", str(folder), overwrite=True)
    assert not User.objects.filter(pk=late.pk).exists()


def test_a_restore_broken_off_is_said_by_the_probe(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is to work on what the next restore will undo."""
    with killed(monkeypatch, Uploads, "bring_in"), killed_undo(monkeypatch):
        call_command("restore", str(folder), overwrite=True)
    answer = Client().get("/readyz")
    assert (answer.status_code, answer.json()) == (503, {"status": "restore broken off"})
    assert "The database is not empty" in refused(folder)
    assert Client().get("/readyz").json() == {"status": "ok"}


@contextmanager
def killed_undo(patch: pytest.MonkeyPatch) -> Iterator[None]:
    """Who is killed puts nothing back."""
    with patch.context() as inner:
        inner.setattr(type(present_engine()), "undo", lambda _self: False)
        inner.setattr(Uploads, "undo", lambda _self: False)
        yield


def test_what_a_killed_backup_has_left_goes_with_the_next_one(person: User, tmp_path: Path) -> None:
    old, young = tmp_path / ".old.growing", tmp_path / ".young.growing"
    for path in (old, young):
        path.mkdir()
        (path / "database.dump").write_text("personal data")
    two_days_ago = time.time() - 2 * 24 * 60 * 60
    os.utime(old, (two_days_ago, two_days_ago))
    call_command("backup", str(tmp_path / "backup"))
    assert (old.exists(), young.exists()) == (False, True), "the young one may be another backup under way"
