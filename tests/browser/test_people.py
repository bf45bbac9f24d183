"""The pages of people in a real browser: a form with mistakes, a list narrowed down, an import."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from django.core.cache import cache
from django.urls import reverse
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from skillmap.core.models import ImportBatch
from skillmap.people import services
from skillmap.people.choices import Role
from skillmap.people.models import Organisation, Staff, User
from tests.browser.conftest import CheckAccessibility, Shoot, SignIn
from tests.factories.people import BureauGroupFactory, DesignationFactory, OrganisationFactory, StaffFactory, user_with
from tests.people.test_import import HEAD, csv_file
from tests.support.due_jobs import run_due


@pytest.fixture
def office(transactional_db: None) -> User:
    """Somebody of the secretariat, with people around."""
    cache.clear()
    bureau = OrganisationFactory.create(code="fukushi", name="福祉局", bureau_group=BureauGroupFactory.create())
    division = OrganisationFactory.create(code="soumu", name="総務部", kind="division", parent=bureau)
    for name, kana in (("青木 花", "あおき はな"), ("髙橋 葵", "たかはし あおい"), ("𠮷田 光", "よしだ ひかる")):
        StaffFactory.create(name=name, kana=kana, organisation=division)
    user = user_with(Role.SECRETARIAT, organisation=OrganisationFactory.create(name="デジタルサービス局"))
    staff = Staff.objects.get(name="青木 花")
    DesignationFactory.create(staff=staff)
    services.leave_begin(staff_id=staff.pk, on=date(2025, 4, 1), actor=user)
    services.staff_move(staff_id=staff.pk, on=date(2099, 4, 1), organisation_id=bureau.pk, actor=user)
    services.change_plan(
        kind="rename",
        effective_on=date(2099, 4, 1),
        plan={"organisation": bureau.pk, "name": "新福祉局", "name_en": "", "short_name": ""},
        actor=user,
    )
    return user


def test_a_form_with_mistakes_passes_axe(
    page: Page, live_server: LiveServer, sign_in: SignIn, office: User, check_accessibility: CheckAccessibility,
    page_errors: list[str],
) -> None:  # fmt: skip
    sign_in(office)
    page.goto(f"{live_server.url}{reverse('people:staff_new')}")
    page.locator("#id_number").fill("12 34")
    page.locator("main form").evaluate("form => { form.noValidate = true; form.requestSubmit() }")
    expect(page.locator(".error-summary")).to_be_focused()
    assert page.title().startswith("エラー:")
    check_accessibility(page)
    page_errors[:] = [error for error in page_errors if "422" not in error]  # the browser prints the answer's status


def test_the_list_is_narrowed_down_and_the_address_keeps_it(
    page: Page, live_server: LiveServer, sign_in: SignIn, office: User
) -> None:
    sign_in(office)
    page.goto(f"{live_server.url}{reverse('people:staff_list')}")
    page.locator("#id_q").fill("ﾀｶﾊｼ")
    page.locator("#id_q").press("Enter")
    expect(page.locator("#people tbody tr")).to_have_count(1)
    expect(page.locator("#people")).to_contain_text("髙橋 葵")
    assert "q=" in page.url
    page.reload()
    expect(page.locator("#people tbody tr")).to_have_count(1)
    page.go_back()
    expect(page.locator("#people tbody tr")).to_have_count(4)


def test_organisations_are_chosen_level_by_level(
    page: Page, live_server: LiveServer, sign_in: SignIn, office: User, check_accessibility: CheckAccessibility
) -> None:
    bureau = Organisation.objects.get(code="fukushi")
    below = Organisation.objects.get(code="soumu")
    sign_in(office)
    page.goto(f"{live_server.url}{reverse('people:staff_list')}")
    choice = page.locator("#id_organisation")
    expect(choice.locator("option", has_text=below.name)).to_have_count(0)

    choice.select_option(str(bureau.pk))
    choice.press("Tab")
    page.locator("form.filters button[type=submit]").press("Enter")

    expect(choice.locator("option", has_text=below.name)).to_have_count(1)
    expect(choice).to_have_value(str(bureau.pk))
    expect(page.locator("form.filters button[type=submit]")).to_be_focused()
    check_accessibility(page)


def test_an_import_shows_what_would_change(
    page: Page, live_server: LiveServer, sign_in: SignIn, office: User, check_accessibility: CheckAccessibility,
    shoot: Shoot, tmp_path: Path,
) -> None:  # fmt: skip
    sign_in(office)
    files = {
        "good.csv": csv_file(HEAD, ("90000001", "新任 職員", "しんにん", "ict", "1", "soumu")),
        "bad.csv": csv_file(HEAD, ("90000002", "", "しんにん", "ict", "1", "nowhere")),
    }
    for name, upload in files.items():
        path = tmp_path / name
        path.write_bytes(upload.read())
        page.goto(f"{live_server.url}{reverse('people:import')}")
        page.locator("input[type=file]").set_input_files(path)
        page.locator("main form button[type=submit]").first.click()
        page.wait_for_url("**/people/import/*-*/")
        check_accessibility(page)
        run_due()
        page.reload()
        check_accessibility(page)
        shoot(page, f"people-import-{path.stem}")
    page.go_back()
    batch = ImportBatch.objects.get(file_name="good.csv")
    page.goto(f"{live_server.url}{reverse('people:import_batch', args=[batch.public_id])}")
    page.locator("form[action$='apply/'] button").click()
    run_due()
    page.reload()
    assert Staff.objects.filter(number="90000001").exists()
    check_accessibility(page)
