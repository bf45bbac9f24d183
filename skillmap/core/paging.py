"""Pages of a search through very many rows."""

from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import QuerySet

#: Rows that are counted; whoever leafs on is shown more.
COUNTED = 1000
FARTHEST = 100_000


def searched_page(rows: QuerySet[Any], number: str | None, per_page: int) -> Page[Any]:
    """The rows of one page, found in one walk along their order that ends once enough are counted.

    The paginator's `is_capped` says that there are more than it counts. The page after the asked one is always
    counted, so one can leaf on and on.

    Args:
        number: the page that the address asks for, untrusted.
    """
    known = number is not None and number.isdecimal() and len(number) < 10
    asked = min(int(number or 1), FARTHEST) if known else 1
    most = max(COUNTED, (asked + 1) * per_page)
    found = list(rows.values_list("pk", flat=True)[: most + 1])
    paginator: Any = Paginator(found[:most], per_page)
    paginator.is_capped = len(found) > most
    page: Page[Any] = paginator.get_page(asked)
    page.object_list = rows.filter(pk__in=page.object_list) if page.object_list else rows.none()
    return page
