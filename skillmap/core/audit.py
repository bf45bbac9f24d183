"""The audit trail: written in the service's own transaction, sealed into a hash chain by a job."""

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.db import OperationalError, connection, models, transaction
from django.db.models import Max

from skillmap.core import bulk
from skillmap.core.models import AuditEvent, AuditSeal

GENESIS = "0" * 64
BATCH = 2000
#: So long the seal waits for those who are writing lines, and all others for the seal.
PATIENCE = timedelta(milliseconds=200)
LOCK_NOT_AVAILABLE = "55P03"  # PostgreSQL's word for a lock that did not come in time


def target_name(target: models.Model | None) -> str:
    """`app.model:id`, or an empty string for none."""
    return f"{target._meta.label_lower}:{target.pk}" if target is not None else ""


def subject_of(staff_id: int | None) -> str:
    """The key under which a person finds what was done with their data."""
    return f"staff:{staff_id}" if staff_id is not None else ""


def record(
    *,
    verb: str,
    actor: AbstractBaseUser | None,
    target: models.Model | None = None,
    subject_id: int | None = None,
    purpose: str = "",
    channel: str = "page",
    **data: Any,
) -> AuditEvent:
    """Insert one line in the transaction of the caller; must not be called outside one.

    Args:
        verb: `thing.done`, such as `assessment.submit` or `levels.read`.
        subject_id: the staff id of the person whose data it is about.
        data: plain values; no names, levels, notes or wishes.
    """
    _refuse_outside()
    event = build(
        verb=verb, actor=actor, target=target, subject_id=subject_id, purpose=purpose, channel=channel, **data
    )
    event.save(force_insert=True)
    return event


def build(
    *,
    verb: str,
    actor: AbstractBaseUser | None,
    target: models.Model | None = None,
    subject_id: int | None = None,
    purpose: str = "",
    channel: str = "page",
    **data: Any,
) -> AuditEvent:
    """One line, not yet written; for `record_many`."""
    return AuditEvent(
        verb=verb,
        actor_id=actor.pk if actor is not None else None,
        target=target_name(target),
        subject_key=subject_of(subject_id),
        purpose=purpose,
        channel=channel,
        data=data,
    )


def record_many(events: Iterable[AuditEvent]) -> int:
    """Insert lines, in the transaction of the caller; returns how many."""
    _refuse_outside()
    names = ("actor_id", "verb", "target", "subject_key", "purpose", "channel", "data")
    return bulk.append(AuditEvent, names, ([getattr(event, name) for name in names] for event in events))


def record_each(
    subject_ids: Iterable[int],
    *,
    verb: str,
    actor: AbstractBaseUser,
    purpose: str = "",
    channel: str = "page",
    model: type[models.Model] | None = None,
    **data: Any,
) -> int:
    """Insert the same line for each person, in the transaction of the caller; returns how many.

    Args:
        model: where the person's own row is the target, the table of persons.
    """
    _refuse_outside()
    same = {"actor_id": actor.pk, "verb": verb, "purpose": purpose, "channel": channel, "data": data}
    kind = model._meta.label_lower if model is not None else ""
    rows = ((subject_of(pk), f"{kind}:{pk}" if kind else "") for pk in subject_ids)
    return bulk.append(AuditEvent, ("subject_key", "target"), rows, same=same)


def _refuse_outside() -> None:
    if not connection.in_atomic_block:
        raise RuntimeError("Audit lines are written in the transaction of what they record.")


def digest_of(event: AuditEvent, previous: str) -> str:
    """SHA-256 over the previous digest and every column of the line, in a fixed form."""
    row = [
        event.pk,
        event.at.isoformat(),
        event.actor_id,
        event.verb,
        event.target,
        event.subject_key,
        event.purpose,
        event.channel,
        event.data,
    ]
    text = json.dumps(row, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(f"{previous}\n{text}".encode()).hexdigest()


def seal(limit: int = BATCH) -> int:
    """Add up to `limit` unsealed lines to the chain, in id order; returns how many.

    None are added while somebody has been at a transaction with lines for longer than PATIENCE: the next call takes
    them along.
    """
    last_settled = _last_settled()
    with transaction.atomic():
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("LOCK TABLE core_auditseal IN SHARE ROW EXCLUSIVE MODE")
        last = AuditSeal.objects.order_by("-pk").first()
        previous = last.digest if last else GENESIS
        seals = []
        waiting = AuditEvent.objects.filter(pk__gt=last.pk if last else 0, pk__lte=last_settled)
        for event in waiting.order_by("pk")[:limit]:
            previous = digest_of(event, previous)
            seals.append(AuditSeal(event_id=event.pk, digest=previous))
        AuditSeal.objects.bulk_create(seals, batch_size=500)
    return len(seals)


def _last_settled() -> int:
    """The last id below which no line can appear any more; 0 where that can't be said now.

    On PostgreSQL a SHARE lock waits for inserts under way. Whoever writes next waits behind it, so that it is held for
    a moment and waited for no longer than PATIENCE: a long import must not keep everybody else from saving.
    """
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                cursor.execute(f"SET LOCAL lock_timeout = '{PATIENCE // timedelta(milliseconds=1)}ms'")
                cursor.execute("LOCK TABLE core_auditevent IN SHARE MODE")
                cursor.execute("SET LOCAL lock_timeout TO DEFAULT")
            return AuditEvent.objects.aggregate(last=Max("pk"))["last"] or 0
    except OperationalError as error:
        if getattr(error.__cause__, "pgcode", None) != LOCK_NOT_AVAILABLE:
            raise
        return 0


@dataclass(frozen=True)
class Verification:
    """What a walk along the chain found: lines checked, lines not sealed yet, what is wrong."""

    checked: int
    unsealed: int
    problems: tuple[str, ...]
    head: str


def verify(*, most_problems: int = 20) -> Verification:
    """Walk the whole chain; names every edited, removed, inserted or reordered line, and the unsealed tail."""
    problems: list[str] = []
    previous, checked, last_pk = GENESIS, 0, 0
    for seal_row, event in _pairs():
        last_pk = seal_row.pk
        checked += 1
        if event is None:
            problems.append(f"line {seal_row.pk} is sealed but missing")
        elif digest_of(event, previous) != seal_row.digest:
            problems.append(f"line {seal_row.pk} does not match its seal")
        previous = seal_row.digest
        if len(problems) >= most_problems:
            break
    tail = AuditEvent.objects.filter(seal=None)
    problems += [f"line {pk} was added behind the seal" for pk in _pks(tail.filter(pk__lt=last_pk))[:most_problems]]
    return Verification(checked, tail.filter(pk__gt=last_pk).count(), tuple(problems), previous)


def _pks(events: models.QuerySet[AuditEvent]) -> list[int]:
    return list(events.order_by("pk").values_list("pk", flat=True))


def _pairs() -> Iterator[tuple[AuditSeal, AuditEvent | None]]:
    """Each seal with its line, in id order, a batch at a time."""
    last = 0
    while True:
        seals = list(AuditSeal.objects.filter(pk__gt=last).order_by("pk")[:BATCH])
        if not seals:
            return
        events = AuditEvent.objects.in_bulk([row.pk for row in seals])
        for row in seals:
            yield row, events.get(row.pk)
        last = seals[-1].pk
