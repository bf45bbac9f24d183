"""Pages, saves and sign-in with Redis there, away and hanging: settings of production, gunicorn, PostgreSQL."""

from __future__ import annotations

import http.client
import json
import re
import secrets
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.cookies import SimpleCookie
from itertools import count, cycle
from pathlib import Path
from urllib.parse import urlencode

import pytest
from django.contrib.auth.hashers import make_password
from django.core.management import call_command
from django.test import override_settings
from django.urls import reverse

from skillmap.assessment.models import PurposeAcknowledgement
from skillmap.people.models import User
from tests.conftest import database_url
from tests.factories.assessment import World, make_cycle
from tests.factories.people import PASSWORD
from tests.support.crew import Crew
from tests.support.services import Server, redis_server
from tests.support.trials import Trial, quantile

pytestmark = [
    pytest.mark.trials,
    pytest.mark.services,
    pytest.mark.postgres,
    pytest.mark.django_db(transaction=True),
]
ROUNDS, BLOCKS = 20, 4
NUMBERS = count(1)  # each request comes from another place, so that none meets the limits of sign-in
WAITS = 'class="notice notice--warn"'


class Browser:
    """What a browser sends behind the proxy: its cookies, and that it came by TLS."""

    def __init__(self, port: int) -> None:
        self.port, self.cookies, self.token = port, dict[str, str](), ""

    def ask(self, method: str, path: str, body: bytes | None = None, **more: str) -> tuple[int, str]:
        """Status and text of an answer."""
        number = next(NUMBERS)
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        address = f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
        headers = {
            "Host": "map.example.jp",
            "X-Forwarded-Proto": "https",
            "X-Forwarded-For": address,
            "Cookie": cookies,
        }
        headers |= {"Referer": "https://map.example.jp/", "X-CSRFToken": self.token}
        link = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            link.request(method, path, body, headers | {name.replace("_", "-"): value for name, value in more.items()})
            answer = link.getresponse()
            text = answer.read().decode(errors="replace")
        finally:
            link.close()
        for line in answer.headers.get_all("Set-Cookie") or []:
            self.cookies |= {name: morsel.value for name, morsel in SimpleCookie(line).items()}
        if found := re.search(r'X-CSRFToken&quot;: &quot;(\w+)|"X-CSRFToken": "(\w+)"', text):
            self.token = found[1] or found[2]
        return answer.status, text

    def sign_in(self, user: User) -> None:
        """By the form, as a person does."""
        status, text = self.ask("GET", "/accounts/login/")
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', text)
        assert status == 200 and token is not None, text[:500]
        form = {"login": user.email, "password": PASSWORD, "csrfmiddlewaretoken": token[1]}
        status, text = self.ask(
            "POST", "/accounts/login/", urlencode(form).encode(), Content_Type="application/x-www-form-urlencoded"
        )
        assert status == 302, text[:2000]


@pytest.fixture
def server() -> Iterator[Server]:
    """A Redis of this trial's own."""
    with redis_server() as found:
        yield found


@pytest.fixture
def world() -> World:
    """A cycle of two hundred, whose people sign in with a password."""
    made = make_cycle(people=200)
    User.objects.update(password=make_password(PASSWORD))
    check = made.check("started")
    PurposeAcknowledgement.objects.create(
        staff_id=check.staff_id, cycle=made.cycle, purpose_text=made.cycle.purpose_text
    )
    return made


@pytest.fixture
def web(world: World, server: Server, tmp_path: Path) -> Iterator[int]:
    """Port of gunicorn with production's settings."""
    static = tmp_path / "static"
    manifest = {"BACKEND": "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"}
    storages = {"default": {"BACKEND": "django.core.files.storage.FileSystemStorage"}, "staticfiles": manifest}
    with override_settings(STATIC_ROOT=static, STORAGES=storages, STATIC_URL="/static/"):
        call_command("collectstatic", interactive=False, verbosity=0)
    environment = {
        "DJANGO_SETTINGS_MODULE": "tests.trials.production",
        "SECRET_KEY": secrets.token_urlsafe(60),
        "TOKEN_PEPPER": secrets.token_urlsafe(40),
        "DATABASE_URL": database_url(),
        "REDIS_URL": server.url,
        "ALLOWED_HOSTS": "map.example.jp,127.0.0.1",
        "SITE_URL": "https://map.example.jp",
        "EMAIL_URL": "smtp://127.0.0.1:1",
        "DEFAULT_FROM_EMAIL": "map@example.jp",
        "STATIC_ROOT": str(static),
        "VAR_DIR": str(tmp_path / "var"),
    }
    crew = Crew(environment=environment, logs=tmp_path)
    try:
        yield crew.web(workers=2, threads=4)
    finally:
        crew.end()


