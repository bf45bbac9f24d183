"""Reads of a gap run: ranks, heat map, levels, head-count gaps, its tree. All of it from stored, suppressed figures.

Every function takes the reader first and hands out only what the reader may see: who reads aggregates sees all places
of a published run, a coordinator the whole and the own organisation with all below it (as the tree stood at the run's
snapshot), the secretariat unpublished runs too. None stands for a hidden figure, 非表示(5人未満), never for zero.
The number of queries does not depend on the number of places, people or skills.

>>> run = latest_run(user)  # or get_object_or_404(runs_for(user), pk=pk)
>>> result = run_result(user, run)
>>> [(line.skill.label, line.demand_rank, line.supply_rank) for line in result.lines]
>>> map = heatmap(user, run, parent_key="whole", block="at_least_2")
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from django.db.models import QuerySet
from django.http import Http404
from django.utils.translation import gettext as _

from skillmap.framework.models import Skill
from skillmap.gaps import rules
from skillmap.gaps.choices import AreaState, LevelBasis
from skillmap.gaps.models import GapCell, GapNode, GapRun, PriorityArea, SkillResult
from skillmap.people.access import access_of
from skillmap.people.choices import Occupation
from skillmap.people.models import User

WHOLE = "whole"
#: A figure for each of level 1, 2, 3.
ByLevel = tuple[int, int, int]


class Block(StrEnum):
    """What a heat map shows in its cells."""

    AT_LEAST_1 = "at_least_1"
    AT_LEAST_2 = "at_least_2"
    AT_LEAST_3 = "at_least_3"
    DEMAND = "demand"
    GAP = "gap"


# ------------------------------------------------------------------------------------------------------------ runs
def runs_for(user: User) -> QuerySet[GapRun]:
    """Runs that the user may see, newest fiscal year first, then newest run; one query with all that a list needs."""
    rows = GapRun.objects.visible_to(user)
    return rows.select_related("job", "cycle", "survey", "framework", "requested_by").order_by("-fiscal_year", "-pk")


def latest_run(user: User, fiscal_year: int | None = None) -> GapRun | None:
    """The published run that a dashboard opens with: the newest one (of a fiscal year); None where there is none."""
    rows = runs_for(user).filter(published_at__isnull=False)
    if fiscal_year is not None:
        rows = rows.filter(fiscal_year=fiscal_year)
    return rows.order_by("-fiscal_year", "-published_at", "-pk").first()


def _refuse_unless_visible(user: User, run: GapRun) -> None:
    """Says of one run what `visible_to` says in SQL."""
    access = access_of(user)
    if access.is_secretariat:
        return
    if run.published_at is None or not (access.sees_all_aggregates or access.is_coordinator):
        raise Http404


# ------------------------------------------------------------------------------------------------------------ tree
@dataclass(frozen=True)
class Place:
    """A place of the run's tree: the whole, a bureau group, an organisation.

    `people` is None where even the size is hidden. `parent_key` is None for the whole, and for a place whose parent
    the reader does not see.
    """

    pk: int
    key: str
    label: str
    depth: int
    parent_key: str | None
    people: int | None
    has_children: bool
    organisation_id: int | None
    bureau_group_id: int | None

    @property
    def kind(self) -> str:
        """`whole`, `group` or `organisation`."""
        if self.organisation_id is not None:
            return "organisation"
        return "whole" if self.bureau_group_id is None else "group"


def tree(user: User, run: GapRun) -> list[Place]:
    """The places that the user may see, in the order of the tree, the whole first; one query.

    A coordinator's own organisations hang directly below the whole.

    Raises:
        Http404: the run is not for this reader.
    """
    _refuse_unless_visible(user, run)
    nodes = list(GapNode.objects.filter(run=run).order_by("position"))
    keys = {node.pk: node.key for node in nodes}
    seen = _seen(user, nodes)
    with_children = {node.parent_id for node in nodes if node.pk in seen}
    places = []
    for node in nodes:
        if node.pk not in seen:
            continue
        parent = node.parent_id if node.parent_id in seen else None
        if parent is None and node.parent_id is not None:
            parent = nodes[0].pk
        places.append(
            Place(
                pk=node.pk,
                key=node.key,
                label=node.label,
                depth=node.depth,
                parent_key=keys[parent] if parent is not None else None,
                people=node.people,
                has_children=node.pk in with_children,
                organisation_id=node.organisation_id,
                bureau_group_id=node.bureau_group_id,
            )
        )
    return places


def _seen(user: User, nodes: Sequence[GapNode]) -> set[int]:
    """Which nodes the user may see; parents stand before their children."""
    access = access_of(user)
    if access.sees_all_aggregates:
        return {node.pk for node in nodes}
    own = set(access.coordinated_ids)
    below: set[int] = set()
    for node in nodes:
        if node.organisation_id in own or node.parent_id in below:
            below.add(node.pk)
    return below | {node.pk for node in nodes if node.parent_id is None}


def place_of(user: User, run: GapRun, key: str) -> tuple[Place, list[Place]]:
    """A place by its key, with the tree that it stands in. Http404 where it is not there, or not for this reader."""
    places = tree(user, run)
    found = next((place for place in places if place.key == key), None)
    if found is None:
        raise Http404
    return found, places


def children_of(places: Iterable[Place], key: str) -> list[Place]:
    """The places directly below another one, in order."""
    return [place for place in places if place.parent_key == key]


# ----------------------------------------------------------------------------------------------------------- ranks
@dataclass(frozen=True)
class SkillLine:
    """One skill over the whole: demand, supply, ranks, head-count gaps, and what was decided about it.

    Attributes:
        supply: people at the supply level or higher; None where hidden.
        supply_rank: 1 to n; None where an earlier run together with it would tell a hidden count.
        wanted: heads asked for at level 1, 2, 3.
        overall: heads nobody covers, from the whole population; None where hidden.
        within: the same from the organisations' own people, summed up; None where a part is hidden.
        area: the decision for the run's fiscal year, whatever its state; None where there is none yet.
    """

    skill: Skill
    demand: int
    businesses: int
    demand_rank: int
    supply: int | None
    supply_rank: int | None
    is_proposed: bool
    wanted: ByLevel
    overall: ByLevel | None
    within: ByLevel | None
    area: PriorityArea | None


@dataclass(frozen=True)
class ParameterLine:
    """A setting of the run, with its default and where that comes from, in the reader's language."""

    name: str
    label: str
    value: str
    default: str
    is_default: bool
    source: str


