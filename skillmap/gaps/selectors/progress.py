"""How far the cycles are: people by step, never by level."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from django.db.models import Count, Max
from django.http import Http404

from skillmap.assessment.choices import CycleState, State
from skillmap.assessment.models import Assessment, Cycle
from skillmap.people.access import access_of
from skillmap.people.models import Organisation, User

#: The steps in their order; the withdrawn take part no more.
STEPS = (State.DRAFT, State.SUBMITTED, State.REVIEWED, State.CORRECTED, State.CONFIRMED, State.RECEIVED)


@dataclass
class ProgressLine:
    """People of a cycle by step: over the whole (`organisation` None), or of one organisation and all below it."""

    fiscal_year: int
    cycle: str
    organisation: str | None
    name: str
    counts: dict[str, int] = field(default_factory=dict)

    @property
    def people(self) -> int:
        """All who take part."""
        return sum(self.counts.values())


def progress_lines(user: User, *, fiscal_year: int | None = None, organisation: str = "") -> list[ProgressLine]:
    """The progress of the cycles of a fiscal year (the newest by default), the newest cycle first; three queries.

    The whole for who reads aggregates. Besides, each bureau for the secretariat, the own organisations for a
    coordinator, who both may see who stands at which step.

    Args:
        organisation: only the line of the organisation with this code.

    Raises:
        Http404: the reader does not see such a line.
    """
    access = access_of(user)
    cycles = Cycle.objects.exclude(state=CycleState.DRAFT)
    if fiscal_year is None:
        fiscal_year = cycles.aggregate(newest=Max("fiscal_year"))["newest"]
    rows = list(
        Assessment.objects.filter(cycle__in=cycles.filter(fiscal_year=fiscal_year))
        .exclude(state=State.WITHDRAWN)
        .values_list("cycle_id", "cycle__fiscal_year", "cycle__name", "organisation__path", "state")
        .annotate(people=Count("pk"))
        .order_by("-cycle_id")
    )
    seen = Organisation.objects.none()
    if access.is_secretariat:
        seen = Organisation.objects.filter(parent=None)
    elif access.is_coordinator:
        seen = Organisation.objects.filter(pk__in=access.coordinated_ids)
    units = [unit for unit in seen.order_by("sort_order", "pk") if organisation in ("", unit.code)]
    if organisation and not units:
        raise Http404
    lines: dict[tuple[int, int | None], ProgressLine] = {}
    for cycle, year, name, path, state, people in rows:
        places: list[Organisation | None] = [unit for unit in units if path.startswith(unit.path)]
        if access.sees_all_aggregates and not organisation:
            places.insert(0, None)
        for unit in places:
            line = lines.setdefault(
                (cycle, unit.pk if unit else None),
                ProgressLine(year, name, unit.code if unit else None, str(unit.label) if unit else ""),
            )
            line.counts[state] = line.counts.get(state, 0) + people
    return _in_order(lines, [None, *(unit.pk for unit in units)])


def _in_order(lines: dict[tuple[int, int | None], ProgressLine], order: Iterable[int | None]) -> list[ProgressLine]:
    """By cycle, the newest first; the whole before the organisations."""
    places = {unit: place for place, unit in enumerate(order)}
    return [lines[key] for key in sorted(lines, key=lambda key: (-key[0], places[key[1]]))]
