"""Reminders: which go out on which day, to whom, how often; their texts."""

from __future__ import annotations

import re
from collections import Counter
from copy import deepcopy
from datetime import datetime, timedelta

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from skillmap.assessment import mail_texts
from skillmap.assessment.choices import CycleState, MeetingKind, MeetingWay, SecondMeeting, State
from skillmap.assessment.models import Cycle, Extension, MailText, MentorPair, OneOnOne
from skillmap.assessment.services import reminders
from skillmap.assessment.services.reminders import (
    Sent,
    mail_text_reset,
    mail_text_save,
    remind_automatically,
    remind_now,
)
from skillmap.assessment.services.standing import settle
from skillmap.assessment.services.transitions import transition
from skillmap.core import clock, jobs, periodic
from skillmap.core.errors import Conflict, NotAllowed, RuleViolation
from skillmap.core.models import Job, Notification
from skillmap.people.choices import StaffStatus
from skillmap.people.models import Staff, User
from tests.factories.assessment import World, make_cycle, set_windows
from tests.support.ground import Ground

pytestmark = pytest.mark.django_db

DAY = datetime(2026, 6, 10, 9, 0, tzinfo=clock.TOKYO)


@pytest.fixture(scope="module", autouse=True)
def laid(ground: Ground) -> World:
    """Windows from 10 to 30 June, read on 10 June."""
    with ground():
        with time_machine.travel(DAY, tick=False):
            world = make_cycle(items=2, last_levels=False)
            set_windows(world.cycle, opens_on=DAY.date(), closes_on=DAY.date() + timedelta(days=20))
            Cycle.objects.filter(pk=world.cycle.pk).update(opened_at=DAY - timedelta(days=10))
            world.cycle.refresh_from_db()
        return world


@pytest.fixture
def world(laid: World, db: None) -> World:
    return deepcopy(laid)


def on(days: int, world: World) -> Sent:
    """The automatic reminders of a day, counted from the first day of the windows."""
    with time_machine.travel(DAY + timedelta(days=days), tick=False):
        return remind_automatically(world.cycle)


def more_time(world: World, stage: str, step: str, *, days: int) -> None:
    """Extend a step of the person in a stage, counted from the first day of the windows."""
    Extension.objects.create(
        assessment=world.check(stage),
        step=step,
        closes_on=DAY.date() + timedelta(days=days),
        reason="x",
        granted_by=world.secretariat,
    )
    settle(world.cycle.assessments.all())


def by_kind() -> Counter[str]:
    """Reminders written so far."""
    return Counter(Notification.objects.filter(kind__startswith="reminder.").values_list("kind", flat=True))


# -------------------------------------------------------------------------------------------------------- automatic


def test_the_first_day_tells_whoever_is_waited_for(world: World) -> None:
    sent = on(0, world)

    people = ["untouched", "started", "plain_started", "reviewed", "met_again", "received", "plain_confirmed"]
    due = [world.user(stage).pk for stage in people if stage != "received"]
    told = Notification.objects.filter(kind=mail_texts.OPENS).values_list("recipient_id", flat=True)
    assert sorted(told) == sorted(due)
    assert by_kind() == {mail_texts.OPENS: 6, mail_texts.MENTOR: 2}  # one for each step that the mentor is waited for
    assert sent == Sent(8, 0, 0)


def test_running_twice_or_the_day_after_tells_nobody_twice(world: World) -> None:
    on(0, world)

    assert on(0, world).sent == 0
    assert on(1, world) == Sent(0, 8, 0)
    assert on(3, world) == Sent(0, 0, 0)


@pytest.mark.parametrize(("days", "kind"), [(13, mail_texts.SOON), (19, mail_texts.SOON), (21, mail_texts.OVERDUE)])
def test_a_week_and_a_day_before_the_end_and_after_it(world: World, days: int, kind: str) -> None:
    on(days, world)

    assert by_kind() == {kind: 6, mail_texts.MENTOR: 2}
    on(days, world)
    assert sum(by_kind().values()) == 8


def test_each_stage_is_told_once_and_the_other_days_are_quiet(world: World) -> None:
    told = [day for day in range(-1, 36) if on(day, world).sent]
    assert told == [0, 13, 19, 21, 28, 35]


