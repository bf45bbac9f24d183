"""Sheets of lines: what goes out can come back unchanged, what is wrong stops all of it, what moved meanwhile too."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

import openpyxl
import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import translation
from pytest_django import DjangoAssertNumQueries

from skillmap.core import imports
from skillmap.core.choices import ImportState
from skillmap.core.models import AuditEvent, ImportBatch
from skillmap.core.tabular.keys import match_key
from skillmap.core.tabular.problems import TabularError
from skillmap.core.tabular.reading import read_table
from skillmap.gaps.choices import Phase, ResponseState
from skillmap.gaps.demand_tables import columns_for, skill_choices
from skillmap.gaps.models import DemandItem, DemandResponse, DemandSurvey
from skillmap.gaps.selectors.demand import lines_of
from skillmap.gaps.services.demand import line_of
from skillmap.gaps.services.demand_import import DemandImporter
from skillmap.gaps.services.demand_steps import question_ask, response_step
from skillmap.people.models import User
from tests.core import hostile
from tests.factories.demand import (
    AFTER,
    DURING,
    DemandItemFactory,
    DemandResponseFactory,
    DemandSurveyFactory,
    SurveyWorld,
    add_lines,
    make_survey,
)
from tests.factories.framework import SkillFactory, real_framework, small_framework
from tests.support.due_jobs import run_due
from tests.support.ground import on_ground

pytestmark = pytest.mark.django_db


@time_machine.travel(DURING, tick=False)
def surveyed() -> SurveyWorld:
    """What all tests here start from."""
    return make_survey()


laid, world = on_ground(surveyed)

HEAD = ("業務名", "局面", "スキル項目", "レベル", "人数", "備考")


@pytest.fixture(autouse=True)
def during() -> Iterator[None]:
    """A day on which lines can be entered."""
    with time_machine.travel(DURING, tick=False):
        yield


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def csv_file(*rows: Sequence[object], head: Sequence[str] = HEAD, name: str = "lines.csv") -> SimpleUploadedFile:
    """An uploaded CSV file."""
    lines = [",".join(head), *(",".join(map(str, row)) for row in rows)]
    return SimpleUploadedFile(name, "\r\n".join(lines).encode("utf-8-sig"), content_type="text/csv")


def upload(world: SurveyWorld, file: SimpleUploadedFile) -> ImportBatch:
    """Bring a file in by the page and have it checked; the batch."""
    address = reverse("gaps:demand_sheet", args=[world.answer.pk])
    answer = signed_in(world.coordinator).post(address, {"file": file})
    assert answer.status_code == 302, answer.content.decode()
    run_due()
    return ImportBatch.objects.get(public_id=answer.headers["Location"].rstrip("/").rpartition("/")[2])


def press(world: SurveyWorld, batch: ImportBatch, button: str) -> ImportBatch:
    """Press a button of the batch's page, and have the job done."""
    address = reverse(f"gaps:demand_sheet_{button}", args=[world.answer.pk, batch.public_id])
    assert signed_in(world.coordinator).post(address).status_code == 302
    run_due()
    return ImportBatch.objects.get(pk=batch.pk)


def page_of(world: SurveyWorld, batch: ImportBatch, query: str = "") -> str:
    address = reverse("gaps:demand_sheet_batch", args=[world.answer.pk, batch.public_id])
    answer = signed_in(world.coordinator).get(address + query)
    assert answer.status_code == 200
    return answer.content.decode()


def stored(answer: DemandResponse) -> list[dict[str, Any]]:
    return [dict(line_of(item)) for item in lines_of(answer)]


def problems(batch: ImportBatch) -> list[tuple[int, str]]:
    return [(problem.row, problem.key) for problem in imports.problems_of(batch)]


# ------------------------------------------------------------------------------------------------- there and back