@dataclass(frozen=True)
class RunResult:
    """Both rankings of a run.

    Attributes:
        lines: by demand rank.
        top: the last rank that is still top (上位): proposed are demand_rank <= top < supply_rank.
    """

    run: GapRun
    lines: list[SkillLine]
    top: int
    parameters: list[ParameterLine]

    @property
    def by_supply(self) -> list[SkillLine]:
        """By supply rank; hidden ranks last."""
        return sorted(self.lines, key=lambda line: (line.supply_rank is None, line.supply_rank or 0, line.skill.number))

    @property
    def proposed(self) -> list[SkillLine]:
        """What the rule proposes, by demand rank."""
        return [line for line in self.lines if line.is_proposed]

    @property
    def undecided(self) -> list[SkillLine]:
        """Proposals without a decision."""
        return [line for line in self.proposed if line.area is None]


def run_result(user: User, run: GapRun) -> RunResult:
    """Ranks, proposals and decisions of a run; two queries. What was not adopted is for the secretariat alone.

    Raises:
        Http404: the run is not for this reader.
    """
    _refuse_unless_visible(user, run)
    rows = SkillResult.objects.filter(run=run).select_related("skill__category").order_by("demand_rank")
    decided = PriorityArea.objects.filter(fiscal_year=run.fiscal_year).select_related("skill", "decided_by")
    if not access_of(user).is_secretariat:
        decided = decided.filter(state=AreaState.ADOPTED)
    areas = {area.skill.code: area for area in decided}
    lines = [_line(row, areas.get(row.skill.code)) for row in rows]
    return RunResult(run, lines, int(run.parameters.get("top", 0)), parameter_lines(run))


def _line(row: SkillResult, area: PriorityArea | None) -> SkillLine:
    return SkillLine(
        skill=row.skill,
        demand=row.demand,
        businesses=row.businesses,
        demand_rank=row.demand_rank,
        supply=row.supply,
        supply_rank=row.supply_rank,
        is_proposed=row.is_proposed,
        wanted=_by_level(row.gaps.get("wanted")) or (0, 0, 0),
        overall=_by_level(row.gaps.get("overall")),
        within=_by_level(row.gaps.get("within")),
        area=area,
    )


