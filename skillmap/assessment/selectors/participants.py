"""Who takes part in a cycle: the groups' conditions read against the people of today, and who is left out and why."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Q, QuerySet

from skillmap.assessment.models import Cycle, CycleGroup, MentorPair
from skillmap.core import clock
from skillmap.people.choices import Employer, StaffStatus
from skillmap.people.models import Designation, Organisation, Staff

# Municipalities and affiliated bodies take part in courses and the community, without a check.
EMPLOYERS_WITH_CHECK = (Employer.GOVERNMENT, Employer.GOVTECH)
CHUNK = 5000


@dataclass(frozen=True)
class Person:
    """A participant, or somebody who is left out."""

    staff_id: int
    number: str
    name: str
    organisation_id: int
    organisation: str
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


def participants(cycle: Cycle) -> Participants:
    """Who would take part if the cycle were opened now; some queries per group, none per person.

    Someone who fits several groups is in the first of them.
    """
    found = Participants()
    placed: dict[int, CycleGroup] = {}
    for group in cycle.groups.order_by("sort_order", "pk"):
        preview = GroupPreview(group)
        seen_numbers: set[str] = set()
        for person in _fitting(group):
            seen_numbers.add(person.number)
            reason = "other_group" if person.staff_id in placed else _left_out(person)
            if reason is None:
                placed[person.staff_id] = group
                preview.people.append(person)
            else:
                found.left_out.append(LeftOut(person, group, reason))
        listed = group.selection.get("staff_numbers", [])
        if listed and not _other_conditions(group.selection):
            preview.unknown_numbers = [number for number in listed if number not in seen_numbers]
        found.groups.append(preview)
    mentored = set(MentorPair.objects.active().filter(cycle=cycle, is_deputy=False).values_list("mentee_id", flat=True))
    found.without_mentor = [
        person
        for preview in found.groups
        if preview.group.with_one_on_one
        for person in preview.people
        if person.staff_id not in mentored
    ]
    return found


def _other_conditions(selection: Mapping[str, object]) -> bool:
    return any(selection.get(key) for key in ("occupations", "designations", "organisation_ids"))


def _left_out(person: Person) -> str | None:
    """Why somebody who fits a group does not take part."""
    if person.employer not in EMPLOYERS_WITH_CHECK:
        return "no_check"
    return None if person.status == StaffStatus.ACTIVE else person.status


def _fitting(group: CycleGroup) -> Iterator[Person]:
    """The people who fit every condition that a group gives, in the order of their organisation and name.

    Those who have left are looked at only where they are listed by number.
    """
    numbers: Sequence[str] = group.selection.get("staff_numbers", [])
    rows = _conditions(group.selection, Staff.objects.all())
    if not numbers:
        yield from _people(rows.exclude(status=StaffStatus.LEFT) if _other_conditions(group.selection) else rows.none())
        return
    for start in range(0, len(numbers), CHUNK):
        yield from _people(rows.filter(number__in=numbers[start : start + CHUNK]))


def _conditions(selection: Mapping[str, Sequence[Any]], rows: QuerySet[Staff]) -> QuerySet[Staff]:
    if selection.get("occupations"):
        rows = rows.filter(occupation__in=selection["occupations"])
    if selection.get("designations"):
        today = clock.today()
        held = Designation.objects.filter(
            Q(valid_to=None) | Q(valid_to__gt=today), kind__in=selection["designations"], valid_from__lte=today
        )
        rows = rows.filter(pk__in=held.values("staff_id"))
    if selection.get("organisation_ids"):
        paths = Organisation.objects.filter(pk__in=selection["organisation_ids"]).values_list("path", flat=True)
        below = Q(pk__in=[])
        for path in paths:
            below |= Q(organisation__path__startswith=path)
        rows = rows.filter(below)
    return rows


def _people(rows: QuerySet[Staff]) -> Iterable[Person]:
    ordered = rows.order_by("organisation__path", "kana", "pk").values_list(
        "pk",
        "number",
        "name",
        "organisation_id",
        "organisation__name",
        "grade",
        "occupation",
        "status",
        "employer",
    )
    return (Person(*row) for row in ordered.iterator(chunk_size=2000))
