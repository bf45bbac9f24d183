"""The computation of a gap run: read what counts, compare, suppress, store what may be shown.

Everybody's levels are read into the run's inputs, and all else is computed from these: a run can be checked against its
inputs at any time. What may be shown is stored whole in the last transaction; a run that is interrupted
leaves its inputs at most, and begins anew. Hidden numbers are stored nowhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils.translation import gettext as _

from skillmap.core import bulk, clock
from skillmap.core.choices import JobState
from skillmap.core.collector import collector_resting
from skillmap.core.locks import queue_to_change
from skillmap.core.suppression import Crowd, Cube, History, Node, Suppressed, suppress
from skillmap.framework.models import Skill
from skillmap.gaps import gap_rules, rules
from skillmap.gaps.models import DemandSurvey, GapCell, GapNode, GapRun, PlaceInput, SkillResult
from skillmap.gaps.selectors import counting

BATCH = 1000
NODE_COLUMNS = (
    *("id", "run_id", "parent_id", "key", "organisation_id", "bureau_group_id"),
    *("name", "name_en", "depth", "position", "people"),
)
CELL_COLUMNS = (
    *("node_id", "skill_id", "cuts", "blocks"),
    *(f"{figure}_{level}" for figure in ("at_least", "demand", "gap") for level in rules.DEMAND_LEVELS),
)
CLASSES_OF_DEMAND = [rules.class_of(level) for level in rules.DEMAND_LEVELS]
UNKNOWN = (None,) * len(rules.DEMAND_LEVELS)
#: Progress in per cent at the end of each part.
READ, COUNTED, COMPARED, SUPPRESSED, STORED = 40, 50, 55, 95, 100


class Report(Protocol):
    """How a run tells how far it is; raises when it must stop (see `core.jobs.JobRun.progress`)."""

    def __call__(self, done: int, total: int, message: object = "") -> None:
        """Called between and inside the transactions that write."""


@dataclass
class Comparison:
    """A run on its way: what is counted, and what of it may be shown."""

    run: GapRun
    items: list[Skill]
    parameters: rules.Parameters
    demand: counting.Demand
    nodes: list[GapNode]
    parents: dict[Node, Node | None]
    cube: Cube
    was_open: dict[str, bool]
    earlier: list[GapRun] = field(default_factory=list)

    @property
    def numbers(self) -> list[int]:
        """The items' numbers, in order."""
        return [item.number for item in self.items]

    @property
    def lines(self) -> list[rules.DemandLine]:
        """The heads asked for."""
        return self.demand.lines

    @property
    def root(self) -> Node:
        """The whole."""
        return rules.whole(self.cube)


def settings_of(run: GapRun) -> tuple[rules.Parameters, list[str]]:
    """The run's parameters, and the occupations of its population."""
    values = {name: entry["value"] for name, entry in run.parameters["settings"].items()}
    numerator, denominator = values["top_share"]
    parameters = rules.Parameters(
        supply_level=values["supply_level"], top_numerator=numerator, top_denominator=denominator, k=values["k"]
    )
    return parameters, values["population"]


def compute(run: GapRun, report: Report) -> dict[str, Any]:
    """Compute a run that was asked for; a finished one is left as it is. Returns a summary for the job's row.

    Args:
        report: called with per cent done; whatever it raises undoes the part under way.
    """
    if run.finished_at is not None:
        return _summary(run)
    moment = clock.now()
    with collector_resting():
        cycle_open = counting.is_cycle_open(run)  # before the levels: closed while they are read, it was open
        _read(run, report)
        comparison = _count(run, report, cycle_open=cycle_open)
        shown = _suppress(comparison, report)
        _store(comparison, shown, report, moment)
    return _summary(GapRun.objects.get(pk=run.pk))


def discard(run: GapRun) -> None:
    """Drop the inputs of a run that will not be finished: they are people's levels."""
    with transaction.atomic():
        if not GapRun.objects.select_for_update().filter(pk=run.pk, finished_at__isnull=False).exists():
            PlaceInput.objects.filter(run=run).delete()


def runs_left_behind() -> list[GapRun]:
    """Runs that have ended without a result and still hold people's levels; one query."""
    ended = [JobState.CANCELLED, JobState.FAILED, JobState.DEAD]
    held = Exists(PlaceInput.objects.filter(run=OuterRef("pk")))
    return list(GapRun.objects.filter(held, finished_at=None, job__state__in=ended))


def _summary(run: GapRun) -> dict[str, Any]:
    proposed = SkillResult.objects.filter(run=run, is_proposed=True).order_by("demand_rank")
    return {"run": run.pk, "people": run.people, "proposed": list(proposed.values_list("skill__code", flat=True))}


