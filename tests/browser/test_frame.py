"""The frame in a real browser: sign-in by passkey under the policy, menus by keyboard, what htmx answers lead to."""

from __future__ import annotations

import re

import pytest
from django.core.cache import cache
from django.urls import reverse
from playwright.sync_api import Browser, Page, Route, ViewportSize, expect
from pytest_django.live_server_helper import LiveServer

from skillmap.people.choices import Role
from skillmap.people.models import User
from tests.browser.conftest import DESKTOP, PHONE, CheckAccessibility, SignIn
from tests.factories.people import RoleGrantFactory

PASSWORD = "a long enough passphrase"
# What the browser and htmx print about answers that this file provokes.
EXPECTED = re.compile(r"answers/|Failed to load resource|Response Status|^console: htmx:")
ACCOUNT_PAGES = ("mfa_index", "account_change_password", "usersessions_list", "mfa_list_webauthn", "account_logout")


@pytest.fixture
def member(transactional_db: None) -> User:
    cache.clear()
    user = User(email="aoki@demo.example", name="青木 花")
    user.set_password(PASSWORD)
    user.save()
    return user


def address(server: LiveServer, route: str) -> str:
    """Return an address by name; passkeys need the name localhost."""
    return server.url.replace("127.0.0.1", "localhost") + reverse(route)


def enter(page: Page, server: LiveServer) -> None:
    """Sign in by the form."""
    page.goto(address(server, "account_login"))
    page.locator("#id_login").fill("aoki@demo.example")
    page.locator("#id_password").fill(PASSWORD)
    page.locator("#id_password").press("Enter")
    page.wait_for_url(lambda url: "login" not in url)


def test_passkey_is_added_and_signs_in(
    page: Page, live_server: LiveServer, member: User, check_accessibility: CheckAccessibility
) -> None:
    """allauth's own scripts run under a policy without unsafe-inline: the console stays empty."""
    device = page.context.new_cdp_session(page)
    device.send("WebAuthn.enable")
    options = {"protocol": "ctap2", "transport": "internal", "automaticPresenceSimulation": True}
    verified = {"hasResidentKey": True, "hasUserVerification": True, "isUserVerified": True}
    device.send("WebAuthn.addVirtualAuthenticator", {"options": options | verified})

    enter(page, live_server)
    page.goto(address(live_server, "mfa_add_webauthn"))
    page.locator("#id_password").fill(PASSWORD)
    page.locator("#id_password").press("Enter")
    page.wait_for_url("**/webauthn/add/")
    check_accessibility(page)
    page.locator("#id_name").fill("職場のパソコン")
    page.locator("#id_passwordless").check()
    page.locator("#mfa_webauthn_add").click()
    page.wait_for_url("**/recovery-codes/**")
    for route in ACCOUNT_PAGES:
        page.goto(address(live_server, route))
        check_accessibility(page)
    page.locator("main button[type=submit]").click()
    page.wait_for_url(lambda url: "logout" not in url)

    page.goto(address(live_server, "account_login"))
    check_accessibility(page)
    page.locator("#passkey_login").click()
    page.wait_for_url(lambda url: "login" not in url)
    expect(page.locator(".account__name")).to_have_text("青木 花")


def test_errors_take_the_focus_and_lead_to_the_field(
    page: Page, live_server: LiveServer, member: User, check_accessibility: CheckAccessibility
) -> None:
    page.goto(address(live_server, "account_login"))
    page.locator("form.form button[type=submit]").click()
    expect(page.locator(".error-summary")).to_be_focused()
    check_accessibility(page)
    page.locator(".error-summary a").first.click()
    expect(page.locator("#id_login")).to_be_focused()


@pytest.mark.parametrize("scripted", [True, False])
def test_menu_on_a_phone(browser: Browser, live_server: LiveServer, transactional_db: None, scripted: bool) -> None:
    with browser.new_context(
        viewport=ViewportSize(width=PHONE["width"], height=PHONE["height"]),
        locale="ja-JP",
        java_script_enabled=scripted,
    ) as context:
        page = context.new_page()
        page.goto(address(live_server, "account_login"))
        expect(page.locator("#site-menu")).to_be_hidden()
        page.locator("#menu-button").click()
        expect(page.locator("#site-menu")).to_be_visible()
        if scripted:
            expect(page.locator("#menu-button")).to_have_attribute("aria-expanded", "true")
            page.locator(".language button").first.focus()
            page.keyboard.press("Escape")
            expect(page.locator("#site-menu")).to_be_hidden()
            expect(page.locator("#menu-button")).to_be_focused()
            page.keyboard.press("Enter")
            expect(page.locator("#site-menu")).to_be_visible()
            page.keyboard.press("Escape")
            expect(page.locator("#site-menu")).to_be_hidden()
        else:
            page.locator(".language button[value=en]").click()
            expect(page.locator("html")).to_have_attribute("lang", "en")


