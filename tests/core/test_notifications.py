"""Notices: once per key, mailed by a worker, put off when the mail server is away, shown when it stays away."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.core.mail import EmailMessage
from django.core.mail.backends import locmem
from django.core.mail.backends.base import BaseEmailBackend
from django.db.models.functions import Now
from django.test import override_settings

from skillmap.core import notifications
from skillmap.core.choices import MailState
from skillmap.core.models import Notification
from skillmap.people import services
from skillmap.people.models import User
from tests.factories.people import UserFactory
from tests.support.clocks import wrong_clock

pytestmark = pytest.mark.django_db


class AwayBackend(BaseEmailBackend):
    """A mail server that does not answer."""

    def send_messages(self, email_messages: Sequence[Any]) -> int:
        raise ConnectionRefusedError


class SlowBackend(locmem.EmailBackend):
    """So slow that another worker mails all the others while it has the first one in hand."""

    def send_messages(self, messages: Sequence[EmailMessage]) -> int:
        if not mail.outbox:
            sent = super().send_messages(messages)
            with override_settings(EMAIL_BACKEND="django.core.mail.backends.locmem.EmailBackend"):
                assert notifications.send_waiting() == 2
            return sent
        return super().send_messages(messages)


@pytest.fixture
def user() -> User:
    return UserFactory.create()


def tell(user: User, key: str = "k") -> None:
    notifications.notify(
        recipient_id=user.pk, kind="test", subject="件名", body="本文", dedup_key=key, path="/check/1/"
    )


def test_the_same_key_is_told_once(user: User) -> None:
    tell(user)
    tell(user)
    tell(user, "other")
    assert Notification.objects.count() == 2


def test_waiting_notices_are_mailed_once_with_their_link(user: User, settings: Any) -> None:
    tell(user)
    assert [notifications.send_waiting(), notifications.send_waiting()] == [1, 0]
    (letter,) = mail.outbox
    assert letter.to == [user.email]
    assert f"{settings.SITE_URL}/check/1/" in letter.body
    assert Notification.objects.get().mail_state == MailState.SENT


def test_a_claimed_notice_is_left_to_its_worker(user: User) -> None:
    tell(user)
    pk = Notification.objects.get().pk
    assert [notifications.claim(pk), notifications.claim(pk)] == [True, False]
    assert notifications.send_waiting() == 0
    Notification.objects.update(claimed_until=Now() - timedelta(seconds=1))
    assert notifications.send_waiting() == 1


def test_of_many_a_slow_server_keeps_only_the_one_it_is_at(user: User, settings: Any) -> None:
    """Whoever works on the first of many has not yet taken the last: another worker may mail it meanwhile."""
    settings.EMAIL_BACKEND = "tests.core.test_notifications.SlowBackend"
    for key in "abc":
        tell(user, key)
    assert notifications.send_waiting() == 1
    assert Notification.objects.filter(mail_state=MailState.SENT).count() == 3
    assert len(mail.outbox) == 3, "none of them went twice"


def test_without_a_mail_server_it_backs_off_and_is_shown_after_five_tries(user: User, settings: Any) -> None:
    settings.EMAIL_BACKEND = "tests.core.test_notifications.AwayBackend"
    tell(user)
    for _ in range(5):
        assert notifications.send_waiting() == 0
        assert not notifications.claim(Notification.objects.get().pk), "not before its time"
        Notification.objects.update(next_try_at=None)
    row = Notification.objects.get()
    assert (row.mail_state, row.mail_tries, row.mail_error) == (MailState.FAILED, 5, "ConnectionRefusedError")


def test_people_who_left_get_no_mail(user: User) -> None:
    tell(user)
    User.objects.update(is_active=False)
    assert notifications.send_waiting() == 0
    assert mail.outbox == []


@pytest.mark.parametrize("minutes", [10, -10])
def test_a_worker_whose_clock_is_wrong_mails_nothing_twice(user: User, minutes: int) -> None:
    tell(user)
    pk = Notification.objects.get().pk
    assert notifications.claim(pk)
    with wrong_clock(minutes):
        assert not notifications.claim(pk)
        Notification.objects.update(claimed_until=None)
        assert notifications.claim(pk)
    assert not notifications.claim(pk)


class Server(threading.Thread):
    """A mail server that takes so many messages a connection, then says 421 and closes, as many do."""

    def __init__(self, most: int) -> None:
        super().__init__(daemon=True)
        self.most, self.taken = most, 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]

    def run(self) -> None:
        while True:
            try:
                conn, _address = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(conn,), daemon=True).start()

    def serve(self, conn: socket.socket) -> None:
        here = 0
        with conn, conn.makefile("rb") as lines:
            conn.sendall(b"220 hello\r\n")
            data = False
            for line in lines:
                if data:
                    if line == b".\r\n":
                        data, here, self.taken = False, here + 1, self.taken + 1
                        conn.sendall(b"250 taken\r\n")
                    continue
                word = line[:4].upper()
                if word == b"MAIL" and here >= self.most:
                    conn.sendall(b"421 too many messages in this connection\r\n")
                    return
                if word == b"DATA":
                    data = True
                    conn.sendall(b"354 go on\r\n")
                elif word == b"QUIT":
                    conn.sendall(b"221 bye\r\n")
                    return
                else:
                    conn.sendall(b"250 ok\r\n")


@pytest.fixture
def server(settings: Any) -> Iterator[Server]:
    """Such a server, which the settings name."""
    found = Server(most=3)
    found.start()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_USE_TLS = "127.0.0.1", found.port, False
    settings.EMAIL_HOST_USER = settings.EMAIL_HOST_PASSWORD = ""
    yield found
    found.listener.close()


def test_a_server_that_closes_a_connection_puts_no_mail_to_blame(user: User, server: Server) -> None:
    for key in range(12):
        notifications.notify(recipient_id=user.pk, kind="test", subject="件名", body="本文", dedup_key=str(key))
    assert notifications.send_waiting() == server.taken == 12
    rows = Notification.objects.filter(recipient=user).values_list("mail_state", "mail_tries")
    assert set(rows) == {(MailState.SENT, 0)}


def test_a_server_that_takes_nothing_any_more_is_no_endless_loop(user: User, server: Server) -> None:
    server.most = 0
    notifications.notify(recipient_id=user.pk, kind="test", subject="件名", body="本文", dedup_key="1")
    assert notifications.send_waiting() == server.taken == 0
    row = Notification.objects.get(recipient=user)
    assert (row.mail_state, row.mail_tries, row.claimed_until) == (MailState.WAITING, 1, None)


@pytest.mark.parametrize("act", ["closes", "moves"])
def test_a_mail_goes_to_whoever_and_wherever_the_recipient_is_when_it_goes(
    user: User, act: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A batch takes a while; what the secretariat does meanwhile counts for the rest of it."""
    other = UserFactory.create()
    tell(user)
    tell(other)
    send = notifications._send

    def send_and_act(row: Notification, mailer: Any) -> None:
        send(row, mailer)
        if row.recipient_id == user.pk and act == "closes":
            services.account_close(user_id=other.pk, actor=None)
        elif row.recipient_id == user.pk:
            services.account_change_email(user_id=other.pk, email="new@tokyo.example", actor=None)

    monkeypatch.setattr(notifications, "_send", send_and_act)
    notifications.send_waiting()
    expected = [[user.email]] if act == "closes" else [[user.email], ["new@tokyo.example"]]
    assert [message.to for message in mail.outbox] == expected


class LeavingBackend(locmem.EmailBackend):
    """A server that goes away after the first mail, and does not answer any more."""

    def open(self) -> bool:
        if mail.outbox:
            raise ConnectionRefusedError
        return True

    def send_messages(self, messages: Sequence[EmailMessage]) -> int:
        if mail.outbox:
            raise BrokenPipeError
        return super().send_messages(messages)


def test_a_server_that_goes_away_in_the_middle_is_no_mails_fault(user: User) -> None:
    """None of them fails for good, however often that happens: each waits, as where the server was away before."""
    for key in "abc":
        tell(user, key)
    with override_settings(EMAIL_BACKEND=f"{__name__}.LeavingBackend"):
        for _time in range(notifications.MAX_TRIES + 1):
            mail.outbox.clear()
            Notification.objects.filter(dedup_key="a").update(mail_state=MailState.WAITING)
            Notification.objects.update(next_try_at=None)
            assert notifications.send_waiting() == 1
    waiting = Notification.objects.filter(mail_state=MailState.WAITING, claimed_until=None)
    assert set(waiting.values_list("dedup_key", flat=True)) == {"b", "c"}
