"""While the database is away, pages and API say so with 503, and nothing else becomes one."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, InterfaceError, OperationalError
from django.test import Client, RequestFactory
from django.urls import reverse

from skillmap.core import views


@pytest.mark.parametrize(
    ("error", "status"),
    [(OperationalError, 503), (InterfaceError, 503), (IntegrityError, 500), (ValueError, 500)],
)
@pytest.mark.parametrize("path", ["/check/", "/api/v1/me/"])
def test_the_database_that_is_away_is_503(error: type[Exception], status: int, path: str) -> None:
    try:
        raise error("server closed the connection")
    except error:
        answer = views.server_error(RequestFactory().get(path))
    assert answer.status_code == status
    assert ("Retry-After" in answer) == (status == 503)
    assert (answer["Content-Type"] == "application/problem+json") == path.startswith("/api/")
    assert b"closed the connection" not in answer.content


def test_a_page_whose_query_fails_is_answered_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_args: object) -> None:
        raise OperationalError("could not connect")

    monkeypatch.setattr("skillmap.core.middleware.LanguageMiddleware.__call__", away)
    answer = Client(raise_request_exception=False).get(reverse("account_login"))
    assert answer.status_code == 503
    assert "しばらく" in answer.content.decode() or "little while" in answer.content.decode()
