"""Without a mail server notices wait, and are sent once when it is back; pages that would send a mail say so."""

from __future__ import annotations

import re
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.test import Client

from skillmap.core import notifications
from skillmap.core.choices import MailState
from skillmap.core.models import Notification
from skillmap.people.models import SignInSubject
from tests.factories.people import UserFactory
from tests.support.services import free_port
from tests.support.signing_in import english

pytestmark = pytest.mark.django_db
TOKEN = re.compile(r"(?<=[\";])\w{64}(?=[\"&])")  # against forged requests: another one on each page


class MailServer(socketserver.ThreadingTCPServer):
    """Keeps the letters that it takes."""

    allow_reuse_address = True

    def __init__(self, port: int) -> None:
        self.letters: list[bytes] = []
        super().__init__(("127.0.0.1", port), Letterbox)


class Letterbox(socketserver.StreamRequestHandler):
    """As much of SMTP as a client needs; the letters' texts are kept by the server."""

    def handle(self) -> None:
        self.wfile.write(b"220 here\r\n")
        while line := self.rfile.readline().strip().upper():
            if line == b"DATA":
                self.wfile.write(b"354 go on\r\n")
                letter = []
                while (row := self.rfile.readline()) != b".\r\n":
                    letter.append(row)
                assert isinstance(self.server, MailServer)
                self.server.letters.append(b"".join(letter))
            self.wfile.write(b"250 fine\r\n" if line != b"QUIT" else b"221 bye\r\n")


@contextmanager
def mail_server(port: int) -> Iterator[list[bytes]]:
    """A mail server on a port; the letters it took."""
    with MailServer(port) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield server.letters
        finally:
            server.shutdown()


@pytest.fixture
def port(settings: Any) -> int:
    """Where the settings look for a mail server; nobody is there yet."""
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = "127.0.0.1", free_port(), 5
    return int(settings.EMAIL_PORT)


def test_what_could_not_be_mailed_waits_however_long_and_is_sent_once(port: int) -> None:
    for number in range(3):
        user = UserFactory.create()
        notifications.notify(recipient_id=user.pk, kind="test", subject=f"mail {number}", dedup_key="k")
    for tried in range(7):
        assert notifications.send_waiting() == 0
        assert notifications.send_waiting() == 0, "not before its time"
        assert notifications.unsent().count() == (3 if tried >= 4 else 0), "the secretariat is told in the end"
        Notification.objects.update(next_try_at=None)
    assert {row.mail_state for row in Notification.objects.all()} == {MailState.WAITING}
    with mail_server(port) as letters:
        assert [notifications.send_waiting(), notifications.send_waiting()] == [3, 0]
    assert sorted(b"mail %d" % number in b"".join(letters) for number in range(3)) == [True] * 3
    assert len(letters) == 3
    assert not notifications.unsent().exists()


def test_somebody_who_asks_for_a_new_password_is_told_that_no_mail_went(port: int) -> None:
    """The same whether there is such an account, one of single sign-on, one that was closed, or none."""
    users = [UserFactory.create(), UserFactory.create(), UserFactory.create(is_service=True)]
    users.append(UserFactory.create(is_active=False))
    SignInSubject.objects.create(user=users[1], provider_id="sso", issuer="https://idp.example", subject="s")
    pages = set()
    for email in (*(user.email for user in users), "nobody@tokyo.example"):
        answer = english(Client()).post("/accounts/password/reset/", {"email": email}, follow=True)
        pages.add(TOKEN.sub("", answer.content.decode()))
    assert len(pages) == 1
    assert "The mail could not be sent now" in pages.pop()
