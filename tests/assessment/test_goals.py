"""Development goals: set by the mentor, ticked by the person, carried forward once."""

import json
from datetime import date, timedelta
from typing import Any

import pytest
from django.urls import reverse

from skillmap.assessment.choices import CycleState, GoalState, State
from skillmap.assessment.models import Assessment, Cycle, CycleGroup, DevelopmentGoal
from skillmap.assessment.services import goals
from skillmap.assessment.services.goals import GoalEntry
from skillmap.core import clock
from skillmap.core.errors import Conflict
from tests.assessment.meeting_support import (
    DAY,
    NOT_A_MENTOR,
    WITH_MEETINGS,
    actor_of,
    as_user,
    dossier,
    page_of,
    refused,
)
from tests.factories.assessment import STATES, World, make_cycle
from tests.support.ground import on_ground

pytestmark = pytest.mark.django_db


laid, world = on_ground(lambda: make_cycle(items=4))


def add(check: Assessment, actor: Any, text: str = "クラウドの研修を受ける", **more: Any) -> DevelopmentGoal:
    return goals.add_goal(assessment_id=check.pk, entry=GoalEntry(text, **more), actor=actor)


def earlier(world: World, stage: str, *texts: str, state: GoalState = GoalState.OPEN) -> list[DevelopmentGoal]:
    """Goals of a check of the year before."""
    cycle, _made = Cycle.objects.get_or_create(
        fiscal_year=world.cycle.fiscal_year - 1,
        name="前年度",
        defaults={
            "framework": world.framework,
            "state": CycleState.CLOSED,
            "purpose_text": world.cycle.purpose_text,
            "opened_at": clock.now() - timedelta(days=400),
        },
    )
    group, _made = CycleGroup.objects.get_or_create(cycle=cycle, name="ICT職")
    check = world.check(stage)
    old, _made = Assessment.objects.get_or_create(
        cycle=cycle,
        staff=check.staff,
        defaults={
            "group": group,
            "organisation": check.organisation,
            "grade": check.grade,
            "occupation": check.occupation,
            "state": State.RECEIVED,
            "confirmed_at": clock.now(),
            "confirmed_by": world.secretariat,
        },
    )
    return [
        DevelopmentGoal.objects.create(
            assessment=old,
            text=text,
            skill=world.skills[0],
            due_on=date(2027, 3, 31),
            state=state,
            created_by=world.mentor,
        )
        for text in texts
    ]


def test_goals_are_set_by_the_mentors_from_the_submitting_on(world: World) -> None:
    for stage in WITH_MEETINGS:
        check = world.check(stage)
        expected = "wrong_state" if STATES[stage] in (State.DRAFT, State.WITHDRAWN) else ""
        for role, code in {"mentor": expected, "deputy": expected, **NOT_A_MENTOR}.items():
            actor = actor_of(world, stage, role)
            assert refused(lambda check=check, actor=actor: add(check, actor, actor.name)) == code, (stage, role)


def test_a_goal_has_text_day_and_item(world: World) -> None:
    check = world.check("submitted")
    goal = add(check, world.mentor, "  研修を受ける ", due_on=date(2027, 3, 31), skill_code=world.skills[1].code)
    assert (goal.text, goal.due_on, goal.skill) == ("研修を受ける", date(2027, 3, 31), world.skills[1])
    assert add(check, world.mentor, "研修を受ける", due_on=date(2027, 3, 31)).pk == goal.pk  # pressed twice
    assert refused(lambda: add(check, world.mentor, " ")) == "text_missing"
    assert refused(lambda: add(check, world.mentor, "あ" * 301)) == "too_long"
    assert refused(lambda: add(check, world.mentor, "x", skill_code="none")) == "404"
    for number in range(19):
        add(check, world.mentor, f"目標{number}")
    assert refused(lambda: add(check, world.mentor, "多すぎる")) == "goals_too_many"


def test_a_goal_that_was_changed_meanwhile_is_not_overwritten(world: World) -> None:
    check = world.check("submitted")
    goal = add(check, world.mentor)

    def change(text: str, actor: Any) -> None:
        goals.change_goal(assessment_id=check.pk, goal_id=goal.pk, version=1, entry=GoalEntry(text), actor=actor)

    change("代理が直した", world.deputy)
    with pytest.raises(Conflict) as raised:
        change("メンターが直した", world.mentor)
    assert raised.value.details == {"version": 2, "text": "代理が直した", "due_on": None, "state": "open"}
    with pytest.raises(Conflict):
        goals.set_goal_state(assessment_id=check.pk, goal_id=goal.pk, version=1, state="dropped", actor=world.mentor)


