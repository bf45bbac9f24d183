"""Demand surveys and lines over REST: the same rights and rules as the pages, by version, by scope."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoAssertNumQueries

from skillmap.core.choices import Purpose
from skillmap.core.models import AuditEvent
from skillmap.gaps.choices import SurveyState
from skillmap.gaps.models import DemandItem, DemandSurvey
from skillmap.people import tokens
from skillmap.people.choices import Role
from skillmap.people.models import User
from tests.factories.demand import AFTER, DURING, DemandItemFactory, SurveyWorld, add_lines, make_survey
from tests.factories.framework import small_framework
from tests.factories.people import user_with
from tests.support.ground import on_ground

pytestmark = pytest.mark.django_db


@time_machine.travel(DURING, tick=False)
def surveyed() -> SurveyWorld:
    """What all tests here start from."""
    return make_survey(lines=2)


laid, world = on_ground(surveyed)

SURVEYS, ITEMS = "/api/v1/demand-surveys/", "/api/v1/demand-items/"


@pytest.fixture(autouse=True)
def during() -> Iterator[None]:
    """A day on which lines can be entered."""
    with time_machine.travel(DURING, tick=False):
        yield


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def send(client: Client, method: str, url: str, body: object = None, **headers: str) -> Any:
    data = {} if body is None else {"data": json.dumps(body)}
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return getattr(client, method)(url, content_type="application/json", headers=names, **data)


def a_line(world: SurveyWorld, **more: Any) -> dict[str, Any]:
    return {
        "survey": world.survey.pk, "organisation": world.organisations[0].code, "business": "更改", "phase": "planning",
        "skill": world.skills[0].code, "level": 2, "headcount": 3, **more,
    }  # fmt: skip


def title(answer: Any) -> str:
    assert answer.headers["Content-Type"] == "application/problem+json"
    return str(json.loads(answer.content)["title"])


# ---------------------------------------------------------------------------------------------------------- surveys


def test_surveys_that_ask_the_caller(world: SurveyWorld) -> None:
    draft = make_survey(state=SurveyState.DRAFT)
    mine = signed_in(world.coordinator).get(SURVEYS).json()["results"]
    assert [(row["id"], row["asked"], row["answered"], row["state"]) for row in mine] == [
        (world.survey.pk, 1, 0, "open")
    ]
    office = signed_in(world.secretariat).get(SURVEYS).json()["results"]
    assert [(row["id"], row["asked"]) for row in office] == [(draft.survey.pk, 2), (world.survey.pk, 2)]
    assert signed_in(user_with(Role.EXECUTIVE)).get(SURVEYS).json()["results"] == []
    narrowed = signed_in(world.secretariat).get(SURVEYS, {"state": "draft"}).json()["results"]
    assert [row["id"] for row in narrowed] == [draft.survey.pk]


def test_a_survey_with_the_answers_that_the_caller_sees(world: SurveyWorld) -> None:
    url = f"{SURVEYS}{world.survey.pk}/"
    answer = signed_in(world.coordinator).get(url)
    assert answer.headers["ETag"] == '"1"'
    assert answer.json()["answers"] == [
        {
            "id": world.answer.pk,
            "organisation": world.organisations[0].code,
            "organisation_name": world.organisations[0].name,
            "state": "draft",
            "closes_on": "2026-05-31",
            "lines": 2,
            "headcount": sum(item.headcount for item in world.answer.items.all()),
            "submitted_at": None,
            "version": 1,
            "can_edit": True,
            "actions": ["submit"],
        }
    ]
    for user in (world.secretariat, world.supporter):
        seen = signed_in(user).get(url).json()["answers"]
        assert [(row["can_edit"], row["actions"]) for row in seen] == [(False, [])] * 2
    assert signed_in(user_with(Role.EXECUTIVE)).get(url).status_code == 404


def test_surveys_cannot_be_written(world: SurveyWorld) -> None:
    client = signed_in(world.secretariat)
    for method in ("post", "put", "patch", "delete"):
        assert send(client, method, SURVEYS, {}).status_code == 405
        assert send(client, method, f"{SURVEYS}{world.survey.pk}/", {}).status_code == 405


# ------------------------------------------------------------------------------------------------------------ lines


def test_lines_of_the_own_organisations_narrowed_down(world: SurveyWorld) -> None:
    add_lines(world.answers[1], world.skills, 3)
    mine = signed_in(world.coordinator).get(ITEMS).json()["results"]
    assert {row["organisation"] for row in mine} == {world.organisations[0].code} and len(mine) == 2
    office = signed_in(world.secretariat)
    for query, count in (
        ({}, 5),
        ({"organisation": world.organisations[1].code}, 3),
        ({"survey": world.survey.pk}, 5),
        ({"survey": world.survey.pk + 1}, 0),
        ({"fiscal_year": 2026}, 5),
        ({"skill": world.skills[0].code}, 2),
        ({"level": 3}, 1),
        ({"phase": "budget"}, 2),
        ({"state": "submitted"}, 0),
    ):
        assert len(office.get(ITEMS, query).json()["results"]) == count, query
    assert title(office.get(ITEMS, {"phase": "never"})) == "invalid"
    assert signed_in(user_with(Role.EXECUTIVE)).get(ITEMS).json()["results"] == []


def test_a_line_is_added_read_changed_and_removed(world: SurveyWorld) -> None:
    client = signed_in(world.coordinator)
    made = send(client, "post", ITEMS, a_line(world, note=" a \n b ", needed_from="2027-04-01", filled_vendor=2))
    assert made.status_code == 201, made.content
    body, url = made.json(), made.headers["Location"]
    assert (body["note"], body["filled_staff"], body["version"], made.headers["ETag"]) == ("a b", 0, 1, '"1"')
    assert client.get(url).json() == body
    changed = send(client, "patch", url, {"headcount": 9}, If_Match='"1"')
    assert changed.status_code == 200
    assert changed.json() == {**body, "headcount": 9, "version": 2, "updated_at": changed.json()["updated_at"]}
    assert changed.headers["ETag"] == '"2"'
    assert send(client, "delete", url).status_code == 428
    assert send(client, "delete", url, If_Match='"1"').status_code == 412
    assert send(client, "delete", url, If_Match='"2"').status_code == 204
    assert client.get(url).status_code == 404
    channels = AuditEvent.objects.filter(verb__startswith="demand.line").values_list("verb", "channel")
    assert set(channels) == {(f"demand.line_{verb}", "api") for verb in ("add", "change", "remove")}


def test_changes_go_by_version(world: SurveyWorld) -> None:
    client, item = signed_in(world.coordinator), world.answer.items.order_by("pk")[0]
    url = f"{ITEMS}{item.pk}/"
    assert title(send(client, "patch", url, {"headcount": 9})) == "precondition_required"
    for wrong in ('"2"', 'W/"1"', "*", "x"):
        assert send(client, "patch", url, {"headcount": 9}, If_Match=wrong).status_code == 412
    stale = send(client, "patch", url, {"headcount": 9}, If_Match='"7"')
    assert (title(stale), stale.json()["version"], stale.json()["headcount"]) == ("changed", 1, item.headcount)
    item.refresh_from_db()
    assert item.version == 1


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"level": 0}, "level"), ({"level": 4}, "level"), ({"headcount": 0}, "headcount"),
        ({"headcount": 1000}, "headcount"),
        ({"headcount": "many"}, "headcount"), ({"phase": "never"}, "phase"), ({"business": ""}, "business"),
        ({"business": "x" * 121}, "business"), ({"business": " \u200b "}, "business"), ({"note": "x" * 301}, "note"),
        ({"skill": "unheard"}, "skill"), ({"skill": "tool_1"}, "skill"), ({"needed_from": "tomorrow"}, "needed_from"),
        ({"needed_from": "2027-04-02", "needed_until": "2027-04-01"}, "needed_until"),
        ({"needed_from": "0001-01-01"}, "needed_until"), ({"filled_staff": -1}, "filled_staff"),
        ({"position": 1}, "position"), ({"version": 3}, "version"),
    ],
)  # fmt: skip
def test_values_that_are_not_possible(world: SurveyWorld, change: dict[str, Any], field: str) -> None:
    client, before = signed_in(world.coordinator), list(DemandItem.objects.values())
    made = send(client, "post", ITEMS, a_line(world, **change))
    assert (made.status_code, list(made.json()["errors"])) == (400, [field]), made.content
    url = f"{ITEMS}{world.answer.items.order_by('pk')[0].pk}/"
    kept = send(client, "patch", url, change, If_Match='"1"')
    assert (kept.status_code, list(kept.json()["errors"])) == (400, [field]), kept.content
    assert list(DemandItem.objects.values()) == before


def test_what_a_body_must_hold(world: SurveyWorld) -> None:
    client = signed_in(world.coordinator)
    url = f"{ITEMS}{world.answer.items.order_by('pk')[0].pk}/"
    assert send(client, "patch", url, {}, If_Match='"1"').status_code == 400
    for name in ("survey", "organisation", "business", "phase", "skill", "level", "headcount"):
        body = a_line(world)
        del body[name]
        assert list(send(client, "post", ITEMS, body).json()["errors"]) == [name]
    for field in ("survey", "organisation"):
        assert send(client, "patch", url, {field: a_line(world)[field]}, If_Match='"1"').status_code == 400


def test_items_of_another_framework_are_unknown(world: SurveyWorld) -> None:
    small_framework(items=9, code="newer")
    made = send(signed_in(world.coordinator), "post", ITEMS, a_line(world, skill="digital_9"))
    assert list(made.json()["errors"]) == ["skill"]


def test_the_other_day_of_a_period_is_the_stored_one(world: SurveyWorld) -> None:
    client = signed_in(world.coordinator)
    item = DemandItemFactory.create(response=world.answer, skill=world.skills[0], needed_until="2027-03-31")
    answer = send(client, "patch", f"{ITEMS}{item.pk}/", {"needed_from": "2027-04-01"}, If_Match='"1"')
    assert list(answer.json()["errors"]) == ["needed_until"]
    answer = send(client, "patch", f"{ITEMS}{item.pk}/", {"needed_from": "2027-03-31"}, If_Match='"1"')
    assert (answer.status_code, answer.json()["needed_until"]) == (200, "2027-03-31")


# ------------------------------------------------------------------------------------------------------- who, when


def test_lines_of_others_are_not_there(world: SurveyWorld) -> None:
    client, item = signed_in(world.coordinators[1]), world.answer.items.order_by("pk")[0]
    url = f"{ITEMS}{item.pk}/"
    assert client.get(url).status_code == 404
    assert send(client, "patch", url, {"headcount": 9}, If_Match='"1"').status_code == 404
    assert send(client, "delete", url, If_Match='"1"').status_code == 404
    foreign = send(client, "post", ITEMS, a_line(world))
    unheard = send(client, "post", ITEMS, a_line(world, organisation="unheard"))
    assert (foreign.status_code, foreign.content) == (400, unheard.content)


@pytest.mark.parametrize("actor", ["secretariat", "supporter"])
def test_who_sees_all_writes_nothing(world: SurveyWorld, actor: str) -> None:
    client, item = signed_in(getattr(world, actor)), world.answer.items.order_by("pk")[0]
    url, before = f"{ITEMS}{item.pk}/", list(DemandItem.objects.values())
    assert client.get(url).status_code == 200
    assert title(send(client, "post", ITEMS, a_line(world))) == "permission_denied"
    assert send(client, "post", ITEMS, a_line(world)).status_code == 403
    assert send(client, "patch", url, {"headcount": 9}, If_Match='"1"').status_code == 403
    assert send(client, "delete", url, If_Match='"1"').status_code == 403
    assert list(DemandItem.objects.values()) == before


@pytest.mark.parametrize(
    ("today", "state", "code"), [(AFTER, SurveyState.OPEN, "over"), (DURING, SurveyState.CLOSED, "survey_closed")]
)
def test_refusals_of_the_rules_are_409(world: SurveyWorld, today: str, state: str, code: str) -> None:
    DemandSurvey.objects.update(state=state)
    url = f"{ITEMS}{world.answer.items.order_by('pk')[0].pk}/"
    with time_machine.travel(today, tick=False):
        client = signed_in(world.coordinator)
        for answer in (
            send(client, "post", ITEMS, a_line(world)),
            send(client, "patch", url, {"headcount": 9}, If_Match='"1"'),
            send(client, "delete", url, If_Match='"1"'),
        ):
            assert (answer.status_code, title(answer)) == (409, code)


def test_tokens_need_the_scope(world: SurveyWorld) -> None:
    def bearer(*scopes: str) -> Client:
        _row, value = tokens.issue(
            user=world.coordinator, name="t", scopes=scopes, purpose=Purpose.SYSTEM_LINK, actor=world.secretariat
        )
        return Client(headers={"Authorization": f"Bearer {value}"})

    reader, writer = bearer("reports:read"), bearer("demand:write")
    url = f"{ITEMS}{world.answer.items.order_by('pk')[0].pk}/"
    for address in (SURVEYS, f"{SURVEYS}{world.survey.pk}/", ITEMS, url):
        assert reader.get(address).status_code == 200
        assert writer.get(address).status_code == 403
        assert bearer("reference:read").get(address).status_code == 403
        assert Client().get(address).status_code == 401
    assert send(reader, "post", ITEMS, a_line(world)).status_code == 403
    assert send(reader, "patch", url, {"headcount": 9}, If_Match='"1"').status_code == 403
    assert send(reader, "delete", url, If_Match='"1"').status_code == 403
    assert send(writer, "patch", url, {"headcount": 9}, If_Match='"1"').status_code == 200
    assert send(writer, "post", ITEMS, a_line(world)).status_code == 201
    assert send(writer, "delete", url, If_Match='"2"').status_code == 204


# ---------------------------------------------------------------------------------------------------------- queries


@pytest.mark.parametrize("lines", [10, 500])
def test_queries_are_constant(django_assert_max_num_queries: DjangoAssertNumQueries, lines: int) -> None:
    world = make_survey(answers=4, lines=lines)
    client = signed_in(world.coordinator)
    item = world.answer.items.order_by("pk")[0]
    client.get(SURVEYS)  # the session is written on its first use
    for url in (SURVEYS, f"{SURVEYS}{world.survey.pk}/", f"{ITEMS}?page_size=100", f"{ITEMS}{item.pk}/"):
        with django_assert_max_num_queries(8):
            assert client.get(url).status_code == 200
    _row, value = tokens.issue(
        user=world.coordinator, name="t", scopes=["demand:write"], purpose=Purpose.SYSTEM_LINK, actor=None
    )
    service = Client(headers={"Authorization": f"Bearer {value}"})
    send(service, "delete", f"{ITEMS}0/", If_Match='"1"')  # the token's day of use is written once a day
    for method, url, body in (
        ("post", ITEMS, a_line(world)),
        ("patch", f"{ITEMS}{item.pk}/", {"headcount": 9}),
        ("delete", f"{ITEMS}{item.pk}/", None),
    ):
        etag = f'"{DemandItem.objects.get(pk=item.pk).version}"'
        with CaptureQueriesContext(connection) as taken:
            assert send(service, method, url, body, If_Match=etag).status_code in (200, 201, 204)
        statements = [query["sql"] for query in taken.captured_queries]
        others = [sql for sql in statements if sql.startswith(("SAVEPOINT", "RELEASE")) or " FOR SHARE" in sql]
        assert len(statements) - len(others) <= 9, statements


@pytest.mark.parametrize("query", ["survey=99999999999999999999", "survey=0", "survey=1.5", "fiscal_year=99999"])
def test_a_number_that_no_row_can_have_is_refused(world: SurveyWorld, query: str) -> None:
    assert signed_in(world.secretariat).get(f"/api/v1/demand-items/?{query}").status_code == 400
