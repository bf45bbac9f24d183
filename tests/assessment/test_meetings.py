"""1on1s: who writes what in which state and window, nothing overwritten unseen, memos seen by nobody else."""

import json
from datetime import date
from typing import Any

import pytest
from django.urls import reverse

from skillmap.assessment import meeting_rules, rules
from skillmap.assessment.choices import CycleState, CycleStep, MeetingKind, SecondMeeting, State
from skillmap.assessment.models import (
    Assessment,
    AssessmentEvent,
    Cycle,
    Extension,
    MentorPair,
    OneOnOne,
    PrivateMemo,
)
from skillmap.assessment.selectors.meetings.reading import dossier_of
from skillmap.assessment.selectors.situations import capacity_of
from skillmap.assessment.services import meetings, times
from skillmap.assessment.services.meetings import Text, View
from skillmap.core import clock
from skillmap.core.choices import Purpose
from skillmap.core.errors import Conflict
from skillmap.core.models import AuditEvent, Notification
from skillmap.people.models import User
from tests.assessment.meeting_support import (
    ANYWHERE,
    CANARY,
    DAY,
    NOT_A_MENTOR,
    WITH_MEETINGS,
    actor_of,
    as_user,
    dossier,
    every_page,
    fresh,
    hand_over,
    post_json,
    rating,
    refused,
    slot,
    view_of,
)
from tests.factories.assessment import ROLES, STATES, World, make_cycle, set_windows
from tests.support.ground import on_ground

pytestmark = pytest.mark.django_db


laid, world = on_ground(lambda: make_cycle(items=4))


# -------------------------------------------------------------------------------------- who may do what, in which state


def test_views_are_written_by_mentors_between_submitting_and_correcting(world: World) -> None:
    for stage in WITH_MEETINGS:
        check = world.check(stage)
        expected = "" if STATES[stage] in (State.SUBMITTED, State.REVIEWED) else "wrong_state"
        for role, code in {"mentor": expected, "deputy": expected, **NOT_A_MENTOR}.items():
            actor = actor_of(world, stage, role)
            assert refused(lambda check=check, actor=actor: view_of(check, actor)) == code, (stage, role)


@pytest.mark.parametrize("second", SecondMeeting.values)
@pytest.mark.parametrize("kind", MeetingKind.values)
def test_the_record_is_written_in_its_own_states(kind: str, second: str) -> None:
    world = make_cycle(items=2, second_meeting=SecondMeeting(second))
    allowed = {
        "first": {State.SUBMITTED, State.REVIEWED},
        "second": {State.CORRECTED, State.CONFIRMED} if second == "before" else {State.CONFIRMED, State.RECEIVED},
    }[kind]
    for stage in WITH_MEETINGS:
        check = world.check(stage)
        present = OneOnOne.objects.filter(assessment=check, kind=kind).first()
        note = Text(present.version if present else 0, f"{stage}の記録")
        for role in ("mentor", "own", "secretariat", *ANYWHERE):
            actor = actor_of(world, stage, role)

            def save(check: Assessment = check, actor: User = actor, note: Text = note) -> None:
                meetings.record_meeting(
                    assessment_id=check.pk, kind=kind, held_on=clock.today(), way="online", note=note, actor=actor
                )

            expected = ("" if STATES[stage] in allowed else "wrong_state") if role == "mentor" else NOT_A_MENTOR[role]
            assert refused(save) == expected, (stage, role)


def test_a_group_without_1on1_has_none(world: World) -> None:
    check = world.check("plain_submitted")
    MentorPair.objects.create(
        cycle=world.cycle,
        mentee=check.staff,
        mentor=world.mentor.staff,
        not_evaluator_declared=True,
        started_at=clock.now(),
    )
    assert refused(lambda: view_of(check, world.mentor)) == "no_one_on_one"
    assert dossier(world.mentor, check).memo_refusal == "no_one_on_one"


@pytest.mark.parametrize(
    ("opens", "closes", "code"),
    [(1, 9, "window_not_yet"), (-9, -1, "window_over"), (-9, 0, ""), (0, 9, "")],
)
def test_the_window_of_the_1on1_is_kept(world: World, opens: int, closes: int, code: str) -> None:
    today = clock.today()
    set_windows(
        world.cycle, opens_on=today + opens * DAY, closes_on=today + closes * DAY, steps=[CycleStep.FIRST_ONE_ON_ONE]
    )
    check = world.check("submitted")
    assert refused(lambda: view_of(check, world.mentor)) == code
    note = Text(0, "話した内容")
    assert (
        refused(lambda: meetings.save_note(assessment_id=check.pk, kind="first", note=note, actor=world.mentor)) == code
    )
    # A memo is the mentor's own and needs no window.
    assert meetings.save_memo(assessment_id=check.pk, memo=Text(0, "自分用"), actor=world.mentor) == 1


