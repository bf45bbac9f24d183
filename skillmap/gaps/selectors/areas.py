"""Reads of priority areas: what the secretariat decided for a fiscal year."""

from collections.abc import Sequence

from django.db.models import QuerySet

from skillmap.gaps.choices import AreaState
from skillmap.gaps.models import PriorityArea

ADOPTED = (AreaState.ADOPTED,)


def areas(fiscal_year: int | None = None, states: Sequence[str] = ADOPTED) -> QuerySet[PriorityArea]:
    """Areas in the given states (adopted ones by default), newest year first, then by demand rank; for everyone.

    Those added by hand without a rank come last. Which areas were refused or withdrawn, and why, is for the
    secretariat: its pages ask for those states.
    """
    rows = PriorityArea.objects.filter(state__in=list(states)).select_related("skill__category", "run", "decided_by")
    if fiscal_year is not None:
        rows = rows.filter(fiscal_year=fiscal_year)
    return rows.order_by("-fiscal_year", "demand_rank", "skill__number", "pk")
