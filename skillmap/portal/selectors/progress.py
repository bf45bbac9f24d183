"""How far the running cycles are."""

from dataclasses import dataclass

from django.db.models import Q, Sum
from django.db.models.functions import Coalesce

from skillmap.assessment import rules
from skillmap.assessment.choices import CycleState, CycleStep, State
from skillmap.assessment.models import CheckCount, Cycle

# As the board says: it is the secretariat's turn.
_WAITS_FOR_CONFIRMATION = Q(due_step=CycleStep.CONFIRMATION, due_who=rules.SECRETARIAT)


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
    rows = (
        CheckCount.objects.filter(cycle__in=cycles)
        .values("cycle", "state")
        .annotate(number=Sum("people"), ready=Coalesce(Sum("people", filter=_WAITS_FOR_CONFIRMATION), 0))
        .order_by()
    )
    counts: dict[tuple[int, str], int] = {}
    ready: dict[int, int] = {}
    for row in rows:
        counts[row["cycle"], row["state"]] = row["number"]
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
