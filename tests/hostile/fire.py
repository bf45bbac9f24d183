"""The whole API under fire: calls made by schemathesis from its document, for one caller, held against the document.

Calls go through the WSGI application in this process and are undone: each one for itself, or a scenario at its end.
"""

from __future__ import annotations

import itertools
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from functools import cache as once
from io import StringIO
from typing import Any

import hypothesis
import schemathesis
from django.conf import settings
from django.core.cache import cache
from django.core.handlers.wsgi import WSGIHandler
from django.core.management import call_command
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, transaction
from hypothesis import HealthCheck, Phase
from schemathesis import Case
from schemathesis.auths import AuthContext, AuthProvider
from schemathesis.checks import load_all_checks
from schemathesis.config import SchemathesisConfig
from schemathesis.core.failures import FailureGroup
from schemathesis.core.parameters import ParameterLocation
from schemathesis.core.result import Ok
from schemathesis.pytest.lazy import get_all_tests
from schemathesis.schemas import BaseSchema

from skillmap.core import clock
from skillmap.core.choices import Purpose
from skillmap.people import tokens
from skillmap.people.choices import Role
from skillmap.people.models import ApiToken
from tests.access_world import ACTORS, AccessWorld
from tests.factories.people import RoleGrantFactory, UserFactory
from tests.hostile.asking import session_of

TOKENS = ("token of all scopes", "token of one scope", "expired token", "revoked token", "unknown token")
#: Who calls: the people of the access matrix, and programs.
CALLERS = (*ACTORS, *TOKENS)
#: Those who must not get anything out of the API.
OUTSIDE = frozenset({"anonymous", "expired token", "revoked token", "unknown token"})
#: What a request that the document allows may be refused with: 400 names a row that is not there (an item, a cycle).
REFUSALS = ["2xx", "400", "401", "403", "404", "409", "412", "428"]
CSRF = "a" * 32
AnyCase = Case[Any]


@once
def printed() -> str:
    """The document, as JSON."""
    out = StringIO()
    call_command("spectacular", format="openapi-json", stdout=out)
    return out.getvalue()


