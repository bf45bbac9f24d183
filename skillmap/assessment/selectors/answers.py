"""The answers of one check, and the evidence behind them. Rights are the caller's: it has found the check."""

from skillmap.assessment.models import Evidence, SkillRating
from skillmap.core.prepared import Prepared

_RATINGS = Prepared(lambda check: SkillRating.objects.filter(assessment=check), check=int)
_EVIDENCE = Prepared(
    lambda check: Evidence.objects.filter(rating__assessment=check).select_related("certification").order_by("pk"),
    check=int,
)


def ratings_of(check_id: int) -> dict[int, SkillRating]:
    """The answers by the id of their item; one query."""
    return {rating.skill_id: rating for rating in _RATINGS.ask(check=check_id)}


def evidence_of(check_id: int) -> dict[int, list[Evidence]]:
    """The evidence by the id of the answer it stands behind, in the order it was written; one query."""
    found: dict[int, list[Evidence]] = {}
    for row in _EVIDENCE.ask(check=check_id):
        found.setdefault(row.rating_id, []).append(row)
    return found
