"""Rows of another table as one column, the same on both databases."""

from datetime import UTC, date, datetime

import pytest
from django.db.models import OuterRef

from skillmap.core.jsonrows import JsonRows, as_date, as_moment
from skillmap.people.models import RoleGrant, User

pytestmark = pytest.mark.django_db


def test_rows_come_with_their_parent_in_one_query(django_assert_num_queries: object) -> None:
    one = User.objects.create_user("one@example.test", name="一")
    User.objects.create_user("two@example.test", name="二")
    for role, first in (("secretariat", date(2026, 4, 1)), ("executive", date(2026, 7, 1))):
        RoleGrant.objects.create(user=one, role=role, valid_from=first)
    grants = RoleGrant.objects.filter(user=OuterRef("pk")).order_by("-pk")
    rows = JsonRows(grants, role="role", first="valid_from", last="valid_to", at="granted_at", name="user__name")
    found = {user.name: user.rows for user in User.objects.filter(name__in="一二").annotate(rows=rows)}
    assert found["二"] == []
    assert {(row["role"], as_date(row["first"]), row["last"], row["name"]) for row in found["一"]} == {
        ("secretariat", date(2026, 4, 1), None, "一"),
        ("executive", date(2026, 7, 1), None, "一"),
    }
    stored = RoleGrant.objects.get(role="executive").granted_at
    assert as_moment(next(row["at"] for row in found["一"] if row["role"] == "executive")) == stored


def test_texts_of_days_and_moments_are_read() -> None:
    assert as_date(None) is None and as_moment(None) is None
    assert as_date("2026-07-01") == date(2026, 7, 1)
    assert as_moment("2026-07-01 09:00:00.5") == datetime(2026, 7, 1, 9, 0, 0, 500_000, UTC)
    assert as_moment("2026-07-01T18:00:00+09:00") == datetime(2026, 7, 1, 9, tzinfo=UTC)
