"""What lies in Redis: moments of tries and nudges with ids. No name, mail address, staff number or text of anybody.

Whoever reads Redis, or its file on the disk, must learn nothing about people; docs/operations.md says what lies there.
A canary sings in every column that people write and in every address and staff number; then pages are read, forms are
sent, people sign in, and all that the product puts into Redis, as cache and as broker, is searched for it.
"""

from __future__ import annotations

import base64
import json
import pickle
import re
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any
from urllib.parse import unquote

import pytest
import redis
from allauth.account.models import EmailAddress
from django.contrib.sessions.models import Session
from django.db.models import CharField, F, Value
from django.db.models.functions import Cast, Concat
from django.test import Client
from django.urls import reverse

from skillmap.config.celery import app
from skillmap.core import jobs, redis_health
from skillmap.core.models import Job
from skillmap.people.models import Staff, User
from tests.access_world import ACTORS, AccessWorld, address, routes
from tests.conftest import use_broker
from tests.factories.people import PASSWORD
from tests.hostile.forms import FORM, encoded, forms_of
from tests.hostile.poison import poison
from tests.support.ground import on_ground
from tests.support.signing_in import signed_in
from tests.test_access_matrix import matrix

pytestmark = [pytest.mark.postgres, pytest.mark.services]

CANARIES = [f"canary{number:03}" for number in range(120)]
#: All that may lie there: the limits on tries by what was tried and by a network address, an account's id or the digest
#: of a mail address (gone after five minutes at most), and what Celery keeps of its one queue.
KEYS = re.compile(
    r"string :1:allauth:rl:[\w.]+:[\w.]+:\d+/[\d.]+/(ip:ip:[\d.]+|user:user:\d+|key:[0-9a-f]{64})"
    r"|string :1:throttle_caller_(\d+|[\d.]+)|list celery|set _kombu\.binding(_permanent)?\.celery"
)


def poisoned() -> AccessWorld:
    """The world of the access matrix with a canary in every text, every address and every staff number."""
    world = AccessWorld()
    assert len(poison(CANARIES)) > 45
    named = Concat(Value("canary"), Cast(F("pk"), CharField()))
    User.objects.update(email=Concat(named, Value("@tokyo.example")), is_active=True)
    Staff.objects.update(number=named)
    EmailAddress.objects.all().delete()
    EmailAddress.objects.bulk_create(
        EmailAddress(user=user, email=user.email, primary=True, verified=True) for user in User.objects.all()
    )
    return world


laid, world = on_ground(poisoned)


class Watched:
    """A Redis whose contents are kept as text whenever one asks."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.keys: set[str] = set()
        self.messages: list[dict[str, Any]] = []
        self.texts: list[str] = []

    def look(self) -> None:
        """Keep everything that lies there now."""
        with redis.Redis.from_url(self.url) as client:
            for key in client.scan_iter(count=1000):
                kind = client.type(key).decode()
                self.keys.add(f"{kind} {key.decode()}")
                self.texts += [key.decode(), *(self._text(value) for value in self._values(client, key, kind))]

    @staticmethod
    def _values(client: Any, key: bytes, kind: str) -> Sequence[bytes]:
        if kind == "string":
            return [client.get(key)]
        if kind == "list":
            return list(client.lrange(key, 0, -1))
        if kind == "set":
            return list(client.smembers(key))
        return [repr(client.hgetall(key) if kind == "hash" else client.zrange(key, 0, -1)).encode()]

    def _text(self, value: bytes) -> str:
        if value.startswith(b"\x80"):
            return repr(pickle.loads(value))  # noqa: S301  our own bytes
        text = value.decode(errors="replace")
        if text.startswith("{") and "body" in text:
            message = json.loads(text)
            message["body"] = json.loads(base64.b64decode(message["body"]))
            self.messages.append(message)
            return json.dumps(message, ensure_ascii=False)
        return text


@pytest.fixture
def watched(redis_url: str, monkeypatch: pytest.MonkeyPatch, settings: Any) -> Watched:
    """One Redis as cache and broker, as production has it."""
    settings.CACHES = {"default": {"BACKEND": "skillmap.core.cache.ResilientRedisCache", "LOCATION": redis_url}}
    settings.CELERY_BROKER_URL = redis_url
    redis_health.probe_of.cache_clear()
    use_broker(redis_url, monkeypatch)
    return Watched(redis_url)


def work(client: Client, world: AccessWorld, actor: str) -> list[str]:
    """Read every page of an actor's and send each of its forms; the addresses that a browser was sent on to."""
    table, column, sent_on = matrix(), ACTORS.index(actor), []
    for route, names in routes():
        if table[route, "GET"][column] != "200" or "logout" in route:
            continue
        url = address(world, route, names)
        answer: Any = client.get(url)
        if not answer.headers.get("Content-Type", "").startswith("text/html"):
            continue
        for form in forms_of(url, answer.content.decode(), text="canary999"):
            if form.method == "POST" and not form.multipart and "/logout/" not in form.action:
                moved: Any = client.generic("POST", form.action, encoded(form.values), FORM)
                sent_on += [moved.headers.get("Location", ""), moved.headers.get("HX-Redirect", "")]
    return sent_on


