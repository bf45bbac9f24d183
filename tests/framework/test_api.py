"""The framework over REST."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from skillmap.framework import services
from skillmap.framework.choices import ItemKind
from skillmap.framework.models import Framework
from skillmap.people.models import User
from tests.factories.framework import real_framework, small_framework

pytestmark = pytest.mark.django_db


@pytest.fixture
def api(client: Client, staff: User) -> Client:
    """Somebody without a role, signed in."""
    client.force_login(staff)
    return client


def rows(client: Client, url: str) -> Iterator[dict[str, Any]]:
    """All rows of all pages."""
    following: str | None = url
    while following:
        page = client.get(following).json()
        yield from page["results"]
        following = page["next"]


@pytest.mark.parametrize("name", ["framework", "skill", "job-type"])
def test_nobody_without_an_account(client: Client, published: Framework, name: str) -> None:
    assert client.get(reverse(f"framework-api:{name}-list")).status_code == 401


@pytest.mark.parametrize("name", ["framework", "skill", "job-type"])
def test_nothing_can_be_written(api: Client, published: Framework, name: str) -> None:
    for method in ("post", "put", "patch", "delete"):
        answer = getattr(api, method)(reverse(f"framework-api:{name}-list"), {}, content_type="application/json")
        assert answer.status_code == 405


def test_skills_of_the_version_in_force(api: Client, real: Framework) -> None:
    found = list(rows(api, "/api/v1/skills/"))
    assert [row["number"] for row in found] == [*range(1, 23), *range(1, 7)]
    first, excel = found[0], found[22]
    assert (first["code"], first["framework"], first["category"], first["kind"]) == (
        "it_strategy",
        "2024",
        "strategy",
        "digital",
    )
    assert (first["name"], first["name_en"], first["provenance"]) == ("ITストラテジー", "IT strategy", "seen")
    assert [level["level"] for level in first["levels"]] == [0, 1, 2, 3]
    assert first["levels"][2]["definition"] == "応用知識を有し、独力で実践できる"
    assert not first["levels"][2]["is_default"]
    assert first["certifications"] == ["it_strategist"]
    assert excel["levels"][2]["is_default"]
    assert "ピボットテーブル" in excel["levels"][2]["definition"]
    assert "pivot" in excel["levels"][2]["definition_en"]


def test_pages_by_cursor(api: Client, real: Framework) -> None:
    found = list(rows(api, "/api/v1/skills/?page_size=5"))
    assert len({(row["kind"], row["code"]) for row in found}) == len(found) == 28


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("kind=tool", 6),
        ("category=infrastructure", 3),
        ("number=3", 2),
        ("kind=digital&number=3", 1),
        ("category=x", 0),
    ],
)
def test_skills_narrowed_down(api: Client, real: Framework, query: str, count: int) -> None:
    assert len(list(rows(api, f"/api/v1/skills/?{query}"))) == count


def test_a_filter_that_makes_no_sense(api: Client, real: Framework) -> None:
    answer = api.get("/api/v1/skills/?kind=analogue")
    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"


def test_job_types_with_requirements(api: Client, real: Framework) -> None:
    found = list(rows(api, "/api/v1/job-types/"))
    assert [row["sort_order"] for row in found] == list(range(1, 11))
    designer = found[0]
    assert len(designer["requirements"]) == 22
    assert designer["requirements"][0] == {"skill": "it_strategy", "level": 3, "provenance": "inferred"}
    assert (designer["name_provenance"], designer["definition_provenance"]) == ("seen", "inferred")
    assert designer["core_category"] == "strategy"


def test_job_types_narrowed_down(api: Client, real: Framework) -> None:
    assert [row["code"] for row in rows(api, "/api/v1/job-types/?skill=user_support")] == ["service_manager"]
    assert [row["code"] for row in rows(api, "/api/v1/job-types/?core_category=data")] == ["data_scientist"]


def test_a_named_version(api: Client, real: Framework) -> None:
    small_framework(items=2, code="other")
    assert len(list(rows(api, "/api/v1/skills/"))) == 2
    assert len(list(rows(api, "/api/v1/skills/?framework=2024"))) == 28
    assert api.get("/api/v1/skills/digital_1/?framework=other").json()["framework"] == "other"
    assert api.get("/api/v1/skills/digital_1/?framework=2024").status_code == 404
    assert {row["code"] for row in rows(api, "/api/v1/frameworks/")} == {"2024", "other"}


def test_drafts_are_for_the_secretariat(api: Client, draft: Framework, secretariat: User, supporter: User) -> None:
    for url in ("/api/v1/skills/?framework=draft", "/api/v1/job-types/?framework=draft", "/api/v1/frameworks/draft/"):
        assert api.get(url).status_code == 404
        assert api.get(url.replace("draft", "unheard")).status_code == 404
    assert list(rows(api, "/api/v1/frameworks/")) == []
    for user in (secretariat, supporter):
        api.force_login(user)
        assert api.get("/api/v1/skills/?framework=draft").status_code == 200
        assert api.get("/api/v1/frameworks/draft/").json()["state"] == "draft"


def test_before_anything_is_published(api: Client) -> None:
    assert api.get("/api/v1/skills/").json()["results"] == []
    assert api.get("/api/v1/job-types/").json()["results"] == []
    assert api.get("/api/v1/skills/it_strategy/").status_code == 404


def test_etags_follow_what_is_put_in_anothers_place(client: Client, draft: Framework, secretariat: User) -> None:
    def exam(code: str) -> int:
        fields = services.CertificationFields(name=code, name_en="", issuer="", grade="", skill_ids=[item.pk])
        made = services.certification_create(framework_id=draft.pk, code=code, fields=fields, actor=secretariat)
        return int(made.pk)

    client.force_login(secretariat)
    item = draft.skills.filter(kind=ItemKind.DIGITAL).order_by("number")[0]
    pages = {
        "item": f"/api/v1/skills/{item.code}/?framework={draft.code}",
        "job": f"/api/v1/job-types/{draft.job_types.all()[0].code}/?framework={draft.code}",
    }
    old = exam("exam_a")
    before = {name: client.get(page)["ETag"] for name, page in pages.items()}
    services.certification_remove(framework_id=draft.pk, certification_id=old, actor=secretariat)
    exam("exam_b")
    last = draft.skills.filter(kind=ItemKind.DIGITAL).order_by("number").last()
    assert last is not None and last != item
    services.skill_remove(framework_id=draft.pk, skill_id=last.pk, actor=secretariat)
    fields = services.ItemFields(
        number=last.number, category_id=last.category_id, name="新", name_en="", definition="定", definition_en=""
    )
    services.skill_create(framework_id=draft.pk, code="brand_new", fields=fields, actor=secretariat)
    for name, page in pages.items():
        assert client.get(page, headers={"If-None-Match": before[name]}).status_code == 200, name


@pytest.mark.parametrize("url", ["/api/v1/skills/", "/api/v1/skills/x/", "/api/v1/job-types/"])
@pytest.mark.parametrize("code", ["%00", "a%00b", "%20", "%F0%9F%A6%8A"])
def test_a_version_that_can_not_be(api: Client, real: Framework, url: str, code: str) -> None:
    assert api.get(f"{url}?framework={code}").status_code == 404


def test_a_draft_made_anew_under_the_same_code_has_another_etag(client: Client, secretariat: User) -> None:
    client.force_login(secretariat)
    url = "/api/v1/frameworks/again/"
    first = small_framework(items=1, published=False, code="again")
    before = client.get(url)["ETag"]
    services.framework_discard(framework_id=first.pk, actor=secretariat)
    second = small_framework(items=1, published=False, code="again")
    assert first.version == second.version
    assert client.get(url, headers={"If-None-Match": before}).status_code == 200


@pytest.mark.parametrize("position", ["abc", "\0", "9" * 40, "2026-13-45", "-1", "🦊"])
@pytest.mark.parametrize(
    "name",
    [
        *("cycles", "demand-items", "demand-surveys", "frameworks", "gap-runs"),
        *("job-types", "organisations", "priority-areas", "skills", "staff"),
    ],
)
def test_a_cursor_that_leads_nowhere(client: Client, secretariat: User, name: str, position: str) -> None:
    small_framework(items=1)
    client.force_login(secretariat)
    cursor = b64encode(f"p={position}".encode()).decode()
    assert client.get(f"/api/v1/{name}/", {"cursor": cursor}).status_code in (200, 404)


@pytest.mark.parametrize(
    "url", ["/api/v1/frameworks/2024/", "/api/v1/skills/it_service/", "/api/v1/job-types/data_scientist/"]
)
def test_details_have_an_etag(api: Client, real: Framework, url: str) -> None:
    url = url.replace("it_service", "it_strategy")
    first = api.get(url)
    assert first.status_code == 200
    again = api.get(url, headers={"If-None-Match": first["ETag"]})
    assert (again.status_code, again["ETag"], again.content) == (304, first["ETag"], b"")
    assert api.get(url, headers={"If-None-Match": '"other"'}).status_code == 200


def test_etags_follow_edits_of_a_draft(client: Client, draft: Framework, secretariat: User) -> None:
    client.force_login(secretariat)
    url = "/api/v1/job-types/job_1/?framework=draft"
    before = client.get(url)["ETag"]
    cell = draft.job_types.get(code="job_1").requirements.order_by("pk")[0]
    services.requirement_set(framework_id=draft.pk, requirement_id=cell.pk, version=1, level=3, actor=secretariat)
    assert client.get(url)["ETag"] != before

    url = "/api/v1/skills/digital_1/?framework=draft"
    before = client.get(url)["ETag"]
    level = draft.levels.get(level=1)
    fields = services.LevelFields("名", "", "定義", "")
    services.level_update(framework_id=draft.pk, level_id=level.pk, version=1, fields=fields, actor=secretariat)
    assert client.get(url)["ETag"] != before


@pytest.mark.parametrize(
    ("url", "most"), [("/api/v1/skills/", 13), ("/api/v1/job-types/", 7), ("/api/v1/frameworks/", 5)]
)
def test_the_number_of_queries_is_constant(
    api: Client, url: str, most: int, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    api.get(url)  # the first request of a session writes it
    counts = []
    for items, job_types in ((2, 1), (12, 6)):
        small_framework(items=items, job_types=job_types)
        with django_assert_max_num_queries(most) as captured:
            api.get(url)
        counts.append(len(captured))
    assert counts[0] == counts[1]


def test_the_real_version_takes_no_more(api: Client, django_assert_max_num_queries: DjangoAssertNumQueries) -> None:
    real_framework()
    api.get("/api/v1/skills/")
    with django_assert_max_num_queries(5):
        api.get("/api/v1/skills/")
