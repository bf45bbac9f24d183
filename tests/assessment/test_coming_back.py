"""Checks that come back: returned, reopened, withdrawn; and what others can and cannot read on the way."""

from __future__ import annotations

import json
from datetime import date, timedelta
from typing import Any

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse
from django.utils.translation import gettext

from skillmap.assessment.choices import CycleStep, LevelSource
from skillmap.assessment.models import Assessment, Cycle, Extension, MentorPair, SkillRating
from skillmap.assessment.selectors.checks import current_check_id
from skillmap.assessment.selectors.meetings.reading import dossier_of
from skillmap.assessment.selectors.preview import ready_to_confirm
from skillmap.assessment.selectors.profile import last_levels
from skillmap.assessment.selectors.results import result_sheet
from skillmap.assessment.services import findings, mentors, participation
from skillmap.assessment.services.meetings import View, save_view
from skillmap.assessment.services.profile import NewLevel, record_levels
from skillmap.assessment.services.ratings import save_rating
from skillmap.assessment.services.transitions import transition
from skillmap.core import clock, notifications, purpose
from skillmap.core.choices import MailState
from skillmap.core.errors import RuleViolation
from skillmap.core.models import AuditEvent, Notification
from skillmap.core.plaintext import plain
from skillmap.people import tokens
from skillmap.people.models import User
from skillmap.portal.selectors.maps import person_map
from tests.factories.assessment import World, make_cycle, set_windows
from tests.support.ground import on_ground

pytestmark = pytest.mark.django_db


laid, world = on_ground(lambda: make_cycle(items=4))


def fresh(user: User) -> User:
    return User.objects.get(pk=user.pk)


def client_of(user: User, *, why: str = "") -> Client:
    client = Client()
    client.force_login(fresh(user))
    if why:
        session = client.session
        session[purpose.KEY] = why
        session.save()
    return client


def step(check: Assessment, action: str, actor: User, comment: str = "") -> None:
    version = Assessment.objects.get(pk=check.pk).version
    transition(assessment_id=check.pk, action=action, actor=fresh(actor), comment=comment, expected_version=version)


def first(check: Assessment) -> SkillRating:
    return check.ratings.select_related("skill").order_by("skill__number")[0]


def read(client: Client, check: Assessment) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = client.get(f"/api/v1/assessments/{check.pk}/").json()["ratings"]
    return rows


# ------------------------------------------------------------------------------------------------- on the way back
def test_a_returned_check_is_corrected_anew(world: World) -> None:
    check, person = world.check("reviewed"), world.user("reviewed")
    step(check, "return", world.mentor, "もう一度")
    assert not check.ratings.exclude(corrected_level=None).exists()
    item = first(check)
    wanted = ((item.self_level or 0) + 2) % 4
    save_rating(
        assessment_id=check.pk, skill_code=item.skill.code, version=item.version, answer={"level": wanted}, actor=person
    )
    step(check, "submit", person)
    assert {row["corrected_level"] for row in read(client_of(world.mentor), check)} == {None}
    step(check, "review", world.mentor)
    step(check, "correct", person)
    step(check, "confirm", world.secretariat)
    item.refresh_from_db()
    assert item.confirmed_level == wanted


def test_a_reopened_check_without_1on1_is_confirmed_again(world: World) -> None:
    check, person = world.check("plain_confirmed"), world.user("plain_confirmed")
    step(check, "reopen", world.secretariat, "誤り")
    item = first(check)
    wanted = ((item.self_level or 0) + 1) % 4
    assert item.corrected_level == item.self_level
    save_rating(
        assessment_id=check.pk, skill_code=item.skill.code, version=item.version, answer={"level": wanted}, actor=person
    )
    step(check, "correct", person)
    assert ready_to_confirm(fresh(world.secretariat), world.cycle).filter(pk=check.pk).exists()
    step(check, "confirm", world.secretariat)
    item.refresh_from_db()
    assert item.confirmed_level == wanted


def test_a_reopened_check_can_be_worked_on_for_a_week(world: World) -> None:
    check = world.check("confirmed")
    yesterday = clock.today() - timedelta(days=1)
    set_windows(world.cycle, opens_on=yesterday - timedelta(days=9), closes_on=yesterday, steps=["correction"])
    step(check, "reopen", world.secretariat, "訂正")
    extension = Extension.objects.get(assessment=check, step=CycleStep.CORRECTION)
    assert extension.closes_on == clock.today() + timedelta(days=7)
    step(check, "correct", world.user("confirmed"))


def test_nobody_extends_the_own_window(world: World) -> None:
    check = world.check("started")
    Assessment.objects.filter(pk=check.pk).update(staff=world.secretariat.staff)
    with pytest.raises(RuleViolation) as refused:
        participation.extend(
            assessment_id=check.pk,
            step="self_check",
            closes_on=clock.today() + timedelta(days=60),
            reason="x",
            actor=fresh(world.secretariat),
        )
    assert refused.value.code == "wrong_person"


