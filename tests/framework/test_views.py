"""Pages of the framework: who may open them, what they show, what they save."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pytest
from django.http import HttpResponse, HttpResponseBase
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from skillmap.framework import rules, selectors, services
from skillmap.framework.choices import FrameworkState, ItemKind
from skillmap.framework.models import Framework, JobTypeRequirement
from skillmap.framework.services import ItemFields
from skillmap.framework.views.versions import names_of_draft
from skillmap.people.choices import Role
from skillmap.people.models import User
from tests.factories.framework import CertificationFactory, SkillLevelTextFactory, small_framework
from tests.framework.conftest import account
from tests.support.ground import on_ground

# Words and forms; every page is asked for on both databases by test_query_counts.
pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]

HELD = {"staff": (), "supporter": (Role.SUPPORTER,), "secretariat": (Role.SECRETARIAT,)}
ROLES = ("anonymous", "staff", "supporter", "secretariat")
# What GET answers for a published version and for a draft, to each of ROLES.
PAGES: dict[str, tuple[tuple[int, ...], tuple[int, ...]]] = {
    "detail": ((302, 200, 200, 200), (302, 404, 200, 200)),
    "matrix": ((302, 200, 200, 200), (302, 404, 200, 200)),
    "certifications": ((302, 200, 200, 200), (302, 404, 200, 200)),
    "compare": ((302, 200, 200, 200), (302, 404, 200, 200)),
    "skill": ((302, 200, 200, 200), (302, 404, 200, 200)),
    "job_type": ((302, 200, 200, 200), (302, 404, 200, 200)),
    "copy": ((302, 403, 403, 200), (302, 404, 403, 200)),
    "edit": ((302, 403, 403, 302), (302, 404, 403, 200)),
    "publish": ((302, 403, 403, 302), (302, 404, 403, 200)),
    "retire": ((302, 403, 403, 200), (302, 404, 403, 302)),
    "discard": ((302, 403, 403, 302), (302, 404, 403, 200)),
    "add:categories": ((302, 403, 403, 302), (302, 404, 403, 200)),
    "add:skills": ((302, 403, 403, 302), (302, 404, 403, 200)),
    "add:job-types": ((302, 403, 403, 302), (302, 404, 403, 200)),
    "add:certifications": ((302, 403, 403, 302), (302, 404, 403, 200)),
    "change:categories:of_digital": ((302, 403, 403, 302), (302, 404, 403, 200)),
    "change:skills:digital_1": ((302, 403, 403, 302), (302, 404, 403, 200)),
    "change:levels:2": ((302, 403, 403, 302), (302, 404, 403, 200)),
    "change:job-types:job_1": ((302, 403, 403, 302), (302, 404, 403, 200)),
    "change:certifications:exam": ((302, 403, 403, 302), (302, 404, 403, 200)),
    "remove:categories:of_digital": ((302, 403, 403, 302), (302, 404, 403, 200)),
    "remove:skills:digital_1": ((302, 403, 403, 302), (302, 404, 403, 200)),
    "remove:job-types:job_1": ((302, 403, 403, 302), (302, 404, 403, 200)),
    "remove:certifications:exam": ((302, 403, 403, 302), (302, 404, 403, 200)),
}


def address(page: str, code: str) -> str:
    """The address of one of PAGES."""
    name, _sep, rest = page.partition(":")
    more = {"skill": ["digital_1"], "job_type": ["job_1"]}.get(name, rest.split(":") if rest else [])
    return reverse(f"framework:{name}", args=[code, *more])


def made() -> Mapping[str, User]:
    """A draft, a published version, and people."""
    people = {role: account(role, *held) for role, held in HELD.items()}
    for code in ("draft", "published"):
        framework = small_framework(items=3, tools=1, job_types=2, published=False, code=code)
        exam = CertificationFactory.create(framework=framework, code="exam", skills=[framework.skills.all()[0]])
        assert exam.skills.exists()
        SkillLevelTextFactory.create(skill=framework.skills.get(code="tool_1"), level=1)
    services.framework_publish(
        framework_id=framework.pk,
        seen=rules.fingerprint(selectors.content_of(framework), framework.version),
        actor=people["secretariat"],
    )
    return people


laid, world = on_ground(made)


def signed_in(client: Client, world: Mapping[str, User], role: str) -> Client:
    """The client of somebody in that role."""
    if role != "anonymous":
        client.force_login(world[role])
    return client


@pytest.mark.sqlite  # the routes are the same on both databases
@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("target", PAGES)
def test_who_may_open_a_page(client: Client, world: Mapping[str, User], target: str, role: str) -> None:
    place = ROLES.index(role)
    signed_in(client, world, role)
    answers = tuple(client.get(address(target, code)).status_code for code in ("published", "draft"))
    assert answers == (PAGES[target][0][place], PAGES[target][1][place])


# Where a POST of the wrong person must change nothing.
WRITES = [page for page in PAGES if page.split(":")[0] in {"copy", "edit", "publish", "retire", "discard", "add"}]
WRITES += [page for page in PAGES if page.split(":")[0] in {"change", "remove"}]


@pytest.mark.parametrize("role", ["anonymous", "staff", "supporter"])
def test_nobody_else_writes(client: Client, world: Mapping[str, User], role: str) -> None:
    signed_in(client, world, role)
    before = [(row.state, selectors.content_of(row)) for row in Framework.objects.order_by("pk")]
    cell = JobTypeRequirement.objects.filter(job_type__framework__code="draft")[0]
    addresses = [address(page, code) for page in [*WRITES, "matrix"] for code in ("draft", "published")]
    addresses += [
        reverse("framework:cell", args=["draft", cell.pk]),
        reverse("framework:job_type_confirm", args=["draft", "job_1"]),
    ]
    for url in addresses:
        answer = client.post(url, {"level": "1", "version": "1", "name": "x", "code": "x"})
        assert answer.status_code in ({302} if role == "anonymous" else {403, 404}), url
        if role == "anonymous":
            assert answer["Location"].startswith(reverse("account_login"))
    assert [(row.state, selectors.content_of(row)) for row in Framework.objects.order_by("pk")] == before


def test_a_script_that_is_signed_out_gets_401(client: Client, world: Mapping[str, User]) -> None:
    url = reverse("framework:cell", args=["draft", 1])
    assert client.post(url, headers={"Accept": "application/json"}).status_code == 401


@pytest.mark.parametrize(
    ("route", "arguments"),
    [
        ("detail", ["unheard"]),
        ("skill", ["published", "unheard"]),
        ("job_type", ["published", "unheard"]),
        ("change", ["draft", "skills", "unheard"]),
        ("change", ["draft", "levels", "9"]),
        ("change", ["draft", "unheard", "x"]),
        ("add", ["draft", "levels"]),
        ("add", ["draft", "unheard"]),
        ("remove", ["draft", "levels", "1"]),
    ],
)
def test_what_is_not_there(client: Client, world: Mapping[str, User], route: str, arguments: list[str]) -> None:
    client.force_login(world["secretariat"])
    assert client.get(reverse(f"framework:{route}", args=arguments)).status_code == 404


# ----------------------------------------------------------------------------------------------------------- reading


def text_of(answer: HttpResponseBase) -> str:
    """The page as text."""
    assert isinstance(answer, HttpResponse)
    return answer.content.decode()


def test_only_the_office_sees_drafts_in_the_list(client: Client, world: Mapping[str, User]) -> None:
    url = reverse("framework:versions")
    for role, expected in (("staff", False), ("supporter", True), ("secretariat", True)):
        client.force_login(world[role])
        page = text_of(client.get(url))
        assert (reverse("framework:detail", args=["draft"]) in page) is expected
        assert reverse("framework:detail", args=["published"]) in page


def test_only_the_secretariat_gets_the_buttons(client: Client, world: Mapping[str, User]) -> None:
    buttons = [reverse(f"framework:{name}", args=["draft"]) for name in ("publish", "edit", "discard")]
    buttons.append(reverse("framework:change", args=["draft", "skills", "digital_1"]))
    for role, expected in (("supporter", False), ("secretariat", True)):
        client.force_login(world[role])
        page = text_of(client.get(reverse("framework:detail", args=["draft"])))
        assert [f'"{url}"' in page for url in buttons] == [expected] * 4


def test_a_supporter_reads_the_matrix_of_a_draft(client: Client, world: Mapping[str, User]) -> None:
    client.force_login(world["supporter"])
    page = text_of(client.get(reverse("framework:matrix", args=["draft"])))
    assert "matrix__input" not in page
    assert page.count("is-default") >= 6


# ------------------------------------------------------------------------------------------------------ steps and forms


@pytest.fixture
def office(client: Client, world: Mapping[str, User]) -> Client:
    """The secretariat, signed in."""
    client.force_login(world["secretariat"])
    return client


def test_from_copy_to_published(office: Client) -> None:
    url = reverse("framework:copy", args=["published"])
    answer = office.post(url, {"name": "次の版", "name_en": "", "code": "next", "note": ""})
    assert answer["Location"] == reverse("framework:detail", args=["next"])
    page = office.get(reverse("framework:publish", args=["next"]))
    assert page.context["problems"] == []
    units = re.findall(r'class="stat__value">(\d+)</span> <span class="stat__unit">(.+?)<', text_of(page))
    assert units == [("3", "項目"), ("1", "項目"), ("2", "種類"), ("6", "件")]
    office.post(reverse("framework:publish", args=["next"]), {"seen": page.context["seen"]})
    framework = Framework.objects.get(code="next")
    assert (framework.state, framework.based_on.code if framework.based_on else "") == ("published", "published")
    assert selectors.current_framework() == framework


@pytest.mark.parametrize("length", [0, 10, 100])
def test_a_copy_begins_with_a_name_of_its_own(office: Client, length: int) -> None:
    page = office.get(reverse("framework:copy", args=["published"]))
    published = Framework.objects.get(code="published")
    assert page.context["form"].initial == names_of_draft(published)
    assert names_of_draft(published)["name"] != published.name
    name = names_of_draft(Framework(name="版", name_en="x" * length))["name_en"]
    assert name == (f"{'x' * min(length, 92)} (draft)" if length else "")


def test_a_code_that_is_taken_is_said_at_its_field(office: Client) -> None:
    url = reverse("framework:copy", args=["published"])
    answer = office.post(url, {"name": "次の版", "code": "draft"})
    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == ["code"]
    answer = office.post(url, {"name": "", "code": "日本語"})
    assert sorted(answer.context["form"].errors) == ["code", "name"]


def test_a_draft_that_changed_is_not_published_unseen(office: Client) -> None:
    url = reverse("framework:publish", args=["draft"])
    answer = office.post(url, {"seen": "stale"})
    assert answer.status_code == 409
    assert answer.context["moved"]
    assert Framework.objects.get(code="draft").is_draft


def test_an_incomplete_draft_says_what_is_missing(office: Client) -> None:
    draft = Framework.objects.get(code="draft")
    office.post(reverse("framework:add", args=["draft", "categories"]), category("空の分類"))
    page = office.get(reverse("framework:publish", args=["draft"]))
    assert len(page.context["problems"]) == 1
    assert 'name="seen"' in text_of(page)
    assert office.post(reverse("framework:publish", args=["draft"]), {"seen": page.context["seen"]}).status_code == 409
    draft.refresh_from_db()
    assert draft.is_draft


def test_retiring_and_discarding(office: Client) -> None:
    framework = Framework.objects.get(code="published")
    page = office.get(reverse("framework:retire", args=["published"]))
    assert len(page.context["lines"]) == 3
    office.post(reverse("framework:retire", args=["published"]), {"version": "x"})
    framework.refresh_from_db()
    assert framework.state == FrameworkState.PUBLISHED
    office.post(reverse("framework:retire", args=["published"]), {"version": page.context["version"]})
    framework.refresh_from_db()
    assert framework.state == FrameworkState.RETIRED
    answer = office.post(reverse("framework:discard", args=["draft"]))
    assert answer["Location"] == reverse("framework:versions")
    assert not Framework.objects.filter(code="draft").exists()


def category(name: str) -> dict[str, Any]:
    """A category as the form sends it."""
    return {"name": name, "name_en": "", "code": "new", "kind": "digital", "sort_order": "9"}


def test_every_part_can_be_added_changed_and_removed(office: Client) -> None:
    draft = Framework.objects.get(code="draft")
    digital = draft.categories.get(kind=ItemKind.DIGITAL).pk
    words = {"name": "新規", "name_en": "", "definition": "定義", "definition_en": "", "code": "new"}
    parts: dict[str, dict[str, Any]] = {
        "categories": category("新規"),
        "skills": words | {"category": digital, "number": "9"},
        "job-types": words | {"sort_order": "9", "core_category": ""},
        "certifications": {"name": "新規", "code": "new", "skills": [draft.skills.all()[0].pk]},
    }
    for part, values in parts.items():
        answer = office.post(reverse("framework:add", args=["draft", part]), values)
        assert answer.status_code == 302, (part, answer.context["form"].errors)
        url = reverse("framework:change", args=["draft", part, "new"])
        form = office.get(url).context["form"]
        sent = {name: form[name].value() for name in form.fields}
        sent = {name: value for name, value in sent.items() if value not in (None, False)} | {"name": "改名"}
        answer = office.post(url, sent)
        assert answer.status_code == 302, (part, answer.context["form"].errors)
    assert draft.skills.get(code="new").name == "改名"
    assert draft.certifications.get(code="new").skills.count() == 1
    for part in parts:
        answer = office.post(reverse("framework:remove", args=["draft", part, "new"]))
        assert answer.status_code == 302
    assert rules.publish_problems(selectors.content_of(draft)) == ()
    assert not any(rows.filter(code="new").exists() for rows in (draft.skills, draft.job_types, draft.categories))


def test_a_category_in_use_is_not_removed(office: Client) -> None:
    answer = office.post(reverse("framework:remove", args=["draft", "categories", "of_digital"]), follow=True)
    assert Framework.objects.get(code="draft").categories.filter(code="of_digital").exists()
    assert [message.level_tag for message in answer.context["messages"]] == ["error"]


def item(framework: Framework, **changes: Any) -> dict[str, Any]:
    """The form of the first item as a browser sends it."""
    skill = framework.skills.get(code="digital_1")
    values: dict[str, Any] = {
        "version": skill.version,
        "name": skill.name,
        "name_en": skill.name_en,
        "category": skill.category_id,
        "number": skill.number,
        "definition": skill.definition,
        "definition_en": skill.definition_en,
    }
    return values | changes


def test_level_texts_of_an_item(office: Client) -> None:
    draft = Framework.objects.get(code="draft")
    url = reverse("framework:change", args=["draft", "skills", "digital_1"])
    office.post(url, item(draft, level_2="独力で企画できる", level_2_en="Plans alone", level_3=""))
    texts = draft.skills.get(code="digital_1").level_texts
    assert list(texts.values_list("level", "text", "text_en")) == [(2, "独力で企画できる", "Plans alone")]
    page = text_of(office.get(reverse("framework:skill", args=["draft", "digital_1"])))
    assert "独力で企画できる" in page


def test_an_english_meaning_alone_is_refused(office: Client) -> None:
    draft = Framework.objects.get(code="draft")
    url = reverse("framework:change", args=["draft", "skills", "digital_1"])
    answer = office.post(url, item(draft, level_1_en="alone"))
    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == ["level_1"]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "長" * 61}, "name"),
        ({"name": "a\x00b"}, "name"),
        ({"definition": ""}, "definition"),
        ({"number": "0"}, "number"),
        ({"number": "99999"}, "number"),
        ({"number": "2"}, "number"),
        ({"category": "0"}, "category"),
    ],
)
def test_entries_that_make_no_sense(office: Client, changes: dict[str, Any], field: str) -> None:
    draft = Framework.objects.get(code="draft")
    before = selectors.content_of(draft)
    answer = office.post(reverse("framework:change", args=["draft", "skills", "digital_1"]), item(draft, **changes))
    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == [field]
    assert selectors.content_of(draft) == before


def test_who_was_slower_sees_both_and_loses_nothing(office: Client, world: Mapping[str, User]) -> None:
    draft = Framework.objects.get(code="draft")
    skill = draft.skills.get(code="digital_1")
    mine = item(draft, name="わたしの名前")
    theirs = ItemFields(1, skill.category_id, "先の名前", skill.name_en, "先の定義", skill.definition_en)
    services.skill_update(
        framework_id=draft.pk,
        skill_id=skill.pk,
        version=1,
        fields=theirs,
        confirm=False,
        actor=world["secretariat"],
    )
    url = reverse("framework:change", args=["draft", "skills", "digital_1"])
    answer = office.post(url, mine)
    assert answer.status_code == 409
    assert [row.value for row in answer.context["theirs"]] == ["先の名前", "先の定義"]
    page = text_of(answer)
    assert "わたしの名前" in page and "先の名前" in page
    form = answer.context["form"]
    assert form["version"].value() == "2"
    assert office.post(url, mine | {"version": form["version"].value()}).status_code == 302
    skill.refresh_from_db()
    assert (skill.name, skill.version) == ("わたしの名前", 3)


def test_a_conflict_over_the_version_itself(office: Client) -> None:
    Framework.objects.filter(code="draft").update(name="先の名称", version=5)
    url = reverse("framework:edit", args=["draft"])
    answer = office.post(url, {"name": "わたしの名称", "name_en": "", "note": "", "version": "1"})
    assert answer.status_code == 409
    assert "先の名称" in [row.value for row in answer.context["theirs"]]
    sent = {"name": "わたしの名称", "version": answer.context["form"]["version"].value(), "confirm_translation": "on"}
    assert office.post(url, sent).status_code == 302
    draft = Framework.objects.get(code="draft")
    assert (draft.name, draft.translation_provenance) == ("わたしの名称", "confirmed")


def test_confirming_a_job_type_from_its_page(office: Client) -> None:
    draft = Framework.objects.get(code="draft")
    row = draft.job_types.get(code="job_1")
    cells = ",".join(f"{pk}@{version}" for pk, version in row.requirements.values_list("pk", "version"))
    page = text_of(office.get(reverse("framework:job_type", args=["draft", "job_1"])))
    url = reverse("framework:job_type_confirm", args=["draft", "job_1"])
    assert url in page
    office.post(url, {"version": "1", "cells": "nonsense"})
    assert row.requirements.filter(provenance="inferred").count() == 3
    office.post(url, {"version": "1", "cells": cells})
    assert row.requirements.filter(provenance="inferred").count() == 0
    page = text_of(office.get(reverse("framework:job_type", args=["draft", "job_1"])))
    assert url not in page


# ------------------------------------------------------------------------------------------------------------ the grid


def cells() -> list[JobTypeRequirement]:
    """The draft's cells, job type by job type."""
    rows = JobTypeRequirement.objects.filter(job_type__framework__code="draft")
    return list(rows.order_by("job_type__sort_order", "skill__number"))


