"""What a run counts, read by SQL: the population with its levels, the demand, the places of its tree.

Which levels count, by basis:

* `confirmed`: the confirmed level of every check that was confirmed. A check that was reopened since keeps the levels
  confirmed before, for they stay valid meanwhile.
* `corrected` (tally before confirmation): of every check from submitted to received, the corrected level, or the self
  level where there is no corrected one.

Withdrawn checks, checks of tools only and people who have left count nowhere.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from itertools import repeat
from typing import Any, NamedTuple

from django.db.models import Case, Count, F, IntegerField, Q, QuerySet, Sum, TextField, Value, When
from django.db.models.expressions import Combinable
from django.db.models.functions import Cast, Chr, Coalesce, Concat

from skillmap.assessment.choices import CycleState, GroupItems, State
from skillmap.assessment.digits import DIGITS, NOT_ANSWERED
from skillmap.assessment.models import Assessment, Cycle, SkillRating
from skillmap.core.aggregates import Joined
from skillmap.core.chunks import chunks
from skillmap.core.suppression import Crowd, Cuts, Layout, Measure, Node, Published
from skillmap.framework.choices import ItemKind
from skillmap.framework.models import Framework, Skill
from skillmap.gaps import rules
from skillmap.gaps.choices import LevelBasis, ResponseState, SurveyState
from skillmap.gaps.models import DemandItem, DemandResponse, DemandSurvey, GapCell, GapNode, GapRun, PlaceInput
from skillmap.people.choices import StaffStatus
from skillmap.people.models import BureauGroup, Organisation

WHOLE = "whole"
WHOLE_NAMES = ("全体", "All")
CHUNK = 25_000  # people: enough for the database to share the work out, few enough for a short step
MOST_ITEMS = 60
CLASSES_OF_DIGITS = bytes.maketrans("".join(DIGITS.values()).encode(), bytes(map(rules.class_of, DIGITS)))
#: The character for a level of an item: the item's number times `STEP`, and the level, from the character `FIRST` on.
STEP, FIRST = 8, 64
#: Beyond it an item's number is no longer its distance from the first one: characters from 0xD800 on are no text.
MOST_SPREAD = 5000
COUNTED_BEFORE_CONFIRMATION = (State.SUBMITTED, State.REVIEWED, State.CORRECTED, State.CONFIRMED, State.RECEIVED)


# ---------------------------------------------------------------------------------------------------------- people
def items_of(framework: Framework) -> list[Skill]:
    """The items that are compared: digital skills by number."""
    return list(framework.skills.filter(kind=ItemKind.DIGITAL).order_by("number"))


def population(run: GapRun, occupations: Sequence[str]) -> QuerySet[Assessment]:
    """The checks whose levels count. A withdrawn one does not, even if confirmed before: its person left the cycle."""
    checks = Assessment.objects.filter(
        cycle=run.cycle_id,
        occupation__in=list(occupations),
        group__items__in=[GroupItems.DIGITAL, GroupItems.BOTH],
    )
    checks = checks.exclude(state=State.WITHDRAWN).exclude(staff__status=StaffStatus.LEFT)
    if run.basis == LevelBasis.CONFIRMED:
        return checks.filter(confirmed_at__isnull=False)
    return checks.filter(state__in=COUNTED_BEFORE_CONFIRMATION)


class Held(NamedTuple):
    """The people of one place as a run reads them: who, by id, and their levels as one text (see `PlaceInput`)."""

    organisation_id: int
    staff: list[int]
    levels: str


def inputs(
    run: GapRun, occupations: Sequence[str], items: Sequence[Skill], told: Callable[[int, int], object]
) -> list[Held]:
    """Everybody's levels as they are now, by the place of the main posting; places and people by id.

    Confirmed ones take one query, others one more for each `CHUNK` people.

    Args:
        told: called now and then with how many people are read, and of how many.

    Raises:
        ValueError: a check was confirmed, and its levels are not kept, or not those of the items.
    """
    if run.basis == LevelBasis.CONFIRMED:
        return _confirmed(population(run, occupations), len(items))
    return _so_far(population(run, occupations), items, told)


def _confirmed(checks: QuerySet[Assessment], width: int) -> list[Held]:
    """Confirmed levels, gathered by the database: one text for each place, with every person's id and levels."""
    text_of = partial(Value, output_field=TextField())
    person = Concat(Cast("staff_id", TextField()), text_of("="), Coalesce("confirmed_digits", text_of("")))
    rows = checks.values("staff__organisation_id").annotate(text=Joined(person, ",")).order_by("staff__organisation_id")
    found = []
    for place, text in rows.values_list("staff__organisation_id", "text"):
        parts = (each.partition("=") for each in text.split(","))
        people = sorted((int(staff), levels) for staff, _equals, levels in parts)
        if any(len(levels) != width for _staff, levels in people):
            raise ValueError(f"Somebody at organisation {place} was confirmed without a level for each item.")
        found.append(_held(place, people))
    return found


