"""Reads of the framework: the version in force, its items with their levels, what job types ask for."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, F, IntegerField, OuterRef, Prefetch, QuerySet, Subquery
from django.db.models.functions import Coalesce

from skillmap.framework import rules
from skillmap.framework.catalogue import LevelChoice, catalogue_of
from skillmap.framework.choices import FrameworkState, ItemKind, Level, Provenance
from skillmap.framework.models import (
    Certification,
    Framework,
    JobType,
    JobTypeRequirement,
    Skill,
    SkillCategory,
    SkillLevelText,
)


def current_framework() -> Framework | None:
    """The version in force: the one published last that is not retired. None where nothing is published yet."""
    in_force = Framework.objects.filter(state=FrameworkState.PUBLISHED)
    return in_force.order_by("-published_at", "-pk").first()


# ------------------------------------------------------------------------------------------------ items and levels


@dataclass(frozen=True)
class Item:
    """An item and what its four levels mean, lowest first."""

    skill: Skill
    levels: tuple[LevelChoice, ...]

    @property
    def has_own_texts(self) -> bool:
        """Whether some level means something else here than in general."""
        return any(choice.own is not None for choice in self.levels)


@dataclass(frozen=True)
class ItemGroup:
    """A category and its items, in the order of their numbers."""

    category: SkillCategory
    items: tuple[Item, ...]


def items_of(
    framework: Framework, kinds: Collection[str] = (ItemKind.DIGITAL,), *, with_empty: bool = False
) -> list[ItemGroup]:
    """The categories of a version with their items and what each level means for each item.

    A constant number of queries for a draft, none for a published version that this process has read before.

    Args:
        framework: the version.
        kinds: which kinds of items; digital ones come before tools.
        with_empty: whether categories without an item are listed too.
    """
    catalogue = catalogue_of(framework)
    groups = [
        ItemGroup(category, tuple(Item(skill, catalogue.choices[skill.pk]) for skill in catalogue.skills_in(category)))
        for category in catalogue.categories
        if category.kind in kinds
    ]
    return [group for group in groups if group.items or with_empty]


# ------------------------------------------------------------------------------------ job types and what they ask


def job_types_of(framework: Framework) -> list[JobType]:
    """The job types of a version in their order, each with its core category; one query."""
    return list(framework.job_types.select_related("core_category").order_by("sort_order", "pk"))


def requirements_of(job_type: JobType) -> dict[str, int]:
    """Skill code → required level (1 to 3), in the order of the items' numbers; what is not asked for is left out."""
    cells = job_type.requirements.filter(level__gt=Level.NONE).order_by("skill__number")
    return dict(cells.values_list("skill__code", "level"))


@dataclass(frozen=True)
class MatrixRow:
    """One item and its cells, one for each job type in the matrix's order; None where a cell is missing."""

    skill: Skill
    cells: tuple[JobTypeRequirement | None, ...]


@dataclass(frozen=True)
class Matrix:
    """What all job types of a version ask for: items down, job types across."""

    job_types: tuple[JobType, ...]
    rows: tuple[MatrixRow, ...]

    @property
    def cells(self) -> list[JobTypeRequirement]:
        """All cells there are, row by row."""
        return [cell for row in self.rows for cell in row.cells if cell is not None]

    @property
    def defaults(self) -> int:
        """How many cells are still our default."""
        return sum(cell.is_default for cell in self.cells)


def requirements_matrix(framework: Framework) -> Matrix:
    """The digital items of a version by its job types; three queries."""
    job_types = job_types_of(framework)
    skills = (
        Skill.objects.filter(framework=framework, kind=ItemKind.DIGITAL).select_related("category").order_by("number")
    )
    cells = {
        (cell.skill_id, cell.job_type_id): cell
        for cell in JobTypeRequirement.objects.filter(job_type__framework=framework)
    }
    rows = [MatrixRow(skill, tuple(cells.get((skill.pk, job_type.pk)) for job_type in job_types)) for skill in skills]
    return Matrix(tuple(job_types), tuple(rows))


# ------------------------------------------------------------------------------------------------------ certificates


def certifications_of(framework: Framework) -> list[Certification]:
    """The exams of a version, each with its items read (`certification.skills.all()`); two queries."""
    exams = framework.certifications.prefetch_related(Prefetch("skills", Skill.objects.order_by("kind", "number")))
    return list(exams.order_by("-grade", "name", "pk"))


# ---------------------------------------------------------------------------------------------------- whole versions


