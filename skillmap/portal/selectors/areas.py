"""Priority areas as home and maps name them."""

from skillmap.gaps.choices import AreaState
from skillmap.gaps.models import PriorityArea


def adopted_areas() -> list[PriorityArea]:
    """The adopted priority areas of the newest fiscal year that has any; one query."""
    rows = list(
        PriorityArea.objects.filter(state=AreaState.ADOPTED)
        .select_related("skill")
        .order_by("-fiscal_year", "demand_rank")
    )
    return [row for row in rows if row.fiscal_year == rows[0].fiscal_year] if rows else []
