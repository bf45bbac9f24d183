"""Markup that people type in stays text: on every page, for every role, in parts and in mails.

Forty strings stand in every column that people write, and every page is read as a browser reads it: no element, no
attribute and no address of theirs may come out.
"""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

import pytest

from tests.access_world import ACTORS, AccessWorld, address, routes
from tests.hostile.asking import Asker
from tests.hostile.poison import MARK, MARKUP, poison
from tests.support.ground import on_ground
from tests.test_access_matrix import matrix

pytestmark = pytest.mark.sqlite

ADDRESSES = frozenset(
    {"href", "src", "action", "formaction", "hx-get", "hx-post", "hx-put", "hx-delete", "data", "srcdoc"}
)
SCHEMES = ("javascript:", "data:text", "vbscript:", "//xq9")


class Reader(HTMLParser):
    """Reads a page as a browser does, and notes what came of the strings beside text."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.problems: list[str] = []
        self.in_script = False
        self.shown = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """No element of theirs, no handler, no address that runs or leads away."""
        if MARK in tag:
            self.problems.append(f"element <{tag}>")
        for name, value in attrs:
            if MARK in name or name.startswith(("on", "hx-on")):
                self.problems.append(f"attribute {name} of <{tag}>")
            plain = "".join((value or "").split()).lower()
            if name in ADDRESSES and plain.startswith(SCHEMES):
                self.problems.append(f"{name}={value!r} of <{tag}>")
            if name.startswith(("hx-", "style")) and name != "hx-headers" and MARK in plain:
                self.problems.append(f"{name}={value!r} of <{tag}>")
        # Data that a script reads is no script; its angle brackets are escaped, or an element of theirs would show.
        self.in_script = tag in ("script", "style") and ("type", "application/json") not in attrs

    handle_startendtag = handle_starttag

    def handle_data(self, data: str) -> None:
        """Text may show them, scripts must not hold them."""
        if MARK not in data:
            return
        self.shown += 1
        if self.in_script:
            self.problems.append(f"in a script: {data[:80]!r}")

    def handle_endtag(self, tag: str) -> None:
        """The script is over."""
        self.in_script = False


def read(page: str) -> Reader:
    """A page, read."""
    reader = Reader()
    reader.feed(page)
    reader.close()
    return reader


class PoisonedWorld(AccessWorld):
    """The world of the access matrix with the strings in every text; `poisoned` says how many of which column."""

    def __init__(self) -> None:
        super().__init__()
        self.poisoned = poison(MARKUP)


laid, world = on_ground(PoisonedWorld)


@pytest.fixture(scope="module")
def asker(laid: AccessWorld, django_db_blocker: Any) -> Asker:
    with django_db_blocker.unblock():
        return Asker(laid)


@pytest.mark.parametrize("text", MARKUP)
def test_the_reader_sees_what_would_run(text: str) -> None:
    """Each string, put into a page as it is, is either noticed in one of the places or has no effect anywhere."""
    places = (
        "<p>{}</p>",
        '<a title="{}">',
        "<a title='{}'>",
        "<a title={}>",
        '<a href="{}">',
        "<title>{}</title>",
        "<textarea>{}</textarea>",
        "<script>'{}'</script>",
        "<style>{}</style>",
        "<!--{}-->",
    )
    pages = [place.replace("{}", text) for place in places]
    inert = "{{" in text or "&lt;" in text
    assert any(read(page).problems for page in pages) or inert


def test_the_strings_stand_everywhere(laid: PoisonedWorld) -> None:
    assert len(MARKUP) >= 40
    assert len(laid.poisoned) > 45


@pytest.mark.parametrize("headers", [{}, pytest.param({"HX-Request": "true"}, marks=pytest.mark.trials)])
@pytest.mark.parametrize(
    "actor",
    [
        "person",
        "coordinator",
        *(pytest.param(name, marks=pytest.mark.trials) for name in ("secretariat", "mentor", "executive", "supporter")),
    ],
)
def test_markup_stays_text_on_every_page(
    asker: Asker, laid: AccessWorld, db: None, actor: str, headers: dict[str, str]
) -> None:
    table, column, shown, problems = matrix(), ACTORS.index(actor), 0, []
    for route, names in routes():
        if table[route, "GET"][column] != "200":
            continue
        answer = asker.ask(actor, "GET", address(laid, route, names), headers=headers)
        assert answer.status_code < 500, route
        if answer.headers.get("Content-Type", "").startswith("text/html"):
            reader = read(answer.content.decode())
            shown += reader.shown
            problems += [f"{route}: {problem}" for problem in reader.problems]
    assert not problems, "\n".join(problems)
    assert shown > 50


@pytest.mark.parametrize("name", ["person", pytest.param("secretariat", marks=pytest.mark.trials)])
def test_what_a_form_gives_back_stays_text(asker: Asker, laid: AccessWorld, db: None, name: str) -> None:
    """A search, and a form that is shown again with what was typed."""
    for text in MARKUP:
        for url, method in (("/search/?q=", "GET"), ("/people/?q=", "GET"), ("/accounts/login/?next=", "GET")):
            answer = asker.ask(name, method, f"{url}{''.join(f'%{byte:02x}' for byte in text.encode())}")
            if answer.headers.get("Content-Type", "").startswith("text/html"):
                assert not read(answer.content.decode()).problems, (url, text)
