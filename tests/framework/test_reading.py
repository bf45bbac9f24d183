"""Pages of the framework as readers see them, and how many queries they take."""

from __future__ import annotations

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from skillmap.framework import services
from skillmap.framework.choices import FrameworkState
from skillmap.framework.models import Framework
from skillmap.framework.services import LevelFields
from skillmap.people.models import User
from tests.factories.framework import CertificationFactory, small_framework
from tests.factories.people import StaffFactory
from tests.framework.test_views import address, text_of

# Words and forms; every page is asked for on both databases by test_query_counts.
pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]


def test_home_before_anything_is_published(client: Client, staff: User, secretariat: User) -> None:
    client.force_login(staff)
    assert "load_framework" not in text_of(client.get(reverse("framework:home")))
    client.force_login(secretariat)
    assert "load_framework" in text_of(client.get(reverse("framework:home")))


def test_home_shows_the_version_in_force(client: Client, staff: User, real: Framework) -> None:
    client.force_login(staff)
    page = text_of(client.get(reverse("framework:home")))
    for skill in real.skills.all():
        assert f'id="skill-{skill.code}"' in page
        assert skill.name in page
    for job_type in real.job_types.all():
        assert f'id="job-{job_type.code}"' in page
    assert "応用知識を有し、独力で実践できる" in page
    assert page.count('class="badge badge--small provenance"') >= 10 + 24
    assert reverse("framework:retire", args=["2024"]) not in page


def test_who_has_no_levels_is_not_sent_to_a_page_of_them(client: Client, staff: User, secretariat: User) -> None:
    StaffFactory.create(user=staff)
    assert small_framework().state == FrameworkState.PUBLISHED
    for user, expected in ((staff, True), (secretariat, False)):
        client.force_login(user)
        page = text_of(client.get(reverse("framework:home")))
        assert ("「マイスキル」で確かめられます" in page) is expected


def test_english_readers_are_told_whose_translation_it_is(client: Client, staff: User, real: Framework) -> None:
    client.force_login(staff)
    client.cookies[settings.LANGUAGE_COOKIE_NAME] = "en"
    page = text_of(client.get(reverse("framework:home")))
    assert "Draws up strategies and plans projects" in page
    assert "our own translation" in page


def test_what_an_item_and_a_job_type_ask_for(client: Client, staff: User, real: Framework) -> None:
    client.force_login(staff)
    skill = text_of(client.get(reverse("framework:skill", args=["2024", "user_support"])))
    assert "サービスマネージャー" in skill
    assert "AIエンジニア" not in skill
    exam = text_of(client.get(reverse("framework:skill", args=["2024", "operation_design"])))
    assert "ITサービスマネージャ試験" in exam
    job_type = text_of(client.get(reverse("framework:job_type", args=["2024", "ui_ux_designer"])))
    assert job_type.count("<tr") == 23
    assert job_type.count('class="is-unasked"') == 14


def test_differences_between_two_versions(client: Client, secretariat: User, real: Framework) -> None:
    draft = services.framework_draft_from(source_id=real.pk, code="next", name="次の版", actor=secretariat)
    client.force_login(secretariat)
    url = reverse("framework:compare", args=["next"])
    assert client.get(url).context["found"].count == 0
    cell = draft.job_types.get(code="ai_engineer").requirements.get(skill__code="marketing")
    services.requirement_set(framework_id=draft.pk, requirement_id=cell.pk, version=1, level=1, actor=secretariat)
    level = draft.levels.get(level=2)
    fields = LevelFields("独力", level.name_en, level.definition, level.definition_en)
    services.level_update(framework_id=draft.pk, level_id=level.pk, version=1, fields=fields, actor=secretariat)
    answer = client.get(url)
    assert answer.context["found"].count == 2
    page = text_of(answer)
    assert "AIエンジニア" in page and "マーケティング" in page and "独力" in page
    other = small_framework(code="small")
    assert client.get(url, {"with": "small"}).context["other"] == other
    assert client.get(url, {"with": "unheard"}).status_code == 404


def test_a_lone_version_has_nothing_to_be_compared_with(
    client: Client, secretariat: User, published: Framework
) -> None:
    client.force_login(secretariat)
    assert client.get(reverse("framework:compare", args=["published"])).context["other"] is None


@pytest.mark.parametrize(
    ("target", "most"),
    [
        ("versions", 6),
        ("detail", 10),
        ("matrix", 9),
        ("certifications", 8),
        ("skill", 10),
        ("job_type", 8),
        ("compare", 10),
        ("change:skills:digital_1", 10),
    ],
)
def test_the_number_of_queries_is_constant(
    client: Client, secretariat: User, target: str, most: int, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    client.force_login(secretariat)
    client.get(reverse("framework:versions"))
    counts = []
    for code, items, job_types in (("small", 2, 1), ("large", 15, 8)):
        framework = small_framework(items=items, job_types=job_types, tools=1, published=False, code=code)
        for _place in range(items):
            CertificationFactory.create(framework=framework, skills=list(framework.skills.all()))
        url = reverse("framework:versions") if target == "versions" else address(target, code)
        with django_assert_max_num_queries(most) as captured:
            assert client.get(url).status_code == 200
        counts.append(len(captured))
    assert counts[0] == counts[1]


@pytest.mark.parametrize(
    ("target", "most"),
    [("home", 7), ("detail", 7), ("matrix", 8), ("certifications", 7), ("skill", 10), ("job_type", 8)],
)
def test_published_pages_take_at_most_ten(
    client: Client,
    staff: User,
    real: Framework,
    target: str,
    most: int,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    client.force_login(staff)
    urls = {
        "home": reverse("framework:home"),
        "skill": reverse("framework:skill", args=["2024", "it_strategy"]),
        "job_type": reverse("framework:job_type", args=["2024", "ai_engineer"]),
    }
    url = urls.get(target) or address(target, "2024")
    client.get(url)
    with django_assert_max_num_queries(most):
        client.get(url)