def test_account_menu_closes_as_menus_do(page: Page, live_server: LiveServer, member: User, sign_in: SignIn) -> None:
    sign_in(member)
    page.goto(live_server.url + reverse("account_change_password"))
    summary = page.locator(".account > summary")
    summary.press("Enter")
    expect(page.locator(".account__menu")).to_be_visible()
    page.keyboard.press("Tab")
    page.keyboard.press("Escape")
    expect(page.locator(".account__menu")).to_be_hidden()
    expect(summary).to_be_focused()
    summary.click()
    page.locator("h1").click()
    expect(page.locator(".account__menu")).to_be_hidden()
    summary.press("Enter")
    page.locator(".account__menu :is(a, button)").last.focus()
    page.keyboard.press("Tab")
    expect(page.locator(".account__menu")).to_be_hidden()
    # Without colours the current entry is marked by an outline too: the focus has to look different.
    page.emulate_media(forced_colors="active")
    current = page.locator(".tabs a[aria-current]")
    expect(current).to_have_css("outline-offset", "-3px")
    current.focus()
    expect(current).to_have_css("outline-offset", "2px")


def test_htmx_answers(
    page: Page, live_server: LiveServer, member: User, sign_in: SignIn, page_errors: list[str]
) -> None:
    """A refused form is shown and takes the focus; a lost session or line is told, and nothing is swapped."""
    answers = {"refused": 422, "moved": 409, "gone": 401, "broken": 500}

    def answer(route: Route) -> None:
        name = route.request.url.rsplit("/", 1)[1]
        if name == "away":
            route.abort()
            return
        body = '<section id="part"><div class="error-summary" tabindex="-1">!</div></section>'
        route.fulfill(status=answers[name], content_type="text/html", body=body)

    sign_in(member)
    page.goto(live_server.url + reverse("account_change_password"))
    page.route("**/answers/*", answer)
    page.evaluate("document.querySelector('main').insertAdjacentHTML('beforeend', '<section id=part>old</section>')")

    def ask(name: str) -> None:
        page.evaluate(f"htmx.ajax('POST', '/answers/{name}', {{target: '#part', swap: 'outerHTML'}}).catch(() => {{}})")

    told = page.locator("#messages [data-told]")
    for name in ("gone", "broken", "away"):
        ask(name)
        expect(told).to_have_count(1)
        expect(page.locator("#announcer")).to_have_text(told.locator("p").inner_text())
        expect(page.locator("#part")).to_have_text("old")
        page.evaluate("skillmap.untell()")
    for name in ("refused", "moved"):
        ask(name)
        expect(page.locator("#part .error-summary")).to_be_focused()
        page.evaluate("document.activeElement.blur()")
    unexpected = [error for error in page_errors if not EXPECTED.search(error)]
    assert unexpected == []
    page_errors.clear()


@pytest.mark.parametrize("language", ["ja", "en"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desk", "phone"])
def test_waiting_background_work_is_said_quietly(
    page: Page, live_server: LiveServer, sign_in: SignIn, member: User, check_accessibility: CheckAccessibility,
    monkeypatch: pytest.MonkeyPatch, language: str, size: ViewportSize,
) -> None:  # fmt: skip
    RoleGrantFactory.create(user=member, role=Role.SECRETARIAT)
    monkeypatch.setattr("skillmap.portal.context.background_waits", lambda: True)
    page.set_viewport_size(size)
    page.context.add_cookies([{"name": "django_language", "value": language, "url": live_server.url}])
    sign_in(member)
    page.goto(live_server.url)
    notice = page.locator(".main > .no-print > .notice--warn")
    expect(notice).to_have_count(1)
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    check_accessibility(page)
