"""A browser without a browser: calls the WSGI application as a server does, behind the whole middleware."""

import io
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.middleware.csrf import CSRF_SECRET_LENGTH
from django.test import Client

from skillmap.config.wsgi import application
from skillmap.people.models import User

HOST = urlsplit(settings.SITE_URL).netloc
SECRET = "b" * CSRF_SECRET_LENGTH


@dataclass
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Browser:
    """One signed-in person."""

    def __init__(self, user: User, *, why: str = "") -> None:
        client = Client()
        client.force_login(user)
        if why:
            session = client.session
            session["purpose"] = why
            session.save()
        name = settings.SESSION_COOKIE_NAME
        self.cookies = f"{name}={client.cookies[name].value}; {settings.CSRF_COOKIE_NAME}={SECRET}"
        self.application = application

    def get(self, address: str) -> Answer:
        """Read a page."""
        return self.call("GET", address, b"", {})

    def send(self, address: str, values: object) -> Answer:
        """Send JSON as a page's script does."""
        headers = {"CONTENT_TYPE": "application/json", "HTTP_X_CSRFTOKEN": SECRET, "HTTP_ACCEPT": "application/json"}
        return self.call("POST", address, json.dumps(values).encode(), headers)

    def call(self, method: str, address: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Call the application and read its answer to the end."""
        parts = urlsplit(address)
        environ: dict[str, Any] = {
            "REQUEST_METHOD": method,
            "PATH_INFO": parts.path,
            "QUERY_STRING": parts.query,
            "SERVER_NAME": HOST,
            "SERVER_PORT": "443",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "127.0.0.1",
            "HTTP_HOST": HOST,
            "HTTP_X_FORWARDED_PROTO": "https",
            "HTTP_X_FORWARDED_FOR": "127.0.0.1",
            "HTTP_REFERER": f"{settings.SITE_URL}/",
            "HTTP_ACCEPT_LANGUAGE": "ja",
            "HTTP_COOKIE": self.cookies,
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "https",
            "wsgi.input": io.BytesIO(body),
            "wsgi.errors": io.StringIO(),
            "wsgi.multithread": False,
            "wsgi.multiprocess": True,
            "wsgi.run_once": False,
            **headers,
        }
        begun: list[Any] = []

        def start(status: str, headers: list[tuple[str, str]], _error: object = None) -> Callable[[bytes], object]:
            begun.extend((status, headers))
            return begun.append

        response = self.application(environ, start)
        try:
            content = b"".join(response)
        finally:
            close = getattr(response, "close", None)
            if close is not None:
                close()
        return Answer(int(begun[0][:3]), dict(begun[1]), content)
