"""The same form sent twenty times at once, as by an impatient hand or a line that breaks: one effect, equal answers."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from skillmap.assessment.choices import MeetingWay
from skillmap.assessment.models import (
    AssessmentEvent,
    ConfirmedLevel,
    Cycle,
    DevelopmentGoal,
    Evidence,
    Objection,
    SkillRating,
)
from skillmap.core import clock
from skillmap.core.models import Job
from skillmap.gaps.models import GapRun
from skillmap.people.models import User
from tests.factories.assessment import World, make_cycle
from tests.factories.gaps import make_run_world
from tests.support.signing_in import signed_in
from tests.support.trials import Trial, short_and_long

pytestmark = pytest.mark.django_db(transaction=True)
TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')
STAGES = ("started", "met", "submitted", "corrected", "confirmed", "met_again")


@dataclass
class Form:
    """A form on its page: whose, where it stands, where it goes, what is in it, and how often it took effect."""

    user: User
    page: str
    effects: Callable[[], int]
    fields: dict[str, Any] = field(default_factory=dict)
    goes_to: str = ""


def at(name: str, *args: object) -> str:
    """The address of a page of the yearly check."""
    return reverse(f"assessment:{name}", args=args)


def submit(world: World) -> Form:
    """The own check, all answered."""
    check = world.check("started")
    SkillRating.objects.filter(assessment=check).update(self_level=1)
    steps = AssessmentEvent.objects.filter(assessment=check, action="submit")
    return Form(world.user("started"), at("check_submit", check.pk), steps.count)


def evidence(world: World) -> Form:
    """A piece of evidence beside an item."""
    check, code = world.check("started"), world.skills[0].code
    found = Evidence.objects.filter(rating__assessment=check)
    return Form(world.user("started"), at("evidence", check.pk, code), found.count, {"work": "台帳の電子化"})


def finish(world: World) -> Form:
    """The first 1on1, held today."""
    check = world.check("submitted")
    steps = AssessmentEvent.objects.filter(assessment=check, action="review")
    values = {"do": "finish", "held_on": clock.today().isoformat(), "way": MeetingWay.ONLINE.value}
    return Form(world.mentor, at("one_on_one", check.pk), steps.count, values)


def goal(world: World) -> Form:
    """A goal that the mentor adds."""
    check = world.check("met")
    found = DevelopmentGoal.objects.filter(assessment=check)
    return Form(world.mentor, at("one_on_one", check.pk), found.count, {"do": "add", "goal-text": "設計を一つ任せる"})


def confirm(world: World) -> Form:
    """One check out of the preview."""
    check = world.check("corrected")
    code = world.skills[0].code
    levels = ConfirmedLevel.objects.filter(staff=check.staff_id, skill_code=code, assessment=check)
    chosen = f"{check.pk}:{check.version}"
    page = at("board_confirm", world.cycle.pk)
    return Form(world.secretariat, page, lambda: levels.count() * Job.objects.count(), {"chosen": chosen})


def receive(world: World) -> Form:
    """The result is received."""
    check = world.check("met_again")
    steps = AssessmentEvent.objects.filter(assessment=check, action="receive")
    values = {"action": "receive", "version": check.version}
    page = at("result", check.pk)
    return Form(world.user("met_again"), page, steps.count, values, at("check_step", check.pk))


def objection(world: World) -> Form:
    """A request for correction."""
    check = world.check("confirmed")
    values = {"skill_code": world.skills[0].code, "wanted_level": 3, "text": "設計を担当した"}
    return Form(world.user("confirmed"), at("objection_create", check.pk), Objection.objects.count, values)


def cycle(world: World) -> Form:
    """A new draft of a cycle; nothing in the database forbids a second one."""
    made = Cycle.objects.filter(name="試行")
    values = {
        "fiscal_year": world.cycle.fiscal_year,
        "name": "試行",
        "framework": world.framework.pk,
        "second_meeting": "after",
    }
    return Form(world.secretariat, at("cycle_create"), made.count, values)


def gap_run(world: World) -> Form:
    """A run of supply and demand."""
    runs = make_run_world(people=0)
    values = {
        "cycle": runs.cycle.pk,
        "survey": runs.survey.pk,
        "basis": "confirmed",
        "population": ["ict"],
        "supply_level": "2",
        "top_share": "1/3",
        "k": "5",
    }
    return Form(runs.secretariat, reverse("gaps:run_create"), GapRun.objects.count, values)


FORMS: list[Callable[[World], Form]] = [
    evidence, submit, finish, goal, confirm, receive, objection, cycle, gap_run,
]  # fmt: skip


def drawn(form: Form) -> str:
    """Load the form's page; the token that stands in it."""
    html = signed_in(form.user).get(form.page).content.decode()
    found = TOKEN.search(html)
    assert found is not None, "there is no form"
    return found[1]


def sent_at_once(form: Form, token: str, times: int) -> list[tuple[int, str]]:
    """Send it that often in the same moment, from one browser; status and address of each answer."""
    cookies = signed_in(form.user, Client()).cookies
    start = threading.Barrier(times)

    def send(_number: int) -> tuple[int, str]:
        client = Client()
        client.cookies.update(cookies)
        try:
            start.wait(60)
            answer = client.post(form.goes_to or form.page, {**form.fields, "csrfmiddlewaretoken": token})
            return answer.status_code, str(answer.headers.get("Location", answer.content[:300]))
        finally:
            connection.close()

    with ThreadPoolExecutor(times) as pool:
        return list(pool.map(send, range(times)))


@short_and_long(4, 20)
def test_a_form_sent_many_times_at_once_takes_effect_once(trial: Trial, repeats: int) -> None:
    world = make_cycle(people=len(STAGES), items=4, stages=STAGES)
    for make in FORMS:
        form = make(world)
        before = form.effects()
        answers = sent_at_once(form, drawn(form), repeats)
        assert {status for status, _where in answers} == {302}, (make.__name__, answers)
        assert len(set(answers)) == 1, (make.__name__, answers)
        assert form.effects() - before == 1, make.__name__
        trial.count()
    trial.held(at_once=repeats, effects_each=1, different_answers=0)
