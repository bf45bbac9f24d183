"""Priority areas: the list for everyone, decisions for the secretariat alone."""

import re
from copy import deepcopy
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from skillmap.core.models import AuditEvent
from skillmap.gaps.choices import AreaState
from skillmap.gaps.models import GapRun, PriorityArea, SkillResult
from skillmap.gaps.services.areas import area_add, area_withdraw
from skillmap.people.models import User
from tests.factories.framework import small_framework
from tests.factories.gaps import RunWorld, finished_run, make_run_world
from tests.support.ground import Ground

# Words and forms; every page is asked for on both databases by test_query_counts.
pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]

DENIED = ("supporter", "executive", "coordinator", "other_coordinator", "person")
MOST_QUERIES = 10


@pytest.fixture(scope="module", autouse=True)
def laid(ground: Ground) -> tuple[RunWorld, GapRun]:
    with ground():
        world = make_run_world(people=48, bureaus=2)
        made = finished_run(world, publish=True)
        SkillResult.objects.filter(run=made).update(is_proposed=False)
        for number in (1, 2):
            SkillResult.objects.filter(run=made, skill__number=number).update(is_proposed=True)
        return world, made


@pytest.fixture
def both(laid: tuple[RunWorld, GapRun], db: None) -> tuple[RunWorld, GapRun]:
    return deepcopy(laid)


@pytest.fixture
def world(both: tuple[RunWorld, GapRun]) -> RunWorld:
    return both[0]


@pytest.fixture
def run(both: tuple[RunWorld, GapRun]) -> GapRun:
    """A published run that proposes the items 1 and 2, whatever the levels of the world are."""
    return both[1]


def as_user(user: User) -> Client:
    client = Client()
    client.force_login(user)
    client.cookies["django_language"] = "en"
    return client


def url(name: str, *args: Any) -> str:
    return reverse(f"gaps:{name}", args=args)


def code(world: RunWorld, number: int) -> str:
    return world.items[number - 1].code


def state(world: RunWorld, number: int) -> str | None:
    return PriorityArea.objects.filter(skill=world.items[number - 1]).values_list("state", flat=True).first()


def adopt(world: RunWorld, run: GapRun, *numbers: int) -> Any:
    codes = [code(world, number) for number in numbers]
    return as_user(world.secretariat).post(url("area_decide", run.pk), {"skill": codes})


@pytest.mark.parametrize("role", DENIED)
def test_others_are_refused_and_nothing_changes(world: RunWorld, run: GapRun, role: str) -> None:
    adopt(world, run, 1)
    area = PriorityArea.objects.get()
    client = as_user(world.roles()[role])
    sent = {"skill": code(world, 2), "reason": "because", "version": "1"}
    for address in (
        url("area_decide", run.pk), url("area_refuse", run.pk, code(world, 2)), url("area_withdraw", run.pk, area.pk),
    ):  # fmt: skip
        assert client.get(address).status_code == 403, address
        assert client.post(address, sent).status_code == 403, address
    assert client.post(url("area_add", run.pk), sent).status_code == 403
    assert [state(world, 1), state(world, 2)] == [AreaState.ADOPTED, None]


@pytest.mark.parametrize("role", ["secretariat", *DENIED])
def test_everyone_signed_in_sees_what_is_adopted(world: RunWorld, run: GapRun, role: str) -> None:
    adopt(world, run, 1)
    as_user(world.secretariat).post(url("area_refuse", run.pk, code(world, 2)), {"reason": "too few courses"})
    page = as_user(world.roles()[role]).get(url("areas"))
    html = page.content.decode()
    area = PriorityArea.objects.get(state=AreaState.ADOPTED)
    assert page.status_code == 200
    assert [(year, rows) for year, rows in page.context["years"]] == [(run.fiscal_year, [area])]
    assert f">{area.demand_rank}</td>" in html
    assert f">{area.supply_rank}</td>" in html
    assert world.items[1].label not in html
    assert "too few courses" not in html