def test_days_on_which_nothing_ran_are_made_up_for(world: World) -> None:
    assert [day for day in (1, 15, 16, 20, 24, 25, 30) if on(day, world).sent] == [1, 15, 20, 24, 30]


def test_whoever_was_reminded_by_hand_is_not_reminded_again_on_that_day(world: World) -> None:
    check = world.check("started")
    with time_machine.travel(DAY + timedelta(days=13), tick=False):
        assert remind_now(cycle_id=world.cycle.pk, assessment_ids=[check.pk], actor=world.secretariat).sent == 1
    assert on(13, world) == Sent(7, 1, 0)
    assert on(14, world) == Sent(1, 7, 0), "of the stage one is told on the next day"


def test_a_mentor_whose_people_have_different_days_gets_one_mail_a_day(world: World) -> None:
    more_time(world, "met", "first_one_on_one", days=26)

    def mails() -> int:
        step = Notification.objects.filter(recipient=world.mentor, dedup_key__contains="first_one_on_one")
        return step.count()

    found = []
    for day in (19, 20, 21):  # the day before for the one, the last week for the other
        on(day, world)
        found.append(mails())
    assert found == [1, 2, 3]


def test_an_extension_puts_the_reminder_off(world: World) -> None:
    more_time(world, "started", "self_check", days=40)

    on(21, world)

    assert not Notification.objects.filter(recipient=world.user("started")).exists()
    on(33, world)
    assert Notification.objects.get(recipient=world.user("started")).kind == mail_texts.SOON


def test_what_is_left_to_the_person_at_the_end_is_named(world: World) -> None:
    on(0, world)
    told = {stage: Notification.objects.get(recipient=world.user(stage)) for stage in ("met_again", "started")}
    assert "評価結果の受領" in told["met_again"].subject + told["met_again"].body
    assert "自己チェック" in told["started"].subject + told["started"].body


def test_who_is_confirmed_in_time_is_not_reminded_as_late() -> None:
    """The window of a second 1on1 before confirmation is over by then."""
    world = make_cycle(people=1, items=2, stages=["corrected"], second_meeting=SecondMeeting.BEFORE)
    today, check = clock.today(), world.check("corrected")
    met, confirmed = timedelta(days=-1), timedelta(days=20)
    set_windows(world.cycle, opens_on=today - timedelta(days=40), closes_on=today + met, steps=["second_one_on_one"])
    set_windows(world.cycle, opens_on=today - timedelta(days=5), closes_on=today + confirmed, steps=["confirmation"])
    OneOnOne.objects.create(
        assessment=check,
        kind=MeetingKind.SECOND,
        held_on=today - timedelta(days=3),
        way=MeetingWay.ONLINE,
        mentor=world.mentor.staff,
        created_by=world.mentor,
    )
    transition(assessment_id=check.pk, action="confirm", actor=world.secretariat, expected_version=check.version)

    remind_automatically(world.cycle)

    check = world.check("corrected")
    assert (check.state, check.due_on) == (State.CONFIRMED, today + confirmed)
    assert not by_kind()


def test_nobody_on_leave_is_told_and_a_mentor_who_is_away_is_stood_in_for(world: World) -> None:
    Staff.objects.filter(pk=world.staff("started").pk).update(status=StaffStatus.ON_LEAVE)
    Staff.objects.filter(pk=world.mentor.staff.pk).update(status=StaffStatus.ON_LEAVE)

    on(0, world)

    assert not Notification.objects.filter(recipient=world.user("started")).exists()
    assert not Notification.objects.filter(recipient=world.mentor).exists()
    assert Notification.objects.filter(recipient=world.deputy, kind=mail_texts.MENTOR).exists()


def test_a_mentor_gets_one_mail_for_all_who_wait(world: World) -> None:
    on(0, world)

    notices = Notification.objects.filter(recipient=world.mentor, dedup_key__contains="first_one_on_one")
    assert [notice.path for notice in notices] == [reverse("assessment:mentees")]
    assert "2" in notices[0].subject


def test_a_reminder_holds_a_link_and_no_level(world: World) -> None:
    on(0, world)

    for notice in Notification.objects.filter(kind__startswith="reminder."):
        assert notice.path
        assert not re.search(r"Lv\.|レベル[0-9]|\{|\}", f"{notice.subject}{notice.body}")


