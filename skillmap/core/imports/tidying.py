"""Rows and files that nobody needs any more."""

from datetime import timedelta

from django.db import transaction

from skillmap.core import clock, files
from skillmap.core.choices import ImportState
from skillmap.core.models import ImportBatch, ImportRow

KEEP_ROWS = timedelta(days=30)


def forget_old() -> int:
    """Drop the rows of tables that are some weeks old, and files that nobody came back for; returns how many tables."""
    files.drop_expired()
    old = ImportBatch.objects.filter(created_at__lt=clock.now() - KEEP_ROWS, rows__isnull=False).distinct()
    old = old.exclude(state=ImportState.APPLYING)  # its job may still come
    pks = list(old.values_list("pk", flat=True)[:100])
    for pk in pks:
        with transaction.atomic():
            ImportRow.objects.filter(batch=pk).delete()
            batch = ImportBatch.objects.select_for_update(of=("self",)).get(pk=pk)
            batch.facts = {name: value for name, value in batch.facts.items() if name in {"counts", "result"}}
            batch.save(update_fields=["facts"])
            ImportBatch.objects.filter(pk=pk, state=ImportState.CHECKED).update(state=ImportState.DISCARDED)
    return len(pks)
