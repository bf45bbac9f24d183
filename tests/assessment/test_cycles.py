"""A cycle's life: created, opened, people in and out, closed; and its pages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import NoReverseMatch, reverse

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
    SkillRating,
)
from skillmap.assessment.rules import Window
from skillmap.assessment.selectors.cycles import closing_figures, windows_of_cycle
from skillmap.assessment.selectors.participants import participants
from skillmap.assessment.services import cycles, findings, participation
from skillmap.assessment.services.ratings import save_rating
from skillmap.assessment.services.transitions import transition
from skillmap.core import clock, jobs
from skillmap.core.choices import JobState
from skillmap.core.errors import Conflict, NotAllowed, RuleViolation
from skillmap.core.fiscal import fiscal_year_of
from skillmap.core.models import AuditEvent, Job, Notification
from skillmap.people import signals
from skillmap.people.choices import DesignationKind, Employer, Grade, Occupation, OrganisationKind, Role, StaffStatus
from skillmap.people.models import Designation, Staff, User
from tests.factories.assessment import (
    World,
    make_cycle,
    make_framework,
    make_organisation,
    make_people,
    make_staff,
)

pytestmark = pytest.mark.django_db

YEAR = fiscal_year_of(clock.today())


def refused(code: str, call: Callable[[], object]) -> RuleViolation:
    """Run a call that must be refused with a code."""
    with pytest.raises(RuleViolation) as caught:
        call()
    assert caught.value.code == code
    return caught.value


@pytest.fixture
def world() -> World:
    return make_cycle()


@pytest.fixture
def office() -> User:
    return make_staff(make_organisation("事務局"), role=Role.SECRETARIAT)


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


def test_the_first_cycle_gets_the_default_calendar_and_the_built_in_purpose(office: User) -> None:
    cycle = new_cycle(office)

    assert cycle.state == CycleState.DRAFT
    assert windows_of_cycle(cycle) == cycle_rules.default_windows(YEAR)
    assert "人事評価には使いません" in cycle.purpose_text.text
    assert "personnel evaluation" in cycle.purpose_text.text_en


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


def test_a_name_is_taken_once_a_year(office: User) -> None:
    new_cycle(office)

    refused("name_taken", lambda: new_cycle(office))


def test_a_cycle_runs_on_a_published_framework(office: User) -> None:
    draft = make_framework(items=1, publish=False)

    refused(
        "framework_not_published",
        lambda: cycles.cycle_create(
            fiscal_year=YEAR, name="x", framework_id=draft.pk, second_meeting="after", actor=office
        ),
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


def test_a_group_wants_a_condition(office: User) -> None:
    cycle = new_cycle(office)

    refused("group_empty_selection", lambda: add_group(cycle, office, name="x"))
    refused("group_name_taken", lambda: add_group(cycle, office, occupations=["ict"]))


def test_groups_stay_as_they_are_once_the_cycle_runs(world: World) -> None:
    refused("not_a_draft", lambda: add_group(world.cycle, world.secretariat, name="x", occupations=["ict"]))
    refused(
        "not_a_draft",
        lambda: cycles.group_remove(cycle_id=world.cycle.pk, group_id=world.group.pk, actor=world.secretariat),
    )


def test_participants_by_every_condition_and_why_others_are_left_out(office: User) -> None:
    bureau = make_organisation("産業局")
    section = make_organisation("産業課", parent=bureau, kind=OrganisationKind.SECTION)
    elsewhere = make_organisation("他局")
    ict = [user.staff for user in make_people(3, [section])]
    away, gone, lent = ict[0], ict[1], ict[2]
    Staff.objects.filter(pk=away.pk).update(status=StaffStatus.ON_LEAVE)
    Staff.objects.filter(pk=gone.pk).update(status=StaffStatus.LEFT, left_on=clock.today())
    Staff.objects.filter(pk=lent.pk).update(employer=Employer.MUNICIPALITY)
    here = [user.staff for user in make_people(2, [section])]
    there = [user.staff for user in make_people(2, [elsewhere])]
    ambassador = make_staff(elsewhere, occupation=Occupation.CLERICAL).staff
    Designation.objects.create(staff=ambassador, kind=DesignationKind.DX_AMBASSADOR, valid_from=date(2020, 4, 1))
    former = make_staff(elsewhere, occupation=Occupation.CLERICAL).staff
    Designation.objects.create(
        staff=former, kind=DesignationKind.DX_AMBASSADOR, valid_from=date(2020, 4, 1), valid_to=date(2021, 4, 1)
    )
    cycle = new_cycle(office, name="対象")
    cycle.groups.all().delete()
    first = add_group(cycle, office, name="産業局", occupations=["ict"], organisation_ids=[bureau.pk])
    second = add_group(cycle, office, name="アンバサダー", meets=False, items="tool", designations=["dx_ambassador"])
    listed = [gone.number, here[0].number, there[0].number, "99999999"]
    third = add_group(cycle, office, name="名簿", staff_numbers=listed)

    found = participants(cycle)

    people = {preview.group.pk: {person.staff_id for person in preview.people} for preview in found.groups}
    assert people == {
        first.pk: {person.pk for person in here},
        second.pk: {ambassador.pk},
        third.pk: {there[0].pk},
    }
    reasons = {(entry.person.staff_id, entry.group.pk): entry.reason for entry in found.left_out}
    assert reasons == {
        (away.pk, first.pk): "on_leave",
        (lent.pk, first.pk): "no_check",
        (gone.pk, third.pk): "left",
        (here[0].pk, third.pk): "other_group",
    }
    assert found.groups[2].unknown_numbers == ["99999999"]
    assert {person.staff_id for person in found.without_mentor} == {person.pk for person in [*here, there[0]]}


# ---------------------------------------------------------------------------------------------------------- opening


def test_opening_makes_a_check_with_its_items_for_everyone(office: User) -> None:
    bureau = make_organisation("局")
    people = make_people(3, [bureau], grade=Grade.DEPUTY_MANAGER)
    cycle = new_cycle(office)

    opened = participation.cycle_open(cycle_id=cycle.pk, version=cycle.version, without_mentor=True, actor=office)

    assert (opened.state, opened.opened_at is not None) == (CycleState.OPEN, True)
    checks = Assessment.objects.filter(cycle=cycle, staff__in=[user.staff for user in people])
    assert {(check.grade, check.occupation, check.organisation_id, check.state) for check in checks} == {
        (3, "ict", bureau.pk, State.DRAFT)
    }
    ratings = SkillRating.objects.filter(assessment__cycle=cycle)
    assert ratings.count() == 3 * Assessment.objects.filter(cycle=cycle).count()
    assert set(ratings.values_list("self_level", "wish", "note", "version")) == {(None, False, "", 1)}
    assert set(ratings.values_list("skill__kind", flat=True)) == {"digital"}
    assert AuditEvent.objects.filter(verb="cycle.open").count() == 1


@pytest.mark.parametrize(
    ("items", "kinds"), [("digital", {"digital"}), ("tool", {"tool"}), ("both", {"digital", "tool"})]
)
def test_a_group_answers_its_kind_of_items(office: User, items: str, kinds: set[str]) -> None:
    make_people(1, [make_organisation("局")])
    cycle = new_cycle(office)
    cycle.groups.all().delete()
    add_group(cycle, office, items=items, occupations=["ict"])
    cycle.refresh_from_db()

    participation.cycle_open(cycle_id=cycle.pk, version=cycle.version, without_mentor=True, actor=office)

    assert set(SkillRating.objects.values_list("skill__kind", flat=True)) == kinds


def test_whoever_has_no_mentor_is_named_before_opening(office: User) -> None:
    (person,) = make_people(1, [make_organisation("局")], names=["山田 太郎"])
    Staff.objects.exclude(pk=person.staff.pk).update(occupation=Occupation.CLERICAL)
    cycle = new_cycle(office)

    refusal = refused(
        "mentors_missing",
        lambda: participation.cycle_open(cycle_id=cycle.pk, version=cycle.version, without_mentor=False, actor=office),
    )

    assert refusal.details == {"count": 1, "names": [f"山田 太郎 ({person.staff.number})"]}
    assert not Assessment.objects.exists()


def test_what_keeps_a_cycle_from_opening(office: User) -> None:
    make_people(1, [make_organisation("局")])
    cycle = new_cycle(office)

    def opening() -> object:
        cycle.refresh_from_db()
        return participation.cycle_open(cycle_id=cycle.pk, version=cycle.version, without_mentor=True, actor=office)

    cycle.groups.all().delete()
    refused("no_groups", opening)
    add_group(cycle, office, occupations=["other"])
    refused("nobody_takes_part", opening)
    cycle.windows.filter(step="correction").delete()
    assert refused("windows", opening).details["problems"] == {"correction": "missing"}
    with pytest.raises(Conflict):
        participation.cycle_open(cycle_id=cycle.pk, version=99, without_mentor=True, actor=office)
    Cycle.objects.filter(pk=cycle.pk).update(state=CycleState.OPEN, opened_at=clock.now())
    refused("not_a_draft", opening)


def test_opening_takes_as_many_statements_for_many_as_for_few(office: User) -> None:
    bureau = make_organisation("局")
    make_people(5, [bureau])
    few, many = new_cycle(office, name="少"), new_cycle(office, name="多")

    def count(cycle: Cycle) -> int:
        with CaptureQueriesContext(
            connection,
        ) as captured:
            participation.cycle_open(cycle_id=cycle.pk, version=cycle.version, without_mentor=True, actor=office)
        return len(captured)

    small = count(few)
    make_people(400, [bureau])

    assert count(many) == small
    assert many.assessments.count() >= 400


def test_a_large_cycle_is_opened_by_the_worker(office: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(participation, "OPEN_AT_ONCE", 2)
    make_people(3, [make_organisation("局")])
    cycle = new_cycle(office)
    job = participation.opening_start(cycle_id=cycle.pk, version=cycle.version, without_mentor=True, actor=office)
    assert job is not None
    assert not Assessment.objects.exists()

    jobs.run(job.pk)
    Job.objects.filter(pk=job.pk).update(state=JobState.QUEUED, finished_at=None)
    jobs.run(job.pk)

    job.refresh_from_db()
    assert job.state == JobState.DONE
    assert job.result == {"people": Assessment.objects.count(), "url": page("board", cycle.pk)}


def test_a_job_asked_for_by_somebody_who_lost_the_role_is_refused(
    office: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(participation, "OPEN_AT_ONCE", 0)
    make_people(1, [make_organisation("局")])
    cycle = new_cycle(office)
    job = participation.opening_start(cycle_id=cycle.pk, version=cycle.version, without_mentor=True, actor=office)
    assert job is not None
    office.role_grants.update(revoked_at=clock.now())

    jobs.run(job.pk)

    job.refresh_from_db()
    assert (job.state, job.result["code"]) == (JobState.FAILED, "not_allowed")
    assert not Assessment.objects.exists()


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


@pytest.fixture
def client(office: User) -> Client:
    """A browser of the secretariat."""
    browser = Client()
    browser.force_login(office)
    return browser


def page(name: str, *args: object) -> str:
    """The address of a page."""
    return reverse(f"assessment:{name}", args=args)


def test_a_cycle_is_prepared_and_opened_on_the_pages(client: Client, office: User) -> None:
    bureau = make_organisation("産業局")
    people = make_people(3, [bureau])
    helper = make_people(1, [make_organisation("他局")], grade=Grade.SECTION_MANAGER)[0]
    framework = make_framework(items=2)

    made = client.post(
        page("cycle_create"),
        {"fiscal_year": YEAR, "name": "試行", "framework": framework.pk, "second_meeting": "after", "copy_last": "on"},
    )
    cycle = Cycle.objects.get(name="試行")
    assert made["Location"] == page("cycle_detail", cycle.pk)
    group = {
        "name": "産業局のICT職",
        "items": "digital",
        "with_one_on_one": "on",
        "occupations": ["ict"],
        "organisation_ids": [bureau.pk],
        "sort_order": "1",
    }
    assert client.post(page("cycle_group_create", cycle.pk), group).status_code == 302
    shown = client.get(page("cycle_participants", cycle.pk))
    assert {person.staff_id for person in shown.context["page_obj"]} == {user.staff.pk for user in people}
    assert (
        client.post(page("cycle_open", cycle.pk), {"version": Cycle.objects.get(pk=cycle.pk).version}).status_code
        == 422
    )
    client.post(page("mentor_edit", cycle.pk, people[0].staff.pk), {"mentor": helper.staff.pk, "not_evaluator": "on"})
    version = Cycle.objects.get(pk=cycle.pk).version
    refused_page = client.post(page("cycle_open", cycle.pk), {"version": version})
    assert people[1].name in refused_page.content.decode()
    assert people[0].name not in refused_page.content.decode()
    opened = client.post(page("cycle_open", cycle.pk), {"version": version, "without_mentor": "on"})
    assert opened["Location"] == page("board", cycle.pk)
    assert Assessment.objects.filter(cycle=cycle).count() == 3
    assert Assessment.objects.visible_to(helper).count() == 1


def test_settings_dates_groups_and_purpose_are_changed_on_the_pages(client: Client, office: User) -> None:
    cycle = new_cycle(office)
    group = cycle.groups.get()

    def stored() -> Cycle:
        return Cycle.objects.select_related("purpose_text").get(pk=cycle.pk)

    settings = {"version": stored().version, "framework": cycle.framework_id, "second_meeting": "before"}
    assert client.post(page("cycle_edit", cycle.pk), {**settings, "name": "改名"}).status_code == 302
    assert client.post(page("cycle_edit", cycle.pk), {**settings, "name": "遅れた"}).status_code == 422
    assert (stored().name, stored().second_meeting) == ("改名", SecondMeeting.BEFORE)
    dates = {"version": str(stored().version)}
    for step, window in cycle_rules.default_windows(YEAR, second_before=True).items():
        dates |= {f"{step}_opens_on": window.opens_on.isoformat(), f"{step}_closes_on": window.closes_on.isoformat()}
    wrong = client.post(page("cycle_windows", cycle.pk), dates | {"correction_opens_on": f"{YEAR}-04-01"})
    assert wrong.status_code == 422
    assert "correction_opens_on" in wrong.context["form"].errors
    assert "自己補正 開始日" in wrong.content.decode(), "the list of errors names the step"
    assert not wrong.context["form"].non_field_errors(), "and says each thing once"
    assert client.post(page("cycle_windows", cycle.pk), dates).status_code == 302
    assert windows_of_cycle(cycle) == cycle_rules.default_windows(YEAR, second_before=True)
    numbers = {"name": "名簿", "items": "tool", "sort_order": "2", "staff_numbers": "00000001、00000002\n00000001"}
    assert client.post(page("cycle_group", cycle.pk, group.pk), numbers).status_code == 302
    group.refresh_from_db()
    assert (group.selection, group.with_one_on_one) == ({"staff_numbers": ["00000001", "00000002"]}, False)
    for bad in ({"staff_numbers": "<b>"}, {"staff_numbers": ""}):
        assert client.post(page("cycle_group", cycle.pk, group.pk), numbers | bad).status_code == 422
    purpose = {"version": stored().version, "text": "新しい目的", "text_en": ""}
    assert client.post(page("cycle_purpose", cycle.pk), purpose).status_code == 302
    assert client.post(page("cycle_purpose", cycle.pk), purpose | {"text": "遅れた"}).status_code == 422
    assert stored().purpose_text.text == "新しい目的"
    assert client.post(page("cycle_group_remove", cycle.pk, group.pk)).status_code == 302
    assert not cycle.groups.exists()


def test_a_group_of_another_cycle_is_not_found(client: Client, office: User) -> None:
    one, other = new_cycle(office), new_cycle(office, name="別")

    for address in (
        page("cycle_group", one.pk, other.groups.get().pk),
        page("cycle_group_remove", one.pk, other.groups.get().pk),
    ):
        assert client.post(address, {}).status_code == 404
    assert other.groups.count() == 1


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
