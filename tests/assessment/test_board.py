"""The board, one person, bulk confirmation, the coordinator's page; who may open which page of a cycle."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils.translation import gettext as _

from skillmap.assessment.choices import CycleState, SecondMeeting, State
from skillmap.assessment.models import Assessment, CheckCount, ConfirmedLevel, Cycle, Extension, SkillRating
from skillmap.assessment.selectors import board
from skillmap.assessment.selectors.board import BoardFilter
from skillmap.assessment.selectors.preview import ready_to_confirm
from skillmap.assessment.services import confirming
from skillmap.assessment.services.confirming import confirm_start
from skillmap.assessment.services.participation import extend
from skillmap.assessment.services.standing import settle
from skillmap.assessment.services.transitions import confirm_many, transition
from skillmap.core import clock, jobs
from skillmap.core.choices import JobState, Purpose
from skillmap.core.models import AuditEvent, Job, Notification
from skillmap.people.choices import StaffStatus
from skillmap.people.models import Staff, User
from tests.factories.assessment import WITH_MEETINGS, World, make_cycle, set_windows
from tests.support.ground import on_ground

pytestmark = pytest.mark.django_db


laid, world = on_ground(make_cycle)


def signed_in(user: User) -> Client:
    """A browser in which this person is signed in."""
    client = Client()
    client.force_login(user)
    return client


# ---------------------------------------------------------------------------------------------------------- access

ROLES = ("anonymous", "stranger", "own", "mentor", "coordinator", "executive", "supporter", "secretariat")
OFFICE = (302, 403, 403, 403, 403, 403, 403, 200)
BOTH = (302, 403, 403, 403, 403, 403, 200, 200)
# Route -> what GET answers to each of ROLES. A draft cycle is no-one's but the office's.
PAGES: Mapping[str, tuple[int, ...]] = {
    "cycles": BOTH,
    "cycle_create": OFFICE,
    "cycle_detail": BOTH,
    "cycle_edit": OFFICE,
    "cycle_windows": OFFICE,
    "cycle_group_create": OFFICE,
    "cycle_group": OFFICE,
    "cycle_purpose": OFFICE,
    "cycle_participants": OFFICE,
    "cycle_open": (302, 403, 403, 403, 403, 403, 403, 302),
    "cycle_close": OFFICE,
    "findings": OFFICE,
    "mail_texts": OFFICE,
    "mail_text": OFFICE,
    "board": OFFICE,
    "board_person": OFFICE,
    "board_confirm": OFFICE,
    "board_result": (302, 403, 403, 403, 403, 403, 403, 404),
    "progress": (302, 403, 403, 403, 200, 403, 403, 200),
    "mentors": OFFICE,
    "mentor_edit": OFFICE,
    "mentors_import": OFFICE,
    "levels_export": OFFICE,
    "levels_import": OFFICE,
}
# Routes that only take POST; everyone but the secretariat is refused before anything is read.
ACTS = (
    "cycle_add_person",
    "cycle_group_remove",
    "finding_change",
    "board_remind",
    "board_withdraw",
    "board_extend",
    "mentors_propose",
    "mentors_accept",
    "mentor_end",
)


def address(name: str, world: World) -> str:
    """A route with the world's objects in it."""
    pk = world.cycle.pk
    arguments: dict[str, list[Any]] = {
        "cycles": [],
        "cycle_create": [],
        "mail_texts": [],
        "mail_text": ["reminder.now"],
        "progress": [],
        "mentors_import": [],
        "levels_export": [],
        "levels_import": [],
        "cycle_group": [pk, world.group.pk],
        "cycle_group_remove": [pk, world.group.pk],
        "finding_change": [pk, 1],
        "board_person": [pk, world.check("started").pk],
        "board_extend": [pk, world.check("started").pk],
        "board_result": [pk, uuid.uuid4()],
        "mentor_edit": [pk, world.staff("started").pk],
        "mentor_end": [pk, 1],
    }
    return reverse(f"assessment:{name}", args=arguments.get(name, [pk]))