def _so_far(checks: QuerySet[Assessment], items: Sequence[Skill], told: Callable[[int, int], object]) -> list[Held]:
    """Levels before confirmation, read in chunks of people."""
    people = list(checks.order_by("pk").values_list("pk", "staff_id", "staff__organisation_id"))
    read, places = 0, dict[int, list[tuple[int, str]]]()
    for chunk in chunks(people, CHUNK):
        levels = _levels_so_far([check for check, _staff, _place in chunk], items)
        for (_check, staff, place), held in zip(chunk, levels, strict=True):
            places.setdefault(place, []).append((staff, held))
        read += len(chunk)
        told(read, len(people))
    return [_held(place, sorted(found)) for place, found in sorted(places.items())]


def _held(place: int, people: Sequence[tuple[int, str]]) -> Held:
    return Held(place, [staff for staff, _levels in people], "".join([levels for _staff, levels in people]))


def _levels_so_far(checks: Sequence[int], items: Sequence[Skill]) -> list[str]:
    """Corrected levels, else own ones, of checks by ascending id, gathered by the database; one query.

    It gives one text for each check, with a character for each level that there is, which tells the item and the level.
    """
    import numpy as np

    number, numbers = _numbered(items)
    rows = (
        SkillRating.objects.filter(assessment__gte=checks[0], assessment__lte=checks[-1], skill__in=items)
        .annotate(level=Coalesce("corrected_level", "self_level"))
        .filter(level__isnull=False)
        .values("assessment_id")
        .annotate(text=Joined(Chr(Cast(number * STEP + F("level") + FIRST, IntegerField()))))
        .order_by()
    )
    answered: list[int] = []
    texts: list[str] = []
    for check, text in rows.values_list("assessment_id", "text"):
        answered.append(check)
        texts.append(text)
    found = np.frombuffer(bytearray("".join(texts).encode("utf-32-le")), "<u4") - FIRST
    columns = np.zeros(max(numbers, default=0) + 1, np.intp)
    columns[numbers] = np.arange(len(numbers))
    digits = np.full((len(answered), len(items)), ord(NOT_ANSWERED), np.uint8)
    digits[np.repeat(np.arange(len(answered)), list(map(len, texts))), columns[found // STEP]] = (
        ord(DIGITS[0]) + found % STEP
    )
    joined, width = digits.tobytes().decode("ascii"), len(items)
    held = {check: joined[at * width : (at + 1) * width] for at, check in enumerate(answered)}
    return [held.get(check, NOT_ANSWERED * width) for check in checks]


def _numbered(items: Sequence[Skill]) -> tuple[Combinable, list[int]]:
    """A small number for each item, as the database finds it, and as it is: from their ids where these lie together."""
    ids = [item.pk for item in items]
    if ids and max(ids) - min(ids) > MOST_SPREAD:
        return Case(*[When(skill=pk, then=place) for place, pk in enumerate(ids)]), list(range(len(ids)))
    return F("skill_id") - min(ids, default=0), [pk - min(ids) for pk in ids]


@dataclass(frozen=True)
class OwnCounts:
    """People of a run by the organisation that they stand at.

    Attributes:
        sizes: people by organisation.
        by_item: for each item in order, people by organisation and class (not answered, then the levels).
    """

    sizes: dict[int, int]
    by_item: list[dict[int, list[int]]]


def own_counts(run: GapRun, items: Sequence[Skill]) -> OwnCounts:
    """Count the run's inputs; one query."""
    import numpy as np  # heavy: for the worker, not for every process that may read a run

    rows = list(PlaceInput.objects.filter(run=run).order_by("pk").values_list("organisation_id", "staff", "levels"))
    if not rows:
        return OwnCounts({}, [{} for _item in items])
    places = [place for place, _staff, _levels in rows]
    people = [len(staff) for _place, staff, _levels in rows]
    classes = np.frombuffer(classes_of("".join(levels for _place, _staff, levels in rows)), dtype=np.uint8)
    classes = classes.reshape(sum(people), len(items))
    first = np.repeat(np.arange(len(rows)) * rules.CLASSES, people)

    def count(column: Any) -> list[list[int]]:
        counted = np.bincount(first + column, minlength=len(rows) * rules.CLASSES)
        return counted.reshape(len(rows), rules.CLASSES).tolist()

    return OwnCounts(
        sizes=dict(zip(places, people, strict=True)),
        by_item=[dict(zip(places, count(column), strict=True)) for column in classes.T],
    )


def classes_of(levels: str) -> bytes:
    """The class of each level of a run's inputs, a byte each."""
    return levels.encode("ascii").translate(CLASSES_OF_DIGITS)


# ---------------------------------------------------------------------------------------------------------- demand
@dataclass(frozen=True)
class Answers:
    """How far the survey is answered, and heads asked for that the run leaves out (items it does not compare)."""

    asked: int
    submitted: int
    nothing: int
    left_out_heads: int


@dataclass(frozen=True)
class Demand:
    """What a survey says: organisations asked, the heads that count, how far it is answered, whether it still runs."""

    places: list[int]
    lines: list[rules.DemandLine]
    answers: Answers
    is_open: bool


def demand_of(survey: DemandSurvey, items: Sequence[Skill]) -> Demand:
    """What a survey says that was just read; four queries. The caller sees to it that nobody answers between them."""
    return Demand(
        places=list(survey.responses.values_list("organisation_id", flat=True)),
        lines=demand_lines(survey, items),
        answers=answers_of(survey, items),
        is_open=survey.state == SurveyState.OPEN,
    )


def demand_lines(survey: DemandSurvey, items: Iterable[Skill]) -> list[rules.DemandLine]:
    """Heads by organisation, item, level and business; one GROUP BY. Items are found by their code.

    Only answers that are submitted count: one that is being written, or has a question back, is not in yet.
    """
    numbers = {item.code: item.number for item in items}
    rows = (
        _counted_lines(survey)
        .filter(skill__code__in=list(numbers))
        .values("response__organisation_id", "skill__code", "level", "business")
        .annotate(heads=Sum("headcount"))
        .order_by("response__organisation_id", "skill__code", "level", "business")
    )
    return [
        rules.DemandLine(
            organisation=key_of(row["response__organisation_id"]),
            skill=numbers[row["skill__code"]],
            level=row["level"],
            headcount=row["heads"],
            business=row["business"],
        )
        for row in rows
    ]


def _counted_lines(survey: DemandSurvey) -> QuerySet[DemandItem]:
    return DemandItem.objects.filter(
        response__survey=survey, response__state=ResponseState.SUBMITTED, skill__kind=ItemKind.DIGITAL
    )


def answers_of(survey: DemandSurvey, items: Iterable[Skill]) -> Answers:
    """How far the survey is answered; two queries."""
    counts = DemandResponse.objects.filter(survey=survey).aggregate(
        asked=Count("pk"),
        submitted=Count("pk", filter=Q(state=ResponseState.SUBMITTED)),
        nothing=Count("pk", filter=Q(state=ResponseState.NONE)),
    )
    others = _counted_lines(survey).exclude(skill__code__in=[item.code for item in items])
    return Answers(**counts, left_out_heads=others.aggregate(heads=Sum("headcount"))["heads"] or 0)


def is_cycle_open(run: GapRun) -> bool:
    """Whether the run's cycle is open now, so that its levels may still change; one query."""
    return Cycle.objects.filter(pk=run.cycle_id, state=CycleState.OPEN).exists()


# ------------------------------------------------------------------------------------------------------------ tree
def key_of(organisation_id: int) -> str:
    """The key of an organisation's node."""
    return f"org-{organisation_id}"


def places(organisation_ids: Iterable[int]) -> list[GapNode]:
    """The tree above these organisations, not yet written: parents before children, `parent` left open; two queries.

    The whole, bureau groups, organisations without a parent (those without a group directly below the whole), and all
    below them on the way to the given ones. `depth` and `position` are set; `parent_of` tells who stands where.
    """
    units = {unit.pk: unit for unit in Organisation.objects.order_by("sort_order", "pk")}
    groups = {group.pk: group for group in BureauGroup.objects.order_by("sort_order", "pk")}
    wanted: set[int] = set()
    for pk in organisation_ids:
        current: int | None = pk
        while current is not None and current not in wanted:
            wanted.add(current)
            current = units[current].parent_id
    below: dict[int | None, list[Organisation]] = {}
    for unit in units.values():
        if unit.pk in wanted:
            below.setdefault(unit.parent_id, []).append(unit)
    nodes = [GapNode(key=WHOLE, name=WHOLE_NAMES[0], name_en=WHOLE_NAMES[1])]
    tops = below.get(None, [])
    for group in groups.values():
        members = [unit for unit in tops if unit.bureau_group_id == group.pk]
        if members:
            nodes.append(
                GapNode(key=f"group-{group.pk}", bureau_group=group, name=group.name, name_en=group.name_en, depth=1)
            )
            nodes += _below(members, below, 2)
    nodes += _below([unit for unit in tops if unit.bureau_group_id is None], below, 1)
    for position, node in enumerate(nodes):
        node.position = position
    return nodes


def _below(units: Sequence[Organisation], below: Mapping[int | None, list[Organisation]], depth: int) -> list[GapNode]:
    nodes = []
    for unit in units:
        nodes.append(GapNode(key=key_of(unit.pk), organisation=unit, name=unit.name, name_en=unit.name_en, depth=depth))
        nodes += _below(below.get(unit.pk, []), below, depth + 1)
    return nodes


def parents_of(nodes: Sequence[GapNode]) -> dict[Node, Node | None]:
    """Each node's parent by key, from order and depth of `places`."""
    trail: list[str] = []
    parents: dict[Node, Node | None] = {}
    for node in nodes:
        del trail[node.depth :]
        parents[node.key] = trail[-1] if trail else None
        trail.append(node.key)
    return parents


def raised(lines: Iterable[rules.DemandLine], parents: Mapping[Node, Node | None]) -> list[list[rules.DemandLine]]:
    """The lines as asked for by the places of each depth: all by the whole, then by those below it, and so on."""
    found: list[list[rules.DemandLine]] = []
    for line in lines:
        trail = [line.organisation]
        while (parent := parents[trail[0]]) is not None:
            trail.insert(0, parent)
        for depth, key in enumerate(trail):
            if depth == len(found):
                found.append([])
            # Businesses of several organisations stay apart.
            found[depth].append(replace(line, organisation=key, business=(line.organisation, line.business)))
    return found


# --------------------------------------------------------------------------------------------------- earlier runs
def earlier_runs(run: GapRun) -> list[GapRun]:
    """Published runs that a reader can compare this one with: those of the same cycle.

    In another cycle everybody is checked anew, so that no answer is taken for the same (see `Record.key`).
    """
    rows = GapRun.objects.filter(cycle=run.cycle_id, published_at__isnull=False).exclude(pk=run.pk)
    return list(rows.order_by("pk"))


def crowds(run: GapRun) -> Iterator[Crowd]:
    """Everybody of a run for comparison with others of its cycle.

    The person alone is the key: in all runs of a cycle the levels come from the same check.
    """
    rows = PlaceInput.objects.filter(run=run).order_by("pk").values_list("organisation_id", "staff", "levels")
    keys: list[int] = []
    nodes: list[str] = []
    levels: list[str] = []
    for place, staff, held in rows.iterator(chunk_size=200):
        keys += staff
        nodes += repeat(key_of(place), len(staff))
        levels.append(held)
        if len(keys) >= CHUNK:
            yield Crowd(keys, nodes, classes_of("".join(levels)))
            keys, nodes, levels = [], [], []
    if keys:
        yield Crowd(keys, nodes, classes_of("".join(levels)))


def published(
    run: GapRun, items: Sequence[Skill], watched: Callable[[Iterator[Crowd]], Iterator[Crowd]] = iter
) -> Published:
    """A published run as readers know it; two queries now, one when its records are read.

    Args:
        watched: sees the records pass.
    """
    nodes = list(GapNode.objects.filter(run=run).order_by("position"))
    numbers = {item.pk: item.number for item in items}
    keys = {node.pk: node.key for node in nodes}
    cuts: dict[Measure, dict[Node, Cuts]] = {number: {} for number in numbers.values()}
    shown = GapCell.objects.filter(node__run=run).exclude(cuts=[]).annotate(text=Cast("cuts", TextField()))
    known = cache(lambda text: tuple(json.loads(text)))  # few, often
    for node, skill, text in shown.values_list("node_id", "skill_id", "text"):
        cuts[numbers[skill]][keys[node]] = known(text)
    return Published(
        parents=parents_of(nodes),
        measures=list(numbers.values()),
        records=watched(crowds(run)),
        layout=Layout(frozenset(node.key for node in nodes if node.people is not None), dict(cuts)),
    )


def standings_of(run: GapRun, level: int) -> dict[int, int]:
    """By skill id, what readers of a published run know of the whole's people at a level or higher; two queries.

    The figure shown; where it is hidden and the run was about this very level, the one by which it ranked the skill.
    """
    cells = GapCell.objects.filter(node__run=run, node__parent=None)
    shown = dict(cells.values_list("skill_id", f"at_least_{level}"))
    ranked: dict[int, int | None] = {}
    if run.parameters["settings"]["supply_level"]["value"] == level:
        ranked = dict(run.skills.values_list("skill_id", "supply_standing"))
    return _known(ranked) | _known(shown)


def _known(figures: Mapping[int, int | None]) -> dict[int, int]:
    return {skill: figure for skill, figure in figures.items() if figure is not None}
