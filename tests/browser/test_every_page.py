"""Every page in every markup it has, held against axe, the narrowest phone and a sheet of paper, in both languages.

The access matrix says who gets which page: each is fetched with Django's client for each actor who may see it (GET) or
is told what is missing (POST without data: the pages with errors), in the full world of the matrix and in an empty
installation. It is looked at in Chromium, with the scripts and styles it names: once in each state, and again wherever
it holds a kind of element (tag, class, role, attributes) that was on no page so far; the same markup never twice.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from http import HTTPStatus

import pytest
from django.conf import settings
from django.core.cache import cache
from django.db import transaction
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from playwright.sync_api import BrowserContext, Page, ViewportSize

from skillmap.people.choices import Role
from skillmap.people.models import User
from tests.access_world import ACTORS as MATRIX_ACTORS
from tests.access_world import AccessWorld, address, routes
from tests.browser.conftest import CheckAccessibility
from tests.browser.stage import Stage
from tests.browser.structure import Structure, fits, structure_of
from tests.factories.framework import real_framework
from tests.factories.people import OrganisationFactory, user_with
from tests.test_access_matrix import matrix

pytestmark = pytest.mark.django_db

WIDE, NARROW = ViewportSize(width=1280, height=900), ViewportSize(width=320, height=640)
PAPER = ViewportSize(width=680, height=1009)  # A4 within its margins, in CSS pixels
STYLES = "[...document.styleSheets].map((sheet) => sheet.href)"
# What a page answers: a page, a form with errors, a refusal that is a page.
SHOWN = frozenset({"200", "400", "403", "404", "409", "422"})
ACTORS = ("secretariat", "mentor", "person", "coordinator", "executive", "supporter", "expert", "anonymous")
SPACES = ("assessment", "core", "framework", "gaps", "people", "portal", "account")


@dataclass
class Browser:
    """Chromium at a desk and as a phone, in front of a stage."""

    desk: Page
    phone: Page
    stage: Stage
    check_accessibility: CheckAccessibility
    markups: set[Structure]
    states: set[tuple[str, int]]
    kinds: set[tuple[str, ...]]
    problems: list[str] = field(default_factory=list)

    def show(self, page: Page, answer: HttpResponse, url: str) -> None:
        """Load an answer as the page of an address."""
        self.stage.answer = answer
        page.goto(f"http://localhost:{self.stage.server_port}{url}")

    def is_new(self, page: str, answer: HttpResponse) -> bool:
        """Whether its markup was not seen, and it is another page or state, or holds a kind of element new to all."""
        kinds = structure_of(answer.content.decode())
        state = (page, answer.status_code)
        new = kinds not in self.markups and (state not in self.states or not kinds <= self.kinds)
        self.markups.add(kinds)
        self.states.add(state)
        self.kinds |= kinds
        return new

    def look(self, what: str, url: str, answer: HttpResponse, english: HttpResponse) -> None:
        """Hold a page against the rules."""
        self.show(self.desk, answer, url)
        try:
            self.check_accessibility(self.desk)
        except AssertionError as error:
            self.problems.append(f"{what}: {error}")
        self.desk.set_viewport_size(NARROW)
        if not fits(self.desk):
            self.problems.append(f"{what}: wider than a phone in Japanese")
        if answer.status_code == HTTPStatus.OK and not self.fits_on_paper():
            self.problems.append(f"{what}: wider than paper")
        self.desk.set_viewport_size(WIDE)
        self.phone.set_content(english.content.decode())
        assert self.phone.evaluate(STYLES) == self.desk.evaluate(STYLES)
        if not fits(self.phone):
            self.problems.append(f"{what}: wider than a phone in English")

    def fits_on_paper(self) -> bool:
        """Whether what stands at the desk is no wider than a sheet; nobody prints a refusal."""
        self.desk.emulate_media(media="print")
        self.desk.set_viewport_size(PAPER)
        fit = fits(self.desk)
        self.desk.emulate_media(media="screen")
        return fit


@pytest.fixture(scope="module")
def markups() -> set[Structure]:
    """The markups that the tests here have seen."""
    return set()


@pytest.fixture(scope="module")
def states() -> set[tuple[str, int]]:
    """The pages that the tests here have looked at, and with which status."""
    return set()


@pytest.fixture(scope="module")
def kinds() -> set[tuple[str, ...]]:
    """The kinds of elements on them."""
    return set()


@pytest.fixture
def browser_of_pages(
    context: BrowserContext,
    stage: Stage,
    markups: set[Structure],
    states: set[tuple[str, int]],
    kinds: set[tuple[str, ...]],
    check_accessibility: CheckAccessibility,
) -> Browser:
    phone = context.new_page()
    phone.set_viewport_size(NARROW)
    stage.answer = HttpResponse("<!doctype html><title>phone</title>")
    phone.goto(f"http://localhost:{stage.server_port}/")  # where the styles are that a page names
    return Browser(context.new_page(), phone, stage, check_accessibility, markups, states, kinds)


def client_of(user: User | None) -> Client:
    """A client that shows refusals instead of raising them."""
    client = Client(raise_request_exception=False)
    if user is not None:
        client.force_login(user)
    return client


def ask(client: Client, method: str, url: str, language: str) -> HttpResponse:
    """One request, whose effects are undone."""
    cache.clear()  # the limits on tries are not what is tried here
    client.cookies[settings.LANGUAGE_COOKIE_NAME] = language
    with transaction.atomic():
        answer = client.generic(method, url)
        transaction.set_rollback(True)
    return answer  # type: ignore[return-value]


def is_page(answer: HttpResponse) -> bool:
    """Whether it is a whole page, no part of one and no file."""
    kind = answer.headers.get("Content-Type", "")
    return not answer.streaming and kind.startswith("text/html") and b"<html" in answer.content


def look_at(browser: Browser, client: Client, method: str, url: str, route: str, who: str) -> None:
    """Ask in both languages, and look where it is a page."""
    answer = ask(client, method, url, "ja")
    if str(answer.status_code) in SHOWN and is_page(answer) and browser.is_new(route, answer):
        browser.look(f"{method} {route} for {who}", url, answer, ask(client, method, url, "en"))


def of_space(space: str) -> Iterator[tuple[str, frozenset[str]]]:
    """The routes of one app; those of sign-in have no namespace."""
    for route, names in routes():
        if (route.partition(":")[0] if ":" in route else "account") == space:
            yield route, names


@pytest.mark.parametrize("space", SPACES)
def test_pages_and_their_errors(browser_of_pages: Browser, space: str) -> None:
    world, table = AccessWorld(), matrix()
    clients = {name: client_of(user) for name, user in world.users().items() if name in ACTORS}
    places = {name: place for place, name in enumerate(world.users())}
    for route, names in of_space(space):
        url = address(world, route, names)
        for method in ("GET", "POST"):
            for actor, client in clients.items():
                if table[route, method][places[actor]] in SHOWN:
                    look_at(browser_of_pages, client, method, url, route, actor)
    assert not browser_of_pages.problems, "\n\n".join(browser_of_pages.problems)


def test_pages_with_nothing_on_them(browser_of_pages: Browser) -> None:
    real_framework()
    table, office = matrix(), MATRIX_ACTORS.index("secretariat")
    bureau = OrganisationFactory.create()
    for role in (Role.SECRETARIAT, Role.COORDINATOR, Role.EXECUTIVE):
        client = client_of(user_with(role, organisation=bureau))
        for route, names in routes():
            if not names and table[route, "GET"][office] in SHOWN:
                look_at(browser_of_pages, client, "GET", reverse(route), f"{route} with nothing", role)
    assert not browser_of_pages.problems, "\n\n".join(browser_of_pages.problems)
