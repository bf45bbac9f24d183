"""Rows are locked in one order everywhere: the cycle (shared), the check, then its items."""

from collections.abc import Iterable

from django.http import Http404

from skillmap.assessment.models import Assessment, Cycle
from skillmap.assessment.selectors.situations import with_progress
from skillmap.core.locks import hold_shared, hold_table
from skillmap.people.access import access_of
from skillmap.people.models import User


def share_cycle_of(assessment_id: int) -> None:
    """Hold the check's cycle open until this transaction ends: closing it waits, and later writes see it closed.

    A shared lock on PostgreSQL, so that people saving in the same cycle don't wait for each other; SQLite has one
    writer.
    """
    hold_shared(Cycle, "assessments", assessment_id)


def lock_check(assessment_id: int, user: User) -> Assessment:
    """Lock one check that the user may see, and read it with cycle, group and progress; Http404 otherwise.

    The lock and the reading are two statements: PostgreSQL can't lock a row of a query that counts.
    """
    share_cycle_of(assessment_id)
    visible = Assessment.objects.visible_to(user).filter(pk=assessment_id)
    locked = visible.select_for_update(of=("self",)).values_list("pk", flat=True).first()
    if locked is None:
        raise Http404
    return with_progress(Assessment.objects.filter(pk=locked)).select_related("cycle", "group", "staff").get()


def hold_people(cycle_id: int, staff_ids: Iterable[int]) -> None:
    """Hold a cycle open, and in it the checks of these people, whoever they are; before anything of theirs changes."""
    hold_shared(Cycle, "pk", cycle_id)
    ids = sorted(set(staff_ids))
    for start in range(0, len(ids), 5000):
        rows = Assessment.objects.filter(cycle=cycle_id, staff__in=ids[start : start + 5000]).order_by("pk")
        list(rows.select_for_update(of=("self",)).values_list("pk", flat=True))


def hold_all_checks() -> None:
    """Let nobody change any check until this transaction ends; reading goes on. SQLite has one writer."""
    hold_table(Assessment)


def lock_entry(assessment_id: int, user: User) -> Assessment:
    """Lock and read one check that the user may see, its items uncounted; Http404 otherwise.

    One statement for the own check, which nearly all are; one more for somebody else's.
    """
    share_cycle_of(assessment_id)
    rows = Assessment.objects.select_related("cycle", "group", "staff").select_for_update(of=("self",))
    own = rows.filter(pk=assessment_id, staff=access_of(user).staff_id).first()
    check = own or rows.visible_to(user).filter(pk=assessment_id).first()
    if check is None:
        raise Http404
    return check
