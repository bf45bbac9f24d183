"""Findings and measures: what the tally showed and what will be done, written down with the cycle."""

from django.db import transaction

from skillmap.assessment.choices import CycleState
from skillmap.assessment.cycle_messages import REFUSALS, refuse
from skillmap.assessment.models import Cycle, Finding
from skillmap.core import audit
from skillmap.core.errors import Conflict
from skillmap.core.plaintext import plain
from skillmap.people.access import access_of
from skillmap.people.choices import Role
from skillmap.people.models import User

LONGEST = 4000


@transaction.atomic
def finding_add(*, cycle: Cycle, kind: str, text: str, actor: User) -> Finding:
    """Write down a finding or a measure, once the cycle was opened. RuleViolation `finding_empty`, `not_open`."""
    access_of(actor).require(Role.SECRETARIAT)
    text = plain(text, longest=LONGEST)
    if not text:
        raise refuse("finding_empty")
    if cycle.state == CycleState.DRAFT:
        raise refuse("not_open")
    row = Finding.objects.create(cycle=cycle, kind=kind, text=text, author=actor)
    audit.record(verb="finding.add", actor=actor, target=cycle, finding=row.pk, kind=kind)
    return row


@transaction.atomic
def finding_change(*, cycle: Cycle, finding_id: int, seen: str, text: str, actor: User) -> None:
    """Change a text if it still reads as the actor saw it.

    Raises:
        RuleViolation: `finding_empty`, `too_long`.
        Conflict: `finding_gone`, with the present text where there is one.
    """
    access_of(actor).require(Role.SECRETARIAT)
    text, seen = plain(text, longest=LONGEST), plain(seen, longest=LONGEST)
    if not text:
        raise refuse("finding_empty")
    rows = Finding.objects.filter(pk=finding_id, cycle=cycle)
    if not rows.filter(text=seen).update(text=text):
        present = rows.values_list("text", flat=True).first()
        raise Conflict(REFUSALS["finding_gone"], code="finding_gone", details={"text": present})
    audit.record(verb="finding.change", actor=actor, target=cycle, finding=finding_id)


@transaction.atomic
def finding_remove(*, cycle: Cycle, finding_id: int, actor: User) -> bool:
    """Remove an entry; whether it was still there."""
    access_of(actor).require(Role.SECRETARIAT)
    removed, _models = Finding.objects.filter(pk=finding_id, cycle=cycle).delete()
    if removed:
        audit.record(verb="finding.remove", actor=actor, target=cycle, finding=finding_id)
    return bool(removed)
