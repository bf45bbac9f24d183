"""Edits of a draft's items, categories, levels and certificates."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field

from django.db import models, transaction
from django.utils.translation import gettext as _

from skillmap.core import audit
from skillmap.core.errors import RuleViolation
from skillmap.framework.choices import ItemKind, Level, Provenance
from skillmap.framework.models import (
    Certification,
    CertificationSkill,
    Framework,
    JobTypeRequirement,
    Skill,
    SkillCategory,
    SkillLevel,
    SkillLevelText,
)
from skillmap.framework.services.common import (
    check_code,
    compare_and_set,
    locked_draft,
    refused_while_in_use,
    row_of,
)
from skillmap.people.models import User

# ------------------------------------------------------------------------------------------------------ categories


@dataclass(frozen=True)
class CategoryFields:
    """What can be edited of a category."""

    name: str
    name_en: str
    sort_order: int


@transaction.atomic
def category_create(*, framework_id: int, code: str, kind: str, fields: CategoryFields, actor: User) -> SkillCategory:
    """Add a category to a draft; RuleViolation where the code is taken."""
    draft = locked_draft(framework_id, actor)
    check_code(code, draft.categories.filter(code=code).exists())
    category = SkillCategory.objects.create(framework=draft, code=code, kind=kind, **asdict(fields))
    _record("framework.category.create", actor, draft, code)
    return category


@transaction.atomic
def category_update(*, framework_id: int, category_id: int, version: int, fields: CategoryFields, actor: User) -> None:
    """Change a category of a draft; Conflict where it moved meanwhile."""
    draft = locked_draft(framework_id, actor)
    category = row_of(SkillCategory, draft, category_id)
    compare_and_set(category, version, **asdict(fields))
    _record("framework.category.update", actor, draft, category.code)


@transaction.atomic
def category_remove(*, framework_id: int, category_id: int, actor: User) -> None:
    """Remove an empty category from a draft; RuleViolation where it still has items or is a job type's core."""
    draft = locked_draft(framework_id, actor)
    category = row_of(SkillCategory, draft, category_id)
    if category.skills.exists() or category.job_types.exists():
        text = _("The category still has items or is the core of a job type. Move those first. Nothing was changed.")
        raise RuleViolation(text, code="in_use")
    category.delete()
    _record("framework.category.remove", actor, draft, category.code)


# ----------------------------------------------------------------------------------------------------------- items


@dataclass(frozen=True)
class ItemFields:
    """What can be edited of an item; `level_texts`: level → its meaning in Japanese and English, empty for none."""

    number: int
    category_id: int
    name: str
    name_en: str
    definition: str
    definition_en: str
    level_texts: Mapping[int, tuple[str, str]] = field(default_factory=dict)


@transaction.atomic
def skill_create(*, framework_id: int, code: str, fields: ItemFields, actor: User) -> Skill:
    """Add an item to a draft. A digital one is asked for by no job type yet: each gets a cell Lv.0, to be confirmed."""
    draft = locked_draft(framework_id, actor)
    check_code(code, draft.skills.filter(code=code).exists())
    category = row_of(SkillCategory, draft, fields.category_id)
    _check_number(draft, category.kind, fields.number)
    skill = Skill.objects.create(
        framework=draft,
        code=code,
        kind=category.kind,
        provenance=Provenance.CONFIRMED,
        **_columns(fields),
    )
    _save_texts(skill, fields.level_texts, confirm=True)
    if category.kind == ItemKind.DIGITAL:
        JobTypeRequirement.objects.bulk_create(
            JobTypeRequirement(job_type=job_type, skill=skill, level=Level.NONE) for job_type in draft.job_types.all()
        )
    _record("framework.skill.create", actor, draft, code)
    return skill


@transaction.atomic
def skill_update(
    *, framework_id: int, skill_id: int, version: int, fields: ItemFields, confirm: bool, actor: User
) -> None:
    """Change an item of a draft and what its levels mean.

    Args:
        confirm: also confirm as they are the texts that are still our default.

    Raises:
        Conflict: the item moved meanwhile.
        RuleViolation: the number is taken, or the category is of another kind.
    """
    draft = locked_draft(framework_id, actor)
    skill = row_of(Skill, draft, skill_id)
    category = row_of(SkillCategory, draft, fields.category_id)
    if category.kind != skill.kind:
        raise RuleViolation(_("An item cannot move to a category of another kind."), code="category_of_other_kind")
    if fields.number != skill.number:
        _check_number(draft, skill.kind, fields.number)
    columns = _columns(fields)
    edited = any(getattr(skill, name) != columns[name] for name in ("name", "definition"))
    if edited or (confirm and skill.provenance == Provenance.INFERRED):
        columns["provenance"] = Provenance.CONFIRMED
    compare_and_set(skill, version, **columns)
    _save_texts(skill, fields.level_texts, confirm=confirm)
    _record("framework.skill.update", actor, draft, skill.code)