def client_of(role: str, world: World) -> Client:
    """A browser of somebody in a role."""
    if role == "anonymous":
        return Client()
    return signed_in(world.user("started") if role == "own" else world.roles()[role])


@pytest.mark.parametrize("role", ROLES)
def test_who_may_open_which_page(world: World, role: str) -> None:
    client = client_of(role, world)

    answers = {name: client.get(address(name, world)).status_code for name in PAGES}

    assert answers == {name: codes[ROLES.index(role)] for name, codes in PAGES.items()}


@pytest.mark.parametrize("role", [role for role in ROLES if role != "secretariat"])
def test_nobody_else_acts(world: World, role: str) -> None:
    client = client_of(role, world)
    answers = {name: client.post(address(name, world)).status_code for name in ACTS}
    pages = {name: client.post(address(name, world)).status_code for name in PAGES}

    assert set(answers.values()) == {302 if role == "anonymous" else 403}
    # Pages that are only read refuse every POST.
    assert set(pages.values()) <= ({302} if role == "anonymous" else {403, 405})
    assert not Notification.objects.exists()


@pytest.mark.parametrize("name", ACTS)
def test_acts_take_no_get(world: World, name: str) -> None:
    assert signed_in(world.secretariat).get(address(name, world)).status_code == 405


def test_a_draft_is_hidden_from_everyone_but_the_office(world: World) -> None:
    Cycle.objects.filter(pk=world.cycle.pk).update(state=CycleState.DRAFT)
    url = address("cycle_detail", world)

    assert signed_in(world.stranger).get(url).status_code == 404
    assert signed_in(world.supporter).get(url).status_code == 200
    assert signed_in(world.secretariat).get(address("board", world)).status_code == 404


def test_another_cycles_check_is_not_found_under_this_one(world: World) -> None:
    other = make_cycle(people=2, items=2, last_levels=False)
    client = signed_in(world.secretariat)
    check = other.checks[0]

    assert client.get(reverse("assessment:board_person", args=[world.cycle.pk, check.pk])).status_code == 404
    assert client.post(reverse("assessment:board_extend", args=[world.cycle.pk, check.pk])).status_code == 404


# ------------------------------------------------------------------------------------------------------------ board


def figures_of(world: World) -> board.BoardFigures:
    """The figures as the secretariat sees them."""
    checks = Assessment.objects.visible_to(world.secretariat).filter(cycle=world.cycle)
    return board.figures(CheckCount.objects.filter(cycle=world.cycle), checks, world.cycle)


def listed(world: World, wanted: BoardFilter) -> list[int]:
    """The staff ids of the list, in its order; told by the counts, how many there are is the same."""
    rows = board.with_people(Assessment.objects.filter(cycle=world.cycle))
    found = [row.staff_id for row in board.listed(rows, world.cycle, wanted)]
    counted = [
        board.listed_count(CheckCount.objects.filter(cycle=world.cycle), wanted),
        figures_of(world).listed(wanted),
    ]
    assert counted == ([len(found)] * 2 if wanted.is_counted else [None, None])
    return found


def test_the_figures_of_a_board(world: World) -> None:
    Staff.objects.filter(pk=world.staff("submitted").pk).update(status=StaffStatus.ON_LEAVE)

    found = figures_of(world)

    assert [(line.state, line.now, line.reached) for line in found.funnel] == [
        (State.DRAFT, 3, 12),
        (State.SUBMITTED, 3, 9),
        (State.REVIEWED, 1, 6),
        (State.CORRECTED, 1, 5),
        (State.CONFIRMED, 3, 4),
        (State.RECEIVED, 1, 1),
    ]
    assert (found.total.people, found.total.done, found.overdue, found.absent) == (12, 4, 0, 1)
    assert [(line.name, line.people) for line in found.bureaus] == [("第一局", 12)]
    assert sorted((row.step, row.who, row.count) for row in found.waiting) == [
        ("confirmation", "secretariat", 2),
        ("correction", "self", 1),
        ("first_one_on_one", "mentor", 2),
        ("second_one_on_one", "mentor", 1),
        ("second_one_on_one", "self", 2),
        ("self_check", "self", 3),
    ]


