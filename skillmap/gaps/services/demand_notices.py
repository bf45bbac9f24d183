"""Notices to the coordinators of organisations that a survey asks."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from django.urls import reverse

from skillmap.core import notifications
from skillmap.core.models import Notification
from skillmap.gaps.models import DemandResponse
from skillmap.gaps.selectors.demand_surveys import Coordinator, coordinators, coordinators_of

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

Words = Callable[[DemandResponse], "StrOrPromise"]


def notices(
    answers: Iterable[DemandResponse],
    *,
    kind: str,
    subject: Words,
    body: Words,
    key: Words,
    known: list[Coordinator] | None = None,
) -> list[Notification]:
    """One notice per answer and coordinator, not yet written; one query unless the coordinators are `known`.

    Args:
        answers: read with their organisation.
        subject, body: the words for one answer. They are made in the site's own language, since nobody knows which
            one the reader will choose.
        key: what makes a notice once-only, beside kind and answer.
    """
    speaking = coordinators() if known is None else known
    with notifications.in_own_language():
        return [
            notifications.build(
                recipient_id=one.user_id,
                kind=kind,
                subject=f"{subject(answer)}: {answer.organisation.label}",
                body=body(answer),
                path=reverse("gaps:demand", args=[answer.pk]),
                dedup_key=f"{kind}:{answer.pk}:{key(answer)}",
            )
            for answer in answers
            for one in coordinators_of(answer.organisation, speaking)
        ]


def tell(answers: Iterable[DemandResponse], *, kind: str, subject: Words, body: Words, key: Words) -> int:
    """Write the notices in the transaction of the caller; returns how many people they go to."""
    rows = notices(answers, kind=kind, subject=subject, body=body, key=key)
    notifications.notify_many(rows)
    return len({row.recipient_id for row in rows})