def test_goals_of_another_check_are_out_of_reach(world: World) -> None:
    foreign = add(world.check("met"), world.mentor)
    check = world.check("submitted")

    def change() -> None:
        goals.change_goal(
            assessment_id=check.pk, goal_id=foreign.pk, version=1, entry=GoalEntry("x"), actor=world.mentor
        )

    def drop() -> None:
        goals.set_goal_state(assessment_id=check.pk, goal_id=foreign.pk, version=1, state="dropped", actor=world.mentor)

    assert (refused(change), refused(drop)) == ("404", "404")


def test_open_goals_of_the_last_cycle_are_carried_forward_once(world: World) -> None:
    check = world.check("submitted")
    old = earlier(world, "submitted", "設計を主担当する", "試験を受ける")
    earlier(world, "submitted", "終えた目標", state=GoalState.REACHED)
    earlier(world, "met", "別の人の目標")
    found = dossier(world.mentor, check)
    assert [goal.text for goal in found.earlier_goals] == ["設計を主担当する", "試験を受ける"]
    assert goals.carry_forward(assessment_id=check.pk, actor=world.mentor) == 2
    assert goals.carry_forward(assessment_id=check.pk, actor=world.mentor) == 0
    carried = dossier(world.mentor, check)
    assert [(goal.text, goal.carried_from, goal.due_on) for goal in carried.goals] == [
        (goal.text, goal.pk, date(2027, 3, 31)) for goal in old
    ]
    assert carried.earlier_goals == ()
    assert carried.goals[0].skill_name == world.skills[0].name


def test_the_mentors_page_keeps_goals(world: World) -> None:
    check = world.check("submitted")
    client, url = as_user(world.mentor), reverse("assessment:one_on_one", args=[check.pk])
    assert "研修を受ける" not in page_of(world, "submitted")
    form = {"do": "save", "kind": "first", "goal-text": "研修を受ける", "goal-due_on": "2027-03-31"}
    assert client.post(url, form).status_code == 302
    assert client.post(url, form).status_code == 302
    goal = DevelopmentGoal.objects.get()
    key = f"goal-{goal.pk}"
    change = {f"{key}-version": 1, f"{key}-text": "演習もする", f"{key}-due_on": "2027-02-28", "do": "save"}
    assert client.post(url, change).status_code == 302
    stale = client.post(url, {**change, f"{key}-text": "古い窓の文"})
    assert stale.status_code == 409
    empty = client.post(url, {**change, f"{key}-text": ""})
    assert empty.status_code == 409
    wrong = client.post(url, {"do": "save", "goal-text": "日付の誤り", "goal-due_on": "2027-02-31"})
    assert wrong.status_code == 422 and "日付の誤り" in wrong.content.decode()
    for action, state in (("reached", "reached"), ("reopened", "open"), ("dropped", "dropped")):
        goal.refresh_from_db()
        assert client.post(url, {"do": f"{action}-{goal.pk}-{goal.version}"}).status_code == 302
        goal.refresh_from_db()
        assert goal.state == state
    assert client.post(url, {"do": f"reached-{goal.pk}-1"}).status_code == 422
    assert client.post(url, {"do": f"reached-{10**9}-1"}).status_code == 404


def test_the_mentors_page_carries_forward(world: World) -> None:
    check = world.check("submitted")
    earlier(world, "submitted", "設計を主担当する")
    assert page_of(world, "submitted").count("設計を主担当する") == 1
    as_user(world.mentor).post(reverse("assessment:one_on_one", args=[check.pk]), {"do": "carry"})
    assert check.goals.get().carried_from is not None
    sheet = as_user(world.mentor).get(reverse("assessment:meeting_sheet", args=[check.pk])).content.decode()
    assert "設計を主担当する" in sheet