def sent(rows: list[JobTypeRequirement], levels: Mapping[int, str] | None = None, **more: str) -> dict[str, str]:
    """The grid as a browser without JavaScript sends it; `levels` by place in the list."""
    values = {}
    for place, cell in enumerate(rows):
        values[f"level-{cell.pk}"] = (levels or {}).get(place, str(cell.level))
        values[f"shown-{cell.pk}"] = f"{cell.level}@{cell.version}"
    return values | more


GRID = "/framework/versions/draft/matrix/"


def test_the_grid_shows_every_cell(office: Client) -> None:
    page = text_of(office.get(GRID))
    assert page.count('class="matrix__input"') == 6
    assert page.count('name="confirm"') == 2
    for cell in cells():
        assert f'name="level-{cell.pk}" value="2"' in page
        assert f'name="shown-{cell.pk}" value="2@1"' in page


def test_the_grid_saves_without_javascript(office: Client) -> None:
    answer = office.post(GRID, sent(cells(), {0: "3", 5: "０"}))
    assert answer["Location"] == GRID
    assert [(cell.level, cell.provenance) for cell in cells()] == [
        (3, "confirmed"),
        *[(2, "inferred")] * 4,
        (0, "confirmed"),
    ]


def test_nothing_changed_is_said(office: Client) -> None:
    before = cells()
    office.post(GRID, sent(before))
    assert [(cell.level, cell.version) for cell in cells()] == [(cell.level, cell.version) for cell in before]


