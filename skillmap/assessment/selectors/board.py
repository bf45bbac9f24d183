"""The cycle board: who is at which step, whose turn it is, until when; levels only in the preview at the end."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any, TypedDict, TypeVar, cast

from django.db.models import Case, Count, Exists, F, OuterRef, Q, QuerySet, Subquery, Sum, Value, When
from django.db.models.functions import Coalesce

from skillmap.assessment import rules
from skillmap.assessment.choices import CycleStep, State
from skillmap.assessment.models import Assessment, CheckCount, Cycle, CycleWindow, MentorPair, SkillRating
from skillmap.assessment.selectors.turns import NEEDS_MENTOR
from skillmap.core import clock
from skillmap.people.choices import OrganisationKind, StaffStatus
from skillmap.people.models import Organisation
from skillmap.people.rules import fold
from skillmap.people.selectors.organisations import top_of

if TYPE_CHECKING:
    from django_stubs_ext import WithAnnotations

    class PeopleColumns(TypedDict):
        """What `with_people` adds."""

        mentor_name: str | None
        mentor_status: str | None
        begun: bool

    ListedCheck = WithAnnotations[Assessment, PeopleColumns]

RowsT = TypeVar("RowsT", bound=QuerySet[Any])

FUNNEL = (State.DRAFT, State.SUBMITTED, State.REVIEWED, State.CORRECTED, State.CONFIRMED, State.RECEIVED)


def with_people(checks: QuerySet[Assessment]) -> "QuerySet[ListedCheck, ListedCheck]":
    """Add `mentor_name`, `mentor_status`, `begun` (any answer); in the same query."""
    listed_checks = checks.annotate(
        mentor_name=_of_pair("mentor__name"),
        mentor_status=_of_pair("mentor__status"),
        begun=Exists(SkillRating.objects.filter(assessment=OuterRef("pk"), self_level__isnull=False)),
    )
    return cast("QuerySet[ListedCheck, ListedCheck]", listed_checks)


def _of_pair(column: str, *, deputy: bool = False) -> Subquery:
    """A column of the pair in which a check's person is mentored now."""
    pairs = MentorPair.objects.active().filter(cycle=OuterRef("cycle_id"), mentee=OuterRef("staff_id"))
    return Subquery(pairs.filter(is_deputy=deputy).values(column)[:1])


def windows_and_cycle(cycle_id: int) -> tuple[Cycle | None, dict[str, rules.Window]]:
    """A cycle with its framework and windows in one query; (None, {}) where it has no window or is not there."""
    rows = list(CycleWindow.objects.filter(cycle=cycle_id).select_related("cycle__framework", "cycle__purpose_text"))
    windows = {row.step: rules.Window(row.opens_on, row.closes_on) for row in rows}
    return (rows[0].cycle if rows else None), windows


# ---------------------------------------------------------------------------------------------------------- figures


