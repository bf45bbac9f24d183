"""A real Chromium for the tests in this folder, and what every one of them wants to know of a page.

Each test here is marked `browser`. At its end the pages it opened must have raised no script error, printed no error to
the console (a blocked style or script is one), and asked no other host for anything; a test that provokes such a thing
takes it out of `page_errors`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.test import Client
from playwright.sync_api import BrowserContext, ConsoleMessage, Error, Page, Request, ViewportSize
from pytest_django.live_server_helper import LiveServer

from skillmap.people.models import User
from tests.browser.stage import Stage
from tests.browser.structure import Structure, structure_of
from tests.conftest import unavailable
from tests.support.services import MissingServiceError, find_chromium

FOLDER = Path(__file__).resolve().parent
SCREENSHOTS = FOLDER.parent.parent / "var" / "screenshots"
CHROMIUM_OPTIONS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
DESKTOP = ViewportSize(width=1280, height=900)
PHONE = ViewportSize(width=390, height=844)

# All that axe tells beside them would have to be carried over too.
VIOLATIONS = "axe.run({resultTypes: ['violations']}).then((results) => results.violations)"

SignIn = Callable[..., None]
Shoot = Callable[..., Path]
CheckAccessibility = Callable[[Page], None]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what lies in this folder, before the lanes are chosen."""
    for item in items:
        if FOLDER in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session", autouse=True)
def _queries_beside_an_event_loop() -> None:
    """Playwright keeps an event loop in this thread, beside which Django would refuse every query.

    It runs to the end of the process, and so does the leave: nothing here is asynchronous, each query is awaited.
    """
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """Debian's Chromium instead of one that would have to be downloaded."""
    chromium = find_chromium()
    if chromium is None:
        unavailable(MissingServiceError("Chromium is not installed (Debian: chromium-headless-shell)"))
    return {**browser_type_launch_args, "executable_path": chromium, "args": CHROMIUM_OPTIONS}


@pytest.fixture(scope="session")
def browser_context_args(browser_context_args: dict[str, Any]) -> dict[str, Any]:
    """A person in Tokyo at a desk."""
    return {
        **browser_context_args,
        "locale": "ja-JP",
        "timezone_id": "Asia/Tokyo",
        "viewport": DESKTOP,
        "reduced_motion": "reduce",
    }


@pytest.fixture(autouse=True)
def page_errors(context: BrowserContext) -> Iterator[list[str]]:
    """What went wrong in this test's pages; must be empty at its end."""
    errors: list[str] = []

    def on_console(message: ConsoleMessage) -> None:
        if message.type == "error":
            errors.append(f"console: {message.text}")

    def on_error(error: Any) -> None:
        errors.append(f"script: {error.error if isinstance(getattr(error, 'error', None), Error) else error}")

    def on_request(request: Request) -> None:
        address = urlsplit(request.url)
        if address.scheme in {"http", "https", "ws", "wss"} and address.hostname not in {"localhost", "127.0.0.1"}:
            errors.append(f"another host: {request.url}")

    context.on("console", on_console)
    context.on("weberror", on_error)
    context.on("request", on_request)
    yield errors
    assert errors == []


@pytest.fixture
def sign_in(live_server: LiveServer, context: BrowserContext) -> SignIn:
    """Sign a user in without the login page: `sign_in(user)`, or `sign_in(user, context=another)`."""
    first = context

    def as_user(user: User, *, context: BrowserContext | None = None) -> None:
        client = Client()
        client.force_login(user)
        cookie = client.cookies[settings.SESSION_COOKIE_NAME]
        (context or first).add_cookies([{"name": cookie.key, "value": cookie.value, "url": live_server.url}])

    return as_user


@pytest.fixture
def shoot() -> Shoot:
    """Keep a picture of the page, or of its window, under `var/screenshots`: `shoot(page, "check", whole=False)`.

    Whole pages cost as much as a test: but for those of the story (`always`) they are kept with PICTURES=1 alone.
    """

    def keep(page: Page, name: str, *, whole: bool = True, always: bool = False) -> Path:
        assert re.fullmatch(r"[a-z0-9-]+", name), name
        path = SCREENSHOTS / f"{name}.png"
        if whole and not always and not os.environ.get("PICTURES"):
            return path
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=path, full_page=whole, animations="disabled")
        return path

    return keep


@pytest.fixture(scope="session")
def found_accessible() -> set[tuple[int, Structure]]:
    """The markup, with the width of its window, in which axe has found nothing."""
    return set()


@pytest.fixture
def check_accessibility(found_accessible: set[tuple[int, Structure]]) -> CheckAccessibility:
    """Hold a page against axe's rules: `check_accessibility(page)` fails with every violation and where it is.

    Markup in which nothing was found is not looked at again, whichever test shows it.
    """

    def check(page: Page) -> None:
        size = page.viewport_size
        assert size is not None
        key = (size["width"], structure_of(page.content(), within="html"))
        if key in found_accessible:
            return
        page.evaluate(Axe().axe_script)
        found = page.evaluate(VIOLATIONS)
        report = [
            f"{violation['id']} ({violation['impact']}): {violation['help']}\n"
            + "\n".join(
                f"    {' '.join(map(str, node['target']))}\n      {node['html'][:200]}" for node in violation["nodes"]
            )
            for violation in found
        ]
        assert not report, f"{page.url}\n" + "\n".join(report)
        found_accessible.add(key)

    return check


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with Stage() as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()