def test_whoever_is_over_time_is_counted_and_listed(world: World) -> None:
    today = clock.today()
    set_windows(
        world.cycle, opens_on=today - timedelta(days=30), closes_on=today - timedelta(days=1), steps=["self_check"]
    )
    Extension.objects.create(
        assessment=world.check("untouched"),
        step="self_check",
        closes_on=today,
        reason="x",
        granted_by=world.secretariat,
    )
    settle(world.cycle.assessments.all())

    assert figures_of(world).overdue == 2
    assert set(listed(world, BoardFilter(overdue=True))) == {world.staff("started").pk, world.staff("plain_started").pk}


@pytest.mark.parametrize(
    ("wanted", "stages"),
    [
        (BoardFilter(state="reviewed"), {"reviewed"}),
        (BoardFilter(step="confirmation"), {"corrected", "plain_submitted"}),
        (BoardFilter(who="mentor"), {"submitted", "met", "confirmed"}),
        (BoardFilter(absent=True), {"reviewed"}),
        (BoardFilter(without_mentor=True), {"started"}),
    ],
)
def test_the_list_narrows_down(world: World, wanted: BoardFilter, stages: set[str]) -> None:
    Staff.objects.filter(pk=world.staff("reviewed").pk).update(status=StaffStatus.LEFT, left_on=clock.today())
    world.cycle.mentor_pairs.filter(mentee=world.staff("started")).update(ended_at=clock.now())
    settle(world.cycle.assessments.all())

    assert set(listed(world, wanted)) == {world.staff(stage).pk for stage in stages}


def test_the_list_alone_comes_for_htmx_and_keeps_strange_filters_out(world: World) -> None:
    client = signed_in(world.secretariat)
    url = address("board", world)

    part = client.get(url, {"state": "reviewed"}, headers={"HX-Request": "true"})
    whole = client.get(url, {"state": "level", "org": "x", "step": "'", "page": "99999999999999999999"})

    assert b"<html" not in part.content
    assert part.content.count(b'name="chosen"') == 1
    assert whole.status_code == 200
    assert whole.content.count(b'name="chosen"') == 13


def test_no_level_stands_on_the_board_or_a_persons_page(world: World) -> None:
    SkillRating.objects.update(note="ノート", mentor_reason="理由の文")
    client = signed_in(world.secretariat)
    pages = [address("board", world), address("board_person", world), address("progress", world)]
    pages.append(reverse("assessment:board_person", args=[world.cycle.pk, world.check("received").pk]))

    for url in pages:
        text = client.get(url).content.decode()
        assert not re.search(r"Lv\.|ノート|理由の文|今後の進め方", text)
    assert not AuditEvent.objects.filter(verb="levels.read").exists()


def test_withdrawing_asks_for_a_reason_first(world: World) -> None:
    client = signed_in(world.secretariat)
    url = address("board_withdraw", world)
    check = world.check("started")

    asked = client.post(url, {"chosen": [check.pk]})
    empty = client.post(url, {"chosen": [check.pk], "comment": " "})
    done = client.post(url, {"chosen": [check.pk], "comment": "退職"})

    assert (asked.status_code, empty.status_code, done.status_code) == (200, 422, 302)
    assert world.check("started").state == State.WITHDRAWN


# ------------------------------------------------------------------------------------------------------- one person


