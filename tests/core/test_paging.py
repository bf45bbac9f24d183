"""A page of a search: enough is counted to leaf on, and no more."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from skillmap.core import paging
from skillmap.people.models import User

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]


@pytest.fixture
def few_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Six are counted, of twenty."""
    monkeypatch.setattr(paging, "COUNTED", 6)
    User.objects.bulk_create(User(email=f"u{number:02}@example.test") for number in range(20))


def emails(number: str | None, per_page: int = 3) -> tuple[list[str], int, bool]:
    """Who stands on a page, how many are counted, and whether there are more."""
    page = paging.searched_page(User.objects.order_by("email"), number, per_page)
    return [user.email[1:3] for user in page], page.paginator.count, page.paginator.is_capped  # type: ignore[attr-defined]


@pytest.mark.usefixtures("few_counted")
def test_whoever_leafs_on_is_shown_more() -> None:
    assert emails(None) == (["00", "01", "02"], 6, True)
    assert emails("2") == (["03", "04", "05"], 9, True)
    assert emails("6") == (["15", "16", "17"], 20, False)
    assert emails("7") == (["18", "19"], 20, False)


@pytest.mark.usefixtures("few_counted")
@pytest.mark.parametrize("number", ["999999999", "9" * 5000, "-1", "x", "0", "", "²", "٣"])
def test_a_strange_number_shows_a_page(number: str) -> None:
    assert emails(number)[0]


@pytest.mark.usefixtures("few_counted")
def test_a_search_takes_two_queries() -> None:
    with CaptureQueriesContext(connection) as captured:
        emails("1")
    assert len(captured) == 2


def test_where_nobody_is_found_the_page_is_empty() -> None:
    assert emails("3") == ([], 0, False)
