"""Who may mentor, and who mentors whom, proposed: the cheapest assignment over all at once, in plain values.

What speaks for a pair is written as a cost; lower is better. The load of a mentor costs more with each further person,
so that the proposal spreads people evenly unless something weighs more.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from math import ceil

from skillmap.assessment.rules import EMPLOYERS_WITH_CHECK

# Costs in units of one further person in the load of a mentor.
KEPT = -20  # last year's mentor stays, where allowed
OTHER_BUREAU = 4
SAME_SECTION = 6  # too near to the line of command
SAME_GRADE = 1
LOWER_GRADE = 12
IMPOSSIBLE = 1_000_000


@dataclass(frozen=True)
class Mentee:
    """Somebody who needs a mentor; `bureau` and `section` are any keys that can be compared."""

    key: int
    grade: int
    bureau: object
    section: object
    last_mentor: int | None = None


@dataclass(frozen=True)
class Mentor:
    """Somebody who may mentor and is at work; `load` counts the people mentored already in this cycle."""

    key: int
    grade: int
    bureau: object
    section: object
    load: int = 0


@dataclass(frozen=True)
class Proposal:
    """A pair with what speaks for it; `mentor` is None where nobody is left. `load` includes this person."""

    mentee: int
    mentor: int | None
    reasons: tuple[str, ...] = ()
    load: int = 0


def may_mentor(*, occupation: str, grade: int, employer: str) -> bool:
    """Whether somebody may be a mentor.

    ICT staff from deputy manager (grade 3) up, or an information technology expert, of those who take part in checks.
    """
    return employer in EMPLOYERS_WITH_CHECK and (occupation == "expert" or (occupation == "ict" and grade >= 3))


def default_capacity(mentees: int, mentors: Sequence[Mentor]) -> int:
    """People per mentor that leave room to choose: an even share of all, and two more."""
    if not mentors:
        return 0
    return ceil((mentees + sum(mentor.load for mentor in mentors)) / len(mentors)) + 2


def pair_cost(mentee: Mentee, mentor: Mentor) -> int:
    """What a pair costs beside the mentor's load."""
    cost = 0
    if mentee.bureau != mentor.bureau:
        cost += OTHER_BUREAU
    elif mentee.section == mentor.section:
        cost += SAME_SECTION
    if mentor.grade < mentee.grade:
        cost += LOWER_GRADE
    elif mentor.grade == mentee.grade:
        cost += SAME_GRADE
    return cost + (KEPT if mentee.last_mentor == mentor.key else 0)


def reasons_for(mentee: Mentee, mentor: Mentor) -> tuple[str, ...]:
    """What speaks for (or against) a pair, as codes, the weightiest first."""
    reasons = ["last_year"] if mentee.last_mentor == mentor.key else []
    if mentee.bureau != mentor.bureau:
        reasons.append("other_bureau")
    else:
        reasons.append("same_section" if mentee.section == mentor.section else "same_bureau")
    if mentor.grade < mentee.grade:
        reasons.append("lower_grade")
    return tuple(reasons)


def propose(
    mentees: Sequence[Mentee],
    mentors: Sequence[Mentor],
    *,
    capacity: int,
    pairs: Collection[tuple[int, int]] = (),
) -> list[Proposal]:
    """The cheapest assignment of all mentees at once, none beyond the capacity, nobody to oneself, no pair both ways.

    Args:
        capacity: most people per mentor, those mentored already included.
        pairs: (mentor, mentee) that hold in this cycle, those with a deputy too.

    Returns one proposal per mentee, in the order given. Two people proposed for each other are parted by forbidding the
    one way that costs more, and solving again.
    """
    # Turned round: the mentee can't become the mentor's mentor. As they are: who stands in can't be the mentor as well.
    forbidden = {(mentee, mentor) for mentor, mentee in pairs} | set(pairs)
    forbidden |= {(mentee.key, mentee.key) for mentee in mentees}
    costs = {(mentor.key, mentee.key): pair_cost(mentee, mentor) for mentor in mentors for mentee in mentees}
    while True:
        chosen = _solve(mentees, mentors, capacity, costs, forbidden)
        both_ways = [(mentor, mentee) for mentee, mentor in chosen.items() if chosen.get(mentor) == mentee]
        if not both_ways:
            break
        for mentor, mentee in both_ways:
            if mentor < mentee:  # each couple once
                forbidden.add(max((mentor, mentee), (mentee, mentor), key=lambda way: (costs[way], way)))
    return _as_proposals(mentees, mentors, chosen)


def _solve(
    mentees: Sequence[Mentee],
    mentors: Sequence[Mentor],
    capacity: int,
    costs: Mapping[tuple[int, int], int],
    forbidden: Collection[tuple[int, int]],
) -> dict[int, int]:
    """mentee -> mentor for all who can be placed; each mentor stands there once per free place, each place dearer."""
    import numpy as np
    from scipy.optimize import linear_sum_assignment

    places = [(mentor.key, load) for mentor in mentors for load in range(mentor.load, capacity)]
    if not places or not mentees:
        return {}
    row_of = {mentee.key: index for index, mentee in enumerate(mentees)}
    column_of = {mentor.key: index for index, mentor in enumerate(mentors)}
    by_mentor = np.array([[costs[mentor.key, mentee.key] for mentor in mentors] for mentee in mentees], dtype=float)
    for mentor_key, mentee_key in forbidden:
        if mentor_key in column_of and mentee_key in row_of:
            by_mentor[row_of[mentee_key], column_of[mentor_key]] = IMPOSSIBLE
    matrix = by_mentor[:, [column_of[key] for key, _load in places]] + np.array(
        [load for _key, load in places], dtype=float
    )
    missing = len(mentees) - len(places)
    if missing > 0:
        matrix = np.hstack([matrix, np.full((len(mentees), missing), float(IMPOSSIBLE))])
    rows, chosen = linear_sum_assignment(matrix)
    return {
        mentees[row].key: places[place][0]
        for row, place in zip(rows, chosen, strict=True)
        if matrix[row, place] < IMPOSSIBLE
    }


def _as_proposals(mentees: Sequence[Mentee], mentors: Sequence[Mentor], chosen: Mapping[int, int]) -> list[Proposal]:
    by_key = {mentor.key: mentor for mentor in mentors}
    loads = {mentor.key: mentor.load for mentor in mentors}
    proposals = []
    for mentee in mentees:
        key = chosen.get(mentee.key)
        if key is None:
            proposals.append(Proposal(mentee.key, None, ("nobody_free",)))
            continue
        loads[key] += 1
        proposals.append(Proposal(mentee.key, key, reasons_for(mentee, by_key[key]), loads[key]))
    return proposals
