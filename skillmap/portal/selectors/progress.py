"""How far the running cycles are."""

from dataclasses import dataclass

from django.db.models import Count, Q

from skillmap.assessment.choices import CycleState, SecondMeeting, State
from skillmap.assessment.models import Assessment, Cycle
from skillmap.assessment.selectors.cycles import with_second_held

# What the board calls waiting for the secretariat: the corrected whose second 1on1, where it comes first, was held,
# and the submitted of groups without 1on1.
_WAITS_FOR_CONFIRMATION = (
    Q(state=State.CORRECTED) & (~Q(cycle__second_meeting=SecondMeeting.BEFORE) | Q(second_held=True))
) | Q(state=State.SUBMITTED, group__with_one_on_one=False)


@dataclass(frozen=True)
class CycleProgress:
    """How far a running cycle is: people by state, and how many wait for confirmation; as the cycle's board counts."""

    cycle: Cycle
    states: list[tuple[str, int]]
    people: int
    finished: int
    to_confirm: int


def cycles_in_progress() -> list[CycleProgress]:
    """Open cycles with people by state; two queries. For the secretariat, steps only."""
    cycles = list(Cycle.objects.filter(state=CycleState.OPEN).order_by("-fiscal_year", "-pk"))
    checks = Assessment.objects.filter(cycle__in=cycles).exclude(state=State.WITHDRAWN)
    rows = (
        with_second_held(checks)
        .values("cycle", "state")
        .annotate(people=Count("pk"), ready=Count("pk", filter=_WAITS_FOR_CONFIRMATION))
        .order_by()
    )
    counts: dict[tuple[int, str], int] = {}
    ready: dict[int, int] = {}
    for row in rows:
        counts[row["cycle"], row["state"]] = row["people"]
        ready[row["cycle"]] = ready.get(row["cycle"], 0) + row["ready"]
    found = []
    for cycle in cycles:
        states = [
            (str(state.label), counts.get((cycle.pk, state.value), 0)) for state in State if state != State.WITHDRAWN
        ]
        people = sum(n for _label, n in states)
        finished = sum(counts.get((cycle.pk, state), 0) for state in (State.CONFIRMED, State.RECEIVED))
        found.append(CycleProgress(cycle, states, people, finished, ready.get(cycle.pk, 0)))
    return found