def _by_level(values: Sequence[int] | None) -> ByLevel | None:
    return (values[0], values[1], values[2]) if values is not None else None


def parameter_lines(run: GapRun) -> list[ParameterLine]:
    """The settings of a run as they are printed beside its result; no query."""
    labels = parameter_labels()
    found = []
    for name, label in labels.items():
        entry: Mapping[str, object] | None = run.parameters.get("settings", {}).get(name)
        if entry is None:
            continue
        value, default = entry["value"], entry["default"]
        found.append(
            ParameterLine(
                name=name,
                label=label,
                value=_words(name, value),
                default=_words(name, default),
                is_default=value == default,
                source=parameter_sources()[name],
            )
        )
    return found


def parameter_labels() -> dict[str, str]:
    """The settings of a run by name, in the order in which they are printed."""
    return {
        "basis": _("Levels counted"),
        "population": _("Population of the supply"),
        "supply_level": _("Supply counts from level"),
        "top_share": _("Share of the items that is “top”, rounded down"),
        "k": _("Smallest group of which a figure is shown"),
    }


def parameter_sources() -> dict[str, str]:
    """Where the default of each setting comes from."""
    return {
        "basis": _("Default of this system: confirmed levels; corrected ones are for the tally before confirmation"),
        "population": _("As in the analysis published for fiscal year 2024: ICT staff"),
        "supply_level": _("Default of this system; the published analysis names no level"),
        "top_share": _(
            "Default of this system; the published analysis says “demand high, supply middle to low” without a number"
        ),
        "k": _("Default of this system"),
    }


def _words(name: str, value: object) -> str:
    if name == "basis":
        return str(LevelBasis(str(value)).label)
    if name == "population" and isinstance(value, list):
        return "、".join(str(Occupation(word).label) for word in value)
    if name == "top_share" and isinstance(value, list):
        return f"{value[0]}/{value[1]}"
    return str(value)


# -------------------------------------------------------------------------------------------------------- heat map
@dataclass(frozen=True)
class HeatCell:
    """A figure of one place and one skill; `value` is None where hidden, `percent` of the place's people."""

    value: int | None
    percent: int | None = None

    @property
    def is_hidden(self) -> bool:
        """Whether it reads 非表示(5人未満)."""
        return self.value is None


@dataclass(frozen=True)
class HeatRow:
    """One skill: its figure at the place above (`total`), and at each column."""

    skill: Skill
    total: HeatCell
    cells: list[HeatCell]


@dataclass(frozen=True)
class HeatMap:
    """Skills by places.

    Attributes:
        parent: the place whose members are the columns; its own figures are the `total` of each row.
        columns: its members, in order; the rows' cells follow them.
        rows: by skill number.
        trail: from the whole down to `parent`.
    """

    block: Block
    parent: Place
    columns: list[Place]
    rows: list[HeatRow]
    trail: list[Place]


def heatmap(user: User, run: GapRun, parent_key: str = WHOLE, block: str = Block.AT_LEAST_2) -> HeatMap:
    """Skills x the places directly below one place; three queries.

    Raises:
        Http404: no such place for this reader, or no such block.
    """
    try:
        chosen = Block(block)
    except ValueError as error:
        raise Http404 from error
    parent, places = place_of(user, run, parent_key)
    columns = children_of(places, parent.key)
    wanted = [parent, *columns]
    cells = {(cell.node_id, cell.skill_id): cell for cell in _cells(run, [place.pk for place in wanted])}
    rows = [
        HeatRow(skill, found[0], found[1:])
        for skill in skills_of(run)
        for found in [[_heat(place, cells.get((place.pk, skill.pk)), chosen) for place in wanted]]
    ]
    by_key = {place.key: place for place in places}
    return HeatMap(chosen, parent, columns, rows, _trail(parent, by_key))


def _trail(place: Place, by_key: Mapping[str, Place]) -> list[Place]:
    trail = [place]
    while trail[0].parent_key is not None:
        trail.insert(0, by_key[trail[0].parent_key])
    return trail


def _cells(run: GapRun, nodes: Sequence[int]) -> QuerySet[GapCell]:
    return GapCell.objects.filter(run=run, node__in=nodes)


