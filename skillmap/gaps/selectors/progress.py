"""How far the cycles are: people by step, never by level."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from django.conf import settings
from django.db.models import Max, Sum
from django.http import Http404

from skillmap.assessment.choices import CycleState, State
from skillmap.assessment.models import CheckCount, Cycle
from skillmap.core.suppression import Suppressed
from skillmap.gaps import rules
from skillmap.people.access import access_of
from skillmap.people.models import Organisation, User

#: The steps in their order; the withdrawn take part no more.
STEPS = (State.DRAFT, State.SUBMITTED, State.REVIEWED, State.CORRECTED, State.CONFIRMED, State.RECEIVED)


DONE = STEPS.index(State.CONFIRMED)


@dataclass
class StepCounts:
    """People by step of a cycle, or of one organisation in it.

    `masked` is for readers who may not see who stands where: they get what the rule for small groups lets them see.
    """

    name: str
    masked: bool = False
    counts: dict[str, int] = field(default_factory=dict)

    def add(self, step: str, people: int) -> None:
        """Count people at a step."""
        self.counts[step] = self.counts.get(step, 0) + people

    @property
    def _exact(self) -> list[int]:
        return [self.counts.get(step, 0) for step in STEPS]

    @cached_property
    def _shown(self) -> Suppressed:
        return rules.shown_steps(self._exact, settings.SMALL_CELL_K, DONE)

    @property
    def people(self) -> int | None:
        """All who take part; None where hidden."""
        return self._shown.size("whole") if self.masked else sum(self._exact)

    @property
    def row(self) -> Sequence[int | None]:
        """People in each of STEPS; None where hidden."""
        if not self.masked:
            return self._exact
        return [self._shown.between("whole", "step", step, step) for step in range(len(STEPS))]

    @property
    def done(self) -> int | None:
        """Confirmed or received; None where hidden."""
        return self._shown.at_least("whole", "step", DONE) if self.masked else sum(self._exact[DONE:])

    @property
    def percent(self) -> int:
        """Whole per cent who are done, rounded down; of people who are counted exactly."""
        people = sum(self._exact)
        return sum(self._exact[DONE:]) * 100 // people if people else 0

    @property
    def rough_percent(self) -> int | None:
        """Tens of per cent who are done, at most 90, for masked readers; None where even that tells a few."""
        tens = rules.rough_share(sum(self._exact[DONE:]), sum(self._exact), settings.SMALL_CELL_K)
        return None if tens is None else tens * 10


@dataclass
class ProgressLine:
    """Progress over the whole (`organisation` None), or of one organisation and all below it."""

    fiscal_year: int
    cycle: str
    organisation: str | None
    steps: StepCounts


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
        CheckCount.objects.filter(cycle__in=cycles.filter(fiscal_year=fiscal_year))
        .exclude(state=State.WITHDRAWN)
        .values_list("cycle_id", "cycle__fiscal_year", "cycle__name", "organisation__path", "state")
        .annotate(n=Sum("people"))
        .filter(n__gt=0)
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
    masked = not access.is_secretariat
    lines: dict[tuple[int, int | None], ProgressLine] = {}
    for cycle, year, name, path, state, people in rows:
        places: list[Organisation | None] = [unit for unit in units if path.startswith(unit.path)]
        if access.sees_all_aggregates and not organisation:
            places.insert(0, None)
        for unit in places:
            line = lines.setdefault(
                (cycle, unit.pk if unit else None),
                ProgressLine(
                    year,
                    name,
                    unit.code if unit else None,
                    # A coordinator may see who of the own organisation stands at which step.
                    StepCounts(str(unit.label) if unit else "", masked=masked and unit is None),
                ),
            )
            line.steps.add(state, people)
    return _in_order(lines, [None, *(unit.pk for unit in units)])


def _in_order(lines: dict[tuple[int, int | None], ProgressLine], order: Iterable[int | None]) -> list[ProgressLine]:
    """By cycle, the newest first; the whole before the organisations."""
    places = {unit: place for place, unit in enumerate(order)}
    return [lines[key] for key in sorted(lines, key=lambda key: (-key[0], places[key[1]]))]
