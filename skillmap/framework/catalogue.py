"""A framework as values that pages and services can hold.

A published one is read once per process, for it never changes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from django.db.models import Count, Q
from django.utils.translation import get_language

from skillmap.framework.choices import Provenance
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


@dataclass(frozen=True)
class LevelChoice:
    """One level of one item as it is offered: the item's own text where there is one, else the general definition.

    The texts are kept in both languages; `name` and `definition` answer in the reader's.
    """

    row: SkillLevel
    own: SkillLevelText | None

    @property
    def level(self) -> int:
        """0 to 3."""
        return self.row.level

    @property
    def name(self) -> str:
        """The level's name."""
        return self.row.title

    @property
    def definition(self) -> str:
        """What it means for this item."""
        if self.own is None:
            return self.row.text
        return self.own.label

    @property
    def label(self) -> str:
        """Its short form, such as Lv.2."""
        return self.row.label

    @property
    def is_default(self) -> bool:
        """Whether the item's own text is still our default."""
        return self.own is not None and self.own.provenance == Provenance.INFERRED


class LevelWords(NamedTuple):
    """A level that is offered, in one language."""

    level: int
    name: str
    definition: str


@dataclass(frozen=True)
class Catalogue:
    """All content of one framework, with the relations as dictionaries.

    `choices` maps an item's id to its four levels; `cell_defaults` counts the required levels that nobody confirmed.
    """

    framework: Framework
    categories: tuple[SkillCategory, ...]
    skills: tuple[Skill, ...]
    levels: tuple[SkillLevel, ...]
    choices: Mapping[int, tuple[LevelChoice, ...]]
    job_types: tuple[JobType, ...]
    cell_defaults: int

    @cached_property
    def requirements(self) -> Mapping[int, Mapping[str, int]]:
        """A job type's id → item code → required level; read when it is first asked for."""
        found: dict[int, dict[str, int]] = {}
        asked = JobTypeRequirement.objects.filter(job_type__framework=self.framework)
        for job_type_id, code, level in asked.values_list("job_type_id", "skill__code", "level"):
            found.setdefault(job_type_id, {})[code] = level
        return found

    @cached_property
    def certifications(self) -> Mapping[str, tuple[Certification, ...]]:
        """An item's code → the exams that are evidence for it; read when it is first asked for."""
        found: dict[str, list[Certification]] = {}
        links = CertificationSkill.objects.filter(skill__framework=self.framework)
        for link in links.select_related("certification", "skill").order_by("certification__code"):
            found.setdefault(link.skill.code, []).append(link.certification)
        return {code: tuple(rows) for code, rows in found.items()}

    @cached_property
    def _words(self) -> dict[tuple[int, str | None], tuple[LevelWords, ...]]:
        return {}

    def level_words(self, skill: Skill) -> tuple[LevelWords, ...]:
        """The levels of an item in the reader's language."""
        key = (skill.pk, get_language())
        if key not in self._words:
            offered = self.choices[skill.pk]
            self._words[key] = tuple(LevelWords(row.level, row.name, row.definition) for row in offered)
        return self._words[key]

    @cached_property
    def _by_category(self) -> Mapping[int, tuple[Skill, ...]]:
        return {
            category.pk: tuple(skill for skill in self.skills if skill.category_id == category.pk)
            for category in self.categories
        }

    def skills_in(self, category: SkillCategory) -> tuple[Skill, ...]:
        """The items of a category, by number."""
        return self._by_category.get(category.pk, ())

    def job_type(self, pk: int | None) -> JobType | None:
        """A job type by id."""
        return next((row for row in self.job_types if row.pk == pk), None)


_published: dict[tuple[int, object], Catalogue] = {}


def catalogue_of(framework: Framework) -> Catalogue:
    """The content of a framework. Published versions are kept in this process; a draft is read each time."""
    if framework.is_draft:
        return _read(framework)
    key = (framework.pk, framework.published_at)
    if key not in _published:
        _published[key] = _read(framework)
    return _published[key]


def _read(framework: Framework) -> Catalogue:
    """Five queries; the order of items is their number's within their kind."""
    skills = tuple(framework.skills.select_related("category").order_by("kind", "number"))
    levels = tuple(framework.levels.order_by("level"))
    own = {(text.skill_id, text.level): text for text in SkillLevelText.objects.filter(skill__framework=framework)}
    defaults = Count("requirements", filter=Q(requirements__provenance=Provenance.INFERRED))
    job_types = framework.job_types.select_related("core_category").annotate(cell_defaults=defaults)
    ordered = tuple(job_types.order_by("sort_order", "pk"))
    return Catalogue(
        framework=framework,
        categories=tuple(framework.categories.order_by("kind", "sort_order")),
        skills=skills,
        levels=levels,
        choices={
            skill.pk: tuple(LevelChoice(level, own.get((skill.pk, level.level))) for level in levels)
            for skill in skills
        },
        job_types=ordered,
        cell_defaults=sum(row.cell_defaults for row in ordered),
    )
