"""Mentors of a cycle: who may be one, how many people each has, who has none, what would be proposed."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypedDict, cast

from django.db.models import Case, Count, F, IntegerField, OuterRef, Q, QuerySet, Subquery, Value, When
from django.db.models.functions import Coalesce

from skillmap.assessment import mentor_rules
from skillmap.assessment.choices import CycleState, State
from skillmap.assessment.models import Assessment, Cycle, MentorPair
from skillmap.assessment.rules import EMPLOYERS_WITH_CHECK
from skillmap.assessment.selectors.participants import PLACE, groups_of, place_name, placed, with_check
from skillmap.core.choices import JobState
from skillmap.core.models import Job
from skillmap.people.choices import Grade, Occupation, StaffStatus
from skillmap.people.models import Staff
from skillmap.people.selectors import search

if TYPE_CHECKING:
    from django_stubs_ext import WithAnnotations

    class LoadColumns(TypedDict):
        """What `with_load` adds."""

        load: int

    class PairColumns(TypedDict):
        """What `mentee_rows` adds."""

        mentor_id: int | None
        mentor_name: str | None
        mentor_status: str | None
        deputy_id: int | None
        deputy_name: str | None

    LoadedStaff = WithAnnotations[Staff, LoadColumns]
    MenteeStaff = WithAnnotations[Staff, PairColumns]

PROPOSE_KIND = "assessment.propose_mentors"
MOST_OFFERED = 50


def eligible_mentors() -> QuerySet[Staff]:
    """Those who may mentor and are at work.

    Says in SQL what `mentor_rules.may_mentor` says; a test holds the two together.
    """
    may = Q(occupation=Occupation.EXPERT) | Q(occupation=Occupation.ICT, grade__gte=Grade.DEPUTY_MANAGER)
    return Staff.objects.at_work().filter(may, employer__in=EMPLOYERS_WITH_CHECK)


def with_load(mentors: QuerySet[Staff], cycle: Cycle) -> "QuerySet[LoadedStaff, LoadedStaff]":
    """Add `load`: how many people each mentors in the cycle (deputies not counted); in the same query."""
    pairs = (
        MentorPair.objects.active()
        .filter(cycle=cycle, mentor=OuterRef("pk"), is_deputy=False)
        .order_by()
        .values("mentor")
        .annotate(n=Count("pk"))
        .values("n")
    )
    loaded = mentors.annotate(load=Coalesce(Subquery(pairs, output_field=IntegerField()), Value(0)))
    return cast("QuerySet[LoadedStaff, LoadedStaff]", loaded)


def mentee_staff(cycle: Cycle) -> QuerySet[Staff]:
    """Everyone who takes part with 1on1: by the checks of an opened cycle, by the groups of a draft."""
    if cycle.state == CycleState.DRAFT:
        groups = groups_of(cycle)
        meeting = [index for index, group in enumerate(groups) if group.with_one_on_one]
        return cast("QuerySet[Staff]", placed(groups).filter(with_check(), place__in=meeting))
    checks = Assessment.objects.filter(cycle=cycle, group__with_one_on_one=True).exclude(state=State.WITHDRAWN)
    return Staff.objects.filter(pk__in=checks.values("staff_id"))


def mentee_rows(cycle: Cycle) -> "QuerySet[MenteeStaff, MenteeStaff]":
    """`mentee_staff` with `mentor_id`, `mentor_name`, `mentor_status`, `deputy_id`, `deputy_name`; one query."""
    pairs = MentorPair.objects.active().filter(cycle=cycle, mentee=OuterRef("pk"))
    main, deputy = pairs.filter(is_deputy=False), pairs.filter(is_deputy=True)
    rows = mentee_staff(cycle).annotate(
        mentor_id=Subquery(main.values("mentor_id")[:1]),
        mentor_name=Subquery(main.values("mentor__name")[:1]),
        mentor_status=Subquery(main.values("mentor__status")[:1]),
        deputy_id=Subquery(deputy.values("mentor_id")[:1]),
        deputy_name=Subquery(deputy.values("mentor__name")[:1]),
    )
    return cast("QuerySet[MenteeStaff, MenteeStaff]", rows)


def last_mentors(staff_ids: Iterable[int], *, besides: Cycle) -> dict[int, int]:
    """The mentor each person had at the end of the last cycle before this one; one query."""
    rows = (
        MentorPair.objects.filter(mentee__in=list(staff_ids), is_deputy=False)
        .exclude(cycle=besides)
        .filter(cycle__fiscal_year__lte=besides.fiscal_year)
        .filter(Q(ended_at=None) | Q(ended_at__gte=F("cycle__closed_at")))
        .order_by("cycle__fiscal_year", "started_at", "pk")
    )
    return dict(rows.values_list("mentee_id", "mentor_id"))


def _bureau(path: str) -> str:
    """The top of the tree above a unit, as its path: `/1/5/` -> `/1/`."""
    return "/".join(path.split("/")[:2]) + "/"


def proposals(cycle: Cycle, *, capacity: int | None = None) -> tuple[list[mentor_rules.Proposal], int]:
    """A mentor for everyone who has none, or whose mentor is away, and the capacity used; five queries."""
    columns = ("pk", "grade", "organisation__path", "organisation_id")
    missing = mentee_rows(cycle).filter(Q(mentor_id=None) | ~Q(mentor_status=StaffStatus.ACTIVE))
    rows = list(missing.order_by("organisation__path", "kana", "pk").values_list(*columns))
    last = last_mentors([row[0] for row in rows], besides=cycle)
    mentees = [
        mentor_rules.Mentee(pk, grade, _bureau(path), organisation, last.get(pk))
        for pk, grade, path, organisation in rows
    ]
    mentors = [
        mentor_rules.Mentor(pk, grade, _bureau(path), organisation, load)
        for pk, grade, path, organisation, load in with_load(eligible_mentors(), cycle)
        .order_by("pk")
        .values_list(*columns, "load")
    ]
    most = capacity if capacity is not None else mentor_rules.default_capacity(len(mentees), mentors)
    pairs = MentorPair.objects.active().filter(cycle=cycle).values_list("mentor_id", "mentee_id")
    return mentor_rules.propose(mentees, mentors, capacity=most, pairs=set(pairs)), most


def proposal_job(cycle: Cycle) -> Job | None:
    """The newest run of the proposal for a cycle, whoever asked for it; one query."""
    return Job.objects.filter(kind=PROPOSE_KIND, inputs__cycle=cycle.pk).order_by("-pk").first()


def stored_proposals(job: Job | None) -> Mapping[int, mentor_rules.Proposal]:
    """The proposals of a finished job by mentee."""
    if job is None or job.state != JobState.DONE:
        return {}
    return {
        mentee: mentor_rules.Proposal(mentee, mentor, tuple(reasons), load)
        for mentee, mentor, reasons, load in job.result.get("proposals", [])
    }


def may_mentor(staff: Staff) -> bool:
    """Whether a person may mentor, by occupation, grade and employer."""
    return mentor_rules.may_mentor(occupation=staff.occupation, grade=staff.grade, employer=staff.employer)


@dataclass(frozen=True)
class MentorLoad:
    """A mentor with the number of mentees in a cycle."""

    staff_id: int
    name: str
    number: str
    organisation: str
    load: int

    @property
    def label(self) -> str:
        """As a choice in a list."""
        return f"{self.name} ({self.organisation}・{self.load})"


@dataclass(frozen=True)
class Offer:
    """Mentors to choose from, the nearest first; `is_cut` where there are more."""

    mentors: list[MentorLoad]
    is_cut: bool


def mentors_offered(cycle: Cycle, mentee: Staff, *, words: str = "", chosen: int | None = None) -> Offer:
    """At most `MOST_OFFERED` who may mentor somebody, with their load; one query.

    Args:
        mentee: who is to have the mentor; read with `organisation`. Those of the same unit come first, then those of
            the units above it.
        words: narrows down to those whose name, kana or number holds them all.
        chosen: comes first, whatever the words.
    """
    steps = mentee.organisation.path.strip("/").split("/")
    above = ["/" + "/".join(steps[:depth]) + "/" for depth in range(len(steps), 0, -1)]
    near = [When(organisation__path__startswith=path, then=place) for place, path in enumerate(above)]
    fitting = search(eligible_mentors(), words)
    people = eligible_mentors().filter(Q(pk__in=fitting.values("pk")) | Q(pk=chosen)) if words and chosen else fitting
    rows = (
        with_load(people.exclude(pk=mentee.pk), cycle)
        .annotate(distance=Case(When(pk=chosen or 0, then=-1), *near, default=len(near), output_field=IntegerField()))
        .order_by("distance", "organisation__path", "kana", "pk")
        .values_list("pk", "name", "number", "load", *PLACE)[: MOST_OFFERED + 1]
    )
    found = [MentorLoad(pk, name, number, place_name(*place), load) for pk, name, number, load, *place in rows]
    return Offer(found[:MOST_OFFERED], len(found) > MOST_OFFERED)