# --------------------------------------------------------------------------------------------------- who reads what
def test_a_withdrawn_check_is_closed_to_its_mentor(world: World) -> None:
    check = world.check("submitted")
    mentor = client_of(world.mentor)
    assert any(row["self_level"] is not None for row in read(mentor, check))
    step(check, "withdraw", world.secretariat, "休職")
    assert not MentorPair.objects.active().filter(cycle=world.cycle, mentee=check.staff).exists()
    assert mentor.get(f"/api/v1/assessments/{check.pk}/").status_code == 404
    assert mentor.get(reverse("portal:person_map", args=[check.staff_id])).status_code == 404


def test_the_mentors_view_reaches_the_person_with_the_first_1on1(world: World) -> None:
    check, item = world.check("submitted"), first(world.check("submitted"))
    save_view(
        assessment_id=check.pk,
        skill_code=item.skill.code,
        version=item.version,
        view=View(3, "書きかけの理由"),
        actor=world.mentor,
    )
    person = client_of(world.user("submitted"))
    assert {(row["mentor_level"], row["mentor_reason"]) for row in read(person, check)} == {(None, None)}
    assert "書きかけの理由" not in person.get(reverse("assessment:check", args=[check.pk])).content.decode()
    held = client_of(world.user("met"))
    assert any(row["mentor_level"] is not None for row in read(held, world.check("met")))


def test_wishes_of_a_draft_are_the_persons_own(world: World) -> None:
    check = world.check("started")
    check.ratings.update(wish=True)
    assert {row["wish"] for row in read(client_of(world.mentor), check)} == {None}
    assert {row["wish"] for row in read(client_of(world.user("started")), check)} == {True}

    def reasons(viewer: User) -> set[str]:
        found = person_map(viewer=fresh(viewer), staff=check.staff, job_type_id=None, as_of=None, areas=[])
        assert found is not None
        return {str(reason) for row in found.rows for reason in row.reasons}

    wish = gettext("You want to grow in it")
    assert wish not in reasons(world.mentor)
    assert wish in reasons(world.user("started"))


@pytest.mark.parametrize("guess", [0, 1, 2, 3])
def test_a_guess_on_behalf_is_refused_whatever_is_stored(world: World, guess: int) -> None:
    check, item = world.check("started"), first(world.check("started"))
    check.ratings.filter(pk=item.pk).update(self_level=2, version=5)
    url = reverse("assessment:check_item", args=[check.pk, item.skill.code])
    body = {"version": 4, "level": guess}
    answer = client_of(world.secretariat).post(url, json.dumps(body), content_type="application/json")
    assert (answer.status_code, set(answer.json())) == (409, {"message", "code", "version"})


@pytest.mark.parametrize("why", ["", "support"])
def test_a_refused_save_on_behalf_tells_no_level(world: World, why: str) -> None:
    check, item = world.check("started"), first(world.check("started"))
    office = client_of(world.secretariat, why=why)
    answer = office.patch(
        f"/api/v1/assessments/{check.pk}/ratings/{item.skill.code}/",
        json.dumps({"wish": True}),
        content_type="application/json",
        headers={"If-Match": '"999"'},
    )
    if not why:
        assert answer.json()["title"] == "purpose_required"
        return
    assert answer.status_code == 412
    assert not {"level", "wish", "note"} & set(answer.json())
    page = office.post(
        reverse("assessment:check_item", args=[check.pk, item.skill.code]),
        json.dumps({"version": 999, "level": 1}),
        content_type="application/json",
    )
    assert page.status_code == 409
    assert not {"level", "wish", "note"} & set(page.json())


def test_a_save_on_behalf_is_a_look_and_the_person_is_told(world: World) -> None:
    check, item = world.check("started"), first(world.check("started"))
    answer = client_of(world.secretariat, why="support").patch(
        f"/api/v1/assessments/{check.pk}/ratings/{item.skill.code}/",
        json.dumps({"wish": True}),
        content_type="application/json",
        headers={"If-Match": f'"{item.version}"'},
    )
    assert answer.status_code == 200
    looks = AuditEvent.objects.filter(verb="levels.read", subject_key=f"staff:{check.staff_id}")
    assert [(look.actor_id, look.purpose) for look in looks] == [(world.secretariat.pk, "support")]
    assert Notification.objects.filter(recipient=world.user("started"), kind="assessment.entry_on_behalf").exists()


def test_writing_needs_the_scope_of_what_the_answer_tells(world: World) -> None:
    person, check = world.user("started"), world.check("started")
    item = first(check)
    for scopes, status in ((["assessments:write"], 403), (["assessments:write", "levels:read"], 200)):
        _token, value = tokens.issue(user=person, name="x", scopes=scopes, purpose="support", actor=None)
        answer = Client().patch(
            f"/api/v1/assessments/{check.pk}/ratings/{item.skill.code}/",
            json.dumps({"wish": True}),
            content_type="application/json",
            headers={"If-Match": f'"{item.version}"', "Authorization": f"Bearer {value}"},
        )
        assert answer.status_code == status
        assert status == 200 or "levels:read" in answer.json()["detail"]