@pytest.mark.parametrize("ending", ["csv", "xlsx"])
@pytest.mark.parametrize("language", ["ja", "en"])
def test_an_export_brought_in_again_changes_nothing(ending: str, language: str) -> None:
    world = make_survey(lines=30)
    odd = ("=1+1", "'=1", "+81-3", "@home", "1-2", "007", "改行 なし", 'a,b"c', "𠮷野家 髙﨑", "あ" * 120)
    for text in odd:
        DemandItemFactory.create(response=world.answer, skill=world.skills[0], business=text, note=text)
    before, ids = stored(world.answer), sorted(world.answer.items.values_list("pk", "version"))
    client = signed_in(world.coordinator)
    client.cookies["django_language"] = language
    answer = client.get(reverse(f"gaps:demand_{ending}", args=[world.answer.pk]))
    batch = upload(world, SimpleUploadedFile(f"export.{ending}", answer.content))
    assert batch.state == ImportState.CHECKED, (batch.problem, list(imports.problems_of(batch)))
    assert batch.facts["counts"] == {"create": 0, "update": 0, "same": 40, "error": 0}
    batch = press(world, batch, "apply")
    assert batch.state == ImportState.APPLIED
    assert stored(world.answer) == before
    assert sorted(world.answer.items.values_list("pk", "version")) == ids


@pytest.mark.parametrize("language", ["ja", "en"])
def test_the_template_brought_in_again_changes_nothing(language: str) -> None:
    world = make_survey(lines=12)
    client = signed_in(world.coordinator)
    client.cookies["django_language"] = language
    answer = client.get(reverse("gaps:demand_sheet_template", args=[world.answer.pk]))
    assert answer.headers["Content-Disposition"].startswith("attachment;")
    batch = upload(world, SimpleUploadedFile("template.xlsx", answer.content))
    assert batch.facts["counts"] == {"create": 0, "update": 0, "same": 12, "error": 0}, list(imports.problems_of(batch))


def test_the_template_offers_lists_and_refuses_what_cannot_be_read(world: SurveyWorld) -> None:
    answer = signed_in(world.coordinator).get(reverse("gaps:demand_sheet_template", args=[world.answer.pk]))
    book = openpyxl.load_workbook(io.BytesIO(answer.content))
    lines, lists = book.worksheets
    rules = lines.data_validations.dataValidation
    kinds = [rule.type for rule in rules]
    assert kinds.count("list") == 3 and kinds.count("date") == 2
    assert kinds.count("whole") == 4
    offered = [[cell.value for cell in column if cell.value] for column in lists.iter_cols(min_row=2)]
    assert offered == [
        [str(label) for _value, label in Phase.choices],
        [f"{s.number}. {s.label}" for s in world.skills],
    ]


def template_rows(world: SurveyWorld, lines: str) -> list[Any]:
    address = reverse("gaps:demand_sheet_template", args=[world.answer.pk])
    answer = signed_in(world.coordinator).get(address, {"lines": lines})
    return list(read_table(answer.content, "t.xlsx", columns=columns_for(world.skills)).rows)


def test_a_template_begins_with_present_lines_last_years_or_none(world: SurveyWorld) -> None:
    old = small_framework(items=4, code="old")
    survey = DemandSurveyFactory.create(framework=old, fiscal_year=2025, state="closed")
    before = DemandResponseFactory.create(survey=survey, organisation=world.organisations[0])
    add_lines(before, list(old.skills.filter(kind="digital").order_by("number")), 4)
    add_lines(world.answer, world.skills, 2)
    assert len(template_rows(world, "present")) == 2
    copied = template_rows(world, "last")
    assert [row.values["skill"] for row in copied] == ["digital_1", "digital_2", "digital_3"]
    assert {row.values["needed_from"] for row in copied} == {None}
    assert len(template_rows(world, "nonsense")) == 2
    with pytest.raises(TabularError) as refused:
        template_rows(world, "none")
    assert refused.value.code == "no_rows"


