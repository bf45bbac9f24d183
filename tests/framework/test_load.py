"""The real version, loaded from its tables."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.utils import translation
from pytest_django import DjangoAssertNumQueries

from skillmap.core.errors import RuleViolation
from skillmap.core.models import AuditEvent
from skillmap.framework import rules, selectors, services
from skillmap.framework.choices import FrameworkState, ItemKind, Provenance
from skillmap.framework.models import (
    Certification,
    Framework,
    JobTypeRequirement,
    Skill,
    SkillCategory,
    SkillLevel,
    SkillLevelText,
)
from skillmap.framework.tables import content_from
from tests.factories.framework import real_content, small_framework

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _in_english() -> Iterator[None]:
    """The words that these tests look for are the English ones."""
    with translation.override("en"):
        yield


def load(*arguments: str) -> str:
    out = StringIO()
    call_command("load_framework", *arguments, stdout=out)
    return out.getvalue()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The tables, to be changed."""
    for path in settings.FIXTURE_ROOT.glob("*.csv"):
        shutil.copy(path, tmp_path)
    return tmp_path


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_what_is_loaded() -> None:
    said = load()
    framework = Framework.objects.get()
    assert (framework.code, framework.name, framework.state) == (
        "2024",
        "東京都デジタルスキルマップ 2024年度版",
        FrameworkState.PUBLISHED,
    )
    assert framework.published_at is not None
    assert "22 digital skills, 6 tools, 4 levels, 10 job types, 220 requirements, 11 certificates" in said
    assert SkillCategory.objects.filter(kind=ItemKind.DIGITAL).count() == 10
    assert list(Skill.objects.filter(kind=ItemKind.DIGITAL).order_by("number").values_list("number", flat=True)) == [
        *range(1, 23)
    ]
    assert SkillLevel.objects.count() == 4
    assert JobTypeRequirement.objects.count() == 220
    assert AuditEvent.objects.filter(verb="framework.load").count() == 1


def test_facts_and_defaults_are_told_apart() -> None:
    load()
    framework = Framework.objects.get()
    printed = framework.job_types.filter(name_provenance=Provenance.SEEN).order_by("sort_order")
    assert [row.name for row in printed] == ["ビジネスデザイナー", "UI/UXデザイナー", "データサイエンティスト"]
    assert framework.job_types.exclude(definition_provenance=Provenance.INFERRED).count() == 0
    assert JobTypeRequirement.objects.exclude(provenance=Provenance.INFERRED).count() == 0
    assert framework.skills.exclude(provenance=Provenance.SEEN).count() == 0
    tools = SkillLevelText.objects.filter(skill__kind=ItemKind.TOOL)
    assert tools.count() == 24
    assert tools.exclude(provenance=Provenance.INFERRED).count() == 0
    assert framework.translation_provenance == Provenance.INFERRED
    assert framework.skills.exclude(source="東京都デジタル人材確保・育成基本方針 ver.2.0").count() == 0


def test_everything_has_its_english() -> None:
    load()
    assert not Skill.objects.filter(name_en="").exists()
    assert not Skill.objects.filter(kind=ItemKind.DIGITAL, definition_en="").exists()
    assert not SkillLevelText.objects.filter(text_en="").exists()
    for rows in (SkillCategory.objects.all(), SkillLevel.objects.all(), Certification.objects.all()):
        assert not rows.filter(name_en="").exists()
    assert not Framework.objects.get().job_types.filter(definition_en="").exists()


def test_one_exam_for_two_items_and_three_for_none() -> None:
    load()
    exams = {
        row.code: [skill.number for skill in row.skills.all()]
        for row in selectors.certifications_of(Framework.objects.get())
    }
    assert exams["it_service_manager"] == [19, 20]
    assert exams["it_strategist"] == [1]
    assert [code for code, numbers in exams.items() if not numbers] == ["it_passport", "fundamental_it", "applied_it"]


def test_a_second_run_changes_nothing_and_says_so() -> None:
    load()
    before = selectors.content_of(Framework.objects.get())
    assert "loaded already; nothing was changed" in load()
    assert Framework.objects.count() == 1
    assert selectors.content_of(Framework.objects.get()) == before == real_content()
    assert AuditEvent.objects.filter(verb="framework.load").count() == 1


def test_loading_takes_few_statements(django_assert_max_num_queries: DjangoAssertNumQueries) -> None:
    with django_assert_max_num_queries(20):
        services.framework_load(code="2024", name="版", content=real_content())


def test_changed_tables_against_a_published_version_are_refused(folder: Path) -> None:
    load()
    change(folder / "job_type_requirements.csv", "1,it_strategy,ITストラテジー,3", "1,it_strategy,ITストラテジー,2")
    change(folder / "skills.csv", "UXデザイン", "体験デザイン")
    with pytest.raises(CommandError, match="2024 is published and cannot be changed") as refusal:
        load("--folder", str(folder))
    assert "items: 1, required levels: 1" in str(refusal.value)
    assert Framework.objects.count() == 1
    assert selectors.content_of(Framework.objects.get()) == real_content()


