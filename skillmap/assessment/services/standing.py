"""What is stored of where checks stand: whose turn it is until when, and how many stand where."""

from collections.abc import Iterable

from django.db import transaction
from django.db.models import Count, F, Max, QuerySet

from skillmap.assessment import cycle_rules
from skillmap.assessment.choices import SecondMeeting
from skillmap.assessment.models import Assessment, CheckCount, MentorPair
from skillmap.assessment.selectors.situations import windows_of
from skillmap.assessment.selectors.turns import NEEDS_MENTOR, unsettled
from skillmap.assessment.services.locking import hold_all_checks
from skillmap.core.locks import hold_table

KEYS = ("cycle_id", "organisation_id", "group_id", "state", "due_step", "due_who", "due_on")


def settle(checks: QuerySet[Assessment]) -> int:
    """Store whose turn it is with these checks, until when, and whether a mentor is lacking; how many were otherwise.

    To be called in the transaction that changes a state, a 1on1, a window, an extension or a pair; one statement. It
    has to hold these checks, or their cycle, before it changes anything: what is read here must not move meanwhile.
    """
    return unsettled(checks).update(
        due_step=F("turn_step"), due_who=F("turn_who"), due_on=F("turn_on"), lacks_mentor=F("turn_lacks_mentor")
    )


def stand(check: Assessment) -> tuple[str, ...]:
    """The same on one check in hand, that is held and was read through `with_progress`; the columns to be saved.

    For the steps that people take: the statement of `settle` costs more to put together than the step itself.
    """
    due = cycle_rules.due(
        check.state,
        with_one_on_one=check.group.with_one_on_one,
        second_before=check.cycle.second_meeting == SecondMeeting.BEFORE,
        second_held=check.second_held,  # type: ignore[attr-defined]
    )
    window = windows_of(check).get(due.step) if due is not None else None
    check.due_step, check.due_who = (due.step, due.who) if due is not None else ("", "")
    check.due_on = window.closes_on if window is not None else None
    pairs = MentorPair.objects.active().filter(cycle=check.cycle_id, mentee=check.staff_id, is_deputy=False)
    needs = check.group.with_one_on_one and check.state in NEEDS_MENTOR
    check.lacks_mentor = needs and not pairs.exists()
    return "due_step", "due_who", "due_on", "lacks_mentor"


def settle_people(cycle_id: int, staff_ids: Iterable[int]) -> None:
    """Settle the checks of these people in a cycle; see `settle`."""
    ids = sorted(set(staff_ids))
    for start in range(0, len(ids), 5000):
        settle(Assessment.objects.filter(cycle=cycle_id, staff__in=ids[start : start + 5000]))


@transaction.atomic
def fold() -> int:
    """Add up the lines of `CheckCount` that belong together; returns how many lines fewer there are.

    Others may go on writing lines meanwhile. Of two who fold at once the later one fails and changes nothing.
    """
    last = CheckCount.objects.aggregate(last=Max("pk"))["last"] or 0
    lines: dict[tuple[object, ...], list[tuple[int, int]]] = {}
    for pk, people, *kind in CheckCount.objects.filter(pk__lte=last).values_list("pk", "people", *KEYS).iterator():
        lines.setdefault(tuple(kind), []).append((pk, people))
    sums = {kind: sum(people for _pk, people in rows) for kind, rows in lines.items()}
    spent = [pk for kind, rows in lines.items() if len(rows) > 1 or not sums[kind] for pk, _people in rows]
    fresh = [
        CheckCount(**dict(zip(KEYS, kind, strict=True)), people=sums[kind])
        for kind, rows in lines.items()
        if len(rows) > 1 and sums[kind]
    ]
    for start in range(0, len(spent), 5000):
        part = spent[start : start + 5000]
        removed, _by_model = CheckCount.objects.filter(pk__in=part).delete()
        if removed != len(part):
            raise RuntimeError("Somebody else is adding up the same lines.")
    CheckCount.objects.bulk_create(fresh, batch_size=500)
    return len(spent) - len(fresh)


@transaction.atomic
def recount() -> int:
    """Settle all checks and count them anew; returns how many checks were settled otherwise.

    For what was written past the triggers, as the demo world is. Whoever takes a step meanwhile waits.
    """
    hold_all_checks()
    changed = settle(Assessment.objects.all())
    hold_table(CheckCount)  # lines that are being added up now would be kept beside those counted anew
    CheckCount.objects.all().delete()
    counted = Assessment.objects.values(*KEYS).annotate(people=Count("*")).order_by()
    CheckCount.objects.bulk_create((CheckCount(**row) for row in counted), batch_size=500)
    return changed