def test_texts_that_mean_two_items_are_not_taken() -> None:
    draft = small_framework(items=1, published=False, code="alike")
    one = SkillFactory.create(framework=draft, number=7, name="同名", name_en="Seven")
    two = SkillFactory.create(framework=draft, number=8, name="同名", name_en="7")
    with translation.override("ja"):
        found = skill_choices([one, two])
    assert found[one.code] == ["7. 同名", "7. Seven", "7 同名", "7 Seven", "Seven"]
    assert "8" in found[two.code] and "7" not in found[two.code] and "同名" not in found[two.code]


def test_every_item_of_the_real_framework_is_known_by_number_and_name() -> None:
    skills = list(real_framework().skills.filter(kind="digital").order_by("number"))
    column = next(column for column in columns_for(skills) if column.key == "skill")
    for skill in skills:
        for text in (
            skill.name,
            skill.name_en,
            f"{skill.number}. {skill.name}",
            f"{skill.number} {skill.name}",
            skill.code,
        ):
            assert column.codes_by_label[match_key(text)] == skill.code
        assert column.codes_by_label[str(skill.number)] == skill.code


# ----------------------------------------------------------------------------------------------- check, look, apply


def test_a_sheet_replaces_the_lines_after_a_look(world: SurveyWorld) -> None:
    for name in ("甲", "乙", "丙"):
        DemandItemFactory.create(response=world.answer, skill=world.skills[0], business=name, headcount=2)
    file = csv_file(
        ("乙", "operation", 1, 2, "５人", ""),
        ("甲", "operation", "digital_1", 2, 2, ""),
        ("丁", "planning", "3", 3, 1, "新しい"),
    )
    before = stored(world.answer)
    batch = upload(world, file)
    assert batch.state == ImportState.CHECKED, (batch.problem, list(imports.problems_of(batch)))
    assert stored(world.answer) == before
    page = page_of(world, batch)
    assert (
        "丙" in page
        and "丁" in page
        and reverse("gaps:demand_sheet_apply", args=[world.answer.pk, batch.public_id]) in page
    )
    assert batch.facts["counts"] == {"create": 1, "update": 1, "same": 1, "error": 0}
    assert batch.facts["lists"]["removed"][0][0] == "丙"
    assert any(word in batch.facts["remarks"][0] for word in ("replaces", "置き換わります"))
    assert "<strong>5</strong>" in page_of(world, batch, "?show=update")
    batch = press(world, batch, "apply")
    assert batch.facts["result"] == {"added": 1, "changed": 1, "removed": 1, "same": 1}
    now = list(world.answer.items.order_by("position"))
    assert [(item.business, item.headcount, item.level) for item in now] == [("乙", 5, 2), ("甲", 2, 2), ("丁", 1, 3)]
    assert reverse("gaps:demand", args=[world.answer.pk]) in page_of(world, batch)
    assert AuditEvent.objects.filter(verb="demand.replace").count() == 1
    world.answer.refresh_from_db()
    assert world.answer.state == ResponseState.DRAFT


def test_a_column_that_is_not_in_the_sheet_leaves_what_stands_there(world: SurveyWorld) -> None:
    DemandItemFactory.create(
        response=world.answer,
        skill=world.skills[0],
        business="甲",
        note="残る",
        filled_staff=2,
        needed_from=date(2027, 4, 1),
    )
    batch = press(world, upload(world, csv_file(("甲", "operation", 1, 2, 9), head=HEAD[:5])), "apply")
    assert batch.state == ImportState.APPLIED
    item = world.answer.items.get()
    assert (item.headcount, item.note, item.filled_staff, item.needed_from) == (9, "残る", 2, date(2027, 4, 1))


def test_an_empty_cell_clears_what_may_be_empty(world: SurveyWorld) -> None:
    DemandItemFactory.create(response=world.answer, skill=world.skills[0], business="甲", note="消える")
    press(world, upload(world, csv_file(("甲", "operation", 1, 2, 2, ""))), "apply")
    assert world.answer.items.get().note == ""


