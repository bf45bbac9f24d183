"""A stage: shows answers of Django's client to a real browser, with the scripts and styles that they name."""

from __future__ import annotations

import mimetypes
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import cast
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.staticfiles import finders
from django.http import HttpResponse

# Headers of an answer that make a difference to what the browser does with it.
KEPT = ("Content-Type", "Content-Security-Policy")


class Stage(ThreadingHTTPServer):
    """Serves one answer of Django's client at every address, and the files of /static/, which the browser keeps."""

    answer: HttpResponse

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Serve)


class _Serve(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        if path.startswith(settings.STATIC_URL):
            file = Path(str(finders.find(path.removeprefix(settings.STATIC_URL))))
            kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
            self._send({"Content-Type": kind, "Cache-Control": "max-age=600"}, file.read_bytes())
        elif self.headers["Sec-Fetch-Dest"] == "document":
            # Its status is not passed on: one of 4xx is printed to the console, which tests here take for an error.
            answer = cast("Stage", self.server).answer
            self._send({name: answer[name] for name in KEPT if name in answer}, answer.content)
        else:
            self._send({}, b"")

    def _send(self, headers: Mapping[str, str], body: bytes) -> None:
        self.send_response(200 if headers else 204)
        for name, value in headers.items():
            self.send_header(name, value)
        if headers:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""
