"""The demo world as its six people find it; the pictures of the README are taken on the way (`make pictures`)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.core.cache import cache
from django.core.management import call_command
from django.urls import reverse
from playwright.sync_api import Browser, BrowserContext, Page, expect
from pytest_django.live_server_helper import LiveServer

from skillmap.assessment.choices import CycleState
from skillmap.assessment.models import Cycle
from skillmap.portal.management.commands.demo import ACCOUNTS
from tests.browser.conftest import PHONE, Shoot

TODAY = date(2026, 11, 20)
PASSWORD = "skillmap-demo"


@pytest.fixture
def demo(transactional_db: None) -> Iterator[None]:
    with time_machine.travel(datetime(2026, 11, 20, 10, tzinfo=ZoneInfo("Asia/Tokyo"))):
        cache.clear()
        call_command("demo", people=180, seed=1, today=TODAY)
        yield


def enter(page: Page, server: LiveServer, word: str) -> None:
    """Sign in as one of the demo's people."""
    cache.clear()  # six people from one address within a second
    page.goto(server.url)
    page.locator("#id_login").fill(f"{word}@demo.example")
    page.locator("#id_password").fill(PASSWORD)
    page.locator("main form button[type=submit]").first.click()
    expect(page.locator("h1")).to_be_visible()


def begin(page: Page, server: LiveServer) -> None:
    """Open the self-check, past the page that says what it is for, at its first items."""
    page.goto(server.url + reverse("assessment:current_check"))
    if page.locator(".skill-item").count() == 0:
        page.locator("main form button.button--primary").click()
    expect(page.locator(".skill-item").first).to_be_visible()
    page.locator(".skill-item").first.scroll_into_view_if_needed()


def test_the_six_people_are_told_what_is_next(
    browser: Browser, browser_context_args: dict[str, object], live_server: LiveServer, demo: None, shoot: Shoot
) -> None:
    def context(**more: object) -> BrowserContext:
        return browser.new_context(**{**browser_context_args, **more})  # type: ignore[arg-type]

    for word in ACCOUNTS:
        with context() as desk:
            page = desk.new_page()
            enter(page, live_server, word)
            page.goto(live_server.url)
            shoot(page, f"demo-home-{word}", whole=False)
            expect(page.locator(".task, .card").first).to_be_visible()  # nobody's home is empty
            if word == "staff":
                begin(page, live_server)
                shoot(page, "readme-selfcheck", whole=False)
            elif word == "secretariat":
                cycle = Cycle.objects.filter(state=CycleState.OPEN).latest("fiscal_year")
                page.goto(live_server.url + reverse("assessment:board", args=[cycle.pk]))
                shoot(page, "readme-board", whole=False)
            elif word == "executive":
                page.goto(live_server.url + reverse("gaps:dashboard"))
                shoot(page, "readme-dashboard", whole=False)
    with context(viewport=PHONE) as pocket:
        page = pocket.new_page()
        enter(page, live_server, "staff")
        begin(page, live_server)
        shoot(page, "readme-selfcheck-phone", whole=False)
