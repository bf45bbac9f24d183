"""What a person does with a table: upload it, apply it, drop it, have it checked again."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.core.files.uploadedfile import UploadedFile
from django.core.serializers.json import DjangoJSONEncoder
from django.db import IntegrityError, transaction
from django.utils import translation
from django.utils.translation import gettext as _

from skillmap.core import audit, files, jobs
from skillmap.core.choices import ImportState
from skillmap.core.errors import NotAllowed, RuleViolation
from skillmap.core.imports.batches import drop_file
from skillmap.core.imports.importer import IMPORTERS
from skillmap.core.models import ImportBatch, ImportRow
from skillmap.core.tabular.limits import MEGABYTE
from skillmap.core.tabular.problems import TabularError


@dataclass(frozen=True, slots=True)
class Upload:
    """What became of an upload; `is_repeat`: the same file was applied before, and nothing was done."""

    batch: ImportBatch
    is_repeat: bool = False


def fingerprint_of(kind: str, options: Mapping[str, Any], sha256: str) -> str:
    """One text for kind, options and contents."""
    known = json.dumps([kind, dict(options), sha256], sort_keys=True, cls=DjangoJSONEncoder)
    return hashlib.sha256(known.encode()).hexdigest()


def upload(*, kind: str, file: "UploadedFile[bytes]", options: Mapping[str, Any], user: AbstractBaseUser) -> Upload:
    """Take a file and have it checked by a job. Options are plain values and dates.

    Raises:
        NotAllowed: where the importer says no.
        TabularError: `file_too_big`, `empty_file`.
    """
    importer = IMPORTERS[kind]
    plain = json.loads(json.dumps(dict(options), cls=DjangoJSONEncoder))
    if not importer.may(user, plain):
        raise NotAllowed
    if not file.size:
        raise TabularError("empty_file")
    if file.size > importer.limits.file_bytes:
        raise TabularError("file_too_big", limit=importer.limits.file_bytes // MEGABYTE)
    sha256 = files.digest_of(file)
    fingerprint = fingerprint_of(kind, plain, sha256)
    done = ImportBatch.objects.filter(fingerprint=fingerprint, state__in=[ImportState.APPLYING, ImportState.APPLIED])
    before = done.select_related("job").first()
    if before is not None and not before.is_stuck:
        return Upload(before, is_repeat=True)
    if before is not None:
        discard(batch=before, user=user)
    stored = files.keep(file, owner=user, kind="imports", lifetime=timedelta(days=2))
    with transaction.atomic():
        batch = ImportBatch.objects.create(
            kind=kind,
            file_name=stored.name,
            sha256=sha256,
            fingerprint=fingerprint,
            options=plain,
            file=stored,
            created_by_id=user.pk,
        )
        batch.job = jobs.enqueue("core.import_check", _inputs(batch), requested_by=user)
        batch.save(update_fields=["job"])
        audit.record(verb="import.upload", actor=user, target=batch, kind=kind)
    return Upload(batch)


def apply(*, batch: ImportBatch, user: AbstractBaseUser) -> ImportBatch:
    """Have a checked table applied by a job.

    Raises:
        NotAllowed: where the importer says no.
        RuleViolation: `wrong_state` where it is not ready, `applied_before` where the same was applied meanwhile.
    """
    if not IMPORTERS[batch.kind].may(user, batch.options):
        raise NotAllowed
    try:
        with transaction.atomic():
            moved = ImportBatch.objects.filter(pk=batch.pk, state=ImportState.CHECKED).update(
                state=ImportState.APPLYING, applied_by_id=user.pk, problem=""
            )
            if not moved:
                raise RuleViolation(_("This table is not ready to be applied any more."), code="wrong_state")
            job = jobs.enqueue("core.import_apply", _inputs(batch), requested_by=user, dedup_key=str(batch.pk))
            ImportBatch.objects.filter(pk=batch.pk).update(job=job)
    except IntegrityError as error:
        raise RuleViolation(_("The same file has been applied already."), code="applied_before") from error
    batch.refresh_from_db()
    return batch


def discard(*, batch: ImportBatch, user: AbstractBaseUser) -> None:
    """Drop a table that was not applied, with its rows. RuleViolation `wrong_state`."""
    if not IMPORTERS[batch.kind].may(user, batch.options):
        raise NotAllowed
    with transaction.atomic():
        held = ImportBatch.objects.select_for_update(of=("self",)).select_related("job", "file").get(pk=batch.pk)
        if held.state not in {ImportState.CHECKED, ImportState.REFUSED} and not held.is_stuck:
            raise RuleViolation(_("This table can't be discarded now."), code="wrong_state")
        held.state = ImportState.DISCARDED
        held.save(update_fields=["state"])
        ImportRow.objects.filter(batch=held).delete()
        drop_file(held)
        audit.record(verb="import.discard", actor=user, target=held)


def check_again(*, batch: ImportBatch, user: AbstractBaseUser) -> ImportBatch:
    """Have the same file checked anew, after what it is compared with has changed. RuleViolation `wrong_state`."""
    if not IMPORTERS[batch.kind].may(user, batch.options):
        raise NotAllowed
    with transaction.atomic():
        held = ImportBatch.objects.select_for_update(of=("self",)).select_related("job").get(pk=batch.pk)
        waits = held.state in {ImportState.CHECKED, ImportState.REFUSED} or held.is_stuck
        if not waits or held.file_id is None:
            raise RuleViolation(_("The file is no longer here. Please upload it again."), code="wrong_state")
        held.state, held.problem = ImportState.CHECKING, ""
        held.job = jobs.enqueue("core.import_check", _inputs(held), requested_by=user)
        held.save(update_fields=["state", "problem", "job"])
    return held


def _inputs(batch: ImportBatch) -> dict[str, Any]:
    """What a job needs to know: which table, and in which language its findings are written down."""
    return {"batch": batch.pk, "language": translation.get_language()}
