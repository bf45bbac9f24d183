"""What people type in, in mails: one part of plain text, to one recipient, no header that the product did not write.

A mail program reads plain text as it stands: markup and formulas in it are nothing. The lines of a header are another
matter, and the subject of a notice may name what people have named.
"""

from __future__ import annotations

from email import message_from_bytes
from typing import Any

import pytest
from allauth.account.adapter import get_adapter
from allauth.core import context as allauth_context
from django.core import mail
from django.test import Client

from skillmap.core import jobs
from skillmap.core.choices import MailState
from skillmap.core.models import Notification
from skillmap.core.notifications import notify, send_waiting
from skillmap.people.models import User
from tests.access_world import AccessWorld
from tests.factories.people import UserFactory
from tests.hostile.asking import Asker
from tests.hostile.poison import FORMULAS, MARKUP, poison
from tests.hostile.sending import send_every_form
from tests.support.ground import on_ground

pytestmark = pytest.mark.sqlite

EVIL = "evil@evil.example"
#: Each would add a header, a recipient or a body where line breaks came through.
HEADERS = (
    f"x\r\nBcc: {EVIL}", f"x\nBcc: {EVIL}", f"x\rBcc: {EVIL}", f"x\n\tBcc: {EVIL}", f"x\r\n\r\n<b>Bcc: {EVIL}</b>",
    f"x\x0bBcc: {EVIL}", f"x\x0cBcc: {EVIL}", f"x\x85Bcc: {EVIL}", f"x\u2028Bcc: {EVIL}", f"x\u2029Bcc: {EVIL}",
    f"x%0d%0aBcc: {EVIL}", f"x\\r\\nBcc: {EVIL}", f"=?utf-8?q?x=0D=0ABcc=3A_{EVIL}?=",
    f"x\x0cBcc:{EVIL}", f"x\x0c\x0c<b>{EVIL}</b>", f"=?utf-8?b?eA0KQmNjOiB4?= {EVIL}",
    f"x\r\nContent-Type: text/html\r\n\r\n<b>{EVIL}</b>",
    "あ" * 300 + f"\r\nBcc: {EVIL}", f"\r\n.\r\nMAIL FROM:<{EVIL}>",
)  # fmt: skip
STRINGS = (*HEADERS, *MARKUP, *FORMULAS)
WRITTEN = {"Content-Type", "MIME-Version", "Content-Transfer-Encoding", "Subject", "From", "To", "Date", "Message-ID"}


def problems_of(sent: Any) -> list[str]:
    """What a mail is beyond one part of plain text to one person."""
    raw: bytes = sent.message().as_bytes(linesep="\r\n")
    letter = message_from_bytes(raw)
    found = []
    if sorted(letter.keys()) != sorted(WRITTEN):
        found.append(f"headers {letter.keys()}")
    if letter.is_multipart() or letter.get_content_type() != "text/plain":
        found.append(f"of type {letter.get_content_type()}")
    if len(sent.recipients()) != 1 or EVIL in sent.recipients() or f"<{EVIL}>" in str(letter["To"]):
        found.append(f"to {sent.recipients()}")
    if letter.defects:
        found.append(str(letter.defects))
    return [f"{sent.subject!r}: {problem}" for problem in found]


def all_problems() -> list[str]:
    """The problems of all mails that were sent."""
    assert mail.outbox
    return [problem for sent in mail.outbox for problem in problems_of(sent)]


def poisoned() -> AccessWorld:
    """The world of the access matrix with the strings in every text."""
    world = AccessWorld()
    assert len(poison(STRINGS)) > 45
    Notification.objects.update(mail_state=MailState.NONE)  # what is mailed below is what the product writes
    return world


laid, world = on_ground(poisoned)


class TestNotices:
    """A notice that says what somebody has typed."""

    @pytest.mark.django_db
    def test_every_string_in_subject_and_text(self) -> None:
        user = UserFactory.create()
        for number, text in enumerate(STRINGS):
            notify(recipient_id=user.pk, kind="test", subject=text, body=text, dedup_key=str(number))
        assert send_waiting(1000) == len(STRINGS)
        assert not all_problems()
        for sent, text in zip(mail.outbox, STRINGS, strict=True):
            assert sent.body.startswith(text), "as it was typed: nothing in a text is escaped"
            assert sent.subject == " ".join(text.split())[:200]

    @pytest.mark.django_db
    def test_a_subject_that_reached_the_table_another_way_is_not_mailed(self) -> None:
        """The mail library refuses it; the notice is put off and shown, the others go."""
        user = UserFactory.create()
        for number in range(2):
            notify(recipient_id=user.pk, kind="test", subject="x", dedup_key=str(number))
        bad = Notification.objects.filter(recipient=user).order_by("pk")[0]
        Notification.objects.filter(pk=bad.pk).update(subject=HEADERS[0])
        assert send_waiting() == 1
        assert not all_problems()
        bad.refresh_from_db()
        assert (bad.mail_state, bad.mail_error) == (MailState.WAITING, "BadHeaderError")


class TestAccounts:
    """Mails of sign-in, which show what a browser says of itself."""

    @pytest.mark.django_db
    def test_addresses_that_nobody_has(self) -> None:
        for text in STRINGS:
            for address in (f"{text}@tokyo.example", f"x@tokyo.example{text}", text, f'"{text}"@tokyo.example'):
                assert Client().post("/accounts/password/reset/", {"email": address}).status_code < 500
        if mail.outbox:
            assert not all_problems()

    @pytest.mark.django_db
    @pytest.mark.parametrize(
        "kind", ["account/email/password_changed", "account/email/password_reset", "mfa/email/totp_activated"]
    )
    def test_a_browser_that_calls_itself_something_evil(self, rf: Any, kind: str) -> None:
        user = UserFactory.create()
        for text in STRINGS:
            with allauth_context.request_context(rf.get("/", headers={"user-agent": text})):
                get_adapter().send_notification_mail(kind, user, email=user.email)
        assert len(mail.outbox) == len(STRINGS)
        assert not all_problems()

    @pytest.mark.django_db
    def test_an_invitation_of_somebody_with_an_evil_name(self) -> None:
        for text in STRINGS:
            user = UserFactory.create(name=text[:60])
            job = jobs.enqueue("people.invite", {"user_id": user.pk}, requested_by=None)
            jobs.run(job.pk)
        assert len(mail.outbox) == len(STRINGS)
        assert not all_problems()


@pytest.mark.parametrize(
    "actor", ["coordinator", *(pytest.param(name, marks=pytest.mark.trials) for name in ("mentor", "secretariat"))]
)
def test_what_forms_make_the_product_write(laid: AccessWorld, db: None, actor: str) -> None:
    """All that is named in a mail, bureaus, cycles, people, is named by the strings."""
    User.objects.update(is_active=True)
    send_every_form(Asker(laid), laid, actor, text=HEADERS[0])
    waiting = Notification.objects.filter(mail_state=MailState.WAITING)
    to_be_mailed = waiting.filter(recipient__is_active=True).count()  # the secretariat's forms end accounts too
    assert to_be_mailed > 0
    assert send_waiting(1000) == to_be_mailed
    assert not waiting.exists()
    assert not all_problems()
