"""The result sheet: what it says, to whom and from when, and its receipt."""

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from skillmap.assessment import level_rules
from skillmap.assessment.choices import SecondMeeting, State
from skillmap.assessment.models import AssessmentEvent, MentorPair, OneOnOne, SkillRating
from skillmap.assessment.selectors.meetings.reading import dossier_of
from skillmap.assessment.selectors.results import ResultSheet, result_sheet
from skillmap.core import clock
from skillmap.core.models import AuditEvent
from skillmap.people.models import User
from tests.assessment.meeting_support import actor_of, as_user, dossier, fresh, rating
from tests.factories.assessment import ROLES, STATES, World, make_cycle
from tests.support.ground import on_ground

pytestmark = pytest.mark.django_db


laid, world = on_ground(lambda: make_cycle(items=4))


def sheet_of(world: World, stage: str, user: User | None = None) -> ResultSheet:
    return result_sheet(dossier(user or world.user(stage), world.check(stage)))


def has_sheet(world: World, stage: str, user: User) -> bool | int:
    """Whether the page shows levels; its status where it is not a page."""
    answer = as_user(user).get(reverse("assessment:result", args=[world.check(stage).pk]))
    return "result-table" in answer.content.decode() if answer.status_code == 200 else answer.status_code


# ------------------------------------------------------------------------------------------------- who, and from when


@pytest.mark.parametrize("second", SecondMeeting.values)
def test_who_reads_the_sheet_from_when(second: str) -> None:
    """By the dossier in every state and role; by the page where it can be read, and one step before."""
    world = make_cycle(items=2, second_meeting=SecondMeeting(second))
    for stage, state in STATES.items():
        plain = stage.startswith("plain")
        done = state in (State.CONFIRMED, State.RECEIVED)
        two_sides = done or (state == State.CORRECTED and second == "before")
        office = done or state == (State.SUBMITTED if plain else State.CORRECTED)
        expected = dict.fromkeys(ROLES, False) | {"own": two_sides, "secretariat": office}
        if not plain:
            expected |= {"mentor": two_sides, "deputy": two_sides}
        for role, is_open in expected.items():
            actor = actor_of(world, stage, role)
            found = dossier_of(fresh(actor), world.check(stage).pk)
            assert (found is not None and found.result_open) == is_open, (stage, role)
            if stage in ("corrected", "plain_submitted") and found is not None:
                assert has_sheet(world, stage, actor) is is_open, (stage, role)


def test_a_look_by_others_is_recorded_and_the_own_is_not(world: World) -> None:
    check = world.check("confirmed")
    for user in (world.user("confirmed"), world.mentor, world.secretariat):
        assert has_sheet(world, "confirmed", user) is True
    has_sheet(world, "submitted", world.secretariat)  # nothing to see, so nothing is recorded
    looks = AuditEvent.objects.filter(verb="levels.read").order_by("pk")
    assert [(line.actor_id, line.subject_key, line.purpose) for line in looks] == [
        (world.mentor.pk, f"staff:{check.staff_id}", "mentoring"),
        (world.secretariat.pk, f"staff:{check.staff_id}", "cycle_operation"),
    ]


def test_the_former_mentor_loses_sight(world: World) -> None:
    assert has_sheet(world, "confirmed", world.mentor) is True
    MentorPair.objects.active().filter(mentor=world.mentor.staff).update(ended_at=clock.now())
    assert has_sheet(world, "confirmed", world.mentor) == 404


def test_while_it_is_reopened_there_is_no_sheet_and_the_page_says_so(world: World) -> None:
    check = world.check("confirmed")
    check.state = State.REVIEWED
    check.save(update_fields=["state"])
    for user in (world.user("confirmed"), world.mentor, world.secretariat):
        assert has_sheet(world, "confirmed", user) is False
    page = as_user(world.user("confirmed")).get(reverse("assessment:result", args=[check.pk]))
    assert "level--" not in page.content.decode() and "empty" in page.content.decode()


# ------------------------------------------------------------------------------------------------------ what it says


def test_the_four_levels_are_kept_apart(world: World) -> None:
    check = world.check("confirmed")
    row = rating(check)
    SkillRating.objects.filter(pk=row.pk).update(self_level=0, corrected_level=1, mentor_level=3, confirmed_level=1)
    found = sheet_of(world, "confirmed").rows[0]
    assert (found.own, found.corrected, found.mentor, found.confirmed, found.level) == (0, 1, 3, 1, 1)
    assert found in sheet_of(world, "confirmed").seen_otherwise


