"""A prepared query answers as the query that it was made from, whatever it is asked with."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models import Exists, F, QuerySet
from django.test.utils import CaptureQueriesContext

from skillmap.core.prepared import Prepared
from skillmap.people.models import RoleGrant, User
from tests.factories.people import RoleGrantFactory

pytestmark = pytest.mark.django_db
DAY = date(2026, 6, 1)


def from_day(user: int, day: date) -> QuerySet[RoleGrant, tuple[Any, ...]]:
    """Days, times, numbers and words of the grants that begin on a day or after it."""
    rows = RoleGrant.objects.filter(user=user, valid_from__gte=day).order_by("valid_from")
    return rows.annotate(again=F("valid_from")).values_list("role", "valid_from", "granted_at", "organisation", "again")


def test_it_answers_as_the_query_itself_with_values_of_python() -> None:
    prepared = Prepared(from_day, user=int, day=date)
    grants = [RoleGrantFactory.create(valid_from=DAY + timedelta(days=days)) for days in (0, 1)]
    RoleGrantFactory.create(
        user=grants[0].user, role="executive", organisation=None, valid_from=DAY + timedelta(days=5)
    )

    for user in (grants[0].user, grants[1].user):
        for day in (DAY, DAY + timedelta(days=1), DAY + timedelta(days=9)):
            assert list(prepared.ask(user=user.pk, day=day)) == list(from_day(user.pk, day))

    [first, _executive] = prepared.ask(user=grants[0].user_id, day=DAY)
    assert isinstance(first[1], date)
    assert first[2] == grants[0].granted_at


def test_its_sql_is_written_once_and_asked_once_each_time() -> None:
    built: list[int] = []

    def build(user: int) -> QuerySet[RoleGrant, tuple[Any, ...]]:
        built.append(user)
        return RoleGrant.objects.filter(user=user).values_list("role")

    prepared = Prepared(build, user=int)
    with CaptureQueriesContext(
        connection,
    ) as asked:
        prepared.ask(user=1)
        prepared.ask(user=2)

    assert len(built) == 1
    assert len(asked) == 2


def test_a_value_that_the_query_does_not_ask_for_is_told() -> None:
    prepared = Prepared(lambda **to: RoleGrant.objects.filter(user=to["user"]).values_list("pk"), user=int, day=date)

    with pytest.raises(ValueError, match="does not ask for day"):
        prepared.ask(user=1, day=DAY)


def test_every_place_of_a_value_is_filled() -> None:
    grant = RoleGrantFactory.create(valid_from=DAY)
    prepared = Prepared(
        lambda day: RoleGrant.objects.filter(valid_from__gte=day, valid_from__lte=day).values_list("pk"), day=date
    )

    assert list(prepared.ask(day=DAY)) == [(grant.pk,)]
    assert list(prepared.ask(day=DAY + timedelta(days=1))) == []


def test_a_number_that_the_database_cannot_have_is_nobodys() -> None:
    prepared = Prepared(lambda user: RoleGrant.objects.filter(user=user), user=int)

    assert prepared.ask(user=2**63) == []
    assert prepared.ask(user=2**63 - 1) == []


def test_objects_come_with_what_is_read_along() -> None:
    grant = RoleGrantFactory.create(valid_from=DAY)
    prepared = Prepared(
        lambda pk: (
            RoleGrant.objects.filter(pk=pk).select_related("user").annotate(known=Exists(User.objects.filter(pk=pk)))
        ),
        pk=int,
    )
    prepared.ask(pk=0)

    with CaptureQueriesContext(connection) as asked:
        [found] = prepared.ask(pk=grant.pk)
        assert found == grant
        assert found.user == grant.user
        assert vars(found)["known"] is (grant.pk == grant.user.pk)

    assert len(asked) == 1
