"""Notices to people: a row each, read in the app and mailed by a worker, once per dedup key."""

from collections.abc import Iterable
from datetime import timedelta
from smtplib import SMTPRecipientsRefused, SMTPResponseException, SMTPServerDisconnected

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now
from django.utils import translation

from skillmap.core.choices import MailState
from skillmap.core.models import Notification

MAX_TRIES = 5
#: By it a mail server says that it closes the connection (RFC 5321), after so many mails, for instance.
CLOSING = 421
#: For one mail, of a server that has ten seconds for each of its answers.
LEASE = timedelta(seconds=2 * settings.JOB_LEASE_SECONDS)


def in_own_language() -> translation.override:
    """Within it words are made in the site's own language.

    So are those of notices, and all that others will read: nobody knows which one the reader will choose, and the one
    of whoever acts says nothing about it.
    """
    return translation.override(settings.LANGUAGE_CODE)


def notify(
    *,
    recipient_id: int,
    kind: str,
    subject: object,
    dedup_key: str,
    body: object = "",
    path: str = "",
    mail: bool = True,
) -> None:
    """Write one notice in the transaction of the caller. The same recipient and key is written once."""
    notify_many(
        [
            build(
                recipient_id=recipient_id,
                kind=kind,
                subject=subject,
                dedup_key=dedup_key,
                body=body,
                path=path,
                mail=mail,
            )
        ]
    )


def build(
    *,
    recipient_id: int,
    kind: str,
    subject: object,
    dedup_key: str,
    body: object = "",
    path: str = "",
    mail: bool = True,
) -> Notification:
    """One notice, not yet written; for `notify_many`. Lazy words come out in the site's own language."""
    with in_own_language():
        return Notification(
            recipient_id=recipient_id,
            kind=kind,
            subject=" ".join(str(subject).split())[:200],  # a mail's header holds no line break
            body=str(body),
            path=path,
            dedup_key=dedup_key,
            mail_state=MailState.WAITING if mail else MailState.NONE,
        )


def notify_many(rows: Iterable[Notification]) -> None:
    """Write notices in one statement; those whose key the recipient already has are left as they are."""
    Notification.objects.bulk_create(rows, ignore_conflicts=True, batch_size=500)


def _ready() -> QuerySet[Notification]:
    """What waits to be mailed and is in nobody's hands, by the database's clock: that of a worker may be wrong."""
    free = Q(claimed_until=None) | Q(claimed_until__lt=Now())
    due = Q(next_try_at=None) | Q(next_try_at__lte=Now())
    return Notification.objects.filter(free, due, mail_state=MailState.WAITING)


def claim(pk: int) -> bool:
    """Take one notice that waits to be mailed, by compare and set; False where another worker has it."""
    return bool(_ready().filter(pk=pk).update(claimed_until=Now() + LEASE))


class _ServerAway(Exception):  # noqa: N818
    """The mail server went away while there were still mails to send."""


def send_waiting(limit: int = 100) -> int:
    """Mail what waits: claim, send, mark, one after the other; no transaction is open while the mail server is asked.

    A worker killed between sending and marking mails that one again, after LEASE: at least once. Each is claimed right
    before it is sent, so that a slow server keeps none so long that another worker takes it for abandoned. Returns how
    many went.
    """
    pks = list(_ready().order_by("pk").values_list("pk", flat=True)[:limit])
    if not pks:
        return 0
    sent = 0
    mailer = get_connection()
    try:
        mailer.open()
    except OSError as error:
        _wait_for_server(pks, error)
        return 0
    with mailer:
        for place, pk in enumerate(pks):
            if not claim(pk):
                continue
            try:
                sent += _mail(pk, mailer)
            except _ServerAway as away:
                Notification.objects.filter(pk=pk).update(claimed_until=None)
                _wait_for_server(pks[place:], away.__cause__ or away)
                break
    return sent


def _mail(pk: int, mailer: BaseEmailBackend) -> int:
    """Mail one notice that is claimed, to whoever and wherever its recipient is at this moment; 1 where it went.

    Raises _ServerAway.
    """
    row = Notification.objects.select_related("recipient").get(pk=pk)
    if not row.recipient.is_active:
        Notification.objects.filter(pk=pk).update(mail_state=MailState.NONE, claimed_until=None)
        return 0
    try:
        _send(row, mailer)
    except (OSError, ValueError) as error:  # ValueError: what can't be put into a mail at all
        _postpone(row, error)
        return 0
    Notification.objects.filter(pk=pk).update(mail_state=MailState.SENT, sent_at=Now(), claimed_until=None)
    return 1


def _send(row: Notification, mailer: BaseEmailBackend) -> None:
    """Hand one mail to the server, over another connection where it has closed the present one.

    Raises _ServerAway where there is no other connection.
    """
    mail = EmailMessage(row.subject, _mail_text(row), None, [row.recipient.email], connection=mailer)
    try:
        mail.send()
    except OSError as error:
        if not _has_closed(error):
            raise
        mailer.close()
        try:
            mailer.open()
        except OSError as away:
            raise _ServerAway from away
        mail.send()


def _has_closed(error: OSError) -> bool:
    """Whether the server has ended the connection, which says nothing against the mail."""
    if isinstance(error, SMTPRecipientsRefused):
        return any(code == CLOSING for code, _text in error.recipients.values())
    return isinstance(error, (SMTPServerDisconnected, ConnectionError)) or (
        isinstance(error, SMTPResponseException) and error.smtp_code == CLOSING
    )


def is_about_the_mail(error: OSError) -> bool:
    """Whether the server was there and took exception to this very mail."""
    return isinstance(error, (SMTPRecipientsRefused, SMTPResponseException)) and not _has_closed(error)


def _mail_text(row: Notification) -> str:
    link = f"{settings.SITE_URL}{row.path}" if row.path else settings.SITE_URL
    return f"{row.body}\n\n{link}\n" if row.body else f"{row.subject}\n\n{link}\n"


def _wait_for_server(pks: Iterable[int], error: BaseException) -> None:
    """The mail server is away: no mail is to blame, each goes on waiting, asked for less and less often."""
    for row in Notification.objects.filter(pk__in=pks).order_by("pk"):
        if claim(row.pk):
            Notification.objects.filter(pk=row.pk).update(
                mail_tries=F("mail_tries") + 1,
                mail_error=type(error).__name__,
                claimed_until=None,
                next_try_at=Now() + timedelta(minutes=2 ** min(row.mail_tries + 1, MAX_TRIES)),
            )


def unsent() -> QuerySet[Notification]:
    """What the secretariat is told of: mails that failed, and those that have waited for the server for five tries."""
    return Notification.objects.filter(
        Q(mail_state=MailState.FAILED) | Q(mail_state=MailState.WAITING, mail_tries__gte=MAX_TRIES)
    )


def try_again() -> int:
    """Have all of those mailed as if for the first time; returns how many."""
    return unsent().update(mail_state=MailState.WAITING, mail_tries=0, next_try_at=None)


def _postpone(row: Notification, error: Exception) -> None:
    """Back off; after MAX_TRIES it is shown to the secretariat as failed."""
    tries = row.mail_tries + 1
    Notification.objects.filter(pk=row.pk).update(
        mail_tries=F("mail_tries") + 1,
        mail_error=type(error).__name__,
        claimed_until=None,
        next_try_at=Now() + timedelta(minutes=2**tries),
        mail_state=MailState.FAILED if tries >= MAX_TRIES else MailState.WAITING,
    )
