"""The framework's pages in a real browser: the grid by keyboard, over a lost line, by two people, without scripts."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.core.cache import cache
from django.urls import reverse
from playwright.sync_api import Browser, BrowserContext, Locator, Page, Route, ViewportSize, expect
from pytest_django.live_server_helper import LiveServer

from skillmap.framework import services
from skillmap.framework.models import Framework, JobTypeRequirement
from skillmap.people.choices import Role
from skillmap.people.models import RoleGrant, User
from tests.browser.conftest import CheckAccessibility, Shoot, SignIn
from tests.browser.structure import fits
from tests.factories.framework import real_framework

Cell = Callable[[str, str], JobTypeRequirement]


@pytest.fixture
def secretariat(transactional_db: None) -> User:
    """Somebody of the secretariat."""
    cache.clear()
    user = User.objects.create_user("office@demo.example", name="事務局 花子")
    RoleGrant.objects.create(user=user, role=Role.SECRETARIAT, valid_from="2020-04-01")
    return user


@pytest.fixture
def draft(secretariat: User) -> Framework:
    """A draft made from the real version."""
    source = real_framework()
    return services.framework_draft_from(source_id=source.pk, code="next", name="次の版", actor=secretariat)


@pytest.fixture
def cell(draft: Framework) -> Cell:
    """A cell as it is stored now, by job type and item."""

    def find(job_type: str, skill: str) -> JobTypeRequirement:
        return JobTypeRequirement.objects.get(job_type__framework=draft, job_type__code=job_type, skill__code=skill)

    return find


@pytest.fixture
def grid(page: Page, live_server: LiveServer, sign_in: SignIn, secretariat: User, draft: Framework) -> Page:
    """The grid, opened by the secretariat."""
    sign_in(secretariat)
    page.goto(live_server.url + reverse("framework:matrix", args=["next"]))
    return page


def box(page: Page, cell: JobTypeRequirement) -> Locator:
    """The field of a cell."""
    return page.locator(f"#cell-{cell.pk}")


def saved(page: Page) -> None:
    """Wait until the bar says that everything is stored."""
    expect(page.locator("#grid-state")).to_have_text(re.compile(r"\d\d:\d\d"))
    expect(page.locator(".matrix__cell.is-unsaved")).to_have_count(0)


def test_the_grid_by_keyboard_alone(
    grid: Page, cell: Cell, shoot: Shoot, check_accessibility: CheckAccessibility
) -> None:
    check_accessibility(grid)
    first = cell("business_designer", "it_strategy")
    box(grid, first).focus()
    grid.keyboard.press("1")  # Lv.3 → Lv.1
    grid.keyboard.press("ArrowDown")
    grid.keyboard.press("ArrowRight")
    expect(box(grid, cell("ui_ux_designer", "service_design"))).to_be_focused()
    grid.keyboard.press("Enter")  # confirms Lv.1 as it is and goes down
    expect(box(grid, cell("ui_ux_designer", "marketing"))).to_be_focused()
    grid.keyboard.press("3")
    grid.keyboard.press("Escape")  # taken back
    expect(box(grid, cell("ui_ux_designer", "marketing"))).to_have_value("1")
    grid.keyboard.press("Tab")
    expect(box(grid, cell("data_scientist", "marketing"))).to_be_focused()
    saved(grid)
    ends = {
        "End": ("ai_engineer", "marketing"),
        "Home": ("business_designer", "marketing"),
        "Control+End": ("ai_engineer", "ai_engineering"),
        "Control+Home": ("business_designer", "it_strategy"),
    }
    for key, (job_type, skill) in ends.items():
        grid.keyboard.press(key)
        expect(box(grid, cell(job_type, skill))).to_be_focused()

    held = [cell("business_designer", "it_strategy"), cell("ui_ux_designer", "service_design")]
    assert [(one.level, one.is_default) for one in held] == [(1, False), (1, False)]
    assert cell("ui_ux_designer", "marketing").is_default
    assert JobTypeRequirement.objects.filter(provenance="confirmed").count() == 2
    expect(grid.locator("#grid-count")).to_contain_text("218")
    shoot(grid, "framework-grid")


def test_the_grid_is_passed_over_with_one_press(grid: Page) -> None:
    way, width = grid.locator(".skip-here"), "element => element.getBoundingClientRect().width"
    assert way.evaluate(width) <= 1
    way.focus()
    assert way.evaluate(width) > 50
    grid.keyboard.press("Enter")
    grid.keyboard.press("Tab")
    expect(grid.locator("[name=confirm]").first).to_be_focused()


def test_the_cell_with_the_focus_stands_above_the_bar(grid: Page, cell: Cell) -> None:
    grid.emulate_media(reduced_motion="reduce")  # else the page is still on its way when it is measured
    grid.set_viewport_size({"width": 1280, "height": 700})
    box(grid, cell("business_designer", "it_strategy")).focus()
    overlap = """() => document.activeElement.getBoundingClientRect().bottom
        - document.querySelector(".action-bar").getBoundingClientRect().top"""
    for row in range(21):
        grid.keyboard.press("ArrowDown")
        assert grid.evaluate(overlap) <= 0, row


def test_what_is_no_level_is_not_sent(grid: Page, cell: Cell) -> None:
    first = cell("business_designer", "it_strategy")
    box(grid, first).fill("7")
    box(grid, first).press("ArrowDown")
    expect(box(grid, first)).to_have_attribute("aria-invalid", "true")
    expect(grid.locator("#grid-state")).to_have_text(re.compile("0.*3"))
    expect(grid.locator("#grid-state")).to_contain_text(first.skill.label)  # the cell may be out of sight
    words = grid.locator(f"#state-{first.pk}")
    expect(words).to_be_visible()
    expect(words).to_have_text(re.compile("0.*3"))
    expect(words).not_to_have_class(re.compile("visually-hidden"))
    assert cell("business_designer", "it_strategy").version == 1
    box(grid, first).fill("２")
    box(grid, first).press("ArrowDown")
    saved(grid)
    assert cell("business_designer", "it_strategy").level == 2
    expect(words).to_have_class("visually-hidden")


def test_a_lost_line_loses_nothing(grid: Page, cell: Cell, page_errors: list[str]) -> None:
    first = cell("business_designer", "it_strategy")

    def cut(route: Route) -> None:
        route.abort()

    grid.route("**/matrix/*/", cut)
    box(grid, first).fill("0")
    box(grid, first).press("ArrowDown")
    expect(grid.locator(f"[data-cell='{first.pk}']")).to_have_class(re.compile("is-unsaved"))
    assert cell("business_designer", "it_strategy").level == 3
    grid.unroute("**/matrix/*/", cut)
    saved(grid)
    assert cell("business_designer", "it_strategy").level == 0
    page_errors[:] = [error for error in page_errors if "ERR_FAILED" not in error]


def test_two_people_in_one_cell(
    grid: Page,
    cell: Cell,
    secretariat: User,
    draft: Framework,
    page_errors: list[str],
    check_accessibility: CheckAccessibility,
) -> None:
    first, second = cell("business_designer", "it_strategy"), cell("business_designer", "marketing")
    for one in (first, second):
        services.requirement_set(framework_id=draft.pk, requirement_id=one.pk, version=1, level=1, actor=secretariat)
    box(grid, first).fill("0")
    box(grid, second).fill("0")
    box(grid, second).press("ArrowDown")
    expect(grid.locator(".grid-conflict")).to_have_count(2)
    check_accessibility(grid)
    assert cell("business_designer", "it_strategy").level == 1, "nothing is overwritten silently"

    grid.locator(".grid-conflict").nth(0).locator("button").nth(0).click()  # save mine
    expect(grid.locator(".grid-conflict")).to_have_count(1)
    grid.locator(".grid-conflict button").nth(1).click()  # keep theirs
    expect(grid.locator(".grid-conflict")).to_have_count(0)
    saved(grid)
    assert cell("business_designer", "it_strategy").level == 0
    assert cell("business_designer", "marketing").level == 1
    expect(box(grid, second)).to_have_value("1")
    page_errors[:] = [error for error in page_errors if "409" not in error]


def test_a_column_is_confirmed_with_one_button(grid: Page, cell: Cell) -> None:
    job_type = cell("ai_engineer", "marketing").job_type_id
    grid.locator(f"button[value='job:{job_type}']").click()
    expect(grid.locator(".notice--good")).to_be_visible()
    rows = JobTypeRequirement.objects.filter(job_type=job_type)
    assert (rows.count(), rows.filter(provenance="confirmed").count()) == (22, 22)


def test_the_grid_without_javascript(
    browser: Browser, live_server: LiveServer, sign_in: SignIn, secretariat: User, draft: Framework, cell: Cell
) -> None:
    context: BrowserContext = browser.new_context(
        java_script_enabled=False, viewport=ViewportSize(width=390, height=844)
    )
    sign_in(secretariat, context=context)
    page = context.new_page()
    page.goto(f"{live_server.url}{reverse('framework:matrix', args=['next'])}?job_type=data_scientist")
    box(page, cell("data_scientist", "it_strategy")).fill("2")
    page.locator(".action-bar button:visible").click()
    expect(page.locator(".notice--good")).to_be_visible()
    assert cell("data_scientist", "it_strategy").level == 2
    other = cell("data_scientist", "marketing")
    page.locator(f"button[value='cell:{other.pk}']").click()
    assert not cell("data_scientist", "marketing").is_default
    context.close()


# What stands out at the right of the page, where the page itself would scroll sideways.
TOO_WIDE = """() => {
  const root = document.documentElement;
  if (root.scrollWidth <= root.clientWidth) return [];
  const all = [...document.querySelectorAll("body *")];
  const out = all.filter((one) => one.getBoundingClientRect().right > root.clientWidth);
  return out.map((one) => `${one.tagName} ${one.className} ${one.textContent.trim().slice(0, 40)}`);
}"""
PAGES: list[tuple[str, list[str]]] = [
    ("home", []),
    ("versions", []),
    ("detail", ["next"]),
    ("matrix", ["2024"]),
    ("certifications", ["next"]),
    ("compare", ["next"]),
    ("copy", ["2024"]),
    ("edit", ["next"]),
    ("publish", ["next"]),
    ("retire", ["2024"]),
    ("discard", ["next"]),
    ("skill", ["next", "excel"]),
    ("job_type", ["next", "ui_ux_designer"]),
    ("add", ["next", "skills"]),
    ("change", ["next", "skills", "excel"]),
    ("change", ["next", "certifications", "riss"]),
    ("remove", ["next", "job-types", "ai_engineer"]),
]


def test_every_page_is_accessible_and_fits_a_phone(
    page: Page,
    live_server: LiveServer,
    sign_in: SignIn,
    secretariat: User,
    draft: Framework,
    check_accessibility: CheckAccessibility,
) -> None:
    exam = draft.certifications.get(code="riss")
    services.certification_update(
        framework_id=draft.pk,
        certification_id=exam.pk,
        version=1,
        fields=services.CertificationFields("改名", "", "", ""),
        actor=secretariat,
    )
    sign_in(secretariat)
    for name, arguments in PAGES:
        page.set_viewport_size({"width": 1280, "height": 800})
        page.goto(live_server.url + reverse(f"framework:{name}", args=arguments))
        check_accessibility(page)
        for width in (1280, 320):
            page.set_viewport_size({"width": width, "height": 800})
            fits(page)  # once it is laid out
            assert page.evaluate(TOO_WIDE) == [], f"{name} is wider than {width} px"


def test_errors_and_conflicts_are_accessible(
    page: Page,
    live_server: LiveServer,
    sign_in: SignIn,
    secretariat: User,
    draft: Framework,
    check_accessibility: CheckAccessibility,
    page_errors: list[str],
) -> None:
    sign_in(secretariat)
    url = live_server.url + reverse("framework:change", args=["next", "levels", "2"])
    page.goto(url)
    page.locator("#id_name").fill(" ")
    page.locator("#id_name").evaluate("field => field.required = false")
    page.locator("main button.button--primary").click()
    expect(page.locator(".error-summary")).to_be_focused()
    check_accessibility(page)

    page.goto(url)
    level = draft.levels.get(level=2)
    services.level_update(
        framework_id=draft.pk,
        level_id=level.pk,
        version=1,
        fields=services.LevelFields("先の名前", "", level.definition, ""),
        actor=secretariat,
    )
    page.locator("#id_name").fill("わたしの名前")
    page.locator("main button.button--primary").click()
    expect(page.locator(".notice--warn")).to_contain_text("先の名前")
    expect(page.locator("#id_name")).to_have_value("わたしの名前")
    check_accessibility(page)
    page.locator("main button.button--primary").click()
    page.wait_for_url(f"**{reverse('framework:detail', args=['next'])}")
    level.refresh_from_db()
    assert level.name == "わたしの名前"
    page_errors[:] = [error for error in page_errors if "409" not in error and "422" not in error]