def _percent(part: int, whole: int) -> int:
    if part in (0, whole):
        return 100 if part else 0
    return min(max((part * 200 + whole) // (2 * whole), 1), 99)


@dataclass
class BureauLine:
    """A bureau with its people by state."""

    pk: int
    path: str
    name: str
    states: dict[str, int] = field(default_factory=dict)
    overdue: int = 0

    @property
    def people(self) -> int:
        """All who take part, the withdrawn left out."""
        return sum(n for state, n in self.states.items() if state != State.WITHDRAWN)

    @property
    def done(self) -> int:
        """Confirmed or received."""
        return self.states.get(State.CONFIRMED, 0) + self.states.get(State.RECEIVED, 0)

    @property
    def counts(self) -> list[int]:
        """People in the states of the funnel, in order."""
        return [self.states.get(state, 0) for state in FUNNEL]

    @property
    def percent(self) -> int:
        """Whole per cent of people who are done, half rounded up; 100 only when all are, 0 only when nobody is."""
        return _percent(self.done, self.people)


@dataclass(frozen=True)
class FunnelLine:
    """A state of the funnel: people in it now, and people who have come at least this far."""

    state: State
    now: int
    reached: int

    @property
    def bar(self) -> list[int]:
        """Those who went further, then those who are here, for the component `stacked_bar`."""
        return [self.reached - self.now, self.now]


def step_label(step: str) -> str:
    """A step in words; empty where a check waits for nothing."""
    return str(CycleStep(step).label) if step else ""


@dataclass(frozen=True)
class Waiting:
    """Checks that wait for somebody at a step."""

    step: str
    who: str
    count: int
    overdue: int

    @property
    def step_label(self) -> str:
        """The step in words."""
        return step_label(self.step)


@dataclass(frozen=True)
class Kind:
    """Checks of a bureau that stand at the same."""

    path: str
    state: str
    step: str
    who: str
    late: bool
    people: int


@dataclass(frozen=True)
class BoardFigures:
    """All figures of a board."""

    kinds: list[Kind]

    bureaus: list[BureauLine]
    total: BureauLine
    waiting: list[Waiting]
    absent: int
    without_mentor: int

    @property
    def funnel(self) -> list[FunnelLine]:
        """The states in order, with how many have come at least this far."""
        counts = self.total.counts
        return [FunnelLine(state, counts[i], sum(counts[i:])) for i, state in enumerate(FUNNEL)]

    @property
    def overdue(self) -> int:
        """Checks whose step is over its time."""
        return self.total.overdue

    def listed(self, wanted: "BoardFilter") -> int | None:
        """How many `listed` leaves; None where the kept counts don't tell. Of organisations it knows the bureaus."""
        if not wanted.is_counted:
            return None
        return sum(kind.people for kind in self.kinds if wanted.takes(kind))


def figures(counts: QuerySet[CheckCount], checks: QuerySet[Assessment], cycle: Cycle) -> BoardFigures:
    """Figures over what the reader may see the progress of: the same checks, as kept counts and as rows; three queries.

    Nothing is read of every check: the counts are kept, and whoever is absent or without a mentor is one of few.
    """
    tops = _tops()
    headings = {unit.path: unit.pk for unit in tops.values() if unit.kind == OrganisationKind.GROUP}
    late = Case(When(due_on__lt=clock.today(), then=Value(True)), default=Value(False))
    rows = (
        counts.annotate(bureau=top_of("organisation__path", headings), late=late)
        .values_list("bureau", "state", "due_step", "due_who", "late")
        .annotate(n=Sum("people"))
        .filter(n__gt=0)
        .order_by()
    )
    kinds = [Kind(tops[bureau].path, *kind) for bureau, *kind in rows]
    bureaus = {unit.path: BureauLine(unit.pk, unit.path, unit.name) for unit in tops.values()}
    total = BureauLine(0, "", "")
    waiting: dict[tuple[str, str], list[int]] = {}
    for kind in kinds:
        over = kind.people if kind.late else 0
        for line in (bureaus[kind.path], total):
            line.states[kind.state] = line.states.get(kind.state, 0) + kind.people
            line.overdue += over
        if kind.step:
            found = waiting.setdefault((kind.step, kind.who), [0, 0])
            found[0] += kind.people
            found[1] += over
    order = list(CycleStep.values)
    return BoardFigures(
        kinds=kinds,
        bureaus=sorted((line for line in bureaus.values() if line.states), key=lambda line: (-line.people, line.path)),
        total=total,
        waiting=[
            Waiting(step, who, *numbers)
            for (step, who), numbers in sorted(waiting.items(), key=lambda entry: order.index(entry[0][0]))
        ],
        **_few(checks, cycle),
    )


def _few(checks: QuerySet[Assessment], cycle: Cycle) -> dict[str, int]:
    """How many are absent, and how many without a mentor at work; one query."""
    lacking, away = checks.filter(lacks_mentor=True), checks.filter(_mentor_away(cycle))
    counts = {"absent": _absent(checks), "lacking": lacking, "away": away}
    found = (
        Cycle.objects.filter(pk=cycle.pk)
        .annotate(**{name: _count_of(rows) for name, rows in counts.items()})
        .values(*counts)
        .get()
    )
    return {"absent": found["absent"], "without_mentor": found["lacking"] + found["away"]}


def _count_of(checks: QuerySet[Assessment]) -> Coalesce:
    return Coalesce(Subquery(checks.order_by().values("cycle").annotate(n=Count("*")).values("n")), 0)


def _absent(checks: RowsT) -> RowsT:
    """Of people who are not at work, while something is still to be done."""
    return checks.exclude(staff__status=StaffStatus.ACTIVE).exclude(state__in=[State.RECEIVED, State.WITHDRAWN])


def _mentor_away(cycle: Cycle) -> Q:
    """Condition: there is a mentor, who is needed and not at work."""
    pairs = MentorPair.objects.active().filter(cycle=cycle, is_deputy=False).exclude(mentor__status=StaffStatus.ACTIVE)
    return Q(staff__in=pairs.values("mentee"), group__with_one_on_one=True, state__in=NEEDS_MENTOR)


def _tops() -> dict[int, Organisation]:
    """The bureaus, which stand below nothing or a mere heading, and the headings; one query."""
    group = OrganisationKind.GROUP
    tops = Organisation.objects.filter(Q(parent=None) | Q(kind=group) | Q(parent__kind=group))
    return {unit.pk: unit for unit in tops}


# ------------------------------------------------------------------------------------------------------------- list


@dataclass(frozen=True)
class BoardFilter:
    """What the list is narrowed down to; empty values don't narrow."""

    state: str = ""
    organisation: str = ""  # a path
    step: str = ""
    who: str = ""
    words: str = ""
    overdue: bool = False
    absent: bool = False
    without_mentor: bool = False

    @property
    def is_counted(self) -> bool:
        """Whether the kept counts tell how many are left."""
        return not (self.words.split() or self.absent or self.without_mentor)

    def takes(self, kind: Kind) -> bool:
        """Whether it leaves checks of a kind."""
        return (
            self.state in ("", kind.state)
            and self.organisation in ("", kind.path)
            and self.step in ("", kind.step)
            and self.who in ("", kind.who)
            and (kind.late or not self.overdue)
        )

    def narrowed(self, rows: RowsT) -> RowsT:
        """Checks, or counts of them, by what both know."""
        given = {
            "state": self.state,
            "organisation__path__startswith": self.organisation,
            "due_step": self.step,
            "due_who": self.who,
        }
        rows = rows.filter(**{lookup: value for lookup, value in given.items() if value})
        return rows.filter(due_on__lt=clock.today()) if self.overdue else rows


def listed(
    checks: "QuerySet[ListedCheck, ListedCheck]", cycle: Cycle, wanted: BoardFilter
) -> "QuerySet[ListedCheck, ListedCheck]":
    """Checks read through `with_people`, narrowed down, in the order of what is due first.

    Of one day in the order in which they were taken into the cycle: that of the organisations at its opening.
    """
    checks = wanted.narrowed(checks)
    for word in wanted.words.split()[:5]:
        checks = checks.filter(staff__search_key__contains=fold(word))
    if wanted.absent:
        checks = _absent(checks)
    if wanted.without_mentor:
        checks = checks.filter(Q(lacks_mentor=True) | _mentor_away(cycle))
    return checks.select_related("staff", "organisation__parent__parent", "group").order_by(
        F("due_on").asc(nulls_last=True), "pk"
    )


def listed_count(counts: QuerySet[CheckCount], wanted: BoardFilter) -> int | None:
    """How many `listed` leaves, told by the kept counts of the same checks; None where they don't tell. One query."""
    if not wanted.is_counted:
        return None
    return int(wanted.narrowed(counts).aggregate(n=Coalesce(Sum("people"), 0))["n"])


@dataclass(frozen=True)
class DueRow:
    """One check that waits for somebody, for reminders."""

    check_id: int
    name: str
    step: str
    who: str
    due_on: date
    opens_on: date
    user_id: int | None
    mentor_user: int | None


def due_rows(cycle: Cycle, windows: Mapping[str, rules.Window], *, only: Sequence[int] | None = None) -> list[DueRow]:
    """Checks that wait for the person or the mentor, of people at work; one query (in chunks where chosen by id).

    The deputy stands in for a mentor who is away; where both are away there is nobody to write to.
    """
    rows = Assessment.objects.annotate(
        mentor_status=_of_pair("mentor__status"),
        mentor_user=_of_pair("mentor__user_id"),
        deputy_status=_of_pair("mentor__status", deputy=True),
        deputy_user=_of_pair("mentor__user_id", deputy=True),
    ).filter(
        cycle=cycle, due_who__in=[rules.SELF, rules.MENTOR], staff__status=StaffStatus.ACTIVE, due_on__isnull=False
    )
    columns = ("pk", "staff__name", "due_step", "due_who", "due_on", "staff__user_id")
    helpers = ("mentor_user", "mentor_status", "deputy_user", "deputy_status")
    found: list[DueRow] = []
    for part in [None] if only is None else [only[i : i + 5000] for i in range(0, len(only), 5000)]:
        chosen = rows if part is None else rows.filter(pk__in=part)
        for pk, name, step, who, due_on, user, *both in chosen.order_by("pk").values_list(*columns, *helpers):
            helper = _at_work(*both)
            found.append(DueRow(pk, name, step, who, due_on, windows[step].opens_on, user, helper))
    return found


def _at_work(mentor: int | None, status: str | None, deputy: int | None, deputy_status: str | None) -> int | None:
    """The account of whoever mentors at present: the mentor, else the deputy; None where neither is at work."""
    if status == StaffStatus.ACTIVE:
        return mentor
    return deputy if deputy_status == StaffStatus.ACTIVE else None
