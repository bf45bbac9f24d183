"""What people write stands in pages and files alone: never in log lines, cache, addresses or mails.

A canary sings in every column that people write; then pages are read and forms are sent, and what was left elsewhere is
searched for it.
"""

from __future__ import annotations

import logging
import pickle
import re
from collections.abc import Iterator
from urllib.parse import unquote

import pytest
from django.core import mail
from django.core.cache import caches

from skillmap.core.models import Notification
from skillmap.core.notifications import send_waiting
from tests.access_world import ACTORS, AccessWorld, address, routes
from tests.hostile.asking import Asker
from tests.hostile.forms import FORM, encoded, forms_of
from tests.hostile.poison import poison
from tests.hostile.sending import send_every_form
from tests.support.ground import on_ground
from tests.support.log_lines import Lines, kept_lines
from tests.test_access_matrix import matrix

pytestmark = pytest.mark.postgres

CANARIES = [f"canary{number:03}" for number in range(120)]
ADDRESS = re.compile(r'(?:href|src|action|hx-get|hx-post)="([^"]*)"')


def poisoned() -> AccessWorld:
    """The world of the access matrix with a canary in every text."""
    world = AccessWorld()
    assert len(poison(CANARIES)) > 45
    return world


laid, world = on_ground(poisoned)


@pytest.fixture
def lines() -> Iterator[Lines]:
    """All lines of a test, as production writes them, at the level of an installation that looks closely."""
    with kept_lines(logging.INFO) as found:
        yield found


def cached() -> list[str]:
    """Keys and values of the cache."""
    stored: dict[str, bytes] = vars(caches["default"])["_cache"]
    return [f"{key} {pickle.loads(value)!r}" for key, value in stored.items()]  # noqa: S301  our own bytes


@pytest.mark.parametrize(
    "actor",
    ["person", *(pytest.param(name, marks=pytest.mark.trials) for name in ("coordinator", "mentor", "secretariat"))],
)
def test_no_canary_is_heard_outside_the_pages(laid: AccessWorld, db: None, lines: Lines, actor: str) -> None:
    asker, table, column = Asker(laid), matrix(), ACTORS.index(actor)
    sung, left = 0, []
    for route, names in routes():
        if table[route, "GET"][column] != "200":
            continue
        url = address(laid, route, names)
        answer = asker.ask(actor, "GET", url)
        left += cached()
        if not answer.headers.get("Content-Type", "").startswith("text/html"):
            continue
        page = answer.content.decode()
        sung += page.count("canary")
        left += [found for found in ADDRESS.findall(page) if "canary" in unquote(found)]
        for form in forms_of(url, page, text="canary999"):
            if form.method == "POST" and not form.multipart:
                asker.ask(actor, "POST", form.action, encoded(form.values), FORM)
                left += cached()
    assert sung > 50
    assert not [line for line in lines.texts if "canary" in line]
    assert not [text for text in left if "canary" in text]


@pytest.mark.trials
def test_no_mail_tells_what_somebody_typed(laid: AccessWorld, db: None) -> None:
    asker, before = Asker(laid), Notification.objects.count()
    for actor in ("person", "mentor", "coordinator"):
        send_every_form(asker, laid, actor, text="canary999")
    assert Notification.objects.count() > before
    send_waiting(1000)
    assert mail.outbox
    assert not [message for message in mail.outbox if "canary999" in f"{message.subject} {message.body}"]
