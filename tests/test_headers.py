"""Headers of every kind of answer: no script or style from elsewhere, nothing kept in caches, no guessing of types."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from tests.factories.assessment import make_organisation, make_staff

pytestmark = pytest.mark.django_db


@pytest.fixture
def client() -> Client:
    client = Client()
    client.force_login(make_staff(make_organisation("局")))
    return client


@pytest.mark.parametrize("path", ["/", "/map/", "/accounts/login/", "/api/v1/cycles/", "/nowhere/", "/api/v1/nowhere/"])
def test_security_headers_stand_on_every_answer(client: Client, path: str) -> None:
    headers = client.get(path).headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "same-origin"
    assert "no-store" in headers["Cache-Control"]
    assert "HX-Request" in headers["Vary"]


def test_japanese_is_the_default_whatever_the_browser_prefers(client: Client) -> None:
    page = client.get("/", headers={"Accept-Language": "en"})
    assert '<html lang="ja">' in page.content.decode()
    client.post(reverse("set_language"), {"language": "en", "next": "/map/"})
    assert '<html lang="en">' in client.get("/").content.decode()


@pytest.mark.parametrize(
    "target", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)"]
)
def test_redirects_stay_here(client: Client, target: str) -> None:
    moved = client.post(reverse("set_language"), {"language": "en", "next": target})
    assert "evil" not in moved.headers["Location"] and "javascript" not in moved.headers["Location"]


def test_unknown_addresses_of_the_api_answer_as_problems(client: Client) -> None:
    answer = client.get("/api/v1/nowhere/")
    assert (answer.status_code, answer.headers["Content-Type"]) == (404, "application/problem+json")


def test_health_tells_no_more_than_needed() -> None:
    assert Client().get("/livez").json() == {"status": "ok"}
    assert Client(headers={"host": "10.0.0.1"}).get("/readyz").json() == {"status": "ok"}


def test_a_browser_gets_the_mark_beside_an_answer_that_is_no_page() -> None:
    assert Client().get("/favicon.ico").headers["Location"] == "/static/img/mark.svg"