def test_changed_tables_load_under_a_new_code(folder: Path) -> None:
    load()
    change(folder / "job_type_requirements.csv", "1,it_strategy,ITストラテジー,3", "1,it_strategy,ITストラテジー,2")
    assert "Loaded and published" in load("--folder", str(folder), "--code", "2025", "--name", "2025年度版")
    current = selectors.current_framework()
    assert current is not None
    assert current.code == "2025"


def test_another_name_is_a_change() -> None:
    load()
    with pytest.raises(CommandError, match="names, sources or provenance"):
        load("--name", "別の名前")


def test_a_draft_with_the_code_is_left_alone() -> None:
    small_framework(published=False, code="2024")
    with pytest.raises(CommandError, match="There is a draft with the code 2024"):
        load()


@pytest.mark.parametrize("code", ["", "2024 年", "A"])
def test_a_code_that_cannot_be_one(code: str) -> None:
    with pytest.raises(CommandError, match="a-z, 0-9"):
        load("--code", code)
    assert not Framework.objects.exists()


@pytest.mark.parametrize(
    ("file", "old", "new", "words"),
    [
        ("skills.csv", "number,code", "nummer,code", "skills.csv lacks the columns number"),
        ("skills.csv", "\n3,marketing", "\nthree,marketing", "skills.csv, line 4, column number is not a whole number"),
        ("skills.csv", "\n3,marketing", "\n３,marketing", "line 4, column number is not a whole number"),
        ("skills.csv", "3,marketing,", "3,,", "skills.csv, line 4, column code is empty"),
        ("skills.csv", "3,marketing,strategy", "3,marketing,strat", "category strat does not exist"),
        ("skills.csv", "3,marketing", "2,marketing", "number 2 is used by 2 items"),
        ("skill_levels.csv", "3,lv3", "4,lv3", "skill_levels.csv, line 5, column level must be one of: 0, 1, 2, 3"),
        ("skill_levels.csv", "3,lv3", "2,lv3", "levels 0 to 3 are not complete"),
        ("job_types.csv", "ai_engineer,", "ai,", "job_type_requirements.csv, column job_type_code names codes"),
        ("job_type_requirements.csv", ",3,inferred", ",3,guessed", "column provenance must be one of"),
        ("job_type_requirements.csv", "22,ai_engineering", "22,ai_engineerin", "lacks the level of 1 items"),
        (
            "certifications.csv",
            "it_strategy,ITストラテジー",
            "it_strategie,ITストラテジー",
            "do not exist: it_strategie",
        ),
        ("digital_tool_levels.csv", "excel,0", "lotus,0", "tool_code names codes that do not exist: lotus"),
        ("skills.csv", "マーケティング", "マ" * 61, "longer than 60 characters"),
        ("skills.csv", "マーケティング", "マ\x00", "cannot be"),
    ],
)
def test_tables_that_make_no_sense_load_nothing(folder: Path, file: str, old: str, new: str, words: str) -> None:
    change(folder / file, old, new)
    with pytest.raises(CommandError, match=words):
        load("--folder", str(folder))
    assert not Framework.objects.exists()


def test_a_file_in_another_encoding(folder: Path) -> None:
    path = folder / "skills.csv"
    path.write_bytes(path.read_text(encoding="utf-8").encode("cp932", errors="replace"))
    with pytest.raises(CommandError, match=r"skills\.csv cannot be read as CSV in UTF-8"):
        load("--folder", str(folder))


def test_a_missing_file(folder: Path) -> None:
    (folder / "skills.csv").unlink()
    with pytest.raises(CommandError, match=r"skills\.csv is missing"):
        load("--folder", str(folder))


def test_items_and_levels_are_enough_to_begin_with(folder: Path) -> None:
    for name in ("job_types", "job_type_requirements", "certifications", "digital_tools", "framework_en"):
        (folder / f"{name}.csv").unlink()
    (folder / "digital_tool_levels.csv").unlink()
    content = content_from(folder)
    assert (len(content.items), content.job_types, content.certifications) == (22, (), ())
    assert rules.publish_problems(content) == ()


def test_a_byte_order_mark_is_no_harm(folder: Path) -> None:
    path = folder / "skills.csv"
    path.write_text(path.read_text(encoding="utf-8"), encoding="utf-8-sig")
    assert content_from(folder) == real_content()


def test_an_incomplete_content_is_refused() -> None:
    broken = replace(real_content(), levels=())
    with pytest.raises(RuleViolation) as refusal:
        services.framework_load(code="x", name="x", content=broken)
    assert refusal.value.code == "not_ready"
    assert refusal.value.details["problems"]