def test_the_same_sheet_may_be_brought_in_again_after_other_changes(world: SurveyWorld) -> None:
    file = ("甲", "operation", 1, 2, 2, "")
    press(world, upload(world, csv_file(file)), "apply")
    DemandItemFactory.create(response=world.answer, skill=world.skills[1])
    DemandResponse.objects.filter(pk=world.answer.pk).update(version=7)
    again = press(world, upload(world, csv_file(file)), "apply")
    assert again.facts["result"] == {"added": 0, "changed": 0, "removed": 1, "same": 1}


def test_rows_that_stand_twice_are_pointed_out(world: SurveyWorld) -> None:
    row = ("甲", "operation", 1, 2, 2, "")
    batch = upload(world, csv_file(row, row))
    assert len(batch.facts["remarks"]) == 2
    press(world, batch, "apply")
    assert world.answer.items.count() == 2


# ------------------------------------------------------------------------------------------------------ what stops it


def test_every_wrong_cell_is_named_and_nothing_is_stored(world: SurveyWorld) -> None:
    DemandItemFactory.create(response=world.answer, skill=world.skills[0], business="残る")
    head = (*HEAD, "needed_from", "needed_until", "filled_vendor")
    batch = upload(
        world,
        csv_file(
            ("良い行", "operation", 1, 2, 2, "", "", "", ""),
            ("", "operation", 1, 2, 2, "", "", "", ""),
            ("x", "どこか", 1, 2, 2, "", "", "", ""),
            ("x", "operation", 99, 2, 2, "", "", "", ""),
            ("x", "operation", 1, 0, 2, "", "", "", ""),
            ("x", "operation", 1, 4, 0, "", "", "", ""),
            ("x", "operation", 1, 2, 1000, "", "", "", ""),
            ("x", "operation", 1, 2, "いくつか", "", "", "", ""),
            ("x" * 121, "operation", 1, 2, 2, "y" * 301, "", "", ""),
            ("x", "operation", 1, 2, 2, "", "2027-04-01", "2027-03-31", ""),
            ("x", "operation", 1, 2, 2, "", "1999-01-01", "", "-1"),
            head=head,
        ),
    )
    assert batch.state == ImportState.REFUSED
    assert problems(batch) == [
        (3, "business"), (4, "phase"), (5, "skill"), (6, "level"), (7, "level"), (7, "headcount"), (8, "headcount"),
        (9, "headcount"), (10, "business"), (10, "note"), (11, "needed_until"), (12, "needed_from"),
        (12, "filled_vendor"),
    ]  # fmt: skip
    page = page_of(world, batch)
    assert all(f'<td class="num">{number}</td>' in page for number in range(3, 13))
    assert reverse("gaps:demand_sheet_apply", args=[world.answer.pk, batch.public_id]) not in page
    press(world, batch, "apply")  # pressed all the same
    assert [item.business for item in world.answer.items.all()] == ["残る"]
    report = signed_in(world.coordinator).get(
        reverse("gaps:demand_sheet_report", args=[world.answer.pk, batch.public_id])
    )
    assert openpyxl.load_workbook(io.BytesIO(report.content)).active is not None


@pytest.mark.parametrize(
    "case", [case for case in hostile.CASES if case.kind == "file"][::12], ids=lambda case: case.name
)
def test_hostile_files_are_refused_in_words(world: SurveyWorld, case: hostile.Case) -> None:
    DemandItemFactory.create(response=world.answer, skill=world.skills[0], business="残る")
    address = reverse("gaps:demand_sheet", args=[world.answer.pk])
    answer = signed_in(world.coordinator).post(address, {"file": SimpleUploadedFile(case.name, case.make())})
    if answer.status_code == 302:
        run_due()
        batch = ImportBatch.objects.get()
        assert batch.state == ImportState.REFUSED and batch.problem
        assert batch.problem in page_of(world, batch)
    else:
        assert answer.status_code == 422
    assert world.answer.items.get().business == "残る"


