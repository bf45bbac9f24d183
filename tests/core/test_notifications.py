"""Notices: once per key, mailed by a worker, put off when the mail server is away, shown when it stays away."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from django.core import mail
from django.core.mail.backends.base import BaseEmailBackend

from skillmap.core import clock, notifications
from skillmap.core.choices import MailState
from skillmap.core.models import Notification
from skillmap.people.models import User
from tests.factories.people import UserFactory

pytestmark = pytest.mark.django_db


class AwayBackend(BaseEmailBackend):
    """A mail server that does not answer."""

    def send_messages(self, email_messages: Sequence[Any]) -> int:
        raise ConnectionRefusedError


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
    assert notifications.claim(10) == [Notification.objects.get().pk]
    assert notifications.claim(10) == []
    Notification.objects.update(claimed_until=clock.now())
    assert len(notifications.claim(10)) == 1


def test_without_a_mail_server_it_backs_off_and_is_shown_after_five_tries(user: User, settings: Any) -> None:
    settings.EMAIL_BACKEND = "tests.core.test_notifications.AwayBackend"
    tell(user)
    for _ in range(5):
        assert notifications.send_waiting() == 0
        assert notifications.claim(1) == [], "not before its time"
        Notification.objects.update(next_try_at=None)
    row = Notification.objects.get()
    assert (row.mail_state, row.mail_tries, row.mail_error) == (MailState.FAILED, 5, "ConnectionRefusedError")


def test_people_who_left_get_no_mail(user: User) -> None:
    tell(user)
    User.objects.update(is_active=False)
    assert notifications.send_waiting() == 0
    assert mail.outbox == []
