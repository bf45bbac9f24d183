"""訂正申出: raised by the person, answered by the secretariat, never by oneself."""

import re
from datetime import date
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from skillmap.assessment.choices import CycleState, ObjectionState, State
from skillmap.assessment.models import Assessment, AssessmentEvent, ConfirmedLevel, Cycle, Objection, SkillRating
from skillmap.assessment.services import objections
from skillmap.assessment.services.objections import answer_objection, raise_objection
from skillmap.assessment.services.transitions import transition
from skillmap.core import clock
from skillmap.core.errors import Conflict, NotAllowed
from skillmap.core.models import AuditEvent, Notification
from skillmap.people.choices import Role
from skillmap.people.models import RoleGrant, User
from tests.assessment.meeting_support import actor_of, as_user, fresh, rating, refused
from tests.factories.assessment import ROLES, STATES, World, make_cycle
from tests.support.ground import on_ground

pytestmark = pytest.mark.django_db

REASON = "昨年度の刷新で設計を主担当した"


laid, world = on_ground(lambda: make_cycle(items=4))


def other_level(row: SkillRating) -> int:
    return 3 if row.confirmed_level != 3 else 2


def objection(
    check: Assessment, actor: User, *, number: int = 0, level: int | None = None, text: str = REASON
) -> Objection:
    row = rating(check, number)
    return raise_objection(
        assessment_id=check.pk,
        skill_code=row.skill.code,
        wanted_level=other_level(row) if level is None else level,
        text=text,
        actor=fresh(actor),
    )


def answer(
    row: Objection, actor: User, *, accept: bool = False, text: str = "根拠を確認した", version: int = 1
) -> Objection:
    return answer_objection(objection_id=row.pk, version=version, accept=accept, answer=text, actor=fresh(actor))


# ---------------------------------------------------------------------------------------------------------- raising


def test_the_person_objects_to_a_confirmed_level(world: World) -> None:
    for stage, state in STATES.items():
        check = world.check(stage)
        mentors = "404" if stage.startswith("plain") else "wrong_person"
        expected = dict.fromkeys(("stranger", "former_mentor", "coordinator", "executive"), "404")
        expected |= {"mentor": mentors, "deputy": mentors, "secretariat": "wrong_person"}
        expected["own"] = "" if state in (State.CONFIRMED, State.RECEIVED) else "not_confirmed"
        level = 0 if rating(check).confirmed_level else 1
        for role, code in expected.items():
            actor = actor_of(world, stage, role)
            found = refused(lambda check=check, actor=actor, level=level: objection(check, actor, level=level))
            assert found == code, (stage, role)


def test_what_is_raised_is_recorded_and_the_secretariat_is_told(world: World) -> None:
    check = world.check("confirmed")
    row = objection(check, world.user("confirmed"))
    assert (row.state, row.text) == ("open", REASON)
    line = AuditEvent.objects.get(verb="objection.raise")
    assert (line.subject_key, REASON in str(line.data)) == (f"staff:{check.staff_id}", False)
    told = Notification.objects.filter(kind="objection.raised")
    assert {notice.recipient_id for notice in told} == {world.secretariat.pk, world.secretariat_colleague.pk}
    assert not any(REASON in notice.subject + notice.body or "Lv" in notice.subject + notice.body for notice in told)


def test_it_can_be_raised_after_the_cycle(world: World) -> None:
    Cycle.objects.filter(pk=world.cycle.pk).update(state=CycleState.CLOSED, closed_at=clock.now())
    row = objection(world.check("received"), world.user("received"))
    assert refused(lambda: answer(row, world.secretariat, accept=True)) == "cycle_not_open"
    assert Objection.objects.get().state == ObjectionState.OPEN  # nothing is left half done
    assert answer(row, world.secretariat).state == ObjectionState.REFUSED


def test_impossible_ones_are_refused(world: World) -> None:
    check, person = world.check("confirmed"), world.user("confirmed")
    present = rating(check).confirmed_level
    assert present is not None
    assert refused(lambda: objection(check, person, level=present)) == "objection_same_level"
    assert refused(lambda: objection(check, person, level=4)) == "unknown_level"
    assert refused(lambda: objection(check, person, text=" ")) == "text_missing"
    assert refused(lambda: objection(check, person, text="あ" * 1001)) == "too_long"
    objection(check, person)
    assert refused(lambda: objection(check, person)) == "objection_open"
    objection(check, person, number=1)
    with pytest.raises(IntegrityError), transaction.atomic():
        Objection.objects.create(assessment=check, skill=rating(check).skill, wanted_level=0, text="x")