def test_lost_updates_are_caught_without_javascript(office: Client, world: Mapping[str, User]) -> None:
    mine = sent(cells(), {0: "3", 1: "1"})
    first, _second, third = cells()[:3]
    for cell, level in ((first, 0), (third, 0)):
        services.requirement_set(
            framework_id=cell.job_type.framework_id,
            requirement_id=cell.pk,
            version=1,
            level=level,
            actor=world["secretariat"],
        )
    answer = office.post(GRID, mine)
    assert answer.status_code == 409
    assert [cell.level for cell in cells()] == [0, 2, 0, 2, 2, 2]
    page = text_of(answer)
    assert page.count("is-conflict") == 1
    assert f'name="level-{first.pk}" value="3"' in page, "what the person entered stays"
    assert f'name="shown-{first.pk}" value="0@2"' in page, "a second press is deliberate"
    assert f'name="level-{third.pk}" value="0"' in page, "what only the other changed is shown as it is now"

    again = sent(cells(), {0: "3", 1: "1"})
    assert office.post(GRID, again).status_code == 302
    assert [cell.level for cell in cells()] == [3, 1, 0, 2, 2, 2]


@pytest.mark.parametrize("entry", ["4", "", "-1", "x", "²", "1.0", "22"])
def test_what_is_no_level_is_marked_and_nothing_is_saved(office: Client, entry: str) -> None:
    answer = office.post(GRID, sent(cells(), {0: "1", 1: entry}))
    assert answer.status_code == 422
    page = text_of(answer)
    assert page.count('aria-invalid="true"') == 1
    assert f'name="level-{cells()[0].pk}" value="1"' in page
    assert [cell.level for cell in cells()] == [2] * 6