def with_figures(versions: QuerySet[Framework]) -> QuerySet[Framework]:
    """Versions with the number of their `items`, `jobs` and `cell_defaults`; drafts first, then the newest."""
    defaults = JobTypeRequirement.objects.filter(provenance=Provenance.INFERRED)
    return versions.annotate(
        items=_count(Skill.objects.all(), "framework"),
        jobs=_count(JobType.objects.all(), "framework"),
        cell_defaults=_count(defaults, "job_type__framework"),
    ).order_by(F("published_at").desc(nulls_first=True), "-pk")


def _count(rows: QuerySet[Any], owner: str) -> Coalesce:
    counted = rows.filter(**{owner: OuterRef("pk")}).order_by().values(owner).annotate(n=Count("pk")).values("n")
    return Coalesce(Subquery(counted, output_field=IntegerField()), 0)


@dataclass(frozen=True)
class Defaults:
    """How much of a version is still our default, and not the government's own."""

    cells: int
    job_types: int
    level_texts: int
    items: int
    translation: bool

    @property
    def total(self) -> int:
        """All values that wait for the secretariat, the translation counting as one."""
        return self.cells + self.job_types + self.level_texts + self.items + self.translation


def defaults_of(framework: Framework) -> Defaults:
    """Count what the secretariat has not confirmed yet; one query beside reading the version."""
    catalogue = catalogue_of(framework)
    cells = JobTypeRequirement.objects.filter(job_type__framework=framework, provenance=Provenance.INFERRED)
    return Defaults(
        cells=cells.count(),
        job_types=sum(row.is_default for row in catalogue.job_types),
        level_texts=sum(choice.is_default for choices in catalogue.choices.values() for choice in choices),
        items=sum(row.provenance == Provenance.INFERRED for row in catalogue.skills),
        translation=framework.translation_provenance == Provenance.INFERRED,
    )


def content_of(framework: Framework) -> rules.Content:
    """All that a version holds, as plain values; eight queries."""
    return rules.content(
        categories=_category_rows(framework),
        levels=_level_rows(framework),
        items=_item_rows(framework),
        job_types=_job_type_rows(framework),
        certifications=_certification_rows(framework),
    )


def _category_rows(framework: Framework) -> Iterable[rules.CategoryRow]:
    return (
        rules.CategoryRow(
            code=row.code,
            name=row.name,
            name_en=row.name_en,
            kind=row.kind,
            sort_order=row.sort_order,
            source=row.source,
        )
        for row in framework.categories.all()
    )


def _level_rows(framework: Framework) -> Iterable[rules.LevelRow]:
    return (
        rules.LevelRow(
            level=row.level,
            label=row.label,
            name=row.name,
            name_en=row.name_en,
            definition=row.definition,
            definition_en=row.definition_en,
            source=row.source,
        )
        for row in framework.levels.all()
    )


def _item_rows(framework: Framework) -> Iterable[rules.ItemRow]:
    skills = framework.skills.select_related("category").prefetch_related(
        Prefetch("level_texts", SkillLevelText.objects.order_by("level"))
    )
    for row in skills:
        texts = tuple(
            rules.LevelTextRow(
                level=text.level,
                text=text.text,
                text_en=text.text_en,
                provenance=text.provenance,
                source=text.source,
            )
            for text in row.level_texts.all()
        )
        yield rules.ItemRow(
            code=row.code,
            number=row.number,
            name=row.name,
            name_en=row.name_en,
            category=row.category.code,
            kind=row.kind,
            definition=row.definition,
            definition_en=row.definition_en,
            provenance=row.provenance,
            source=row.source,
            level_texts=texts,
        )


def _job_type_rows(framework: Framework) -> Iterable[rules.JobTypeRow]:
    cells = JobTypeRequirement.objects.select_related("skill").order_by("skill__number")
    for row in framework.job_types.select_related("core_category").prefetch_related(Prefetch("requirements", cells)):
        yield rules.JobTypeRow(
            code=row.code,
            name=row.name,
            name_en=row.name_en,
            definition=row.definition,
            definition_en=row.definition_en,
            core_category=row.core_category.code if row.core_category else "",
            sort_order=row.sort_order,
            name_provenance=row.name_provenance,
            definition_provenance=row.definition_provenance,
            source=row.source,
            note=row.note,
            cells=tuple(
                rules.CellRow(
                    skill=cell.skill.code,
                    level=cell.level,
                    provenance=cell.provenance,
                    source=cell.source,
                    note=cell.note,
                )
                for cell in row.requirements.all()
            ),
        )


def _certification_rows(framework: Framework) -> Iterable[rules.CertificationRow]:
    for row in framework.certifications.prefetch_related("skills"):
        yield rules.CertificationRow(
            code=row.code,
            name=row.name,
            name_en=row.name_en,
            issuer=row.issuer,
            grade=row.grade,
            provenance=row.provenance,
            source=row.source,
            note=row.note,
            skills=tuple(sorted(skill.code for skill in row.skills.all())),
        )
