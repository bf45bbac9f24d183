"""Who and what every cycle of the demo is made of, and who mentors whom."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random

from skillmap.assessment import mentor_rules
from skillmap.assessment.models import PurposeText
from skillmap.core.progress import Progress
from skillmap.framework.models import Framework, JobType, Skill
from skillmap.people.demo import DemoPeople
from skillmap.people.models import Staff, User


@dataclass(frozen=True)
class Cast:
    """What the cycles have in common; `pairs` says by staff id who is mentored by whom."""

    framework: Framework
    digital: Sequence[Skill]
    tools: Sequence[Skill]
    job_types: Sequence[JobType]
    text: PurposeText
    office: User
    rng: Random
    people: DemoPeople
    pairs: Mapping[int, Staff]
    progress: Progress

    def mentees_of(self, mentor: Staff) -> list[int]:
        """Whom of the ICT staff somebody mentors, in the order of the people."""
        return [person.pk for person in self.people.ict if self.pairs[person.pk].pk == mentor.pk]


def pair_up(people: DemoPeople, rng: Random) -> dict[int, Staff]:
    """A mentor for each ICT person: somebody before them in one order, so that no pair goes both ways; balanced."""
    seniors = [
        person
        for person in people.ict
        if mentor_rules.may_mentor(occupation="ict", grade=person.grade, employer=person.employer)
    ]
    order = [*people.experts, *sorted(seniors, key=lambda person: (-person.grade, person.pk))]
    load = {person.pk: 0 for person in order}
    place = {person.pk: index for index, person in enumerate(order)}
    demo_mentor, demo_person = people.ict[1], people.ict[0]
    pairs = {demo_person.pk: demo_mentor}
    load[demo_mentor.pk] += 1
    for person in [*people.ict[2:], demo_mentor]:
        before = order[: place.get(person.pk, len(order))] or order[: len(people.experts)]
        some = before if len(before) <= 12 else rng.sample(before, 12)
        mentor = min(some, key=lambda row: (load[row.pk], row.pk))
        pairs[person.pk] = mentor
        load[mentor.pk] += 1
    return pairs
