"""Reads of the framework: the version in force, its items with their levels, what job types ask for."""

from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from django.db.models import Count, F, IntegerField, OuterRef, Prefetch, QuerySet, Subquery
from django.db.models.functions import Coalesce

from skillmap.framework import rules
from skillmap.framework.catalogue import Catalogue, LevelChoice, catalogue_of
from skillmap.framework.choices import FrameworkState, ItemKind, Provenance
from skillmap.framework.models import (
    Certification,
    Framework,
    JobType,
    JobTypeRequirement,
    Skill,
    SkillCategory,
    SkillLevel,
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
    return groups_in(catalogue_of(framework), kinds, with_empty=with_empty)


def groups_in(catalogue: Catalogue, kinds: Collection[str], *, with_empty: bool = False) -> list[ItemGroup]:
    """As `items_of`, from a version that has been read."""
    groups = [
        ItemGroup(category, tuple(Item(skill, catalogue.choices[skill.pk]) for skill in catalogue.skills_in(category)))
        for category in catalogue.categories
        if category.kind in kinds
    ]
    return [group for group in groups if group.items or with_empty]


def item_of(skill: Skill) -> Item:
    """One item and what its levels mean; two queries."""
    own = {text.level: text for text in skill.level_texts.all()}
    levels = SkillLevel.objects.filter(framework_id=skill.framework_id).order_by("level")
    return Item(skill, tuple(LevelChoice(level, own.get(level.level)) for level in levels))


# ------------------------------------------------------------------------------------ job types and what they ask


def job_types_of(framework: Framework) -> list[JobType]:
    """The job types of a version in their order, each with its core category; one query."""
    return list(framework.job_types.select_related("core_category").order_by("sort_order", "pk"))


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


def defaults_in(catalogue: Catalogue) -> rules.Defaults:
    """What the secretariat has not confirmed yet, of a version that has been read; as `rules.defaults_in`."""
    inferred = Provenance.INFERRED
    return rules.Defaults(
        cells=catalogue.cell_defaults,
        job_types=sum(row.is_default for row in catalogue.job_types),
        level_texts=sum(choice.is_default for choices in catalogue.choices.values() for choice in choices),
        items=sum(row.provenance == inferred for row in catalogue.skills),
        translation=catalogue.framework.translation_provenance == inferred,
    )


def content_of(framework: Framework) -> rules.Content:
    """All that a version holds, as plain values; five queries."""
    return contents_of([framework])[framework.pk]


def contents_of(frameworks: Collection[Framework]) -> dict[int, rules.Content]:
    """All that some versions hold, by id; five queries for all of them."""
    ids = [framework.pk for framework in frameworks]
    categories, levels, items = _category_rows(ids), _level_rows(ids), _item_rows(ids)
    job_types, certifications = _job_type_rows(ids), _certification_rows(ids)
    return {
        pk: rules.content(
            categories=categories[pk],
            levels=levels[pk],
            items=items[pk],
            job_types=job_types[pk],
            certifications=certifications[pk],
        )
        for pk in ids
    }


def _category_rows(ids: list[int]) -> dict[int, list[rules.CategoryRow]]:
    found: dict[int, list[rules.CategoryRow]] = defaultdict(list)
    for row in SkillCategory.objects.filter(framework__in=ids):
        found[row.framework_id].append(
            rules.CategoryRow(
                code=row.code,
                name=row.name,
                name_en=row.name_en,
                kind=row.kind,
                sort_order=row.sort_order,
                source=row.source,
            )
        )
    return found


def _level_rows(ids: list[int]) -> dict[int, list[rules.LevelRow]]:
    found: dict[int, list[rules.LevelRow]] = defaultdict(list)
    for row in SkillLevel.objects.filter(framework__in=ids):
        found[row.framework_id].append(
            rules.LevelRow(
                level=row.level,
                label=row.label,
                name=row.name,
                name_en=row.name_en,
                definition=row.definition,
                definition_en=row.definition_en,
                source=row.source,
            )
        )
    return found


# Rows with what hangs on them come in one query: each line is the row, joined with one of its own or with nothing.
ITEM = ("code", "number", "name", "name_en", "kind", "definition", "definition_en", "provenance", "source")
TEXT = ("level", "text", "text_en", "provenance", "source")


def _item_rows(ids: list[int]) -> dict[int, list[rules.ItemRow]]:
    lines = Skill.objects.filter(framework__in=ids).order_by("pk", "level_texts__level")
    found: dict[int, list[rules.ItemRow]] = defaultdict(list)
    for (framework_id, _pk), group in _joined(lines, (*ITEM, "category__code"), "level_texts", TEXT):
        row, texts = group
        held = {name: row[name] for name in ITEM} | {"category": row["category__code"]}
        found[framework_id].append(
            rules.ItemRow(**held, level_texts=tuple(rules.LevelTextRow(**text) for text in texts))
        )
    return found


JOB_TYPE = (
    "code",
    "name",
    "name_en",
    "definition",
    "definition_en",
    "sort_order",
    "name_provenance",
    "definition_provenance",
    "source",
    "note",
)
CELL = ("skill__code", "level", "provenance", "source", "note")


def _job_type_rows(ids: list[int]) -> dict[int, list[rules.JobTypeRow]]:
    lines = JobType.objects.filter(framework__in=ids).order_by("pk", "requirements__skill__number")
    found: dict[int, list[rules.JobTypeRow]] = defaultdict(list)
    for (framework_id, _pk), group in _joined(lines, (*JOB_TYPE, "core_category__code"), "requirements", CELL):
        row, cells = group
        held = {name: row[name] for name in JOB_TYPE} | {"core_category": row["core_category__code"] or ""}
        asked = tuple(rules.CellRow(skill=cell.pop("skill__code"), **cell) for cell in cells)
        found[framework_id].append(rules.JobTypeRow(**held, cells=asked))
    return found


EXAM = ("code", "name", "name_en", "issuer", "grade", "provenance", "source", "note")


def _certification_rows(ids: list[int]) -> dict[int, list[rules.CertificationRow]]:
    lines = Certification.objects.filter(framework__in=ids).order_by("pk", "skills__code")
    found: dict[int, list[rules.CertificationRow]] = defaultdict(list)
    for (framework_id, _pk), group in _joined(lines, EXAM, "skills", ("code",)):
        row, skills = group
        codes = tuple(skill["code"] for skill in skills)
        found[framework_id].append(rules.CertificationRow(**{name: row[name] for name in EXAM}, skills=codes))
    return found


Line = dict[str, Any]


def _joined(
    rows: QuerySet[Any], columns: tuple[str, ...], relation: str, inner: tuple[str, ...]
) -> Iterator[tuple[tuple[int, int], tuple[Line, list[Line]]]]:
    """Rows by framework and id, each with its columns and the rows of a relation; ordered by primary key first."""
    wanted = [f"{relation}__{name}" for name in inner]
    lines = rows.values("framework_id", "pk", *columns, f"{relation}__pk", *wanted)
    for key, group in groupby(lines, key=lambda line: (line["framework_id"], line["pk"])):
        held = list(group)
        joined = [line for line in held if line[f"{relation}__pk"] is not None]
        yield key, (held[0], [{name: line[f"{relation}__{name}"] for name in inner} for line in joined])
