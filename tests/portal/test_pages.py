"""Home by role, maps and their looks, notices, purpose, search, help."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import translation

from skillmap.assessment.choices import Action, SecondMeeting
from skillmap.assessment.models import Assessment, Cycle, CycleGroup
from skillmap.assessment.services.participation import extend
from skillmap.assessment.services.transitions import transition
from skillmap.core import clock, notifications
from skillmap.core.models import AuditEvent, Notification
from skillmap.core.templatetags.ui.words import jp_date, level_label
from skillmap.gaps.choices import ResponseState
from skillmap.gaps.models import DemandResponse, DemandSurvey, PriorityArea
from skillmap.people.choices import Role
from skillmap.people.models import Organisation, RoleGrant, User
from skillmap.portal.radar import radar
from skillmap.portal.selectors.areas import adopted_areas
from skillmap.portal.selectors.maps import person_map
from skillmap.portal.selectors.next_for_me import Task, mentor_tasks
from tests.factories.assessment import STAGES, World, make_cycle, set_windows
from tests.factories.demand import make_survey
from tests.factories.people import RoleGrantFactory, StaffFactory, user_with
from tests.support.ground import on_ground
from tests.support.signing_in import english

# Words and forms; every page is asked for on both databases by test_query_counts.
pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]


laid, world = on_ground(lambda: make_cycle(items=6))


def as_user(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def text(client: Client, path: str, **data: str) -> str:
    answer = client.get(path, data)
    assert answer.status_code == 200, path
    return answer.content.decode()


@pytest.mark.parametrize(
    ("stage", "route"),
    [("started", "check"), ("reviewed", "check"), ("confirmed", "result")],
)
def test_home_names_the_next_step_with_its_button(world: World, stage: str, route: str) -> None:
    html = text(as_user(world.user(stage)), "/")
    assert f'href="{reverse(f"assessment:{route}", args=[world.check(stage).pk])}"' in html
    assert "task__title" in html


@pytest.mark.parametrize("stage", ["submitted", "corrected", "received"])
def test_home_is_calm_when_nothing_waits(world: World, stage: str) -> None:
    assert "task__title" not in text(as_user(world.user(stage)), "/")


@pytest.fixture
def later(world: World) -> tuple[Cycle, Assessment]:
    """A second open cycle whose self-check begins later, with the check of the one who has started the first."""
    cycle = Cycle.objects.create(
        fiscal_year=world.cycle.fiscal_year + 1,
        name="次の年度サイクル",
        framework=world.cycle.framework,
        state="open",
        second_meeting=world.cycle.second_meeting,
        purpose_text=world.cycle.purpose_text,
        created_by=world.secretariat,
        opened_at=clock.now(),
    )
    group = CycleGroup.objects.get(pk=world.group.pk)
    group.pk, group.cycle = None, cycle
    group._state.adding = True
    group.save()
    check = Assessment.objects.get(pk=world.check("started").pk)
    check.pk, check.cycle, check.group = None, cycle, group
    check._state.adding = True
    check.save()
    return cycle, check


@pytest.mark.parametrize(("days", "shown"), [(1, True), (29, True), (31, False)])
def test_what_begins_soon_stands_last_with_its_first_day(
    world: World, later: tuple[Cycle, Assessment], days: int, shown: bool
) -> None:
    cycle, check = later
    opens = clock.today() + timedelta(days=days)
    set_windows(cycle, opens_on=opens, closes_on=opens + timedelta(days=30))
    tasks = as_user(world.user("started")).get("/").context["tasks"]
    urls = [task.url for task in tasks]
    now = reverse("assessment:check", args=[world.check("started").pk])
    assert urls == ([now, reverse("assessment:check", args=[check.pk])] if shown else [now])
    client = as_user(world.user("started"))
    client.cookies["django_language"] = "en"
    html = text(client, "/")
    with translation.override("en"):
        assert (f"from {jp_date(opens)}" in html) == shown
        assert f"until {jp_date(opens)}" not in html


def test_the_map_leads_to_the_check_that_has_begun(world: World, later: tuple[Cycle, Assessment]) -> None:
    cycle, check = later
    person = world.user("started")
    opens = clock.today() + timedelta(days=1)
    set_windows(cycle, opens_on=opens, closes_on=opens)
    assert as_user(person).get("/map/").context["check"] == world.check("started")
    set_windows(cycle, opens_on=clock.today(), closes_on=opens)
    assert as_user(person).get("/map/").context["check"] == check
    set_windows(cycle, opens_on=opens, closes_on=opens)
    set_windows(world.cycle, opens_on=opens, closes_on=opens)
    assert as_user(person).get("/map/").context["check"] == check, "nothing has begun: the newest"


@pytest.mark.parametrize("second_meeting", list(SecondMeeting))
def test_home_counts_as_the_board_does(second_meeting: SecondMeeting) -> None:
    world = make_cycle(people=26, items=2, second_meeting=second_meeting)
    again = world.check("plain_confirmed")  # reopened and corrected: waits again, and no 1on1 comes before
    transition(assessment_id=again.pk, action=Action.REOPEN, actor=world.secretariat, comment="誤記")
    transition(assessment_id=again.pk, action=Action.CORRECT, actor=world.user("plain_confirmed"))
    client = as_user(world.secretariat)
    line = next(line for line in client.get("/").context["progress"] if line.cycle == world.cycle)
    figures = client.get(reverse("assessment:board", args=[world.cycle.pk])).context["figures"]
    assert (line.people, line.finished) == (figures.total.people, figures.total.done)
    wanted = sum(row.count for row in figures.waiting if (row.step, row.who) == ("confirmation", "secretariat"))
    assert line.to_confirm == wanted > 0
    link = f"{reverse('assessment:board', args=[world.cycle.pk])}?step=confirmation&amp;who=secretariat#board-list"
    assert link in text(client, "/")


def test_home_lists_the_mentees_who_wait(world: World) -> None:
    html = text(as_user(world.mentor), "/")
    assert reverse("assessment:one_on_one", args=[world.check("submitted").pk]) in html
    assert reverse("assessment:one_on_one", args=[world.check("submitted").pk]) not in text(
        as_user(world.former_mentor), "/"
    )


@pytest.mark.parametrize("second_meeting", list(SecondMeeting))
def test_home_names_the_second_meeting_to_the_mentor_who_is_to_hold_it(second_meeting: SecondMeeting) -> None:
    world = make_cycle(items=2, second_meeting=second_meeting)
    before = second_meeting == SecondMeeting.BEFORE
    waiting = world.check("corrected" if before else "confirmed")
    tasks = as_user(world.mentor).get("/").context["tasks"]
    page = reverse("assessment:one_on_one", args=[waiting.pk])
    found = next(task for task in tasks if task.url == page)
    with translation.override("en"):
        assert _again(world.mentor, page).title == f"Second 1on1 with {waiting.staff.name}"
    assert (found.due, found.is_late) == (waiting.due_on, False)
    all_waiting = [check for check in map(world.check, STAGES) if check.due_who == "mentor"]
    assert {task.url for task in tasks} == {reverse("assessment:one_on_one", args=[row.pk]) for row in all_waiting}


def _again(user: User, url: str) -> Task:
    """The task with this button, in the language of now."""
    tasks = mentor_tasks(user.staff.pk)
    return next(task for task in tasks if task.url == url)


def test_home_asks_to_receive_what_can_be_received(world: World) -> None:
    sheet = reverse("assessment:result", args=[world.check("confirmed").pk])
    (waits,) = as_user(world.user("confirmed")).get("/").context["tasks"]
    assert (waits.url, waits.due) == (sheet, None), "the second 1on1 comes first"
    ready = world.check("met_again")
    (task,) = as_user(world.user("met_again")).get("/").context["tasks"]
    assert (task.url, task.due) == (reverse("assessment:result", args=[ready.pk]), ready.due_on)
    assert task.button != waits.button


def test_home_knows_who_has_more_time(world: World) -> None:
    today, check = clock.today(), world.check("started")
    over = today - timedelta(days=2)
    set_windows(world.cycle, opens_on=today - timedelta(days=40), closes_on=over, steps=["self_check"])
    (task,) = as_user(world.user("started")).get("/").context["tasks"]
    assert (task.due, task.is_late) == (over, True)
    until = today + timedelta(days=5)
    extend(assessment_id=check.pk, step="self_check", closes_on=until, reason="育休明け", actor=world.secretariat)
    (task,) = as_user(world.user("started")).get("/").context["tasks"]
    assert (task.due, task.is_late) == (until, False)


def test_home_calls_no_question_late() -> None:
    survey = make_survey()
    over = clock.today() - timedelta(days=3)
    DemandSurvey.objects.update(opens_on=over - timedelta(days=9), closes_on=over)
    (task,) = as_user(survey.coordinator).get("/").context["tasks"]
    assert (task.due, task.is_late) == (over, True)
    DemandResponse.objects.filter(pk=survey.answer.pk).update(state=ResponseState.QUESTIONED)
    (task,) = as_user(survey.coordinator).get("/").context["tasks"]
    assert (task.due, task.is_late) == (None, False)


def test_home_of_the_secretariat_counts_what_waits(world: World) -> None:
    html = text(as_user(world.secretariat), "/")
    assert reverse("assessment:board", args=[world.cycle.pk]) in html


def test_adopted_areas_stand_on_home_and_map(world: World) -> None:
    area = PriorityArea.objects.create(
        fiscal_year=2026, skill=world.skills[3], state="adopted", decided_on=clock.today()
    )
    client = as_user(world.user("confirmed"))
    assert area.skill.name in text(client, "/")
    assert area.skill.name in text(client, "/map/")
    first, second = (
        PriorityArea.objects.create(
            fiscal_year=2026, skill=skill, state="adopted", decided_on=clock.today(), demand_rank=rank
        )
        for skill, rank in ((world.skills[1], 3), (world.skills[2], 4))
    )
    assert adopted_areas() == [first, second, area], "added by hand, without a rank, comes last"


def test_the_map_names_the_year_of_a_priority_area(world: World) -> None:
    skill = world.framework.skills.filter(requirements__level=3).first()
    assert skill is not None
    PriorityArea.objects.create(fiscal_year=2024, skill=skill, state="adopted", decided_on=clock.today())
    found = person_map(
        viewer=world.user("confirmed"),
        staff=world.staff("confirmed"),
        job_type_id=None,
        as_of=date(2000, 1, 1),
        areas=adopted_areas(),
    )
    assert found is not None
    reasons = [reason for row in found.rows if row.skill == skill for reason in row.reasons]
    assert any("2024" in reason for reason in reasons)


def test_the_map_shows_every_level_and_any_past_day(world: World) -> None:
    client = as_user(world.user("confirmed"))
    assert text(client, "/map/").count("<tr>") >= 6
    long_ago = (clock.today() - timedelta(days=3000)).isoformat()
    assert "radar__own" not in text(client, "/map/", as_of=long_ago)
    tomorrow = (clock.today() + timedelta(days=1)).isoformat()
    assert client.get("/map/", {"as_of": tomorrow}).status_code == 422
    assert client.get("/map/", {"as_of": "x", "job_type": "x"}).status_code == 422


def test_looks_of_others_are_recorded_and_shown_to_the_person(world: World) -> None:
    staff = world.staff("confirmed")
    url = reverse("portal:person_map", args=[staff.pk])
    assert as_user(world.mentor).get(url).status_code == 200
    office = as_user(world.secretariat)
    asked = office.get(url)
    assert asked.headers["Location"].startswith(reverse("portal:purpose"))
    assert office.post(reverse("portal:purpose"), {"purpose": "x", "next": url}).status_code == 422
    office.post(reverse("portal:purpose"), {"purpose": "training_plan", "next": url})
    assert office.get(url).status_code == 200
    looks = AuditEvent.objects.filter(verb="levels.read", subject_key=f"staff:{staff.pk}").order_by("pk")
    assert [look.purpose for look in looks] == ["mentoring", "training_plan"]
    own = as_user(world.user("confirmed"))
    assert own.get("/map/").status_code == 200
    html = text(own, "/looks/")
    assert world.mentor.name in html and world.secretariat.name in html
    assert looks.count() == 2, "looking at oneself is no look"


@pytest.mark.parametrize("role", ["stranger", "former_mentor", "other_mentor", "coordinator", "executive", "supporter"])
def test_nobody_else_sees_a_map(world: World, role: str) -> None:
    url = reverse("portal:person_map", args=[world.staff("confirmed").pk])
    assert as_user(getattr(world, role)).get(url).status_code == 404
    assert not AuditEvent.objects.filter(verb="levels.read").exists()


@pytest.mark.parametrize("target", ["https://evil.example", "//evil.example", "/\\evil.example"])
def test_the_purpose_page_sends_nobody_elsewhere(world: World, target: str) -> None:
    answer = as_user(world.secretariat).post(reverse("portal:purpose"), {"purpose": "support", "next": target})
    assert answer.headers["Location"] == "/"


def test_a_notice_is_opened_by_its_recipient_alone(world: World) -> None:
    user = world.user("started")
    notifications.notify(recipient_id=user.pk, kind="t", subject="お知らせです", dedup_key="k", path="/map/")
    notice = Notification.objects.get(recipient=user)
    url = reverse("portal:notice", args=[notice.pk])
    assert as_user(world.stranger).post(url).status_code == 404
    client = as_user(user)
    assert "お知らせです" in text(client, "/notices/")
    assert client.post(url).headers["Location"] == "/map/"
    notice.refresh_from_db()
    assert notice.read_at is not None


def test_search_finds_people_by_right_only(world: World) -> None:
    name = world.staff("started").name
    assert name in text(as_user(world.secretariat), "/search/", q=name)
    found = text(as_user(world.stranger), "/search/", q=name)
    assert reverse("people:staff", args=[world.staff("started").pk]) not in found
    assert world.skills[0].name in text(as_user(world.stranger), "/search/", q=world.skills[0].name)
    assert as_user(world.stranger).get("/search/", {"q": "\x00'\"<script>"}).status_code == 200


@pytest.mark.parametrize(("who", "people"), [("secretariat", True), ("coordinator", True), ("stranger", False)])
def test_the_search_box_promises_people_to_those_who_find_some(world: World, who: str, people: bool) -> None:
    client = as_user(getattr(world, who))
    client.cookies["django_language"] = "en"
    box = text(client, "/").split('role="search"')[1].split("</form>")[0]
    assert ("people" in box) == people


@pytest.mark.parametrize("topic", ["", "staff", "mentor", "coordinator", "expert", "secretariat", "executive"])
@pytest.mark.parametrize("language", ["ja", "en"])
def test_help_is_open_to_everyone_in_both_languages(topic: str, language: str) -> None:
    client = Client()
    client.cookies["django_language"] = language
    assert client.get(f"/help/{topic}/" if topic else "/help/").status_code == 200
    assert client.get("/help/nobody/").status_code == 404


@pytest.mark.parametrize(
    ("who", "first"),
    [("secretariat", "secretariat"), ("coordinator", "coordinator"), ("mentor", "mentor"), ("executive", "executive")],
)
def test_the_help_of_the_own_role_stands_first(world: World, who: str, first: str) -> None:
    topics = as_user(getattr(world, who)).get("/help/").context["topics"]
    assert (topics[0]["topic"], topics[0]["own"]) == (first, True)
    assert len(topics) == 6
    own = [row["own"] for row in topics]
    assert own == sorted(own, reverse=True)
    assert not any(row["own"] for row in Client().get("/help/").context["topics"])


@pytest.mark.parametrize("language", ["ja", "en"])
def test_help_names_what_the_pages_do(language: str) -> None:
    client = Client()
    client.cookies["django_language"] = language
    assert reverse("api-docs") in text(client, "/help/secretariat/")
    staff = text(client, "/help/staff/")
    assert ".ics" in staff and ("育成目標" in staff or "Development goals" in staff)


@pytest.mark.parametrize("words", ["髙橋　葵", "高橋葵", "ﾀｶﾊｼ", "たかはし あおい", "AB 7"])
def test_people_are_found_as_in_their_list(world: World, words: str) -> None:
    StaffFactory.create(name="髙橋 葵", kana="たかはし あおい", number="ab7", organisation=world.section)
    for user, found in (
        (world.secretariat, True),
        (world.supporter, True),
        (world.coordinator, True),
        (world.other_coordinator, False),
    ):
        assert ("髙橋 葵" in text(as_user(user), "/search/", q=words)) == found


def test_organisations_are_found_by_their_english_name(world: World) -> None:
    Organisation.objects.filter(pk=world.bureau.pk).update(name_en="Bureau of Waterworks")
    assert world.bureau.name in text(as_user(world.coordinator), "/search/", q="waterworks")


def test_background_work_is_the_secretariats(world: World) -> None:
    assert as_user(world.secretariat).get("/background/").status_code == 200
    assert as_user(world.mentor).get("/background/").status_code == 403


def test_the_radar_begins_at_the_top_and_goes_round() -> None:
    drawn = radar(["a", "b", "c", "d"], [3, 0, None, 1.5], [0, 0, 0, 0])
    assert drawn.own.split()[0] == "260.0,70.0"
    assert drawn.own.split()[3] == "195.0,200.0"
    assert drawn.target == ""
    assert [axis.anchor for axis in drawn.axes] == ["middle", "start", "middle", "end"]


@pytest.mark.parametrize("target", ["0", "abc", "a\x00b", "//elsewhere.example", "javascript:alert(1)"])
def test_after_the_purpose_only_a_page_of_this_site_follows(target: str) -> None:
    answer = as_user(user_with(Role.SECRETARIAT)).post(
        reverse("portal:purpose"), {"purpose": "support", "next": target}
    )
    assert (answer.status_code, answer.headers["Location"]) == (302, "/")


def current_entries(client: Client, path: str) -> list[str]:
    """Labels of the menu's entries that are marked as where one is."""
    answer = client.get(path)
    return [entry["label"] for entry in answer.context["nav"]["items"] if entry["active"]]