@transaction.atomic
def skill_remove(*, framework_id: int, skill_id: int, actor: User) -> None:
    """Remove an item from a draft, with its cells, its level texts and its links to certificates."""
    draft = locked_draft(framework_id, actor)
    skill = row_of(Skill, draft, skill_id)
    with refused_while_in_use():
        CertificationSkill.objects.filter(skill=skill).delete()
        skill.requirements.all().delete()
        skill.level_texts.all().delete()
        skill.delete()
    _record("framework.skill.remove", actor, draft, skill.code)


def _columns(fields: ItemFields) -> dict[str, object]:
    columns = asdict(fields)
    del columns["level_texts"]
    return columns


def _check_number(draft: Framework, kind: str, number: int) -> None:
    other = draft.skills.filter(kind=kind, number=number).first()
    if other is not None:
        text = _("The number %(number)s belongs to “%(name)s”. Choose another one.")
        raise RuleViolation(text % {"number": number, "name": other.label}, code="number_taken")


def _save_texts(skill: Skill, texts: Mapping[int, tuple[str, str]], *, confirm: bool) -> None:
    """Write an item's own meanings of the levels; an empty one falls back to the general definition."""
    held = {row.level: row for row in skill.level_texts.all()}
    for level, (text, text_en) in texts.items():
        row = held.get(level)
        if not text:
            if row is not None:
                row.delete()
        elif row is None:
            SkillLevelText.objects.create(
                skill=skill, level=level, text=text, text_en=text_en, provenance=Provenance.CONFIRMED
            )
        else:
            edited = row.text != text
            if edited or (confirm and row.provenance == Provenance.INFERRED):
                row.provenance = Provenance.CONFIRMED
            row.text, row.text_en = text, text_en
            row.save(update_fields=["text", "text_en", "provenance"])


# ---------------------------------------------------------------------------------------------------------- levels


@dataclass(frozen=True)
class LevelFields:
    """What can be edited of a level's general meaning."""

    name: str
    name_en: str
    definition: str
    definition_en: str


@transaction.atomic
def level_update(*, framework_id: int, level_id: int, version: int, fields: LevelFields, actor: User) -> None:
    """Change the name and general definition of one of a draft's four levels; Conflict where it moved meanwhile."""
    draft = locked_draft(framework_id, actor)
    level = row_of(SkillLevel, draft, level_id)
    compare_and_set(level, version, **asdict(fields))
    _record("framework.level.update", actor, draft, level.label)


# ---------------------------------------------------------------------------------------------------- certificates


@dataclass(frozen=True)
class CertificationFields:
    """What can be edited of a certificate; `skill_ids` are the items it is evidence for."""

    name: str
    name_en: str
    issuer: str
    grade: str
    skill_ids: Sequence[int] = ()


@transaction.atomic
def certification_create(*, framework_id: int, code: str, fields: CertificationFields, actor: User) -> Certification:
    """Add a certificate to a draft; RuleViolation where the code is taken."""
    draft = locked_draft(framework_id, actor)
    check_code(code, draft.certifications.filter(code=code).exists())
    row = Certification.objects.create(
        framework=draft, code=code, provenance=Provenance.CONFIRMED, **_certification_columns(fields)
    )
    _link(draft, row, fields.skill_ids)
    _record("framework.certification.create", actor, draft, code)
    return row


@transaction.atomic
def certification_update(
    *, framework_id: int, certification_id: int, version: int, fields: CertificationFields, actor: User
) -> None:
    """Change a certificate of a draft and its items; Conflict where it moved meanwhile."""
    draft = locked_draft(framework_id, actor)
    row = row_of(Certification, draft, certification_id)
    compare_and_set(row, version, provenance=Provenance.CONFIRMED, **_certification_columns(fields))
    _link(draft, row, fields.skill_ids)
    _record("framework.certification.update", actor, draft, row.code)


@transaction.atomic
def certification_remove(*, framework_id: int, certification_id: int, actor: User) -> None:
    """Remove a certificate from a draft."""
    draft = locked_draft(framework_id, actor)
    row = row_of(Certification, draft, certification_id)
    with refused_while_in_use():
        CertificationSkill.objects.filter(certification=row).delete()
        row.delete()
    _record("framework.certification.remove", actor, draft, row.code)


def _certification_columns(fields: CertificationFields) -> dict[str, object]:
    columns = asdict(fields)
    del columns["skill_ids"]
    return columns


def _link(draft: Framework, row: Certification, skill_ids: Sequence[int]) -> None:
    skills = draft.skills.filter(pk__in=skill_ids)
    CertificationSkill.objects.filter(certification=row).exclude(skill__in=skills).delete()
    held = set(CertificationSkill.objects.filter(certification=row).values_list("skill_id", flat=True))
    CertificationSkill.objects.bulk_create(
        CertificationSkill(certification=row, skill=skill) for skill in skills if skill.pk not in held
    )


def _record(verb: str, actor: User, draft: models.Model, code: str) -> None:
    audit.record(verb=verb, actor=actor, target=draft, code=code)
