"""Markup that people type in stays text in Chromium: no dialog, no script of theirs, no report of the security policy.

The world of tests/hostile/test_markup.py, its strings in every text; each page is loaded with the scripts and styles of
the product, and what reacts to a pointer or to the keyboard is passed over.
"""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Dialog

from tests.access_world import ACTORS, AccessWorld, address, routes
from tests.browser.stage import Stage
from tests.hostile.asking import Asker
from tests.hostile.poison import MARK
from tests.hostile.test_markup import PoisonedWorld
from tests.support.ground import on_ground
from tests.test_access_matrix import matrix

pytestmark = pytest.mark.django_db

laid, world = on_ground(PoisonedWorld)
#: Pages that show what people write, looked at in the short form; trials look at all.
FEW = 12
# Whatever their markup could bring into the page, were it taken for markup.
THEIRS = f"[...document.querySelectorAll('*')].filter(each => each.localName.includes('{MARK}')).length"


@pytest.fixture(scope="module")
def asker(laid: AccessWorld, django_db_blocker: Any) -> Asker:
    with django_db_blocker.unblock():
        return Asker(laid)


@pytest.mark.parametrize(
    ("actor", "most"),
    [
        ("person", FEW),
        *(
            pytest.param(actor, None, marks=pytest.mark.trials, id=actor)
            for actor in ("person", "mentor", "coordinator", "secretariat", "executive", "supporter")
        ),
    ],
)
def test_nothing_that_people_typed_runs(
    context: BrowserContext, stage: Stage, asker: Asker, laid: AccessWorld, actor: str, most: int | None
) -> None:
    page, dialogs, looked_at = context.new_page(), list[str](), 0

    def note(dialog: Dialog) -> None:
        dialogs.append(dialog.message)
        dialog.dismiss()

    page.on("dialog", note)
    column, table = ACTORS.index(actor), matrix()
    for route, names in routes():
        url = address(laid, route, names)
        if table[route, "GET"][column] != "200" or looked_at == most:
            continue
        answer = asker.ask(actor, "GET", url)
        if b"<html" not in answer.content or MARK.encode() not in answer.content:
            continue
        stage.answer = answer
        page.goto(f"http://localhost:{stage.server_port}{url}")
        looked_at += 1
        assert page.evaluate(THEIRS) == 0, route
        page.keyboard.press("Tab")
        page.mouse.move(400, 300)
        assert not dialogs, (route, dialogs)
    assert looked_at >= (most or 1), "what people typed was on the pages"
