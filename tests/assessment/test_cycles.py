"""A running cycle: dates, people in and out, closed; and its pages."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.urls import NoReverseMatch, reverse
from django.utils import translation

from skillmap.assessment import cycle_rules
from skillmap.assessment.choices import CycleState, CycleStep, FindingKind, SecondMeeting, State
from skillmap.assessment.models import (
    Assessment,
    Cycle,
    CycleGroup,
    Extension,
    Finding,
    MentorPair,
    PurposeText,
)
from skillmap.assessment.rules import Window
from skillmap.assessment.selectors.cycles import closing_figures, windows_of_cycle
from skillmap.assessment.services import cycles, findings, participation, ratings
from skillmap.assessment.services.ratings import save_rating
from skillmap.assessment.services.transitions import transition
from skillmap.core import clock
from skillmap.core.errors import Conflict, NotAllowed, RuleViolation
from skillmap.core.fiscal import fiscal_year_of
from skillmap.core.models import Notification
from skillmap.people import signals
from skillmap.people.choices import Employer, StaffStatus
from skillmap.people.models import Staff, User
from skillmap.people.services.leaving import staff_leave
from tests.factories.assessment import (
    World,
    make_cycle,
    make_framework,
    set_windows,
)
from tests.support.ground import on_ground

pytestmark = pytest.mark.django_db

laid, world = on_ground(make_cycle)

YEAR = fiscal_year_of(clock.today())


def refused(code: str, call: Callable[[], object]) -> RuleViolation:
    """Run a call that must be refused with a code."""
    with pytest.raises(RuleViolation) as caught:
        call()
    assert caught.value.code == code
    return caught.value


def new_cycle(office: User, *, name: str = "試行", year: int = YEAR, **more: object) -> Cycle:
    """A draft of this year, for everyone of occupation ICT with 1on1."""
    cycle = cycles.cycle_create(
        fiscal_year=year,
        name=name,
        framework_id=make_framework(items=3, tools=1).pk,
        second_meeting=SecondMeeting.AFTER,
        actor=office,
        **more,  # type: ignore[arg-type]
    )
    if not cycle.groups.exists():
        add_group(cycle, office, occupations=["ict"])
    cycle.refresh_from_db()
    return cycle


def add_group(
    cycle: Cycle,
    office: User,
    *,
    name: str = "ICT職",
    meets: bool = True,
    items: str = "digital",
    **selection: Sequence[object],
) -> CycleGroup:
    """A group of a draft."""
    return cycles.group_save(
        cycle_id=cycle.pk,
        name=name,
        items=items,
        with_one_on_one=meets,
        selection=selection,
        sort_order=cycle.groups.count(),
        actor=office,
    )


# --------------------------------------------------------------------------------------------------------- creating


def test_a_cycle_is_copied_from_the_last_one(world: World) -> None:
    cycle = new_cycle(world.secretariat, year=world.cycle.fiscal_year + 1)

    assert list(cycle.groups.order_by("sort_order").values_list("name", "with_one_on_one")) == [
        ("ICT職", True),
        ("1on1なし", False),
    ]
    assert cycle.mentor_pairs.count() == 0
    last = windows_of_cycle(world.cycle)["self_check"]
    try:
        moved = last.opens_on.replace(year=last.opens_on.year + 1)
    except ValueError:  # 29 February
        moved = date(last.opens_on.year + 1, 2, 28)
    assert windows_of_cycle(cycle)["self_check"].opens_on in (
        moved,
        cycle_rules.default_windows(YEAR + 1)["self_check"].opens_on,
    )


@pytest.mark.parametrize("role", ["supporter", "executive", "coordinator", "mentor", "stranger"])
def test_only_the_secretariat_writes(world: World, role: str) -> None:
    actor = world.roles()[role]
    check = world.check("started")
    calls: list[Callable[[], object]] = [
        lambda: new_cycle(actor),
        lambda: cycles.cycle_close(cycle_id=world.cycle.pk, accepted=[], actor=actor),
        lambda: cycles.windows_change(cycle_id=world.cycle.pk, version=1, windows={}, actor=actor),
        lambda: cycles.purpose_change(cycle_id=world.cycle.pk, version=1, text="x", text_en="", actor=actor),
        lambda: participation.cycle_open(cycle_id=world.cycle.pk, version=1, without_mentor=True, actor=actor),
        lambda: participation.person_add(cycle_id=world.cycle.pk, staff_id=1, group_id=1, actor=actor),
        lambda: participation.withdraw_many(assessment_ids=[check.pk], reason="x", actor=actor),
        lambda: participation.extend(
            assessment_id=check.pk, step="self_check", closes_on=clock.today(), reason="x", actor=actor
        ),
        lambda: findings.finding_add(cycle=world.cycle, kind="finding", text="x", actor=actor),
    ]

    for call in calls:
        with pytest.raises(NotAllowed):
            call()


# ------------------------------------------------------------------------------------------------------------ dates


def test_dates_are_changed_while_the_cycle_runs(world: World) -> None:
    day = date(world.cycle.fiscal_year, 5, 1)
    windows = {
        step: Window(day + timedelta(days=30 * number), day + timedelta(days=30 * number + 40))
        for number, step in enumerate(cycle_rules.steps_in_order(second_before=False))
    }

    cycle = cycles.windows_change(cycle_id=world.cycle.pk, version=1, windows=windows, actor=world.secretariat)

    assert windows_of_cycle(cycle) == windows
    assert cycle.version == 2


def test_dates_out_of_order_are_refused_and_named(world: World) -> None:
    windows = cycle_rules.default_windows(world.cycle.fiscal_year)
    windows["correction"] = windows["self_check"]
    before = windows_of_cycle(world.cycle)

    refusal = refused(
        "windows",
        lambda: cycles.windows_change(cycle_id=world.cycle.pk, version=1, windows=windows, actor=world.secretariat),
    )

    assert refusal.details["problems"] == {"correction": "opens_too_early"}
    assert windows_of_cycle(world.cycle) == before


def test_two_tabs_do_not_overwrite_each_other(world: World) -> None:
    windows = cycle_rules.default_windows(world.cycle.fiscal_year)
    cycles.windows_change(cycle_id=world.cycle.pk, version=1, windows=windows, actor=world.secretariat)

    with pytest.raises(Conflict):
        cycles.windows_change(cycle_id=world.cycle.pk, version=1, windows=windows, actor=world.secretariat)


# ----------------------------------------------------------------------------------------------------------- groups


def test_groups_stay_as_they_are_once_the_cycle_runs(world: World) -> None:
    refused("not_a_draft", lambda: add_group(world.cycle, world.secretariat, name="x", occupations=["ict"]))
    refused(
        "not_a_draft",
        lambda: cycles.group_remove(cycle_id=world.cycle.pk, group_id=world.group.pk, actor=world.secretariat),
    )


# ---------------------------------------------------------------------------------------------------------- opening


def test_the_target_job_type_is_carried_over(world: World) -> None:
    before = world.check("started")
    assert before.target_job_type is not None
    world.cycle.assessments.update(state=State.WITHDRAWN)
    cycle = cycles.cycle_create(
        fiscal_year=YEAR + 1,
        name="次",
        framework_id=make_framework(items=3).pk,
        second_meeting="after",
        actor=world.secretariat,
    )

    participation.cycle_open(cycle_id=cycle.pk, version=cycle.version, without_mentor=True, actor=world.secretariat)

    after = Assessment.objects.select_related("target_job_type").get(cycle=cycle, staff=before.staff)
    assert after.target_job_type is not None
    assert after.target_job_type.code == before.target_job_type.code
    assert after.target_job_type.framework_id == cycle.framework_id


# ------------------------------------------------------------------------------------------------- joiners, leavers


def test_a_joiner_is_taken_in_with_all_items(world: World) -> None:
    check = participation.person_add(
        cycle_id=world.cycle.pk, staff_id=world.stranger.staff.pk, group_id=world.group.pk, actor=world.secretariat
    )

    assert check.ratings.count() == 22
    assert check.organisation_id == world.other_section.pk
    assert Notification.objects.filter(recipient=world.stranger, kind="assessment.added").count() == 1


def test_who_is_not_taken_in(world: World) -> None:
    def add(staff_id: int) -> Callable[[], object]:
        return lambda: participation.person_add(
            cycle_id=world.cycle.pk, staff_id=staff_id, group_id=world.group.pk, actor=world.secretariat
        )

    refused("takes_part_already", add(world.staff("started").pk))
    refused("withdrawn_already", add(world.staff("withdrawn").pk))
    stranger = world.stranger.staff
    Staff.objects.filter(pk=stranger.pk).update(status=StaffStatus.ON_LEAVE)
    refused("not_at_work", add(stranger.pk))
    Staff.objects.filter(pk=stranger.pk).update(status=StaffStatus.ACTIVE, employer=Employer.MUNICIPALITY)
    refused("no_check_for", add(stranger.pk))
    Cycle.objects.filter(pk=world.cycle.pk).update(state=CycleState.CLOSED)
    refused("not_open", add(stranger.pk))


def test_withdrawing_many_says_what_was_left_out(world: World) -> None:
    ids = [world.check("started").pk, world.check("received").pk]

    outcome = participation.withdraw_many(assessment_ids=ids, reason="退職", actor=world.secretariat)

    assert outcome.withdrawn == (ids[0],)
    assert [pk for pk, _why in outcome.left_out] == [ids[1]]
    assert not MentorPair.objects.active().filter(mentee=world.staff("started")).exists()


def test_a_leaver_whom_nobody_recorded_waits_on_the_board(world: World) -> None:
    participation.people_left(staff_ids=[world.staff("started").pk], on=clock.today())

    assert world.check("started").state == State.DRAFT
    notice = Notification.objects.get(recipient=world.secretariat, kind="assessment.absent")
    assert notice.path.endswith("?absent=1")


def test_leave_takes_nothing_but_tells_the_secretariat(
    world: World, django_capture_on_commit_callbacks: object
) -> None:
    signals.staff_on_leave.send(sender=None, staff_ids=(world.staff("started").pk,), on=clock.today())

    assert world.check("started").state == State.DRAFT
    assert MentorPair.objects.active().filter(mentee=world.staff("started")).exists()
    assert Notification.objects.filter(kind="assessment.absent").count() == 2


# -------------------------------------------------------------------------------------------------------- more time


def test_more_time_for_one_person(world: World) -> None:
    check = world.check("started")
    day = clock.today() + timedelta(days=40)

    participation.extend(
        assessment_id=check.pk, step="self_check", closes_on=day, reason="出張", actor=world.secretariat
    )

    row = Extension.objects.get(assessment=check)
    assert (row.step, row.closes_on, row.granted_by) == ("self_check", day, world.secretariat)
    assert Notification.objects.filter(recipient=world.user("started"), kind="assessment.extended").count() == 1


@pytest.mark.parametrize(
    ("stage", "step", "days", "reason", "code"),
    [
        ("started", "nothing", 40, "x", "step_unknown"),
        ("started", "self_check", 40, " ", "extension_reason"),
        ("started", "self_check", 30, "x", "extension_too_early"),
        ("received", "self_check", 40, "x", "extension_finished"),
        ("withdrawn", "self_check", 40, "x", "extension_finished"),
    ],
)
def test_which_extensions_are_refused(world: World, stage: str, step: str, days: int, reason: str, code: str) -> None:
    refused(
        code,
        lambda: participation.extend(
            assessment_id=world.check(stage).pk,
            step=step,
            closes_on=clock.today() + timedelta(days=days),
            reason=reason,
            actor=world.secretariat,
        ),
    )


# ---------------------------------------------------------------------------------------------------------- purpose


def test_an_edited_purpose_is_a_new_version(world: World) -> None:
    first = world.cycle.purpose_text

    fresh = cycles.purpose_change(
        cycle_id=world.cycle.pk, version=1, text="新しい目的", text_en="", actor=world.secretariat
    )

    assert fresh.number == first.number + 1
    assert Cycle.objects.get(pk=world.cycle.pk).purpose_text == fresh
    assert PurposeText.objects.get(pk=first.pk).text == first.text
    same = cycles.purpose_change(
        cycle_id=world.cycle.pk, version=2, text="新しい目的", text_en="", actor=world.secretariat
    )
    assert same == fresh
    refused(
        "purpose_empty",
        lambda: cycles.purpose_change(
            cycle_id=world.cycle.pk, version=2, text=" ", text_en="", actor=world.secretariat
        ),
    )


# ---------------------------------------------------------------------------------------------------------- closing


def test_the_checklist_counts_what_is_open(world: World) -> None:
    assert closing_figures(world.cycle) == cycle_rules.ClosingFigures(
        unfinished=6, unconfirmed=2, unreceived=3, objections=0, findings=0, measures=0
    )


def test_a_cycle_with_loose_ends_closes_only_knowingly(world: World) -> None:
    def close(*accepted: str) -> Cycle:
        return cycles.cycle_close(cycle_id=world.cycle.pk, accepted=accepted, actor=world.secretariat)

    refusal = refused("checklist_open", lambda: close("unfinished"))
    assert refusal.details["open"] == ["unconfirmed", "unreceived", "findings", "measures"]
    assert Cycle.objects.get(pk=world.cycle.pk).state == CycleState.OPEN
    for kind in FindingKind.values:
        findings.finding_add(cycle=world.cycle, kind=kind, text="記録", actor=world.secretariat)

    closed = close("unfinished", "unconfirmed", "unreceived")

    assert (closed.state, closed.closed_at is not None) == (CycleState.CLOSED, True)
    kept = {item["code"]: (item["count"], item["accepted"]) for item in closed.closing_checklist["items"]}
    assert kept["unfinished"] == (6, True)
    assert kept["findings"] == (1, False)
    assert not MentorPair.objects.active().filter(cycle=world.cycle).exists()
    assert not Assessment.objects.visible_to(world.mentor).exists()
    refused("not_open", close)


def test_nothing_is_saved_once_the_cycle_is_closed(world: World) -> None:
    check, person = world.check("started"), world.user("started")
    every = ["unfinished", "unconfirmed", "unreceived", "objections", "findings", "measures"]
    cycles.cycle_close(cycle_id=world.cycle.pk, accepted=every, actor=world.secretariat)
    code = world.skills[0].code

    refused(
        "cycle_not_open",
        lambda: save_rating(assessment_id=check.pk, skill_code=code, version=1, answer={"level": 1}, actor=person),
    )
    refused(
        "cycle_not_open",
        lambda: transition(
            assessment_id=world.check("submitted").pk, action="take_back", actor=world.user("submitted")
        ),
    )


# --------------------------------------------------------------------------------------------------------- findings


def test_findings_are_kept_changed_and_removed(world: World) -> None:
    row = findings.finding_add(cycle=world.cycle, kind="finding", text=" 気づき ", actor=world.secretariat)
    findings.finding_change(cycle=world.cycle, finding_id=row.pk, seen="気づき", text="改めた", actor=world.secretariat)

    with pytest.raises(Conflict) as caught:
        findings.finding_change(
            cycle=world.cycle, finding_id=row.pk, seen="気づき", text="遅れた", actor=world.secretariat
        )

    assert caught.value.details == {"text": "改めた"}
    assert Finding.objects.get(pk=row.pk).text == "改めた"
    assert findings.finding_remove(cycle=world.cycle, finding_id=row.pk, actor=world.secretariat)
    assert not findings.finding_remove(cycle=world.cycle, finding_id=row.pk, actor=world.secretariat)
    refused(
        "finding_empty",
        lambda: findings.finding_add(cycle=world.cycle, kind="finding", text=" ", actor=world.secretariat),
    )


def test_every_step_has_a_place_in_the_calendar() -> None:
    assert set(cycle_rules.steps_in_order(second_before=False)) == set(CycleStep.values)


# ------------------------------------------------------------------------------------------------------------ pages


def page(name: str, *args: object) -> str:
    """The address of a page."""
    return reverse(f"assessment:{name}", args=args)


def test_a_joiner_is_found_and_taken_in_on_the_page(world: World) -> None:
    client = Client()
    client.force_login(world.secretariat)
    address = page("cycle_participants", world.cycle.pk)

    found = client.get(address, {"q": "部外"}).context["people"]
    assert [(person.pk, check) for person, check in found] == [(world.stranger.staff.pk, None)]
    add = page("cycle_add_person", world.cycle.pk)
    client.post(add, {"staff": world.stranger.staff.pk, "group": "999999"})
    assert not Assessment.objects.filter(staff=world.stranger.staff).exists()
    taken = client.post(add, {"staff": world.stranger.staff.pk, "group": world.group.pk})
    check = Assessment.objects.get(staff=world.stranger.staff)
    assert taken["Location"] == page("board_person", world.cycle.pk, check.pk)
    assert client.post(add, {"staff": "99999999", "group": world.group.pk}).status_code == 404


def test_findings_and_the_closing_on_the_pages(world: World) -> None:
    client = Client()
    client.force_login(world.secretariat)
    address, close = page("findings", world.cycle.pk), page("cycle_close", world.cycle.pk)

    for kind in FindingKind.values:
        assert client.post(address, {"kind": kind, "text": "一つ\n二つ"}).status_code == 302
    row = Finding.objects.filter(kind=FindingKind.FINDING).get()
    change = page("finding_change", world.cycle.pk, row.pk)
    assert client.post(change, {"seen": row.text.replace("\n", "\r\n"), "text": "三つ"}).status_code == 302
    late = client.post(change, {"seen": row.text, "text": "四つ"})
    assert late.status_code == 409
    assert "三つ" in late.content.decode()
    assert "四つ" in late.content.decode()
    assert client.post(close, {"accept": ["unfinished", "x"]}).status_code == 422
    assert Cycle.objects.get(pk=world.cycle.pk).state == CycleState.OPEN
    assert client.post(close, {"accept": ["unfinished", "unconfirmed", "unreceived"]}).status_code == 302
    assert Cycle.objects.get(pk=world.cycle.pk).state == CycleState.CLOSED
    kept = client.get(close)
    assert {item["code"]: item["count"] for item in kept.context["items"]}["unfinished"] == 6
    assert client.post(page("finding_change", world.cycle.pk, row.pk), {"remove": "1"}).status_code == 302
    assert not Finding.objects.filter(pk=row.pk).exists()


def test_the_tally_before_confirmation_is_linked_where_it_can_be_asked_for(world: World) -> None:
    client = Client()
    client.force_login(world.secretariat)

    shown = client.get(page("findings", world.cycle.pk)).context["run_url"]

    try:
        wanted = f"{reverse('gaps:run_create')}?cycle={world.cycle.pk}&basis=corrected"
    except NoReverseMatch:
        wanted = ""
    assert shown == wanted


def test_the_list_of_cycles_says_how_far_each_is(world: World) -> None:
    client = Client()
    client.force_login(world.supporter)

    (line,) = client.get(page("cycles")).context["lines"]

    assert (line.people, line.confirmed) == (12, 4)


def test_a_joiner_does_not_bring_back_what_others_took_away(world: World) -> None:
    check, person = world.check("submitted"), world.user("submitted")
    old = make_cycle(people=1, items=3, stages=["received"], state=CycleState.CLOSED)
    # the same person took part in an earlier cycle, with a job type that this framework has too
    earlier = old.checks[0]
    Assessment.objects.filter(pk=earlier.pk).update(staff=check.staff, target_job_type=old.job_types[0])
    ratings.choose_target(assessment_id=check.pk, job_type_id=None, actor=person)
    assert world.check("submitted").target_job_type is None

    group = world.group
    participation.person_add(
        cycle_id=world.cycle.pk, staff_id=world.stranger.staff.pk, group_id=group.pk, actor=world.secretariat
    )

    assert world.check("submitted").target_job_type is None


def test_a_leaving_whose_news_got_lost_is_taken_up_the_same_day(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    check = world.check("submitted")
    monkeypatch.setattr(signals, "_send", lambda *_: None)  # as if the process had ended between commit and signal
    staff_leave(staff_id=check.staff_id, on=clock.today(), actor=world.secretariat)
    monkeypatch.undo()
    assert MentorPair.objects.active().filter(mentee=check.staff_id).exists()

    assert participation.take_up_leavers() == 1

    assert world.check("submitted").state == State.WITHDRAWN
    assert not MentorPair.objects.active().filter(mentee=check.staff_id).exists()
    assert participation.take_up_leavers() == 0


def test_a_leaving_whose_pairs_alone_were_ended_is_taken_up(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    check = world.check("submitted")
    monkeypatch.setattr(signals, "_send", lambda *_: None)
    staff_leave(staff_id=check.staff_id, on=clock.today(), actor=world.secretariat)
    monkeypatch.undo()
    with monkeypatch.context() as dying:
        dying.setattr(participation, "withdraw_many", lambda **_: sys.exit("killed"))
        with pytest.raises(SystemExit):
            participation.take_up_leavers()
    assert not MentorPair.objects.active().filter(mentee=check.staff_id).exists()
    assert world.check("submitted").state == State.SUBMITTED

    assert participation.take_up_leavers() == 1

    assert world.check("submitted").state == State.WITHDRAWN


def test_a_check_of_a_leaving_that_nobody_recorded_is_left_to_the_board(world: World) -> None:
    check = world.check("submitted")
    Staff.objects.filter(pk=check.staff_id).update(status=StaffStatus.LEFT, left_on=clock.today())
    MentorPair.objects.active().filter(mentee=check.staff_id).update(ended_at=clock.now())
    assert participation.take_up_leavers() == 0
    assert world.check("submitted").state == State.SUBMITTED


@pytest.mark.parametrize("what", ["return", "extend", "assign", "add"])
def test_people_are_told_in_japanese_whatever_language_the_actor_reads(world: World, what: str) -> None:
    check = world.check("submitted")
    client = Client()
    client.force_login(world.secretariat)
    client.cookies[settings.LANGUAGE_COOKIE_NAME] = "en"
    at = [world.cycle.pk, check.pk]
    day = (clock.today() + timedelta(days=60)).isoformat()
    posts: dict[str, tuple[str, dict[str, Any]]] = {
        "return": (
            reverse("assessment:board_person", args=at),
            {"action": "return", "comment": "もう一度", "version": check.version},
        ),
        "extend": (
            reverse("assessment:board_extend", args=at),
            {"step": "self_check", "closes_on": day, "reason": "出張"},
        ),
        "assign": (
            reverse("assessment:mentor_edit", args=[world.cycle.pk, check.staff_id]),
            {"mentor": world.other_mentor.staff.pk, "not_evaluator": "on"},
        ),
        "add": (
            reverse("assessment:cycle_add_person", args=[world.cycle.pk]),
            {"staff": world.stranger.staff.pk, "group": world.group.pk},
        ),
    }
    answer = client.post(*posts[what])
    assert answer.status_code == 302, answer.content.decode()[:500]

    told = Notification.objects.exclude(recipient=world.secretariat)
    assert told.exists()
    english = [row.subject for row in told if re.search("[A-Za-z]{4}", row.subject)]
    assert not english


def test_the_reason_of_more_time_is_kept_in_japanese(world: World) -> None:
    today = clock.today()
    set_windows(
        world.cycle, opens_on=today - timedelta(days=40), closes_on=today - timedelta(days=2), steps=["self_check"]
    )
    check = world.check("submitted")
    with translation.override("en"):
        transition(assessment_id=check.pk, action="return", actor=world.secretariat, comment="もう一度")
    assert not Extension.objects.get(assessment=check).reason.isascii()