def test_whoever_has_many_roles_still_finds_everything(world: World) -> None:
    """Six entries at most, whatever the roles; what falls together with another entry stands below that one."""
    for role in (Role.SECRETARIAT, Role.SUPPORTER):
        user = User.objects.get(pk=world.mentor.pk)
        RoleGrant.objects.filter(user=user).delete()
        RoleGrantFactory.create(user=user, role=role, organisation=None)
        RoleGrantFactory.create(user=user, role=Role.COORDINATOR, organisation=world.bureau)
        client = english(as_user(user))
        items = client.get(reverse("gaps:my_demand")).context["nav"]["items"]
        middle = "Yearly cycles" if role == Role.SECRETARIAT else "Progress"
        assert [entry["label"] for entry in items] == [
            "Home", "My skills", "Mentees", middle, "Supply and demand", "People and organisations"
        ]  # fmt: skip
        below = next(entry for entry in items if entry["active"])
        assert [child["label"] for child in below["children"] if child["active"]] == ["Answers of your organisations"]
        assert current_entries(client, reverse("gaps:dashboard")) == ["Supply and demand"]


def test_the_own_1on1_is_found_below_my_skills_and_that_of_mentees_below_theirs(world: World) -> None:
    client, check = english(as_user(world.user("submitted"))), world.check("submitted")
    for route in ("my_one_on_one", "meeting_sheet", "meeting_times"):
        assert current_entries(client, reverse(f"assessment:{route}", args=[check.pk])) == ["My skills"]
    assert current_entries(client, reverse("portal:looks")) == ["My skills"]
    received = world.check("received")
    own = english(as_user(world.user("received")))
    assert current_entries(own, reverse("assessment:result", args=[received.pk])) == ["My skills"]
    assert current_entries(english(as_user(world.mentor)), reverse("assessment:meeting_sheet", args=[check.pk])) == [
        "Mentees"
    ]


def test_result_sheets_of_all_years_are_found_from_the_map(world: World) -> None:
    """An earlier year's stays readable, so that somebody must be able to come to it."""
    check = world.check("received")
    address = reverse("assessment:result", args=[check.pk])
    client = english(as_user(world.user("received")))
    assert address in text(client, "/map/")
    Cycle.objects.filter(pk=world.cycle.pk).update(state="closed")
    assert address in text(client, "/map/")
    assert client.get(address).status_code == 200
    assert "Result sheets" not in text(english(as_user(world.user("submitted"))), "/map/")


def test_levels_have_one_name_on_all_pages(world: World) -> None:
    client = english(as_user(world.user("received")))
    page = text(client, reverse("assessment:objection_create", args=[world.check("received").pk]))
    for level in range(4):
        with translation.override("en"):
            assert level_label(level) in page