def test_a_formula_or_script_stays_text(world: SurveyWorld) -> None:
    batch = upload(world, csv_file(("<script>alert(1)</script>", "operation", 1, 2, 2, "'=HYPERLINK(1)")))
    assert "<script>alert" not in page_of(world, batch)
    press(world, batch, "apply")
    assert world.answer.items.get().note == "=HYPERLINK(1)"
    assert "<script>alert" not in signed_in(world.coordinator).get(f"/demand/{world.answer.pk}/").content.decode()


def test_more_than_a_thousand_rows_are_refused(world: SurveyWorld) -> None:
    batch = upload(world, csv_file(*[("x", "operation", 1, 2, 2, n) for n in range(1001)]))
    assert (batch.state, world.answer.items.count()) == (ImportState.REFUSED, 0)
    assert batch.problem in page_of(world, batch)


def test_a_change_after_the_check_stops_applying_and_a_new_check_mends_it(world: SurveyWorld) -> None:
    DemandItemFactory.create(response=world.answer, skill=world.skills[0], business="甲")
    batch = upload(world, csv_file(("乙", "operation", 1, 2, 2, "")))
    DemandItemFactory.create(response=world.answer, skill=world.skills[1], business="その間に")
    DemandResponse.objects.filter(pk=world.answer.pk).update(version=2)
    batch = press(world, batch, "apply")
    assert batch.state == ImportState.REFUSED
    assert batch.problem in page_of(world, batch)
    assert {item.business for item in world.answer.items.all()} == {"甲", "その間に"}
    batch = press(world, batch, "check")
    assert batch.facts["list_lengths"] == {"removed": 2}
    press(world, batch, "apply")
    assert [item.business for item in world.answer.items.all()] == ["乙"]


def test_submitted_or_closed_meanwhile_nothing_is_replaced(world: SurveyWorld) -> None:
    DemandItemFactory.create(response=world.answer, skill=world.skills[0], business="甲")
    DemandResponse.objects.filter(pk=world.answer.pk).update(state=ResponseState.DRAFT)
    batch = upload(world, csv_file(("乙", "operation", 1, 2, 2, "")))
    response_step(response_id=world.answer.pk, action="submit", actor=world.coordinator)
    assert press(world, batch, "apply").state == ImportState.REFUSED
    assert press(world, batch, "check").state == ImportState.REFUSED
    assert world.answer.items.get().business == "甲"


def test_where_nothing_can_be_entered_the_page_says_why(world: SurveyWorld) -> None:
    address = reverse("gaps:demand_sheet", args=[world.answer.pk])
    for today, state in ((AFTER, "open"), (DURING, "closed")):
        DemandSurvey.objects.update(state=state)
        with time_machine.travel(today, tick=False):
            client = signed_in(world.coordinator)
            answer = client.get(address, follow=True)
            assert answer.redirect_chain[0][0] == reverse("gaps:demand", args=[world.answer.pk])
            assert "notice--bad" in answer.content.decode()
            assert client.post(address, {"file": csv_file(("x", "operation", 1, 2, 2, ""))}).status_code == 302
    assert not ImportBatch.objects.exists()


def test_a_sheet_can_be_discarded(world: SurveyWorld) -> None:
    batch = press(world, upload(world, csv_file(("乙", "operation", 1, 2, 2, ""))), "discard")
    assert batch.state == ImportState.DISCARDED
    assert not world.answer.items.exists()


# ------------------------------------------------------------------------------------------------------------- who


def test_a_sheet_is_the_organisations_alone(world: SurveyWorld) -> None:
    batch = upload(world, csv_file(("乙", "operation", 1, 2, 2, "")))
    names = ("", "_template", "_batch", "_apply", "_check", "_discard", "_report")
    for name in names:
        extra = [batch.public_id] if name not in ("", "_template") else []
        address = reverse(f"gaps:demand_sheet{name}", args=[world.answer.pk, *extra])
        for method in ("get", "post"):
            for user, wanted in ((world.coordinators[1], 404), (world.secretariat, 403), (world.supporter, 403)):
                answer = getattr(signed_in(user), method)(address)
                assert answer.status_code in (wanted, 405), (name, method, user)
            assert getattr(Client(), method)(address).status_code == 302
    batch.refresh_from_db()
    assert batch.state == ImportState.CHECKED
    own = reverse("gaps:demand_sheet_batch", args=[world.answers[1].pk, batch.public_id])
    assert signed_in(world.coordinators[1]).get(own).status_code == 404  # another answer's sheet below the own answer