def test_an_extension_opens_the_window_for_one_person(world: World) -> None:
    yesterday = clock.today() - DAY
    set_windows(world.cycle, opens_on=yesterday - 9 * DAY, closes_on=yesterday, steps=[CycleStep.FIRST_ONE_ON_ONE])
    extended, other = world.check("submitted"), world.check("met")
    Extension.objects.create(
        assessment=extended,
        step=CycleStep.FIRST_ONE_ON_ONE,
        closes_on=clock.today(),
        reason="出張",
        granted_by=world.secretariat,
    )
    assert refused(lambda: view_of(extended, world.mentor)) == ""
    assert refused(lambda: view_of(other, world.mentor)) == "window_over"


def test_nothing_is_written_in_a_closed_cycle(world: World) -> None:
    Cycle.objects.filter(pk=world.cycle.pk).update(state=CycleState.CLOSED, closed_at=clock.now())
    check = world.check("submitted")
    assert refused(lambda: view_of(check, world.mentor)) == "cycle_not_open"
    memo = Text(0, "自分用")
    assert (
        refused(lambda: meetings.save_memo(assessment_id=check.pk, memo=memo, actor=world.mentor)) == "cycle_not_open"
    )


def test_the_dossier_and_the_step_table_agree_on_who_somebody_is(world: World) -> None:
    for stage in STATES:
        check = world.check(stage)
        for role in (*ROLES, "own"):
            actor = fresh(actor_of(world, stage, role))
            found = dossier_of(actor, check.pk)
            words = capacity_of(actor, check).words
            assert (found.words if found else frozenset()) == words, (stage, role)


# ---------------------------------------------------------------------------------------------------- the mentor's view


def test_a_view_is_kept_apart_from_the_persons_levels(world: World) -> None:
    check = world.check("submitted")
    before = rating(check)
    assert view_of(check, world.deputy, level=3, reason="  実績あり ") == before.version + 1
    after = rating(check)
    assert (after.mentor_level, after.mentor_reason, after.mentor_by) == (3, "実績あり", world.deputy)
    assert after.mentor_at is not None
    assert (after.self_level, after.corrected_level, after.confirmed_level) == (before.self_level, None, None)
    view_of(check, world.mentor, level=None)
    assert rating(check).mentor_level is None


def test_a_view_that_was_changed_meanwhile_is_not_overwritten(world: World) -> None:
    check = world.check("submitted")
    seen = rating(check).version
    view_of(check, world.deputy, level=1, reason="代理の見立て")
    with pytest.raises(Conflict) as raised:
        view_of(check, world.mentor, version=seen, level=3)
    assert raised.value.details == {"version": seen + 1, "level": 1, "reason": "代理の見立て"}
    assert rating(check).mentor_level == 1
    # The same view sent twice, as after a lost answer, is no conflict.
    assert view_of(check, world.deputy, version=seen, level=1, reason="代理の見立て") == seen + 1
    assert rating(check).version == seen + 1


def test_impossible_views_are_refused(world: World) -> None:
    check = world.check("submitted")
    assert refused(lambda: view_of(check, world.mentor, level=4)) == "unknown_level"
    assert refused(lambda: view_of(check, world.mentor, reason="あ" * 501)) == "too_long"

    def unknown() -> None:
        meetings.save_view(assessment_id=check.pk, skill_code="none", version=1, view=View(1), actor=world.mentor)

    assert refused(unknown) == "404"


# --------------------------------------------------------------------------------------- shared note, own words, drafts


def test_a_draft_is_no_1on1_and_is_not_read_by_the_person(world: World) -> None:
    check = world.check("submitted")
    assert meetings.save_note(assessment_id=check.pk, kind="first", note=Text(0, CANARY), actor=world.mentor) == 1
    assert not dossier(world.mentor, check).situation.first_held
    assert "take_back" in dossier(check.staff.user, check).actions  # type: ignore[arg-type]
    assert dossier(world.deputy, check).meeting.shared_note == CANARY
    assert dossier(world.user("submitted"), check).meeting.shared_note == ""
    assert (
        CANARY
        not in as_user(world.user("submitted"))
        .get(reverse("assessment:my_one_on_one", args=[check.pk]))
        .content.decode()
    )