def try_doors(user: User) -> Client:
    """Sign in with the wrong password and the right one, as somebody and as nobody, and ask for a new one."""
    client = Client()
    user.set_password(PASSWORD)
    user.save(update_fields=["password"])
    for email, password in (("canary@nowhere.example", "canary"), (user.email, "canary"), (user.email, PASSWORD)):
        client.post("/accounts/password/reset/", {"email": email})
        client.post("/accounts/login/", {"login": email, "password": password})
    return client


Capture = Callable[..., AbstractContextManager[list[Any]]]
ACTORS_TRIED = ["coordinator", *(pytest.param(each, marks=pytest.mark.trials) for each in ("person", "mentor"))]


@pytest.mark.parametrize("actor", [*ACTORS_TRIED, pytest.param("secretariat", marks=pytest.mark.trials)])
def test_no_canary_lies_in_redis(
    laid: AccessWorld, db: None, watched: Watched, django_capture_on_commit_callbacks: Capture, actor: str
) -> None:
    user = laid.users()[actor]
    assert user is not None
    with django_capture_on_commit_callbacks(execute=True):
        sent_on = work(signed_in(user), laid, actor)
        watched.look()
        try_doors(user)
    for job in Job.objects.all():
        jobs.nudge(job.pk)
    app.send_task("skillmap.core.tasks.tick")
    watched.look()
    versions = reverse("framework:versions")  # what stands for a version in its address is typed, and names nobody
    sent_on = [unquote(url) for url in sent_on if not url.startswith(versions)]
    assert not [text for text in (*watched.texts, *sent_on) if "canary" in text]
    assert not [key for key in watched.keys if not KEYS.fullmatch(key)]
    assert watched.messages
    for message in watched.messages:
        arguments, named, options = message["body"]
        assert all(isinstance(value, int) for value in arguments) and not named and not any(options.values())


def test_a_session_holds_how_somebody_signed_in_and_nothing_else(laid: AccessWorld, db: None) -> None:
    """Sessions lie in the database. The address with which somebody signed in is the one thing personal there."""
    user = laid.users()["person"]
    assert user is not None
    Session.objects.all().delete()
    client = try_doors(user)
    work(client, laid, "person")
    found = [row.get_decoded() for row in Session.objects.all()]
    assert found
    for session in found:
        for method in session.get("account_authentication_methods", ()):
            method.pop("email", None)
        assert "canary" not in repr(session)


@pytest.mark.parametrize("path", ["/metrics", "/metrics/", "/prometheus", "/api/v1/metrics/", "/debug/", "/__debug__/"])
def test_there_is_no_page_of_figures_for_machines(db: None, path: str) -> None:
    assert Client().get(path).status_code == 404