class Application:
    """The WSGI application; what a call writes is undone, and its status counted."""

    def __init__(self) -> None:
        self.handler = WSGIHandler()
        self.statuses: Counter[int] = Counter()
        self.undo = True

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        """Answer one call."""

        def note(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
            self.statuses[int(status[:3])] += 1
            return start(status, headers, *more)

        cache.clear()  # the limit on calls is not what is tried here
        with transaction.atomic():
            body = list(self.handler(environ, note))
            transaction.set_rollback(self.undo)
        return body


@contextmanager
def one_connection() -> Iterator[None]:
    """The end of a request must not close the connection whose transaction holds the world."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    try:
        yield
    finally:
        for signal in (request_started, request_finished):
            signal.connect(close_old_connections)


def document(application: Application, *, examples: int) -> BaseSchema:
    """The API as schemathesis sees it, with every check on."""
    checks = {
        "positive_data_acceptance": {"expected-statuses": REFUSALS},
        "negative_data_rejection": {"expected-statuses": ["4xx"]},
        "missing_required_header": {"expected-statuses": ["4xx"]},
    }
    generation = {"max-examples": examples, "deterministic": True, "with-security-parameters": False}
    config = SchemathesisConfig.from_dict({"checks": checks, "generation": generation})
    found = schemathesis.openapi.from_dict(json.loads(printed()), config=config)
    found.app = application
    return found


# ---------------------------------------------------------------------------------------------------------- callers


def credentials(world: AccessWorld, caller: str) -> tuple[dict[str, str], dict[str, str]]:
    """The headers and the cookies by which a caller says who it is."""
    user = world.users().get(caller)
    if user is not None:
        cookies = {settings.SESSION_COOKIE_NAME: session_of(user), settings.CSRF_COOKIE_NAME: CSRF}
        return {"X-CSRFToken": CSRF}, cookies
    return ({}, {}) if caller == "anonymous" else ({"Authorization": f"Bearer {_token(caller)}"}, {})


def sign_in(world: AccessWorld, caller: str) -> type[AuthProvider[bool]]:
    """The same for schemathesis, which tries each call without it too."""
    headers, cookies = credentials(world, caller)

    class SignIn:
        def get(self, case: AnyCase, context: AuthContext) -> bool | None:
            return bool(headers) or None

        def set(self, case: AnyCase, data: bool, context: AuthContext) -> None:
            case.headers.update(headers)
            case.cookies = {**case.cookies, **cookies}

    return SignIn


def _token(kind: str) -> str:
    if kind == "unknown token":
        return "dsm_" + "x" * 43
    system = UserFactory.create(is_service=True)
    RoleGrantFactory.create(user=system, role=Role.SECRETARIAT)
    scopes = ["reference:read"] if kind == "token of one scope" else tokens.SCOPES
    token, value = tokens.issue(user=system, name=kind, scopes=scopes, purpose=Purpose.SUPPORT, actor=None)
    if kind == "expired token":
        ApiToken.objects.filter(pk=token.pk).update(expires_at=clock.now() - timedelta(seconds=1))
    elif kind == "revoked token":
        tokens.revoke(token_id=token.pk, actor=None)
    return value


# ------------------------------------------------------------------------------------------------------ what exists


def rows_of(world: AccessWorld) -> dict[str, dict[str, Any]]:
    """What there is: for path parameters by address, for the body ("") by key."""
    base = world.base
    check = {"id": world.check.pk, "code": world.code}
    return {
        "/api/v1/assessments/": check,
        "/api/v1/cycles/": {"id": world.cycle.pk},
        "/api/v1/demand-items/": {"id": world.line.pk},
        "/api/v1/demand-surveys/": {"id": world.survey.pk},
        "/api/v1/frameworks/": {"code": base.framework.code},
        "/api/v1/gap-runs/": {"id": world.run.pk},
        "/api/v1/job-types/": {"code": base.job_types[0].code},
        "/api/v1/organisations/": {"id": base.bureau.pk},
        "/api/v1/priority-areas/": {"id": world.area.pk},
        "/api/v1/reports/": {"name": "supply"},
        "/api/v1/skills/": {"code": world.code},
        "/api/v1/staff/": {"id": world.subject.pk},
        "": {
            "skill": base.skills[0].code,
            "skill_code": world.code,
            "survey": world.survey.pk,
            "cycle": world.cycle.pk,
            "run": world.run.pk,
            "organisation": base.bureau.code,
        },
    }


def _is_as_documented(case: AnyCase, location: ParameterLocation) -> bool:
    return case.meta is not None and not case.meta.is_negative_at(location)


def name_what_exists(case: AnyCase, rows: Mapping[str, Mapping[str, Any]]) -> None:
    """Put rows that exist into the address and the body of a call, where these are as the document says."""
    known = next((found for start, found in rows.items() if start and case.path.startswith(start)), {})
    if case.path_parameters and _is_as_documented(case, ParameterLocation.PATH):
        case.path_parameters = {**case.path_parameters, **{k: v for k, v in known.items() if k in case.path_parameters}}
    if isinstance(case.body, dict) and _is_as_documented(case, ParameterLocation.BODY):
        case.body = {**case.body, **{key: value for key, value in rows[""].items() if key in case.body}}


# ------------------------------------------------------------------------------------------------------------- fire


class Attack:
    """What one caller tries, and what came of it; `edges`: those of all that is documented too, which takes long."""

    def __init__(self, world: AccessWorld, caller: str, *, examples: int, edges: bool = True) -> None:
        self.caller = caller
        self.application = Application()
        self.schema = document(self.application, examples=examples)
        self.schema.auth()(sign_in(world, caller))
        self.rows = rows_of(world)
        self.problems: list[str] = []
        self.turn = itertools.count()
        self.settings = hypothesis.settings(
            deadline=None,
            max_examples=examples,
            stateful_step_count=8,
            suppress_health_check=list(HealthCheck),
            derandomize=True,
            phases=[Phase.explicit, Phase.generate] if edges else [Phase.generate],
            database=None,
        )
        load_all_checks()

    def call(self, case: AnyCase) -> None:
        """One call; each second one names rows that exist."""
        if next(self.turn) % 2:
            name_what_exists(case, self.rows)
        answer = case.call_and_validate()
        self.outsiders_get_nothing(case, answer.status_code)

    def outsiders_get_nothing(self, case: AnyCase, status: int) -> None:
        """Whoever has no valid sign-in is told so and nothing else."""
        if self.caller in OUTSIDE and status not in (401, 404, 405):
            self.problems.append(f"{case.operation.label} answers {status} to: {self.caller}")

    def every_operation(self) -> None:
        """Each operation for itself: the edges of what it documents, then `examples` at random."""
        with one_connection():
            for found in get_all_tests(
                schema=self.schema, test_func=self.call, settings=self.settings, given_kwargs=None
            ):
                assert isinstance(found, Ok), found
                operation, test = found.ok()
                self._guarded(operation.label, test)

    def scenarios(self) -> None:
        """Operations after each other, with what the earlier ones have answered."""
        attack = self

        class Scenario(self.schema.as_state_machine()):  # type: ignore[misc]
            def setup(self) -> None:
                attack.application.undo = False
                self.undone = transaction.atomic()
                self.undone.__enter__()

            def teardown(self) -> None:
                transaction.set_rollback(True)
                self.undone.__exit__(None, None, None)

            def before_call(self, case: AnyCase) -> None:
                if next(attack.turn) % 2:
                    name_what_exists(case, attack.rows)

            def after_call(self, response: Any, case: AnyCase) -> None:
                super().after_call(response, case)
                attack.outsiders_get_nothing(case, response.status_code)

        with one_connection():
            self._guarded("scenario", lambda: Scenario.run(settings=self.settings))

    def _guarded(self, label: str, test: Callable[[], object]) -> None:
        try:
            test()
        except FailureGroup as found:
            self.problems += [f"{label}: {error}" for error in found.exceptions]
