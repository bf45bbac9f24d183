"""Fields that nobody offered: whoever sends them along changes nothing more than without them.

Pages: each form that somebody may send is sent as it stands, with and without every field of every model; both must
write the same. API: every unknown key is refused by name, in each object of each body.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from django.apps import apps
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.access_world import ACTORS, AccessWorld, address, routes
from tests.hostile.asking import Asker
from tests.hostile.fire import printed
from tests.hostile.forms import FORM, encoded, forms_of
from tests.support.ground import on_ground
from tests.test_access_matrix import matrix

laid, world = on_ground(AccessWorld)
OURS = ("core", "people", "framework", "assessment", "gaps")
COLUMNS = [column for app in OURS for model in apps.get_app_config(app).get_models() for column in model._meta.fields]
FIELDS = sorted({column.name for column in COLUMNS} | {column.attname for column in COLUMNS})
#: What would do harm in the fields where it matters most; "1" in all others.
HARM = {"state": "confirmed", "role": "secretariat", "version": "999", "email": "evil@example.test", "level": "3"}
pytestmark = pytest.mark.sqlite

WRITES = re.compile(r"^(INSERT|UPDATE|DELETE)", re.IGNORECASE)
#: What differs from one time to the next: moments, keys, passwords that nobody has.
CHANGING = re.compile(
    r"\d{4}-\d\d-\d\d[ T][\d:.]+(\+00:00)?|'!\w{40}'|service-\w+@|[0-9a-f]{32,64}|[0-9a-f-]{36}|'[\w+/=$:.-]{60,}'"
)
#: Why a pair ends may be said, although no page asks for it yet.
TAKEN = frozenset({"reason"})
#: What a text may hold that a database, a number or a day does not.
NASTY = (
    "\x00",
    "a\x00b",
    "\ud800",
    "9" * 40,
    "-1",
    "1e5",
    "²",
    "１",
    "NaN",
    "9999-12-31",
    "0000-00-00",
    "[]",
    "a" * 20_000,
    "",
)


@pytest.fixture(scope="module")
def asker(laid: AccessWorld, django_db_blocker: Any) -> Asker:
    with django_db_blocker.unblock():
        return Asker(laid)


def test_there_are_fields_to_try() -> None:
    assert len(FIELDS) > 150
    assert {"is_staff", "confirmed_by_id", "mentor_id", "cycle", "version", "staff_id", "role"} & set(FIELDS)


# ------------------------------------------------------------------------------------------------------------ pages


#: What is written of every form: the session, and that it was sent.
OF_THE_FRAME = re.compile("django_session|core_submittedform")


def sent(asker: Asker, actor: str, url: str, values: list[tuple[str, str]]) -> tuple[int, list[str]]:
    """The status of a form's answer, and what was written."""
    with CaptureQueriesContext(connection) as queries:
        answer = asker.ask(actor, "POST", url, encoded(values), FORM)
    written = [query["sql"] for query in queries if WRITES.match(query["sql"])]
    return answer.status_code, [CHANGING.sub("?", sql) for sql in written if not OF_THE_FRAME.search(sql)]


def pages(world: AccessWorld, actor: str) -> Iterator[str]:
    """The addresses that an actor may read."""
    table, column = matrix(), ACTORS.index(actor)
    for route, names in routes():
        if table[route, "GET"][column] == "200" and not route.startswith(("api", "account_", "mfa_", "usersessions")):
            yield address(world, route, names)


def forms_seen(asker: Asker, world: AccessWorld, actor: str) -> Iterator[tuple[str, list[tuple[str, str]], set[str]]]:
    """Each form that the pages of an actor hold: where it goes, what it sends, and what it asks for."""
    seen = set()
    for url in pages(world, actor):
        answer = asker.ask(actor, "GET", url)
        if not answer.headers.get("Content-Type", "").startswith("text/html"):
            continue
        for form in forms_of(url, answer.content.decode()):
            key = (urlsplit(form.action).path, frozenset(form.controls))
            if form.method != "POST" or form.multipart or key in seen:
                continue
            seen.add(key)
            for values in form.bodies():
                yield form.action, values, form.controls


