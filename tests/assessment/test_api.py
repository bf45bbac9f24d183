"""The check over REST: rights, versions, steps, the profile as of a day, and every look recorded with its purpose."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from skillmap.assessment.models import MentorPair, SkillRating
from skillmap.core import clock, purpose
from skillmap.core.models import AuditEvent
from skillmap.people import tokens
from skillmap.people.models import ApiToken, Staff, User
from tests.factories.assessment import World, make_cycle
from tests.support.ground import on_ground

pytestmark = pytest.mark.django_db


laid, world = on_ground(lambda: make_cycle(items=4))


def as_user(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def detail(world: World, stage: str) -> str:
    return reverse("assessment-api:assessment-detail", args=[world.check(stage).pk])


def patch(client: Client, url: str, body: object, **headers: str) -> Any:
    return client.patch(url, body, content_type="application/json", headers=headers)


def rating_url(world: World, stage: str) -> tuple[str, SkillRating]:
    check = world.check(stage)
    rating = check.ratings.select_related("skill").order_by("skill__number")[0]
    return reverse("assessment-api:rating", args=[check.pk, rating.skill.code]), rating


def bearer(world: World, *scopes: str) -> tuple[Client, ApiToken]:
    token, value = tokens.issue(
        user=world.secretariat, name="t", scopes=scopes, purpose="system_link", actor=world.secretariat_colleague
    )
    return Client(headers={"Authorization": f"Bearer {value}"}), token


def test_the_own_check_names_its_open_steps(world: World) -> None:
    answer = as_user(world.user("submitted")).get(detail(world, "submitted"))
    assert answer.status_code == 200
    assert (answer.json()["state"], answer.json()["actions"]) == ("submitted", ["take_back"])
    assert answer.headers["ETag"] == f'"{answer.json()["version"]}"'


def test_a_mentor_reads_submitted_answers_but_no_drafts(world: World) -> None:
    client = as_user(world.mentor)
    SkillRating.objects.filter(assessment=world.check("started")).update(self_level=2)
    draft = client.get(detail(world, "started")).json()
    assert {row["self_level"] for row in draft["ratings"]} == {None}
    submitted = client.get(detail(world, "submitted")).json()
    assert None not in {row["self_level"] for row in submitted["ratings"]}
    reviewed = client.get(detail(world, "reviewed")).json()
    assert {row["corrected_level"] for row in reviewed["ratings"]} == {None}
    look = AuditEvent.objects.filter(verb="levels.read").latest("pk")
    assert (look.purpose, look.channel) == ("mentoring", "api")


@pytest.mark.parametrize("role", ["stranger", "former_mentor", "other_mentor", "coordinator", "executive", "supporter"])
def test_foreign_checks_are_not_found(world: World, role: str) -> None:
    client = as_user(getattr(world, role))
    url, _rating = rating_url(world, "started")
    assert client.get(detail(world, "started")).status_code == 404
    assert patch(client, url, {"level": 1}, if_match='"1"').status_code == 404
    moved = client.post(
        reverse("assessment-api:assessment-transition", args=[world.check("started").pk]),
        {"action": "submit"},
        content_type="application/json",
    )
    assert moved.status_code == 404
    assert client.get(reverse("assessment-api:assessment-list")).json()["results"] == []


def test_the_secretariat_chooses_a_purpose_first(world: World) -> None:
    client = as_user(world.secretariat)
    refused = client.get(detail(world, "corrected"))
    assert (refused.status_code, refused.json()["title"]) == (409, "purpose_required")
    session = client.session
    session[purpose.KEY] = "training_plan"
    session.save()
    assert client.get(detail(world, "corrected")).status_code == 200
    assert AuditEvent.objects.filter(verb="levels.read").latest("pk").purpose == "training_plan"


def test_saving_needs_the_version_and_refuses_a_stale_one(world: World) -> None:
    client = as_user(world.user("untouched"))
    url, _rating = rating_url(world, "untouched")
    assert patch(client, url, {"level": 2}).status_code == 428
    saved = patch(client, url, {"level": 2}, if_match='"1"')
    assert (saved.status_code, saved.json()["level"], saved.headers["ETag"]) == (200, 2, '"2"')
    stale = patch(client, url, {"level": 3}, if_match='"1"')
    assert (stale.status_code, stale.json()["level"]) == (412, 2)
    assert patch(client, url, {"level": 3}, if_match="W/abc").status_code == 412


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"level": 4},
        {"level": "x"},
        {"self_level": 1},
        {"level": 1, "state": "confirmed"},
        {"level": 1, "version": 9},
    ],
)
def test_other_fields_are_refused_and_nothing_changes(world: World, body: dict[str, object]) -> None:
    url, rating = rating_url(world, "untouched")
    answer = patch(as_user(world.user("untouched")), url, body, if_match='"1"')
    assert answer.status_code == 400
    assert answer.headers["Content-Type"] == "application/problem+json"
    rating.refresh_from_db()
    assert (rating.version, rating.self_level) == (1, None)


@pytest.mark.parametrize(
    "raw", [b"{", b'{"level": NaN}', b'{"level": 1, "level": 2}', b"\xff", b"[" * 5000, b'{"level": 1e400}']
)
def test_what_is_no_json_is_a_400(world: World, raw: bytes) -> None:
    url, _rating = rating_url(world, "untouched")
    client = as_user(world.user("untouched"))
    answer = client.patch(url, raw, content_type="application/json", headers={"If-Match": '"1"'})
    assert answer.status_code == 400


def test_a_refused_step_is_409_with_its_code(world: World) -> None:
    client = as_user(world.user("started"))
    url = reverse("assessment-api:assessment-transition", args=[world.check("started").pk])
    answer = client.post(url, {"action": "submit"}, content_type="application/json")
    assert (answer.status_code, answer.json()["title"]) == (409, "not_all_answered")


def test_confirming_needs_the_etag_of_what_was_seen(world: World) -> None:
    client, _token = bearer(world, "levels:read", "assessments:write")
    check = world.check("corrected")
    url = reverse("assessment-api:assessment-transition", args=[check.pk])
    assert client.post(url, {"action": "confirm"}, content_type="application/json").status_code == 428
    stale = client.post(url, {"action": "confirm"}, content_type="application/json", headers={"If-Match": '"99"'})
    assert stale.status_code == 412
    done = client.post(
        url, {"action": "confirm"}, content_type="application/json", headers={"If-Match": f'"{check.version}"'}
    )
    assert (done.status_code, done.json()["state"]) == (200, "confirmed")


def test_a_token_reaches_what_its_scopes_say(world: World) -> None:
    client, token = bearer(world, "reference:read")
    assert client.get(reverse("assessment-api:cycle-list")).status_code == 200
    assert client.get(detail(world, "corrected")).status_code == 403
    tokens.revoke(token_id=token.pk, actor=world.secretariat)
    assert client.get(reverse("assessment-api:cycle-list")).status_code == 401


def test_an_expired_token_and_an_inactive_account_are_401(world: World) -> None:
    client, token = bearer(world, "reference:read")
    ApiToken.objects.filter(pk=token.pk).update(expires_at=clock.now())
    assert client.get(reverse("assessment-api:cycle-list")).status_code == 401
    other, _second = bearer(world, "reference:read")
    User.objects.filter(pk=world.secretariat.pk).update(is_active=False)
    assert other.get(reverse("assessment-api:cycle-list")).status_code == 401
    assert Client().get(reverse("assessment-api:cycle-list")).status_code == 401


def test_the_profile_now_and_as_of_a_day_says_its_purpose(world: World) -> None:
    client, _token = bearer(world, "levels:read")
    staff = world.staff("confirmed")
    url = reverse("assessment-api:profile", args=[staff.pk])
    now = client.get(url).json()
    assert len(now["levels"]) == 4
    assert (now["purpose"], now["notice"]) == ("system_link", "人材育成目的。人事評価への利用禁止")
    long_ago = (clock.today() - timedelta(days=3000)).isoformat()
    assert client.get(url, {"as_of": long_ago}).json()["levels"] == []
    assert client.get(url, {"as_of": "yesterday"}).status_code == 400
    assert client.get(url, {"as_of": long_ago, "valid_on": long_ago}).status_code == 400
    looks = AuditEvent.objects.filter(verb="levels.read", subject_key=f"staff:{staff.pk}", channel="api")
    assert looks.count() == 2


@pytest.mark.parametrize("role", ["stranger", "former_mentor", "coordinator", "executive", "supporter"])
def test_a_foreign_profile_is_not_found(world: World, role: str) -> None:
    url = reverse("assessment-api:profile", args=[world.staff("confirmed").pk])
    assert as_user(getattr(world, role)).get(url).status_code == 404


PROFILES = "/api/v1/profiles/"


def test_profiles_of_many_are_those_of_each_and_each_look_is_recorded(world: World) -> None:
    client, token = bearer(world, "levels:read")
    found, url = [], f"{PROFILES}?page_size=5"
    while url:
        page = client.get(url).json()
        assert len(page["results"]) <= 5
        found += page["results"]
        url = page["next"]
    assert [row["staff"] for row in found] == list(Staff.objects.order_by("pk").values_list("pk", flat=True))
    looks = AuditEvent.objects.filter(verb="levels.read", channel="api", purpose=token.purpose, actor=world.secretariat)
    others = [row["staff"] for row in found if row["staff"] != world.secretariat.staff.pk]
    assert sorted(looks.values_list("subject_key", flat=True)) == sorted(f"staff:{pk}" for pk in others)
    assert sum(bool(row["levels"]) for row in found) > 3
    for row in found:
        one = client.get(reverse("assessment-api:profile", args=[row["staff"]])).json()
        assert one["levels"] == row["levels"]


def test_profiles_go_by_day_and_by_the_filters_of_people(world: World) -> None:
    client, _token = bearer(world, "levels:read")
    staff = world.staff("confirmed")
    assert [row["number"] for row in client.get(PROFILES, {"q": staff.number}).json()["results"]] == [staff.number]
    long_ago = (clock.today() - timedelta(days=3000)).isoformat()
    for day in ("as_of", "valid_on"):
        past = client.get(PROFILES, {"q": staff.number, day: long_ago}).json()["results"]
        assert [(row["number"], row["levels"]) for row in past] == [(staff.number, [])]
    tomorrow = (clock.today() + timedelta(days=1)).isoformat()
    for wrong in ({"as_of": tomorrow}, {"as_of": "x"}, {"as_of": long_ago, "valid_on": long_ago}, {"grade": "x"}):
        assert client.get(PROFILES, wrong).status_code == 400


@pytest.mark.parametrize("role", ["mentor", "deputy", "former_mentor", "coordinator", "executive", "supporter"])
def test_profiles_hold_oneself_and_present_mentees_alone(world: World, role: str) -> None:
    user = getattr(world, role)
    own = Staff.objects.filter(user=user).values_list("pk", flat=True)
    mentees = MentorPair.objects.active().filter(mentor__user=user, cycle=world.cycle).values_list("mentee", flat=True)
    assert bool(mentees) == (role in ("mentor", "deputy"))
    rows = as_user(user).get(PROFILES, {"page_size": 100}).json()["results"]
    assert [row["staff"] for row in rows] == sorted({*own, *mentees})
    looks = AuditEvent.objects.filter(verb="levels.read", purpose="mentoring", actor=user)
    assert sorted(looks.values_list("subject_key", flat=True)) == sorted(f"staff:{pk}" for pk in mentees)


def test_lists_show_steps_and_no_level(world: World) -> None:
    client, _token = bearer(world, "levels:read")
    rows = client.get(reverse("assessment-api:assessment-list"), {"state": "corrected"}).json()["results"]
    assert [row["state"] for row in rows] == ["corrected"]
    assert not [key for row in rows for key in row if "level" in key]
    assert not AuditEvent.objects.filter(verb="levels.read").exists()
