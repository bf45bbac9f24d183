"""Log lines say which page, never what was asked for on it."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
from django.test import Client

from tests.support.log_lines import Lines, kept_lines


@pytest.fixture
def lines() -> Iterator[Lines]:
    """All lines of the requests of a test."""
    with kept_lines(logging.DEBUG) as found:
        yield found


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/people/", "/nowhere/", "/api/v1/staff/", "/accounts/oidc/sso/login/callback/"])
def test_no_line_holds_a_query_string(lines: Lines, path: str) -> None:
    Client().get(path, {"q": "canary-name", "code": "canary-code"})
    assert any(path in text for text in lines.texts)
    assert not [text for text in lines.texts if "canary" in text]