def test_a_column_is_confirmed_without_javascript(office: Client) -> None:
    first = cells()[0].job_type_id
    office.post(GRID, sent(cells(), {1: "0"}, confirm=f"job:{first}"))
    assert [(cell.level, cell.is_default) for cell in cells()] == [
        (2, False),
        (0, False),
        (2, False),
        *[(2, True)] * 3,
    ]


def test_one_cell_is_confirmed_without_javascript(office: Client) -> None:
    office.post(GRID, sent(cells(), confirm=f"cell:{cells()[4].pk}"))
    assert [cell.is_default for cell in cells()] == [True, True, True, True, False, True]


@pytest.mark.parametrize("confirm", ["job:", "job:x", "cell:99999999999999999999", "all", ""])
def test_a_strange_button_confirms_nothing(office: Client, confirm: str) -> None:
    assert office.post(GRID, sent(cells(), confirm=confirm)).status_code == 302
    assert all(cell.is_default for cell in cells())


def test_one_job_type_alone(office: Client) -> None:
    url = f"{GRID}?job_type=job_2"
    page = text_of(office.get(url))
    assert page.count('class="matrix__input"') == 3
    assert page.count("data-confirm=") == 3
    answer = office.post(url, sent(cells()[3:], {0: "1"}))
    assert answer["Location"] == url
    assert [cell.level for cell in cells()] == [2, 2, 2, 1, 2, 2]
    assert text_of(office.get(f"{GRID}?job_type=unheard")).count('class="matrix__input"') == 6


