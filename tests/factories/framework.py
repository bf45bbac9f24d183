"""Versions of the framework for tests: single rows in a draft, a small whole version, or the real one.

>>> framework = real_framework()  # the version of fixtures/, published; about 0.1 s
>>> framework = small_framework(items=3, job_types=2)  # published
>>> draft = small_framework(items=3, published=False)
>>> SkillFactory(framework=draft, number=9)  # rows can be added to drafts only: the database refuses others
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import factory
from django.conf import settings
from factory.django import DjangoModelFactory

from skillmap.core import clock
from skillmap.framework import catalogue, rules, services
from skillmap.framework.choices import FrameworkState, ItemKind
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
from skillmap.framework.tables import content_from

LEVEL_NAMES = ("未実施", "要指導レベル", "自立レベル", "指導者レベル")


class FrameworkFactory(DjangoModelFactory[Framework]):
    """An empty draft; `publish` makes a filled one immutable."""

    class Meta:
        model = Framework

    code = factory.Sequence(lambda n: f"version-{n}")
    name = factory.Sequence(lambda n: f"スキル体系 第{n}版")
    name_en = factory.Sequence(lambda n: f"Framework, edition {n}")


class SkillCategoryFactory(DjangoModelFactory[SkillCategory]):
    """A category for digital items."""

    class Meta:
        model = SkillCategory

    framework = factory.SubFactory(FrameworkFactory)
    code = factory.Sequence(lambda n: f"category_{n}")
    name = factory.Sequence(lambda n: f"分類{n}")
    name_en = factory.Sequence(lambda n: f"Category {n}")
    sort_order = factory.Sequence(lambda n: n % 30000)


class SkillFactory(DjangoModelFactory[Skill]):
    """An item of a category of its own version; its kind follows the category."""

    class Meta:
        model = Skill

    framework = factory.SubFactory(FrameworkFactory)
    category = factory.SubFactory(SkillCategoryFactory, framework=factory.SelfAttribute("..framework"))
    kind = factory.SelfAttribute("category.kind")
    code = factory.Sequence(lambda n: f"skill_{n}")
    number = factory.Sequence(lambda n: n % 30000)
    name = factory.Sequence(lambda n: f"項目{n}")
    name_en = factory.Sequence(lambda n: f"Skill {n}")
    definition = factory.Sequence(lambda n: f"項目{n}の定義")
    definition_en = factory.Sequence(lambda n: f"Definition of skill {n}")


class SkillLevelFactory(DjangoModelFactory[SkillLevel]):
    """One of a version's levels."""

    class Meta:
        model = SkillLevel

    framework = factory.SubFactory(FrameworkFactory)
    level = 0
    label = factory.LazyAttribute(lambda row: f"Lv.{row.level}")
    name = factory.LazyAttribute(lambda row: LEVEL_NAMES[row.level])
    definition = factory.LazyAttribute(lambda row: f"{LEVEL_NAMES[row.level]}の定義")


class SkillLevelTextFactory(DjangoModelFactory[SkillLevelText]):
    """What a level means for one item."""

    class Meta:
        model = SkillLevelText

    skill = factory.SubFactory(SkillFactory)
    level = 2
    text = factory.Sequence(lambda n: f"この項目での意味{n}")


class JobTypeFactory(DjangoModelFactory[JobType]):
    """A job type without cells."""

    class Meta:
        model = JobType

    framework = factory.SubFactory(FrameworkFactory)
    code = factory.Sequence(lambda n: f"job_{n}")
    name = factory.Sequence(lambda n: f"ジョブタイプ{n}")
    name_en = factory.Sequence(lambda n: f"Job type {n}")
    definition = factory.Sequence(lambda n: f"ジョブタイプ{n}の定義")
    sort_order = factory.Sequence(lambda n: n % 30000)


class JobTypeRequirementFactory(DjangoModelFactory[JobTypeRequirement]):
    """One cell; job type and item of one version."""

    class Meta:
        model = JobTypeRequirement

    job_type = factory.SubFactory(JobTypeFactory)
    skill = factory.SubFactory(SkillFactory, framework=factory.SelfAttribute("..job_type.framework"))
    level = 2


class CertificationFactory(DjangoModelFactory[Certification]):
    """An exam; `skills` ties it to items."""

    class Meta:
        model = Certification
        skip_postgeneration_save = True

    framework = factory.SubFactory(FrameworkFactory)
    code = factory.Sequence(lambda n: f"exam_{n}")
    name = factory.Sequence(lambda n: f"試験{n}")

    @factory.post_generation
    def skills(self: Any, create: bool, extracted: list[Skill] | None, **kwargs: object) -> None:
        """Tie it to the given items."""
        if create and extracted:
            CertificationSkill.objects.bulk_create(
                CertificationSkill(certification=self, skill=skill) for skill in extracted
            )


def small_framework(
    *, items: int = 3, tools: int = 0, job_types: int = 1, published: bool = True, code: str = ""
) -> Framework:
    """A whole version: items in one category, tools in another, four levels, job types that ask for Lv.2 everywhere."""
    framework = FrameworkFactory.create(**({"code": code} if code else {}))
    for level in rules.LEVELS:
        SkillLevelFactory.create(framework=framework, level=level)
    skills = _items(framework, items, ItemKind.DIGITAL)
    _items(framework, tools, ItemKind.TOOL)
    for place in range(1, job_types + 1):
        job_type = JobTypeFactory.create(framework=framework, code=f"job_{place}", sort_order=place)
        for skill in skills:
            JobTypeRequirementFactory.create(job_type=job_type, skill=skill)
    return publish(framework) if published else framework


def _items(framework: Framework, count: int, kind: str) -> list[Skill]:
    if not count:
        return []
    category = SkillCategoryFactory.create(framework=framework, kind=kind, code=f"of_{kind}")
    return [
        SkillFactory.create(framework=framework, category=category, number=number, code=f"{kind}_{number}")
        for number in range(1, count + 1)
    ]


def publish(framework: Framework) -> Framework:
    """Publish a draft as it is; from here on the database refuses every change."""
    catalogue._published.clear()  # ids come back after a test's rollback
    Framework.objects.filter(pk=framework.pk).update(state=FrameworkState.PUBLISHED, published_at=clock.now())
    framework.refresh_from_db()
    return framework


@lru_cache(maxsize=1)
def real_content() -> rules.Content:
    """What the CSV files of fixtures/ hold."""
    return content_from(settings.FIXTURE_ROOT)


def real_framework(code: str = "2024") -> Framework:
    """The version of fixtures/, published: 22 digital items, 6 tools, 10 job types, 220 cells, 11 exams."""
    catalogue._published.clear()
    framework, _created = services.framework_load(code=code, name="東京都デジタルスキルマップ", content=real_content())
    return framework