def test_beat_starts_it_once_a_day_from_seven_on(world: World) -> None:
    slot = periodic.PERIODIC["assessment.remind"].slot
    assert slot(DAY.replace(hour=6, minute=59)) == "2026-06-09"
    assert slot(DAY.replace(hour=7, minute=0)) == "2026-06-10"

    with time_machine.travel(DAY, tick=False):
        periodic.tick()
        periodic.tick()
        (job,) = Job.objects.filter(kind="assessment.remind")
        jobs.run(job.pk)

    job.refresh_from_db()
    assert job.result == {"sent": 8}


def test_a_closed_cycle_is_quiet(world: World) -> None:
    Cycle.objects.update(state=CycleState.CLOSED)
    with time_machine.travel(DAY, tick=False):
        job = jobs.enqueue("assessment.remind", {}, requested_by=None)
        jobs.run(job.pk)

    assert not Notification.objects.filter(kind__startswith="reminder.").exists()


def test_many_people_take_as_many_statements_as_few() -> None:
    counts = []
    for people in (13, 130):
        with time_machine.travel(DAY, tick=False):
            world = make_cycle(people=people, items=1, last_levels=False)
            set_windows(world.cycle, opens_on=DAY.date(), closes_on=DAY.date() + timedelta(days=20))
            Cycle.objects.filter(pk=world.cycle.pk).update(opened_at=DAY - timedelta(days=10))
            world.cycle.refresh_from_db()
            with CaptureQueriesContext(connection) as captured:
                remind_automatically(world.cycle)
        counts.append(sum("INSERT" not in row["sql"] for row in captured))

    assert counts[0] == counts[1]


# ---------------------------------------------------------------------------------------------------------- by hand


def test_a_reminder_by_hand_goes_out_once_a_day(world: World) -> None:
    ids = [world.check(stage).pk for stage in ("started", "submitted", "met", "corrected", "received")]

    with time_machine.travel(DAY, tick=False):
        first = remind_now(cycle_id=world.cycle.pk, assessment_ids=ids, actor=world.secretariat)
        again = remind_now(cycle_id=world.cycle.pk, assessment_ids=ids, actor=world.secretariat)
    with time_machine.travel(DAY + timedelta(days=1), tick=False):
        next_day = remind_now(cycle_id=world.cycle.pk, assessment_ids=ids, actor=world.secretariat)

    # The person, and the mentor once for two people; who waits for the secretariat or for nobody is passed over.
    assert (first, again, next_day) == (Sent(2, 0, 0), Sent(0, 2, 0), Sent(2, 0, 0))


def test_whoever_cannot_be_reached_is_counted(world: World) -> None:
    MentorPair.objects.active().filter(cycle=world.cycle, mentee=world.staff("submitted")).update(ended_at=clock.now())
    Staff.objects.filter(pk=world.staff("started").pk).update(user=None)
    ids = [world.by_stage[stage][0].pk for stage in ("started", "submitted")]

    assert remind_now(cycle_id=world.cycle.pk, assessment_ids=ids, actor=world.secretariat) == Sent(0, 0, 2)


def test_a_deputy_who_is_away_is_not_reminded(world: World) -> None:
    """Neither on the day's own nor by hand; where the mentor is away too, nobody can be reached."""
    check = world.check("submitted")
    away = [world.mentor.staff.pk, world.deputy.staff.pk]
    Staff.objects.filter(pk__in=away).update(status=StaffStatus.ON_LEAVE)

    with time_machine.travel(DAY, tick=False):
        sent = remind_now(cycle_id=world.cycle.pk, assessment_ids=[check.pk], actor=world.secretariat)
    on(0, world)

    assert sent == Sent(0, 0, 1)
    assert not Notification.objects.filter(recipient__in=[world.mentor, world.deputy]).exists()


def test_reminding_is_the_secretariats(world: World) -> None:
    with pytest.raises(NotAllowed):
        remind_now(cycle_id=world.cycle.pk, assessment_ids=[1], actor=world.mentor)
    with pytest.raises(RuleViolation) as nothing:
        remind_now(cycle_id=world.cycle.pk, assessment_ids=[], actor=world.secretariat)
    assert nothing.value.code == "nothing_chosen"
    Cycle.objects.update(state=CycleState.CLOSED)
    with pytest.raises(RuleViolation) as closed:
        remind_now(cycle_id=world.cycle.pk, assessment_ids=[1], actor=world.secretariat)
    assert closed.value.code == "not_open"