def test_signed_out_people_see_nothing(world: RunWorld) -> None:
    assert Client().get(url("areas")).status_code == 302


def test_without_an_adopted_area_the_list_says_so(world: RunWorld) -> None:
    assert "No area is adopted yet." in as_user(world.person).get(url("areas")).content.decode()


def test_several_are_adopted_at_once(world: RunWorld, run: GapRun) -> None:
    page = as_user(world.secretariat).get(url("area_decide", run.pk))
    ranks = [line.demand_rank for line in page.context["open_lines"]]
    assert ranks == sorted(ranks)
    assert adopt(world, run, 1, 2).status_code == 302
    assert [state(world, 1), state(world, 2)] == [AreaState.ADOPTED] * 2


@pytest.mark.parametrize("numbers", [(), (1, 3)])
def test_nothing_or_an_item_that_is_not_proposed_adopts_none(
    world: RunWorld, run: GapRun, numbers: tuple[int, ...]
) -> None:
    answer = adopt(world, run, *numbers)
    assert answer.status_code == 422
    assert answer.context["refusal"]
    assert not PriorityArea.objects.exists()


def test_a_proposal_is_refused_with_a_reason_and_may_be_adopted_later(world: RunWorld, run: GapRun) -> None:
    client, address = as_user(world.secretariat), url("area_refuse", run.pk, code(world, 1))
    assert client.post(address, {"reason": "  "}).status_code == 422
    assert state(world, 1) is None
    assert client.post(address, {"reason": "courses are full"}).status_code == 302
    assert state(world, 1) == AreaState.REFUSED
    page = client.get(url("area_decide", run.pk))
    assert "courses are full" in page.content.decode()
    assert f'name="version-{code(world, 1)}" value="1"' in page.content.decode()
    sent = {"skill": [code(world, 1)], f"version-{code(world, 1)}": "1"}
    assert client.post(url("area_decide", run.pk), sent).status_code == 302
    assert state(world, 1) == AreaState.ADOPTED


def test_what_is_not_proposed_can_not_be_refused(world: RunWorld, run: GapRun) -> None:
    client = as_user(world.secretariat)
    assert client.get(url("area_refuse", run.pk, code(world, 3))).status_code == 404
    assert client.get(url("area_refuse", run.pk, "no-such-item")).status_code == 404


def test_an_item_is_added_by_hand_with_a_reason(world: RunWorld, run: GapRun) -> None:
    client = as_user(world.secretariat)
    assert client.post(url("area_add", run.pk), {"skill": code(world, 3), "reason": ""}).status_code == 422
    assert client.post(url("area_add", run.pk), {"skill": "no-such-item", "reason": "x"}).status_code == 422
    assert not PriorityArea.objects.exists()
    assert client.post(url("area_add", run.pk), {"skill": code(world, 3), "reason": "new law"}).status_code == 302
    area = PriorityArea.objects.get()
    assert (area.state, area.by_hand, area.reason) == (AreaState.ADOPTED, True, "new law")
    assert "added by hand" in as_user(world.person).get(url("areas")).content.decode()


def test_what_was_withdrawn_after_the_page_was_opened_is_not_added(world: RunWorld, run: GapRun) -> None:
    client, address = as_user(world.secretariat), url("area_decide", run.pk)
    fields = {"skill": code(world, 3), "reason": "国の方針"}
    assert f"version-{code(world, 3)}" not in client.get(address).content.decode()
    colleague = world.roles()["secretariat"]
    area = area_add(fiscal_year=run.fiscal_year, skill_code=code(world, 3), reason="x", actor=colleague, run_id=run.pk)
    area_withdraw(area_id=area.pk, version=area.version, reason="課長会議で見送り", actor=colleague)
    refused = client.post(url("area_add", run.pk), fields)
    assert refused.status_code == 422
    assert state(world, 3) == AreaState.WITHDRAWN
    seen = re.search(rf'name="version-{code(world, 3)}" value="(\d+)"', refused.content.decode())
    assert seen, "the page shows it now, so the next press is about it"
    again = client.post(url("area_add", run.pk), {**fields, f"version-{code(world, 3)}": seen[1]})
    assert (again.status_code, state(world, 3)) == (302, AreaState.ADOPTED)