def test_change_counts_from_the_level_before_this_cycle(world: World) -> None:
    sheet = sheet_of(world, "confirmed")
    for row in sheet.rows:
        assert row.last == max(0, (row.own or 0) - 1)
        assert row.change == (row.level or 0) - row.last
    assert sheet.up == sum((row.change or 0) > 0 for row in sheet.rows)
    assert sheet.down == 0


def test_without_a_last_level_there_is_no_change() -> None:
    world = make_cycle(items=2, last_levels=False)
    assert {row.change for row in sheet_of(world, "corrected", world.secretariat).rows} == {None}


def test_before_confirmation_the_corrected_level_counts_and_is_called_so(world: World) -> None:
    sheet = sheet_of(world, "corrected", world.secretariat)
    assert not sheet.is_confirmed
    assert all(row.confirmed is None and row.level == row.corrected for row in sheet.rows)
    plain = sheet_of(world, "plain_submitted", world.secretariat)
    assert all(row.corrected is None and row.level == row.own for row in plain.rows)


def test_the_fit_is_that_of_the_rules(world: World) -> None:
    sheet = sheet_of(world, "confirmed")
    held = {row.skill.code: row.level for row in sheet.rows}
    for line in sheet.fits:
        asked = dict(line.job_type.requirements.values_list("skill__code", "level"))
        assert line.fit == level_rules.fit(held, asked)
    check = world.check("confirmed")
    assert sheet.target is not None and sheet.target.job_type.pk == check.target_job_type_id
    assert [line.job_type.pk for line in sheet.fits] == [row.pk for row in world.job_types]
    html = as_user(world.user("confirmed")).get(reverse("assessment:result", args=[check.pk])).content.decode()
    assert f"{sheet.target.fit.met}/{sheet.target.fit.required}" in html


def test_without_a_target_the_sheet_still_stands(world: World) -> None:
    check = world.check("confirmed")
    check.target_job_type = None
    check.save(update_fields=["target_job_type"])
    assert sheet_of(world, "confirmed").target is None
    assert has_sheet(world, "confirmed", world.user("confirmed")) is True


def test_it_takes_a_small_and_constant_number_of_queries() -> None:
    counts = []
    for items in (4, 22):
        world = make_cycle(items=items)
        for user in (world.user("met_again"), world.mentor, world.secretariat):
            client, url = as_user(user), reverse("assessment:result", args=[world.check("met_again").pk])
            client.get(url)
            with CaptureQueriesContext(connection) as captured:
                assert client.get(url).status_code == 200
            counts.append(sum("SAVEPOINT" not in query["sql"] for query in captured.captured_queries))
    assert counts[:3] == counts[3:]
    assert max(counts) <= 10, counts


# ----------------------------------------------------------------------------------------------------------- receipt


def test_the_person_receives_the_confirmed_version_after_the_second_1on1(world: World) -> None:
    early, ready = world.check("confirmed"), world.check("met_again")
    url = reverse("assessment:result", args=[early.pk])
    client = as_user(world.user("confirmed"))
    assert not re.search(r'<button class="button button--primary">', client.get(url).content.decode())
    client.post(url)
    assert world.check("confirmed").state == State.CONFIRMED
    client, url = as_user(world.user("met_again")), reverse("assessment:result", args=[ready.pk])
    assert re.search(r'<button class="button button--primary">', client.get(url).content.decode())
    for user in (world.mentor, world.secretariat):
        as_user(user).post(url)
        assert world.check("met_again").state == State.CONFIRMED
    assert client.post(url).status_code == 302
    received = world.check("met_again")
    assert (received.state, received.received_at is not None) == (State.RECEIVED, True)
    assert AssessmentEvent.objects.filter(assessment=received).latest("pk").action == "receive"


def test_where_the_second_1on1_came_before_it_is_received_at_once() -> None:
    world = make_cycle(items=2, second_meeting=SecondMeeting.BEFORE)
    check = world.check("confirmed")
    OneOnOne.objects.filter(assessment=check, kind="second").delete()
    as_user(world.user("confirmed")).post(reverse("assessment:result", args=[check.pk]))
    assert world.check("confirmed").state == State.RECEIVED


def test_nobody_else_reaches_it(world: World) -> None:
    url = reverse("assessment:result", args=[world.check("confirmed").pk])
    for role in ("stranger", "former_mentor", "other_mentor", "coordinator", "executive", "supporter"):
        client = as_user(getattr(world, role))
        assert (client.get(url).status_code, client.post(url).status_code) == (404, 404), role
