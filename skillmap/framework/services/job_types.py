"""Edits of a draft's job types and of the levels they ask for."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _

from skillmap.core import audit
from skillmap.core.errors import Conflict
from skillmap.framework.choices import ItemKind, Level, Provenance
from skillmap.framework.models import Framework, JobType, JobTypeRequirement, SkillCategory
from skillmap.framework.services.common import (
    check_code,
    compare_and_set,
    locked_draft,
    refused_while_in_use,
    row_of,
)
from skillmap.people.models import User


@dataclass(frozen=True)
class JobTypeFields:
    """What can be edited of a job type; `core_category_id` may be None."""

    name: str
    name_en: str
    definition: str
    definition_en: str
    sort_order: int
    core_category_id: int | None


@transaction.atomic
def job_type_create(*, framework_id: int, code: str, fields: JobTypeFields, actor: User) -> JobType:
    """Add a job type to a draft; it asks for nothing yet: a cell Lv.0 for each digital item, to be confirmed."""
    draft = locked_draft(framework_id, actor)
    check_code(code, draft.job_types.filter(code=code).exists())
    _check_core(draft, fields)
    job_type = JobType.objects.create(
        framework=draft,
        code=code,
        name_provenance=Provenance.CONFIRMED,
        definition_provenance=Provenance.CONFIRMED,
        **asdict(fields),
    )
    JobTypeRequirement.objects.bulk_create(
        JobTypeRequirement(job_type=job_type, skill=skill, level=Level.NONE)
        for skill in draft.skills.filter(kind=ItemKind.DIGITAL)
    )
    audit.record(verb="framework.job_type.create", actor=actor, target=draft, code=code)
    return job_type


@transaction.atomic
def job_type_update(*, framework_id: int, job_type_id: int, version: int, fields: JobTypeFields, actor: User) -> None:
    """Change the words of a job type; what was changed counts as confirmed. Conflict where it moved meanwhile."""
    draft = locked_draft(framework_id, actor)
    job_type = row_of(JobType, draft, job_type_id)
    _check_core(draft, fields)
    confirmed = {
        f"{name}_provenance": Provenance.CONFIRMED
        for name in ("name", "definition")
        if getattr(job_type, name) != getattr(fields, name)
    }
    compare_and_set(job_type, version, **asdict(fields), **confirmed)
    audit.record(verb="framework.job_type.update", actor=actor, target=draft, code=job_type.code)


@transaction.atomic
def job_type_remove(*, framework_id: int, job_type_id: int, actor: User) -> None:
    """Remove a job type and its cells from a draft."""
    draft = locked_draft(framework_id, actor)
    job_type = row_of(JobType, draft, job_type_id)
    with refused_while_in_use():
        job_type.requirements.all().delete()
        job_type.delete()
    audit.record(verb="framework.job_type.remove", actor=actor, target=draft, code=job_type.code)


@transaction.atomic
def job_type_confirm(
    *, framework_id: int, job_type_id: int, version: int, cells: Mapping[int, int], actor: User
) -> int:
    """Confirm as they are the words of a job type and all levels it asks for; returns how many cells were defaults.

    Args:
        version: the job type's version as the person saw it.
        cells: the cells' ids with the versions that the person saw.

    Raises:
        Conflict: a word or a level moved meanwhile; nothing is confirmed then.
    """
    draft = locked_draft(framework_id, actor)
    job_type = row_of(JobType, draft, job_type_id)
    held = dict(job_type.requirements.values_list("pk", "version"))
    if job_type.version != version or held != dict(cells):
        text = _("This job type was changed after you opened this page. Please look at it again before you confirm it.")
        raise Conflict(text, code="conflict")
    words = {
        column: Provenance.CONFIRMED
        for column in ("name_provenance", "definition_provenance")
        if getattr(job_type, column) == Provenance.INFERRED
    }
    if words:
        compare_and_set(job_type, version, **words)
    count = _confirm(held)
    audit.record(verb="framework.job_type.confirm", actor=actor, target=draft, code=job_type.code, cells=count)
    return count


def _confirm(cells: Iterable[int]) -> int:
    defaults = JobTypeRequirement.objects.filter(pk__in=list(cells), provenance=Provenance.INFERRED)
    return defaults.update(provenance=Provenance.CONFIRMED, version=F("version") + 1)


def _check_core(draft: Framework, fields: JobTypeFields) -> None:
    if fields.core_category_id is not None:
        row_of(SkillCategory, draft, fields.core_category_id)


# ----------------------------------------------------------------------------------------------------------- cells


@transaction.atomic
def requirement_set(
    *, framework_id: int, requirement_id: int, version: int, level: int | None, actor: User
) -> JobTypeRequirement:
    """Set one cell, or with `level` None confirm it as it is; either way it is no default any more.

    Raises:
        Conflict: somebody changed the cell meanwhile; `details` has its `level`, `version` and `is_default` now.
    """
    draft = locked_draft(framework_id, actor)
    cell = row_of(JobTypeRequirement, draft, requirement_id, owner="job_type__framework")
    before, wanted = cell.level, cell.level if level is None else level
    if level == before and not cell.is_default:
        return cell  # nothing to do, or sent twice, as after a lost answer
    if cell.version != version:
        raise _cell_conflict([cell])
    if level is None and not cell.is_default:
        return cell
    compare_and_set(cell, version, level=wanted, provenance=Provenance.CONFIRMED)
    audit.record(verb="framework.requirement", actor=actor, target=draft, cell=cell.pk, before=before, after=wanted)
    cell.refresh_from_db(fields=["level", "version", "provenance"])
    return cell


@dataclass(frozen=True)
class CellEdit:
    """One cell of the grid as it was sent: the level and version that the page had shown, and the level chosen."""

    requirement_id: int
    shown_level: int
    shown_version: int
    level: int

    @property
    def is_changed(self) -> bool:
        """Whether the person chose another level than the page had shown."""
        return self.level != self.shown_level


@dataclass(frozen=True)
class GridSaved:
    """How many cells were changed, and how many were confirmed as they are."""

    changed: int
    confirmed: int


@transaction.atomic
def requirements_save(
    *, framework_id: int, edits: Sequence[CellEdit], confirm: Collection[int] = (), actor: User
) -> GridSaved:
    """Save all cells that the person changed, and confirm others as they were shown; all of it or nothing.

    Args:
        edits: the cells that were on the page.
        confirm: ids of those among them that are confirmed at the level they were sent with.

    Raises:
        Conflict: cells that the person changed or confirms were changed by somebody else; `details["cells"]` maps
            their ids to what they hold now.
    """
    draft = locked_draft(framework_id, actor)
    held = JobTypeRequirement.objects.filter(job_type__framework=draft).in_bulk()
    touched = [edit for edit in edits if edit.is_changed or edit.requirement_id in confirm]
    moved = [edit for edit in touched if _has_moved(edit, held.get(edit.requirement_id))]
    if moved:
        raise _cell_conflict(held[edit.requirement_id] for edit in moved if edit.requirement_id in held)
    changes = [
        [edit.requirement_id, held[edit.requirement_id].level, edit.level]
        for edit in touched
        if _set(held[edit.requirement_id], edit.level)
    ]
    confirmed = _confirm({edit.requirement_id for edit in touched}.intersection(confirm))
    if changes or confirmed:
        audit.record(verb="framework.requirements", actor=actor, target=draft, changes=changes, confirmed=confirmed)
    return GridSaved(len(changes), confirmed)


def _has_moved(edit: CellEdit, cell: JobTypeRequirement | None) -> bool:
    """Whether somebody else gave the cell another level than this person wants, or removed it."""
    return cell is None or (cell.version != edit.shown_version and cell.level != edit.level)


def _set(cell: JobTypeRequirement, level: int) -> bool:
    """Write one cell under the version's lock; whether it held another level before."""
    if cell.level == level:
        return False
    compare_and_set(cell, cell.version, level=level, provenance=Provenance.CONFIRMED)
    return True


def _cell_conflict(moved: Iterable[JobTypeRequirement]) -> Conflict:
    text = _("Somebody else changed some of these levels in the meantime. Nothing was saved; both values are shown.")
    cells = {cell.pk: {"level": cell.level, "version": cell.version, "is_default": cell.is_default} for cell in moved}
    return Conflict(text, code="conflict", details={"cells": cells})
