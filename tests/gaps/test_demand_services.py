"""The demand survey as it is stored: whole, by right, once; every refusal leaves everything as it was."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from functools import partial
from threading import Barrier
from typing import Any, cast

import pytest
import time_machine
from django.db import connection, transaction
from django.http import Http404

from skillmap.core.errors import Conflict, NotAllowed, RuleViolation
from skillmap.core.models import AuditEvent, Notification
from skillmap.framework.models import Framework
from skillmap.gaps.choices import ResponseState, SurveyState
from skillmap.gaps.models import DemandItem, DemandResponse, DemandSurvey
from skillmap.gaps.selectors.demand import last_years_response
from skillmap.gaps.selectors.demand_surveys import survey_overview
from skillmap.gaps.services import demand, demand_steps, demand_surveys
from skillmap.gaps.services.demand import Line
from skillmap.people.choices import Role
from skillmap.people.models import Organisation, RoleGrant, User
from skillmap.people.services.changes import change_apply, change_plan
from tests.factories.demand import (
    AFTER,
    CLOSES,
    DURING,
    OPENS,
    DemandItemFactory,
    DemandQuestionFactory,
    DemandResponseFactory,
    DemandSurveyFactory,
    SurveyWorld,
    add_lines,
    make_survey,
)
from tests.factories.framework import small_framework
from tests.factories.people import OrganisationFactory, user_with

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def during() -> Iterator[None]:
    """A day on which lines can be entered."""
    with time_machine.travel(DURING, tick=False):
        yield


@pytest.fixture
def world() -> SurveyWorld:
    return make_survey()


def a_line(world: SurveyWorld, **more: Any) -> Line:
    values: Any = {
        "business": "予約サービスの更改", "phase": "planning", "skill": world.skills[0], "level": 2, "headcount": 3,
        "needed_from": None, "needed_until": None, "filled_staff": 1, "filled_govtech": 0, "filled_vendor": 0,
        "note": "",
    }  # fmt: skip
    return cast(Line, {**values, **more})


def add(world: SurveyWorld, actor: User | None = None, **more: Any) -> DemandItem:
    return demand.line_add(response_id=world.answer.pk, line=a_line(world, **more), actor=actor or world.coordinator)


def step(world: SurveyWorld, action: str, actor: User | None = None) -> DemandResponse:
    return demand_steps.response_step(response_id=world.answer.pk, action=action, actor=actor or world.coordinator)


def code_of(refused: pytest.ExceptionInfo[RuleViolation]) -> str:
    return refused.value.code


def snapshot() -> list[Any]:
    """Everything that a refusal must leave as it was."""
    return [
        list(model.objects.order_by("pk").values())
        for model in (DemandSurvey, DemandResponse, DemandItem, AuditEvent, Notification)
    ]


# ----------------------------------------------------------------------------------------------------------- lines


def test_the_first_line_begins_the_answer(world: SurveyWorld) -> None:
    item = add(world)
    world.answer.refresh_from_db()
    assert (world.answer.state, world.answer.version) == (ResponseState.DRAFT, 2)
    assert (item.position, item.headcount, item.skill) == (0, 3, world.skills[0])
    assert AuditEvent.objects.get(verb="demand.line_add").target == f"gaps.demanditem:{item.pk}"


def test_a_new_line_stands_last_also_after_others_were_removed(world: SurveyWorld) -> None:
    first, second, third = (add(world, business=name) for name in "甲乙丙")
    for item in (first, second):
        demand.line_remove(response_id=world.answer.pk, item_id=item.pk, version=1, actor=world.coordinator)
    fourth = add(world, business="丁")
    assert list(world.answer.items.order_by("position", "pk")) == [third, fourth]


def test_texts_are_kept_in_one_line(world: SurveyWorld) -> None:
    item = add(world, business=" 予約\r\nサービス\t 更改\u200b ", note="  a\n\nb ")
    assert (item.business, item.note) == ("予約 サービス 更改", "a b")


def test_lines_are_changed_by_version(world: SurveyWorld) -> None:
    item = add(world)
    changed = demand.line_change(
        response_id=world.answer.pk,
        item_id=item.pk,
        version=1,
        line=a_line(world, headcount=7),
        actor=world.coordinator,
    )
    assert (changed.line["headcount"], changed.version) == (7, 2)
    with pytest.raises(Conflict) as refused:
        demand.line_change(
            response_id=world.answer.pk, item_id=item.pk, version=1, line=a_line(world), actor=world.coordinator
        )
    assert refused.value.details == {"version": 2, "business": "予約サービスの更改", "headcount": 7}
    with pytest.raises(Conflict):
        demand.line_remove(response_id=world.answer.pk, item_id=item.pk, version=1, actor=world.coordinator)
    demand.line_remove(response_id=world.answer.pk, item_id=item.pk, version=2, actor=world.coordinator)
    assert not world.answer.items.exists()


def test_a_line_of_another_answer_is_not_found(world: SurveyWorld) -> None:
    other = DemandItemFactory.create(response=world.answers[1], skill=world.skills[0])
    for call in (
        lambda: demand.line_change(
            response_id=world.answer.pk, item_id=other.pk, version=1, line=a_line(world), actor=world.coordinator
        ),
        lambda: demand.line_remove(response_id=world.answer.pk, item_id=other.pk, version=1, actor=world.coordinator),
    ):
        with pytest.raises(Http404), transaction.atomic():
            call()
    other.refresh_from_db()
    assert other.version == 1


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"level": 0}, "bad_level"), ({"level": 4}, "bad_level"), ({"headcount": 0}, "bad_headcount"),
        ({"headcount": 1000}, "bad_headcount"), ({"needed_from": CLOSES, "needed_until": OPENS}, "bad_period"),
        ({"business": " \n "}, "empty_text"), ({"phase": "never"}, "empty_text"),
    ],
)  # fmt: skip
def test_a_line_that_cannot_stand_is_refused(world: SurveyWorld, change: dict[str, Any], code: str) -> None:
    before = snapshot()
    with pytest.raises(RuleViolation) as refused, transaction.atomic():
        add(world, **change)
    assert code_of(refused) == code
    assert snapshot() == before


def test_items_of_another_version_and_tools_are_refused(world: SurveyWorld) -> None:
    foreign = small_framework(items=1, code="other").skills.get()
    tool = world.framework.skills.get(kind="tool")
    for skill in (foreign, tool):
        with pytest.raises(RuleViolation) as refused, transaction.atomic():
            add(world, skill=skill)
        assert code_of(refused) == "unknown_skill"


def test_an_answer_holds_a_thousand_lines(world: SurveyWorld) -> None:
    add_lines(world.answer, world.skills, 1000)
    with pytest.raises(RuleViolation) as refused:
        add(world)
    assert code_of(refused) == "too_many_lines"


# -------------------------------------------------------------------------------------------------------- who, when


@pytest.mark.parametrize("actor", ["secretariat", "supporter"])
def test_only_the_organisation_enters_lines_and_takes_its_steps(world: SurveyWorld, actor: str) -> None:
    item = add(world)
    question = DemandQuestionFactory.create(response=world.answer, asked_by=world.secretariat)
    user, before = getattr(world, actor), snapshot()
    at: dict[str, Any] = {"response_id": world.answer.pk, "actor": user}
    calls: list[Callable[[], object]] = [
        lambda: add(world, user),
        lambda: demand.line_change(item_id=item.pk, version=1, line=a_line(world), **at),
        lambda: demand.line_remove(item_id=item.pk, version=1, **at),
        lambda: demand.lines_replace(lines=[a_line(world)], version=2, **at),
        lambda: demand.copy_last_year(**at),
        lambda: demand_steps.question_reply(question_id=question.pk, text="x", **at),
        *(partial(step, world, action, user) for action in ("submit", "nothing", "reopen", "ask", "fly")),
    ]
    for call in calls:
        with pytest.raises(NotAllowed), transaction.atomic():
            call()
    assert snapshot() == before


def test_a_coordinator_of_another_organisation_finds_nothing(world: SurveyWorld) -> None:
    item = add(world)
    before, other = snapshot(), world.coordinators[1]
    at: dict[str, Any] = {"response_id": world.answer.pk, "actor": other}
    for call in (
        lambda: add(world, other),
        lambda: demand.line_change(item_id=item.pk, version=1, line=a_line(world), **at),
        lambda: demand.line_remove(item_id=item.pk, version=1, **at),
        lambda: demand.lines_replace(lines=[], version=2, **at),
        lambda: demand.copy_last_year(**at),
        lambda: demand_steps.response_step(action="submit", **at),
        lambda: demand_steps.question_ask(text="?", **at),
        lambda: demand_steps.question_reply(question_id=1, text="x", **at),
    ):
        with pytest.raises(Http404), transaction.atomic():
            call()
    assert snapshot() == before


def test_who_speaks_for_a_bureau_speaks_for_what_lies_below(world: SurveyWorld) -> None:
    section = OrganisationFactory.create(parent=world.organisations[0])
    answer = DemandResponseFactory.create(survey=world.survey, organisation=section)
    demand.line_add(response_id=answer.pk, line=a_line(world), actor=world.coordinator)
    with pytest.raises(Http404):
        demand.line_add(response_id=answer.pk, line=a_line(world), actor=world.coordinators[1])


def reorganise(world: SurveyWorld, kind: str, on: date = date(2026, 5, 10), **plan: Any) -> None:
    office = User.objects.get(pk=world.secretariat.pk)
    planned = change_plan(kind=kind, effective_on=on, plan=plan, actor=office)
    change_apply(change_id=planned.pk, actor=office)


def merge(world: SurveyWorld, source: Organisation, target: Organisation) -> None:
    reorganise(world, "merge", sources=[source.pk], target=target.pk, new=None, carry_roles=True)


def test_after_a_merger_the_successor_finishes_the_answer() -> None:
    world = make_survey(answers=4, lines=2)
    merged, between, last, _other = world.organisations
    merge(world, merged, between)
    merge(world, between, last)
    speakers = [User.objects.get(pk=user.pk) for user in world.coordinators]
    for user, speaks in zip(speakers, (True, True, True, False), strict=True):
        assert DemandResponse.objects.visible_to(user).filter(pk=world.answer.pk).exists() == speaks
        assert DemandSurvey.objects.visible_to(user).exists()
    step(world, "submit", speakers[2])
    asked = demand_steps.question_ask(response_id=world.answer.pk, text="?", actor=world.secretariat)
    told = Notification.objects.filter(kind="demand.ask")
    assert {row.recipient_id for row in told} == {user.pk for user in speakers[:3]}
    demand_steps.question_reply(question_id=asked.pk, response_id=world.answer.pk, text="x", actor=speakers[0])
    step(world, "submit", speakers[1])
    with pytest.raises(Http404):
        step(world, "reopen", speakers[3])
    overview = survey_overview(world.survey, today=date(2026, 5, 10))
    assert overview.without_coordinator == ()


def test_a_part_that_leaves_does_not_answer_for_what_stays(world: SurveyWorld) -> None:
    """The new part follows the whole in the record, but that is still there and answers itself."""
    new = {"code": "part", "name": "新部", "kind": "bureau"}
    source = world.organisations[0]
    reorganise(world, "split", on=date(2026, 5, 1), source=source.pk, keep=True, parts=[{"new": new}])
    speaker = user_with(Role.COORDINATOR, organisation=Organisation.objects.get(code="part"))
    merge(world, source, world.organisations[1])
    assert not DemandResponse.objects.visible_to(speaker).exists()


def test_a_right_that_has_ended_is_no_right(world: SurveyWorld) -> None:
    RoleGrant.objects.filter(user=world.coordinator).update(valid_to=date(2026, 5, 1))
    with pytest.raises(Http404):
        add(world, User.objects.get(pk=world.coordinator.pk))


def test_a_draft_survey_is_the_secretariats_alone() -> None:
    world = make_survey(state=SurveyState.DRAFT)
    assert not DemandResponse.objects.visible_to(world.coordinator).exists()
    assert not DemandSurvey.objects.visible_to(world.coordinator).exists()
    assert DemandSurvey.objects.visible_to(world.supporter).count() == 1
    with pytest.raises(Http404):
        add(world)


def test_who_knows_of_a_survey(world: SurveyWorld) -> None:
    stranger = user_with(Role.EXECUTIVE)
    unasked = user_with(Role.COORDINATOR, organisation=OrganisationFactory.create())
    assert [DemandSurvey.objects.visible_to(user).count() for user in (stranger, unasked)] == [0, 0]
    assert [DemandSurvey.objects.visible_to(user).count() for user in (*world.coordinators, world.secretariat)] == [
        1
    ] * 3
    assert list(DemandResponse.objects.visible_to(world.coordinator)) == [world.answer]


@pytest.mark.parametrize(
    ("today", "state", "answer", "code"),
    [
        ("2026-03-31 23:59+09:00", SurveyState.OPEN, ResponseState.DRAFT, "not_yet"),
        ("2026-06-01 00:00+09:00", SurveyState.OPEN, ResponseState.DRAFT, "over"),
        (DURING, SurveyState.CLOSED, ResponseState.DRAFT, "survey_closed"),
        (DURING, SurveyState.OPEN, ResponseState.SUBMITTED, "already_submitted"),
        (DURING, SurveyState.OPEN, ResponseState.NONE, "already_submitted"),
    ],
)
def test_lines_outside_the_window_or_after_submitting(today: str, state: str, answer: str, code: str) -> None:
    world = make_survey(state=state, lines=2)
    DemandResponse.objects.filter(pk=world.answer.pk).update(state=answer)
    item, before = world.answer.items.first(), snapshot()
    assert item is not None
    at: dict[str, Any] = {"response_id": world.answer.pk, "actor": world.coordinator}
    with time_machine.travel(today, tick=False):
        for call in (
            lambda: add(world),
            lambda: demand.line_change(item_id=item.pk, version=1, line=a_line(world), **at),
            lambda: demand.line_remove(item_id=item.pk, version=1, **at),
            lambda: demand.lines_replace(lines=[], version=1, **at),
            lambda: demand.copy_last_year(**at),
        ):
            with pytest.raises(RuleViolation) as refused, transaction.atomic():
                call()
            assert code_of(refused) == code
    assert snapshot() == before


@pytest.mark.parametrize("today", ["2026-04-01 00:00+09:00", "2026-05-31 23:59+09:00"])
def test_both_days_of_the_window_count_in_japan(world: SurveyWorld, today: str) -> None:
    with time_machine.travel(today, tick=False):
        assert add(world).pk


# ----------------------------------------------------------------------------------------------------------- steps


def test_submitted_opened_again_and_submitted_once_more(world: SurveyWorld) -> None:
    add(world)
    done = step(world, "submit")
    assert (done.state, done.submitted_by, done.submitted_at is not None) == ("submitted", world.coordinator, True)
    opened = step(world, "reopen")
    assert (opened.state, opened.submitted_by, opened.submitted_at) == ("draft", None, None)
    assert step(world, "submit").state == "submitted"
    verbs = list(AuditEvent.objects.filter(verb__in=["demand.submit", "demand.reopen"]).values_list("verb", flat=True))
    assert sorted(verbs) == ["demand.reopen", "demand.submit", "demand.submit"]


def test_nothing_to_report_is_an_answer(world: SurveyWorld) -> None:
    assert step(world, "nothing").state == "none"
    assert step(world, "reopen").state == "draft"


@pytest.mark.parametrize(
    ("action", "lines", "code"),
    [
        ("submit", 0, "wrong_state"),
        ("nothing", 1, "has_lines"),
        ("reopen", 1, "wrong_state"),
        ("fly", 1, "unknown_action"),
        ("ask", 1, "unknown_action"),
    ],
)
def test_steps_that_are_refused(world: SurveyWorld, action: str, lines: int, code: str) -> None:
    for _ in range(lines):
        add(world)
    before = snapshot()
    with pytest.raises(RuleViolation) as refused, transaction.atomic():
        step(world, action)
    assert code_of(refused) == code
    assert snapshot() == before


def test_an_emptied_draft_cannot_be_submitted(world: SurveyWorld) -> None:
    item = add(world)
    demand.line_remove(response_id=world.answer.pk, item_id=item.pk, version=1, actor=world.coordinator)
    with pytest.raises(RuleViolation) as refused:
        step(world, "submit")
    assert code_of(refused) == "no_lines"


# ------------------------------------------------------------------------------------------------------- questions


def ask(world: SurveyWorld, text: str = "根拠は?", actor: User | None = None) -> Any:
    return demand_steps.question_ask(response_id=world.answer.pk, text=text, actor=actor or world.secretariat)


def test_a_question_opens_the_answer_and_its_reply_lets_it_be_submitted(world: SurveyWorld) -> None:
    add(world)
    step(world, "submit")
    question = ask(world)
    world.answer.refresh_from_db()
    assert world.answer.state == ResponseState.QUESTIONED
    told = Notification.objects.get(kind="demand.ask")
    assert (told.recipient, told.path) == (world.coordinator, f"/demand/{world.answer.pk}/")
    with time_machine.travel(AFTER, tick=False):  # the closing day does not end the dialogue
        with pytest.raises(RuleViolation) as refused:
            step(world, "submit")
        assert code_of(refused) == "unanswered_question"
        reply = {"question_id": question.pk, "response_id": world.answer.pk, "actor": world.coordinator}
        demand_steps.question_reply(text=" 台帳による ", **reply)
        add(world)
        assert step(world, "submit").state == "submitted"
        with pytest.raises(RuleViolation):
            demand_steps.question_reply(text="もう一度", **reply)
    question.refresh_from_db()
    assert (question.reply, question.replied_by) == ("台帳による", world.coordinator)
    assert Notification.objects.get(kind="demand.reply").recipient == world.secretariat


def test_questions_and_replies_that_are_refused(world: SurveyWorld) -> None:
    add(world)
    for text, code in (("", "empty_text"), ("?", "wrong_state")):
        with pytest.raises(RuleViolation) as refused, transaction.atomic():
            ask(world, text)
        assert code_of(refused) == code
    step(world, "submit")
    for actor in (world.supporter, world.coordinator):
        with pytest.raises(NotAllowed), transaction.atomic():
            ask(world, actor=actor)
    question = ask(world)
    other = DemandQuestionFactory.create(response=world.answers[1], asked_by=world.secretariat)
    with pytest.raises(Http404), transaction.atomic():
        demand_steps.question_reply(
            question_id=other.pk, response_id=world.answer.pk, text="x", actor=world.coordinator
        )
    DemandSurvey.objects.update(state=SurveyState.CLOSED)
    with pytest.raises(RuleViolation) as refused:
        demand_steps.question_reply(
            question_id=question.pk, response_id=world.answer.pk, text="x", actor=world.coordinator
        )
    assert code_of(refused) == "survey_closed"


# ------------------------------------------------------------------------------------------- copies and replacing


def last_year(world: SurveyWorld, framework: Framework, count: int) -> DemandResponse:
    survey = DemandSurveyFactory.create(framework=framework, fiscal_year=2025, state=SurveyState.CLOSED)
    answer = DemandResponseFactory.create(survey=survey, organisation=world.organisations[0])
    add_lines(answer, list(framework.skills.filter(kind="digital").order_by("number")), count)
    return answer


def test_last_years_lines_are_copied_by_the_code_of_their_item(world: SurveyWorld) -> None:
    old = small_framework(items=4, code="old")  # item 4 is no longer asked about
    source = last_year(world, old, 8)
    done = demand.copy_last_year(response_id=world.answer.pk, actor=world.coordinator)
    assert (done.lines, done.left_out) == (6, 2)
    copies = list(world.answer.items.select_related("skill").order_by("position"))
    assert {item.skill.framework_id for item in copies} == {world.framework.pk}
    assert {(item.needed_from, item.needed_until, item.version) for item in copies} == {(None, None, 1)}
    originals = [item for item in source.items.select_related("skill").order_by("position") if item.skill.number < 4]
    said = [(item.business, item.skill.code, item.level, item.headcount, item.filled_vendor) for item in copies]
    assert said == [(i.business, i.skill.code, i.level, i.headcount, i.filled_vendor) for i in originals]
    assert source.items.count() == 8
    world.answer.refresh_from_db()
    assert world.answer.state == ResponseState.DRAFT


def test_copies_that_are_refused(world: SurveyWorld) -> None:
    with pytest.raises(RuleViolation) as refused, transaction.atomic():
        demand.copy_last_year(response_id=world.answer.pk, actor=world.coordinator)
    assert code_of(refused) == "nothing_to_copy"
    last_year(world, world.framework, 2)
    add(world)
    with pytest.raises(RuleViolation) as refused, transaction.atomic():
        demand.copy_last_year(response_id=world.answer.pk, actor=world.coordinator)
    assert code_of(refused) == "lines_there"


def test_last_years_answer_is_the_newest_one_with_lines(world: SurveyWorld) -> None:
    assert last_years_response(world.answer) is None
    source = last_year(world, world.framework, 1)
    empty = DemandSurveyFactory.create(framework=world.framework, fiscal_year=2025, state=SurveyState.CLOSED)
    DemandResponseFactory.create(survey=empty, organisation=world.organisations[0])
    assert last_years_response(world.answer) == source
    assert last_years_response(world.answers[1]) is None


def replace(world: SurveyWorld, lines: list[Line], version: int) -> demand.Replaced:
    return demand.lines_replace(response_id=world.answer.pk, lines=lines, version=version, actor=world.coordinator)


def test_replacing_keeps_changes_adds_and_removes(world: SurveyWorld) -> None:
    stays, changes, goes = (add(world, business=name) for name in "甲乙丙")
    done = replace(
        world,
        [a_line(world, business="新"), a_line(world, business="乙", headcount=9), a_line(world, business="甲")],
        4,
    )
    assert (done.added, done.changed, done.removed, done.same) == (1, 1, 1, 1)
    now = list(world.answer.items.order_by("position"))
    assert [item.business for item in now] == ["新", "乙", "甲"]
    assert (now[1].pk, now[1].version, now[1].headcount) == (changes.pk, 2, 9)
    assert (now[2].pk, now[2].version) == (stays.pk, 1)
    assert not DemandItem.objects.filter(pk=goes.pk).exists()
    world.answer.refresh_from_db()
    assert world.answer.version == 5


def test_replacing_by_the_same_changes_nothing(world: SurveyWorld) -> None:
    add(world)
    assert replace(world, [a_line(world)], 2) == demand.Replaced(0, 0, 0, 1)
    world.answer.refresh_from_db()
    assert world.answer.version == 2


def test_replacing_is_refused_whole(world: SurveyWorld) -> None:
    add(world)
    before = snapshot()
    with pytest.raises(Conflict) as stale, transaction.atomic():
        replace(world, [], 1)
    assert stale.value.details == {"version": 2}
    with pytest.raises(RuleViolation), transaction.atomic():
        replace(world, [a_line(world, business="新"), a_line(world, level=0)], 2)
    with pytest.raises(RuleViolation) as many, transaction.atomic():
        replace(world, [a_line(world)] * 1001, 2)
    assert code_of(many) == "too_many_lines"
    assert snapshot() == before


# ---------------------------------------------------------------------------------------------------------- survey


def create(world: SurveyWorld, **more: Any) -> DemandSurvey:
    values: dict[str, Any] = {
        "fiscal_year": 2027, "name": "新しい調査", "framework": world.framework, "opens_on": OPENS, "closes_on": CLOSES,
        "organisations": world.organisations, "actor": world.secretariat,
    }  # fmt: skip
    return demand_surveys.survey_create(**{**values, **more})


def test_a_survey_is_prepared_with_an_empty_answer_for_each_organisation(world: SurveyWorld) -> None:
    survey = create(world)
    assert survey.state == SurveyState.DRAFT
    assert set(survey.responses.values_list("organisation", "state")) == {
        (unit.pk, "not_started") for unit in world.organisations
    }
    assert not Notification.objects.exists()
    for change, code in (({}, "survey_exists"), ({"name": "別", "organisations": []}, "no_organisations")):
        with pytest.raises(RuleViolation) as refused, transaction.atomic():
            create(world, **change)
        assert code_of(refused) == code


def test_only_the_secretariat_prepares_changes_and_moves_surveys(world: SurveyWorld) -> None:
    survey, before = world.survey, snapshot()
    for user in (world.supporter, world.coordinator):
        calls: list[Callable[[], object]] = [
            partial(create, world, actor=user),
            partial(change, world, survey, actor=user),
            partial(prolong, world, actor=user),
            partial(demand_surveys.survey_remind, survey_id=survey.pk, actor=user),
            partial(extend, world, date(2026, 6, 30), actor=user),
            *(
                partial(demand_surveys.survey_step, survey_id=survey.pk, action=action, actor=user)
                for action in ("open", "close", "reopen")
            ),
        ]
        for call in calls:
            with pytest.raises(NotAllowed), transaction.atomic():
                call()
    assert snapshot() == before


def change(world: SurveyWorld, survey: DemandSurvey, **more: Any) -> DemandSurvey:
    values: dict[str, Any] = {
        "survey_id": survey.pk, "version": survey.version, "fiscal_year": 2027, "name": "直した", "opens_on": OPENS,
        "closes_on": CLOSES, "organisations": world.organisations[:1], "actor": world.secretariat,
    }  # fmt: skip
    return demand_surveys.survey_change(**{**values, **more})


def test_a_survey_in_preparation_is_changed_by_version(world: SurveyWorld) -> None:
    survey, third = create(world), OrganisationFactory.create()
    kept = survey.responses.get(organisation=world.organisations[0])
    done = change(world, survey, organisations=[world.organisations[0], third])
    assert (done.name, done.version) == ("直した", 2)
    assert set(survey.responses.values_list("organisation", flat=True)) == {world.organisations[0].pk, third.pk}
    assert survey.responses.filter(pk=kept.pk).exists()
    with pytest.raises(Conflict) as refused, transaction.atomic():
        change(world, survey, version=1)
    assert refused.value.details == {"version": 2}
    create(world, name="もう一つ")
    for more, code in (({"name": "もう一つ"}, "survey_exists"), ({"organisations": []}, "no_organisations")):
        with pytest.raises(RuleViolation) as told, transaction.atomic():
            change(world, done, **more)
        assert code_of(told) == code
    with pytest.raises(RuleViolation) as told, transaction.atomic():
        change(world, world.survey)
    assert code_of(told) == "wrong_state"


def test_opening_tells_the_coordinators_and_the_steps_have_an_order(world: SurveyWorld) -> None:
    survey = create(world)
    for action, code in (("close", "wrong_state"), ("reopen", "wrong_state"), ("fly", "unknown_action")):
        with pytest.raises(RuleViolation) as refused, transaction.atomic():
            demand_surveys.survey_step(survey_id=survey.pk, action=action, actor=world.secretariat)
        assert code_of(refused) == code
    for action, state in (("open", "open"), ("close", "closed"), ("reopen", "open")):
        moved = demand_surveys.survey_step(survey_id=survey.pk, action=action, actor=world.secretariat)
        assert moved.state == state
    told = Notification.objects.filter(kind="survey.open")
    assert {row.recipient_id for row in told} == {user.pk for user in world.coordinators}
    assert told.count() == 2
    with pytest.raises(Http404):
        demand_surveys.survey_step(survey_id=0, action="close", actor=world.secretariat)


def test_nobody_enters_anything_once_a_survey_is_closed(world: SurveyWorld) -> None:
    """The page was read before; the service looks again under its lock."""
    version = add(world).version
    demand_surveys.survey_step(survey_id=world.survey.pk, action="close", actor=world.secretariat)
    before = snapshot()
    for call in (
        lambda: add(world),
        lambda: step(world, "submit"),
        lambda: replace(world, [a_line(world)], version),
    ):
        with pytest.raises(RuleViolation) as refused, transaction.atomic():
            call()
        assert code_of(refused) == "survey_closed"
    assert snapshot() == before


def test_reminders_by_hand_once_a_day(world: SurveyWorld) -> None:
    add(world)
    step(world, "submit")
    for _ in range(2):
        done = demand_surveys.survey_remind(survey_id=world.survey.pk, actor=world.secretariat)
        assert (done.answers, done.people) == (1, 1)
    told = Notification.objects.get(kind="survey.remind")
    assert told.recipient == world.coordinators[1]
    with time_machine.travel("2026-05-11 12:00+09:00", tick=False):
        demand_surveys.survey_remind(survey_id=world.survey.pk, actor=world.secretariat)
    assert Notification.objects.filter(kind="survey.remind").count() == 2


# ------------------------------------------------------------------------------------------------------- more time


def extend(world: SurveyWorld, until: date, *, actor: User | None = None, chosen: list[int] | None = None) -> int:
    return demand_surveys.responses_extend(
        survey_id=world.survey.pk,
        response_ids=[answer.pk for answer in world.answers] if chosen is None else chosen,
        until=until,
        actor=actor or world.secretariat,
    )


def test_more_time_for_those_who_have_not_answered(world: SurveyWorld) -> None:
    add(world)
    step(world, "submit")
    assert extend(world, date(2026, 6, 10)) == 1
    answer, late = world.answers
    for row in (answer, late):
        row.refresh_from_db()
    assert (answer.extended_to, late.extended_to) == (None, date(2026, 6, 10))
    assert Notification.objects.get(kind="demand.extend").recipient == world.coordinators[1]
    with time_machine.travel(AFTER, tick=False):
        demand.line_add(response_id=late.pk, line=a_line(world), actor=world.coordinators[1])
    with time_machine.travel("2026-06-11 00:00+09:00", tick=False), pytest.raises(RuleViolation) as refused:
        demand.line_add(response_id=late.pk, line=a_line(world), actor=world.coordinators[1])
    assert code_of(refused) == "over"


def test_more_time_that_is_refused(world: SurveyWorld) -> None:
    foreign = DemandResponseFactory.create(survey=create(world, name="別"), organisation=OrganisationFactory.create())
    before = snapshot()
    for until, chosen, code in (
        (CLOSES, None, "not_later"),
        (date(2026, 5, 1), None, "day_passed"),
        (date(2200, 1, 1), None, "too_far"),
        (date(2026, 6, 10), [], "nothing_chosen"),
        (date(2026, 6, 10), [foreign.pk], "nothing_chosen"),
    ):
        with pytest.raises(RuleViolation) as refused, transaction.atomic():
            extend(world, until, chosen=chosen)
        assert code_of(refused) == code
    assert snapshot() == before


def prolong(world: SurveyWorld, **more: Any) -> DemandSurvey:
    values: dict[str, Any] = {
        "survey_id": world.survey.pk, "version": world.survey.version, "closes_on": CLOSES, "organisations": [],
        "actor": world.secretariat,
    }  # fmt: skip
    return demand_surveys.survey_prolong(**{**values, **more})


def test_a_running_survey_gets_another_day_and_further_organisations(world: SurveyWorld) -> None:
    extend(world, date(2026, 6, 5), chosen=[world.answer.pk])
    extend(world, date(2026, 6, 30), chosen=[world.answers[1].pk])
    Notification.objects.all().delete()
    bureau = OrganisationFactory.create()
    newcomer = user_with(Role.COORDINATOR, organisation=bureau)
    done = prolong(world, closes_on=date(2026, 6, 20), organisations=[bureau, world.organisations[0]])
    assert (done.closes_on, done.responses.count()) == (date(2026, 6, 20), 3)
    kept = dict(done.responses.values_list("organisation", "extended_to"))
    assert kept == {
        world.organisations[0].pk: None, world.organisations[1].pk: date(2026, 6, 30), bureau.pk: None
    }  # fmt: skip
    assert Notification.objects.get(kind="survey.open").recipient == newcomer


def test_moving_the_day_tells_those_who_have_not_answered(world: SurveyWorld) -> None:
    add(world)
    step(world, "submit")
    prolong(world, closes_on=CLOSES + timedelta(days=1))
    assert Notification.objects.get().recipient == world.coordinators[1]


def test_whoever_had_more_time_is_told_of_the_new_day_too(world: SurveyWorld) -> None:
    longer = world.answers[1]
    extend(world, date(2026, 6, 5), chosen=[world.answer.pk])
    extend(world, date(2026, 7, 15), chosen=[longer.pk])
    Notification.objects.all().delete()
    prolong(world, closes_on=date(2026, 6, 30))
    assert DemandResponse.objects.get(pk=world.answer.pk).extended_to is None
    assert Notification.objects.get(kind="demand.extend").recipient == world.coordinator
    assert DemandResponse.objects.get(pk=longer.pk).extended_to == date(2026, 7, 15)


def test_a_running_survey_is_not_changed_into_the_past(world: SurveyWorld) -> None:
    before = snapshot()
    for more, code in (
        ({"closes_on": date(2026, 5, 9)}, "day_passed"),
        ({"closes_on": date(2101, 1, 1)}, "too_far"),
        ({"version": 9}, "changed"),
    ):
        with pytest.raises(RuleViolation) as refused, transaction.atomic():
            prolong(world, **more)
        assert code_of(refused) == code
    assert snapshot() == before
    survey = create(world)
    with pytest.raises(RuleViolation) as refused, transaction.atomic():
        demand_surveys.survey_prolong(
            survey_id=survey.pk, version=1, closes_on=CLOSES, organisations=[], actor=world.secretariat
        )
    assert code_of(refused) == "wrong_state"


# ------------------------------------------------------------------------------------------------------------ races


@pytest.mark.django_db(transaction=True)
def test_no_line_slips_in_behind_the_closing() -> None:
    """Four people enter lines while the survey is closed: each line is stored before it or refused, none is lost."""
    world = make_survey()
    together = Barrier(5)

    def enter(number: int) -> list[str]:
        together.wait()
        said = []
        for _ in range(6):
            try:
                actor = User.objects.get(pk=world.coordinator.pk)
                said.append(add(world, actor, business=f"{number}").business)
            except RuleViolation as refusal:
                said.append(refusal.code)
        connection.close()
        return said

    with ThreadPoolExecutor(4) as pool:
        running = [pool.submit(enter, number) for number in range(4)]
        together.wait()
        demand_surveys.survey_step(survey_id=world.survey.pk, action="close", actor=world.secretariat)
        said = [word for each in running for word in each.result()]
    assert set(said) <= {"0", "1", "2", "3", "survey_closed"}
    assert world.answer.items.count() == len(said) - said.count("survey_closed")
    closed = AuditEvent.objects.get(verb="survey.close").pk
    assert not AuditEvent.objects.filter(verb="demand.line_add", pk__gt=closed).exists()
    world.answer.refresh_from_db()
    assert world.answer.version == 1 + world.answer.items.count()


@pytest.mark.django_db(transaction=True)
def test_two_who_change_the_same_line_at_once() -> None:
    """One of them is stored, the other is told."""
    world = make_survey()
    item, together = add(world), Barrier(2)

    def change_it(heads: int) -> str:
        actor = User.objects.get(pk=world.coordinator.pk)
        together.wait()
        try:
            demand.line_change(
                response_id=world.answer.pk,
                item_id=item.pk,
                version=1,
                line=a_line(world, headcount=heads),
                actor=actor,
            )
        except Conflict as refusal:
            return refusal.code
        finally:
            connection.close()
        return "stored"

    with ThreadPoolExecutor(2) as pool:
        said = [each.result() for each in [pool.submit(change_it, heads) for heads in (7, 8)]]
    assert sorted(said) == ["changed", "stored"]
    item.refresh_from_db()
    assert (item.version, item.headcount) == (2, 7 if said[0] == "stored" else 8)
