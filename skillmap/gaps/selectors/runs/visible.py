"""Which runs a reader may see."""

from __future__ import annotations

from django.db.models import QuerySet
from django.http import Http404

from skillmap.gaps.models import GapRun
from skillmap.people.access import access_of
from skillmap.people.models import User


def runs_for(user: User) -> QuerySet[GapRun]:
    """Runs that the user may see, newest fiscal year first, then newest run; one query with all that a list needs."""
    rows = GapRun.objects.visible_to(user)
    return rows.select_related("job", "cycle", "survey", "framework", "requested_by").order_by("-fiscal_year", "-pk")


def latest_run(user: User, fiscal_year: int | None = None) -> GapRun | None:
    """The published run that a dashboard opens with: the newest one (of a fiscal year); None where there is none."""
    rows = runs_for(user).filter(published_at__isnull=False)
    if fiscal_year is not None:
        rows = rows.filter(fiscal_year=fiscal_year)
    return rows.order_by("-fiscal_year", "-published_at", "-pk").first()


def refuse_unless_visible(user: User, run: GapRun) -> None:
    """Says of one run what `visible_to` says in SQL."""
    access = access_of(user)
    if access.is_secretariat:
        return
    if run.published_at is None or not (access.sees_all_aggregates or access.is_coordinator):
        raise Http404
