"""A signed-in browser that speaks to a real web server of the product."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from django.conf import settings

from skillmap.people.models import User
from tests.support.signing_in import signed_in

CSRF = "c" * 32


@dataclass(frozen=True)
class Answer:
    """What came back, and after how many seconds."""

    status: int
    seconds: float
    body: bytes
    location: str = ""

    def json(self) -> dict[str, Any]:
        """The body as an object."""
        found: dict[str, Any] = json.loads(self.body)
        return found


@dataclass
class Browser:
    """One session of somebody, and all its answers; a new connection for each request."""

    user: User
    port: int = 0
    cookie: str = ""
    answers: list[Answer] = field(default_factory=list)

    def sign_in(self) -> Browser:
        """Begin a session of its own."""
        session = signed_in(self.user).session
        self.cookie = f"{settings.SESSION_COOKIE_NAME}={session.session_key}; csrftoken={CSRF}"
        return self

    def get(self, path: str) -> Answer:
        """Load a page."""
        return self._ask("GET", path)

    def send(self, path: str, body: Mapping[str, object]) -> Answer:
        """Send what a script sends: JSON."""
        kind = {"Content-Type": "application/json", "Accept": "application/json"}
        return self._ask("POST", path, json.dumps(body), kind)

    def submit(self, path: str, fields: Mapping[str, object]) -> Answer:
        """Send a form."""
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        return self._ask("POST", path, urlencode(fields, doseq=True), kind)

    def _ask(self, method: str, path: str, body: str | None = None, more: Mapping[str, str] | None = None) -> Answer:
        headers = {"Cookie": self.cookie, "X-CSRFToken": CSRF, **(more or {})}
        begun = time.monotonic()
        link = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        try:
            link.request(method, path, body, headers)
            came = link.getresponse()
            content, location = came.read(), came.headers.get("Location", "")
        finally:
            link.close()
        answer = Answer(came.status, time.monotonic() - begun, content, location)
        self.answers.append(answer)
        return answer