def test_the_grid_of_a_published_version_is_not_saved(office: Client) -> None:
    framework = Framework.objects.get(code="published")
    before = selectors.content_of(framework)
    rows = list(JobTypeRequirement.objects.filter(job_type__framework=framework))
    answer = office.post(reverse("framework:matrix", args=["published"]), sent(rows, {0: "0"}))
    assert answer["Location"] == reverse("framework:detail", args=["published"])
    assert selectors.content_of(framework) == before


def test_a_grid_without_job_types_says_how_to_begin(office: Client) -> None:
    small_framework(items=1, job_types=0, published=False, code="bare")
    page = text_of(office.get(reverse("framework:matrix", args=["bare"])))
    assert "grid-form" not in page


def by_script(office: Client, url: str, body: Any) -> Any:
    """The answer to a script."""
    return office.post(url, body, content_type="application/json")


def test_one_cell_by_script(office: Client) -> None:
    cell = cells()[0]
    url = reverse("framework:cell", args=["draft", cell.pk])
    assert by_script(office, url, {"level": 3, "version": 1}).json() == {"level": 3, "version": 2, "is_default": False}
    late = by_script(office, url, {"level": 1, "version": 1})
    assert late.status_code == 409
    assert (late.json()["level"], late.json()["version"], late.json()["is_default"]) == (3, 2, False)
    assert by_script(office, url, {"version": 2}).json()["version"] == 2
    other = reverse("framework:cell", args=["draft", cells()[1].pk])
    assert by_script(office, other, {"version": 1}).json() == {"level": 2, "version": 2, "is_default": False}


