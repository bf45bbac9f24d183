"""Priority areas as home and maps name them."""

from skillmap.gaps.models import PriorityArea
from skillmap.gaps.selectors.areas import areas


def adopted_areas() -> list[PriorityArea]:
    """The adopted priority areas of the newest fiscal year that has any, in the order of their list; one query."""
    rows = list(areas())
    return [row for row in rows if row.fiscal_year == rows[0].fiscal_year]