def test_the_person_reads_the_note_once_it_is_recorded(world: World) -> None:
    check = world.check("submitted")
    meetings.save_note(assessment_id=check.pk, kind="first", note=Text(0, CANARY), actor=world.mentor)
    meetings.finish_first(assessment_id=check.pk, held_on=clock.today(), way="in_person", actor=world.mentor)
    page = as_user(world.user("submitted")).get(reverse("assessment:my_one_on_one", args=[check.pk]))
    assert CANARY in page.content.decode()


def test_the_secretariat_reads_no_note(world: World) -> None:
    check = world.check("met")
    OneOnOne.objects.filter(assessment=check).update(shared_note=CANARY, person_note=CANARY)
    found = dossier(world.secretariat, check)
    assert (found.meetings["first"].shared_note, found.meetings["first"].person_note) == ("", "")
    assert (found.goals, found.times) == ((), ())
    assert found.meetings["first"].held_on is not None  # that it was held is no secret


def test_two_windows_of_a_note_keep_both_texts(world: World) -> None:
    check = world.check("submitted")
    meetings.save_note(assessment_id=check.pk, kind="first", note=Text(0, "一つ目"), actor=world.mentor)
    with pytest.raises(Conflict) as raised:
        meetings.save_note(assessment_id=check.pk, kind="first", note=Text(0, "二つ目"), actor=world.deputy)
    assert raised.value.details == {"version": 1, "text": "一つ目"}
    # The same text sent twice, as by a lost answer, is no conflict.
    assert meetings.save_note(assessment_id=check.pk, kind="first", note=Text(0, "一つ目"), actor=world.mentor) == 1


def test_person_and_mentor_write_side_by_side(world: World) -> None:
    check, person = world.check("submitted"), world.user("submitted")
    assert meetings.save_words(assessment_id=check.pk, kind="first", words=Text(0, "相談したい"), actor=person) == 1
    # The mentor's page was loaded before that, when there was no row.
    assert meetings.save_note(assessment_id=check.pk, kind="first", note=Text(0, "準備"), actor=world.mentor) == 1
    assert meetings.save_words(assessment_id=check.pk, kind="first", words=Text(1, "追記"), actor=person) == 2
    row = OneOnOne.objects.get(assessment=check)
    assert (row.shared_note, row.version, row.person_note, row.person_version) == ("準備", 1, "追記", 2)
    assert dossier(world.mentor, check).meeting.person_note == "追記"


def test_a_page_is_saved_by_the_mentor_alone(world: World) -> None:
    """The page looks first; a mentor who is replaced between the look and the save is told as at the next look."""
    check = world.check("submitted")
    entry = meetings.PageEntry(kind="first", note=Text(0, "準備"))

    def save(role: str) -> str:
        actor = actor_of(world, "submitted", role)
        return refused(lambda: meetings.save_page(assessment_id=check.pk, entry=entry, actor=actor))

    assert {save(role) for role in ("own", "secretariat", "stranger")} == {"404"}
    assert not OneOnOne.objects.filter(assessment=check).exists()


def test_words_are_the_persons_alone(world: World) -> None:
    check = world.check("submitted")

    def write(role: str, **more: Any) -> str:
        values = {"kind": "first", "words": Text(0, "x"), **more}
        return refused(
            lambda: meetings.save_words(assessment_id=check.pk, actor=actor_of(world, "submitted", role), **values)
        )

    assert [write(role) for role in ("mentor", "secretariat", "stranger")] == ["wrong_person", "wrong_person", "404"]
    assert write("own", kind="second") == "wrong_state"
    assert write("own", words=Text(0, "あ" * 2001)) == "too_long"
    MentorPair.objects.active().filter(mentee=check.staff).update(ended_at=clock.now())
    assert write("own") == "no_mentor"


# --------------------------------------------------------------------------------------------------------- private memo


def test_each_mentor_has_an_own_memo(world: World) -> None:
    check = world.check("submitted")
    meetings.save_memo(assessment_id=check.pk, memo=Text(0, "メンターの"), actor=world.mentor)
    meetings.save_memo(assessment_id=check.pk, memo=Text(0, "代理の"), actor=world.deputy)
    assert dossier(world.mentor, check).memo.text == "メンターの"
    assert dossier(world.deputy, check).memo.text == "代理の"
    with pytest.raises(Conflict) as raised:
        meetings.save_memo(assessment_id=check.pk, memo=Text(0, "別の窓"), actor=world.mentor)
    assert raised.value.details == {"version": 1, "text": "メンターの"}