# ------------------------------------------------------------------------------------------------------------ history
def test_an_older_sheet_keeps_its_last_levels(world: World) -> None:
    check, person = world.check("received"), world.user("received")

    def sheet() -> list[tuple[int | None, int | None]]:
        dossier = dossier_of(person, check.pk)
        assert dossier is not None
        return [(row.level, row.last) for row in result_sheet(dossier).rows]

    before = sheet()
    later = make_cycle(items=4)
    again = later.check("corrected")
    Assessment.objects.filter(pk=again.pk).update(staff=check.staff)
    again.ratings.update(corrected_level=3)
    step(again, "confirm", later.secretariat)
    assert {last.level for last in last_levels(check.staff_id).values()} == {3}
    assert sheet() == before


def test_levels_brought_in_today_are_the_last_ones_of_a_check_confirmed_today(world: World) -> None:
    check, skill = world.check("corrected"), world.skills[0]
    for level in (0, 3):  # brought in once more, as after a mistake
        record_levels(
            [NewLevel(check.staff_id, skill, level)],
            valid_from=clock.today(),
            source=LevelSource.IMPORT,
            actor=world.secretariat,
        )

    def last() -> tuple[int, date]:
        found = last_levels(check.staff_id, before_assessment=check.pk)[skill.code]
        return found.level, found.since

    before = last()
    step(check, "confirm", world.secretariat)
    once = last()
    for action, actor in [
        ("reopen", world.secretariat),
        ("correct", world.user("corrected")),
        ("confirm", world.secretariat),
    ]:
        step(check, action, actor, "訂正申出")

    assert before == once == last() == (3, clock.today())


def test_as_of_a_day_to_come_is_refused(world: World) -> None:
    staff = world.staff("confirmed")
    client = client_of(world.user("confirmed"))
    assert client.get(f"/api/v1/staff/{staff.pk}/profile/?as_of=9999-12-31").status_code == 400
    assert client.get(f"/api/v1/staff/{staff.pk}/profile/?as_of={clock.today()}").status_code == 200


# --------------------------------------------------------------------------------------------------------- free text
def test_a_comment_is_stored_as_it_was_meant(world: World) -> None:
    check = world.check("submitted")
    step(check, "return", world.mentor, "一行目\r\n二行目\x00\ud800 ")
    assert check.events.latest("pk").comment == "一行目\n二行目"
    with pytest.raises(RuleViolation) as refused:
        step(world.check("met"), "return", world.mentor, "あ" * 1001)
    assert refused.value.code == "too_long"
    step(world.check("met"), "return", world.mentor, "\r\n".join(["あ" * 99] * 10))  # 999 characters, not 1008


def test_reasons_and_findings_are_cleaned_too(world: World) -> None:
    pair = MentorPair.objects.active().get(mentee=world.staff("submitted"), is_deputy=True)
    assert mentors.pair_end(pair_id=pair.pk, reason="終了\x00", actor=world.secretariat).reason == "終了"
    row = findings.finding_add(cycle=world.cycle, kind="finding", text="所見\x0b\r\n続き", actor=world.secretariat)
    assert row.text == "所見\n続き"


def test_plain_leaves_tabs_and_lines() -> None:
    assert plain(" a\tb\nc\x1f ", longest=5) == "a\tb\nc"
    with pytest.raises(RuleViolation):
        plain("abcdef", longest=5)


def test_one_bad_notice_does_not_hold_up_the_others(world: World) -> None:
    for key, subject in (("a", "前"), ("b", "改行\nあり"), ("c", "後")):
        notifications.notify(recipient_id=world.mentor.pk, kind="t", subject=subject, dedup_key=key)
    Notification.objects.filter(dedup_key="b").update(subject="改行\nあり")  # as an older row may hold
    notifications.send_waiting()
    assert [message.subject for message in mail.outbox] == ["前", "後"]
    row = Notification.objects.get(dedup_key="b")
    assert (row.mail_state, row.mail_tries, row.mail_error) == (MailState.WAITING, 1, "BadHeaderError")
    notifications.notify(recipient_id=world.mentor.pk, kind="t", subject="一\r\n二", dedup_key="d")
    assert Notification.objects.get(dedup_key="d").subject == "一 二"


@pytest.mark.parametrize("depth", [3000, 7000])
def test_json_that_is_nested_without_end_is_refused(world: World, depth: int) -> None:
    check = world.check("started")
    url = reverse("assessment:check_item", args=[check.pk, first(check).skill.code])
    answer = client_of(world.user("started")).post(url, "[" * depth, content_type="application/json")
    assert answer.status_code == 400


def test_the_check_that_has_begun_is_the_present_one(world: World) -> None:
    check = world.check("started")
    later = make_cycle(items=4)
    Cycle.objects.filter(pk=later.cycle.pk).update(fiscal_year=world.cycle.fiscal_year + 1)
    ahead = later.check("untouched")
    Assessment.objects.filter(pk=ahead.pk).update(staff=check.staff)
    assert current_check_id(check.staff_id) == ahead.pk
    soon = clock.today() + timedelta(days=40)
    set_windows(later.cycle, opens_on=soon, closes_on=soon + timedelta(days=9), steps=["self_check"])
    assert current_check_id(check.staff_id) == check.pk
