"""Write a whole version at once: from tables, or as a copy."""

from collections.abc import Iterable
from typing import TypeVar

from django.db import models, transaction
from django.utils.translation import gettext as _

from skillmap.core import audit, clock
from skillmap.core.errors import RuleViolation
from skillmap.framework import diff_rules, rules, words
from skillmap.framework.choices import FrameworkState
from skillmap.framework.models import (
    Certification,
    CertificationSkill,
    Framework,
    JobType,
    JobTypeRequirement,
    Skill,
    SkillCategory,
    SkillLevel,
    SkillLevelText,
)
from skillmap.framework.selectors import content_of
from skillmap.people.models import User

Row = TypeVar("Row", bound=models.Model)


@transaction.atomic
def framework_load(
    *, code: str, name: str, name_en: str = "", content: rules.Content, actor: User | None = None
) -> tuple[Framework, bool]:
    """Load and publish one version; loading the same again changes nothing.

    Args:
        code: the version's own code, such as `2024`.
        content: what it holds; see `framework.tables.content_from`.
        actor: None for the command line.

    Returns:
        The version, and whether it was created.

    Raises:
        RuleViolation: the content is not whole, or a version with this code holds something else.
    """
    refuse_unless_whole(content)
    if not rules.is_code(code):
        raise RuleViolation(words.problem_text(rules.Problem("code_unusable", code)), code="code_unusable")
    found = Framework.objects.select_for_update().filter(code=code).first()
    if found is not None:
        _refuse_unless_same(found, name, name_en, content)
        return found, False
    framework = Framework.objects.create(code=code, name=name, name_en=name_en)
    write_content(framework, content)
    mark_published(framework, actor)
    audit.record(verb="framework.load", actor=actor, target=framework, channel="command", code=code)
    return framework, True


def mark_published(framework: Framework, actor: User | None) -> None:
    """Turn a draft into a published version; the caller has checked it and holds its lock."""
    framework.state, framework.published_at = FrameworkState.PUBLISHED, clock.now()
    framework.published_by = actor
    framework.version += 1
    framework.save(update_fields=["state", "published_at", "published_by", "version"])


def refuse_unless_whole(content: rules.Content) -> None:
    """RuleViolation, with every problem in its details, where a version cannot be published."""
    problems = [words.problem_text(problem) for problem in rules.publish_problems(content)]
    if problems:
        lines = [_("This version is not complete yet. Nothing was published."), *problems]
        raise RuleViolation(" ".join(lines), code="not_ready", details={"problems": problems})


def _refuse_unless_same(found: Framework, name: str, name_en: str, content: rules.Content) -> None:
    if found.is_draft:
        text = _("There is a draft with the code %(code)s. Publish or discard it first. Nothing was changed.")
        raise RuleViolation(text % {"code": found.code}, code="draft_exists")
    held = content_of(found)
    if held == content and (found.name, found.name_en) == (name, name_en):
        return
    text = _(
        "The version %(code)s is published and cannot be changed, but the tables differ from it (%(where)s). "
        "Load them under a new code. Nothing was changed."
    )
    where = words.summary(diff_rules.differences(held, content)) or _("names, sources or provenance")
    raise RuleViolation(text % {"code": found.code, "where": where}, code="published_differs")


def write_content(framework: Framework, content: rules.Content) -> None:
    """Insert all rows of a version into an empty draft."""
    categories = _write_categories(framework, content)
    skills = _write_items(framework, content, categories)
    _insert(
        SkillLevel(
            framework=framework,
            level=row.level,
            label=row.label,
            name=row.name,
            name_en=row.name_en,
            definition=row.definition,
            definition_en=row.definition_en,
            source=row.source,
        )
        for row in content.levels
    )
    _write_job_types(framework, content, categories, skills)
    _write_certifications(framework, content, skills)


def _write_categories(framework: Framework, content: rules.Content) -> dict[str, SkillCategory]:
    rows = _insert(
        SkillCategory(
            framework=framework,
            code=row.code,
            name=row.name,
            name_en=row.name_en,
            kind=row.kind,
            sort_order=row.sort_order,
            source=row.source,
        )
        for row in content.categories
    )
    return {row.code: row for row in rows}


def _write_items(
    framework: Framework, content: rules.Content, categories: dict[str, SkillCategory]
) -> dict[str, Skill]:
    rows = _insert(
        Skill(
            framework=framework,
            category=categories[row.category],
            code=row.code,
            number=row.number,
            name=row.name,
            name_en=row.name_en,
            definition=row.definition,
            definition_en=row.definition_en,
            kind=row.kind,
            provenance=row.provenance,
            source=row.source,
        )
        for row in content.items
    )
    skills = {row.code: row for row in rows}
    _insert(
        SkillLevelText(
            skill=skills[row.code],
            level=text.level,
            text=text.text,
            text_en=text.text_en,
            provenance=text.provenance,
            source=text.source,
        )
        for row in content.items
        for text in row.level_texts
    )
    return skills


def _write_job_types(
    framework: Framework, content: rules.Content, categories: dict[str, SkillCategory], skills: dict[str, Skill]
) -> None:
    rows = _insert(
        JobType(
            framework=framework,
            code=row.code,
            name=row.name,
            name_en=row.name_en,
            definition=row.definition,
            definition_en=row.definition_en,
            core_category=categories[row.core_category] if row.core_category else None,
            sort_order=row.sort_order,
            name_provenance=row.name_provenance,
            definition_provenance=row.definition_provenance,
            source=row.source,
            note=row.note,
        )
        for row in content.job_types
    )
    job_types = {row.code: row for row in rows}
    _insert(
        JobTypeRequirement(
            job_type=job_types[row.code],
            skill=skills[cell.skill],
            level=cell.level,
            provenance=cell.provenance,
            source=cell.source,
            note=cell.note,
        )
        for row in content.job_types
        for cell in row.cells
    )


def _write_certifications(framework: Framework, content: rules.Content, skills: dict[str, Skill]) -> None:
    rows = _insert(
        Certification(
            framework=framework,
            code=row.code,
            name=row.name,
            name_en=row.name_en,
            issuer=row.issuer,
            grade=row.grade,
            provenance=row.provenance,
            source=row.source,
            note=row.note,
        )
        for row in content.certifications
    )
    exams = {row.code: row for row in rows}
    _insert(
        CertificationSkill(certification=exams[row.code], skill=skills[code])
        for row in content.certifications
        for code in row.skills
    )


def _insert(rows: Iterable[Row]) -> list[Row]:
    made = list(rows)
    for row in made:
        _refuse_unless_it_fits(row)
    return type(made[0])._default_manager.bulk_create(made, batch_size=500) if made else []


def _refuse_unless_it_fits(row: models.Model) -> None:
    """PostgreSQL refuses what is too long or holds NUL; SQLite takes it. Both get the same clear words."""
    for field in row._meta.concrete_fields:
        value = getattr(row, field.attname)
        if not isinstance(value, str):
            continue
        if "\x00" in value or (field.max_length is not None and len(value) > field.max_length):
            text = _("“%(value)s” is longer than %(limit)s characters or holds characters that cannot be stored.")
            raise RuleViolation(text % {"value": value[:40], "limit": field.max_length}, code="text_unusable")
