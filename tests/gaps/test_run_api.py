"""Runs, areas and reports over REST: by role with every denied cell, by scope, and never a hidden number."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from copy import deepcopy
from typing import Any

import openpyxl
import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext, override_settings
from django.utils import translation
from django.utils.translation import gettext

from skillmap.assessment.choices import GroupItems, State
from skillmap.assessment.models import Assessment, CycleGroup
from skillmap.core.choices import JobState
from skillmap.core.models import Job
from skillmap.gaps.models import GapCell, GapNode, GapRun, PriorityArea, SkillResult
from skillmap.gaps.selectors.dashboard import progress
from skillmap.gaps.services.areas import area_add, area_adopt, area_refuse
from skillmap.people import tokens
from skillmap.people.models import User
from tests.factories.gaps import RunWorld, answer, asked_run, finished_run, make_run_world
from tests.support.effects import every_cell
from tests.support.ground import Ground

ROLES = ("anonymous", "person", "coordinator", "other_coordinator", "executive", "supporter", "secretariat")
SUPPLY = {1: 70, 2: 60, 3: 50, 4: 20, 5: 15, 6: 8}


@pytest.fixture(scope="module", autouse=True)
def laid(ground: Ground) -> tuple[RunWorld, GapRun]:
    """Three bureaus; a section of the first has an answer of its own. Items 6 and 5 are proposed."""
    with ground():
        world = make_run_world(level_of=lambda index, number: 2 if (index * 7) % 90 < SUPPLY[number] else index % 2)
        answer(world, world.sections[0], [(1, 1, 3, 4)])
        return world, finished_run(world, publish=True)


@pytest.fixture
def both(laid: tuple[RunWorld, GapRun], db: None) -> tuple[RunWorld, GapRun]:
    return deepcopy(laid)


@pytest.fixture
def world(both: tuple[RunWorld, GapRun]) -> RunWorld:
    return both[0]


@pytest.fixture
def published(both: tuple[RunWorld, GapRun]) -> GapRun:
    """A run that everyone with a role sees."""
    return both[1]


@pytest.fixture
def unpublished(published: GapRun, world: RunWorld) -> GapRun:
    """A later one that the secretariat has not published."""
    return finished_run(world, parameters={"supply_level": 1})


def client_of(world: RunWorld, role: str) -> Client:
    """Signed in by role; nobody for `anonymous`."""
    client = Client()
    if role != "anonymous":
        client.force_login(world.roles()[role])
    return client


def post(client: Client, url: str, body: Mapping[str, Any], **headers: str) -> Any:
    """JSON as a program sends it."""
    return client.post(url, json.dumps(body), content_type="application/json", headers=headers)


# -------------------------------------------------------------------------------------------------------- by role
READS = {
    # address: status by ROLES
    "/api/v1/gap-runs/": (401, 200, 200, 200, 200, 200, 200),
    "/api/v1/gap-runs/{published}/": (401, 404, 200, 200, 200, 200, 200),
    "/api/v1/gap-runs/{published}/results/": (401, 404, 200, 200, 200, 200, 200),
    "/api/v1/gap-runs/{published}/results/?place={first}": (401, 404, 200, 404, 200, 200, 200),
    "/api/v1/gap-runs/{published}/results/?place={second}": (401, 404, 404, 200, 200, 200, 200),
    "/api/v1/gap-runs/{published}/results/?place={group}": (401, 404, 404, 404, 200, 200, 200),
    "/api/v1/gap-runs/{unpublished}/": (401, 404, 404, 404, 404, 404, 200),
    "/api/v1/gap-runs/{unpublished}/results/": (401, 404, 404, 404, 404, 404, 200),
    "/api/v1/gap-runs/999999/": (401, 404, 404, 404, 404, 404, 404),
    "/api/v1/priority-areas/": (401, 200, 200, 200, 200, 200, 200),
    "/api/v1/priority-areas/{adopted}/": (401, 200, 200, 200, 200, 200, 200),
    "/api/v1/priority-areas/{refused}/": (401, 404, 404, 404, 404, 404, 200),
    "/api/v1/reports/supply/": (401, 403, 200, 200, 200, 200, 200),
    "/api/v1/reports/supply/?organisation={first_code}": (401, 403, 200, 404, 200, 200, 200),
    "/api/v1/reports/gap/": (401, 403, 200, 200, 200, 200, 200),
    "/api/v1/reports/gap/?organisation={first_code}": (401, 403, 200, 404, 200, 200, 200),
    "/api/v1/reports/priority/": (401, 200, 200, 200, 200, 200, 200),
    "/api/v1/reports/cycle-progress/": (401, 403, 200, 200, 200, 200, 200),
    "/api/v1/reports/cycle-progress/?organisation={first_code}": (401, 403, 200, 404, 404, 404, 200),
    "/api/v1/reports/levels-by-name/": (401, 404, 404, 404, 404, 404, 404),
}


@pytest.fixture
def names(world: RunWorld, published: GapRun, unpublished: GapRun) -> dict[str, Any]:
    """What the addresses name."""
    (adopted,) = area_adopt(run_id=published.pk, skill_codes=["digital_6"], actor=world.secretariat)
    refused = area_refuse(run_id=published.pk, skill_code="digital_5", reason="枠がない", actor=world.secretariat)
    return {
        "published": published.pk,
        "unpublished": unpublished.pk,
        "adopted": adopted.pk,
        "refused": refused.pk,
        "first": f"org-{world.bureaus[0].pk}",
        "second": f"org-{world.bureaus[1].pk}",
        "group": f"group-{world.groups[0].pk}",
        "first_code": world.bureaus[0].code,
    }


@pytest.mark.parametrize("role", ROLES)
def test_reads_by_role(world: RunWorld, names: dict[str, Any], role: str) -> None:
    client = client_of(world, role)
    found = {address: client.get(address.format(**names)).status_code for address in READS}
    assert found == {address: row[ROLES.index(role)] for address, row in READS.items()}


@pytest.mark.parametrize(("role", "status"), list(zip(ROLES, (401, 403, 403, 403, 403, 403, 202), strict=True)))
def test_runs_are_asked_for_by_the_secretariat(world: RunWorld, role: str, status: int) -> None:
    body = {"cycle": world.cycle.pk, "survey": world.survey.pk}
    response = post(client_of(world, role), "/api/v1/gap-runs/", body)
    assert response.status_code == status
    waiting = Job.objects.exclude(state=JobState.DONE)
    assert GapRun.objects.filter(finished_at=None).count() == waiting.count() == (status == 202)


@pytest.mark.parametrize(("role", "status"), list(zip(ROLES, (401, 403, 403, 403, 403, 403, 201), strict=True)))
def test_areas_are_adopted_by_the_secretariat(world: RunWorld, published: GapRun, role: str, status: int) -> None:
    body = {"run": published.pk, "skill_code": "digital_6"}
    assert post(client_of(world, role), "/api/v1/priority-areas/", body).status_code == status
    by_hand = {"fiscal_year": 2030, "skill_code": "digital_1", "reason": "国の方針"}
    assert post(client_of(world, role), "/api/v1/priority-areas/", by_hand).status_code == status
    assert PriorityArea.objects.count() == (2 if status == 201 else 0)


def test_methods_that_are_not_offered(world: RunWorld, names: dict[str, Any]) -> None:
    client = client_of(world, "secretariat")
    for address in READS:
        for method in ("put", "patch", "delete"):
            assert getattr(client, method)(address.format(**names)).status_code == 405, (method, address)
    for address in ("/api/v1/gap-runs/{published}/", "/api/v1/gap-runs/{published}/results/", "/api/v1/reports/gap/"):
        assert client.post(address.format(**names)).status_code == 405


# ------------------------------------------------------------------------------------------------------- by token
@pytest.mark.parametrize(
    ("scope", "read", "write"),
    [("reports:read", 200, 403), ("runs:write", 403, 202), ("reference:read", 403, 403), ("levels:read", 403, 403)],
)
def test_a_token_reaches_what_its_scopes_say(
    world: RunWorld, published: GapRun, scope: str, read: int, write: int
) -> None:
    _token, value = tokens.issue(
        user=world.secretariat, name="試験", scopes=[scope], purpose="system_link", actor=world.secretariat
    )
    client = Client(headers={"Authorization": f"Bearer {value}"})
    for address in ("gap-runs/", f"gap-runs/{published.pk}/results/", "priority-areas/", "reports/gap/"):
        assert client.get(f"/api/v1/{address}").status_code == read
    body = {"cycle": world.cycle.pk, "survey": world.survey.pk, "settings": {"k": 9}}
    assert post(client, "/api/v1/gap-runs/", body).status_code == write


def test_a_token_of_an_account_without_a_role_reads_areas_alone(world: RunWorld, published: GapRun) -> None:
    _token, value = tokens.issue(
        user=world.person, name="試験", scopes=["reports:read", "runs:write"], purpose="system_link", actor=None
    )
    client = Client(headers={"Authorization": f"Bearer {value}"})
    assert client.get("/api/v1/priority-areas/").status_code == 200
    assert client.get("/api/v1/gap-runs/").json()["results"] == []
    assert client.get("/api/v1/reports/supply/").status_code == 403
    assert post(client, "/api/v1/gap-runs/", {"cycle": 1, "survey": 1}).status_code == 403


# ------------------------------------------------------------------------------------------------------ asking for it
def test_a_run_is_accepted_with_where_to_look(world: RunWorld) -> None:
    client = client_of(world, "secretariat")
    body = {"cycle": world.cycle.pk, "survey": world.survey.pk, "settings": {"supply_level": 3, "top_share": [1, 2]}}
    response = post(client, "/api/v1/gap-runs/", body)
    run = GapRun.objects.get(finished_at=None)
    assert response.headers["Location"].endswith(f"/api/v1/gap-runs/{run.pk}/")
    answered = client.get(response.headers["Location"]).json()
    assert answered == response.json()
    assert (answered["state"], answered["progress"], answered["people"]) == ("queued", 0, None)
    assert answered["settings"] == {"population": ["ict"], "supply_level": 3, "top_share": [1, 2], "k": 5}
    assert post(client, "/api/v1/gap-runs/", body).json()["id"] == run.pk, "the same request is the same run"
    assert client.get(f"/api/v1/gap-runs/{run.pk}/results/").json()["title"] == "not_finished"


@pytest.mark.parametrize(
    ("change", "status", "title"),
    [
        ({"cycle": None}, 400, "invalid"),
        ({"cycle": "x"}, 400, "invalid"),
        ({"cycle": 999999}, 404, "not_found"),
        ({"basis": "guessed"}, 400, "invalid"),
        ({"settings": {"k": 2}}, 409, "bad_k"),
        ({"settings": {"colour": 1}}, 400, "invalid"),
        ({"settings": {"top_share": [1, 1000]}}, 409, "top_of_none"),
        ({"settings": {"top_share": [1]}}, 400, "invalid"),
        ({"published_at": "2026-01-01"}, 400, "invalid"),
        ({"fiscal_year": 2001}, 400, "invalid"),
    ],
)
def test_a_request_that_makes_no_sense_changes_nothing(
    world: RunWorld, change: dict[str, Any], status: int, title: str
) -> None:
    body = {"cycle": world.cycle.pk, "survey": world.survey.pk, **change}
    response = post(client_of(world, "secretariat"), "/api/v1/gap-runs/", body)
    assert (response.status_code, response.json()["title"]) == (status, title)
    assert response.headers["Content-Type"] == "application/problem+json"
    assert not GapRun.objects.filter(finished_at=None).exists()


def test_runs_are_found_by_year_and_basis(world: RunWorld, published: GapRun, unpublished: GapRun) -> None:
    client = client_of(world, "secretariat")

    def ids(query: str) -> list[int]:
        return [row["id"] for row in client.get(f"/api/v1/gap-runs/?{query}").json()["results"]]

    assert ids("") == [unpublished.pk, published.pk]
    assert ids(f"fiscal_year={published.fiscal_year}&basis=confirmed") == [unpublished.pk, published.pk]
    assert ids("basis=corrected") == ids("fiscal_year=1999") == []
    assert [row["id"] for row in client_of(world, "executive").get("/api/v1/gap-runs/").json()["results"]] == [
        published.pk
    ]


def test_a_failed_run_says_so(world: RunWorld) -> None:
    run = asked_run(world)
    Job.objects.filter(gap_run=run).update(state="failed", error="だめでした", finished_at=run.created_at)
    answered = client_of(world, "secretariat").get(f"/api/v1/gap-runs/{run.pk}/").json()
    assert (answered["state"], answered["message"], answered["finished_at"]) == ("failed", "だめでした", None)


# ------------------------------------------------------------------------------------------------------------ results
def test_results_are_what_is_stored(world: RunWorld, published: GapRun) -> None:
    body = client_of(world, "executive").get(f"/api/v1/gap-runs/{published.pk}/results/").json()
    stored = SkillResult.objects.filter(run=published).select_related("skill").order_by("demand_rank")
    assert [
        (row["skill_code"], row["demand"], row["demand_rank"], row["supply"], row["supply_rank"], row["is_proposed"])
        for row in body["skills"]
    ] == [(row.skill.code, row.demand, row.demand_rank, row.supply, row.supply_rank, row.is_proposed) for row in stored]
    assert [row["skill_code"] for row in body["skills"] if row["is_proposed"]] == ["digital_6", "digital_5"]
    assert body["top"] == 2
    nodes = GapNode.objects.filter(run=published).order_by("position")
    assert [(row["key"], row["people"]) for row in body["places"]] == [(node.key, node.people) for node in nodes]


def test_every_place_gives_its_cells_and_no_other_number(world: RunWorld, published: GapRun) -> None:
    client, every = client_of(world, "executive"), every_cell(published)
    hidden = 0
    for node in GapNode.objects.filter(run=published):
        body = client.get(f"/api/v1/gap-runs/{published.pk}/results/?place={node.key}").json()
        cells = {cell.skill.code: cell for (place, _skill), cell in every.items() if place == node.pk}
        assert [row["skill_code"] for row in body["cells"]] == list(cells)
        for row in body["cells"]:
            cell = cells[row["skill_code"]]
            gap = None if cell.gap_1 is None else [cell.gap_1, cell.gap_2, cell.gap_3]
            assert row == {
                "skill_code": cell.skill.code,
                "at_least_1": cell.at_least_1,
                "at_least_2": cell.at_least_2,
                "at_least_3": cell.at_least_3,
                "demand": [cell.demand_1, cell.demand_2, cell.demand_3],
                "uncovered": gap,
            }
            hidden += cell.at_least_2 is None
    assert hidden, "this world hides something"


def test_a_coordinator_sees_the_own_part_and_the_whole(world: RunWorld, published: GapRun) -> None:
    own = [world.bureaus[0], *world.sections[:2]]
    body = client_of(world, "coordinator").get(f"/api/v1/gap-runs/{published.pk}/results/").json()
    assert [(row["key"], row["parent_key"]) for row in body["places"]] == [
        ("whole", None),
        (f"org-{own[0].pk}", "whole"),
        (f"org-{own[1].pk}", f"org-{own[0].pk}"),
        (f"org-{own[2].pk}", f"org-{own[0].pk}"),
    ]
    text = json.dumps(body, ensure_ascii=False)
    others = [unit.name for unit in (*world.bureaus[1:], *world.sections[2:])] + [group.name for group in world.groups]
    assert not [name for name in others if name in text]
    assert len(body["skills"]) == 6


def test_queries_do_not_grow_with_places_and_items(world: RunWorld, published: GapRun) -> None:
    large = make_run_world(people=120, items=12, bureaus=9)
    large_run = finished_run(large, publish=True)

    def count(base: RunWorld, address: str) -> int:
        client = client_of(base, "executive")
        client.get("/api/v1/priority-areas/")  # the session's own first request
        with CaptureQueriesContext(
            connection,
        ) as seen:
            assert client.get(address).status_code == 200
        return len(seen)

    for address in ("gap-runs/", "gap-runs/{run}/results/", "priority-areas/", "reports/supply/", "reports/gap/"):
        small = count(world, f"/api/v1/{address.format(run=published.pk)}")
        assert small == count(large, f"/api/v1/{address.format(run=large_run.pk)}"), address
        assert small <= 12, address


# ------------------------------------------------------------------------------------------------------------- areas
def test_adopting_answers_the_area(world: RunWorld, published: GapRun) -> None:
    client = client_of(world, "secretariat")
    response = post(client, "/api/v1/priority-areas/", {"run": published.pk, "skill_code": "digital_6"})
    area = PriorityArea.objects.get()
    assert response.headers["ETag"] == '"1"'
    assert client.get(response.headers["Location"]).json() == response.json()
    (listed,) = client_of(world, "person").get("/api/v1/priority-areas/?fiscal_year=2025").json()["results"]
    assert listed == {
        "id": area.pk,
        "fiscal_year": 2025,
        "skill_code": "digital_6",
        "skill_number": 6,
        "skill_name": area.skill.name,
        "skill_name_en": area.skill.name_en,
        "state": "adopted",
        "demand_rank": 1,
        "supply_rank": 6,
        "by_hand": False,
        "reason": "",
        "adopted_on": area.decided_on.isoformat(),
        "decided_on": area.decided_on.isoformat(),
        "run": published.pk,
        "version": 1,
    }
    assert client.get("/api/v1/priority-areas/?fiscal_year=2024").json()["results"] == []


@pytest.mark.parametrize(
    ("body", "status", "title"),
    [
        ({}, 400, "invalid"),
        ({"skill_code": "digital_1"}, 400, "invalid"),
        ({"skill_code": "digital_1", "fiscal_year": 2025}, 400, "invalid"),
        ({"skill_code": "digital_1", "reason": "国の方針"}, 400, "invalid"),
        ({"skill_code": "digital_1", "reason": " ", "fiscal_year": 2025}, 400, "invalid"),
        ({"skill_code": "digital_1", "reason": "国の方針", "fiscal_year": 2025, "state": "adopted"}, 400, "invalid"),
        ({"skill_code": "no_such", "reason": "国の方針", "fiscal_year": 2025}, 409, "unknown_skill"),
        ({"skill_code": "digital_1", "run": 1}, 409, "not_proposed"),
        ({"skill_code": "digital_6", "run": 2}, 409, "run_not_published"),
        ({"skill_code": "digital_6", "run": 1, "fiscal_year": 2030}, 400, "invalid"),
        ({"skill_code": "digital_6", "run": 999999}, 404, "not_found"),
    ],
)
def test_decisions_that_make_no_sense_change_nothing(
    world: RunWorld, published: GapRun, unpublished: GapRun, body: dict[str, Any], status: int, title: str
) -> None:
    real = {1: published.pk, 2: unpublished.pk}
    wanted = {**body, "run": real.get(body["run"], body["run"])} if "run" in body else body
    response = post(client_of(world, "secretariat"), "/api/v1/priority-areas/", wanted)
    assert (response.status_code, response.json()["title"]) == (status, title)
    assert not PriorityArea.objects.exists()


def test_a_decision_is_replaced_by_its_etag_alone(world: RunWorld, published: GapRun) -> None:
    area_refuse(run_id=published.pk, skill_code="digital_6", reason="枠がない", actor=world.secretariat)
    client, body = client_of(world, "secretariat"), {"run": published.pk, "skill_code": "digital_6"}
    assert post(client, "/api/v1/priority-areas/", body).json()["title"] == "decided_already"
    stale = post(client, "/api/v1/priority-areas/", body, **{"If-Match": '"7"'})
    assert (stale.status_code, stale.json()["state"], stale.json()["version"]) == (412, "refused", 1)
    made = post(client, "/api/v1/priority-areas/", body, **{"If-Match": '"1"'})
    assert (made.status_code, made.headers["ETag"], made.json()["state"]) == (201, '"2"', "adopted")


def test_other_decisions_are_listed_for_the_secretariat_alone(world: RunWorld, names: dict[str, Any]) -> None:
    def codes(role: str, query: str) -> list[str]:
        rows = client_of(world, role).get(f"/api/v1/priority-areas/?{query}").json()["results"]
        return [row["skill_code"] for row in rows]

    assert codes("secretariat", "") == codes("person", "") == ["digital_6"]
    assert codes("secretariat", "state=refused") == ["digital_5"]
    assert codes("executive", "state=refused") == codes("person", "state=refused") == []
    assert client_of(world, "person").get("/api/v1/priority-areas/?state=unknown").status_code == 400


# ----------------------------------------------------------------------------------------------------------- reports
@pytest.mark.parametrize("name", ["supply", "gap", "priority", "cycle-progress"])
def test_reports_say_the_same_in_every_format(world: RunWorld, names: dict[str, Any], name: str) -> None:
    client = client_of(world, "executive")
    body = client.get(f"/api/v1/reports/{name}/").json()
    keys = [column["key"] for column in body["columns"]]
    assert body["rows"]
    assert all(list(row) and set(keys) == set(row) for row in body["rows"])

    answer_csv = client.get(f"/api/v1/reports/{name}/?format=csv")
    assert answer_csv.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert "attachment" in answer_csv.headers["Content-Disposition"]
    text = b"".join(answer_csv.streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]
    lines = list(csv.reader(io.StringIO(text)))
    head = lines.index([column["heading"] for column in body["columns"]])
    assert len(lines) - head - 1 == len(body["rows"])

    answer_xlsx = client.get(f"/api/v1/reports/{name}/?format=xlsx")
    book = openpyxl.load_workbook(io.BytesIO(b"".join(answer_xlsx.streaming_content)))  # type: ignore[attr-defined]
    rows = list(book.worksheets[0].iter_rows(values_only=True))
    assert len([row for row in rows if any(cell is not None for cell in row)]) >= len(body["rows"]) + 1
    assert client.get(f"/api/v1/reports/{name}/?format=pdf").status_code == 404
    assert client.get(f"/api/v1/reports/{name}/?colour=red").status_code == 400
    assert client.get(f"/api/v1/reports/{name}/?fiscal_year=abc").status_code == 400


def test_hidden_figures_are_words_in_files_and_null_in_json(world: RunWorld, published: GapRun) -> None:
    section = next(
        section
        for section in world.sections
        if GapCell.objects.filter(node__run=published, node__organisation=section, at_least_2=None).exists()
    )
    client, query = client_of(world, "executive"), f"organisation={section.code}"
    rows = client.get(f"/api/v1/reports/supply/?{query}").json()["rows"]
    empty = sum(row[f"at_least_{level}"] is None for row in rows for level in (1, 2, 3))
    assert empty
    answered = client.get(f"/api/v1/reports/supply/?format=csv&{query}")
    text = b"".join(answered.streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]
    with translation.override("ja"):
        words = gettext("Not shown (fewer than %(k)d)") % {"k": 5}
    assert sum(line.count(words) for line in csv.reader(io.StringIO(text))) == empty
    assert "None" not in text


def test_reports_of_a_year_without_a_run(world: RunWorld, published: GapRun) -> None:
    client = client_of(world, "executive")
    assert client.get("/api/v1/reports/supply/?fiscal_year=2025").status_code == 200
    assert client.get("/api/v1/reports/supply/?fiscal_year=2024").status_code == 404
    assert client.get("/api/v1/reports/supply/?organisation=no_such").status_code == 404


def test_progress_counts_steps_of_the_own_part(world: RunWorld, published: GapRun) -> None:
    def lines(role: str) -> list[tuple[str | None, int | None, int | None]]:
        rows = client_of(world, role).get("/api/v1/reports/cycle-progress/").json()["rows"]
        return [(row["organisation"], row["confirmed"], row["people"]) for row in rows]

    codes = [bureau.code for bureau in world.bureaus]
    # Whoever does not see who stands where gets no number of people.
    assert lines("executive") == lines("supporter") == [(None, None, None)]
    assert lines("secretariat") == [(None, 90, 90), *((code, 30, 30) for code in codes)]
    assert lines("coordinator") == [(codes[0], 30, 30)]


def test_why_an_area_was_decided_is_the_secretariats_to_read(world: RunWorld, published: GapRun) -> None:
    office = User.objects.get(pk=world.secretariat.pk)
    code = world.items[0].code
    area = area_add(fiscal_year=2025, skill_code=code, reason="内輪の理由", actor=office, run_id=published.pk)
    for role in ROLES[1:]:
        (row,) = client_of(world, role).get("/api/v1/priority-areas/").json()["results"]
        assert row["reason"] == ("内輪の理由" if role == "secretariat" else "")
    one = client_of(world, "secretariat").get(f"/api/v1/priority-areas/{area.pk}/").json()
    assert one["reason"] == "内輪の理由"


def test_progress_of_the_whole_is_told_in_tens_of_per_cent(world: RunWorld, published: GapRun) -> None:
    checks = list(Assessment.objects.filter(cycle=published.cycle_id).order_by("pk"))
    Assessment.objects.filter(pk__in=[check.pk for check in checks[:33]]).update(state=State.SUBMITTED)
    client, address = client_of(world, "executive"), "/api/v1/reports/cycle-progress/"
    steps = ("draft", "submitted", "reviewed", "corrected", "confirmed", "received")

    def row() -> list[int | None]:
        (found,) = client.get(address).json()["rows"]
        assert {found[key] for key in (*steps, "people")} == {None}
        return [found[f"{step}_percent"] for step in steps]

    assert row() == [None] * 6, "of ninety people ten per cent are nine"
    with override_settings(SMALL_CELL_K=4):
        assert row() == [0, 30, 0, 0, 60, 0]
        lines = client.get(f"{address}?format=csv").getvalue().decode("utf-8-sig")
    with translation.override("ja"):
        hidden = gettext("Not shown")
    (line,) = [found for found in csv.reader(io.StringIO(lines)) if hidden in found]
    assert (line[2], line[4:]) == ("", [*[hidden] * 7, "0", "30", "0", "0", "60", "0"])


def test_a_group_with_tools_alone_is_in_no_progress(world: RunWorld, published: GapRun) -> None:
    tools = CycleGroup.objects.create(cycle_id=published.cycle_id, name="事務", items=GroupItems.TOOL, selection={})
    some = Assessment.objects.filter(cycle=published.cycle_id).order_by("pk").values_list("pk", flat=True)[:2]
    Assessment.objects.filter(pk__in=list(some)).update(group=tools)
    rows = client_of(world, "secretariat").get("/api/v1/reports/cycle-progress/").json()["rows"]
    assert rows[0]["people"] == progress(world.roles()["secretariat"], published.cycle_id)[0].total.people == 88


def test_the_account_without_a_role_reads_nothing_of_groups(world: RunWorld, published: GapRun) -> None:
    person = User.objects.get(pk=world.person.pk)
    assert not GapRun.objects.visible_to(person).exists()
    assert client_of(world, "person").get("/api/v1/gap-runs/").json()["results"] == []
