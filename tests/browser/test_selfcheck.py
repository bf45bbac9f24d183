"""The self-check in a real browser: mouse, keyboard alone, a lost line, two tabs, a phone, no JavaScript, axe."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from django.conf import settings
from playwright.sync_api import Browser, Dialog, Locator, Page, Route, expect
from pytest_django.live_server_helper import LiveServer

from skillmap.assessment.models import Assessment, PurposeAcknowledgement, SkillRating
from tests.browser.conftest import PHONE, CheckAccessibility, Shoot, SignIn
from tests.factories.assessment import World, make_cycle

SAVED = re.compile(r"^(保存済み|Saved) \d\d:\d\d$")


@pytest.fixture
def world(transactional_db: None) -> World:
    made = make_cycle()
    for check in made.checks:
        PurposeAcknowledgement.objects.get_or_create(
            staff_id=check.staff_id, cycle=made.cycle, purpose_text=made.cycle.purpose_text
        )
        Assessment.objects.filter(pk=check.pk).update(target_job_type=made.job_types[0])
    return made


@pytest.fixture
def check(world: World) -> Assessment:
    return world.check("untouched")


@pytest.fixture
def opened(world: World, check: Assessment, page: Page, live_server: LiveServer, sign_in: SignIn) -> Iterator[Page]:
    """The untouched self-check of its person."""
    sign_in(world.user("untouched"))
    page.goto(f"{live_server.url}/check/{check.pk}/")
    yield page
    page.goto("about:blank")


def item(page: Page, number: int) -> Locator:
    return page.locator("fieldset.skill-item").nth(number - 1)


def choose(page: Page, number: int, level: int) -> None:
    item(page, number).locator("label.level-card").nth(level).click()


def saved(page: Page) -> None:
    expect(page.locator("#check-state")).to_have_text(SAVED)


def levels(check: Assessment) -> list[int | None]:
    return list(check.ratings.order_by("skill__kind", "skill__number").values_list("self_level", flat=True))


def test_two_clicks_from_home_and_one_choice_an_item(
    world: World, check: Assessment, page: Page, live_server: LiveServer, sign_in: SignIn, shoot: Shoot,
    check_accessibility: CheckAccessibility,
) -> None:  # fmt: skip
    sign_in(world.user("untouched"))
    page.goto(live_server.url)
    check_accessibility(page)
    shoot(page, "home-staff")
    page.locator(".task a.button--primary").click()
    expect(page).to_have_url(re.compile(rf"/check/{check.pk}/$"))
    check_accessibility(page)
    choose(page, 1, 2)
    saved(page)
    expect(page.locator("#check-count")).to_have_text(re.compile("22.*1|1.*22"))
    item(page, 2).locator("[data-same]").click()
    saved(page)
    shoot(page, "selfcheck")
    check_accessibility(page)
    last = check.staff.confirmed_levels.current().get(skill_code=world.skills[1].code).level
    expect(page.locator("#check-state")).to_have_text(SAVED)
    assert levels(check)[:3] == [2, last, None]


def test_the_keyboard_alone_answers_everything_and_submits(opened: Page, check: Assessment, world: World) -> None:
    """Tab to an item, an arrow to choose; what the arrows pass by is not saved."""
    page = opened
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip-link"
    page.keyboard.press("Enter")
    stops = 0
    answered = 0
    while answered < 22 and stops < 200:
        page.keyboard.press("Tab")
        stops += 1
        kind = page.evaluate("document.activeElement.type || ''")
        group = page.evaluate("document.activeElement.closest('fieldset') ? document.activeElement.name : ''")
        if kind == "radio" and group.startswith("level-"):
            page.keyboard.press("Space")
            page.keyboard.press("ArrowRight")
            answered += 1
    assert answered == 22, f"{answered} items in {stops} stops"
    for _ in range(4):  # past the button, the wish and the evidence of the last item
        page.keyboard.press("Tab")
    saved(page)
    assert levels(check) == [1] * 22
    versions = set(check.ratings.values_list("version", flat=True))
    assert versions == {2}, "one write an item, not one an arrow"
    for _ in range(10):
        if page.evaluate("document.activeElement.hasAttribute('data-next')"):
            break
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/submit/$"))
    page.locator("main form button.button--primary").focus()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(rf"/check/{check.pk}/$"))
    assert world.check("untouched").state == "submitted"


def test_what_could_not_be_sent_stays_and_is_sent_later(
    opened: Page, check: Assessment, page_errors: list[str], check_accessibility: CheckAccessibility
) -> None:
    page = opened
    page.context.set_offline(True)
    choose(page, 3, 1)
    expect(page.locator("#check-state")).to_have_class(re.compile("is-waiting"))
    expect(item(page, 3)).to_have_class(re.compile("is-unsaved"))
    assert levels(check)[2] is None
    warned: list[str] = []

    def refuse(dialog: Dialog) -> None:
        warned.append(dialog.type)
        dialog.dismiss()

    page.on("dialog", refuse)
    page.close(run_before_unload=True)
    page.wait_for_timeout(300)
    assert warned == ["beforeunload"]
    page.context.set_offline(False)
    saved(page)
    assert levels(check)[2] == 1
    page_errors.clear()


SLOW_ANSWERS = """
const read = Response.prototype.json;
Response.prototype.json = async function () {
  const answer = await read.call(this);
  await new Promise((done) => setTimeout(done, 600));
  return answer;
};
const text = Response.prototype.text;
Response.prototype.text = async function () {
  const answer = await text.call(this);
  await new Promise((done) => setTimeout(done, 600));
  return answer;
};
"""


def test_a_choice_is_sent_once_however_long_its_answer_is_read(
    world: World, check: Assessment, page: Page, live_server: LiveServer, sign_in: SignIn
) -> None:
    """The focus leaves the item while the body of the answer is still on its way."""
    sign_in(world.user("untouched"))
    page.add_init_script(SLOW_ANSWERS)
    page.goto(f"{live_server.url}/check/{check.pk}/")
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
    with page.expect_response(re.compile(r"/items/")):
        choose(page, 1, 2)
    choose(page, 2, 1)
    choose(page, 3, 1)
    saved(page)
    assert len(sent) == len(set(sent)) == 3
    assert set(check.ratings.filter(self_level__isnull=False).values_list("version", flat=True)) == {2}


def test_going_on_waits_for_what_is_on_its_way(
    world: World, check: Assessment, page: Page, live_server: LiveServer, sign_in: SignIn
) -> None:
    sign_in(world.user("untouched"))
    page.add_init_script(SLOW_ANSWERS)
    page.goto(f"{live_server.url}/check/{check.pk}/")
    choose(page, 1, 2)
    choose(page, 1, 3)
    page.locator("[data-next]").click()
    expect(page).to_have_url(re.compile(r"/submit/$"))
    assert levels(check)[0] == 3


def test_what_was_stored_already_is_no_conflict(opened: Page, check: Assessment, page_errors: list[str]) -> None:
    """The answer to a first try was lost on the way; the second one finds the own level stored."""
    page = opened
    lost: list[str] = []

    def lose(route: Route) -> None:
        if lost:
            route.continue_()
            return
        lost.append(route.request.url)
        route.fetch()
        route.abort()

    page.route("**/items/**", lose)
    choose(page, 1, 2)
    expect(item(page, 1)).to_have_class(re.compile("is-unsaved"))
    saved(page)
    expect(page.locator(".is-conflict")).to_have_count(0)
    assert levels(check)[0] == 2
    choose(page, 1, 3)
    saved(page)
    assert levels(check)[0] == 3
    page_errors[:] = [line for line in page_errors if "ERR_FAILED" not in line]


def test_after_signing_in_again_elsewhere_the_page_goes_on(
    opened: Page, check: Assessment, world: World, live_server: LiveServer, page_errors: list[str]
) -> None:
    """Signing in gives the browser another token; what waited on the page is sent with it."""
    page = opened
    user = world.user("untouched")
    user.set_password("Korekara-2026-hajimeru")
    user.save()
    other = page.context.new_page()
    page.context.clear_cookies(name=settings.SESSION_COOKIE_NAME)
    choose(page, 1, 2)
    link = item(page, 1).locator("[data-state] a")
    expect(link).to_be_visible()
    other.goto(f"{live_server.url}/accounts/login/")
    other.locator("input[name=login]").fill(user.email)
    other.locator("input[name=password]").fill("Korekara-2026-hajimeru")
    other.locator("main form button.button--primary").click()
    expect(other).not_to_have_url(re.compile("login"))
    expect(page.locator("#check-state")).to_have_text(SAVED, timeout=30_000)
    assert levels(check)[0] == 2
    choose(page, 2, 1)
    saved(page)
    assert levels(check)[1] == 1
    page_errors[:] = [line for line in page_errors if "401" not in line and "403" not in line]


def test_an_entry_for_somebody_shows_no_answer_of_theirs(
    world: World, check: Assessment, page: Page, live_server: LiveServer, sign_in: SignIn, page_errors: list[str]
) -> None:
    """Where the person was first, the secretariat is asked, and told no level."""
    sign_in(world.secretariat)
    page.goto(f"{live_server.url}/check/{check.pk}/")
    row = check.ratings.order_by("skill__kind", "skill__number")[0]
    SkillRating.objects.filter(pk=row.pk).update(self_level=3, version=2)
    choose(page, 1, 1)
    state = item(page, 1).locator("[data-state]")
    expect(item(page, 1)).to_have_class(re.compile("is-conflict"))
    expect(state).to_contain_text("Lv.1")
    expect(state).not_to_contain_text(re.compile("Lv.3|undefined"))
    state.locator("button").first.click()
    saved(page)
    assert levels(check)[0] == 1
    page_errors[:] = [line for line in page_errors if "409" not in line]


def test_two_tabs_show_both_values_and_the_person_decides(
    opened: Page, check: Assessment, page_errors: list[str], check_accessibility: CheckAccessibility, shoot: Shoot
) -> None:
    first, second = opened, opened.context.new_page()
    second.goto(first.url)
    choose(first, 1, 3)
    saved(first)
    choose(second, 1, 1)
    conflict = item(second, 1)
    expect(conflict).to_have_class(re.compile("is-conflict"))
    expect(conflict.locator("[data-state]")).to_contain_text("Lv.1")
    expect(conflict.locator("[data-state]")).to_contain_text("Lv.3")
    check_accessibility(second)
    shoot(second, "selfcheck-conflict")
    assert levels(check)[0] == 3, "nothing is overwritten silently"
    conflict.locator("[data-state] button").nth(1).click()
    expect(conflict).not_to_have_class(re.compile("is-conflict"))
    assert levels(check)[0] == 3
    choose(second, 1, 0)
    saved(second)
    assert levels(check)[0] == 0
    page_errors.clear()


def test_filters_stay_in_the_address(opened: Page) -> None:
    page = opened
    choose(page, 1, 2)
    saved(page)
    page.locator("[data-show=open]").click()
    expect(item(page, 1)).to_be_hidden()
    expect(item(page, 2)).to_be_visible()
    assert page.url.endswith("?show=open")
    page.reload()
    expect(item(page, 1)).to_be_hidden()
    page.locator("[data-show=changed]").click()
    expect(item(page, 2)).to_be_hidden()


def test_evidence_opens_below_and_closes_again(
    opened: Page, check: Assessment, page_errors: list[str], check_accessibility: CheckAccessibility
) -> None:
    page = opened
    item(page, 1).locator(".evidence__add").click()
    form = item(page, 1).locator(".evidence__form")
    expect(form).to_be_visible()
    check_accessibility(page)
    form.locator("button.button--primary").click()
    expect(item(page, 1).locator(".evidence__form [aria-invalid=true]")).to_be_visible()
    check_accessibility(page)
    form.locator("input[name=work]").fill("窓口予約サービスの改善")
    form.locator("button.button--primary").click()
    expect(item(page, 1).locator(".evidence__list span").first).to_have_text("窓口予約サービスの改善")
    assert check.ratings.get(skill__number=1, skill__kind="digital").evidence.count() == 1
    page_errors.clear()  # the browser prints the refused form


def test_evidence_is_left_without_loss(opened: Page) -> None:
    """Who leaves the form is where the form was opened, and can open it again; what was written is not left unasked."""
    page, first = opened, item(opened, 1)
    add, form = first.locator(".evidence__add:visible"), first.locator(".evidence__form")
    for leave in ("Escape", "Cancel"):
        add.press("Enter")
        expect(form.locator("input[name=work]")).to_be_focused()
        if leave == "Escape":
            page.keyboard.press("Escape")
        else:
            form.locator("[data-cancel-evidence]").press("Enter")
        expect(form).to_have_count(0)
        expect(add).to_be_focused()
    add.press("Enter")
    form.locator("input[name=work]").fill("窓口予約サービスの改善")
    page.keyboard.press("Escape")
    expect(form.locator("input[name=work]")).to_have_value("窓口予約サービスの改善")
    asked: list[str] = []

    def stay(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    page.on("dialog", stay)
    page.evaluate("location.assign('/')")
    expect(form).to_be_visible()
    assert asked == ["beforeunload"]
    form.locator("input[name=work]").fill("")  # the end of the test leaves the page too


def test_two_evidence_forms_have_ids_of_their_own(opened: Page) -> None:
    page = opened
    for number in (1, 2):
        item(page, number).locator(".evidence__add").press("Enter")
        expect(item(page, number).locator("input[name=work]")).to_be_focused()
    assert (
        page.evaluate("(all => all.length - new Set(all).size)([...document.querySelectorAll('[id]')].map(e => e.id))")
        == 0
    )


def test_on_a_phone_nothing_is_cut_off(opened: Page, shoot: Shoot, check_accessibility: CheckAccessibility) -> None:
    page = opened
    page.set_viewport_size({"width": PHONE["width"], "height": PHONE["height"]})
    page.reload()
    choose(page, 1, 1)
    saved(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    shoot(page, "selfcheck-phone")
    check_accessibility(page)
    page.set_viewport_size({"width": 320, "height": 640})
    assert page.evaluate("document.documentElement.scrollWidth") <= 320


def test_without_javascript_it_works_with_a_save_button(
    world: World, check: Assessment, browser: Browser, live_server: LiveServer, sign_in: SignIn
) -> None:
    context = browser.new_context(java_script_enabled=False, locale="ja-JP")
    sign_in(world.user("untouched"), context=context)
    page = context.new_page()
    page.goto(f"{live_server.url}/check/{check.pk}/")
    page.locator("fieldset.skill-item").nth(0).locator("input[type=radio]").nth(2).check()
    page.locator("button[name=save]").click()
    assert levels(check)[:2] == [2, None]
    page.locator("fieldset.skill-item").nth(1).locator("button[name=same]").click()
    assert levels(check)[1] is not None
    page.locator("button[name=next]").click()
    expect(page).to_have_url(re.compile(r"/submit/"))
    context.close()


def test_english_is_whole_too(opened: Page, check_accessibility: CheckAccessibility) -> None:
    page = opened
    page.locator("button[name=language][value=en]").click()
    expect(page.locator("html")).to_have_attribute("lang", "en")
    expect(page.locator("h1")).to_contain_text("Self-check")
    check_accessibility(page)