def test_a_right_that_ended_after_the_upload_ends_the_sheet(world: SurveyWorld) -> None:
    batch = upload(world, csv_file(("乙", "operation", 1, 2, 2, "")))
    imports.apply(batch=batch, user=User.objects.get(pk=world.coordinator.pk))
    world.coordinator.role_grants.update(valid_to=date(2026, 5, 2))
    run_due()
    batch.refresh_from_db()
    assert batch.state == ImportState.REFUSED
    assert not world.answer.items.exists()


# -------------------------------------------------------------------------------------------------- queries, exports


@pytest.mark.parametrize("lines", [10, 500])
def test_checking_and_applying_take_the_same_queries(
    world: SurveyWorld, django_assert_max_num_queries: DjangoAssertNumQueries, lines: int
) -> None:
    add_lines(world.answer, world.skills, lines)
    rows = [(f"業務 {n}", "operation", 1 + n % 3, 1 + n % 3, 1, "") for n in range(lines)]
    batch = imports.upload(
        kind=DemandImporter.kind,
        file=csv_file(*rows),
        options={"response": world.answer.pk, "version": 1},
        user=world.coordinator,
    ).batch
    with django_assert_max_num_queries(40):
        run_due()
    imports.apply(batch=batch, user=world.coordinator)
    with django_assert_max_num_queries(60):
        run_due()
    batch.refresh_from_db()
    assert batch.state == ImportState.APPLIED


def test_the_secretariats_export_of_a_whole_survey() -> None:
    world = make_survey(lines=7)
    add_lines(world.answers[1], world.skills, 3)
    response_step(response_id=world.answers[1].pk, action="submit", actor=world.coordinators[1])
    question_ask(response_id=world.answers[1].pk, text="?", actor=world.secretariat)
    for user in (world.secretariat, world.supporter):
        book = openpyxl.load_workbook(
            io.BytesIO(signed_in(user).get(reverse("gaps:survey_xlsx", args=[world.survey.pk])).content)
        )
        lines, answers, totals = (list(sheet.iter_rows(values_only=True)) for sheet in book.worksheets)
        assert sum(row[0] in {unit.code for unit in world.organisations} for row in lines) == 10
        assert sum(row[0] in {unit.code for unit in world.organisations} for row in answers) == 2
        heads = sum(DemandItem.objects.values_list("headcount", flat=True))
        assert sum(row[6] for row in totals if isinstance(row[6], int)) == heads
    narrowed = signed_in(world.secretariat).get(
        reverse("gaps:survey_csv", args=[world.survey.pk]), {"state": "questioned"}
    )
    text = narrowed.content.decode("utf-8-sig")
    assert text.count(world.organisations[1].code + ",") == 3 and world.organisations[0].code + "," not in text


@pytest.mark.parametrize("lines", [10, 500])
@pytest.mark.parametrize("name", ["demand_csv", "demand_xlsx", "survey_csv", "survey_xlsx"])
def test_exports_take_a_constant_number_of_queries(
    django_assert_max_num_queries: DjangoAssertNumQueries, name: str, lines: int
) -> None:
    world = make_survey(lines=lines)
    pk = world.answer.pk if name.startswith("demand") else world.survey.pk
    client = signed_in(world.secretariat)
    client.get(reverse("set_language"))  # the session is written on its first use
    with django_assert_max_num_queries(10):
        assert client.get(reverse(f"gaps:{name}", args=[pk])).status_code == 200
