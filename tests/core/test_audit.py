"""The audit trail: written with its transaction, edited by nobody, sealed into a chain that names tampering."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from types import SimpleNamespace

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, connections, transaction

from skillmap.core import audit
from skillmap.core.models import AuditEvent, AuditSeal
from skillmap.people.models import User
from tests.factories.people import UserFactory
from tests.support.append_only import guards_lifted

pytestmark = pytest.mark.django_db


@pytest.fixture
def lines() -> list[AuditEvent]:
    with transaction.atomic():
        audit.record_many(
            audit.build(verb="thing.done", actor=None, subject_id=number, purpose="mentoring", number=number)
            for number in range(5)
        )
    return list(AuditEvent.objects.order_by("pk"))


def test_a_line_needs_the_transaction_of_what_it_records(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "connection", SimpleNamespace(in_atomic_block=False))
    with pytest.raises(RuntimeError):
        audit.record(verb="thing.done", actor=None)
    with pytest.raises(RuntimeError):
        audit.record_many([])
    with pytest.raises(RuntimeError):
        audit.record_each([], verb="thing.done", actor=User())


def test_the_same_line_for_each_of_many_people(django_user_model: type[User]) -> None:
    actor = django_user_model.objects.create(email="a@example.test")
    with transaction.atomic():
        assert audit.record_each([3, 5], verb="levels.read", actor=actor, purpose="mentoring", what="profile") == 2
        audit.record(verb="levels.read", actor=actor, subject_id=7, purpose="mentoring", what="profile")
    rows = list(AuditEvent.objects.order_by("pk").values("actor", "verb", "target", "purpose", "channel", "data"))
    assert rows == [rows[-1]] * 3, "as if each had been recorded by itself"
    assert list(AuditEvent.objects.order_by("pk").values_list("subject_key", flat=True)) == [
        "staff:3",
        "staff:5",
        "staff:7",
    ]


def test_the_line_of_each_person_may_name_the_persons_row(django_user_model: type[User]) -> None:
    actor = django_user_model.objects.create(email="a@example.test")
    with transaction.atomic():
        audit.record_each([3], verb="staff.create", actor=actor, channel="import", model=User)
    assert list(AuditEvent.objects.values_list("subject_key", "target")) == [("staff:3", "people.user:3")]


def test_a_line_goes_with_its_transaction() -> None:
    def record_and_fail() -> None:
        with transaction.atomic():
            audit.record(verb="thing.done", actor=None)
            raise ValueError("stop")

    with pytest.raises(ValueError, match="stop"):
        record_and_fail()
    assert not AuditEvent.objects.exists()


@pytest.mark.parametrize("table", ["core_auditevent", "core_auditseal"])
@pytest.mark.parametrize("statement", ["UPDATE {} SET {}", "DELETE FROM {}"])
def test_sql_edits_are_refused(lines: list[AuditEvent], table: str, statement: str) -> None:
    audit.seal()
    column = {"core_auditevent": "verb = 'x'", "core_auditseal": "digest = 'x'"}[table]
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement.format(table, column))
    assert AuditEvent.objects.filter(verb="thing.done").count() == 5


@pytest.mark.postgres
def test_truncate_is_refused(lines: list[AuditEvent]) -> None:
    connection.check_constraints()  # what is still to be checked would refuse it first
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("TRUNCATE core_auditevent CASCADE")


def test_the_chain_is_whole_and_the_tail_is_named(lines: list[AuditEvent]) -> None:
    assert audit.seal() == 5
    assert audit.seal() == 0
    with transaction.atomic():
        audit.record(verb="later", actor=None)
    found = audit.verify()
    assert (found.checked, found.unsealed, found.problems) == (5, 1, ())


def _set(column: str, value: object) -> Callable[[list[AuditEvent]], None]:
    def tamper(lines: list[AuditEvent]) -> None:
        AuditEvent.objects.filter(pk=lines[2].pk).update(**{column: value})

    return tamper


def _delete(lines: list[AuditEvent]) -> None:
    AuditEvent.objects.filter(pk=lines[2].pk)._raw_delete(using="default")


def _delete_with_seal(lines: list[AuditEvent]) -> None:
    AuditSeal.objects.filter(pk=lines[2].pk)._raw_delete(using="default")
    AuditEvent.objects.filter(pk=lines[2].pk)._raw_delete(using="default")


def _swap(lines: list[AuditEvent]) -> None:
    one, two = lines[1], lines[2]
    AuditEvent.objects.filter(pk=one.pk).update(data=two.data, subject_key=two.subject_key)
    AuditEvent.objects.filter(pk=two.pk).update(data=one.data, subject_key=one.subject_key)


def _insert_behind(lines: list[AuditEvent]) -> None:
    _delete(lines)
    AuditSeal.objects.filter(pk=lines[2].pk)._raw_delete(using="default")
    AuditEvent.objects.create(pk=lines[2].pk, verb="forged")


TAMPERING = {
    "verb": _set("verb", "thing.undone"),
    "actor": _set("actor_id", None),
    "target": _set("target", "people.staff:9"),
    "subject": _set("subject_key", "staff:9"),
    "purpose": _set("purpose", "support"),
    "channel": _set("channel", "api"),
    "data": _set("data", {"number": 9}),
    "delete": _delete,
    "delete with seal": _delete_with_seal,
    "swap": _swap,
    "insert": _insert_behind,
}


@pytest.mark.parametrize("kind", TAMPERING)
def test_whoever_gets_past_the_triggers_is_found(lines: list[AuditEvent], kind: str) -> None:
    audit.seal()
    user = UserFactory.create()
    with guards_lifted(connection):
        TAMPERING[kind](lines)
        if kind == "actor":
            AuditEvent.objects.filter(pk=lines[2].pk).update(actor=user)
    found = audit.verify()
    assert found.problems
    with pytest.raises(CommandError):
        call_command("verify_audit")
    with guards_lifted(connection):  # a seal without its line could not be committed
        AuditSeal.objects.exclude(pk__in=AuditEvent.objects.values("pk"))._raw_delete(using="default")


def test_the_command_says_what_it_checked(lines: list[AuditEvent], capsys: pytest.CaptureFixture[str]) -> None:
    audit.seal()
    call_command("verify_audit")
    assert "5 lines checked, 0 not sealed yet" in capsys.readouterr().out


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_the_seal_keeps_nobody_waiting_while_somebody_writes_for_long() -> None:
    """It waits for inserts under way, and whoever comes next waits behind it: so it waits for a moment alone."""
    begun, end = threading.Event(), threading.Event()

    def import_for_long() -> None:
        with transaction.atomic():
            audit.record(verb="import.row", actor=None)
            begun.set()
            assert end.wait(60)
        connections.close_all()

    sealed: list[int] = []

    def seal() -> None:
        sealed.append(audit.seal())
        connections.close_all()

    writer, sealer = threading.Thread(target=import_for_long), threading.Thread(target=seal)
    writer.start()
    assert begun.wait(60)
    sealer.start()
    try:
        for _time in range(5):
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("SET LOCAL lock_timeout = '10s'")
                audit.record(verb="somebody.saves", actor=None)
            time.sleep(0.1)
        sealer.join(10)
        assert not sealer.is_alive()
    finally:
        end.set()
        writer.join(60)
    assert sealed == [0]
    assert audit.seal() == 6
    assert audit.verify().problems == ()
