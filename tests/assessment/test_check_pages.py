"""The pages of the self-check: who gets in, saving one item, without JavaScript, evidence, submitting."""

import json
import re
from copy import deepcopy
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse

from skillmap.assessment.models import Assessment, PurposeAcknowledgement, SkillRating
from skillmap.core.htmx import MOST_JSON
from skillmap.core.models import AuditEvent
from tests.factories.assessment import World, make_cycle
from tests.support.ground import Ground

# Words and forms; every page is asked for on both databases by test_query_counts.
pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]


@pytest.fixture(scope="module", autouse=True)
def laid(ground: Ground) -> World:
    with ground():
        made = make_cycle(items=4)
        for check in made.checks:
            PurposeAcknowledgement.objects.get_or_create(
                staff_id=check.staff_id, cycle=made.cycle, purpose_text=made.cycle.purpose_text
            )
        return made


@pytest.fixture
def world(laid: World, db: None) -> World:
    return deepcopy(laid)


def as_user(user: Any) -> Client:
    client = Client()
    client.force_login(user)
    return client


def first(check: Assessment) -> SkillRating:
    return check.ratings.select_related("skill").order_by("skill__number")[0]


def post_item(client: Client, check: Assessment, code: str, body: object) -> Any:
    url = reverse("assessment:check_item", args=[check.pk, code])
    return client.post(url, json.dumps(body), content_type="application/json", headers={"Accept": "application/json"})


def test_the_page_marks_the_last_level_and_chooses_none(world: World) -> None:
    page = as_user(world.user("untouched")).get(reverse("assessment:check", args=[world.check("untouched").pk]))
    html = page.content.decode()
    assert page.status_code == 200
    assert html.count("<fieldset") == 4
    assert 'type="radio"' in html and " checked" not in html
    assert html.count("level-card__last") == 4


def test_the_purpose_stands_before_the_first_entry(world: World) -> None:
    check = world.check("untouched")
    PurposeAcknowledgement.objects.filter(staff=check.staff_id).delete()
    client = as_user(world.user("untouched"))
    page = client.get(reverse("assessment:check", args=[check.pk]))
    assert world.cycle.purpose_text.text.split("\n")[0] in page.content.decode()
    assert "<fieldset" not in page.content.decode()
    client.post(reverse("assessment:check_start", args=[check.pk]))
    client.post(reverse("assessment:check_start", args=[check.pk]))
    seen = PurposeAcknowledgement.objects.get(staff=check.staff_id)
    assert seen.purpose_text == world.cycle.purpose_text
    assert "<fieldset" in client.get(reverse("assessment:check", args=[check.pk])).content.decode()


def test_one_item_is_saved_and_a_stale_tab_gets_both_values(world: World) -> None:
    check, client = world.check("untouched"), as_user(world.user("untouched"))
    code = first(check).skill.code
    saved = post_item(client, check, code, {"version": 1, "level": 2})
    assert saved.json() == {"version": 2, "level": 2, "wish": False, "answered": 1, "items": 4}
    stale = post_item(client, check, code, {"version": 1, "level": 3})
    assert stale.status_code == 409
    assert (stale.json()["level"], stale.json()["version"]) == (2, 2)
    assert first(check).self_level == 2


@pytest.mark.parametrize(
    "body",
    [
        {}, [], "x", None, {"version": 1}, {"level": 2}, {"version": "1", "level": 2}, {"version": True, "level": 2},
        {"version": 1, "level": 4}, {"version": 1, "level": -1}, {"version": 1, "level": "2"}, {"version": 1, "level":
        True},
        {"version": 1, "level": 1.5}, {"version": 2**31, "level": 1}, {"version": 1, "wish": 1}, {"version": 1,
        "level": 1, "state": "x"},
    ],
)  # fmt: skip
def test_what_is_no_answer_is_refused_and_nothing_stored(world: World, body: object) -> None:
    check, client = world.check("untouched"), as_user(world.user("untouched"))
    assert post_item(client, check, first(check).skill.code, body).status_code == 400
    assert first(check).version == 1