# --------------------------------------------------------------------------------------------------------- answering


def test_accepting_reopens_the_check_with_the_reason(world: World) -> None:
    check = world.check("received")
    levels = dict(ConfirmedLevel.objects.current().filter(staff=check.staff).values_list("skill_code", "level"))
    row = objection(check, world.user("received"))
    answered = answer(row, world.secretariat, accept=True, text="設計書を確認した")
    assert (answered.state, answered.answered_by, answered.version) == ("accepted", world.secretariat, 2)
    assert world.check("received").state == State.REVIEWED
    event = AssessmentEvent.objects.filter(assessment=check).latest("pk")
    assert (event.action, event.comment, event.acting_as) == ("reopen", "設計書を確認した", "secretariat")
    # The confirmed levels stay valid meanwhile.
    assert dict(ConfirmedLevel.objects.current().filter(staff=check.staff).values_list("skill_code", "level")) == levels
    told = Notification.objects.get(recipient=check.staff.user, kind="objection.answered")
    assert told.subject == str(objections.ACCEPTED)
    assert AuditEvent.objects.filter(verb="objection.accept", subject_key=f"staff:{check.staff_id}").exists()


def test_a_second_one_is_accepted_while_the_check_is_open_again(world: World) -> None:
    check, person = world.check("confirmed"), world.user("confirmed")
    first, second = objection(check, person), objection(check, person, number=1)
    answer(first, world.secretariat, accept=True)
    answer(second, world.secretariat, accept=True)
    assert world.check("confirmed").state == State.REVIEWED
    assert AssessmentEvent.objects.filter(assessment=check, action="reopen").count() == 1
    told = Notification.objects.filter(recipient=person, kind="objection.answered").order_by("pk")
    assert [row.subject for row in told] == [str(objections.ACCEPTED), str(objections.ACCEPTED_WHILE_OPEN)]


def test_in_a_withdrawn_check_nothing_is_accepted(world: World) -> None:
    check, person = world.check("received"), world.user("received")
    row = objection(check, person)
    for action, why in [("reopen", "別の理由"), ("withdraw", "休職")]:
        transition(assessment_id=check.pk, action=action, actor=fresh(world.secretariat), comment=why)

    assert refused(lambda: answer(row, world.secretariat, accept=True)) == "objection_withdrawn"
    assert not Notification.objects.filter(recipient=person, kind="objection.answered").exists()
    answer(row, world.secretariat)

    told = Notification.objects.get(recipient=person, kind="objection.answered")
    assert (world.check("received").state, told.subject) == (State.WITHDRAWN, str(objections.REFUSED))


def test_refusing_leaves_the_level_and_tells_the_person(world: World) -> None:
    check = world.check("confirmed")
    row = objection(check, world.user("confirmed"))
    answer(row, world.secretariat, text="今の定義では妥当")
    assert world.check("confirmed").state == State.CONFIRMED
    assert Notification.objects.filter(recipient=check.staff.user, kind="objection.answered").exists()
    page = as_user(world.user("confirmed")).get(reverse("assessment:result", args=[check.pk])).content.decode()
    assert "今の定義では妥当" in page and REASON in page


def test_answers_are_given_once_with_a_reason_by_the_secretariat_alone(world: World) -> None:
    row = objection(world.check("confirmed"), world.user("confirmed"))
    for role in ROLES:
        if role != "secretariat":
            with pytest.raises(NotAllowed):
                answer(row, getattr(world, role))
    assert refused(lambda: answer(row, world.secretariat, text="  ")) == "comment_required"
    assert refused(lambda: answer(row, world.secretariat, text="あ" * 1001)) == "too_long"
    with pytest.raises(Conflict):
        answer(row, world.secretariat, version=7)
    answer(row, world.secretariat)
    assert refused(lambda: answer(row, world.secretariat_colleague, version=2)) == "objection_answered"


def test_nobody_answers_the_own_one(world: World) -> None:
    check = world.check("confirmed")
    person = world.user("confirmed")
    RoleGrant.objects.create(user=person, role=Role.SECRETARIAT, valid_from=date(2020, 4, 1))
    row = objection(check, person)
    assert refused(lambda: answer(row, person, accept=True)) == "own_objection"
    client = as_user(person)
    page = client.get(reverse("assessment:objection_answer", args=[row.pk])).content.decode()
    assert 'name="decision"' not in page
    form = {"decision": "accept", "answer": "x", "version": "1"}
    assert client.post(reverse("assessment:objection_answer", args=[row.pk]), form).status_code == 422
    assert (
        reverse("assessment:objection_answer", args=[row.pk])
        not in client.get(reverse("assessment:objections")).content.decode()
    )
    assert not Notification.objects.filter(kind="objection.raised", recipient=person).exists()
    assert world.check("confirmed").state == State.CONFIRMED


