"""What the dashboard of supply and demand shows: one read of a run's stored figures, and of how far the cycles are.

The same rights as in `selectors.runs`, whose tree and rows it uses; put together so that the page keeps a constant
number of queries: the runs, the ranks, the tree, the cells, the progress.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from django.db.models import Count, OuterRef, Q, QuerySet, Subquery, Sum
from django.utils.translation import gettext as _

from skillmap.assessment.choices import CycleState, GroupItems, State
from skillmap.assessment.models import CheckCount
from skillmap.core.audit import target_name
from skillmap.core.models import AuditEvent
from skillmap.framework.models import Skill
from skillmap.gaps import rules
from skillmap.gaps.choices import AreaState
from skillmap.gaps.models import GapCell, GapRun, PriorityArea, SkillResult
from skillmap.gaps.selectors.progress import StepCounts
from skillmap.gaps.selectors.runs.cells import ByLevel, by_level
from skillmap.gaps.selectors.runs.places import Place, children_of
from skillmap.gaps.selectors.runs.visible import runs_for
from skillmap.people.access import access_of
from skillmap.people.choices import Role
from skillmap.people.models import Organisation, RoleGrant, User
from skillmap.people.selectors.organisations import top_of

#: Places with the largest gap that the answer names for a skill.
NAMED = 2
#: Runs that the choice offers; older ones keep their address (see `finished_runs`).
OFFERED = 100


def finished_runs(user: User, named: int | None = None) -> list[GapRun]:
    """The finished runs that the reader may choose from: newest fiscal year first, published ones before others.

    The one that the address names is among them however old it is, if the reader may see it; one more query then.
    """
    finished = runs_for(user).filter(finished_at__isnull=False)
    rows = list(finished[:OFFERED])
    if named is not None and all(run.pk != named for run in rows):
        rows += finished.filter(pk=named)
    return sorted(rows, key=_recency, reverse=True)


def _recency(run: GapRun) -> tuple[int, bool, float, int]:
    published = run.published_at
    return run.fiscal_year, published is not None, published.timestamp() if published is not None else 0.0, run.pk


# ----------------------------------------------------------------------------------------------------------- ranks
@dataclass(frozen=True)
class RankLine:
    """One skill over the whole: both ranks, what they rest on, and the decision for the fiscal year.

    `supply` and `supply_rank` are None where hidden; `state` is empty where nothing is decided, and for readers other
    than the secretariat where it was not adopted.
    """

    skill: Skill
    demand: int
    businesses: int
    demand_rank: int
    supply: int | None
    supply_rank: int | None
    is_proposed: bool
    within: ByLevel | None
    state: str
    decided_on: date | None

    @property
    def is_adopted(self) -> bool:
        """Whether it is a priority area of the year."""
        return self.state == AreaState.ADOPTED

    @property
    def state_label(self) -> str:
        """The decision in words; empty where there is none."""
        return str(AreaState(self.state).label) if self.state else ""

    @property
    def is_marked(self) -> bool:
        """Whether charts draw it in the accent colour: proposed by the rule, or adopted."""
        return self.is_proposed or self.is_adopted


def rank_lines(user: User, run: GapRun) -> list[RankLine]:
    """Both rankings by demand rank, with the decisions; one query. The run is one that the reader may see."""
    decided = PriorityArea.objects.filter(fiscal_year=run.fiscal_year, skill__code=OuterRef("skill__code"))
    if not access_of(user).is_secretariat:
        decided = decided.filter(state=AreaState.ADOPTED)
    decided = decided.order_by("pk")
    rows = (
        SkillResult.objects.filter(run=run)
        .select_related("skill__category")
        .annotate(
            area_state=Subquery(decided.values("state")[:1]), area_decided_on=Subquery(decided.values("decided_on")[:1])
        )
        .order_by("demand_rank")
    )
    return [
        RankLine(
            skill=row.skill,
            demand=row.demand,
            businesses=row.businesses,
            demand_rank=row.demand_rank,
            supply=row.supply,
            supply_rank=row.supply_rank,
            is_proposed=row.is_proposed,
            within=by_level(row.gaps.get("within")),
            state=row.area_state or "",
            decided_on=row.area_decided_on,
        )
        for row in rows
    ]


# ------------------------------------------------------------------------------------------------------- the cells
@dataclass(frozen=True)
class Bar:
    """A part of a bar: people of the levels `low` to `high` (None: not answered)."""

    low: int | None
    high: int | None
    people: int

    @property
    def step(self) -> int:
        """Lightness, 1 to 5: of the lowest of its levels."""
        return 1 if self.low is None else self.low + 2

    @property
    def span(self) -> int:
        """How many columns of the table it fills."""
        return _column(self.high) - _column(self.low) + 1


def _column(level: int | None) -> int:
    return 0 if level is None else level + 1


@dataclass(frozen=True)
class Figures:
    """The figures of one place and one skill; None for every hidden one."""

    at_least: tuple[int | None, int | None, int | None]
    demand: ByLevel
    gap: ByLevel | None
    bars: list[Bar]

    def people_from(self, level: int) -> int | None:
        """People at the level or higher."""
        return self.at_least[level - 1]

    def demand_from(self, level: int) -> int:
        """Heads asked for at the level or higher."""
        return sum(self.demand[level - 1 :])

    def gap_from(self, level: int) -> int | None:
        """Heads at the level or higher that nobody of the place covers."""
        return sum(self.gap[level - 1 :]) if self.gap is not None else None

    def value(self, show: str, level: int) -> int | None:
        """What the heat map shows: `people`, `demand` or `gap`."""
        if show == "demand":
            return self.demand_from(level)
        return self.gap_from(level) if show == "gap" else self.people_from(level)


#: Where no figure is stored: nothing may be shown, nothing is asked for, and so nobody is missing.
NOTHING = Figures((None, None, None), (0, 0, 0), (0, 0, 0), [])


def cells_of(run: GapRun, places: Iterable[Place]) -> dict[tuple[int, int], Figures]:
    """Figures by place and skill id; one query. The places are such as the reader may see."""
    rows = GapCell.objects.filter(node__run=run, node__in=[place.pk for place in places]).values_list(
        "node_id", "skill_id", "at_least_1", "at_least_2", "at_least_3", "demand_1", "demand_2", "demand_3",
        "gap_1", "gap_2", "gap_3", "cuts", "blocks",
    )  # fmt: skip
    found = {}
    for node, skill, a1, a2, a3, d1, d2, d3, g1, g2, g3, cuts, blocks in rows.iterator(chunk_size=2000):
        gap = None if g1 is None or g2 is None or g3 is None else (g1, g2, g3)
        found[node, skill] = Figures((a1, a2, a3), (d1, d2, d3), gap, _bars(cuts, blocks))
    return found


def _bars(cuts: Sequence[int], blocks: Sequence[int | None]) -> list[Bar]:
    """The bars of a cell; none where one of them would say "all of them", which is not handed out as a figure."""
    shown = [people for people in blocks if people is not None]
    if not cuts or len(shown) < len(blocks):
        return []
    bounds = [0, *cuts, rules.CLASSES]
    return [
        Bar(_level(low), _level(high - 1), people) for low, high, people in zip(bounds, bounds[1:], shown, strict=False)
    ]


def _level(index: int) -> int | None:
    return index - 1 if index else None


def columns_of(places: Sequence[Place], parent: Place, *, by_organisation: bool) -> list[Place]:
    """The columns of the heat map: the places directly below, or in place of groups the organisations in them."""
    below = children_of(places, parent.key)
    if not by_organisation:
        return below
    found: list[Place] = []
    for place in below:
        found += children_of(places, place.key) if place.kind == "group" else [place]
    return found


# -------------------------------------------------------------------------------------------------------- progress
@dataclass
class CycleProgress:
    """How far a cycle is: over the whole, and by organisation for the secretariat alone (else empty)."""

    cycle_id: int
    name: str
    fiscal_year: int
    is_open: bool
    total: StepCounts
    organisations: list[StepCounts] = field(default_factory=list)


def progress(user: User, cycle_id: int | None) -> list[CycleProgress]:
    """The progress of a cycle and of those that run now, newest first; one query, two for the secretariat.

    Counts of steps only, no levels; people with digital items, the withdrawn left out. Who does not see the people
    behind them gets shares in tens of per cent.
    """
    access = access_of(user)
    by_place = ["top"] if access.is_secretariat else []
    cycles = (
        Q(cycle__state=CycleState.OPEN) if cycle_id is None else Q(cycle__state=CycleState.OPEN) | Q(cycle=cycle_id)
    )
    rows = list(
        CheckCount.objects.filter(cycles, group__items__in=[GroupItems.DIGITAL, GroupItems.BOTH])
        .exclude(state=State.WITHDRAWN)
        .annotate(top=top_of("organisation__path", {}))
        .values("cycle_id", "cycle__name", "cycle__fiscal_year", "cycle__state", "state", *by_place)
        .annotate(n=Sum("people"))
        .filter(n__gt=0)
        .order_by("-cycle__fiscal_year", "-cycle_id")
    )
    bureaus = Organisation.objects.in_bulk(sorted({row["top"] for row in rows})) if by_place else {}
    found: dict[int, CycleProgress] = {}
    places: dict[tuple[int, int], StepCounts] = {}
    for row in rows:
        cycle = found.setdefault(row["cycle_id"], _cycle_of(row, masked=not access.is_secretariat))
        counted = [cycle.total]
        if by_place:
            bureau = bureaus[row["top"]]
            key = (cycle.cycle_id, bureau.pk)
            if key not in places:
                places[key] = StepCounts(str(bureau.label))
                cycle.organisations.append(places[key])
            counted.append(places[key])
        for counts in counted:
            counts.add(row["state"], row["n"])
    for cycle in found.values():
        cycle.organisations.sort(key=lambda line: (-(line.people or 0), line.name))
    return list(found.values())


def _cycle_of(row: dict[str, object], *, masked: bool) -> CycleProgress:
    return CycleProgress(
        cycle_id=int(str(row["cycle_id"])),
        name=str(row["cycle__name"]),
        fiscal_year=int(str(row["cycle__fiscal_year"])),
        is_open=row["cycle__state"] == CycleState.OPEN,
        total=StepCounts("", masked=masked),
    )


# ------------------------------------------------------------------------------------------------------- run pages
def results_of(runs: QuerySet[GapRun]) -> QuerySet[GapRun]:
    """The runs with how many items each proposes, in the same query."""
    proposed = SkillResult.objects.filter(run=OuterRef("pk"), is_proposed=True).order_by().values("run")
    return runs.annotate(proposed=Subquery(proposed.annotate(n=Count("pk")).values("n")))


@dataclass(frozen=True)
class Audience:
    """Accounts with a role that sees published runs."""

    executives: int
    supporters: int
    coordinators: int


def audience() -> Audience:
    """Who will see a run once it is published; one query. Somebody with two roles counts for each."""
    rows = RoleGrant.objects.in_force().values("role").annotate(n=Count("user", distinct=True)).order_by()
    counts = dict(rows.values_list("role", "n"))
    return Audience(counts.get(Role.EXECUTIVE, 0), counts.get(Role.SUPPORTER, 0), counts.get(Role.COORDINATOR, 0))


@dataclass(frozen=True)
class ShownCells:
    """How many cells of a run show a figure, of all (places x items)."""

    shown: int
    all: int

    @property
    def percent(self) -> int:
        """Whole per cent, rounded down."""
        return self.shown * 100 // self.all if self.all else 0


def shown_cells(run: GapRun) -> ShownCells:
    """How much of a run can be shown, nothing before it is finished; one query."""
    counts = run.nodes.aggregate(all=Count("pk", distinct=True), shown=Count("cells", filter=~Q(cells__cuts=[])))
    return ShownCells(counts["shown"], counts["all"] * run.parameters.get("items", 0))


# ---------------------------------------------------------------------------------------------------------- areas
@dataclass(frozen=True)
class Decision:
    """One line of the history of a year's areas."""

    when: datetime
    who: str
    text: str
    why: str


def area_history(areas: Iterable[PriorityArea]) -> list[Decision]:
    """Every decision on these areas, newest first; one query.

    The reason stands at the newest decision on an item; earlier ones are not kept in the trail.
    """
    by_target = {target_name(area): area for area in areas}
    events = AuditEvent.objects.filter(target__in=list(by_target), verb__startswith="area.").select_related("actor")
    newest: set[str] = set()
    found = []
    for event in events.order_by("-pk"):
        area = by_target[event.target]
        state = event.verb.removeprefix("area.")
        label = str(AreaState(state).label) if state in AreaState.values else state
        by_hand = _("by hand") if event.data.get("by_hand") else ""
        text = f"{area.skill.label}: {label}" + (f" ({by_hand})" if by_hand else "")
        why = event.data.get("reason", "" if event.target in newest else area.reason)
        newest.add(event.target)
        found.append(Decision(event.at, event.actor.name if isinstance(event.actor, User) else "", text, why))
    return found
