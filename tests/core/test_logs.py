"""Log lines say which page, never what was asked for on it."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
from django.test import Client

from skillmap.core.logs import json_formatter


class Lines(logging.Handler):
    """Keeps what the production formatter writes."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.setFormatter(json_formatter())
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one line."""
        self.texts.append(self.format(record))


@pytest.fixture
def lines() -> Iterator[Lines]:
    """All lines of the requests of a test."""
    handler, root = Lines(), logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield handler
    root.setLevel(level)
    root.removeHandler(handler)


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/people/", "/nowhere/", "/api/v1/staff/", "/accounts/oidc/sso/login/callback/"])
def test_no_line_holds_a_query_string(lines: Lines, path: str) -> None:
    Client().get(path, {"q": "canary-name", "code": "canary-code"})
    assert any(path in text for text in lines.texts)
    assert not [text for text in lines.texts if "canary" in text]