def test_checks_of_another_cycle_are_not_reminded(world: World) -> None:
    other = make_cycle(people=2, items=1, last_levels=False)

    sent = remind_now(
        cycle_id=world.cycle.pk, assessment_ids=[check.pk for check in other.checks], actor=world.secretariat
    )

    assert sent == Sent(0, 0, 0)


def test_the_board_reminds_the_chosen_or_all_that_are_listed(world: World) -> None:
    client = Client()
    client.force_login(world.secretariat)
    url = reverse("assessment:board_remind", args=[world.cycle.pk])

    client.post(url, {"chosen": [world.check("started").pk, "x"]})
    assert by_kind() == {mail_texts.NOW: 1}
    question = client.post(f"{url}?state=draft", {"all": "1"})
    assert question.status_code == 200
    assert question.context["count"] == 3
    assert by_kind() == {mail_texts.NOW: 1}
    answer = client.post(f"{url}?state=draft", {"all": "1", "confirmed": "1"})

    assert by_kind() == {mail_texts.NOW: 3}
    assert answer["Location"].endswith("?state=draft#board-list")
    listed = client.get(answer["Location"]).content.decode()
    assert listed.index('id="board-list"') < listed.rindex("notice--good")


# ------------------------------------------------------------------------------------------------------------ texts


def test_kept_words_go_out_and_the_built_in_ones_come_back(world: World) -> None:
    mail_text_save(
        kind=mail_texts.NOW, subject="{step}のお願い", body="{name}さん {closes_on}", version=0, actor=world.secretariat
    )
    with time_machine.travel(DAY, tick=False):
        remind_now(cycle_id=world.cycle.pk, assessment_ids=[world.check("started").pk], actor=world.secretariat)

    notice = Notification.objects.get(kind=mail_texts.NOW)
    assert notice.subject.endswith("のお願い")
    assert notice.body.startswith(f"{world.user('started').name}さん 2026年6月30日")
    mail_text_reset(kind=mail_texts.NOW, actor=world.secretariat)
    assert reminders.words_of([mail_texts.NOW])[mail_texts.NOW][0] == str(mail_texts.TEXTS[mail_texts.NOW].subject)


def test_texts_are_checked_and_not_overwritten(world: World) -> None:
    office = world.secretariat

    def save(version: int, body: str = "本文", kind: str = mail_texts.NOW, actor: User = office) -> MailText:
        return mail_text_save(kind=kind, subject="件名", body=body, version=version, actor=actor)

    with pytest.raises(RuleViolation) as unknown:
        save(0, body="{level}")
    assert unknown.value.code == "unknown_placeholder"
    with pytest.raises(RuleViolation) as strange:
        save(0, kind="other")
    assert strange.value.code == "unknown_kind"
    with pytest.raises(NotAllowed):
        save(0, actor=world.supporter)
    assert save(0).version == 1
    with pytest.raises(Conflict):
        save(0, body="遅れた")
    assert save(1, body="二版").version == 2
    with pytest.raises(Conflict) as late:
        save(1, body="遅れた")
    assert late.value.details == {"version": 2, "subject": "件名", "body": "二版"}


def test_the_page_of_a_text_previews_and_saves(world: World) -> None:
    client = Client()
    client.force_login(world.secretariat)
    url = reverse("assessment:mail_text", args=[mail_texts.NOW])
    sent = {"version": "0", "subject": "{step}", "body": "{name}さんへ"}

    preview = client.post(url, {**sent, "preview": "1"})
    assert f"{world.secretariat.name}さんへ" in preview.content.decode()
    assert not MailText.objects.exists()
    assert client.post(url, {**sent, "body": "{wish}"}).status_code == 422
    assert client.post(url, sent).status_code == 302
    late = client.post(url, {**sent, "body": "別の文"})
    assert late.status_code == 422
    assert "{name}さんへ" in late.content.decode()
    assert "別の文" in late.content.decode()
    client.post(url, {"reset": "1"})
    assert not MailText.objects.exists()
    assert client.get(reverse("assessment:mail_text", args=["other"])).status_code == 404
