"""Looking at somebody else's levels: the rows are evaluated and the look is recorded in one transaction."""

from collections.abc import Callable, Iterable
from typing import TypeVar

from django.db import transaction

from skillmap.core import audit
from skillmap.people.access import access_of
from skillmap.people.models import User

Rows = TypeVar("Rows")


def look(
    read: Callable[[], Rows], *, viewer: User, staff_ids: Iterable[int], purpose: str, what: str, channel: str = "page"
) -> Rows:
    """Run `read` and record the look at each named person, in one transaction: without the record no reading.

    Nothing to record, nothing to hold together: one's own levels are just read.

    Args:
        read: evaluates its rows completely, or gives a generator that reads them once the record stands.
        staff_ids: whose levels are read; the viewer's own are not recorded.
        purpose: a value of core.choices.Purpose.
        what: what was read, such as `profile`, `check`, `one_on_one`.
    """
    own = access_of(viewer).staff_id
    seen = sorted({pk for pk in staff_ids if pk != own})
    if not seen:
        return read()
    with transaction.atomic():
        rows = read()
        audit.record_each(seen, verb="levels.read", actor=viewer, purpose=purpose, channel=channel, what=what)
    return rows
