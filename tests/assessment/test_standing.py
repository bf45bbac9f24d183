"""Whose turn it is and how many stand where is stored: it is right after every kind of step, and for whoever looks."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db.models import Count, F, Sum

from skillmap.assessment import cycle_rules
from skillmap.assessment.choices import Action, MeetingKind, SecondMeeting, State
from skillmap.assessment.models import Assessment, CheckCount, MentorPair, OneOnOne
from skillmap.assessment.rules import Window
from skillmap.assessment.selectors.cycles import windows_of_cycle
from skillmap.assessment.selectors.situations import windows_of
from skillmap.assessment.selectors.turns import unsettled, with_turn
from skillmap.assessment.services import cycles, meetings, mentors, participation, standing
from skillmap.assessment.services.standing import KEYS
from skillmap.assessment.services.transitions import confirm_many, transition
from skillmap.core import clock
from tests.factories.assessment import World, make_cycle
from tests.support.ground import on_ground

pytestmark = pytest.mark.django_db

laid, world = on_ground(make_cycle)
EVERY_CODE = ("unfinished", "unconfirmed", "unreceived", "objections", "findings", "measures")


def counted() -> dict[tuple[object, ...], int]:
    """The kept counts, by kind."""
    rows = CheckCount.objects.values_list(*KEYS).annotate(n=Sum("people")).exclude(n=0).order_by()
    return {tuple(kind): n for *kind, n in rows}


def real() -> dict[tuple[object, ...], int]:
    """The checks counted anew."""
    rows = Assessment.objects.values_list(*KEYS).annotate(n=Count("*")).order_by()
    return {tuple(kind): n for *kind, n in rows}


def assert_right() -> None:
    """What is stored is so, by the query and by the plain rules, and the kept counts are those of the rows."""
    assert not unsettled(Assessment.objects.all()).exists()
    for check in with_turn(Assessment.objects.all()).select_related("group", "cycle"):
        due = cycle_rules.due(
            check.state,
            with_one_on_one=check.group.with_one_on_one,
            second_before=check.cycle.second_meeting == SecondMeeting.BEFORE,
            second_held=check.second_held,
        )
        window = windows_of(check).get(due.step) if due is not None else None
        assert (check.due_step, check.due_who) == ((due.step, due.who) if due is not None else ("", ""))
        assert check.due_on == (window.closes_on if window is not None else None)
        needs = check.group.with_one_on_one and check.state in ("draft", "submitted", "reviewed", "corrected")
        pairs = MentorPair.objects.active().filter(cycle=check.cycle_id, mentee=check.staff_id, is_deputy=False)
        assert check.lacks_mentor == (needs and not pairs.exists())
    assert counted() == real()


# ---------------------------------------------------------------------------------------------------- after a step


@pytest.mark.parametrize("second", list(SecondMeeting))
def test_of_people_at_every_stage_it_is_right(second: SecondMeeting) -> None:
    make_cycle(items=2, last_levels=False, second_meeting=second)

    assert_right()


@pytest.mark.parametrize(
    ("stage", "action", "who"),
    [
        ("started", Action.WITHDRAW, "secretariat"),
        ("submitted", Action.TAKE_BACK, "self"),
        ("submitted", Action.RETURN, "secretariat"),
        ("met", Action.REVIEW, "mentor"),
        ("reviewed", Action.CORRECT, "self"),
        ("reviewed", Action.RETURN, "mentor"),
        ("corrected", Action.RETURN, "secretariat"),
        ("corrected", Action.CONFIRM, "secretariat"),
        ("plain_submitted", Action.CONFIRM, "secretariat"),
        ("confirmed", Action.REOPEN, "secretariat"),
        ("met_again", Action.RECEIVE, "self"),
        ("plain_confirmed", Action.RECEIVE, "self"),
        ("received", Action.REOPEN, "secretariat"),
    ],
)
def test_after_a_step(world: World, stage: str, action: Action, who: str) -> None:
    check = world.check(stage)
    actor = world.user(stage) if who == "self" else world.roles()[who]

    moved = transition(
        assessment_id=check.pk, action=action, actor=actor, comment="理由", expected_version=check.version
    )

    assert moved.state != check.state
    assert_right()


def test_after_a_step_that_gives_time_the_day_is_the_new_one(world: World) -> None:
    today, late = clock.today(), {step: Window(w.opens_on, clock.today()) for step, w in _windows(world).items()}
    cycles.windows_change(cycle_id=world.cycle.pk, version=1, windows=late, actor=world.secretariat)
    check = world.check("submitted")
    assert check.due_on == today

    transition(assessment_id=check.pk, action=Action.RETURN, actor=world.secretariat, comment="理由")

    assert world.check("submitted").due_on == today + timedelta(days=7)
    assert_right()


def _windows(world: World) -> dict[str, Window]:
    return windows_of_cycle(world.cycle)


@pytest.mark.parametrize("second", list(SecondMeeting))
def test_after_the_second_meeting(second: SecondMeeting) -> None:
    world = make_cycle(items=2, last_levels=False, second_meeting=second)
    stage = "corrected" if second == SecondMeeting.BEFORE else "confirmed"
    assert world.check(stage).due_who == "mentor"

    meetings.record_meeting(
        assessment_id=world.check(stage).pk,
        kind=MeetingKind.SECOND,
        held_on=clock.today(),
        way="online",
        actor=world.mentor,
    )

    assert world.check(stage).due_who == ("secretariat" if second == SecondMeeting.BEFORE else "self")
    assert_right()


def _extend(world: World) -> None:
    participation.extend(
        assessment_id=world.check("started").pk,
        step="self_check",
        closes_on=clock.today() + timedelta(days=50),
        reason="出張",
        actor=world.secretariat,
    )


def _confirm_all(world: World) -> None:
    chosen = [(check.pk, check.version) for check in (world.check("corrected"), world.check("plain_submitted"))]
    assert len(confirm_many(chosen=chosen, actor=world.secretariat).confirmed) == 2


def _withdraw_some(world: World) -> None:
    ids = [world.check("started").pk, world.check("submitted").pk]
    participation.withdraw_many(assessment_ids=ids, reason="退職", actor=world.secretariat)


def _join(world: World) -> None:
    participation.person_add(
        cycle_id=world.cycle.pk, staff_id=world.stranger.staff.pk, group_id=world.group.pk, actor=world.secretariat
    )
    assert Assessment.objects.get(staff=world.stranger.staff).lacks_mentor


def _mentor_leaves(world: World) -> None:
    participation.people_left(staff_ids=[world.mentor.staff.pk], on=clock.today())
    assert world.check("started").lacks_mentor


def _mentee_leaves(world: World) -> None:
    participation.people_left(staff_ids=[world.staff("started").pk], on=clock.today())


def _hand_over(world: World) -> None:
    wanted = [mentors.Wanted(world.staff("started").pk, world.other_mentor.staff.pk)]
    mentors.assign(cycle_id=world.cycle.pk, wanted=wanted, not_evaluator=True, actor=world.secretariat)


def _pair_ends(world: World) -> None:
    pair = MentorPair.objects.active().get(cycle=world.cycle, mentee=world.staff("started"), is_deputy=False)
    mentors.pair_end(pair_id=pair.pk, reason="", actor=world.secretariat)
    assert world.check("started").lacks_mentor
    _hand_over(world)
    assert not world.check("started").lacks_mentor


def _close(world: World) -> None:
    cycles.cycle_close(cycle_id=world.cycle.pk, accepted=EVERY_CODE, actor=world.secretariat)


def _open_another(world: World) -> None:
    cycle = cycles.cycle_create(
        fiscal_year=world.cycle.fiscal_year + 1,
        name="次",
        framework_id=world.framework.pk,
        second_meeting=SecondMeeting.BEFORE,
        actor=world.secretariat,
    )
    participation.cycle_open(cycle_id=cycle.pk, version=cycle.version, without_mentor=True, actor=world.secretariat)
    assert cycle.assessments.count() > 10


def _remove(world: World) -> None:
    for related in ("ratings", "meetings"):
        getattr(world.check("untouched"), related).all().delete()
    world.check("untouched").delete()


def _write_plainly(world: World) -> None:
    """What has nothing to do with where checks stand leaves no line."""
    lines = CheckCount.objects.count()
    Assessment.objects.update(version=F("version") + 1)
    assert CheckCount.objects.count() == lines


@pytest.mark.parametrize(
    "change",
    [
        _extend,
        _confirm_all,
        _withdraw_some,
        _join,
        _mentor_leaves,
        _mentee_leaves,
        _hand_over,
        _pair_ends,
        _close,
        _open_another,
        _remove,
        _write_plainly,
    ],
)
def test_after_whatever_else_changes_it(world: World, change: Callable[[World], None]) -> None:
    change(world)

    assert_right()


def test_people_stand_in_the_order_of_the_organisations_at_the_opening(world: World) -> None:
    _open_another(world)

    rows = Assessment.objects.exclude(cycle=world.cycle).order_by("pk").select_related("organisation", "staff")
    places = [(row.organisation.path, row.staff.kana) for row in rows]
    assert places == sorted(places)


# ------------------------------------------------------------------------------------------------ lines and repair


def test_lines_are_added_up_and_say_the_same(world: World) -> None:
    _withdraw_some(world)
    _close(world)
    before, lines = counted(), CheckCount.objects.count()

    fewer = standing.fold()

    assert fewer > 0
    assert CheckCount.objects.count() == lines - fewer == len(before)
    assert counted() == before == real()
    assert standing.fold() == 0


def test_what_was_written_past_the_services_is_put_right(world: World) -> None:
    check = world.check("confirmed")
    OneOnOne.objects.filter(assessment=check, kind=MeetingKind.SECOND).delete()
    Assessment.objects.filter(pk=world.check("started").pk).update(state=State.WITHDRAWN)
    CheckCount.objects.filter(state=State.SUBMITTED).delete()
    assert counted() != real()

    assert standing.recount() == 1

    assert_right()
    assert standing.recount() == 0


def test_the_command_says_what_it_mended(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    Assessment.objects.filter(pk=world.check("started").pk).update(due_on=None)

    call_command("recount_checks")
    first = capsys.readouterr().out
    call_command("recount_checks")

    assert first.startswith("1 ")
    assert capsys.readouterr().out.startswith("0 ")
    assert_right()
