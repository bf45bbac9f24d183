"""1on1s, results and requests for correction in a real browser: saved by themselves, nothing lost, accessible."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.urls import reverse
from playwright.sync_api import BrowserContext, Page, expect
from pytest_django.live_server_helper import LiveServer

from skillmap.assessment.choices import State
from skillmap.assessment.models import (
    DevelopmentGoal,
    MentorPair,
    Objection,
    OneOnOne,
    PrivateMemo,
    SkillRating,
)
from skillmap.assessment.services import meetings, times
from skillmap.core import clock
from tests.browser.conftest import DESKTOP, PHONE, CheckAccessibility, Shoot, SignIn
from tests.browser.structure import fits
from tests.factories.assessment import World, make_cycle


@pytest.fixture
def world(transactional_db: None) -> Iterator[World]:
    """Times proposed and agreed, goals, a request for correction."""
    cache.clear()
    world = make_cycle(items=22)
    soon = times.Slot(clock.now().replace(minute=0, second=0, microsecond=0) + timedelta(days=3), place="会議室3")
    check = world.check("submitted")
    (made,) = times.propose(assessment_id=check.pk, slots=[soon], actor=world.user("submitted"))
    times.agree(assessment_id=check.pk, proposal_id=made.pk, actor=world.mentor)
    times.propose(assessment_id=world.check("confirmed").pk, slots=[soon], actor=world.user("confirmed"))
    for stage in ("submitted", "confirmed"):
        DevelopmentGoal.objects.create(
            assessment=world.check(stage), text="クラウド移行の設計を主担当する", created_by=world.mentor
        )
    meetings.save_words(
        assessment_id=check.pk, kind="first", words=meetings.Text(0, "相談したいこと"), actor=world.user("submitted")
    )
    for stage in ("received", "plain_confirmed"):
        Objection.objects.create(
            assessment=world.check(stage), skill=world.skills[3], wanted_level=3, text="根拠に書き漏れがあった"
        )
    yield world
    cache.clear()


def address(live_server: LiveServer, name: str, *args: object) -> str:
    return live_server.url + reverse(f"assessment:{name}", args=args)


def first_item(page: Page) -> str:
    """The code of the first item on the page."""
    return str(page.locator(".talk").first.get_attribute("id")).removeprefix("item-")


def test_a_mentor_prepares_a_1on1(
    page: Page, live_server: LiveServer, world: World, sign_in: SignIn, shoot: Shoot
) -> None:
    """From home in two clicks; a view, a reason, the notes: saved without a button; finished after one look back."""
    sign_in(world.mentor)
    check = world.check("submitted")
    page.goto(live_server.url)
    page.locator(f'#nav a[href="{reverse("assessment:mentees")}"]').click()
    page.locator(f'tr:has-text("{check.staff.name}") a.button').first.click()
    expect(page).to_have_url(address(live_server, "one_on_one", check.pk))

    code = first_item(page)
    page.locator(f'label.pill:has(input[name="level-{code}"][value="2"])').click()
    page.locator(f'input[name="reason-{code}"]').fill("設計書で確認した")
    page.locator("#text-note").fill("一行目\n二行目")
    page.locator("#text-memo").fill("自分だけのメモ")
    page.locator("#text-memo").blur()
    expect(page.locator("#meeting-state")).to_have_text(re.compile(r"\d\d:\d\d"))
    expect(page.locator(".is-unsaved, .is-conflict")).to_have_count(0)
    shoot(page, "one-on-one")

    page.reload()
    expect(page.locator(f'input[name="level-{code}"][value="2"]')).to_be_checked()
    expect(page.locator("#text-note")).to_have_value("一行目\n二行目")
    expect(page.locator("#text-memo")).to_have_value("自分だけのメモ")
    row = SkillRating.objects.get(assessment=check, skill__code=code)
    assert (row.mentor_level, row.mentor_reason) == (2, "設計書で確認した")
    assert not OneOnOne.objects.filter(assessment=check, held_on__isnull=False).exists()

    page.locator('input[name="way"][value="online"]').check()
    page.locator('.action-bar a[href="#finish"]').click()
    assert world.check("submitted").state == State.SUBMITTED
    expect(page.locator('button[value="finish"]')).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".notice--good")).to_be_visible()
    assert world.check("submitted").state == State.REVIEWED
    row_held = OneOnOne.objects.get(assessment=check)
    assert (row_held.held_on, row_held.shared_note) == (clock.today(), "一行目\n二行目")


def test_enter_and_escape_keep_the_mentor_where_they_are(
    page: Page, live_server: LiveServer, world: World, sign_in: SignIn
) -> None:
    """Enter in a reason stores it and nothing else; Escape leaves a step that was opened to be looked at."""
    sign_in(world.mentor)
    check = world.check("submitted")
    page.goto(address(live_server, "one_on_one", check.pk))
    page.evaluate("window.untouched = true")
    reason = page.locator(f'input[name="reason-{first_item(page)}"]')
    reason.fill("設計書で確認した")
    with page.expect_response(re.compile("/views/")):
        reason.press("Enter")
    expect(reason).to_be_focused()
    for step in ("finish", "return"):
        link = page.locator(f'.action-bar a[href="#{step}"]')
        link.press("Enter")
        button = page.locator(f'button[value="{step}"]')
        expect(button).to_be_visible()
        expect(page.locator(f"#{step} :focus")).to_have_count(1)
        page.keyboard.press("Escape")
        expect(button).to_be_hidden()
        expect(link).to_be_focused()
    assert page.evaluate("window.untouched"), "loaded again"


def test_two_windows_of_a_note_are_compared(
    page: Page, context: BrowserContext, live_server: LiveServer, world: World, sign_in: SignIn, page_errors: list[str]
) -> None:
    sign_in(world.mentor)
    url = address(live_server, "one_on_one", world.check("submitted").pk)
    page.goto(url)
    other = context.new_page()
    other.goto(url)
    other.locator("#text-memo").fill("先の窓")
    other.locator("#text-memo").blur()
    expect(other.locator("#meeting-state")).to_have_text(re.compile(r"\d\d:\d\d"))

    page.locator("#text-memo").fill("後の窓")
    page.locator("#text-memo").blur()
    conflict = page.locator(".autotext.is-conflict")
    expect(conflict).to_contain_text("先の窓")
    expect(page.locator("#text-memo")).to_have_value("後の窓")
    assert PrivateMemo.objects.get().text == "先の窓"
    conflict.locator("button").first.click()
    expect(page.locator(".autotext.is-conflict")).to_have_count(0)
    expect(page.locator("#meeting-state")).to_have_text(re.compile(r"\d\d:\d\d"))
    assert PrivateMemo.objects.get().text == "後の窓"

    other.locator("#text-memo").fill("先の窓の続き")
    other.locator("#text-memo").blur()
    other.locator(".autotext.is-conflict button").last.click()
    expect(other.locator("#text-memo")).to_have_value("後の窓")
    assert PrivateMemo.objects.get().text == "後の窓"
    page_errors[:] = [line for line in page_errors if "409" not in line]


def test_a_lost_line_loses_nothing(
    page: Page, context: BrowserContext, live_server: LiveServer, world: World, sign_in: SignIn, page_errors: list[str]
) -> None:
    sign_in(world.mentor)
    check = world.check("submitted")
    page.goto(address(live_server, "one_on_one", check.pk))
    code = first_item(page)
    context.set_offline(True)
    page.locator("#text-note").fill("圏外で書いた")
    page.locator("#text-note").blur()
    page.locator(f'label.pill:has(input[name="level-{code}"][value="3"])').click()
    page.locator("#text-memo").focus()
    expect(page.locator("#meeting-state.is-waiting")).to_be_visible()
    expect(page.locator(".autotext.is-unsaved")).to_have_count(1)
    context.set_offline(False)
    expect(page.locator(".is-unsaved")).to_have_count(0, timeout=20_000)
    assert OneOnOne.objects.get(assessment=check).shared_note == "圏外で書いた"
    assert SkillRating.objects.get(assessment=check, skill__code=code).mentor_level == 3
    page_errors[:] = [line for line in page_errors if "ERR_INTERNET_DISCONNECTED" not in line]


def test_after_a_hand_over_an_open_tab_keeps_the_words_and_says_why(
    page: Page, live_server: LiveServer, world: World, sign_in: SignIn, page_errors: list[str]
) -> None:
    sign_in(world.mentor)
    check = world.check("submitted")
    page.goto(address(live_server, "one_on_one", check.pk))
    MentorPair.objects.active().filter(mentee=check.staff, is_deputy=False).update(ended_at=clock.now())
    page.locator("#text-note").fill("書きかけ")
    page.locator("#text-note").blur()
    expect(page.locator(".autotext.is-unsaved .autotext__state")).not_to_be_empty()
    expect(page.locator("#text-note")).to_have_value("書きかけ")
    assert OneOnOne.objects.get(assessment=check).shared_note == ""
    page_errors[:] = [line for line in page_errors if "404" not in line]


def test_arrows_do_not_save_every_level_passed(
    page: Page, live_server: LiveServer, world: World, sign_in: SignIn
) -> None:
    sign_in(world.mentor)
    check = world.check("submitted")
    page.goto(address(live_server, "one_on_one", check.pk))
    code = first_item(page)
    before = SkillRating.objects.get(assessment=check, skill__code=code)
    page.locator(f'input[name="level-{code}"]:checked').focus()
    for _press in range(3):
        page.keyboard.press("ArrowRight")
    page.keyboard.press("Tab")  # to the reason, still within the item
    page.keyboard.type("理由")
    page.keyboard.press("Tab")
    expect(page.locator("#meeting-state")).to_have_text(re.compile(r"\d\d:\d\d"))
    after = SkillRating.objects.get(assessment=check, skill__code=code)
    assert (after.mentor_level, after.mentor_reason) == (2, "理由")
    assert after.version - before.version <= 2


def test_the_person_writes_what_to_talk_about(
    page: Page, live_server: LiveServer, world: World, sign_in: SignIn
) -> None:
    sign_in(world.user("submitted"))
    page.goto(address(live_server, "my_one_on_one", world.check("submitted").pk))
    page.locator("#text-words").fill("相談したいこと、その二")
    page.locator("#text-words").blur()
    expect(page.locator("#meeting-state")).to_have_text(re.compile(r"\d\d:\d\d"))
    assert OneOnOne.objects.get(assessment=world.check("submitted")).person_note == "相談したいこと、その二"


def test_without_javascript_the_buttons_save(
    browser_context_without_javascript: BrowserContext, live_server: LiveServer, world: World, sign_in: SignIn
) -> None:
    context = browser_context_without_javascript
    sign_in(world.mentor, context=context)
    page = context.new_page()
    check = world.check("submitted")
    page.goto(address(live_server, "one_on_one", check.pk))
    code = first_item(page)
    page.locator(f'label.pill:has(input[name="level-{code}"][value="1"])').click()
    page.locator("#text-memo").fill("スクリプトなし")
    page.locator('.action-bar button[value="save"]').click()
    expect(page.locator("#text-memo")).to_have_value("スクリプトなし")
    assert SkillRating.objects.get(assessment=check, skill__code=code).mentor_level == 1
    assert PrivateMemo.objects.get().text == "スクリプトなし"


@pytest.fixture
def browser_context_without_javascript(page: Page, browser_context_args: dict[str, object]) -> Iterator[BrowserContext]:
    """A browser with scripts switched off."""
    browser = page.context.browser
    assert browser is not None
    context = browser.new_context(**{**browser_context_args, "java_script_enabled": False})  # type: ignore[arg-type]
    yield context
    context.close()


def test_pages_are_accessible_and_fit_a_phone(
    page: Page,
    live_server: LiveServer,
    world: World,
    sign_in: SignIn,
    shoot: Shoot,
    check_accessibility: CheckAccessibility,
) -> None:
    """axe finds nothing on any of the pages in their states, and nothing is wider than 390 px."""
    ids = {stage: world.check(stage).pk for stage in ("untouched", "submitted", "reviewed", "corrected", "confirmed")}
    ids |= {stage: world.check(stage).pk for stage in ("met_again", "received")}
    request = Objection.objects.get(assessment=ids["received"]).pk
    pages = [
        (world.mentor, "mentees", [], "mentees"),
        (world.stranger, "mentees", [], ""),
        (world.mentor, "memos", [], ""),
        *(
            (world.mentor, "one_on_one", [ids[stage]], "")
            for stage in ("untouched", "submitted", "reviewed", "confirmed")
        ),
        (world.mentor, "meeting_times", [ids["confirmed"]], "one-on-one-times"),
        (world.mentor, "meeting_sheet", [ids["submitted"]], "one-on-one-sheet"),
        (world.user("submitted"), "my_one_on_one", [ids["submitted"]], "my-one-on-one"),
        (world.user("confirmed"), "my_one_on_one", [ids["confirmed"]], ""),
        (world.user("met_again"), "result", [ids["met_again"]], "result"),
        (world.user("received"), "result", [ids["received"]], ""),
        (world.user("corrected"), "result", [ids["corrected"]], ""),
        (world.user("received"), "objection_create", [ids["received"]], ""),
        (world.secretariat, "objections", [], "objections"),
        (world.secretariat, "objection_answer", [request], ""),
    ]
    for user, name, args, picture in pages:
        sign_in(user)
        page.set_viewport_size(DESKTOP)
        page.goto(address(live_server, name, *args))
        check_accessibility(page)
        if picture:
            shoot(page, picture)
        page.set_viewport_size(PHONE)
        if picture:
            shoot(page, f"{picture}-phone")
        assert fits(page), (name, args)


def test_errors_are_accessible(
    page: Page,
    live_server: LiveServer,
    world: World,
    sign_in: SignIn,
    check_accessibility: CheckAccessibility,
    page_errors: list[str],
) -> None:
    """A time that has passed, a record without its way, an answer without a reason."""
    sign_in(world.mentor)
    page.goto(address(live_server, "meeting_times", world.check("confirmed").pk))
    page.locator('input[name="day_1"]').fill("2020-01-01")
    page.locator('input[name="time_1"]').fill("10:00")
    page.locator('input[name="way"][value="online"]').check()
    page.locator('button[value="propose"]').click()
    expect(page.locator(".error-summary")).to_be_focused()
    check_accessibility(page)

    page.goto(address(live_server, "one_on_one", world.check("met").pk))
    page.locator('input[name="held_on"]').fill("2999-01-01")
    page.locator('.action-bar a[href="#finish"]').click()
    page.locator('button[value="finish"]').click()
    expect(page.locator(".error-summary")).to_be_focused()
    assert page.title().startswith(("エラー", "Error"))
    check_accessibility(page)

    sign_in(world.secretariat)
    page.goto(address(live_server, "objection_answer", Objection.objects.order_by("pk")[0].pk))
    page.locator("form.form").evaluate("form => form.setAttribute('novalidate', '')")
    page.locator("form.form button").click()
    expect(page.locator(".error-summary")).to_be_focused()
    check_accessibility(page)
    page_errors[:] = [line for line in page_errors if "422" not in line]


NARROWEST_COLUMNS = (960, 1024, 1280)  # an item's name, marks and levels beside each other
OVER_EACH_OTHER = """
() => [...document.querySelectorAll(".talk")].filter((item) => {
  const boxes = ["legend", ".talk__why > *", ".talk__levels > div"].map((part) =>
    [...item.querySelectorAll(`:scope > ${part}`)].map((one) => one.getBoundingClientRect()));
  const meet = (a, b) => a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 1 && b.top < a.bottom - 1;
  return boxes.some((some, i) => boxes.slice(i + 1).flat().some((other) => some.some((one) => meet(one, other))));
}).map((item) => item.id)
"""


@pytest.mark.parametrize("language", ["ja", "en"])
def test_the_parts_of_an_item_stand_beside_each_other(
    page: Page, live_server: LiveServer, world: World, sign_in: SignIn, language: str
) -> None:
    """English names are long; a mark that gives no way would lie over the levels."""
    sign_in(world.mentor)
    check = world.check("submitted")
    SkillRating.objects.filter(assessment=check).update(self_level=0, wish=True)
    page.context.add_cookies([{"name": "django_language", "value": language, "url": live_server.url}])
    page.goto(address(live_server, "one_on_one", check.pk) + "?all=1")
    expect(page.locator("html")).to_have_attribute("lang", language)
    page.locator(".talk > legend").evaluate_all(
        "all => all.forEach((one) => one.firstChild.replaceWith('13. Smartphone app design and development '))"
    )
    for width in NARROWEST_COLUMNS:
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate(OVER_EACH_OTHER) == [], width


def test_what_has_the_focus_is_not_below_the_bar(
    page: Page, live_server: LiveServer, world: World, sign_in: SignIn
) -> None:
    sign_in(world.mentor)
    page.emulate_media(reduced_motion="reduce")
    page.set_viewport_size({"width": PHONE["width"], "height": PHONE["height"]})
    page.goto(address(live_server, "one_on_one", world.check("submitted").pk) + "?all=1")
    page.locator(".talk input[type=radio]:checked").first.focus()
    for _step in range(24):
        page.keyboard.press("Tab")
        name, below, above = page.evaluate(
            """() => [document.activeElement.name, document.activeElement.getBoundingClientRect().bottom,
              document.querySelector(".action-bar").getBoundingClientRect().top]"""
        )
        assert below <= above, name


def test_the_names_of_the_radar_are_whole(page: Page, live_server: LiveServer, world: World, sign_in: SignIn) -> None:
    """None is cut at the chart's edge, in the language with the longer names."""
    sign_in(world.user("received"))
    page.context.add_cookies([{"name": "django_language", "value": "en", "url": live_server.url}])
    page.goto(live_server.url + reverse("portal:my_map"))
    expect(page.locator(".radar__label").first).to_be_visible()
    page.locator(".radar__label").evaluate_all(
        "all => all.forEach((one) => { one.textContent = 'Project management'; })"
    )
    cut = page.evaluate(
        """() => {
          const chart = document.querySelector(".radar").getBoundingClientRect();
          return [...document.querySelectorAll(".radar__label")].map((label) => label.getBoundingClientRect())
            .filter((box) => box.left < chart.left || box.right > chart.right).length;
        }"""
    )
    assert cut == 0
