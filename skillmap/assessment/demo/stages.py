"""Who stands where in the running cycle, and the state that this means."""

from skillmap.assessment.choices import State
from skillmap.assessment.demo.cast import Cast

# Stages of the running cycle and how many of a hundred people stand in each.
STAGES = (
    ("untouched", 10), ("started", 13), ("answered", 5), ("submitted", 15), ("met", 5), ("reviewed", 15),
    ("corrected", 17), ("confirmed", 6), ("met_again", 5), ("received", 7), ("withdrawn", 2),
)  # fmt: skip
STATE_OF = {
    "untouched": State.DRAFT, "started": State.DRAFT, "answered": State.DRAFT, "submitted": State.SUBMITTED,
    "met": State.SUBMITTED, "reviewed": State.REVIEWED, "corrected": State.CORRECTED, "confirmed": State.CONFIRMED,
    "met_again": State.CONFIRMED, "received": State.RECEIVED, "withdrawn": State.WITHDRAWN,
}  # fmt: skip
NOT_SUBMITTED = frozenset({"untouched", "started", "answered", "withdrawn"})
# Stages before the first 1on1, and of those who left.
NOT_MET = NOT_SUBMITTED | {"submitted"}


def stages_of(cast: Cast) -> dict[int, str]:
    """Who stands where: the demo people first, then spread by STAGES; groups without 1on1 skip the meetings."""
    ict, rng = cast.people.ict, cast.rng
    names, weights = zip(*STAGES, strict=True)
    stages = dict(zip((person.pk for person in ict), rng.choices(names, weights, k=len(ict)), strict=True))
    stages[ict[0].pk] = "started"
    stages[ict[1].pk] = "reviewed"
    own = cast.mentees_of(ict[1])[1:]
    stages |= dict(zip(own, ("submitted", "met", "corrected", "met_again"), strict=False))
    plain = ("untouched", "started", "submitted", "submitted", "confirmed", "received")
    for person in (*cast.people.experts, *cast.people.ambassadors):
        stages[person.pk] = rng.choice(plain)
    expert = cast.people.experts[0]
    stages[expert.pk] = "submitted"
    stages |= dict(zip(cast.mentees_of(expert), ("submitted", "reviewed", "met_again"), strict=False))
    return stages