def test_the_person_ticks_the_own_goals_also_after_the_cycle(world: World) -> None:
    check, person = world.check("received"), world.user("received")
    goal = add(check, world.mentor)
    Cycle.objects.filter(pk=world.cycle.pk).update(state=CycleState.CLOSED, closed_at=clock.now())
    client = as_user(person)
    url = reverse("assessment:goal_tick", args=[goal.pk])
    assert client.get(url).status_code == 405
    assert client.post(url, {"reached": "1"}).status_code == 302
    goal.refresh_from_db()
    assert (goal.state, goal.version) == (GoalState.REACHED, 2)
    client.post(url, {"reached": "0"})
    goal.refresh_from_db()
    assert goal.state == GoalState.OPEN
    for user in (world.mentor, world.secretariat, world.stranger, world.user("met")):
        assert as_user(user).post(url, {"reached": "1"}).status_code == 404
    DevelopmentGoal.objects.filter(pk=goal.pk).update(state=GoalState.DROPPED)
    client.post(url, {"reached": "1"})
    goal.refresh_from_db()
    assert goal.state == GoalState.DROPPED


def test_goals_are_for_the_two_sides_alone(world: World) -> None:
    check = world.check("met_again")
    add(check, world.mentor, "二人だけの目標")
    for role in ("own", "mentor", "deputy"):
        assert [goal.text for goal in dossier(actor_of(world, "met_again", role), check).goals] == ["二人だけの目標"]
    assert dossier(world.secretariat, check).goals == ()
    result = as_user(world.secretariat).get(reverse("assessment:result", args=[check.pk]))
    assert (result.status_code, "二人だけの目標" in result.content.decode()) == (200, False)
    rest = as_user(world.user("met_again")).get(reverse("assessment-api:one-on-ones", args=[check.pk]))
    assert json.loads(rest.content)["goals"][0]["text"] == "二人だけの目標"


def test_adding_a_goal_says_what_is_missing_and_where(world: World) -> None:
    check = world.check("submitted")
    client, url = as_user(world.mentor), reverse("assessment:one_on_one", args=[check.pk])
    past = (clock.today() - DAY).isoformat()
    empty = client.post(url, {"do": "add", "kind": "first", "goal-text": " ", "goal-due_on": ""})
    assert empty.status_code == 422 and "text" in empty.context["goal_form"].errors
    gone = client.post(url, {"do": "add", "kind": "first", "goal-text": "研修を受ける", "goal-due_on": past})
    assert gone.status_code == 422 and list(gone.context["goal_form"].errors) == ["due_on"]
    assert 'value="研修を受ける"' in gone.content.decode()
    assert not DevelopmentGoal.objects.exists()

    added = client.post(url, {"do": "add", "kind": "first", "goal-text": "研修を受ける", "goal-due_on": ""})
    assert added["Location"].endswith("#goals")
    page = client.get(url).content.decode()
    assert page.index('id="goals"') < page.rindex("notice--good") < page.index('value="研修を受ける"')


def test_a_goals_day_may_have_passed_but_is_not_set_into_the_past(world: World) -> None:
    check, past = world.check("submitted"), clock.today() - DAY
    goal = add(check, world.mentor)
    client, url = as_user(world.mentor), reverse("assessment:one_on_one", args=[check.pk])
    key = f"goal-{goal.pk}"
    change = {"do": "save", f"{key}-version": 1, f"{key}-text": "別の文", f"{key}-due_on": past.isoformat()}
    refused_page = client.post(url, change)
    assert refused_page.status_code == 409
    assert 'value="別の文"' in refused_page.content.decode()
    DevelopmentGoal.objects.filter(pk=goal.pk).update(due_on=past)
    assert client.post(url, change).status_code == 302
    goal.refresh_from_db()
    assert (goal.text, goal.due_on) == ("別の文", past)


def test_a_tick_leads_back_to_the_page_it_was_pressed_on(world: World) -> None:
    old = earlier(world, "submitted", "設計を主担当する")[0]
    here = reverse("assessment:my_one_on_one", args=[world.check("submitted").pk])
    client = as_user(world.user("submitted"))
    assert f'name="page" value="{world.check("submitted").pk}"' in client.get(here).content.decode()
    answer = client.post(
        reverse("assessment:goal_tick", args=[old.pk]), {"reached": "1", "page": world.check("submitted").pk}
    )
    assert answer["Location"] == f"{here}#goals"
