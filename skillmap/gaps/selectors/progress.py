"""How far the cycles are: people by step, never by level."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from django.conf import settings
from django.db.models import Max, Sum
from django.http import Http404
from django.utils.translation import gettext as _

from skillmap.assessment.choices import CycleState, GroupItems, State
from skillmap.assessment.models import CheckCount, Cycle
from skillmap.gaps import rules
from skillmap.people.access import access_of
from skillmap.people.models import Organisation, User

#: The steps in their order; the withdrawn take part no more.
STEPS = (State.DRAFT, State.SUBMITTED, State.REVIEWED, State.CORRECTED, State.CONFIRMED, State.RECEIVED)


DONE = STEPS.index(State.CONFIRMED)


@dataclass
class StepCounts:
    """People by step of a cycle, or of one organisation in it.

    `masked` is for readers who may not see who stands where. They get shares in tens of per cent and no number of
    people: beside the size of a run, the own organisation's steps or the same figure a day later, a number would tell
    where a few stand.
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

    @property
    def people(self) -> int | None:
        """All who take part; None where hidden."""
        return None if self.masked else sum(self._exact)

    @property
    def row(self) -> Sequence[int | None]:
        """People in each of STEPS; None where hidden."""
        return [None] * len(STEPS) if self.masked else self._exact

    @property
    def done(self) -> int | None:
        """Confirmed or received; None where hidden."""
        return None if self.masked else sum(self._exact[DONE:])

    @property
    def percent(self) -> int | None:
        """Per cent who are done, see `percents`."""
        return self._percent(sum(self._exact[DONE:]))

    @property
    def percents(self) -> list[int | None]:
        """Per cent in each of STEPS: whole ones, rounded down.

        For masked readers tens, at most 90, and None where even these tell a few.
        """
        return [self._percent(people) for people in self._exact]

    def _percent(self, part: int) -> int | None:
        people = sum(self._exact)
        if not self.masked:
            return part * 100 // people if people else 0
        tens = rules.rough_share(part, people, settings.SMALL_CELL_K)
        return None if tens is None else tens * 10

    @property
    def told(self) -> list[int | str]:
        """What the reader is told of each of STEPS and of all: people, or shares in words."""
        if not self.masked:
            return [*self._exact, sum(self._exact)]
        return [*map(_in_words, self.percents), _("Not shown")]


def _in_words(percent: int | None) -> str:
    if percent is None:
        return _("Not shown")
    return _("%(percent)d%% or more") % {"percent": percent} if percent else _("below 10%")


@dataclass
class ProgressLine:
    """Progress over the whole (`organisation` None), or of one organisation and all below it."""

    fiscal_year: int
    cycle: str
    organisation: str | None
    steps: StepCounts


def progress_lines(user: User, *, fiscal_year: int | None = None, organisation: str = "") -> list[ProgressLine]:
    """The progress of the cycles of a fiscal year (the newest by default), the newest cycle first; three queries.

    People with digital items, the withdrawn left out. The whole for who reads aggregates. Besides, each bureau for the
    secretariat, the own organisations for a coordinator, who both may see who stands at which step.

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
        CheckCount.objects.filter(
            cycle__in=cycles.filter(fiscal_year=fiscal_year), group__items__in=[GroupItems.DIGITAL, GroupItems.BOTH]
        )
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
