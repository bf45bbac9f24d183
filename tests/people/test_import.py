"""People from a table: what is found row by row, that all or nothing is written, that nothing changes unsaid."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

import openpyxl
import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import translation

from skillmap.core import imports, jobs
from skillmap.core.choices import ImportState, RowOutcome
from skillmap.core.errors import NotAllowed, RuleViolation
from skillmap.core.models import AuditEvent, ImportBatch, ImportRow, StoredFile
from skillmap.core.tabular.problems import TabularError
from skillmap.core.tabular.writing import write_csv, write_xlsx
from skillmap.people import services
from skillmap.people.choices import Grade, OrganisationKind, Role, StaffStatus
from skillmap.people.forms import PeopleUploadForm
from skillmap.people.models import Membership, Organisation, Staff, User
from skillmap.people.services import people_import
from skillmap.people.tables import COLUMNS, people_table
from tests.factories.people import OrganisationFactory, StaffFactory, UserFactory, staff_in_bulk, user_with
from tests.support.due_jobs import run_due

pytestmark = pytest.mark.django_db
TODAY = date(2026, 4, 10)
KIND = "people.staff"
HEAD = ("number", "name", "kana", "occupation", "grade", "organisation")


@pytest.fixture(autouse=True)
def _today() -> Any:
    with time_machine.travel(datetime(2026, 4, 10, 3, tzinfo=UTC), tick=False):
        yield


@pytest.fixture
def secretariat() -> User:
    return user_with(Role.SECRETARIAT, organisation__code="office")


def csv_file(head: Sequence[str], *rows: Sequence[str], name: str = "people.csv") -> SimpleUploadedFile:
    """An uploaded CSV file."""
    lines = [",".join(head), *(",".join(row) for row in rows)]
    return SimpleUploadedFile(name, "\r\n".join(lines).encode("utf-8-sig"), content_type="text/csv")


def brought(
    user: User, file: SimpleUploadedFile, *, on: date = TODAY, accounts: bool = False, apply: bool = True
) -> ImportBatch:
    """Upload, check and, where every row can be taken, apply."""
    options = {"effective_on": on, "accounts": accounts}
    batch = imports.upload(kind=KIND, file=file, options=options, user=user).batch
    run_due()
    batch.refresh_from_db()
    if apply and batch.state == ImportState.CHECKED:
        imports.apply(batch=batch, user=user)
        run_due()
        batch.refresh_from_db()
    return batch


def reasons(batch: ImportBatch) -> list[tuple[int, str]]:
    """Row and column key of each problem."""
    return [(problem.row, problem.key) for problem in imports.problems_of(batch)]


def test_joiners_changes_moves_and_leavers_in_one_file(secretariat: User) -> None:
    old, new = OrganisationFactory.create(code="old"), OrganisationFactory.create(code="new")
    same = StaffFactory.create(number="00000001", name="同じ 人", organisation=old)
    renamed = StaffFactory.create(number="00000002", name="前 の名", organisation=old)
    mover = StaffFactory.create(number="00000003", name="異動 する", organisation=old)
    leaver = StaffFactory.create(number="00000004", name="退職 する", organisation=old)
    head = ("number", "name", "occupation", "grade", "organisation", "left_on")
    file = csv_file(
        head,
        ("00000001", "同じ 人", "ict", "2", "old", ""),
        ("00000002", "新しい 名", "ict", "2", "old", ""),
        ("00000003", "異動 する", "ict", "3", "new", ""),
        ("00000004", "退職 する", "ict", "2", "old", "2026-04-10"),
        ("00000005", "𠮷田 髙", "expert", "3", "new", ""),
    )
    batch = brought(secretariat, file)
    assert batch.state == ImportState.APPLIED, (batch.problem, reasons(batch))
    assert batch.facts["counts"] == {"create": 1, "update": 3, "same": 1, "error": 0}
    assert batch.facts["result"] == {"created": 1, "updated": 3, "leavers": 1, "accounts": 0}
    for row in (same, renamed, mover, leaver):
        row.refresh_from_db()
    assert (same.version, renamed.name) == (1, "新しい 名")
    assert "新しい名" in renamed.search_key
    assert User.objects.get(staff=renamed).name == "新しい 名"
    assert (mover.organisation, mover.grade) == (new, Grade.DEPUTY_MANAGER)
    assert list(mover.memberships.order_by("valid_from").values_list("valid_to", flat=True)) == [TODAY, None]
    assert (leaver.status, leaver.left_on) == (StaffStatus.LEFT, TODAY)
    joiner = Staff.objects.get(number="00000005")
    assert (joiner.name, joiner.organisation, joiner.memberships.get().valid_from) == ("𠮷田 髙", new, TODAY)
    assert AuditEvent.objects.filter(verb="staff.update").count() == 3
    assert not StoredFile.objects.exists()


def test_one_wrong_row_and_nothing_is_written(secretariat: User) -> None:
    OrganisationFactory.create(code="a")
    OrganisationFactory.create(code="heading", kind=OrganisationKind.GROUP)
    OrganisationFactory.create(code="closed", valid_to=date(2026, 4, 1))
    gone = StaffFactory.create(number="00000009", left=True)
    head = (*HEAD, "left_on", "email")
    file = csv_file(
        head,
        ("00000001", "よい 行", "よい ぎょう", "ict", "1", "a", "", ""),
        ("00000002", "", "", "ict", "1", "a", "", ""),
        ("00000003", "名", "", "wizard", "1", "a", "", ""),
        ("00000004", "名", "", "ict", "1", "nowhere", "", ""),
        ("00000005", "名", "", "ict", "1", "heading", "", ""),
        ("00000006", "名", "", "ict", "1", "closed", "", ""),
        ("00000007", "名", "", "ict", "1", "a", "", "not an address"),
        ("00000001", "二度目", "", "ict", "1", "a", "", ""),
        ("00000009", gone.name, gone.kana, "ict", "5", "a", "2025-04-01", gone.email),
        ("00000010", "名", "", "ict", "1", "a", "2026-05-01", ""),
    )
    batch = brought(secretariat, file)
    assert batch.state == ImportState.REFUSED
    assert reasons(batch) == [
        (3, "name"),
        (4, "occupation"),
        (5, "organisation"),
        (6, "organisation"),
        (7, "organisation"),
        (8, "email"),
        (9, ""),
        (10, "number"),
        (11, "left_on"),
    ]
    assert batch.problem_count == 9
    assert not Staff.objects.filter(number="00000001").exists()
    with pytest.raises(RuleViolation):
        imports.apply(batch=batch, user=secretariat)
    for problem in imports.problems_of(batch):
        assert problem.reason
        assert problem.fix
        assert "not an address" not in problem.value
    rows = [int(str(row[0])) for row in imports.report(batch).rows]
    assert rows == sorted(rows)


def test_a_wrong_organisation_is_named_beside_whatever_else_is_wrong(secretariat: User) -> None:
    OrganisationFactory.create(code="there")
    head = ("number", "name", "occupation", "grade", "organisation", "moved_on")
    file = csv_file(
        head,
        ("00000001", "日付 違い", "ict", "2", "nowhere", "4月のいつか"),
        ("00000002", "職種 違い", "painter", "2", "there", ""),
        ("00000003", "", "ict", "2", "nowhere", ""),
        ("00000004", "所属 だけ", "ict", "2", "nowhere", ""),
    )
    assert sorted(reasons(brought(secretariat, file))) == [
        (2, "moved_on"),
        (2, "organisation"),
        (3, "occupation"),
        (4, "name"),
        (4, "organisation"),
        (5, "organisation"),
    ]


def test_an_absent_column_changes_nothing_and_an_empty_cell_clears(secretariat: User) -> None:
    staff = StaffFactory.create(number="00000001", kana="かな", former_occupation="土木")
    staff.hired_on = date(2020, 4, 1)
    staff.save(update_fields=["hired_on"])
    assert brought(secretariat, csv_file(("number", "kana"), ("00000001", ""))).state == ImportState.APPLIED
    staff.refresh_from_db()
    assert (staff.kana, staff.former_occupation, staff.hired_on) == ("", "土木", date(2020, 4, 1))
    assert brought(secretariat, csv_file(("number", "hired_on"), ("00000001", ""))).state == ImportState.APPLIED
    assert Staff.objects.get(pk=staff.pk).hired_on is None
    assert staff.memberships.count() == 1


def test_what_may_not_be_empty_is_not_cleared(secretariat: User) -> None:
    StaffFactory.create(number="00000001")
    for key in ("name", "employer", "hiring_route", "occupation", "grade", "organisation"):
        batch = brought(secretariat, csv_file(("number", key), ("00000001", "")))
        assert reasons(batch) == [(2, key)], key


def test_somebody_new_needs_the_columns_of_a_joiner(secretariat: User) -> None:
    batch = brought(secretariat, csv_file(("number", "kana"), ("00000077", "かな")))
    assert reasons(batch) == [(2, "number")]


def test_the_same_file_again_does_nothing(secretariat: User) -> None:
    OrganisationFactory.create(code="a")
    rows = (HEAD, ("00000001", "名", "な", "ict", "1", "a"))
    first = brought(secretariat, csv_file(*rows))
    audit_lines = AuditEvent.objects.count()
    again = imports.upload(
        kind=KIND, file=csv_file(*rows), options={"effective_on": TODAY, "accounts": False}, user=secretariat
    )
    assert (again.is_repeat, again.batch.pk) == (True, first.pk)
    assert AuditEvent.objects.count() == audit_lines
    other_day = imports.upload(
        kind=KIND, file=csv_file(*rows), options={"effective_on": date(2026, 5, 1)}, user=secretariat
    )
    assert not other_day.is_repeat


def test_what_changed_since_the_check_refuses_the_whole(secretariat: User) -> None:
    OrganisationFactory.create(code="a")
    one, two = StaffFactory.create(number="00000001"), StaffFactory.create(number="00000002")
    rows = (("number", "name"), ("00000001", "甲"), ("00000002", "乙"))
    batch = brought(secretariat, csv_file(*rows), apply=False)
    services.staff_update(staff_id=two.pk, version=two.version, actor=secretariat, kana="かわった")
    imports.apply(batch=batch, user=secretariat)
    run_due()
    batch.refresh_from_db()
    assert (batch.state, batch.applied_at) == (ImportState.REFUSED, None)
    assert "1" in batch.problem
    one.refresh_from_db()
    assert one.name != "甲"
    imports.check_again(batch=batch, user=secretariat)
    run_due()
    batch.refresh_from_db()
    assert batch.state == ImportState.CHECKED
    imports.apply(batch=batch, user=secretariat)
    run_due()
    one.refresh_from_db()
    assert one.name == "甲"


def test_a_move_planned_since_the_check_refuses_the_whole(secretariat: User) -> None:
    staff, place = StaffFactory.create(number="00000001"), OrganisationFactory.create(code="a")
    batch = brought(secretariat, csv_file(("number", "grade"), ("00000001", "4")), apply=False)
    services.staff_move(staff_id=staff.pk, on=date(2026, 6, 1), organisation_id=place.pk, actor=secretariat)
    imports.apply(batch=batch, user=secretariat)
    run_due()
    batch.refresh_from_db()
    assert batch.state == ImportState.REFUSED
    assert staff.memberships.count() == 2


def test_a_number_taken_since_the_check_refuses_the_whole(secretariat: User) -> None:
    OrganisationFactory.create(code="a")
    batch = brought(secretariat, csv_file(HEAD, ("00000001", "名", "な", "ict", "1", "a")), apply=False)
    StaffFactory.create(number="00000001")
    imports.apply(batch=batch, user=secretariat)
    run_due()
    batch.refresh_from_db()
    assert batch.state == ImportState.REFUSED


def test_moves_on_their_own_days(secretariat: User) -> None:
    old, new = OrganisationFactory.create(code="old"), OrganisationFactory.create(code="new")
    now, later, twice = (
        StaffFactory.create(number="00000001", organisation=old),
        StaffFactory.create(number="00000002", organisation=old),
        StaffFactory.create(number="00000003", organisation=old),
    )
    services.staff_move(staff_id=twice.pk, on=date(2026, 8, 1), organisation_id=new.pk, actor=secretariat)
    head = ("number", "organisation", "moved_on")
    batch = brought(secretariat, csv_file(head, ("00000001", "new", "R8.4.1"), ("00000002", "new", "2026/7/1")))
    assert batch.state == ImportState.APPLIED, reasons(batch)
    now.refresh_from_db()
    later.refresh_from_db()
    assert (now.organisation, later.organisation) == (new, old)
    assert later.memberships.order_by("valid_from").last().valid_from == date(2026, 7, 1)  # type: ignore[union-attr]
    with time_machine.travel(datetime(2026, 7, 2, tzinfo=UTC)):
        services.people_apply_due()
    later.refresh_from_db()
    assert later.organisation == new
    refused = brought(secretariat, csv_file(head, ("00000003", "new", "2026-05-01")))
    assert reasons(refused) == [(2, "moved_on")]
    stale = brought(secretariat, csv_file(head, ("00000001", "old", "2026-04-01")))
    assert reasons(stale) == [(2, "moved_on")]  # the day of the present posting was left in the cell


def test_a_corrected_file_of_the_same_day_corrects_the_move(secretariat: User) -> None:
    staff = StaffFactory.create(number="00000001", organisation=OrganisationFactory.create(code="old"))
    wrong, right = OrganisationFactory.create(code="wrong"), OrganisationFactory.create(code="right")
    for place in (wrong, right):
        batch = brought(secretariat, csv_file(("number", "organisation"), ("00000001", place.code)))
        assert batch.state == ImportState.APPLIED
    staff.refresh_from_db()
    assert staff.organisation == right
    assert staff.memberships.count() == 2


def test_accounts_are_made_where_chosen(secretariat: User) -> None:
    OrganisationFactory.create(code="a")
    UserFactory.create(email="taken@tokyo.example")
    head = (*HEAD, "email")
    first = ("00000001", "名", "な", "ict", "1", "a", "New@Tokyo.example")
    batch = brought(secretariat, csv_file(head, first), accounts=True)
    assert batch.state == ImportState.APPLIED
    user = Staff.objects.get(number="00000001").user
    assert user is not None
    assert (user.email, user.has_usable_password()) == ("new@tokyo.example", False)
    twice = brought(
        secretariat,
        csv_file(
            head,
            ("00000002", "名", "な", "ict", "1", "a", "taken@tokyo.example"),
            ("00000003", "名", "な", "ict", "1", "a", "x@tokyo.example"),
            ("00000004", "名", "な", "ict", "1", "a", "X@tokyo.example"),
        ),
        accounts=True,
    )
    assert reasons(twice) == [(2, "email"), (4, "email")]


@pytest.mark.parametrize("typed", ["123", "0000000123", "00000123 "])
def test_a_number_that_lost_its_zeros_makes_no_second_person(secretariat: User, typed: str) -> None:
    OrganisationFactory.create(code="a")
    StaffFactory.create(number="00000123", name="同じ 人")
    batch = brought(secretariat, csv_file(HEAD, (typed, "同じ 人", "な", "ict", "1", "a")), apply=False)
    if typed.strip() == "00000123":
        assert batch.facts["counts"]["update"] == 1
    else:
        assert (batch.state, reasons(batch)) == (ImportState.REFUSED, [(2, "number")])


def test_neither_do_two_forms_of_one_new_number_nor_one_recorded_meanwhile(secretariat: User) -> None:
    OrganisationFactory.create(code="a")
    twice = [(number, "新", "な", "ict", "1", "a") for number in ("0000A55", "0000a55")]
    assert reasons(brought(secretariat, csv_file(HEAD, *twice))) == [(3, "number")]
    checked = brought(secretariat, csv_file(HEAD, ("12", "新", "な", "ict", "1", "a")), apply=False)
    StaffFactory.create(number="00000012")
    imports.apply(batch=checked, user=secretariat)
    run_due()
    assert not Staff.objects.filter(number="12").exists()


def test_an_account_made_meanwhile_stays_the_persons(secretariat: User) -> None:
    staff = StaffFactory.create(user=None, number="00000008")
    file = csv_file(("number", "email"), ("00000008", "a@tokyo.example"))
    batch = brought(secretariat, file, accounts=True, apply=False)
    made = services.account_create_for_staff(staff_id=staff.pk, email="b@tokyo.example", actor=secretariat)
    imports.apply(batch=batch, user=secretariat)
    run_due()
    batch.refresh_from_db()
    assert batch.state == ImportState.REFUSED
    assert Staff.objects.get(pk=staff.pk).user == made
    assert not User.objects.filter(email="a@tokyo.example").exists()


def test_accounts_made_stand_in_the_audit_trail(secretariat: User) -> None:
    OrganisationFactory.create(code="a")
    row = ("00000055", "新", "な", "ict", "1", "a", "n@tokyo.example")
    batch = brought(secretariat, csv_file((*HEAD, "email"), row), accounts=True)
    line = AuditEvent.objects.get(verb="account.create")
    made = User.objects.get(email="n@tokyo.example")
    assert (line.target, line.channel, line.data["batch"]) == (f"people.user:{made.pk}", "import", batch.pk)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("email", "taro@Tokyo.example"),
        ("email", "a@データ.example"),
        ("name", "名\u200d"),
        ("kana", "か\u3099"),
        ("former_occupation", "　技術"),
    ],
)
def test_a_list_that_came_from_here_changes_nothing(secretariat: User, field: str, value: str) -> None:
    staff = StaffFactory.create(user=None, number="00000001")
    services.staff_update(staff_id=staff.pk, version=1, actor=secretariat, **{field: value})
    data = b"".join(write_csv(people_table(Staff.objects.order_by("pk"), filters={})))
    batch = brought(secretariat, SimpleUploadedFile("people.csv", data), apply=False)
    assert batch.state == ImportState.CHECKED, reasons(batch)
    assert batch.facts["counts"]["update"] == 0, list(batch.rows.values_list("data", flat=True))


def test_a_list_of_the_morning_of_a_move_does_not_take_it_back(secretariat: User) -> None:
    """The posting of today counts, though the columns of the person are brought up to it by a job."""
    old, new = OrganisationFactory.create(code="old"), OrganisationFactory.create(code="new")
    staff = StaffFactory.create(organisation=old, number="00000001")
    with time_machine.travel(datetime(2026, 4, 8, 3, tzinfo=UTC), tick=False):
        services.staff_move(staff_id=staff.pk, on=TODAY, organisation_id=new.pk, actor=secretariat)
    data = b"".join(write_csv(people_table(Staff.objects.order_by("pk"), filters={})))
    batch = brought(secretariat, SimpleUploadedFile("people.csv", data))
    assert batch.facts["counts"]["update"] == 0
    services.people_apply_due()
    assert Staff.objects.get(pk=staff.pk).organisation == new


@pytest.mark.parametrize(
    ("head", "row", "key"),
    [
        (("number", "hired_on", "expert_until"), ("00000012", "2026-04-05", "2020-04-08"), "expert_until"),
        (("number", "organisation", "moved_on"), ("00000013", "a", "2025-01-01"), "moved_on"),
        (HEAD, ("-55", "新", "な", "ict", "1", "a"), "number"),
    ],
    ids=["term ends before it begins", "has left", "number"],
)
def test_a_table_is_held_to_what_the_page_refuses(
    secretariat: User, head: tuple[str, ...], row: tuple[str, ...], key: str
) -> None:
    OrganisationFactory.create(code="a")
    StaffFactory.create(number="00000012")
    StaffFactory.create(number="00000013", left=True)
    batch = brought(secretariat, csv_file(head, row))
    assert (batch.state, reasons(batch)) == (ImportState.REFUSED, [(2, key)])


def test_another_first_day_of_a_joiner_is_taken(secretariat: User) -> None:
    OrganisationFactory.create(code="a")
    brought(secretariat, csv_file(HEAD, ("00000077", "新", "な", "ict", "1", "a")), on=date(2026, 5, 1))
    head = ("number", "organisation", "moved_on")
    batch = brought(secretariat, csv_file(head, ("00000077", "a", "2026-06-01")))
    assert batch.facts["counts"]["update"] == 1
    assert Staff.objects.get(number="00000077").memberships.get().valid_from == date(2026, 6, 1)


def test_an_address_on_record_that_has_an_account_is_told_before_anything_is_applied(secretariat: User) -> None:
    UserFactory.create(email="taken@tokyo.example")
    StaffFactory.create(number="00000001", user=None, email="Taken@tokyo.example")
    batch = brought(secretariat, csv_file(("number", "kana"), ("00000001", "かな")), accounts=True)
    assert (batch.state, reasons(batch)) == (ImportState.REFUSED, [(2, "number")])
    without = brought(secretariat, csv_file(("number", "kana"), ("00000001", "かな")))
    assert without.state == ImportState.APPLIED


def test_a_joiner_who_is_to_join_elsewhere_belongs_there_at_once(secretariat: User) -> None:
    here, there = OrganisationFactory.create(code="here"), OrganisationFactory.create(code="there")
    day = date(2026, 5, 1)
    brought(secretariat, csv_file(HEAD, ("00000001", "名", "な", "ict", "1", "here")), on=day)
    joiner = Staff.objects.get(number="00000001")
    assert (joiner.status, joiner.organisation) == (StaffStatus.JOINING, here)
    batch = brought(secretariat, csv_file(("number", "organisation"), ("00000001", "there")), on=day)
    assert batch.state == ImportState.APPLIED, (batch.problem, reasons(batch))
    joiner.refresh_from_db()
    assert (joiner.organisation, joiner.memberships.get().organisation) == (there, there)
    services.staff_move(staff_id=joiner.pk, on=day, organisation_id=here.pk, grade=3, actor=secretariat)
    joiner.refresh_from_db()
    assert (joiner.organisation, joiner.grade, joiner.memberships.get().organisation) == (here, 3, here)
    # A move after the first day waits for its own.
    services.staff_move(staff_id=joiner.pk, on=date(2026, 6, 1), organisation_id=there.pk, actor=secretariat)
    services.staff_move(staff_id=joiner.pk, on=date(2026, 6, 1), grade=2, actor=secretariat)
    joiner.refresh_from_db()
    assert (joiner.organisation, joiner.grade) == (here, 3)


def test_who_is_not_in_the_file_is_listed_and_stays(secretariat: User) -> None:
    StaffFactory.create(number="00000001")
    other = StaffFactory.create(number="00000002")
    StaffFactory.create(number="00000003", left=True)
    batch = brought(secretariat, csv_file(("number", "kana"), ("00000001", "かな")))
    listed = [entry[0] for entry in batch.facts["lists"]["missing"]]
    assert set(listed) == {other.number, secretariat.staff.number}
    other.refresh_from_db()
    assert other.status == StaffStatus.ACTIVE


def test_of_many_who_are_missing_the_first_are_listed_and_all_counted(
    secretariat: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(people_import, "LISTED", 3)
    Organisation.objects.update(sort_order=9)
    place = OrganisationFactory.create(code="a", sort_order=1)
    for number in range(9):
        StaffFactory.create(number=f"0000000{number}", organisation=place)
    StaffFactory.create(number="00000009", organisation=place, left=True)
    # Two of them stand in rows that can't be taken: they are in the file all the same.
    rows = [("00000001", "かな"), ("00000002", "か\ue000な"), ("00000009", "かな"), ("00000004", "か\ue000な")]
    batch = brought(secretariat, csv_file(("number", "kana"), *rows))
    assert [entry[0] for entry in batch.facts["lists"]["missing"]] == ["00000000", "00000003", "00000005"]
    assert batch.facts["list_lengths"] == {"missing": 7}  # six of these, and the secretariat's own


def test_a_joiner_is_written_as_any_new_person(secretariat: User) -> None:
    place = OrganisationFactory.create(code="a")
    brought(secretariat, csv_file(HEAD, ("00000001", "髙橋 \\N", "たか はし", "ict", "2", "a")))
    alike = Staff(
        number="00000002", name="髙橋 \\N", kana="たか はし", occupation="ict", grade=2, organisation_id=place.pk
    )
    alike.save()
    made = Staff.objects.get(number="00000001")
    assert made.pk < alike.pk
    assert made.search_key == alike.search_key.replace("00000002", "00000001")
    skipped = {"id", "number", "search_key"}
    columns = [field.attname for field in Staff._meta.concrete_fields if field.name not in skipped]
    assert [getattr(made, name) for name in columns] == [getattr(alike, name) for name in columns]
    posting = made.memberships.get()
    assert (posting.organisation_id, posting.grade, posting.occupation) == (place.pk, 2, "ict")
    assert (posting.valid_from, posting.valid_to, posting.recorded_by) == (TODAY, None, secretariat)
    line = AuditEvent.objects.get(verb="staff.create", subject_key=f"staff:{made.pk}")
    assert (line.target, line.channel, line.actor) == (f"people.staff:{made.pk}", "import", secretariat)
    assert set(line.data) == {"batch", "fields"}


def test_a_long_list_of_the_missing_is_folded(secretariat: User, client: Client) -> None:
    StaffFactory.create(number="00000001")
    StaffFactory.create_batch(25)
    batch = brought(secretariat, csv_file(("number", "kana"), ("00000001", "かな")), apply=False)
    client.force_login(secretariat)
    html = client.get(reverse("people:import_batch", args=[batch.public_id])).content.decode()
    numbers = [entry[0] for entry in batch.facts["lists"]["missing"]]
    first, rest = html.split(f"{numbers[19]}</td>")
    assert all(f"<td>{number}</td>" in first for number in numbers[:19])
    assert "<details" in rest.split(f"{numbers[20]}</td>")[0]
    assert all(f"<td>{number}</td>" in rest for number in numbers[20:])


@pytest.mark.parametrize(("language", "words"), [("ja", "行まで"), ("en", "at most")])
def test_the_hint_of_the_file_is_in_the_readers_language(language: str, words: str) -> None:
    with translation.override("en" if language == "ja" else "ja"):
        form = PeopleUploadForm()
        assert words not in str(form.fields["file"].help_text)
    with translation.override(language):
        assert words in str(form.fields["file"].help_text)


def test_only_the_secretariat_and_only_while_it_is(secretariat: User) -> None:
    options = {"effective_on": TODAY, "accounts": False}
    with pytest.raises(NotAllowed):
        imports.upload(kind=KIND, file=csv_file(HEAD), options=options, user=user_with(Role.SUPPORTER))
    StaffFactory.create(number="00000001", kana="前")
    other = user_with(Role.SECRETARIAT)
    batch = brought(other, csv_file(("number", "kana"), ("00000001", "後")), apply=False)
    imports.apply(batch=batch, user=other)
    services.role_revoke(grant_id=other.role_grants.get().pk, actor=secretariat)
    run_due()
    batch.refresh_from_db()
    assert batch.state == ImportState.REFUSED
    assert Staff.objects.get(number="00000001").kana == "前"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("empty.csv", b""),
        ("people.csv", b"\x00\x01\x02"),
        ("people.xlsx", b"PK\x03\x04not a workbook"),
        ("people.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"),
        ("people.csv", b"<html><body>x</body></html>"),
        ("people.csv", b"a,b\n1,2\n"),
        ("people.exe", b"MZ"),
    ],
)
def test_a_file_that_is_no_table_is_refused_with_words(secretariat: User, name: str, content: bytes) -> None:
    file = SimpleUploadedFile(name, content)
    options = {"effective_on": TODAY, "accounts": False}
    if not content:
        with pytest.raises(TabularError):
            imports.upload(kind=KIND, file=file, options=options, user=secretariat)
        return
    batch = brought(secretariat, file)
    assert batch.state == ImportState.REFUSED
    assert batch.problem
    assert not ImportRow.objects.exists()


def test_applying_twice_writes_once(secretariat: User) -> None:
    OrganisationFactory.create(code="a")
    batch = brought(secretariat, csv_file(HEAD, ("00000001", "名", "な", "ict", "1", "a")))
    assert batch.job is not None
    job = jobs.JobRun(batch.job)
    assert imports.apply_job(job) == {}
    assert Membership.objects.filter(staff__number="00000001").count() == 1


def test_a_fault_on_the_way_writes_nothing(secretariat: User, monkeypatch: Any) -> None:
    OrganisationFactory.create(code="a")
    batch = brought(secretariat, csv_file(HEAD, ("00000001", "名", "な", "ict", "1", "a")), apply=False)
    monkeypatch.setattr("skillmap.people.services.people_write.Writing._record", lambda *_: 1 / 0)
    imports.apply(batch=batch, user=secretariat)
    with pytest.raises(ZeroDivisionError):
        run_due()
    batch.refresh_from_db()
    assert batch.state == ImportState.APPLYING  # the job will be tried again
    assert not Staff.objects.filter(number="00000001").exists()


def _world(secretariat: User) -> None:
    places = [OrganisationFactory.create(code=f"p{n}") for n in range(3)]
    names = ["髙橋 葵", "山﨑 一", "𠮷野 光", "葛󠄀城 樹", "=cmd|'/C calc'!A0", "波〜ダッシュ", "+81 番", "O'Brien"]
    for count, name in enumerate(names):
        StaffFactory.create(number=f"0000010{count}", name=name, organisation=places[count % 3], user=None)
    gone = StaffFactory.create(number="00000200", organisation=places[0], left=True, user=None)
    gone.expert_until = date(2026, 3, 31)
    gone.save(update_fields=["expert_until"])
    moving = StaffFactory.create(number="00000201", organisation=places[0], user=None)
    services.staff_move(staff_id=moving.pk, on=date(2026, 9, 1), organisation_id=places[1].pk, actor=secretariat)
    services.staff_move(
        staff_id=StaffFactory.create(number="00000202").pk, on=TODAY, grade=Grade.SECTION_MANAGER, actor=secretariat
    )


@pytest.mark.parametrize("form", ["xlsx", "csv"])
def test_what_goes_out_comes_in_again_without_a_change(secretariat: User, form: str) -> None:
    _world(secretariat)

    def exported() -> bytes:
        table = people_table(Staff.objects.order_by("number"), filters={})
        if form == "csv":
            return b"".join(write_csv(table))
        target = io.BytesIO()
        write_xlsx([table], target)
        return target.getvalue()

    before = exported()
    batch = brought(secretariat, SimpleUploadedFile(f"people.{form}", before))
    assert batch.state == ImportState.APPLIED, (batch.problem, [p.reason for p in imports.problems_of(batch)])
    assert batch.facts["counts"]["same"] == Staff.objects.count()
    assert batch.facts["counts"]["update"] == 0
    assert exported() == before


def test_an_exported_file_fills_an_empty_system(secretariat: User) -> None:
    _world(secretariat)
    target = io.BytesIO()
    people = Staff.objects.filter(number__startswith="0000010").order_by("number")
    write_xlsx([people_table(people, filters={})], target)
    before = list(people.values_list("number", "name", "kana", "grade", "organisation", "occupation"))
    Membership.objects.filter(staff__in=people).delete()
    people.delete()
    batch = brought(secretariat, SimpleUploadedFile("people.xlsx", target.getvalue()))
    assert batch.facts["result"]["created"] == 8
    assert list(people.values_list("number", "name", "kana", "grade", "organisation", "occupation")) == before


def test_the_headings_are_those_of_the_import() -> None:
    book = io.BytesIO()
    write_xlsx([people_table(Staff.objects.none(), filters={})], book)
    sheet = openpyxl.load_workbook(book).active
    assert sheet is not None
    rows = [[cell.value for cell in row] for row in sheet.iter_rows()]
    assert [column.label for column in COLUMNS] in rows


def test_the_check_takes_the_same_queries_for_many(secretariat: User, django_assert_max_num_queries: Any) -> None:
    places = [OrganisationFactory.create(code=f"p{n}") for n in range(3)]
    staff_in_bulk(800, places)
    rows = [(f"9{n:07d}", f"新しい 名{n}") for n in range(800)]
    batch = imports.upload(
        kind=KIND,
        file=csv_file(("number", "name"), *rows),
        options={"effective_on": TODAY, "accounts": False},
        user=secretariat,
    ).batch
    with django_assert_max_num_queries(45):  # most of them: rows staged 500 (SQLite: some 120) at a time
        run_due()
    batch.refresh_from_db()
    assert batch.facts["counts"]["update"] == 800
    assert batch.rows.filter(outcome=RowOutcome.UPDATE).count() == 800


def test_discarding_keeps_nothing(secretariat: User) -> None:
    StaffFactory.create(number="00000001")
    batch = brought(secretariat, csv_file(("number", "kana"), ("00000001", "かな")), apply=False)
    imports.discard(batch=batch, user=secretariat)
    batch.refresh_from_db()
    assert batch.state == ImportState.DISCARDED
    assert not ImportRow.objects.exists()
    assert not StoredFile.objects.exists()


def test_old_rows_are_forgotten(secretariat: User) -> None:
    StaffFactory.create(number="00000001")
    batch = brought(secretariat, csv_file(("number", "kana"), ("00000001", "かな")), apply=False)
    assert imports.forget_old() == 0
    with time_machine.travel(datetime(2026, 6, 10, tzinfo=UTC)):
        assert imports.forget_old() == 1
    batch.refresh_from_db()
    assert (batch.state, ImportRow.objects.count(), StoredFile.objects.count()) == (ImportState.DISCARDED, 0, 0)
    assert set(batch.facts) == {"counts"}


@pytest.mark.parametrize(
    ("row", "key"),
    [
        (("2026-08-01", ""), "moved_on"),
        (("2026-08-01", "2026-07-15"), "moved_on"),
        (("2026-06-01", "2026-05-20"), "left_on"),
        (("2026-04-20", ""), "organisation"),
    ],
    ids=["beyond the leaving", "and leaves before", "leaves before it begins", "the organisation is not there yet"],
)
def test_a_first_day_is_put_off_as_the_page_would(secretariat: User, row: tuple[str, str], key: str) -> None:
    unit = OrganisationFactory.create(code="unit", valid_from=date(2026, 4, 25))
    staff = services.staff_create(
        number="00000001", name="これから 来る", organisation_id=unit.pk, grade=1, occupation="ict",
        joined_on=date(2026, 5, 1), actor=secretariat,
    )  # fmt: skip
    if key == "moved_on":
        services.staff_leave(staff_id=staff.pk, on=date(2026, 7, 1), actor=secretariat)
    batch = brought(secretariat, csv_file(("number", "moved_on", "left_on"), ("00000001", *row)))
    assert batch.state == ImportState.REFUSED
    assert reasons(batch)[0][1] == key
    assert Staff.objects.get(pk=staff.pk).memberships.get().valid_from == date(2026, 5, 1)


def test_the_template_filled_in_is_taken_whatever_its_sheet_is_called(secretariat: User) -> None:
    OrganisationFactory.create(code="a")
    client = Client()
    client.force_login(secretariat)
    answer = client.get(reverse("people:import_template"))
    book = openpyxl.load_workbook(io.BytesIO(answer.content))
    sheet = book.worksheets[0]
    head = next(row for row in range(1, 20) if sheet.cell(row, 2).value)
    titles = {str(cell.value): cell.column for cell in sheet[head] if cell.value}
    for name, value in (
        ("職員番号", "00000001"),
        ("氏名", "新 人"),
        ("職種", "ict"),
        ("職層", "1"),
        ("組織コード", "a"),
    ):
        column = next(place for title, place in titles.items() if title.startswith(name))
        sheet.cell(head + 1, column).value = value
    target = io.BytesIO()
    book.save(target)
    batch = brought(secretariat, SimpleUploadedFile("template.xlsx", target.getvalue()))
    assert batch.state == ImportState.APPLIED, (batch.problem, reasons(batch), sheet.title)


def test_days_beyond_those_of_the_page_are_refused(secretariat: User) -> None:
    OrganisationFactory.create(code="a")
    row = ("00000001", "長 寿", "な", "ict", "1", "a", "2150-01-01")
    assert reasons(brought(secretariat, csv_file((*HEAD, "hired_on"), row))) == [(2, "hired_on")]