def test_a_broken_body_is_refused(world: World) -> None:
    check, client = world.check("untouched"), as_user(world.user("untouched"))
    url = reverse("assessment:check_item", args=[check.pk, first(check).skill.code])
    assert client.post(url, "{", content_type="application/json").status_code == 400
    padded = '{"version": 1, "level": 1}' + " " * MOST_JSON
    assert client.post(url, padded, content_type="application/json").status_code == 400
    assert first(check).version == 1


def test_after_signing_out_a_script_gets_401_and_a_page_the_sign_in(world: World) -> None:
    check = world.check("untouched")
    answer = post_item(Client(), check, first(check).skill.code, {"version": 1, "level": 2})
    assert (answer.status_code, answer.json()["sign_in"]) == (401, reverse("account_login"))
    part = Client().get(
        reverse("assessment:evidence", args=[check.pk, first(check).skill.code]), headers={"HX-Request": "true"}
    )
    assert (part.status_code, part.headers["HX-Redirect"]) == (401, reverse("account_login"))
    page = Client().get(reverse("assessment:check", args=[check.pk]))
    assert page.status_code == 302 and page.headers["Location"].startswith(reverse("account_login"))


def test_without_javascript_the_page_is_saved_and_same_as_last_time_works(world: World) -> None:
    check, client = world.check("untouched"), as_user(world.user("untouched"))
    rows = list(check.ratings.select_related("skill").order_by("skill__number"))
    data = {f"version-{row.skill.code}": "1" for row in rows} | {f"level-{rows[0].skill.code}": "3"}
    data["same"] = rows[1].skill.code
    answer = client.post(reverse("assessment:check", args=[check.pk]), data)
    assert answer.headers["Location"].endswith(f"#skill-{rows[1].skill.code}")
    levels = list(check.ratings.order_by("skill__number").values_list("self_level", flat=True))
    last = check.staff.confirmed_levels.current().get(skill_code=rows[1].skill.code).level
    assert levels == [3, last, None, None]


def test_without_javascript_a_conflict_keeps_the_entry_on_the_page(world: World) -> None:
    check, client = world.check("untouched"), as_user(world.user("untouched"))
    code = first(check).skill.code
    post_item(client, check, code, {"version": 1, "level": 1})
    answer = client.post(reverse("assessment:check", args=[check.pk]), {f"version-{code}": "1", f"level-{code}": "3"})
    html = answer.content.decode()
    assert answer.status_code == 409
    assert "is-conflict" in html and f'id="level-{code}_3" checked' in html and 'data-version="2"' in html
    again = client.post(reverse("assessment:check", args=[check.pk]), {f"version-{code}": "2", f"level-{code}": "3"})
    assert again.status_code == 302
    assert first(check).self_level == 3


def test_evidence_by_page_and_by_part(world: World) -> None:
    check, client = world.check("started"), as_user(world.user("started"))
    code = first(check).skill.code
    url = reverse("assessment:evidence", args=[check.pk, code])
    empty = client.post(url, {"work": ""}, headers={"HX-Request": "true"})
    assert empty.status_code == 422
    added = client.post(url, {"work": "<b>更改計画</b>"}, headers={"HX-Request": "true"})
    assert "&lt;b&gt;更改計画&lt;/b&gt;" in added.content.decode()
    piece = first(check).evidence.get()
    whole = client.post(
        reverse("assessment:evidence_change", args=[check.pk, code, piece.pk]), {"work": "別", "version": "1"}
    )
    assert whole.status_code == 302
    removed = client.post(reverse("assessment:evidence_remove", args=[check.pk, code, piece.pk]))
    assert removed.status_code == 302 and not first(check).evidence.exists()


def test_submitting_names_what_is_missing_and_then_submits(world: World) -> None:
    check, client = world.check("started"), as_user(world.user("started"))
    url = reverse("assessment:check_submit", args=[check.pk])
    refused = client.post(url)
    missing = check.ratings.filter(self_level=None).select_related("skill")
    assert refused.status_code == 422
    for rating in missing:
        assert f"#skill-{rating.skill.code}" in refused.content.decode()
        post_item(client, check, rating.skill.code, {"version": rating.version, "level": 0})
    assert client.post(url).status_code == 302
    assert world.check("started").state == "submitted"


