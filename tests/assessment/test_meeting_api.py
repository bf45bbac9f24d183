"""1on1s over REST."""

import json
from datetime import date
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from skillmap.assessment.models import (
    Assessment,
    OneOnOne,
    PrivateMemo,
)
from skillmap.assessment.services import meetings
from skillmap.assessment.services.meetings import Text
from skillmap.core import clock
from skillmap.core.models import AuditEvent
from skillmap.people import tokens
from skillmap.people.models import RoleGrant, User
from tests.assessment.meeting_support import (
    CANARY,
    as_user,
    rating,
)
from tests.factories.assessment import World, make_cycle
from tests.support.ground import on_ground

pytestmark = pytest.mark.django_db


laid, world = on_ground(lambda: make_cycle(items=4))


# ----------------------------------------------------------------------------------------------------------------- REST


def api(check: Assessment) -> str:
    return reverse("assessment-api:one-on-ones", args=[check.pk])


def token_client(world: World, *, scopes: list[str], role: str | None = "secretariat") -> Client:
    service = User.objects.create_user("link@example.test", is_service=True, name="連携")
    if role:
        RoleGrant.objects.create(user=service, role=role, valid_from=date(2020, 4, 1))
    _row, value = tokens.issue(user=service, name="link", scopes=scopes, purpose="system_link", actor=world.secretariat)
    return Client(headers={"Authorization": f"Bearer {value}"})


def test_the_two_sides_read_the_1on1_over_rest(world: World) -> None:
    check = world.check("met")
    OneOnOne.objects.filter(assessment=check).update(shared_note=CANARY)
    PrivateMemo.objects.create(assessment=check, author=world.mentor, text="メモの文")
    for user in (world.mentor, world.deputy, world.user("met")):
        answer = as_user(user).get(api(check))
        body = answer.json()
        assert answer.status_code == 200
        assert body["results"][0]["shared_note"] == CANARY
        assert len(body["mentor_views"]) == 4 and body["goals"] == []
        assert body["notice"] == "人材育成目的。人事評価への利用禁止"
        assert "メモの文" not in answer.content.decode()
    looks = AuditEvent.objects.filter(verb="levels.read")
    assert {(line.actor_id, line.channel, line.purpose) for line in looks} == {
        (world.mentor.pk, "api", "mentoring"),
        (world.deputy.pk, "api", "mentoring"),
    }


def test_the_secretariat_and_its_tokens_read_neither_notes_nor_goals(world: World) -> None:
    check = world.check("met")
    OneOnOne.objects.filter(assessment=check).update(shared_note=CANARY, person_note=CANARY)
    client = token_client(world, scopes=["levels:read"])
    answer = client.get(api(check))
    body = answer.json()
    assert (answer.status_code, body["purpose"], body["goals"]) == (200, "system_link", None)
    assert (body["results"][0]["shared_note"], body["results"][0]["person_note"]) == (None, None)
    assert CANARY not in answer.content.decode()
    assert client.post(api(check), "{}", content_type="application/json").status_code == 403
    session = as_user(world.secretariat).get(api(check))
    assert (session.status_code, session.json()["title"]) == (409, "purpose_required")


def test_rest_is_closed_to_everybody_else(world: World) -> None:
    check = world.check("met")
    for role in ("former_mentor", "other_mentor", "stranger", "coordinator", "executive", "supporter"):
        client = as_user(getattr(world, role))
        assert client.get(api(check)).status_code == 404, role
        body = {"kind": "first", "held_on": clock.today().isoformat(), "way": "online"}
        assert client.post(api(check), json.dumps(body), content_type="application/json").status_code == 404, role
    assert Client().get(api(check)).status_code == 401
    assert token_client(world, scopes=["reference:read"]).get(api(check)).status_code == 403


def test_a_draft_is_shown_to_the_mentors_alone_over_rest(world: World) -> None:
    check = world.check("submitted")
    meetings.save_note(assessment_id=check.pk, kind="first", note=Text(0, CANARY), actor=world.mentor)
    assert as_user(world.mentor).get(api(check)).json()["results"][0]["held_on"] is None
    body = as_user(world.user("submitted")).get(api(check)).json()
    assert (body["results"], body["mentor_views"]) == ([], [])


def test_a_1on1_is_recorded_over_rest_together_with_views_and_goals_or_not_at_all(world: World) -> None:
    check, client = world.check("submitted"), as_user(world.deputy)
    row = rating(check)
    body: dict[str, Any] = {
        "kind": "first",
        "held_on": clock.today().isoformat(),
        "way": "online",
        "shared_note": "話した",
        "mentor_views": [{"skill_code": row.skill.code, "level": 2, "reason": "理由", "version": row.version}],
        "goals": [{"text": "研修を受ける", "due_on": "2027-03-31"}],
    }

    def post(**more: Any) -> Any:
        return client.post(api(check), json.dumps({**body, **more}), content_type="application/json")

    assert post(memo="x").status_code == 400
    assert post(state="confirmed").status_code == 400
    assert post(held_on="2999-01-01").status_code == 409
    stale = [{**body["mentor_views"][0], "version": row.version + 1}]
    assert post(mentor_views=stale).status_code == 412
    assert post(goals=[{"text": "x", "skill_code": "none"}]).status_code == 404
    assert not OneOnOne.objects.filter(assessment=check).exists()
    assert not check.goals.exists() and rating(check).mentor_level is None

    done = post()
    assert done.status_code == 201
    found = done.json()
    assert found["results"][0] | {"version": 0} == {
        "kind": "first",
        "held_on": clock.today().isoformat(),
        "way": "online",
        "mentor": world.deputy.name,
        "by_deputy": True,
        "shared_note": "話した",
        "person_note": "",
        "version": 0,
    }
    assert found["goals"][0]["text"] == "研修を受ける"
    assert {view["skill_code"]: view["level"] for view in found["mentor_views"]} == {row.skill.code: 2}
    again = post(mentor_views=[])
    assert (again.status_code, again.json()["title"]) == (409, "already_held")
    as_person = as_user(world.user("submitted")).post(api(check), json.dumps(body), content_type="application/json")
    assert (as_person.status_code, as_person.json()["title"]) == (409, "wrong_person")


def test_a_draft_is_not_overwritten_over_rest(world: World) -> None:
    check = world.check("submitted")
    meetings.save_note(assessment_id=check.pk, kind="first", note=Text(0, "下書き"), actor=world.mentor)
    body = {"kind": "first", "held_on": clock.today().isoformat(), "way": "online", "shared_note": "別の文"}
    client = as_user(world.mentor)
    stale = client.post(api(check), json.dumps(body), content_type="application/json")
    assert (stale.status_code, stale.json()["text"], stale.json()["version"]) == (412, "下書き", 1)
    body["version"] = 1  # type: ignore[assignment]
    assert client.post(api(check), json.dumps(body), content_type="application/json").status_code == 201