@pytest.mark.parametrize("data", [{"level": 4, "version": 1}, {"level": 1}, {"level": 1, "version": "x"}, [], None])
def test_a_cell_that_makes_no_sense(office: Client, data: Any) -> None:
    cell = cells()[0]
    answer = by_script(office, reverse("framework:cell", args=["draft", cell.pk]), data)
    assert answer.status_code == 422
    assert answer.json()["message"]
    assert cells()[0].level == 2


def test_a_cell_that_cannot_be_saved(office: Client) -> None:
    theirs = JobTypeRequirement.objects.filter(job_type__framework__code="published")[0]
    for code in ("draft", "published"):
        answer = by_script(office, reverse("framework:cell", args=[code, theirs.pk]), {"level": 3, "version": 1})
        assert answer.status_code == 422
    theirs.refresh_from_db()
    assert theirs.level == 2


# -------------------------------------------------------------------------------------------------------- query counts


def test_saving_a_cell_takes_few_queries(office: Client, django_assert_max_num_queries: DjangoAssertNumQueries) -> None:
    office.get(GRID)
    cell = cells()[0]
    url = reverse("framework:cell", args=["draft", cell.pk])
    with django_assert_max_num_queries(12):  # two of them open and close the transaction
        by_script(office, url, {"level": 3, "version": 1})
