"""Published versions are immutable in the database itself, by every way there is to write."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.db.migrations.state import ProjectState
from django.db.models import F, Model

from skillmap.core import clock
from skillmap.framework import guards
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
from tests.factories.framework import (
    CertificationFactory,
    JobTypeFactory,
    SkillCategoryFactory,
    SkillLevelTextFactory,
    publish,
    small_framework,
)

pytestmark = pytest.mark.django_db

# Each table of a version, with a column that an edit would change.
TABLES: list[tuple[type[Model], str, Any]] = [
    (SkillCategory, "name", "別名"),
    (Skill, "name", "別名"),
    (SkillLevel, "definition", "別の定義"),
    (SkillLevelText, "text", "別の意味"),
    (JobType, "definition", "別の定義"),
    (JobTypeRequirement, "level", 3),
    (Certification, "name", "別名"),
    (CertificationSkill, "skill_id", F("skill_id")),
]
MODELS = [table[0] for table in TABLES]


def filled() -> Framework:
    """A draft with a row in every table."""
    framework = small_framework(items=2, job_types=1, published=False)
    skill = framework.skills.order_by("number")[0]
    SkillLevelTextFactory.create(skill=skill, level=2)
    CertificationFactory.create(framework=framework, skills=[skill])
    return framework


def refused(write: Callable[[], object], words: str = guards.CLOSED) -> None:
    """Hold that the database refuses a write."""
    with pytest.raises(DatabaseError, match=words), transaction.atomic():
        write()


def test_every_table_with_rows_of_a_version_is_guarded() -> None:
    names = {guarded.table for guarded in guards.TABLES}
    assert names == {model._meta.db_table for model in MODELS}
    held = {model._meta.db_table for model in Framework._meta.apps.get_app_config("framework").get_models()}
    assert held - names == {guards.FRAMEWORK}


@pytest.mark.parametrize(("model", "column", "value"), TABLES)
def test_rows_of_a_draft_change(model: type[Model], column: str, value: Any) -> None:
    filled()
    assert model._default_manager.update(**{column: value}) > 0


@pytest.mark.parametrize("state", [FrameworkState.PUBLISHED, FrameworkState.RETIRED])
@pytest.mark.parametrize(("model", "column", "value"), TABLES)
def test_rows_of_a_closed_version_do_not(model: type[Model], column: str, value: Any, state: str) -> None:
    framework = publish(filled())
    if state == FrameworkState.RETIRED:
        Framework.objects.filter(pk=framework.pk).update(state=state, retired_at=clock.now())
    rows = model._default_manager.all()
    row = rows[0]
    refused(lambda: rows.update(**{column: value}))
    refused(row.save)
    refused(lambda: rows._raw_delete(rows.db))

    def insert_again() -> None:
        fresh = model._default_manager.get(pk=row.pk)
        fresh.pk = None
        fresh._state.adding = True
        if hasattr(fresh, "level"):
            fresh.level = 1
        type(fresh)._default_manager.bulk_create([fresh])

    refused(insert_again)
    assert rows.count() > 0


@pytest.mark.parametrize("table", [guarded.table for guarded in guards.TABLES])
def test_plain_sql_is_refused_too(table: str) -> None:
    publish(filled())

    def run(sql: str) -> Callable[[], object]:
        def execute() -> None:
            with connection.cursor() as cursor:
                cursor.execute(sql)

        return execute

    refused(run(f"UPDATE {table} SET id = id"))  # noqa: S608
    refused(run(f"DELETE FROM {table}"))  # noqa: S608
    if connection.vendor == "postgresql":
        refused(run(f"SET CONSTRAINTS ALL IMMEDIATE; TRUNCATE {table} CASCADE"))


def test_a_row_cannot_move_into_or_out_of_a_closed_version() -> None:
    closed, draft = publish(filled()), filled()
    refused(lambda: draft.levels.filter(level=0).update(framework=closed))
    refused(lambda: closed.levels.filter(level=0).update(framework=draft))


def test_rows_of_two_versions_do_not_mix() -> None:
    one, other = filled(), filled()
    theirs = other.skills.order_by("number")[0]
    category = SkillCategoryFactory.create(framework=other)
    job_type = JobTypeFactory.create(framework=one)
    refused(lambda: one.skills.update(category=category), guards.MIXED)
    refused(lambda: one.job_types.update(core_category=category), guards.MIXED)
    refused(lambda: JobTypeRequirement.objects.create(job_type=job_type, skill=theirs, level=1), guards.MIXED)
    exam = one.certifications.all()[0]
    refused(lambda: CertificationSkill.objects.create(certification=exam, skill=theirs), guards.MIXED)


@pytest.mark.parametrize(
    "change",
    [
        {"code": "other"},
        {"name": "別名"},
        {"name_en": "Other"},
        {"note": "…"},
        {"translation_provenance": "confirmed"},
        {"state": FrameworkState.DRAFT},
        {"published_at": None, "state": FrameworkState.DRAFT},
    ],
)
def test_a_published_version_itself_stays(change: dict[str, Any]) -> None:
    framework = publish(filled())
    refused(lambda: Framework.objects.filter(pk=framework.pk).update(**change))
    refused(lambda: Framework.objects.filter(pk=framework.pk).update(published_at=clock.now()))


def test_steps_of_a_version_in_the_database() -> None:
    framework = filled()
    rows = Framework.objects.filter(pk=framework.pk)
    now = clock.now()
    refused(lambda: rows.update(state=FrameworkState.RETIRED, published_at=now, retired_at=now))
    rows.update(name="別名", state=FrameworkState.PUBLISHED, published_at=now)
    refused(lambda: rows._raw_delete(rows.db))
    rows.update(state=FrameworkState.RETIRED, retired_at=now)
    refused(lambda: rows.update(state=FrameworkState.PUBLISHED))
    refused(lambda: rows._raw_delete(rows.db))


def test_guards_can_be_lifted_and_come_back() -> None:
    framework = publish(filled())
    state, editor = ProjectState(), connection.schema_editor(atomic=False)
    guards.LiftGuards().database_forwards("framework", editor, state, state)
    framework.skills.update(name="別名")
    guards.LiftGuards().database_backwards("framework", editor, state, state)
    refused(lambda: framework.skills.update(name="また別名"))
    guards.VersionGuards().database_backwards("framework", editor, state, state)
    framework.skills.update(name="また別名")
    assert guards.VersionGuards().describe() != guards.LiftGuards().describe()