@pytest.mark.parametrize(
    ("stage", "action", "target"),
    [("submitted", "return", "draft"), ("received", "reopen", "reviewed"), ("reviewed", "withdraw", "withdrawn")],
)
def test_steps_of_the_secretariat_want_a_reason(world: World, stage: str, action: str, target: str) -> None:
    client = signed_in(world.secretariat)
    check = world.check(stage)
    url = reverse("assessment:board_person", args=[world.cycle.pk, check.pk])
    sent = {"action": action, "version": check.version}

    empty = client.post(url, {**sent, "comment": ""})
    stale = client.post(url, {"action": action, "version": check.version + 5, "comment": "理由"})
    assert (empty.status_code, stale.status_code, world.check(stage).state) == (422, 422, check.state)

    assert client.post(url, {**sent, "comment": "理由"}).status_code == 302
    assert world.check(stage).state == target
    assert "理由" in client.get(url).content.decode()


@pytest.mark.parametrize("action", ["return", "withdraw"])
def test_the_list_of_errors_leads_to_the_reason_of_the_step_that_was_tried(world: World, action: str) -> None:
    check = world.check("submitted")
    url = reverse("assessment:board_person", args=[world.cycle.pk, check.pk])

    answer = signed_in(world.secretariat).post(
        url, {"action": action, "version": check.version, "comment": "あ" * 1001}
    )

    html = answer.content.decode()
    assert (html.count(f'href="#id_{action}_comment"'), html.count(f'id="id_{action}_comment"')) == (1, 1)
    assert html.count('aria-invalid="true"') == html.count("あ" * 1001) == 1, "what was typed stays, and is marked"


def test_no_other_step_is_taken_here(world: World) -> None:
    check = world.check("corrected")
    url = reverse("assessment:board_person", args=[world.cycle.pk, check.pk])

    answer = signed_in(world.secretariat).post(url, {"action": "confirm", "comment": "x", "version": check.version})

    assert answer.status_code == 404
    assert world.check("corrected").state == State.CORRECTED


def test_the_own_check_has_no_steps_for_the_secretariat(world: World) -> None:
    check = world.check("corrected")
    User.objects.filter(pk=world.secretariat.pk).update(is_active=True)
    own = world.user("corrected")
    world.secretariat.role_grants.update(user=own)
    url = reverse("assessment:board_person", args=[world.cycle.pk, check.pk])
    client = signed_in(own)

    page = client.get(url)
    answer = client.post(url, {"action": "withdraw", "comment": "x", "version": check.version})

    assert page.context["actions"] == []
    assert answer.status_code == 422
    assert world.check("corrected").state == State.CORRECTED


def test_more_time_is_given_on_the_page(world: World) -> None:
    url = address("board_extend", world)
    client = signed_in(world.secretariat)
    day = clock.today() + timedelta(days=60)

    early = client.post(url, {"step": "self_check", "closes_on": clock.today().isoformat(), "reason": "出張"})
    given = client.post(url, {"step": "self_check", "closes_on": day.isoformat(), "reason": "出張"})

    assert (early.status_code, given.status_code) == (422, 302)
    assert Extension.objects.get().closes_on == day


# ----------------------------------------------------------------------------------------------------- confirmation


def test_the_preview_shows_what_changes_and_where_the_mentor_differs(world: World) -> None:
    page = signed_in(world.secretariat).get(address("board_confirm", world))

    lines = {line.check.staff_id: line for line in page.context["lines"]}
    assert set(lines) == {world.staff("corrected").pk, world.staff("plain_submitted").pk}
    line = lines[world.staff("corrected").pk]
    ratings = SkillRating.objects.filter(assessment=line.check)
    last = dict(ConfirmedLevel.objects.current().filter(staff=line.check.staff).values_list("skill_code", "level"))
    changed = {r.skill.code for r in ratings.select_related("skill") if r.corrected_level != last[r.skill.code]}
    differs = {r.skill.code for r in ratings.select_related("skill") if r.corrected_level != r.mentor_level}
    assert {item.code for item in line.changes} == changed
    assert {item.code for item in line.differences} == differs
    assert differs
    assert len(line.changes) == line.up + line.down + line.first


