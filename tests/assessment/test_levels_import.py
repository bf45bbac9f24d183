"""Confirmed levels from a sheet and as a sheet: the same form both ways, all or nothing, every look recorded."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import FileResponse
from django.test import Client
from django.urls import reverse
from openpyxl import Workbook, load_workbook

from skillmap.assessment.choices import LevelSource
from skillmap.assessment.models import ConfirmedLevel
from skillmap.assessment.selectors.levels import sheet_rows, sheet_skills
from skillmap.assessment.services.levels_import import KIND, columns_for, levels_table
from skillmap.assessment.services.profile import NewLevel, record_levels
from skillmap.core import clock, imports
from skillmap.core.choices import ImportState, Purpose, RowOutcome
from skillmap.core.errors import NotAllowed
from skillmap.core.models import AuditEvent, ImportBatch
from skillmap.framework.models import Skill
from skillmap.people.choices import Employer, Role, StaffStatus
from skillmap.people.models import Staff, User
from tests.factories.assessment import World, make_cycle
from tests.factories.people import user_with
from tests.support.due_jobs import run_due
from tests.support.ground import on_ground

pytestmark = pytest.mark.django_db

DAY = date(2024, 4, 1)


# Three items, two tools, no levels yet.
laid, world = on_ground(lambda: make_cycle(items=3, last_levels=False))


def upload(world: World, content: bytes, name: str = "levels.csv", *, day: date = DAY, user: User | None = None) -> Any:
    """Upload a sheet and have it checked."""
    done = imports.upload(
        kind=KIND,
        file=SimpleUploadedFile(name, content),
        options={"valid_from": day.isoformat()},
        user=user or world.secretariat,
    )
    run_due()
    done.batch.refresh_from_db()
    return done


def csv_of(*rows: Sequence[object]) -> bytes:
    """A sheet as CSV text."""
    return "\n".join(",".join("" if cell is None else str(cell) for cell in row) for row in rows).encode("utf-8-sig")


def apply(world: World, batch: ImportBatch) -> ImportBatch:
    """Apply a checked sheet."""
    imports.apply(batch=batch, user=world.secretariat)
    run_due()
    batch.refresh_from_db()
    return batch


def current(staff: Staff) -> dict[str, tuple[int, date]]:
    """Levels that hold now by item code, with the day from which."""
    rows = ConfirmedLevel.objects.current().filter(staff=staff)
    return {row.skill_code: (row.level, row.valid_from) for row in rows}


def problems_of(batch: ImportBatch) -> dict[int, list[str]]:
    """Keys of the problems by row."""
    return {row.number: [problem["key"] for problem in row.problems] for row in batch.rows.all() if row.problems}


# ----------------------------------------------------------------------------------------------------------- import


def test_levels_of_past_years_are_brought_in(world: World) -> None:
    one, two = world.staff("started"), world.staff("submitted")
    head = ["職員番号", "氏名", "有効日", "1 ITストラテジー", "サービスデザイン", "marketing", "Excel"]
    content = csv_of(
        head,
        [one.number, one.name, "", 2, "", "未回答", 1],
        [two.number, two.name, "令和7年4月1日", 0, "３", 1, ""],
    )

    batch = upload(world, content).batch
    assert batch.state == ImportState.CHECKED
    assert [row.outcome for row in batch.rows.order_by("number")] == [RowOutcome.CREATE, RowOutcome.CREATE]
    assert not ConfirmedLevel.objects.exists()
    batch = apply(world, batch)

    assert current(one) == {"it_strategy": (2, DAY), "tool_excel": (1, DAY)}
    later = date(2025, 4, 1)
    assert current(two) == {"it_strategy": (0, later), "service_design": (3, later), "marketing": (1, later)}
    assert batch.state == ImportState.APPLIED
    rows = ConfirmedLevel.objects.filter(staff=one)
    assert {(row.source, row.recorded_by_id) for row in rows} == {(LevelSource.IMPORT, world.secretariat.pk)}
    assert AuditEvent.objects.filter(verb="levels.import").count() == 2


def test_an_empty_cell_changes_nothing_and_a_level_is_never_overwritten(world: World) -> None:
    person = world.staff("started")
    head = ["職員番号", "it_strategy", "service_design"]
    apply(world, upload(world, csv_of(head, [person.number, 1, 2])).batch)

    second = upload(world, csv_of(head, [person.number, 3, ""]), day=DAY + timedelta(days=365)).batch
    assert second.rows.get().data["changes"] == {"it_strategy": [1, 3]}
    apply(world, second)

    assert current(person) == {"it_strategy": (3, DAY + timedelta(days=365)), "service_design": (2, DAY)}
    known = ConfirmedLevel.objects.known().filter(staff=person, skill_code="it_strategy").order_by("valid_from")
    assert [(row.level, row.valid_to) for row in known] == [(1, DAY + timedelta(days=365)), (3, None)]
    assert ConfirmedLevel.objects.filter(staff=person, skill_code="it_strategy").count() == 3


def test_bad_rows_are_named_and_nothing_is_written(world: World) -> None:
    one, two = world.staff("started"), world.staff("submitted")
    own = world.secretariat.staff
    content = csv_of(
        ["職員番号", "有効日", "it_strategy", "service_design"],
        [one.number, "", 2, 1],
        [two.number, "", 4, "x"],
        ["00000000", "", 1, 1],
        [world.staff("reviewed").number, (clock.today() + timedelta(days=1)).isoformat(), 1, 1],
        [own.number, "", 1, 1],
        [one.number, "", 1, 1],
        ["", "", 1, 1],
    )

    batch = upload(world, content).batch

    assert batch.state == ImportState.REFUSED
    found = problems_of(batch)
    assert found[3] == ["it_strategy", "service_design"]
    assert (found[4], found[5], found[6], found[8]) == (["number"], ["valid_from"], ["number"], ["number"])
    assert found[7] == [""]  # the same number as in row 2
    assert not ConfirmedLevel.objects.exists()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("empty.csv", b""),
        ("head.csv", "職員番号,it_strategy\n".encode()),
        ("nul.csv", b"number,it_strategy\n1\x00,2\n"),
        ("web.xlsx", b"<html><table><tr><td>1</td></tr></table></html>"),
        ("fake.xlsx", b"PK\x03\x04 not a workbook"),
        ("old.xls", b"\xd0\xcf\x11\xe0"),
        ("nohead.csv", b"1,2,3\n4,5,6\n"),
        ("twice.csv", "職員番号,it_strategy,it_strategy\n1,2,3\n".encode()),
    ],
)
def test_files_that_are_no_sheet_are_refused_in_words(world: World, name: str, content: bytes) -> None:
    client = Client()
    client.force_login(world.secretariat)

    answer = client.post(
        reverse("assessment:levels_import"),
        {"file": SimpleUploadedFile(name, content), "valid_from": DAY.isoformat()},
    )
    run_due()

    assert answer.status_code in (302, 422)
    assert not ImportBatch.objects.filter(state__in=[ImportState.CHECKED, ImportState.APPLIED]).exists()
    assert not ConfirmedLevel.objects.exists()


def test_formulas_are_not_levels(world: World) -> None:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["職員番号", "it_strategy"])
    sheet.append([world.staff("started").number, "=1+1"])
    target = io.BytesIO()
    book.save(target)

    batch = upload(world, target.getvalue(), "levels.xlsx").batch

    assert problems_of(batch) == {2: ["it_strategy"]}


def test_what_changed_since_the_check_is_not_overwritten(world: World) -> None:
    person, skill = world.staff("started"), world.skills[0]
    batch = upload(world, csv_of(["職員番号", skill.code], [person.number, 1])).batch
    record_levels(
        [NewLevel(person.pk, skill, 3)],
        valid_from=DAY - timedelta(days=5),
        source=LevelSource.CYCLE,
        actor=world.secretariat,
    )

    batch = apply(world, batch)

    assert batch.state != ImportState.APPLIED
    assert batch.problem
    assert current(person)[skill.code] == (3, DAY - timedelta(days=5))


def test_levels_seen_at_the_check_are_looks_and_the_batch_is_the_uploaders(world: World) -> None:
    person = world.staff("started")
    batch = upload(world, csv_of(["職員番号", "it_strategy"], [person.number, 1])).batch
    page = reverse("assessment:levels_import_batch", args=[batch.public_id])
    own, other = Client(), Client()
    own.force_login(world.secretariat)
    other.force_login(world.secretariat_colleague)

    line = AuditEvent.objects.get(verb="levels.read")
    assert (line.subject_key, line.purpose, line.data["what"]) == (
        f"staff:{person.pk}",
        Purpose.CYCLE_OPERATION,
        "levels_import",
    )
    assert own.get(page).status_code == 200
    assert other.get(page).status_code == 404


def test_another_name_is_remarked(world: World) -> None:
    person = world.staff("started")

    batch = upload(world, csv_of(["職員番号", "氏名", "it_strategy"], [person.number, "別の人", 1])).batch

    assert batch.state == ImportState.CHECKED
    assert len(batch.facts["remarks"]) == 1


# ----------------------------------------------------------------------------------------------------------- export


def exported(world: World, **sent: str) -> Any:
    """The answer to a wish for the sheet."""
    client = Client()
    client.force_login(world.secretariat)
    wish = {"purpose": Purpose.TRAINING_PLAN, "form": "csv", **sent}
    return client.post(reverse("assessment:levels_export"), wish)


def body(answer: Any) -> bytes:
    """All of a streamed answer."""
    return b"".join(answer.streaming_content)


def test_a_sheet_says_its_purpose_and_that_it_is_no_evaluation() -> None:
    world = make_cycle(items=3)

    text = body(exported(world)).decode("utf-8-sig")

    lines = text.split("\r\n")
    assert "人事評価" in lines[0] or "evaluation" in lines[0]
    assert str(Purpose.TRAINING_PLAN.label) in text
    assert world.staff("started").number in text


def test_every_person_in_the_sheet_can_read_of_it() -> None:
    world = make_cycle(items=3)

    answer = exported(world)

    looked = AuditEvent.objects.filter(verb="levels.read", actor=world.secretariat, data__what="levels_export")
    people = Staff.objects.in_service().exclude(pk=world.secretariat.staff.pk)
    assert set(looked.values_list("subject_key", "purpose")) == {
        (f"staff:{pk}", Purpose.TRAINING_PLAN) for pk in people.values_list("pk", flat=True)
    }
    text = body(answer).decode()
    assert all(person.number in text for person in people)


def test_the_sheet_narrows_down(world: World) -> None:
    Staff.objects.filter(pk=world.staff("started").pk).update(status=StaffStatus.LEFT, left_on=clock.today())
    Staff.objects.filter(pk=world.staff("submitted").pk).update(employer=Employer.MUNICIPALITY)

    text = body(exported(world, occupation="ict", organisation=str(world.bureau.pk))).decode()

    assert world.staff("reviewed").number in text
    for stage in ("started", "submitted"):
        assert world.staff(stage).number not in text
    assert world.secretariat.staff.number not in text  # another bureau
    assert world.bureau.name in text


def test_a_purpose_is_wanted(world: World) -> None:
    assert exported(world, purpose="").status_code == 422
    assert exported(world, purpose="evaluation").status_code == 422
    assert not AuditEvent.objects.filter(verb="levels.read").exists()


@pytest.mark.parametrize("role", ["supporter", "coordinator", "mentor", "executive"])
def test_the_sheet_is_the_secretariats(world: World, role: str) -> None:
    with pytest.raises(NotAllowed):
        levels_table(viewer=world.roles()[role], purpose=Purpose.SUPPORT, filters={})


def test_a_row_of_the_sheet_holds_the_levels_of_now_in_the_order_of_its_items(world: World) -> None:
    person, nobody = world.staff("started"), world.staff("submitted")
    first, second, third, *_rest = sheet_skills()
    levels = {first: (3, DAY), second: (0, date(2025, 4, 1)), third: (1, date(2025, 5, 1))}
    for skill, (level, day) in levels.items():
        record_levels([NewLevel(person.pk, skill, level)], valid_from=day, source=LevelSource.IMPORT, actor=None)
    record_levels([NewLevel(person.pk, first, 2)], valid_from=date(2024, 9, 1), source=LevelSource.IMPORT, actor=None)
    rows = list(sheet_rows([nobody.pk, person.pk], [second, Skill(code="another"), first]))
    assert [(row.number, row.since, row.levels) for row in rows] == [
        (nobody.number, None, [None, None, None]),
        (person.number, date(2025, 4, 1), [0, None, 2]),
    ]


def test_a_sheet_may_have_as_many_items_as_a_run_can_compare(world: World) -> None:
    (row,) = sheet_rows([world.staff("started").pk], [Skill(code=f"skill-{number}") for number in range(60)])
    assert row.levels == [None] * 60


@pytest.mark.parametrize("ending", ["csv", "xlsx"])
def test_a_sheet_brought_in_unchanged_changes_nothing_and_comes_out_the_same(ending: str) -> None:
    world = make_cycle(items=4)
    Staff.objects.filter(pk=world.staff("started").pk).update(name="髙﨑 𠮷〜=1", search_key="x")
    first = _rows(body(exported(world, form=ending, organisation=str(world.bureau.pk))), ending)
    content = body(exported(world, form=ending, organisation=str(world.bureau.pk)))

    batch = upload(world, content, f"levels.{ending}").batch

    assert batch.state == ImportState.CHECKED
    assert set(batch.rows.values_list("outcome", flat=True)) == {RowOutcome.SAME}
    before = list(ConfirmedLevel.objects.order_by("pk").values_list())
    apply(world, batch)
    assert list(ConfirmedLevel.objects.order_by("pk").values_list()) == before
    assert _rows(body(exported(world, form=ending, organisation=str(world.bureau.pk))), ending) == first


def test_a_sheet_holds_all_that_is_needed_to_bring_the_levels_in_anew(world: World) -> None:
    """Export some people's levels, bring them in for people without any: the same levels."""
    skills = [*world.skills, *world.tools]
    giving = [world.staff("started"), world.staff("submitted")]
    taking = [world.staff("reviewed"), world.staff("corrected")]
    wanted = [
        NewLevel(staff.pk, skill, (row + column) % 4)
        for row, staff in enumerate(giving)
        for column, skill in enumerate(skills)
        if (row + column) % 3
    ]
    record_levels(wanted, valid_from=DAY, source=LevelSource.IMPORT, actor=world.secretariat)
    text = body(exported(world, organisation=str(world.bureau.pk))).decode("utf-8-sig")
    kept = [line for line in text.split("\r\n") if line.split(",")[0] in {staff.number for staff in giving}]
    for old, new in zip(giving, taking, strict=True):
        kept = [line.replace(old.number, new.number) for line in kept]
    head = next(line for line in text.split("\r\n") if line.count(",") > 5)

    apply(world, upload(world, "\r\n".join([head, *kept]).encode()).batch)

    assert [current(staff) for staff in taking] == [current(staff) for staff in giving]
    assert any(current(staff) for staff in taking)