def test_memos_are_written_by_mentors_alone(world: World) -> None:
    check = world.check("met")
    for role, code in NOT_A_MENTOR.items():
        actor = actor_of(world, "met", role)
        assert (
            refused(lambda actor=actor: meetings.save_memo(assessment_id=check.pk, memo=Text(0, "x"), actor=actor))
            == code
        )


def test_a_memo_is_seen_by_nobody_else_on_any_page_or_in_the_api(world: World) -> None:
    stage = "met_again"  # the stage in which each of these pages has something to show
    check = world.check(stage)
    meetings.save_memo(assessment_id=check.pk, memo=Text(0, CANARY), actor=world.mentor)
    seen_by = set()
    for role in ("mentor", "deputy", "own", "secretariat", "former_mentor", "stranger"):
        client = as_user(actor_of(world, stage, role))
        session = client.session
        session["purpose"] = Purpose.CYCLE_OPERATION.value
        session.save()
        seen_by |= {role for url in every_page(check) if CANARY in client.get(url).content.decode()}
    assert seen_by == {"mentor"}
    assert CANARY not in json.dumps(list(AuditEvent.objects.values("verb", "target", "data")), ensure_ascii=False)
    assert not Notification.objects.filter(body__contains=CANARY).exists()


def test_memos_stay_with_their_author_after_a_hand_over(world: World) -> None:
    check = world.check("met")
    meetings.save_memo(assessment_id=check.pk, memo=Text(0, CANARY), actor=world.mentor)
    hand_over(world, check, to=world.other_mentor)
    page = as_user(world.mentor).get(reverse("assessment:memos")).content.decode()
    assert CANARY in page and check.staff.name in page
    assert "Lv." not in page
    successor = as_user(world.other_mentor)
    assert CANARY not in successor.get(reverse("assessment:one_on_one", args=[check.pk])).content.decode()
    assert CANARY not in successor.get(reverse("assessment:memos")).content.decode()
    memo = PrivateMemo.objects.get()
    assert successor.post(reverse("assessment:memo_remove", args=[memo.pk])).status_code == 404
    assert as_user(world.mentor).post(reverse("assessment:memo_remove", args=[memo.pk])).status_code == 302
    assert not PrivateMemo.objects.exists()


# ------------------------------------------------------------------------------------------------------------ hand-over


def test_a_hand_over_in_mid_cycle_ends_the_sight_at_once_in_open_tabs_too(world: World) -> None:
    check = world.check("submitted")
    client = as_user(world.mentor)
    meetings.save_note(assessment_id=check.pk, kind="first", note=Text(0, "引き継ぐ内容"), actor=world.mentor)
    assert client.get(reverse("assessment:one_on_one", args=[check.pk])).status_code == 200
    hand_over(world, check, to=world.other_mentor)

    row = rating(check)
    body = {"version": row.version, "level": 3, "reason": ""}
    assert post_json(client, "one_on_one_view", [check.pk, row.skill.code], body).status_code == 404
    text = {"version": 1, "kind": "first", "text": "遅れて届いた"}
    for part in ("note", "memo"):
        assert post_json(client, "one_on_one_text", [check.pk, part], text).status_code == 404
    assert client.post(reverse("assessment:one_on_one", args=[check.pk]), {"do": "save"}).status_code == 404
    for url in every_page(check):
        if url not in (reverse("assessment:mentees"), reverse("assessment:memos")):
            assert client.get(url).status_code == 404, url
    assert check.staff.name not in client.get(reverse("assessment:mentees")).content.decode()
    assert rating(check).mentor_level is None

    successor = as_user(world.other_mentor).get(reverse("assessment:one_on_one", args=[check.pk])).content.decode()
    assert "引き継ぐ内容" in successor  # the shared note is the current mentor's


def test_times_proposed_by_a_mentor_who_handed_over_are_gone(world: World) -> None:
    check = world.check("submitted")
    (made,) = times.propose(assessment_id=check.pk, slots=[slot(2)], actor=world.mentor)
    hand_over(world, check, to=world.other_mentor)
    person = world.user("submitted")
    assert dossier(person, check).open_times == []
    assert refused(lambda: times.agree(assessment_id=check.pk, proposal_id=made.pk, actor=person)) == "time_gone"


# ----------------------------------------------------------------------------------------------------- the dated record


def record(
    check: Assessment, actor: User, *, kind: str = "first", held_on: date | None = None, way: str = "online"
) -> Any:
    return meetings.record_meeting(
        assessment_id=check.pk, kind=kind, held_on=held_on or clock.today(), way=way, actor=actor
    )