def test_whoever_the_mentor_sees_otherwise_is_not_chosen_beforehand(world: World) -> None:
    text = signed_in(world.secretariat).get(address("board_confirm", world)).content.decode()

    differs, plain = world.check("corrected"), world.check("plain_submitted")
    assert re.search(rf'value="{plain.pk}:{plain.version}" checked', text)
    assert re.search(rf'value="{differs.pk}:{differs.version}" aria', text)


def test_each_look_at_the_preview_is_recorded(world: World) -> None:
    signed_in(world.secretariat).get(address("board_confirm", world))

    rows = AuditEvent.objects.filter(verb="levels.read", actor=world.secretariat)
    assert {(row.subject_key, row.purpose) for row in rows} == {
        (f"staff:{world.staff(stage).pk}", Purpose.CYCLE_OPERATION) for stage in ("corrected", "plain_submitted")
    }


def test_the_second_meeting_has_to_be_held_where_it_comes_before() -> None:
    world = make_cycle(items=2, second_meeting=SecondMeeting.BEFORE)

    ready = ready_to_confirm(world.secretariat, world.cycle)

    assert {check.staff_id for check in ready} == {world.staff("plain_submitted").pk}


def test_confirming_what_was_chosen_and_its_result(world: World) -> None:
    client = signed_in(world.secretariat)
    corrected, plain, started = (world.check(stage) for stage in ("corrected", "plain_submitted", "started"))
    foreign = make_cycle(people=6, items=2, last_levels=False).check("corrected")
    Assessment.objects.filter(pk=plain.pk).update(version=9)
    chosen = [f"{corrected.pk}:{corrected.version}", f"{plain.pk}:{plain.version}", f"{started.pk}:{started.version}"]
    chosen += [f"{foreign.pk}:1", "x:1", "1", f"{corrected.pk}:x"]

    answer = client.post(address("board_confirm", world), {"chosen": chosen})
    page = client.get(answer["Location"])

    assert [row.pk for row in page.context["confirmed"]] == [corrected.pk]
    assert [row.pk for row in page.context["changed"]] == [plain.pk]
    assert [row.pk for row, _why in page.context["left_out"]] == [started.pk]
    assert world.check("corrected").state == State.CONFIRMED
    foreign.refresh_from_db()
    assert foreign.state == State.CORRECTED
    assert signed_in(world.secretariat_colleague).get(answer["Location"]).status_code == 404


def test_who_has_more_time_to_be_confirmed_can_be_confirmed_on_the_page(world: World) -> None:
    today, check, other = clock.today(), world.check("corrected"), world.check("plain_submitted")
    set_windows(
        world.cycle, opens_on=today - timedelta(days=40), closes_on=today - timedelta(days=2), steps=["confirmation"]
    )
    extend(
        assessment_id=check.pk,
        step="confirmation",
        closes_on=today + timedelta(days=5),
        reason="再開のため",
        actor=world.secretariat,
    )
    client = signed_in(world.secretariat)
    at = [world.cycle.pk, check.pk]

    person = client.get(reverse("assessment:board_person", args=at))
    page = client.get(address("board_confirm", world))

    text = page.content.decode()
    assert person.context["can_confirm"]
    assert page.context["can_confirm"]
    assert f'value="{check.pk}:{check.version}"' in text
    assert f'value="{other.pk}:{other.version}"' not in text
    answer = client.post(address("board_confirm", world), {"chosen": [f"{check.pk}:{check.version}"]})
    assert answer.status_code == 302
    assert world.check("corrected").state == State.CONFIRMED


def test_what_was_reopened_after_the_confirmations_end_can_be_confirmed_again(world: World) -> None:
    today, check = clock.today(), world.check("received")
    steps = ["self_check", "first_one_on_one", "correction", "confirmation"]
    set_windows(world.cycle, opens_on=today - timedelta(days=90), closes_on=today - timedelta(days=10), steps=steps)
    transition(assessment_id=check.pk, action="reopen", actor=world.secretariat, comment="訂正申出")
    transition(assessment_id=check.pk, action="correct", actor=world.user("received"))
    extend(
        assessment_id=check.pk,
        step="confirmation",
        closes_on=today + timedelta(days=7),
        reason="訂正申出",
        actor=world.secretariat,
    )

    page = signed_in(world.secretariat).get(address("board_confirm", world), {"only": check.pk})

    assert f'value="{check.pk}:{world.check("received").version}"' in page.content.decode()