def _rows(content: bytes, ending: str) -> list[Any]:
    """The sheet without the line that says when it was made."""
    if ending == "csv":
        return [
            line for line in content.decode("utf-8-sig").split("\r\n") if "Japan" not in line and "日本時間" not in line
        ]
    sheet = load_workbook(io.BytesIO(content)).worksheets[0]
    return [
        row for row in sheet.iter_rows(values_only=True) if "時間" not in str(row[0]) and "Japan" not in str(row[0])
    ]


def test_the_workbook_has_no_formula_no_author_and_a_frozen_head() -> None:
    world = make_cycle(items=2)
    Staff.objects.filter(pk=world.staff("started").pk).update(name="=HYPERLINK(1)", search_key="x")
    answer = exported(world, form="xlsx")
    assert isinstance(answer, FileResponse)

    book = load_workbook(io.BytesIO(body(answer)))

    sheet = book.worksheets[0]
    assert not any(cell.data_type == "f" for row in sheet.iter_rows() for cell in row)
    assert not (book.properties.creator or "").strip()
    assert sheet.freeze_panes


def test_columns_are_found_by_code_name_and_number(world: World) -> None:
    columns = {column.key: column for column in columns_for(sheet_skills())}

    assert [str(header) for header in columns["it_strategy"].headers][:2] == ["1 ITストラテジー", "ITストラテジー"]
    assert len(columns) == 4 + 3 + 2


def test_nobody_applies_a_sheet_with_the_own_levels(world: World) -> None:
    """Whoever uploaded it: the check asked that one alone."""
    colleague = user_with(Role.SECRETARIAT)
    batch = upload(world, csv_of(["職員番号", "it_strategy"], [colleague.staff.number, 3])).batch
    batch.refresh_from_db()
    assert batch.state == ImportState.CHECKED
    imports.apply(batch=batch, user=colleague)
    run_due()
    assert not ConfirmedLevel.objects.filter(staff=colleague.staff).exists()
