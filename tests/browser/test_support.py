"""The browser tests' own eyes are open."""

from __future__ import annotations

import struct

import pytest
from playwright.sync_api import Page
from pytest_django.live_server_helper import LiveServer

from tests.browser.conftest import CheckAccessibility, Shoot


def test_the_browser_reaches_the_server(page: Page, live_server: LiveServer) -> None:
    answer = page.goto(f"{live_server.url}/livez")
    assert answer is not None
    assert answer.json() == {"status": "ok"}


def test_a_script_error_is_noticed(page: Page, page_errors: list[str]) -> None:
    page.set_content("<p>…</p>")
    page.evaluate("setTimeout(() => { throw new Error('broken') })")
    page.evaluate("console.error('printed')")
    page.wait_for_timeout(100)
    assert len(page_errors) == 2
    assert "broken" in " ".join(page_errors)
    assert "console: printed" in page_errors
    page_errors.clear()


def test_a_request_to_another_host_is_noticed(page: Page, page_errors: list[str]) -> None:
    page.route("**/*", lambda route: route.abort())
    page.set_content('<img src="https://elsewhere.example/pixel.png" alt="">')
    page.wait_for_timeout(100)
    assert "another host: https://elsewhere.example/pixel.png" in page_errors
    page_errors.clear()


def test_an_unreadable_page_is_noticed(page: Page, check_accessibility: CheckAccessibility) -> None:
    page.set_content('<html lang="ja"><title>t</title><main><h1>t</h1><img src="data:,"></main>')
    with pytest.raises(AssertionError, match="image-alt"):
        check_accessibility(page)


def test_a_screenshot_is_kept_with_japanese_letters(page: Page, shoot: Shoot, monkeypatch: pytest.MonkeyPatch) -> None:
    def width(text: str) -> float:
        page.set_content(f'<span id="a" style="font: 100px sans-serif">{text}</span>')
        return float(page.evaluate("document.getElementById('a').getBoundingClientRect().width"))

    # Letters of a Japanese font are square; without one there is a narrow box.
    assert width("職員") == pytest.approx(200, abs=4)
    header = shoot(page, "support", always=True).read_bytes()[:24]
    assert header.startswith(b"\x89PNG")
    assert struct.unpack(">I", header[16:20])[0] >= 1280
