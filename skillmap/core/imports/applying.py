"""The job that applies a checked table in one transaction."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext as _

from skillmap.core import audit, clock
from skillmap.core.choices import ImportState, RowOutcome
from skillmap.core.errors import RuleViolation
from skillmap.core.imports.batches import allowed, drop_file
from skillmap.core.imports.importer import IMPORTERS, Staged
from skillmap.core.jobs import LONG_STEP, JobRun, job_handler
from skillmap.core.models import ImportBatch


@job_handler("core.import_apply")
def apply_job(run: JobRun) -> Mapping[str, Any]:
    """Apply one checked table in one transaction; done again it finds it applied."""
    batch = ImportBatch.objects.get(pk=run.inputs["batch"])
    if batch.state != ImportState.APPLYING:
        return {}
    with translation.override(run.inputs.get("language") or settings.LANGUAGE_CODE):
        run.progress(0, batch.row_count, _("Writing"), lease=LONG_STEP)
        try:
            return _apply(batch, run)
        except RuleViolation as refusal:
            ImportBatch.objects.filter(pk=batch.pk, state=ImportState.APPLYING).update(
                state=ImportState.REFUSED, problem=str(refusal)[:600]
            )
            raise


@transaction.atomic
def _apply(batch: ImportBatch, run: JobRun) -> Mapping[str, Any]:
    held = ImportBatch.objects.select_for_update(of=("self",)).select_related("file").get(pk=batch.pk)
    if held.state != ImportState.APPLYING:
        return {}
    user = allowed(held, run)
    rows = held.rows.filter(outcome__in=[RowOutcome.CREATE, RowOutcome.UPDATE]).order_by("number")
    columns = rows.values_list("number", "key", "outcome", "data", "version", "label")
    staged = (Staged(*row) for row in columns.iterator(chunk_size=2000))
    result = dict(IMPORTERS[held.kind].apply(staged, held.options, user=user, batch=held))
    held.state, held.applied_at = ImportState.APPLIED, clock.now()
    held.facts = held.facts | {"result": result}
    held.save(update_fields=["state", "applied_at", "facts"])
    audit.record(verb="import.apply", actor=user, target=held, kind=held.kind, rows=held.row_count)
    drop_file(held)
    run.progress(held.row_count, held.row_count, _("Applied"))  # undoes all of it if another worker took the job over
    return result
