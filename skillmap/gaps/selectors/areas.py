"""Reads of priority areas: what the secretariat decided for a fiscal year."""

from collections.abc import Sequence

from django.db.models import QuerySet, Value
from django.db.models.functions import Coalesce

from skillmap.gaps.choices import AreaState
from skillmap.gaps.models import PriorityArea

ADOPTED = (AreaState.ADOPTED,)
#: Behind every rank.
LAST = 10_000
#: By year, then by demand rank, then by item; `place` is the rank, or LAST where there is none.
ORDER = ("-fiscal_year", "place", "skill__number", "pk")


def areas(fiscal_year: int | None = None, states: Sequence[str] = ADOPTED) -> QuerySet[PriorityArea]:
    """Areas in the given states (adopted ones by default), newest year first, then by demand rank; for everyone.

    Those added by hand without a rank come last. Which areas were refused or withdrawn, and why, is for the
    secretariat: its pages ask for those states.
    """
    rows = PriorityArea.objects.filter(state__in=list(states)).select_related("skill__category", "run", "decided_by")
    if fiscal_year is not None:
        rows = rows.filter(fiscal_year=fiscal_year)
    rows = rows.annotate(place=Coalesce("demand_rank", Value(LAST)))
    return rows.order_by(*ORDER)