@contextmanager
def down(server: Server) -> Iterator[None]:
    """It refuses."""
    server.stop(signal.SIGTERM)
    try:
        yield
    finally:
        server.start()


@contextmanager
def frozen(server: Server) -> Iterator[None]:
    """It takes connections and answers nothing."""
    server.freeze()
    try:
        yield
    finally:
        server.thaw()


def acts_of(world: World, person: Browser, port: int) -> dict[str, Callable[[], object]]:
    """What is measured, by name."""
    check = world.check("started")
    page = reverse("assessment:check", args=[check.pk])
    rating = check.ratings.select_related("skill").order_by("skill__number")[3]
    item = reverse("assessment:check_item", args=[check.pk, rating.skill.code])
    version, level = rating.version, 1
    people = cycle([user for row in world.by_stage["submitted"] if (user := row.staff.user) is not None])

    def show(path: str) -> None:
        status, text = person.ask("GET", path)
        assert status == 200, text[:500]

    def save() -> None:
        nonlocal version, level
        level = 3 - level
        body = json.dumps({"version": version, "level": level}).encode()
        status, text = person.ask("POST", item, body, Content_Type="application/json")
        assert status == 200, text[:500]
        version = json.loads(text)["version"]

    return {
        "home": lambda: show("/"),
        "self-check": lambda: show(page),
        "save": save,
        "sign-in": lambda: Browser(port).sign_in(next(people)),
    }


Times = dict[str, list[float]]


def measure(acts: dict[str, Callable[[], object]], times: Times) -> None:
    """How long each takes, one after the other, a few rounds."""
    for _round in range(ROUNDS):
        for name, act in acts.items():
            begun = time.monotonic()
            act()
            times.setdefault(name, []).append(time.monotonic() - begun)


def says_that_work_waits(coordinator: Browser) -> bool:
    status, text = coordinator.ask("GET", "/")
    assert status == 200
    return WAITS in text


def wait_until_told(coordinator: Browser, wanted: bool) -> None:
    """Until every process says so: they take turns."""
    deadline = time.monotonic() + 30
    while {says_that_work_waits(coordinator) for _each in range(6)} != {wanted}:
        assert time.monotonic() < deadline, f"told: {not wanted}"
        time.sleep(0.5)


def test_pages_work_without_redis_and_take_no_longer(trial: Trial, world: World, server: Server, web: int) -> None:
    person, coordinator = Browser(web), Browser(web)
    person.sign_in(world.user("started"))
    coordinator.sign_in(world.coordinator)
    acts = acts_of(world, person, web)
    measure(acts, {})  # what the first times alone cost
    measured: dict[str, Times] = {"up": {}, "down": {}, "frozen": {}}
    noticing: list[float] = []
    for _block in range(BLOCKS):  # in turns: whatever else the machine does, it does to all of them
        measure(acts, measured["up"])
        for name, away in (("down", down), ("frozen", frozen)):
            with away(server):
                begun = time.monotonic()
                acts["sign-in"]()  # asks the cache for its limits, and finds it away
                noticing.append(time.monotonic() - begun)
                wait_until_told(coordinator, wanted=True)
                measure(acts, measured[name])
            wait_until_told(coordinator, wanted=False)
    p95 = {how: {name: quantile(taken, 0.95) for name, taken in times.items()} for how, times in measured.items()}
    for _act in range(sum(len(taken) for times in measured.values() for taken in times.values())):
        trial.count()
    added = [round(1000 * (p95[how][name] - p95["up"][name])) for how in ("down", "frozen") for name in acts]
    assert max(added) < 100, p95
    figures = {f"{name} {how} p95 ms": round(1000 * value) for how, row in p95.items() for name, value in row.items()}
    trial.held(**figures, most_added_ms=max(added), first_to_notice_ms=round(1000 * max(noticing)))
