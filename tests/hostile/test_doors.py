"""Ways around the doors: forged requests, foreign addresses to go on to, foreign hosts, counting who has an account."""

from __future__ import annotations

import statistics
import time
from typing import Any
from urllib.parse import quote, urljoin, urlsplit

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from skillmap.people.models import SignInSubject
from tests.access_world import AccessWorld, address, routes
from tests.factories.people import PASSWORD, UserFactory
from tests.hostile.asking import Asker
from tests.hostile.forms import FORM, forms_of
from tests.support.ground import on_ground
from tests.test_access_matrix import matrix

pytestmark = pytest.mark.sqlite

laid, world = on_ground(AccessWorld)
HERE = "https://testserver/accounts/login/"
ELSEWHERE = (
    "https://evil.example/", "http://evil.example", "//evil.example", "///evil.example", "////evil.example",
    "\\\\evil.example", "/\\evil.example", "\\/evil.example", "/\t/evil.example", "\t//evil.test", "/\n/evil.test",
    "http:evil.example", "http:/evil.example", "http:///evil.example", "https:evil.example", "javascript:alert(1)",
    "JaVaScRiPt:alert(1)", "data:text/html,<script>alert(1)</script>", "vbscript:x", "https://testserver@evil.example/",
    "https://testserver.evil.example/", "//evil%E3%80%82example", "//evil。example", "https://evil.test\\@testserver/",
    "ftp://evil.example/", "//[::2]/", "https://testserver:443@evil.example", "/%09/evil.example", "\x00//evil.example",
    "//evil.example/%2f..",
)  # fmt: skip
HOSTS = (
    "evil.example", "evil.example:80", "testserver.evil.example", "testserver@evil.example", "testserver:80@evil.test",
    "localhost.evil.example", "127.0.0.1.evil.example", "[::2]", "", "testserver,evil.example", "testserver evil.test",
)  # fmt: skip


@pytest.fixture(scope="module")
def asker(laid: AccessWorld, django_db_blocker: Any) -> Asker:
    with django_db_blocker.unblock():
        return Asker(laid)


@pytest.fixture(autouse=True)
def _no_limits() -> None:
    """No count of earlier tries."""
    cache.clear()


# --------------------------------------------------------------------------------------------------- forged requests


def test_nothing_is_written_for_a_page_of_somebody_elses(laid: AccessWorld, db: None) -> None:
    """Every route that takes a POST of a signed-in browser wants the token of our own page, and says so with 403."""
    table, column = matrix(), "secretariat"
    asker, taken, tried = Asker(laid, csrf=True), [], 0
    for route, names in routes():
        url = address(laid, route, names)
        kind = "application/json" if url.startswith("/api/") else FORM
        for method in ("POST", "PUT", "PATCH", "DELETE") if kind != FORM else ("POST",):
            if method == "POST" and set(table[route, "POST"]) <= {"405", "404"}:
                continue
            status = asker.ask(column, method, url, "{}" if kind != FORM else "", kind).status_code
            tried += 1
            # 405: no such method, whoever asks. 404 and 302: sign-in pages that are not open to the signed in.
            if status not in (403, 405):
                taken.append(f"{method} {route}: {status}")
    assert not taken, "\n".join(taken)
    assert tried > 150


@pytest.mark.trials
def test_every_form_that_writes_carries_the_token(asker: Asker, laid: AccessWorld, db: None) -> None:
    table, seen = matrix(), 0
    for route, names in routes():
        if table[route, "GET"][9] != "200":
            continue
        url = address(laid, route, names)
        answer = asker.ask("secretariat", "GET", url)
        if answer.headers.get("Content-Type", "").startswith("text/html"):
            for form in forms_of(url, answer.content.decode()):
                token = "csrfmiddlewaretoken" in form.controls
                assert token is (form.method == "POST"), (url, form)
                assert urlsplit(form.action).netloc == "", url
                seen += form.method == "POST"
    assert seen > 100


# ----------------------------------------------------------------------------------------------- addresses to go on to


def stays_here(location: str) -> bool:
    """Whether a browser that follows stays with us, read as browsers do."""
    cleaned = location.replace("\\", "/")
    for ignored in "\t\n\r\x00":
        cleaned = cleaned.replace(ignored, "")
    place = urlsplit(urljoin(HERE, cleaned.strip()))
    return (place.scheme, place.netloc) == ("https", "testserver")