def test_the_day_is_within_the_window_and_not_in_the_future(world: World) -> None:
    check, today = world.check("submitted"), clock.today()
    assert refused(lambda: record(check, world.mentor, held_on=today + DAY)) == "held_in_future"
    assert refused(lambda: record(check, world.mentor, held_on=today - 31 * DAY)) == "held_too_early"
    assert refused(lambda: record(check, world.mentor, way="telepathy")) == "way_missing"
    assert not OneOnOne.objects.filter(assessment=check).exists()


def test_a_deputy_is_recorded_as_such_and_stays_so_when_the_record_is_mended(world: World) -> None:
    check = world.check("submitted")
    assert record(check, world.deputy).by_deputy
    mended = record(check, world.mentor, held_on=clock.today() - DAY, way="in_person")
    assert (mended.by_deputy, mended.mentor_name, mended.way) == (True, world.deputy.name, "in_person")
    lines = AuditEvent.objects.filter(verb__startswith="one_on_one.").order_by("pk")
    assert [(line.verb, line.data["deputy"]) for line in lines] == [
        ("one_on_one.record", True),
        ("one_on_one.change", False),
    ]
    assert {line.subject_key for line in lines} == {f"staff:{check.staff_id}"}


def test_finishing_records_and_hands_over_together_or_not_at_all(world: World) -> None:
    check, today = world.check("submitted"), clock.today()

    def finish(actor: User, day: date) -> str:
        return refused(lambda: meetings.finish_first(assessment_id=check.pk, held_on=day, way="online", actor=actor))

    assert finish(world.mentor, today + DAY) == "held_in_future"
    assert finish(world.secretariat, today) == "wrong_person"
    assert (world.check("submitted").state, OneOnOne.objects.filter(assessment=check).count()) == ("submitted", 0)
    assert finish(world.deputy, today) == ""
    assert world.check("submitted").state == "reviewed"
    event = AssessmentEvent.objects.filter(assessment=check).latest("pk")
    assert (event.action, event.acting_as) == ("review", "deputy")


@pytest.mark.parametrize(("second", "stage"), [("before", "corrected"), ("after", "confirmed")])
def test_the_second_1on1_comes_before_or_after_confirmation_as_the_cycle_says(second: str, stage: str) -> None:
    world = make_cycle(items=2, second_meeting=SecondMeeting(second))
    check = world.check(stage)
    needs = "confirm" if second == "before" else "receive"
    actor = world.secretariat if second == "before" else world.user(stage)
    assert needs not in dossier(actor, check).actions
    client = as_user(world.mentor)
    answer = client.post(
        reverse("assessment:one_on_one", args=[check.pk]),
        {"do": "record", "kind": "second", "held_on": clock.today().isoformat(), "way": "online"},
    )
    assert answer.status_code == 302
    assert needs in dossier(actor, check).actions
    assert world.check(stage).state == stage  # a dated record, not a state


# ---------------------------------------------------------------------------------------------------------------- rules


def situation(state: str, **more: Any) -> rules.Situation:
    today = date(2026, 7, 1)
    window = rules.Window(today - DAY, today + DAY)
    windows = {"first_one_on_one": window, "second_one_on_one": window}
    return rules.Situation(state=state, today=today, cycle_open=True, **{"windows": windows, **more})


@pytest.mark.parametrize("state", State.values)
def test_goals_are_set_from_the_submitting_on(state: str) -> None:
    refused_in = {"draft": "wrong_state", "withdrawn": "wrong_state"}
    assert meeting_rules.goal_refusal(situation(state), {"mentor"}) == refused_in.get(state)
    assert meeting_rules.goal_refusal(situation(state), {"self"}) == "wrong_person"


def test_a_closed_cycle_refuses_every_entry() -> None:
    closed = rules.Situation(state="submitted", today=date(2026, 7, 1), cycle_open=False, windows={})
    for refusal in (meeting_rules.goal_refusal, meeting_rules.memo_refusal):
        assert refusal(closed, {"mentor"}) == "cycle_not_open"
    assert meeting_rules.words_refusal(closed, {"self"}) == "cycle_not_open"
    assert meeting_rules.record_refusal("first", closed, {"mentor"}) == "cycle_not_open"
    assert meeting_rules.times_refusal("first", closed, {"self"}) == "cycle_not_open"


def test_a_window_that_is_not_set_is_open() -> None:
    assert meeting_rules.record_refusal("first", situation("submitted", windows={}), {"deputy"}) is None