def skills_of(run: GapRun) -> list[Skill]:
    """The skills that a run compares, by number; one query."""
    return list(Skill.objects.filter(pk__in=SkillResult.objects.filter(run=run).values("skill")).order_by("number"))


def _heat(place: Place, cell: GapCell | None, block: Block) -> HeatCell:
    if cell is None:
        return HeatCell(None)
    if block is Block.DEMAND:
        return HeatCell(sum(_demand(cell)))
    if block is Block.GAP:
        gap = _gap(cell)
        return HeatCell(sum(gap) if gap is not None else None)
    value: int | None = getattr(cell, block.value)
    percent = round(100 * value / place.people) if value is not None and place.people else None
    return HeatCell(value, percent)


def _demand(cell: GapCell) -> ByLevel:
    return cell.demand_1, cell.demand_2, cell.demand_3


def _gap(cell: GapCell) -> ByLevel | None:
    if cell.gap_1 is None or cell.gap_2 is None or cell.gap_3 is None:
        return None
    return cell.gap_1, cell.gap_2, cell.gap_3


# ---------------------------------------------------------------------------------------- levels, head-count gap
@dataclass(frozen=True)
class LevelBlock:
    """People between two cuts of the classes: `lowest` to `highest` level, both included.

    A level of None is "not answered", which stands below level 0. `people` is None where hidden, as "all of them" is.
    """

    lowest: int | None
    highest: int | None
    people: int | None


@dataclass(frozen=True)
class LevelRow:
    """One skill at one place: the blocks that may be shown (none where hidden), and people at a level or higher."""

    skill: Skill
    blocks: list[LevelBlock]
    at_least: dict[int, int | None]


def levels(user: User, run: GapRun, key: str = WHOLE) -> tuple[Place, list[LevelRow]]:
    """Levels per skill at one place, by skill number; three queries. Http404 where the reader may not see it."""
    place, _places = place_of(user, run, key)
    cells = {cell.skill_id: cell for cell in _cells(run, [place.pk])}
    return place, [_level_row(skill, cells.get(skill.pk)) for skill in skills_of(run)]


def _level_row(skill: Skill, cell: GapCell | None) -> LevelRow:
    if cell is None or not cell.cuts:
        return LevelRow(skill, [], dict.fromkeys(rules.DEMAND_LEVELS))
    bounds = [0, *cell.cuts, rules.CLASSES]
    blocks = [
        LevelBlock(_level(low), _level(high - 1), people)
        for low, high, people in zip(bounds, bounds[1:], cell.blocks, strict=False)
    ]
    return LevelRow(skill, blocks, {1: cell.at_least_1, 2: cell.at_least_2, 3: cell.at_least_3})


def _level(index: int) -> int | None:
    """The level of a class; class 0 is "not answered"."""
    return index - 1 if index else None


@dataclass(frozen=True)
class GapRow:
    """One skill at one place, by level 1, 2, 3: heads asked for, and heads that nobody of the place covers.

    A person at a higher level covers a demand at a lower one, once. `gap` is None where hidden.
    """

    skill: Skill
    demand: ByLevel
    gap: ByLevel | None
    at_least: dict[int, int | None]

    @property
    def demand_total(self) -> int:
        """Heads asked for, of all levels."""
        return sum(self.demand)

    @property
    def gap_total(self) -> int | None:
        """Heads nobody covers, of all levels; None where hidden."""
        return sum(self.gap) if self.gap is not None else None


def headcount_gaps(user: User, run: GapRun, key: str = WHOLE) -> tuple[Place, list[GapRow]]:
    """Head-count gaps per skill at one place, by skill number; three queries. Http404 as for `levels`."""
    place, _places = place_of(user, run, key)
    return place, gap_rows(run, place)


def gap_rows(run: GapRun, place: Place) -> list[GapRow]:
    """The same for a place that `place_of` gave; two queries."""
    cells = {cell.skill_id: cell for cell in _cells(run, [place.pk])}
    return [_gap_row(skill, cells[skill.pk]) for skill in skills_of(run) if skill.pk in cells]


def _gap_row(skill: Skill, cell: GapCell) -> GapRow:
    at_least = {1: cell.at_least_1, 2: cell.at_least_2, 3: cell.at_least_3}
    return GapRow(skill, _demand(cell), _gap(cell), at_least)