@pytest.mark.parametrize("target", ELSEWHERE)
def test_nobody_is_sent_elsewhere(asker: Asker, db: None, target: str) -> None:
    user = UserFactory.create()
    tries: list[Any] = [
        Client().post("/accounts/login/", {"login": user.email, "password": PASSWORD, "next": target}),
        Client().post(f"/accounts/login/?next={quote(target)}", {"login": user.email, "password": PASSWORD}),
    ]
    for name in ("next", "redirect_to"):
        for url, method in (
            (reverse("set_language"), "POST"),
            (reverse("portal:purpose"), "GET"),
            (reverse("portal:purpose"), "POST"),
            (reverse("account_logout"), "POST"),
            (reverse("account_login"), "GET"),
            (reverse("account_reauthenticate"), "POST"),
            (reverse("portal:notices_read"), "POST"),
        ):
            body = f"{name}={quote(target)}&language=en&purpose=support&password={PASSWORD}"
            tries.append(asker.ask("secretariat", method, f"{url}?{name}={quote(target)}", body, FORM))
    for answer in tries:
        assert answer.status_code < 500
        assert stays_here(answer.headers.get("Location", "/")), answer.headers["Location"]
        assert stays_here(answer.headers.get("HX-Redirect", "/"))


# -------------------------------------------------------------------------------------------------------- host names


@pytest.mark.parametrize("host", HOSTS)
def test_a_foreign_host_name_is_refused_and_never_mailed(db: None, host: str, mailoutbox: list[Any]) -> None:
    user = UserFactory.create()
    client = Client(headers={"host": host} if host else {"host": "x" * 300})
    assert client.get("/accounts/login/").status_code == 400
    assert client.post("/accounts/password/reset/", {"email": user.email}).status_code == 400
    spoofed = Client(headers={"x-forwarded-host": host or "evil.example", "forwarded": "host=evil.example"})
    spoofed.post("/accounts/password/reset/", {"email": user.email})
    assert all("evil" not in message.body for message in mailoutbox)
    assert [("localhost:8000" in message.body) for message in mailoutbox] == [True]


# ---------------------------------------------------------------------------------------------------------- sessions


def test_a_session_that_somebody_planted_is_left_behind(db: None) -> None:
    user = UserFactory.create()
    planted = Client()
    planted.get("/accounts/login/")
    session = planted.session
    session["planted"] = 1
    session.save()
    key = session.session_key
    victim = Client()
    victim.cookies["sessionid"] = str(key)
    victim.post("/accounts/login/", {"login": user.email, "password": PASSWORD})
    assert victim.session.session_key != key
    planted.cookies["sessionid"] = str(key)
    assert planted.get("/people/account/").status_code == 302
    invented = Client()
    invented.cookies["sessionid"] = "a" * 32
    invented.post("/accounts/login/", {"login": user.email, "password": PASSWORD})
    assert invented.session.session_key != "a" * 32


# ------------------------------------------------------------------------------------------------------- enumeration


def seconds(url: str, data: dict[str, str]) -> float:
    """How long one answer takes; no count of earlier ones."""
    cache.clear()
    client = Client()
    start = time.perf_counter()
    client.post(url, data)
    return time.perf_counter() - start


@pytest.mark.trials
@pytest.mark.parametrize(("url", "key"), [("/accounts/login/", "login"), ("/accounts/password/reset/", "email")])
def test_who_has_an_account_is_not_told_by_the_clock(db: None, settings: Any, url: str, key: str) -> None:
    """With the passwords' real hashing: the medians of 60 tries each lie within a fifth of each other."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.PBKDF2PasswordHasher"]
    known, closed, elsewhere = UserFactory.create(), UserFactory.create(is_active=False), UserFactory.create()
    SignInSubject.objects.create(user=elsewhere, provider_id="sso", issuer="https://idp.example", subject="s")
    for user in (known, closed, elsewhere):
        user.set_password(PASSWORD)
        user.save(update_fields=["password"])
    emails = {"known": known.email, "closed": closed.email, "nobody": "nobody@tokyo.example", "sso": elsewhere.email}
    times: dict[str, list[float]] = {name: [] for name in emails}
    for _ in range(60):
        for name, email in emails.items():
            times[name].append(seconds(url, {key: email, "password": "wrong password"}))
    medians = {name: statistics.median(found) for name, found in times.items()}
    assert max(medians.values()) < 1.2 * min(medians.values()) + 0.002, medians
