"""What the steps share: the right of whoever asked, the file that is no longer needed."""

from django.contrib.auth.base_user import AbstractBaseUser
from django.utils.translation import gettext as _

from skillmap.core import files
from skillmap.core.errors import RuleViolation
from skillmap.core.imports.importer import IMPORTERS
from skillmap.core.jobs import JobRun
from skillmap.core.models import ImportBatch


def allowed(batch: ImportBatch, run: JobRun) -> AbstractBaseUser:
    """Whoever asked, if the right is still there when the job runs."""
    user = run.job.requested_by
    if user is None or not user.is_active or not IMPORTERS[batch.kind].may(user, batch.options):
        raise RuleViolation(_("The right to bring in this table has ended."), code="not_allowed")
    return user


def drop_file(batch: ImportBatch) -> None:
    """Let go of the uploaded file, where it is still there."""
    if batch.file is not None:
        stored = batch.file
        ImportBatch.objects.filter(pk=batch.pk).update(file=None)
        files.drop(stored)