@pytest.mark.parametrize(
    ("actor", "least"),
    [
        ("coordinator", 4),
        pytest.param("person", 5, marks=pytest.mark.trials),
        pytest.param("mentor", 1, marks=pytest.mark.trials),
        pytest.param("secretariat", 40, marks=pytest.mark.trials),
    ],
)
def test_no_form_takes_more_than_it_asks_for(asker: Asker, laid: AccessWorld, db: None, actor: str, least: int) -> None:
    problems, written = [], 0
    for url, values, controls in forms_seen(asker, laid, actor):
        more = [(name, HARM.get(name, "1")) for name in FIELDS if name not in controls | TAKEN]
        status, as_it_stands = sent(asker, actor, url, values)
        assert status < 500, url
        written += bool(as_it_stands)
        if (status, as_it_stands) != sent(asker, actor, url, values + more):
            problems.append(f"{url} {values}")
    assert not problems, "\n".join(problems)
    assert written >= least


@pytest.mark.parametrize(
    "actor",
    [pytest.param(name, marks=pytest.mark.trials) for name in ("coordinator", "person", "mentor", "secretariat")],
)
def test_no_value_of_a_form_is_a_fault(asker: Asker, laid: AccessWorld, db: None, actor: str) -> None:
    faults = []
    for url, values, _controls in forms_seen(asker, laid, actor):
        for place, (name, _value) in enumerate(values):
            for nasty in NASTY if name != "csrfmiddlewaretoken" else ():
                changed = [*values[:place], (name, nasty), *values[place + 1 :]]
                body = "&".join(f"{quote(key)}={quote(text, errors='surrogatepass')}" for key, text in changed)
                status = asker.ask(actor, "POST", url, body, FORM).status_code
                if status >= 500:
                    faults.append(f"{url} {name}={nasty[:20]!r}: {status}")
    assert not faults, "\n".join(faults)


# -------------------------------------------------------------------------------------------------------------- API


def schema_of(part: Mapping[str, Any], document: Mapping[str, Any]) -> Mapping[str, Any]:
    """A schema behind its reference."""
    reference = part.get("$ref") or next((inner["$ref"] for inner in part.get("allOf", ()) if "$ref" in inner), None)
    return document["components"]["schemas"][reference.rpartition("/")[2]] if reference else part


def objects(schema: Mapping[str, Any], document: Mapping[str, Any], path: tuple[Any, ...] = ()) -> Iterator[Any]:
    """Each object of a body: the keys that lead there, and the properties that it may have."""
    schema = schema_of(schema, document)
    if schema.get("type") != "object":
        return
    yield path, set(schema["properties"])
    for name, part in schema["properties"].items():
        inner = schema_of(part, document)
        if inner.get("type") == "array":
            yield from objects(inner["items"], document, (*path, name, 0))
        else:
            yield from objects(inner, document, (*path, name))


def body_with(path: tuple[Any, ...], extra: Mapping[str, Any]) -> Any:
    """A body that holds these keys at a place, and nothing else."""
    value: Any = dict(extra)
    for key in reversed(path):
        value = [value] if key == 0 else {key: value}
    return value


def error_at(errors: Any, path: tuple[Any, ...]) -> Any:
    """What an answer says about a place of the body."""
    for key in path:
        errors = errors[key] if isinstance(errors, list) else (errors or {}).get(str(key))
    return errors


def writes() -> list[Any]:
    """Each object of each body of the API: method, address, place, known keys."""
    document = json.loads(printed())
    found = []
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if "requestBody" in operation:
                schema = operation["requestBody"]["content"]["application/json"]["schema"]
                found += [(method.upper(), path, *where) for where in objects(schema, document)]
    return found


ACTS = {"/api/v1/assessments/{id}/": "person", "/api/v1/demand-items/": "coordinator"}


@pytest.mark.django_db
def test_no_body_of_the_api_takes_keys_that_it_does_not_name(asker: Asker, laid: AccessWorld) -> None:
    places = {"{id}": str(laid.check.pk), "{code}": laid.code}
    found = writes()
    assert len(found) >= 9
    for method, path, place, known in found:
        actor = next((who for start, who in ACTS.items() if path.startswith(start)), "secretariat")
        if "one-on-ones" in path:
            actor = "mentor"
        url = path.replace("demand-items/{id}", f"demand-items/{laid.line.pk}")
        for name, value in places.items():
            url = url.replace(name, value)
        unknown = {name: HARM.get(name, 1) for name in FIELDS if name not in known}
        body = body_with(place, unknown)
        if path == "/api/v1/demand-items/":  # which answer it goes into is looked at first
            body |= {"survey": laid.survey.pk, "organisation": laid.base.bureau.code}
        body = json.dumps(body)
        answer = asker.ask(actor, method, url, body, "application/json", {"If-Match": '"1"'})
        assert answer.status_code == 400, (method, path, place, answer.content[:300])
        refused = error_at(answer.json()["errors"], place)
        assert set(unknown) <= set(refused or ()), (method, path, place, answer.json()["errors"])
