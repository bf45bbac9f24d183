"""What the tests of 1on1s share."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.http import Http404
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from skillmap.assessment.models import (
    Assessment,
    MentorPair,
    SkillRating,
)
from skillmap.assessment.selectors.meetings.dossier import Dossier
from skillmap.assessment.selectors.meetings.reading import dossier_of
from skillmap.assessment.services import meetings, times
from skillmap.assessment.services.meetings import View
from skillmap.core import clock
from skillmap.core.errors import RuleViolation
from skillmap.people.models import User
from tests.factories.assessment import STATES, World

WITH_MEETINGS = tuple(stage for stage in STATES if not stage.startswith("plain"))
CANARY = "カナリア-9f3e"
DAY = timedelta(days=1)


def as_user(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def dossier(user: User, check: Assessment) -> Dossier:
    found = dossier_of(User.objects.get(pk=user.pk), check.pk)
    assert found is not None
    return found


def fresh(user: User) -> User:
    """The account as the next request reads it."""
    return User.objects.get(pk=user.pk)


def rating(check: Assessment, number: int = 0) -> SkillRating:
    return check.ratings.select_related("skill").order_by("skill__number")[number]


def refused(run: Any) -> str:
    """The code of what a call refuses; `404` for what one may not know of; empty where it goes through."""
    try:
        run()
    except RuleViolation as refusal:
        return refusal.code
    except Http404:
        return "404"
    return ""


def post_json(client: Client, name: str, args: list[object], body: object) -> Any:
    return client.post(
        reverse(f"assessment:{name}", args=args),
        json.dumps(body),
        content_type="application/json",
        headers={"Accept": "application/json"},
    )


def view_of(
    check: Assessment, user: User, *, version: int | None = None, level: int | None = 2, reason: str = ""
) -> int:
    row = rating(check)
    return meetings.save_view(
        assessment_id=check.pk,
        skill_code=row.skill.code,
        version=row.version if version is None else version,
        view=View(level, reason),
        actor=user,
    )


ANYWHERE = {"stranger": "404", "former_mentor": "404", "other_mentor": "404", "coordinator": "404", "executive": "404"}
NOT_A_MENTOR = {"own": "wrong_person", "secretariat": "wrong_person", **ANYWHERE}


def actor_of(world: World, stage: str, role: str) -> User:
    return world.user(stage) if role == "own" else getattr(world, role)


def hand_over(world: World, check: Assessment, *, to: User) -> None:
    now = clock.now()
    MentorPair.objects.active().filter(mentee=check.staff_id, is_deputy=False).update(ended_at=now)
    MentorPair.objects.create(
        cycle=world.cycle, mentee=check.staff, mentor=to.staff, not_evaluator_declared=True, started_at=now
    )


def slot(days: int, hour: int = 10, **more: Any) -> times.Slot:
    moment = datetime.combine(clock.today() + days * DAY, datetime.min.time(), tzinfo=clock.TOKYO) + timedelta(
        hours=hour
    )
    return times.Slot(moment, **more)


def every_page(check: Assessment) -> Iterator[str]:
    for name in ("one_on_one", "my_one_on_one", "meeting_sheet", "meeting_times", "result", "check"):
        yield reverse(f"assessment:{name}", args=[check.pk])
    yield reverse("assessment:one_on_one", args=[check.pk]) + "?all=1"
    yield reverse("assessment:mentees")
    yield reverse("assessment:memos")
    yield reverse("assessment-api:one-on-ones", args=[check.pk])
    yield reverse("assessment-api:assessment-detail", args=[check.pk])


def queries(client: Client, url: str, body: object = None) -> int:
    with CaptureQueriesContext(connection) as captured:
        if body is None:
            answer = client.get(url)
        else:
            answer = client.post(url, json.dumps(body), content_type="application/json")
    assert answer.status_code == 200
    transaction = ("SAVEPOINT", "RELEASE", "BEGIN", "COMMIT", "ROLLBACK")
    return sum(not query["sql"].startswith(transaction) for query in captured.captured_queries)


def page_of(world: World, stage: str, user: User | None = None, query: str = "") -> str:
    url = reverse("assessment:one_on_one", args=[world.check(stage).pk]) + query
    answer = as_user(user or world.mentor).get(url)
    assert answer.status_code == 200
    return answer.content.decode()
