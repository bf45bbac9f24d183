"""Edits of drafts, and the life of a version."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest
from django.db import connection

from skillmap.core.errors import Conflict, NotAllowed, RuleViolation
from skillmap.core.models import AuditEvent
from skillmap.framework import diff_rules, rules, selectors, services
from skillmap.framework.choices import FrameworkState, ItemKind, Provenance
from skillmap.framework.models import Framework, JobTypeRequirement, Skill
from skillmap.framework.services import (
    CategoryFields,
    CellEdit,
    CertificationFields,
    ItemFields,
    JobTypeFields,
    LevelFields,
)
from skillmap.framework.services.loading import write_content
from skillmap.people.models import User
from tests.factories.framework import CertificationFactory, SkillLevelTextFactory, publish, small_framework

pytestmark = pytest.mark.django_db


def refused(reason: str, call: Callable[..., object], /, **arguments: Any) -> RuleViolation:
    """Hold that a service refuses, and that nothing changed but that."""
    before = {row.pk: selectors.content_of(row) for row in Framework.objects.all()}
    lines = AuditEvent.objects.count()
    with pytest.raises(RuleViolation) as refusal:
        call(**arguments)
    assert refusal.value.code == reason
    assert {row.pk: selectors.content_of(row) for row in Framework.objects.all()} == before
    assert AuditEvent.objects.count() == lines
    return refusal.value


def item(draft: Framework, **changes: Any) -> ItemFields:
    """Fields of a new digital item."""
    values: dict[str, Any] = {
        "number": 9,
        "category_id": draft.categories.get(kind=ItemKind.DIGITAL).pk,
        "name": "新しい項目",
        "name_en": "New item",
        "definition": "新しい定義",
        "definition_en": "",
    }
    return ItemFields(**(values | changes))


def job(**changes: Any) -> JobTypeFields:
    """Fields of a job type."""
    values: dict[str, Any] = {
        "name": "新しい役割",
        "name_en": "New role",
        "definition": "役割の定義",
        "definition_en": "",
        "sort_order": 9,
        "core_category_id": None,
    }
    return JobTypeFields(**(values | changes))


def fields_of(skill: Skill, **changes: Any) -> ItemFields:
    """What an item holds, with changes."""
    names = ("number", "category_id", "name", "name_en", "definition", "definition_en")
    return ItemFields(**({name: getattr(skill, name) for name in names} | changes))


def cell_of(draft: Framework, place: int = 0) -> JobTypeRequirement:
    """One of the cells of the first job type, in the order of the items."""
    return draft.job_types.get(code="job_1").requirements.order_by("skill__number")[place]


# ---------------------------------------------------------------------------------------------------- who may edit


def test_only_the_secretariat_edits(draft: Framework, published: Framework, staff: User, supporter: User) -> None:
    cell = cell_of(draft)
    calls: list[tuple[Callable[..., object], dict[str, Any]]] = [
        (services.framework_draft_from, {"source_id": published.pk, "code": "x", "name": "x"}),
        (
            services.framework_update,
            {
                "framework_id": draft.pk,
                "version": 1,
                "name": "x",
                "name_en": "",
                "note": "",
                "confirm_translation": False,
            },
        ),
        (services.framework_publish, {"framework_id": draft.pk, "seen": ""}),
        (services.framework_retire, {"framework_id": published.pk, "version": 1}),
        (services.framework_discard, {"framework_id": draft.pk}),
        (
            services.category_create,
            {"framework_id": draft.pk, "code": "x", "kind": "digital", "fields": CategoryFields("x", "", 1)},
        ),
        (services.skill_create, {"framework_id": draft.pk, "code": "x", "fields": item(draft)}),
        (services.skill_remove, {"framework_id": draft.pk, "skill_id": cell.skill_id}),
        (services.job_type_create, {"framework_id": draft.pk, "code": "x", "fields": job()}),
        (services.job_type_remove, {"framework_id": draft.pk, "job_type_id": cell.job_type_id}),
        (
            services.job_type_confirm,
            {"framework_id": draft.pk, "job_type_id": cell.job_type_id, "version": 1, "cells": {}},
        ),
        (
            services.requirement_set,
            {"framework_id": draft.pk, "requirement_id": cell.pk, "version": 1, "level": 1},
        ),
        (services.requirements_save, {"framework_id": draft.pk, "edits": []}),
    ]
    before = selectors.content_of(draft)
    for actor in (staff, supporter):
        for call, arguments in calls:
            with pytest.raises(NotAllowed):
                call(**arguments, actor=actor)
    assert selectors.content_of(draft) == before
    assert not AuditEvent.objects.exists()


def test_a_published_version_is_refused_by_every_service(published: Framework, secretariat: User) -> None:
    cell = cell_of(published)
    category = published.categories.get(kind=ItemKind.DIGITAL)
    level = published.levels.get(level=0)
    exam_fields = CertificationFields("x", "", "", "")
    calls: list[tuple[Callable[..., object], dict[str, Any]]] = [
        (
            services.framework_update,
            {"version": 1, "name": "x", "name_en": "", "note": "", "confirm_translation": False},
        ),
        (services.framework_publish, {"seen": ""}),
        (services.framework_discard, {}),
        (services.category_create, {"code": "x", "kind": "digital", "fields": CategoryFields("x", "", 1)}),
        (
            services.category_update,
            {"category_id": category.pk, "version": 1, "fields": CategoryFields("x", "", 1)},
        ),
        (services.category_remove, {"category_id": category.pk}),
        (services.skill_create, {"code": "x", "fields": item(published)}),
        (
            services.skill_update,
            {"skill_id": cell.skill_id, "version": 1, "fields": item(published), "confirm": False},
        ),
        (services.skill_remove, {"skill_id": cell.skill_id}),
        (services.level_update, {"level_id": level.pk, "version": 1, "fields": LevelFields("x", "", "x", "")}),
        (services.job_type_create, {"code": "x", "fields": job()}),
        (services.job_type_update, {"job_type_id": cell.job_type_id, "version": 1, "fields": job()}),
        (services.job_type_remove, {"job_type_id": cell.job_type_id}),
        (services.job_type_confirm, {"job_type_id": cell.job_type_id, "version": 1, "cells": {}}),
        (services.requirement_set, {"requirement_id": cell.pk, "version": 1, "level": 1}),
        (services.requirements_save, {"edits": [CellEdit(cell.pk, 2, 1, 3)]}),
        (services.certification_create, {"code": "x", "fields": exam_fields}),
        (services.certification_update, {"certification_id": 1, "version": 1, "fields": exam_fields}),
        (services.certification_remove, {"certification_id": 1}),
    ]
    for call, arguments in calls:
        refused("not_draft", call, framework_id=published.pk, actor=secretariat, **arguments)


def test_a_version_that_is_gone(secretariat: User) -> None:
    refused("gone", services.framework_discard, framework_id=0, actor=secretariat)


# ---------------------------------------------------------------------------------------------------- life of a version


def test_a_copy_holds_the_same_and_changes_alone(real: Framework, secretariat: User) -> None:
    draft = services.framework_draft_from(
        source_id=real.pk, code="2026", name="2026年度版", name_en="FY2026", note="改定案", actor=secretariat
    )
    assert (draft.state, draft.based_on, draft.published_at) == (FrameworkState.DRAFT, real, None)
    assert selectors.content_of(draft) == selectors.content_of(real)
    cell = draft.job_types.get(code="ai_engineer").requirements.get(skill__code="ai_engineering")
    services.requirement_set(framework_id=draft.pk, requirement_id=cell.pk, version=1, level=2, actor=secretariat)
    found = diff_rules.differences(selectors.content_of(real), selectors.content_of(draft))
    assert found.cells == (diff_rules.CellChange("ai_engineer", "ai_engineering", 3, 2),)
    assert found.count == 1
    assert selectors.current_framework() == real
    event = AuditEvent.objects.get(verb="framework.draft")
    assert (event.actor_id, event.data) == (secretariat.pk, {"source": "2024", "code": "2026"})


@pytest.mark.parametrize(
    ("code", "reason"), [("published", "code_taken"), ("", "code_unusable"), ("A", "code_unusable")]
)
def test_a_copy_needs_a_code_of_its_own(published: Framework, secretariat: User, code: str, reason: str) -> None:
    refused(reason, services.framework_draft_from, source_id=published.pk, code=code, name="x", actor=secretariat)


def test_a_draft_is_not_copied(draft: Framework, secretariat: User) -> None:
    refused("wrong_state", services.framework_draft_from, source_id=draft.pk, code="x", name="x", actor=secretariat)


def test_a_retired_version_can_be_copied(published: Framework, secretariat: User) -> None:
    services.framework_retire(framework_id=published.pk, version=published.version, actor=secretariat)
    draft = services.framework_draft_from(source_id=published.pk, code="again", name="x", actor=secretariat)
    assert draft.is_draft


def test_renaming_and_confirming_the_translation(draft: Framework, secretariat: User) -> None:
    values: dict[str, Any] = {"name": "新名称", "name_en": "New name", "note": "メモ", "confirm_translation": False}
    services.framework_update(framework_id=draft.pk, version=1, actor=secretariat, **values)
    draft.refresh_from_db()
    assert (draft.name, draft.version, draft.translation_provenance) == ("新名称", 2, Provenance.INFERRED)
    refused("conflict", services.framework_update, framework_id=draft.pk, version=1, actor=secretariat, **values)
    values["confirm_translation"] = True
    services.framework_update(framework_id=draft.pk, version=2, actor=secretariat, **values)
    draft.refresh_from_db()
    assert draft.translation_provenance == Provenance.CONFIRMED


def test_publishing_what_was_seen(draft: Framework, secretariat: User) -> None:
    seen = rules.fingerprint(selectors.content_of(draft), draft.version)
    services.framework_publish(framework_id=draft.pk, seen=seen, actor=secretariat)
    draft.refresh_from_db()
    assert (draft.state, draft.published_by_id) == (FrameworkState.PUBLISHED, secretariat.pk)
    assert selectors.current_framework() == draft
    assert AuditEvent.objects.filter(verb="framework.publish").count() == 1
    refused("not_draft", services.framework_publish, framework_id=draft.pk, seen=seen, actor=secretariat)


def test_what_changed_meanwhile_is_not_published(draft: Framework, secretariat: User) -> None:
    seen = rules.fingerprint(selectors.content_of(draft), draft.version)
    cell_of(draft).skill.level_texts.create(level=2, text="別の意味")
    refused("conflict", services.framework_publish, framework_id=draft.pk, seen=seen, actor=secretariat)


def test_a_draft_renamed_meanwhile_is_not_published(draft: Framework, secretariat: User) -> None:
    seen = rules.fingerprint(selectors.content_of(draft), draft.version)
    values: dict[str, Any] = {"name": "まったく別の名前", "name_en": "", "note": "", "confirm_translation": True}
    services.framework_update(framework_id=draft.pk, version=draft.version, actor=secretariat, **values)
    refused("conflict", services.framework_publish, framework_id=draft.pk, seen=seen, actor=secretariat)


def test_an_incomplete_draft_is_not_published(draft: Framework, secretariat: User) -> None:
    cell_of(draft).delete()
    seen = rules.fingerprint(selectors.content_of(draft), draft.version)
    refusal = refused("not_ready", services.framework_publish, framework_id=draft.pk, seen=seen, actor=secretariat)
    assert len(refusal.details["problems"]) == 1


def test_the_version_in_force(draft: Framework, secretariat: User) -> None:
    assert selectors.current_framework() is None
    first = publish(draft)
    second = small_framework()
    assert selectors.current_framework() == second
    small_framework(published=False)
    assert selectors.current_framework() == second
    services.framework_retire(framework_id=second.pk, version=second.version, actor=secretariat)
    assert selectors.current_framework() == first
    services.framework_retire(framework_id=first.pk, version=first.version, actor=secretariat)
    assert selectors.current_framework() is None


def test_retiring(published: Framework, draft: Framework, secretariat: User) -> None:
    refused("conflict", services.framework_retire, framework_id=published.pk, version=99, actor=secretariat)
    services.framework_retire(framework_id=published.pk, version=published.version, actor=secretariat)
    published.refresh_from_db()
    assert published.state == FrameworkState.RETIRED
    assert published.retired_at is not None
    for framework in (published, draft):
        refused(
            "wrong_state",
            services.framework_retire,
            framework_id=framework.pk,
            version=framework.version,
            actor=secretariat,
        )


def test_discarding(draft: Framework, secretariat: User) -> None:
    CertificationFactory.create(framework=draft, skills=list(draft.skills.all()))
    services.framework_discard(framework_id=draft.pk, actor=secretariat)
    assert not Framework.objects.exists()
    assert AuditEvent.objects.get().data == {"code": "draft"}


def test_a_draft_in_use_is_not_discarded(draft: Framework, secretariat: User) -> None:
    small_framework(published=False, code="other")
    Framework.objects.filter(code="other").update(based_on=draft)
    refused("in_use", services.framework_discard, framework_id=draft.pk, actor=secretariat)


# -------------------------------------------------------------------------------------------------------- categories


def test_categories(draft: Framework, secretariat: User) -> None:
    row = services.category_create(
        framework_id=draft.pk,
        code="new",
        kind="digital",
        fields=CategoryFields("新分類", "New category", 11),
        actor=secretariat,
    )
    services.category_update(
        framework_id=draft.pk, category_id=row.pk, version=1, fields=CategoryFields("改名", "", 12), actor=secretariat
    )
    row.refresh_from_db()
    assert (row.name, row.sort_order, row.version) == ("改名", 12, 2)
    again: dict[str, Any] = {"framework_id": draft.pk, "category_id": row.pk, "actor": secretariat}
    refused("conflict", services.category_update, version=1, fields=CategoryFields("遅い", "", 1), **again)
    services.category_remove(**again)
    refused("gone", services.category_remove, **again)


def test_a_category_with_items_stays(draft: Framework, secretariat: User) -> None:
    category = draft.categories.get(kind=ItemKind.DIGITAL)
    refused("in_use", services.category_remove, framework_id=draft.pk, category_id=category.pk, actor=secretariat)


def test_the_core_category_of_a_job_type_stays(draft: Framework, secretariat: User) -> None:
    row = services.category_create(
        framework_id=draft.pk, code="new", kind="digital", fields=CategoryFields("x", "", 9), actor=secretariat
    )
    services.job_type_create(framework_id=draft.pk, code="new", fields=job(core_category_id=row.pk), actor=secretariat)
    refused("in_use", services.category_remove, framework_id=draft.pk, category_id=row.pk, actor=secretariat)


def test_a_code_is_given_once(draft: Framework, secretariat: User) -> None:
    refused(
        "code_taken",
        services.category_create,
        framework_id=draft.pk,
        code="of_digital",
        kind="digital",
        fields=CategoryFields("x", "", 1),
        actor=secretariat,
    )


# -------------------------------------------------------------------------------------------------------------- items


def test_a_new_digital_item_gets_a_default_cell_in_every_job_type(draft: Framework, secretariat: User) -> None:
    skill = services.skill_create(
        framework_id=draft.pk,
        code="new",
        fields=item(draft, level_texts={1: ("教わりながら", "guided"), 2: ("", "")}),
        actor=secretariat,
    )
    assert (skill.kind, skill.provenance) == (ItemKind.DIGITAL, Provenance.CONFIRMED)
    assert [(cell.level, cell.provenance) for cell in skill.requirements.all()] == [(0, "inferred")] * 2
    assert [(text.level, text.text, text.provenance) for text in skill.level_texts.all()] == [
        (1, "教わりながら", "confirmed")
    ]
    assert rules.publish_problems(selectors.content_of(draft)) == ()


def test_a_new_tool_gets_no_cells(draft: Framework, secretariat: User) -> None:
    tools = draft.categories.get(kind=ItemKind.TOOL)
    skill = services.skill_create(
        framework_id=draft.pk, code="new", fields=item(draft, category_id=tools.pk, number=2), actor=secretariat
    )
    assert (skill.kind, skill.requirements.count()) == (ItemKind.TOOL, 0)


def test_an_item_needs_a_number_and_a_category_of_its_own(draft: Framework, secretariat: User) -> None:
    theirs = small_framework(published=False).categories.get()
    create: dict[str, Any] = {"framework_id": draft.pk, "code": "new", "actor": secretariat}
    refused("number_taken", services.skill_create, fields=item(draft, number=1), **create)
    refused("gone", services.skill_create, fields=item(draft, category_id=theirs.pk), **create)
    refused("code_taken", services.skill_create, fields=item(draft), **(create | {"code": "digital_1"}))
    skill = draft.skills.get(code="digital_1")
    update: dict[str, Any] = {
        "framework_id": draft.pk,
        "skill_id": skill.pk,
        "version": 1,
        "confirm": False,
        "actor": secretariat,
    }
    refused("number_taken", services.skill_update, fields=fields_of(skill, number=2), **update)
    tools = draft.categories.get(kind=ItemKind.TOOL)
    refused("category_of_other_kind", services.skill_update, fields=fields_of(skill, category_id=tools.pk), **update)


def test_an_edited_item_counts_as_confirmed(draft: Framework, secretariat: User) -> None:
    skill = draft.skills.get(code="digital_1")
    update: dict[str, Any] = {"framework_id": draft.pk, "skill_id": skill.pk, "confirm": False, "actor": secretariat}
    services.skill_update(version=1, fields=fields_of(skill, name_en="Other", number=7), **update)
    skill.refresh_from_db()
    assert (skill.number, skill.provenance, skill.version) == (7, Provenance.SEEN, 2)
    services.skill_update(version=2, fields=fields_of(skill, definition="別の定義"), **update)
    skill.refresh_from_db()
    assert (skill.definition, skill.provenance) == ("別の定義", Provenance.CONFIRMED)
    refused("conflict", services.skill_update, version=2, fields=fields_of(skill, name="遅い"), **update)


def test_level_texts_of_an_item(draft: Framework, secretariat: User) -> None:
    skill = draft.skills.get(code="digital_1")
    for level in (0, 1, 2):
        SkillLevelTextFactory.create(skill=skill, level=level, text=f"意味{level}")
    texts = {0: ("", ""), 1: ("意味1", "new English"), 2: ("別の意味", ""), 3: ("新しい意味", "")}
    services.skill_update(
        framework_id=draft.pk,
        skill_id=skill.pk,
        version=1,
        fields=fields_of(skill, level_texts=texts),
        confirm=False,
        actor=secretariat,
    )
    held = {text.level: (text.text, text.text_en, text.provenance) for text in skill.level_texts.all()}
    assert held == {
        1: ("意味1", "new English", "inferred"),
        2: ("別の意味", "", "confirmed"),
        3: ("新しい意味", "", "confirmed"),
    }


def test_confirming_an_item_as_it_is(draft: Framework, secretariat: User) -> None:
    skill = draft.skills.get(code="tool_1")
    Skill.objects.filter(pk=skill.pk).update(provenance=Provenance.INFERRED)
    SkillLevelTextFactory.create(skill=skill, level=1, text="意味")
    services.skill_update(
        framework_id=draft.pk,
        skill_id=skill.pk,
        version=1,
        fields=fields_of(skill, level_texts={1: ("意味", "")}),
        confirm=True,
        actor=secretariat,
    )
    skill.refresh_from_db()
    assert skill.provenance == Provenance.CONFIRMED
    assert skill.level_texts.get().provenance == Provenance.CONFIRMED


def test_removing_an_item_takes_its_cells_with_it(draft: Framework, secretariat: User) -> None:
    skill = draft.skills.get(code="digital_1")
    exam = CertificationFactory.create(framework=draft, skills=[skill])
    SkillLevelTextFactory.create(skill=skill)
    services.skill_remove(framework_id=draft.pk, skill_id=skill.pk, actor=secretariat)
    assert draft.skills.filter(kind=ItemKind.DIGITAL).count() == 2
    assert JobTypeRequirement.objects.count() == 4
    assert exam.skills.count() == 0
    assert rules.publish_problems(selectors.content_of(draft)) == ()


# -------------------------------------------------------------------------------------------------- levels and exams


def test_a_level(draft: Framework, secretariat: User) -> None:
    level = draft.levels.get(level=2)
    update: dict[str, Any] = {"framework_id": draft.pk, "level_id": level.pk, "actor": secretariat}
    services.level_update(version=1, fields=LevelFields("独力", "Alone", "独力でできる", "Can do it alone"), **update)
    level.refresh_from_db()
    assert (level.name, level.definition_en, level.version) == ("独力", "Can do it alone", 2)
    refused("conflict", services.level_update, version=1, fields=LevelFields("x", "", "x", ""), **update)


def test_exams(draft: Framework, secretariat: User) -> None:
    one, two, three = draft.skills.filter(kind=ItemKind.DIGITAL).order_by("number")
    theirs = small_framework(published=False).skills.all()[0]
    row = services.certification_create(
        framework_id=draft.pk,
        code="exam",
        fields=CertificationFields("試験", "Exam", "団体", "高度", [one.pk, two.pk, theirs.pk]),
        actor=secretariat,
    )
    assert set(row.skills.all()) == {one, two}
    update: dict[str, Any] = {"framework_id": draft.pk, "certification_id": row.pk, "actor": secretariat}
    services.certification_update(
        version=1, fields=CertificationFields("改名", "", "", "", [two.pk, three.pk]), **update
    )
    row.refresh_from_db()
    assert (row.name, set(row.skills.all())) == ("改名", {two, three})
    refused("conflict", services.certification_update, version=1, fields=CertificationFields("x", "", "", ""), **update)
    services.certification_remove(**update)
    assert not draft.certifications.exists()


# --------------------------------------------------------------------------------------------------------- job types


def test_a_new_job_type_gets_a_default_cell_for_every_digital_item(draft: Framework, secretariat: User) -> None:
    row = services.job_type_create(framework_id=draft.pk, code="new", fields=job(), actor=secretariat)
    assert not row.is_default
    assert [(cell.level, cell.provenance) for cell in row.requirements.all()] == [(0, "inferred")] * 3
    refused("code_taken", services.job_type_create, framework_id=draft.pk, code="new", fields=job(), actor=secretariat)


def test_the_words_of_a_job_type(draft: Framework, secretariat: User) -> None:
    row = draft.job_types.get(code="job_1")
    update: dict[str, Any] = {"framework_id": draft.pk, "job_type_id": row.pk, "actor": secretariat}
    services.job_type_update(version=1, fields=job(name=row.name), **update)
    row.refresh_from_db()
    assert (row.definition, row.name_provenance, row.definition_provenance) == ("役割の定義", "inferred", "confirmed")
    refused("conflict", services.job_type_update, version=1, fields=job(), **update)
    theirs = small_framework(published=False).categories.get()
    refused("gone", services.job_type_update, version=2, fields=job(core_category_id=theirs.pk), **update)


def test_removing_a_job_type(draft: Framework, secretariat: User) -> None:
    row = draft.job_types.get(code="job_1")
    services.job_type_remove(framework_id=draft.pk, job_type_id=row.pk, actor=secretariat)
    assert JobTypeRequirement.objects.count() == 3


def test_confirming_a_job_type_as_it_is(draft: Framework, secretariat: User) -> None:
    row = draft.job_types.get(code="job_1")
    cells = dict(row.requirements.values_list("pk", "version"))
    confirm: dict[str, Any] = {"framework_id": draft.pk, "job_type_id": row.pk, "actor": secretariat}
    assert services.job_type_confirm(version=1, cells=cells, **confirm) == 3
    row.refresh_from_db()
    assert not row.is_default
    assert not any(cell.is_default for cell in row.requirements.all())
    assert [cell.level for cell in row.requirements.all()] == [2, 2, 2]
    refused("conflict", services.job_type_confirm, version=1, cells=cells, **confirm)
    now = dict(row.requirements.values_list("pk", "version"))
    assert services.job_type_confirm(version=row.version, cells=now, **confirm) == 0


def test_a_cell_that_moved_is_not_confirmed_unseen(draft: Framework, secretariat: User) -> None:
    row = draft.job_types.get(code="job_1")
    cells = dict(row.requirements.values_list("pk", "version"))
    services.requirement_set(
        framework_id=draft.pk, requirement_id=next(iter(cells)), version=1, level=0, actor=secretariat
    )
    refused(
        "conflict",
        services.job_type_confirm,
        framework_id=draft.pk,
        job_type_id=row.pk,
        version=1,
        cells=cells,
        actor=secretariat,
    )


# -------------------------------------------------------------------------------------------------------------- cells


def test_one_cell(draft: Framework, secretariat: User) -> None:
    cell = cell_of(draft)
    edit: dict[str, Any] = {"framework_id": draft.pk, "requirement_id": cell.pk, "actor": secretariat}
    saved = services.requirement_set(version=1, level=3, **edit)
    assert (saved.level, saved.version, saved.provenance) == (3, 2, Provenance.CONFIRMED)
    event = AuditEvent.objects.get(verb="framework.requirement")
    assert event.data == {"cell": cell.pk, "before": 2, "after": 3}
    again = services.requirement_set(version=1, level=3, **edit)
    assert (again.version, AuditEvent.objects.filter(verb="framework.requirement").count()) == (2, 1), "sent twice"
    refusal = refused("conflict", services.requirement_set, version=1, level=0, **edit)
    assert refusal.details == {"cells": {cell.pk: {"level": 3, "version": 2, "is_default": False}}}
    assert isinstance(refusal, Conflict)


def test_confirming_a_cell_as_it_is(draft: Framework, secretariat: User) -> None:
    cell = cell_of(draft)
    edit: dict[str, Any] = {"framework_id": draft.pk, "requirement_id": cell.pk, "actor": secretariat}
    saved = services.requirement_set(version=1, level=None, **edit)
    assert (saved.level, saved.version, saved.is_default) == (2, 2, False)
    again = services.requirement_set(version=2, level=None, **edit)
    assert again.version == 2
    assert AuditEvent.objects.count() == 1


def test_a_printed_level_stays_printed_until_it_is_changed(draft: Framework, secretariat: User) -> None:
    cell = cell_of(draft)
    JobTypeRequirement.objects.filter(pk=cell.pk).update(provenance=Provenance.SEEN)
    edit: dict[str, Any] = {"framework_id": draft.pk, "requirement_id": cell.pk, "actor": secretariat}
    assert services.requirement_set(version=1, level=2, **edit).provenance == Provenance.SEEN
    assert services.requirement_set(version=1, level=1, **edit).provenance == Provenance.CONFIRMED


def test_a_cell_of_another_version(draft: Framework, secretariat: User) -> None:
    other = small_framework(published=False)
    refused(
        "gone",
        services.requirement_set,
        framework_id=other.pk,
        requirement_id=cell_of(draft).pk,
        version=1,
        level=1,
        actor=secretariat,
    )


def test_the_whole_grid_saves_what_changed(draft: Framework, secretariat: User) -> None:
    one, two, three = (cell_of(draft, place) for place in range(3))
    saved = services.requirements_save(
        framework_id=draft.pk,
        edits=[CellEdit(one.pk, 2, 1, 3), CellEdit(two.pk, 2, 1, 2), CellEdit(three.pk, 2, 1, 0)],
        actor=secretariat,
    )
    assert saved == services.GridSaved(changed=2, confirmed=0)
    held = [(cell_of(draft, place).level, cell_of(draft, place).is_default) for place in range(3)]
    assert held == [(3, False), (2, True), (0, False)]
    assert AuditEvent.objects.get().data["changes"] == [[one.pk, 2, 3], [three.pk, 2, 0]]


def test_the_whole_grid_saves_nothing_where_a_changed_cell_moved(draft: Framework, secretariat: User) -> None:
    one, two = cell_of(draft, 0), cell_of(draft, 1)
    services.requirement_set(framework_id=draft.pk, requirement_id=one.pk, version=1, level=0, actor=secretariat)
    edits = [CellEdit(one.pk, 2, 1, 3), CellEdit(two.pk, 2, 1, 3)]
    refusal = refused("conflict", services.requirements_save, framework_id=draft.pk, edits=edits, actor=secretariat)
    assert refusal.details["cells"] == {one.pk: {"level": 0, "version": 2, "is_default": False}}


def test_cells_that_others_changed_and_the_person_did_not_are_left_alone(draft: Framework, secretariat: User) -> None:
    one, two = cell_of(draft, 0), cell_of(draft, 1)
    services.requirement_set(framework_id=draft.pk, requirement_id=one.pk, version=1, level=0, actor=secretariat)
    edits = [CellEdit(one.pk, 2, 1, 2), CellEdit(two.pk, 2, 1, 3)]
    services.requirements_save(framework_id=draft.pk, edits=edits, actor=secretariat)
    assert (cell_of(draft, 0).level, cell_of(draft, 1).level) == (0, 3)


def test_two_people_who_choose_the_same_do_not_conflict(draft: Framework, secretariat: User) -> None:
    one = cell_of(draft)
    services.requirement_set(framework_id=draft.pk, requirement_id=one.pk, version=1, level=3, actor=secretariat)
    saved = services.requirements_save(framework_id=draft.pk, edits=[CellEdit(one.pk, 2, 1, 3)], actor=secretariat)
    assert saved == services.GridSaved(0, 0)


def test_saving_and_confirming_a_column(draft: Framework, secretariat: User) -> None:
    column = [cell_of(draft, place) for place in range(3)]
    edits = [CellEdit(column[0].pk, 2, 1, 3), *(CellEdit(cell.pk, 2, 1, 2) for cell in column[1:])]
    saved = services.requirements_save(
        framework_id=draft.pk, edits=edits, confirm=[cell.pk for cell in column], actor=secretariat
    )
    assert saved == services.GridSaved(changed=1, confirmed=2)
    assert not any(cell_of(draft, place).is_default for place in range(3))
    assert draft.job_types.get(code="job_2").requirements.filter(provenance=Provenance.INFERRED).count() == 3


def test_a_column_that_moved_is_not_confirmed_unseen(draft: Framework, secretariat: User) -> None:
    column = [cell_of(draft, place) for place in range(3)]
    services.requirement_set(framework_id=draft.pk, requirement_id=column[0].pk, version=1, level=0, actor=secretariat)
    refused(
        "conflict",
        services.requirements_save,
        framework_id=draft.pk,
        edits=[CellEdit(cell.pk, 2, 1, 2) for cell in column],
        confirm=[cell.pk for cell in column],
        actor=secretariat,
    )


def test_a_cell_that_was_removed_meanwhile(draft: Framework, secretariat: User) -> None:
    cell = cell_of(draft)
    services.skill_remove(framework_id=draft.pk, skill_id=cell.skill_id, actor=secretariat)
    refused(
        "conflict",
        services.requirements_save,
        framework_id=draft.pk,
        edits=[CellEdit(cell.pk, 2, 1, 3)],
        actor=secretariat,
    )


# --------------------------------------------------------------------------------------------------- several at once


@pytest.mark.django_db(transaction=True)
def test_of_many_who_set_one_cell_at_once_one_wins(secretariat: User) -> None:
    draft = small_framework(items=1, published=False)
    cell = cell_of(draft)

    def attempt(level: int) -> str:
        try:
            services.requirement_set(
                framework_id=draft.pk, requirement_id=cell.pk, version=1, level=level, actor=secretariat
            )
        except Conflict:
            return "conflict"
        finally:
            connection.close()
        return str(level)

    wanted = [0, 1, 3, 0, 1, 3, 0, 1]
    with ThreadPoolExecutor(4) as pool:
        outcomes = list(pool.map(attempt, wanted))
    cell.refresh_from_db()
    assert cell.version == 2, "one write"
    told = [str(level) if level == cell.level else "conflict" for level in wanted]
    assert outcomes == told, "who wanted another level is told; who wanted this one has it"


def attempt(act: Callable[[], None]) -> str:
    """What an act in a thread of its own came to: "done", or the code of its refusal."""
    try:
        act()
    except RuleViolation as refusal:
        return refusal.code
    finally:
        connection.close()
    return "done"


@pytest.mark.django_db(transaction=True)
def test_nothing_slips_into_a_version_while_it_is_published(secretariat: User) -> None:
    """Whatever comes first: what is published is what was seen."""
    draft = small_framework(items=1, published=False)
    cell = cell_of(draft)
    changes = draft.version
    seen = rules.fingerprint(selectors.content_of(draft), changes)

    def edit() -> None:
        services.requirement_set(framework_id=draft.pk, requirement_id=cell.pk, version=1, level=3, actor=secretariat)

    def release() -> None:
        services.framework_publish(framework_id=draft.pk, seen=seen, actor=secretariat)

    with ThreadPoolExecutor(2) as pool:
        outcomes = list(pool.map(attempt, [edit, release]))
    draft.refresh_from_db()
    assert outcomes in (["done", "conflict"], ["not_draft", "done"])
    assert draft.is_draft == (outcomes[0] == "done")
    assert (rules.fingerprint(selectors.content_of(draft), changes) == seen) == (outcomes[1] == "done")


@pytest.mark.django_db(transaction=True)
def test_two_copies_at_once_do_not_get_one_code(secretariat: User, monkeypatch: pytest.MonkeyPatch) -> None:
    sources = [small_framework(items=1, code=code) for code in ("first", "second")]

    def slowly(*args: Any) -> None:
        time.sleep(0.3)
        write_content(*args)

    monkeypatch.setattr("skillmap.framework.services.versions.write_content", slowly)

    def copy(source: Framework) -> None:
        services.framework_draft_from(source_id=source.pk, code="copy", name="x", actor=secretariat)

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(attempt, [partial(copy, source) for source in sources])) == ["code_taken", "done"]
