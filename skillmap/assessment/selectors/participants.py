"""Who takes part in a cycle: the groups' conditions read against the people of today, and who is left out and why."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypedDict, cast

from django.db.models import Case, IntegerField, Q, QuerySet, Value, When

from skillmap.assessment import rules
from skillmap.assessment.models import Cycle, CycleGroup, MentorPair
from skillmap.core import clock
from skillmap.people.choices import StaffStatus
from skillmap.people.models import Designation, Organisation, Staff

if TYPE_CHECKING:
    from django_stubs_ext import WithAnnotations

    class PlaceColumns(TypedDict):
        """What `placed` adds."""

        place: int | None

    PlacedStaff = WithAnnotations[Staff, PlaceColumns]

NOBODY = Q(pk__in=[])
# For `place_name`: a unit and the two above it.
PLACE = ("organisation__name", "organisation__parent__name", "organisation__parent__parent__name")


def place_name(*names: str | None) -> str:
    """所属 from the values of `PLACE`, as `Organisation.full_name` writes it."""
    return " ".join(name for name in reversed(names) if name)


@dataclass(frozen=True)
class Person:
    """A participant, or somebody who is left out."""

    organisation: str
    staff_id: int
    number: str
    name: str
    organisation_id: int
    grade: int
    occupation: str
    status: str
    employer: str


@dataclass(frozen=True)
class LeftOut:
    """Somebody who fits a group and does not take part: on_leave, left, joining, no_check, other_group."""

    person: Person
    group: CycleGroup
    reason: str


@dataclass
class GroupPreview:
    """A group with its people."""

    group: CycleGroup
    people: list[Person] = field(default_factory=list)
    unknown_numbers: list[str] = field(default_factory=list)


@dataclass
class Participants:
    """Everyone in their group, everyone left out with the reason, and who has no mentor."""

    groups: list[GroupPreview] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    without_mentor: list[Person] = field(default_factory=list)

    @property
    def count(self) -> int:
        """How many take part."""
        return sum(len(preview.people) for preview in self.groups)

    def by_staff(self) -> dict[int, int]:
        """Staff id to group id."""
        return {person.staff_id: preview.group.pk for preview in self.groups for person in preview.people}


def groups_of(cycle: Cycle) -> list[CycleGroup]:
    """The groups in their order; one query."""
    return list(cycle.groups.order_by("sort_order", "pk"))


def _paths(groups: Sequence[CycleGroup]) -> dict[int, str]:
    wanted = {pk for group in groups for pk in group.selection.get("organisation_ids", [])}
    return dict(Organisation.objects.filter(pk__in=wanted).values_list("pk", "path")) if wanted else {}


def _fits(group: CycleGroup, paths: dict[int, str]) -> Q:
    """The condition of one group: everything that it gives. Who has left fits only where listed by number."""
    selection = group.selection
    if not any(selection.get(key) for key in ("occupations", "designations", "organisation_ids", "staff_numbers")):
        return NOBODY
    wanted = Q()
    if selection.get("occupations"):
        wanted &= Q(occupation__in=selection["occupations"])
    if selection.get("designations"):
        today = clock.today()
        held = Designation.objects.filter(
            Q(valid_to=None) | Q(valid_to__gt=today), kind__in=selection["designations"], valid_from__lte=today
        )
        wanted &= Q(pk__in=held.values("staff_id"))
    if selection.get("organisation_ids"):
        below = NOBODY
        for pk in selection["organisation_ids"]:
            if pk in paths:
                below |= Q(organisation__path__startswith=paths[pk])
        wanted &= below
    if selection.get("staff_numbers"):
        return wanted & Q(number__in=selection["staff_numbers"])
    return wanted & ~Q(status=StaffStatus.LEFT)


def placed(groups: Sequence[CycleGroup]) -> "QuerySet[PlacedStaff, PlacedStaff]":
    """People who fit a group, with `place`, the index of the first that they fit; at most one query before this one."""
    paths = _paths(groups)
    conditions = [_fits(group, paths) for group in groups]
    anywhere = NOBODY
    for condition in conditions:
        anywhere |= condition
    place = Case(
        *[When(condition, then=Value(index)) for index, condition in enumerate(conditions)],
        default=None,
        output_field=IntegerField(null=True),
    )
    return cast("QuerySet[PlacedStaff, PlacedStaff]", Staff.objects.filter(anywhere).annotate(place=place))


def with_check() -> Q:
    """Condition: at work, with an employer whose people are checked."""
    return Q(status=StaffStatus.ACTIVE, employer__in=rules.EMPLOYERS_WITH_CHECK)


def participants(cycle: Cycle) -> Participants:
    """Who would take part if the cycle were opened now; four queries at most.

    Someone who fits several groups is in the first of them.
    """
    groups = groups_of(cycle)
    found = Participants([GroupPreview(group) for group in groups])
    listed = [set(group.selection.get("staff_numbers", [])) for group in groups]
    seen: set[str] = set()
    columns = (
        "number",
        "name",
        "organisation_id",
        "grade",
        "occupation",
        "status",
        "employer",
    )
    rows = placed(groups).order_by("organisation__path", "kana", "pk").values_list("place", *PLACE, "pk", *columns)
    for place, unit, above, top, *values in rows.iterator(chunk_size=2000):
        person = Person(place_name(unit, above, top), *values)
        seen.add(person.number)
        reason = _left_out(person)
        if reason is None:
            found.groups[place].people.append(person)
            later = [group for index, group in enumerate(groups) if index > place and person.number in listed[index]]
            found.left_out += [LeftOut(person, group, "other_group") for group in later]
        else:
            found.left_out.append(LeftOut(person, groups[place], reason))
    for preview, numbers in zip(found.groups, listed, strict=True):
        only_listed = set(preview.group.selection) <= {"staff_numbers"}
        preview.unknown_numbers = sorted(numbers - seen) if only_listed else []
    found.without_mentor = _without_mentor(cycle, found)
    return found


def _without_mentor(cycle: Cycle, found: Participants) -> list[Person]:
    meeting = [preview for preview in found.groups if preview.group.with_one_on_one]
    pairs = MentorPair.objects.active().filter(cycle=cycle, is_deputy=False, mentor__status=StaffStatus.ACTIVE)
    mentored = set(pairs.values_list("mentee_id", flat=True)) if meeting else set()
    return [person for preview in meeting for person in preview.people if person.staff_id not in mentored]


def _left_out(person: Person) -> str | None:
    """Why somebody who fits a group does not take part."""
    if person.employer not in rules.EMPLOYERS_WITH_CHECK:
        return "no_check"
    return None if person.status == StaffStatus.ACTIVE else person.status