def test_an_item_of_the_runs_own_version_is_added_though_a_newer_one_is_without_it(world: RunWorld) -> None:
    waiting = finished_run(world)
    SkillResult.objects.filter(run=waiting).update(is_proposed=False)
    small_framework(items=3, tools=1)
    client = as_user(world.secretariat)
    page = client.get(url("area_decide", waiting.pk))
    assert code(world, 6) in dict(page.context["form"].fields["skill"].choices)
    client.post(url("area_add", waiting.pk), {"skill": code(world, 6), "reason": "国の方針"})
    assert state(world, 6) == AreaState.ADOPTED


def test_an_area_is_withdrawn_with_a_reason(world: RunWorld, run: GapRun) -> None:
    adopt(world, run, 1)
    area = PriorityArea.objects.get()
    client, address = as_user(world.secretariat), url("area_withdraw", run.pk, area.pk)
    assert client.post(address, {"reason": "", "version": area.version}).status_code == 422
    assert client.post(address, {"reason": "budget", "version": area.version}).status_code == 302
    assert state(world, 1) == AreaState.WITHDRAWN
    assert not as_user(world.person).get(url("areas")).context["years"]
    assert client.get(address).status_code == 404


def test_a_decision_that_changed_meanwhile_is_not_overwritten(world: RunWorld, run: GapRun) -> None:
    adopt(world, run, 1)
    area = PriorityArea.objects.get()
    PriorityArea.objects.filter(pk=area.pk).update(version=7)
    answer = as_user(world.secretariat).post(
        url("area_withdraw", run.pk, area.pk), {"reason": "budget", "version": area.version}
    )
    assert answer.status_code == 409
    assert state(world, 1) == AreaState.ADOPTED


def test_proposals_of_an_unpublished_run_wait(world: RunWorld) -> None:
    run = finished_run(world)
    SkillResult.objects.filter(run=run, skill__number=1).update(is_proposed=True)
    page = as_user(world.secretariat).get(url("area_decide", run.pk)).content.decode()
    assert url("run", run.pk) in page
    assert adopt(world, run, 1).status_code == 422
    assert not PriorityArea.objects.exists()


def test_the_history_names_who_and_what(world: RunWorld, run: GapRun) -> None:
    adopt(world, run, 1)
    area = PriorityArea.objects.get()
    client = as_user(world.secretariat)
    client.post(url("area_withdraw", run.pk, area.pk), {"reason": "budget", "version": area.version})
    history = client.get(url("area_decide", run.pk)).context["history"]
    assert len(history) == AuditEvent.objects.filter(verb__startswith="area.").count() == 2
    assert [entry.who for entry in history] == [world.secretariat.name] * 2
    assert all((world.items[0].name_en or world.items[0].name) in entry.text for entry in history)
    assert history[0].why == "budget"


def queries(user: User, address: str) -> int:
    client = as_user(user)
    client.get(address)
    with CaptureQueriesContext(connection) as found:
        assert client.get(address).status_code == 200
    return sum(not query["sql"].startswith(("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE")) for query in found)


def test_queries_are_few_and_do_not_grow(world: RunWorld, run: GapRun) -> None:
    adopt(world, run, 1)
    addresses = [url("areas"), url("area_decide", run.pk)]
    few = [queries(world.secretariat, address) for address in addresses]
    adopt(world, run, 2)
    client = as_user(world.secretariat)
    for number in (3, 4):
        client.post(url("area_add", run.pk), {"skill": code(world, number), "reason": "new law"})
    assert [queries(world.secretariat, address) for address in addresses] == few
    assert max(few) <= MOST_QUERIES
    assert queries(world.person, url("areas")) <= MOST_QUERIES
