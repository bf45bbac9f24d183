"""The cycle board: who is at which step, whose turn it is, until when; levels only in the preview at the end."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, TypedDict, cast

from django.db.models import (
    Case,
    CharField,
    Count,
    DateField,
    Exists,
    F,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
    When,
)
from django.db.models.functions import Coalesce, Greatest

from skillmap.assessment import cycle_rules, rules
from skillmap.assessment.choices import CycleStep, SecondMeeting, State
from skillmap.assessment.models import Assessment, Cycle, CycleWindow, Extension, MentorPair, SkillRating
from skillmap.assessment.selectors.cycles import with_second_held
from skillmap.core import clock
from skillmap.people.choices import OrganisationKind, StaffStatus
from skillmap.people.models import Organisation
from skillmap.people.rules import fold

if TYPE_CHECKING:
    from django_stubs_ext import WithAnnotations

    class DueColumns(TypedDict):
        """What `with_due` adds."""

        second_held: bool
        due_step: str
        due_who: str
        due_on: date | None

    class PeopleColumns(DueColumns):
        """What `with_people` adds."""

        mentor_name: str | None
        mentor_status: str | None
        mentor_user: int | None
        deputy_user: int | None
        begun: bool

    DueCheck = WithAnnotations[Assessment, DueColumns]
    ListedCheck = WithAnnotations[Assessment, PeopleColumns]

FUNNEL = (State.DRAFT, State.SUBMITTED, State.REVIEWED, State.CORRECTED, State.CONFIRMED, State.RECEIVED)

# ----------------------------------------------------------------------------------------------------- whose turn


SECOND_HELD = Q(second_held=True)


def with_due(
    checks: QuerySet[Assessment], cycle: Cycle, windows: Mapping[str, rules.Window]
) -> "QuerySet[DueCheck, DueCheck]":
    """Add `second_held`, `due_step`, `due_who`, `due_on` (with the person's extension); in the same query.

    Says in SQL what `cycle_rules.due` says; a test holds the two together.
    """
    before = cycle.second_meeting == SecondMeeting.BEFORE
    meets = Q(group__with_one_on_one=True)
    waits_before = Q(pk__in=[]) if not before else Q(state=State.CORRECTED) & meets & ~SECOND_HELD
    waits_after = Q(pk__in=[]) if before else Q(state=State.CONFIRMED) & meets & ~SECOND_HELD
    step = Case(
        When(state=State.DRAFT, then=Value(CycleStep.SELF_CHECK.value)),
        When(meets, state=State.SUBMITTED, then=Value(CycleStep.FIRST_ONE_ON_ONE.value)),
        When(state=State.REVIEWED, then=Value(CycleStep.CORRECTION.value)),
        When(waits_before, then=Value(CycleStep.SECOND_ONE_ON_ONE.value)),
        When(state__in=[State.SUBMITTED, State.CORRECTED], then=Value(CycleStep.CONFIRMATION.value)),
        When(state=State.CONFIRMED, then=Value(CycleStep.SECOND_ONE_ON_ONE.value)),
        default=Value(""),
        output_field=CharField(),
    )
    who = Case(
        When(meets, state=State.SUBMITTED, then=Value(rules.MENTOR)),
        When(waits_before | waits_after, then=Value(rules.MENTOR)),
        When(state__in=[State.SUBMITTED, State.CORRECTED], then=Value(rules.SECRETARIAT)),
        When(state__in=[State.DRAFT, State.REVIEWED, State.CONFIRMED], then=Value(rules.SELF)),
        default=Value(""),
        output_field=CharField(),
    )
    closes = Case(
        *[When(due_step=name, then=Value(window.closes_on)) for name, window in windows.items()],
        default=None,
        output_field=DateField(null=True),
    )
    extended = Extension.objects.filter(assessment=OuterRef("pk"), step=OuterRef("due_step")).values("closes_on")[:1]
    due = (
        with_second_held(checks)
        .annotate(due_step=step, due_who=who)
        .annotate(window_closes=closes)
        .annotate(
            due_on=Greatest(
                "window_closes",
                Coalesce(Subquery(extended), F("window_closes"), output_field=DateField(null=True)),
                output_field=DateField(null=True),
            )
        )
    )
    return cast("QuerySet[DueCheck, DueCheck]", due)


def with_people(checks: "QuerySet[DueCheck, DueCheck]") -> "QuerySet[ListedCheck, ListedCheck]":
    """Add `mentor_name`, `mentor_status`, `mentor_user`, `deputy_user`, `begun` (any answer); in the same query."""
    pairs = MentorPair.objects.active().filter(cycle=OuterRef("cycle_id"), mentee=OuterRef("staff_id"))
    main, deputy = pairs.filter(is_deputy=False), pairs.filter(is_deputy=True)
    listed_checks = checks.annotate(
        mentor_name=Subquery(main.values("mentor__name")[:1]),
        mentor_status=Subquery(main.values("mentor__status")[:1]),
        mentor_user=Subquery(main.values("mentor__user_id")[:1]),
        deputy_user=Subquery(deputy.values("mentor__user_id")[:1]),
        begun=Exists(SkillRating.objects.filter(assessment=OuterRef("pk"), self_level__isnull=False)),
    )
    return cast("QuerySet[ListedCheck, ListedCheck]", listed_checks)


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
class BoardFigures:
    """All figures of a board."""

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


def figures(checks: QuerySet[Assessment], cycle: Cycle, windows: Mapping[str, rules.Window]) -> BoardFigures:
    """Figures over checks that the reader may see the progress of; two queries."""
    today = clock.today()
    active = Q(staff__status=StaffStatus.ACTIVE)
    going_on = ~Q(state__in=[State.RECEIVED, State.WITHDRAWN])
    pairs = MentorPair.objects.active().filter(
        cycle=OuterRef("cycle_id"), mentee=OuterRef("staff_id"), is_deputy=False, mentor__status=StaffStatus.ACTIVE
    )
    # Grouped by what decides whose turn it is: a hundred thousand checks then need no words made for each of them.
    met = Case(When(state__in=[State.CORRECTED, State.CONFIRMED], then=F("second_held")), default=Value(False))
    rows = list(
        with_due(checks, cycle, windows)
        .annotate(has_mentor=Exists(pairs), meets=F("group__with_one_on_one"), met=met)
        .values("organisation__path", "state", "meets", "met")
        .annotate(
            people=Count("pk"),
            late=_late(windows, today),
            absent=Count("pk", filter=~active & going_on),
            unmentored=Count(
                "pk", filter=Q(group__with_one_on_one=True, has_mentor=False) & going_on & ~Q(state=State.CONFIRMED)
            ),
        )
        .order_by()
    )
    names = _bureaus({row["organisation__path"] for row in rows})
    total = BureauLine(0, "", "")
    bureaus: dict[int, BureauLine] = {}
    waiting: dict[tuple[str, str], list[int]] = {}
    for row in rows:
        unit = names[row["organisation__path"]]
        line = bureaus.setdefault(unit.pk, BureauLine(unit.pk, unit.path, unit.name))
        for target in (line, total):
            target.states[row["state"]] = target.states.get(row["state"], 0) + row["people"]
            target.overdue += row["late"]
        due = cycle_rules.due(
            row["state"],
            with_one_on_one=row["meets"],
            second_before=cycle.second_meeting == SecondMeeting.BEFORE,
            second_held=row["met"],
        )
        if due is not None:
            found = waiting.setdefault((due.step, due.who), [0, 0])
            found[0] += row["people"]
            found[1] += row["late"]
    order = list(CycleStep.values)
    return BoardFigures(
        bureaus=sorted(bureaus.values(), key=lambda line: (-line.people, line.path)),
        total=total,
        waiting=[
            Waiting(step, who, *counts)
            for (step, who), counts in sorted(waiting.items(), key=lambda entry: order.index(entry[0][0]))
        ],
        absent=sum(row["absent"] for row in rows),
        without_mentor=sum(row["unmentored"] for row in rows),
    )


def _late(windows: Mapping[str, rules.Window], today: date) -> Count | Value:
    """How many checks wait at a step that is over, for them too: `due_on` before today, without reckoning every day."""
    over = [step for step, window in windows.items() if window.closes_on < today]
    if not over:
        return Value(0)
    longer = Extension.objects.filter(assessment=OuterRef("pk"), step=OuterRef("due_step"), closes_on__gte=today)
    return Count("pk", filter=Q(~Exists(longer), due_step__in=over))


def _bureaus(paths: Iterable[str]) -> dict[str, Organisation]:
    """The bureau (the topmost unit that is no mere heading) above each path; one query."""
    wanted = set(paths)
    ids = {int(part) for path in wanted for part in path.strip("/").split("/") if part}
    units = Organisation.objects.in_bulk(sorted(ids))
    found = {}
    for path in wanted:
        above = [units[int(part)] for part in path.strip("/").split("/")]
        found[path] = next((unit for unit in above if unit.kind != OrganisationKind.GROUP), above[-1])
    return found


# ------------------------------------------------------------------------------------------------------------- list


@dataclass(frozen=True)
class BoardFilter:
    """What the list is narrowed down to; empty values don't narrow."""

    state: str = ""
    organisation: str = ""  # a path
    step: str = ""
    who: str = ""
    group: int | None = None
    words: str = ""
    overdue: bool = False
    absent: bool = False
    without_mentor: bool = False


def listed(checks: "QuerySet[ListedCheck, ListedCheck]", wanted: BoardFilter) -> "QuerySet[ListedCheck, ListedCheck]":
    """Checks read through `with_due` and `with_people`, narrowed down, in the order of what is due first."""
    given = {
        "state": wanted.state,
        "organisation__path__startswith": wanted.organisation,
        "due_step": wanted.step,
        "due_who": wanted.who,
        "group": wanted.group,
    }
    checks = checks.filter(**{lookup: value for lookup, value in given.items() if value})
    for word in wanted.words.split()[:5]:
        checks = checks.filter(staff__search_key__contains=fold(word))
    if wanted.overdue:
        checks = checks.filter(due_on__lt=clock.today())
    if wanted.absent:
        checks = checks.exclude(staff__status=StaffStatus.ACTIVE).exclude(state__in=[State.RECEIVED, State.WITHDRAWN])
    if wanted.without_mentor:
        checks = checks.filter(
            Q(mentor_name=None) | ~Q(mentor_status=StaffStatus.ACTIVE), group__with_one_on_one=True
        ).exclude(state__in=[State.CONFIRMED, State.RECEIVED, State.WITHDRAWN])
    return checks.select_related("staff", "organisation__parent__parent", "group").order_by(
        F("due_on").asc(nulls_last=True), "organisation__path", "staff__kana", "pk"
    )


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
    """Checks that wait for the person or the mentor, of people at work; one query (in chunks where chosen by id)."""
    rows = with_people(with_due(Assessment.objects.filter(cycle=cycle), cycle, windows)).filter(
        due_who__in=[rules.SELF, rules.MENTOR], staff__status=StaffStatus.ACTIVE, due_on__isnull=False
    )
    columns = ("pk", "staff__name", "due_step", "due_who", "due_on", "staff__user_id", "mentor_user", "mentor_status")
    found: list[DueRow] = []
    for part in [None] if only is None else [only[i : i + 5000] for i in range(0, len(only), 5000)]:
        chosen = rows if part is None else rows.filter(pk__in=part)
        for pk, name, step, who, due_on, user, mentor, status, deputy in chosen.order_by("pk").values_list(
            *columns, "deputy_user"
        ):
            helper = mentor if status == StaffStatus.ACTIVE else deputy
            found.append(DueRow(pk, name, step, who, due_on, windows[step].opens_on, user, helper))
    return found