# ------------------------------------------------------------------------------------------------------------ read
def _read(run: GapRun, report: Report) -> None:
    """Copy everybody's levels of this moment.

    The transaction that writes reports first: that holds the job's row, so that no other worker can take it over before
    all is written, and one who did finds nobody writing beside it.
    """
    _parameters, occupations = settings_of(run)
    items = counting.items_of(run.framework)

    def told(read: int, people: int) -> None:
        report(READ * read // people, STORED, _("Reading levels"))

    report(0, STORED, _("Reading levels"))
    places = counting.inputs(run, occupations, items, told)
    with transaction.atomic():
        report(READ, STORED, _("Reading levels"))
        PlaceInput.objects.filter(run=run).delete()
        bulk.append(PlaceInput, ("organisation_id", "staff", "levels"), places, same={"run_id": run.pk})


# ----------------------------------------------------------------------------------------------------------- count
def _count(run: GapRun, report: Report, *, cycle_open: bool) -> Comparison:
    """Count people and demand by SQL, and sum up the tree."""
    parameters, _occupations = settings_of(run)
    items = counting.items_of(run.framework)
    report(READ, STORED, _("Counting supply and demand"))
    own = counting.own_counts(run, items)
    demand = _demand(run, items)
    nodes = counting.places([*own.sizes, *demand.places])
    parents = counting.parents_of(nodes)
    report(COUNTED, STORED, _("Counting supply and demand"))
    cube = Cube.rolled_up(
        parents,
        rules.CLASSES,
        {counting.key_of(unit): people for unit, people in own.sizes.items()},
        {
            item.number: {counting.key_of(unit): counts for unit, counts in by_place.items()}
            for item, by_place in zip(items, own.by_item, strict=True)
        },
    )
    return Comparison(
        run=run,
        items=items,
        parameters=parameters,
        demand=demand,
        nodes=nodes,
        parents=parents,
        cube=cube,
        was_open={"cycle": cycle_open, "survey": demand.is_open},
        earlier=counting.earlier_runs(run),
    )


def _demand(run: GapRun, items: Sequence[Skill]) -> counting.Demand:
    """What the survey says at one moment: while it is read, whoever writes an answer waits."""
    with transaction.atomic():
        queue_to_change(DemandSurvey)
        survey = DemandSurvey.objects.select_for_update().get(pk=run.survey_id)
        return counting.demand_of(survey, items)


# -------------------------------------------------------------------------------------------------------- suppress
def _suppress(comparison: Comparison, report: Report) -> Suppressed:
    """What may be shown, item by item: nothing published ties items together but the sizes of groups."""
    parameters, numbers = comparison.parameters, comparison.numbers

    def watched() -> Iterator[int]:
        """The items; the run tells how far it is when the next one is asked for."""
        for place, number in enumerate(numbers):
            percent = COMPARED + (SUPPRESSED - COMPARED) * place // len(numbers)
            report(percent, STORED, _("Protecting small groups"))
            yield number

    history = _history(comparison, report)
    cut = rules.class_of(parameters.supply_level)
    return suppress(comparison.cube, k=parameters.k, cut=cut, measures=watched(), history=history)


def _history(comparison: Comparison, report: Report) -> History | None:
    if not comparison.earlier:
        return None

    def watched(crowds: Iterable[Crowd]) -> Iterator[Crowd]:
        """The same people; while many are read the run stays alive."""
        for crowd in crowds:
            report(COUNTED, STORED, _("Comparing with earlier runs"))
            yield crowd

    known = [counting.published(run, comparison.items, watched) for run in comparison.earlier]
    return History(
        comparison.parents, comparison.numbers, rules.CLASSES, watched(counting.crowds(comparison.run)), known
    )


# ----------------------------------------------------------------------------------------------------------- store
def _store(comparison: Comparison, shown: Suppressed, report: Report, moment: datetime) -> None:
    """Write places, cells and results, and finish the run, in one transaction."""
    run = comparison.run
    cells = _cells(comparison, shown)
    results = _results(comparison, shown)
    with transaction.atomic():
        report(STORED, STORED, _("Storing the result"))
        _write_nodes(comparison, shown)
        ids = {node.key: node.pk for node in comparison.nodes}
        bulk.append(GapCell, CELL_COLUMNS, ((ids[str(key)], *figures) for key, figures in cells))
        SkillResult.objects.bulk_create(results, batch_size=BATCH)
        GapRun.objects.filter(pk=run.pk, finished_at=None).update(
            snapshot_at=moment,
            finished_at=clock.now(),
            people=shown.size(comparison.root),
            parameters=_printed(comparison),
        )


def _printed(comparison: Comparison) -> dict[str, Any]:
    """What is printed beside the result: the settings, and what the run found on its way."""
    answers = comparison.demand.answers
    return {
        **comparison.run.parameters,
        "items": len(comparison.items),
        "top": comparison.parameters.top(len(comparison.items)),
        "answers": {
            "asked": answers.asked,
            "submitted": answers.submitted,
            "nothing": answers.nothing,
            "left_out_heads": answers.left_out_heads,
        },
        "history": [run.pk for run in comparison.earlier],
        "open": comparison.was_open,
    }


def _write_nodes(comparison: Comparison, shown: Suppressed) -> None:
    """Write the places; their ids are known before, since each names its parent."""
    ids: dict[Node | None, int | None] = {None: None}
    for node, pk in zip(comparison.nodes, bulk.reserve(GapNode, len(comparison.nodes)), strict=True):
        ids[node.key] = node.pk = pk
        node.run, node.people = comparison.run, shown.size(node.key)
        node.parent_id = ids[comparison.parents[node.key]]  # parents stand before their children
    bulk.append(GapNode, NODE_COLUMNS, ([getattr(node, name) for name in NODE_COLUMNS] for node in comparison.nodes))


def _cells(comparison: Comparison, shown: Suppressed) -> list[tuple[Node, list[Any]]]:
    """The figures of each place and item that has any, with the place's key.

    A gap only where it follows from what is shown.
    """
    asked: dict[tuple[Node, rules.Skill], gap_rules.Gap] = {}
    gaps: dict[tuple[Node, rules.Skill], gap_rules.Gap | None] = {}
    for lines in counting.raised(comparison.lines, comparison.parents):
        found = gap_rules.gaps(comparison.cube, lines)
        asked |= found.by_organisation
        gaps |= gap_rules.published(found, shown, comparison.root).by_organisation
    nothing = gap_rules.Gap((0, 0, 0), (0, 0, 0))
    cells: list[tuple[Node, list[Any]]] = []
    for node in comparison.nodes:
        for item in comparison.items:
            place = (node.key, item.number)
            if place not in asked and node.key not in shown.cuts[item.number]:
                continue
            wanted, gap = asked.get(place, nothing).wanted, gaps.get(place, nothing)
            cells.append((node.key, _figures(node.key, item, shown, wanted, gap)))
    return cells


def _figures(node: Node, item: Skill, shown: Suppressed, wanted: rules.ByLevel, gap: gap_rules.Gap | None) -> list[Any]:
    """What a cell holds, in the order of `CELL_COLUMNS` from the item on."""
    uncovered: Sequence[int | None] = gap.uncovered if gap is not None else UNKNOWN
    cuts = shown.cuts[item.number].get(node)
    if not cuts:
        return [item.pk, (), (), *UNKNOWN, *wanted, *uncovered]
    at_least = [shown.at_least(node, item.number, low) for low in CLASSES_OF_DEMAND]
    return [item.pk, cuts, shown.by_block(node, item.number), *at_least, *wanted, *uncovered]


def _results(comparison: Comparison, shown: Suppressed) -> list[SkillResult]:
    """Ranks, proposals and the gaps of the whole."""
    parameters, cube = comparison.parameters, comparison.cube
    supplied = rules.supply(cube, shown, parameters, _standings(comparison))
    demanded = rules.demand(comparison.lines, comparison.numbers)
    proposed = {each.skill for each in rules.propose(demanded, supplied, parameters)}
    found = gap_rules.gaps(cube, comparison.lines)
    seen = gap_rules.published(found, shown, comparison.root)
    return [
        SkillResult(
            run=comparison.run,
            skill=item,
            demand=demanded[item.number].headcount,
            businesses=demanded[item.number].businesses,
            demand_rank=demanded[item.number].rank,
            supply=supplied[item.number].people,
            supply_standing=supplied[item.number].standing,
            supply_rank=supplied[item.number].rank,
            is_proposed=item.number in proposed,
            gaps=_gaps_of(item.number, found, seen),
        )
        for item in comparison.items
    ]


def _gaps_of(number: int, found: gap_rules.Gaps, seen: gap_rules.PublishedGaps) -> dict[str, list[int] | None]:
    if number not in found.overall:
        return {"wanted": [0, 0, 0], "overall": [0, 0, 0], "within": [0, 0, 0]}
    overall, within = seen.overall[number], seen.within[number]
    return {
        "wanted": list(found.overall[number].wanted),
        "overall": list(overall.uncovered) if overall is not None else None,
        "within": list(within.uncovered) if within is not None else None,
    }


def _standings(comparison: Comparison) -> dict[rules.Skill, int] | None:
    """By item, the figure by which earlier runs that readers know ranked it; None where they know of no run.

    The newest run counts, one over the same occupations before any other.
    """
    if not comparison.earlier:
        return None
    _parameters, population = settings_of(comparison.run)
    numbers = {item.pk: item.number for item in comparison.items}
    found: dict[rules.Skill, int] = {}
    for run in sorted(comparison.earlier, key=lambda each: (settings_of(each)[1] == population, each.pk)):
        known = counting.standings_of(run, comparison.parameters.supply_level)
        found |= {numbers[skill]: figure for skill, figure in known.items() if skill in numbers}
    return found
