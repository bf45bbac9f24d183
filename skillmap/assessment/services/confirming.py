"""Confirming many at once: asked for from a preview, done in chunks, with its list of results."""

from collections.abc import Sequence
from typing import Any

from django.db import transaction

from skillmap.assessment.choices import State
from skillmap.assessment.cycle_messages import refuse
from skillmap.assessment.models import Assessment, Cycle
from skillmap.assessment.services.transitions import confirm_many
from skillmap.core import jobs
from skillmap.core.models import Job
from skillmap.people.access import access_of
from skillmap.people.choices import Role
from skillmap.people.models import User

CONFIRM_KIND = "assessment.confirm"
CONFIRM_AT_ONCE = 50  # some seconds; more than that are left to the worker


def confirm_start(*, cycle: Cycle, chosen: Sequence[tuple[int, int]], actor: User) -> Job:
    """Confirm checks, each as (id, version seen in the preview): a few here and now, many by the worker.

    The job's row keeps the result either way: `confirmed`, `changed` and `left_out` (id and reason).
    Raises RuleViolation `nothing_chosen`.
    """
    access_of(actor).require(Role.SECRETARIAT)
    of_cycle = set(
        Assessment.objects.visible_to(actor)
        .filter(cycle=cycle, pk__in=[pk for pk, _version in chosen])
        .values_list("pk", flat=True)
    )
    wanted = sorted({pk: version for pk, version in chosen if pk in of_cycle}.items())
    if not wanted:
        raise refuse("nothing_chosen")
    with transaction.atomic():
        job = jobs.enqueue(CONFIRM_KIND, {"cycle": cycle.pk, "chosen": wanted}, requested_by=actor)
    if len(wanted) <= CONFIRM_AT_ONCE:
        jobs.run(job.pk)
        job.refresh_from_db()
    return job


def confirm_chunk(chosen: Sequence[tuple[int, int]], *, actor: User) -> dict[str, list[Any]]:
    """Confirm some checks: which were confirmed, which were changed since the preview, which were left out and why.

    One that this actor confirmed from this very version before counts as confirmed: so a job that died between
    confirming and noting it down says the same when it runs again.
    """
    outcome = confirm_many(chosen=chosen, actor=actor)
    seen = dict(chosen)
    why = dict(outcome.left_out)
    rows = Assessment.objects.filter(pk__in=[*outcome.changed, *why])
    present = {
        pk: (state, by, version)
        for pk, state, by, version in rows.values_list("pk", "state", "confirmed_by", "version")
    }
    own = {pk for pk, row in present.items() if row == (State.CONFIRMED, actor.pk, seen[pk] + 1)}
    moved = {pk for pk, (_state, _by, version) in present.items() if version != seen[pk]} - own
    return {
        "confirmed": sorted({*outcome.confirmed, *own}),
        "changed": sorted(moved),
        "left_out": [[pk, reason] for pk, reason in outcome.left_out if pk not in own | moved],
    }
