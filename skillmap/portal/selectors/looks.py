"""Who looked at a person's levels."""

from django.db.models import QuerySet

from skillmap.core.audit import subject_of
from skillmap.core.models import AuditEvent


def looks_at(staff_id: int) -> QuerySet[AuditEvent]:
    """Every look of others at a person's levels, newest first."""
    rows = AuditEvent.objects.filter(subject_key=subject_of(staff_id), verb="levels.read")
    return rows.select_related("actor").order_by("-pk")