def test_a_correction_that_was_taken_away_is_missing_before_submitting(world: World) -> None:
    check, item = world.check("reviewed"), first(world.check("reviewed"))
    client = as_user(world.user("reviewed"))
    answer = post_item(client, check, item.skill.code, {"version": item.version, "level": None})
    assert (answer.status_code, answer.json()["answered"]) == (200, 3)

    page = client.get(reverse("assessment:check_submit", args=[check.pk]))

    assert [row.skill.code for row in page.context["missing"]] == [item.skill.code]
    assert not page.context["can_submit"]
    assert f"#skill-{item.skill.code}" in page.content.decode()
    shown = client.get(reverse("assessment:check", args=[check.pk])).context["page"]
    assert (shown.answered, len(shown.rows)) == (3, 4)


def test_the_mentors_view_stands_beside_the_correction(world: World) -> None:
    check = world.check("reviewed")
    SkillRating.objects.filter(pk=first(check).pk).update(mentor_level=3, mentor_reason="調達を任せられる")
    page = as_user(world.user("reviewed")).get(reverse("assessment:check", args=[check.pk]))
    assert "調達を任せられる" in page.content.decode()


def test_the_secretariat_sees_that_it_enters_on_behalf_and_the_look_is_recorded(world: World) -> None:
    check = world.check("started")
    page = as_user(world.secretariat).get(reverse("assessment:check", args=[check.pk]))
    assert page.status_code == 200
    look = AuditEvent.objects.get(verb="levels.read")
    assert (look.subject_key, look.purpose, look.actor) == (
        f"staff:{check.staff_id}",
        "cycle_operation",
        world.secretariat,
    )
    assert not AuditEvent.objects.filter(verb="levels.read", actor=world.user("started")).exists()


def test_the_secretariat_reads_a_check_as_the_persons_not_as_its_own(world: World) -> None:
    check = world.check("corrected")
    address = reverse("assessment:check", args=[check.pk])

    def read_by(user: Any) -> str:
        client = as_user(user)
        client.cookies[settings.LANGUAGE_COOKIE_NAME] = "en"
        return client.get(address).content.decode()

    office, own = read_by(world.secretariat), read_by(world.user("corrected"))

    to_the_person = "The secretariat tallies and confirms the levels next."
    assert (to_the_person in own, to_the_person in office) == (True, False)
    assert "Entry on behalf" not in office, "nothing can be entered"
    person = reverse("assessment:board_person", args=[check.cycle_id, check.pk])
    assert (own.count(f'href="{person}"'), office.count(f'href="{person}"')) == (0, 2), "in the way to here, at the end"


@pytest.mark.parametrize(("who", "entry"), [("own", "portal:my_map"), ("secretariat", "assessment:cycles")])
def test_the_menu_shows_where_a_check_belongs(world: World, who: str, entry: str) -> None:
    user = world.user("started") if who == "own" else world.secretariat
    drawn = as_user(user).get(reverse("assessment:check", args=[world.check("started").pk])).content.decode()
    menu = drawn[drawn.index('<nav class="site-nav"') :]

    assert re.findall(r'<li><a href="([^"]+)" aria-current', menu[: menu.index("</nav>")]) == [reverse(entry)]


ROUTES = ["check", "check_submit", "check_start", "check_target", "check_step"]


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("role", ["stranger", "former_mentor", "other_mentor", "coordinator", "executive", "supporter"])
def test_foreign_checks_are_not_found(world: World, route: str, role: str) -> None:
    url = reverse(f"assessment:{route}", args=[world.check("started").pk])
    client = as_user(getattr(world, role))
    data = {"action": "submit", "job_type": ""}
    assert client.post(url, data).status_code == 404
    if route in ("check", "check_submit"):
        assert client.get(url).status_code == 404


def test_the_own_check_is_found_without_its_number(world: World) -> None:
    found = as_user(world.user("started")).get(reverse("assessment:current_check"))
    assert found.headers["Location"] == reverse("assessment:check", args=[world.check("started").pk])
    none = as_user(world.stranger).get(reverse("assessment:current_check"))
    assert none.status_code == 200