# ------------------------------------------------------------------------------------------------------------- pages


def test_the_persons_form(world: World) -> None:
    check = world.check("confirmed")
    row = rating(check)
    client, url = as_user(world.user("confirmed")), reverse("assessment:objection_create", args=[check.pk])
    html = client.get(f"{url}?item={row.skill.code}").content.decode()
    assert re.search(rf'value="{row.skill.code}" selected', html)
    form: dict[str, Any] = {"skill_code": row.skill.code, "wanted_level": other_level(row), "text": REASON}
    assert client.post(url, {**form, "text": ""}).status_code == 422
    assert client.post(url, {**form, "skill_code": "none"}).status_code == 422
    same = client.post(url, {**form, "wanted_level": row.confirmed_level})
    assert same.status_code == 422 and "error-summary" in same.content.decode()
    assert client.post(url, {**form, "state": "accepted", "answer": "x"}).status_code == 302
    made = Objection.objects.get()
    assert (made.state, made.answer) == ("open", "")
    assert row.skill.code not in re.findall(r'<option value="([\w-]+)"', client.get(url).content.decode())


def test_the_form_is_the_persons_alone(world: World) -> None:
    url = reverse("assessment:objection_create", args=[world.check("confirmed").pk])
    for user in (world.user("received"), *world.roles().values()):
        client = as_user(user)
        assert (client.get(url).status_code, client.post(url, {}).status_code) == (404, 404), user.name


def test_before_confirmation_the_form_leads_back(world: World) -> None:
    check = world.check("corrected")
    answered = as_user(world.user("corrected")).get(reverse("assessment:objection_create", args=[check.pk]))
    assert (answered.status_code, answered["Location"]) == (302, reverse("assessment:result", args=[check.pk]))


def test_the_list_and_the_answer_are_the_secretariats_and_each_look_is_recorded(world: World) -> None:
    check = world.check("confirmed")
    row = objection(check, world.user("confirmed"))
    list_url, url = reverse("assessment:objections"), reverse("assessment:objection_answer", args=[row.pk])
    for role in (*ROLES, "own"):
        client = as_user(actor_of(world, "confirmed", role))
        expected = 200 if role == "secretariat" else 403
        assert (client.get(list_url).status_code, client.get(url).status_code) == (expected, expected), role
        if role != "secretariat":
            assert client.post(url, {"decision": "refuse", "answer": "x", "version": "1"}).status_code == 403
    looks = AuditEvent.objects.filter(verb="levels.read")
    assert {(line.actor_id, line.subject_key, line.purpose) for line in looks} == {
        (world.secretariat.pk, f"staff:{check.staff_id}", "correction")
    }
    assert as_user(world.secretariat).get(reverse("assessment:objection_answer", args=[10**9])).status_code == 404


def test_answering_on_the_page(world: World) -> None:
    row = objection(world.check("confirmed"), world.user("confirmed"))
    client, url = as_user(world.secretariat), reverse("assessment:objection_answer", args=[row.pk])
    form = {"decision": "accept", "answer": "設計書を確認した", "version": "1"}
    assert client.post(url, {**form, "answer": ""}).status_code == 422
    assert client.post(url, {**form, "decision": "maybe"}).status_code == 422
    assert client.post(url, form)["Location"] == reverse("assessment:objections")
    assert client.post(url, {**form, "version": "2"}).status_code == 422
    assert REASON not in client.get(reverse("assessment:objections")).content.decode()
    answered = client.get(reverse("assessment:objections") + "?state=answered").content.decode()
    assert reverse("assessment:objection_answer", args=[row.pk]) in answered
    assert "設計書を確認した" in client.get(url).content.decode()


def test_the_list_takes_the_same_queries_for_one_and_for_many() -> None:
    counts = []
    for people in (1, 30):
        world = make_cycle(people, items=2, stages=("confirmed",))
        Objection.objects.all().delete()
        for check in world.checks:
            Objection.objects.create(assessment=check, skill=world.skills[0], wanted_level=1, text=REASON)
        client = as_user(world.secretariat)
        with CaptureQueriesContext(connection) as captured:
            page = client.get(reverse("assessment:objections"))
        assert page.content.decode().count("<tr>") == min(people, 25) + 1
        counts.append(sum("SAVEPOINT" not in query["sql"] for query in captured.captured_queries))
    assert counts[0] == counts[1] <= 10
