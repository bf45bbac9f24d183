"""Rows past the ORM: what is written is what the ORM reads, on both databases."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.db import IntegrityError, transaction

from skillmap.core import bulk, clock
from skillmap.core.models import AuditEvent, Notification
from skillmap.people.choices import OrganisationKind
from skillmap.people.models import Organisation, Staff, User
from skillmap.people.selectors import search
from tests.factories.people import OrganisationFactory, StaffFactory

NASTY = ["", "\\N", "\\", "tab\there", "line\nbreak\r\n", "𠮷野家 髙橋", "'; DROP TABLE x; --", "%s %(x)s", "\\.", '"']


@pytest.mark.django_db
def test_texts_come_back_as_they_were_written() -> None:
    users = [User(email=f"u{number}@example.test", name=name) for number, name in enumerate(NASTY)]
    assert bulk.insert(users, User) == len(NASTY)
    assert [user.name for user in User.objects.order_by("pk")] == NASTY
    assert [user.pk for user in users] == list(User.objects.order_by("pk").values_list("pk", flat=True))


@pytest.mark.django_db
def test_times_days_lists_and_none_come_back_as_they_were_written() -> None:
    moment = clock.now() - timedelta(days=3, microseconds=7)
    values = [{"a": ["\t\\", None, True, "髙"]}, {}]
    before = clock.now()
    bulk.insert([AuditEvent(verb="x", data=data) for data in values], AuditEvent)
    rows = AuditEvent.objects.order_by("pk")
    assert [row.data for row in rows] == values
    assert all(before <= row.at <= clock.now() for row in rows)
    users = [User(email="a@example.test", last_login=moment), User(email="b@example.test")]
    bulk.insert(users, User)
    assert list(User.objects.order_by("pk").values_list("last_login", flat=True)) == [moment, None]
    bureau = Organisation(code="b", name="局", kind=OrganisationKind.BUREAU, valid_from=date(2020, 4, 1))
    bulk.insert([bureau], Organisation)
    assert Organisation.objects.get(code="b").valid_from == date(2020, 4, 1)


@pytest.mark.django_db
def test_plain_values_take_the_defaults_of_the_other_columns() -> None:
    first = bulk.next_id(AuditEvent)
    assert bulk.write(AuditEvent, ["verb"], ([f"thing.{number}"] for number in range(bulk.BATCH + 1))) == bulk.BATCH + 1
    assert bulk.next_id(AuditEvent) == first + bulk.BATCH + 1
    last = AuditEvent.objects.get(pk=first + bulk.BATCH)
    assert (last.verb, last.channel, last.data, last.actor) == (f"thing.{bulk.BATCH}", "page", {}, None)


@pytest.mark.django_db
def test_the_database_counts_on_from_the_last_id() -> None:
    user = User(email="a@example.test")
    bulk.insert([user], User)
    assert User.objects.create(email="b@example.test").pk == user.pk + 1


@pytest.mark.django_db
def test_reserved_ids_go_to_nobody_else() -> None:
    before = User.objects.create(email="a@example.test")
    gone = User.objects.create(email="gone@example.test").pk
    User.objects.filter(pk=gone).delete()
    ids = bulk.reserve(User, 3)
    assert len(ids) == len(set(ids)) == 3
    assert before.pk < gone < ids[0] < ids[1] < ids[2]
    names = ("id", "email")
    bulk.append(User, names, [(pk, f"{pk}@example.test") for pk in ids], same={"last_login": None})
    assert User.objects.create(email="b@example.test").pk > ids[2]
    assert bulk.reserve(User, 0) == []


@pytest.mark.django_db
def test_objects_whose_ids_nobody_needs_are_written_as_they_are() -> None:
    actor = User(email="a@example.test")
    rows = [AuditEvent(verb=f"thing.{number}", actor=actor, data={"on": date(2026, 4, number)}) for number in (1, 2)]
    actor.save()
    assert bulk.add(rows, AuditEvent) == 2
    stored = AuditEvent.objects.order_by("pk").values_list("verb", "actor", "data")
    assert list(stored) == [(f"thing.{number}", actor.pk, {"on": f"2026-04-0{number}"}) for number in (1, 2)]
    assert User.objects.create(email="b@example.test").pk == actor.pk + 1


@pytest.mark.django_db
def test_columns_that_fill_themselves_are_filled() -> None:
    place = OrganisationFactory.create()
    row = StaffFactory.build(name="佐藤 花子", kana="さとう はなこ", number="00001234", organisation=place, user=None)
    bulk.insert([row], Staff)
    assert list(search(Staff.objects.all(), "サトウ 1234")) == [row]


@pytest.mark.django_db
def test_what_the_database_refuses_is_not_written() -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        bulk.insert([User(email="a@example.test"), User(email="a@example.test")], User)
    assert not User.objects.exists()


@pytest.mark.django_db
def test_objects_may_point_to_others_that_had_no_id_yet() -> None:
    user = User(email="a@example.test")
    row = Notification(recipient=user, kind="x", dedup_key="1")
    bulk.insert([user], User)
    bulk.insert([row], Notification)
    assert Notification.objects.get().recipient_id == user.pk


def _look_at_nobody() -> Notification:
    return Notification(recipient_id=999_999, kind="x", dedup_key="1")


@pytest.mark.django_db(transaction=True)
def test_a_row_that_points_to_nothing_is_found_at_the_end() -> None:
    with pytest.raises(IntegrityError), transaction.atomic(), bulk.looked_up_later():
        bulk.insert([_look_at_nobody()], Notification)
    assert not Notification.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_afterwards_what_rows_point_to_is_looked_up_as_always() -> None:
    with transaction.atomic(), bulk.looked_up_later():
        bulk.insert([User(email="a@example.test")], User)
    assert User.objects.count() == 1
    with pytest.raises(IntegrityError), transaction.atomic():
        bulk.insert([_look_at_nobody()], Notification)


@pytest.mark.django_db(transaction=True)
def test_after_an_error_within_what_rows_point_to_is_looked_up_as_always() -> None:
    with pytest.raises(ZeroDivisionError), transaction.atomic(), bulk.looked_up_later():
        raise ZeroDivisionError
    with pytest.raises(IntegrityError), transaction.atomic():
        bulk.insert([_look_at_nobody()], Notification)