def test_after_the_end_of_the_confirmation_nobody_can_be_chosen(world: World) -> None:
    today = clock.today()
    set_windows(world.cycle, opens_on=today - timedelta(days=40), closes_on=today - timedelta(days=2))

    page = signed_in(world.secretariat).get(address("board_confirm", world))

    assert page.context["lines"]
    assert not page.context["can_confirm"]
    assert 'name="chosen"' not in page.content.decode()


def test_nothing_chosen_is_said(world: World) -> None:
    client = signed_in(world.secretariat)

    answer = client.post(address("board_confirm", world), {"chosen": ["abc"]}, follow=True)

    assert not Job.objects.exists()
    assert answer.status_code == 200


def test_many_are_left_to_the_worker_and_survive_its_death(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(confirming, "CONFIRM_AT_ONCE", 1)
    corrected, plain = world.check("corrected"), world.check("plain_submitted")
    chosen = [(corrected.pk, corrected.version), (plain.pk, plain.version)]
    job = confirm_start(cycle=world.cycle, chosen=chosen, actor=world.secretariat)
    client = signed_in(world.secretariat)
    page = client.get(reverse("assessment:board_result", args=[world.cycle.pk, job.public_id]))
    assert job.state == JobState.QUEUED
    assert "confirmed" not in page.context
    # The worker confirmed the first, and died before it could note that down.
    confirm_many(chosen=chosen[:1], actor=world.secretariat)

    jobs.run(job.pk)

    job.refresh_from_db()
    assert job.state == JobState.DONE
    assert job.result == {"confirmed": sorted([corrected.pk, plain.pk]), "changed": [], "left_out": []}
    assert corrected.events.filter(action="confirm").count() == 1


def test_a_job_of_somebody_who_lost_the_role_confirms_nobody(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(confirming, "CONFIRM_AT_ONCE", 0)
    check = world.check("corrected")
    job = confirm_start(cycle=world.cycle, chosen=[(check.pk, check.version)], actor=world.secretariat)
    world.secretariat.role_grants.update(revoked_at=clock.now())

    jobs.run(job.pk)

    job.refresh_from_db()
    assert (job.state, world.check("corrected").state) == (JobState.FAILED, State.CORRECTED)


def test_nobody_confirms_the_own_check(world: World) -> None:
    own = world.user("corrected")
    world.secretariat.role_grants.update(user=own)

    page = signed_in(own).get(address("board_confirm", world))

    assert world.staff("corrected").pk not in {line.check.staff_id for line in page.context["lines"]}


# ------------------------------------------------------------------------------------------------------ coordinators


def test_a_coordinator_sees_the_steps_of_the_own_organisation_alone() -> None:
    world = make_cycle(people=26, items=2, last_levels=False)
    own, other = signed_in(world.coordinator), signed_in(world.other_coordinator)

    here = {line.check.pk for line in own.get(address("progress", world)).context["lines"]}
    there = {line.check.pk for line in other.get(address("progress", world)).context["lines"]}

    assert here == set(
        Assessment.objects.filter(organisation=world.section)
        .exclude(state=State.WITHDRAWN)
        .values_list("pk", flat=True)
    )
    assert here
    assert there
    assert not here & there


def test_the_organisation_at_the_opening_counts(world: World) -> None:
    person = world.staff("started")
    Staff.objects.filter(pk=person.pk).update(organisation=world.other_section)

    seen = signed_in(world.coordinator).get(address("progress", world)).context["lines"]

    assert person.pk in {line.check.staff_id for line in seen}
    assert not signed_in(world.other_coordinator).get(address("progress", world)).context["lines"]


def test_a_coordinators_page_holds_no_level_no_mentor_no_link_to_a_check(world: World) -> None:
    SkillRating.objects.update(note="ノート", mentor_reason="理由の文")

    text = signed_in(world.coordinator).get(address("progress", world)).content.decode()
    main = text[text.index("<main") : text.index("</main")]

    assert world.staff("started").name in main
    assert not re.search(r"Lv\.|ノート|理由の文|/check/|/results/|/one-on-ones/", main)
    assert world.mentor.name not in main


def test_a_coordinator_cannot_narrow_down_by_what_the_page_does_not_show(world: World) -> None:
    Staff.objects.filter(pk=world.staff("started").pk).update(status=StaffStatus.ON_LEAVE)
    client = signed_in(world.coordinator)

    plain = client.get(address("progress", world))
    tried = client.get(address("progress", world), {"absent": "on", "without_mentor": "on", "level": "3"})

    assert len(tried.context["lines"]) == len(plain.context["lines"]) == 12


def test_without_a_running_cycle_the_page_says_so(world: World) -> None:
    Cycle.objects.update(state=CycleState.CLOSED)

    assert signed_in(world.coordinator).get(address("progress", world)).status_code == 200


# ---------------------------------------------------------------------------------------------------------- queries

COUNTED = (
    "cycles",
    "cycle_detail",
    "cycle_participants",
    "cycle_close",
    "findings",
    "mail_texts",
    "board",
    "board_person",
    "board_confirm",
    "mentors",
    "mentor_edit",
    "progress",
)
MOST_QUERIES = 10


def counted(client: Client, url: str) -> int:
    """Queries of one page, the transaction's own statements left out."""
    with CaptureQueriesContext(connection) as captured:
        assert client.get(url).status_code == 200
    return sum(not re.match(r"(BEGIN|COMMIT|ROLLBACK|SAVEPOINT|RELEASE)", row["sql"]) for row in captured)


def test_pages_ask_as_much_for_many_people_as_for_few() -> None:
    few = make_cycle(people=20, items=2)
    many = make_cycle(people=400, items=2)

    found = {}
    for name in COUNTED:
        world_counts = []
        for world in (few, many):
            client = signed_in(world.secretariat)
            client.get(address(name, world))
            world_counts.append(counted(client, address(name, world)))
        found[name] = world_counts

    assert {name: counts for name, counts in found.items() if counts[0] != counts[1]} == {}
    assert {name: counts for name, counts in found.items() if counts[1] > MOST_QUERIES} == {}


def test_a_bulk_confirmation_keeps_what_changed_after_the_preview(world: World) -> None:
    check = world.check("corrected")
    seen = check.version
    transition(assessment_id=check.pk, action="return", actor=world.mentor, comment="再確認")

    outcome = confirm_many(chosen=[(check.pk, seen)], actor=world.secretariat)

    assert outcome.confirmed == ()
    assert world.check("corrected").state == State.REVIEWED


def test_every_stage_is_somewhere(world: World) -> None:
    assert set(WITH_MEETINGS) <= set(world.by_stage)


@pytest.mark.parametrize(
    ("done", "people", "percent"), [(45, 218, 21), (1, 8, 13), (0, 218, 0), (1, 400, 1), (399, 400, 99), (8, 8, 100)]
)
def test_a_share_is_rounded_but_never_to_all_or_nobody(done: int, people: int, percent: int) -> None:
    line = board.BureauLine(1, "/1/", "局", {State.CONFIRMED: done, State.DRAFT: people - done})
    assert line.percent == percent


def test_whoever_answered_nothing_yet_is_named_so(world: World) -> None:
    page = signed_in(world.secretariat).get(address("board", world))
    untouched = {line.check.pk for line in page.context["lines"] if line.is_untouched}
    assert world.check("untouched").pk in untouched
    assert world.check("started").pk not in untouched
    assert str(_("Not started")) in page.content.decode()
