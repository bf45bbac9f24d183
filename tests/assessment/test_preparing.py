"""Preparing a cycle from nothing, and opening it."""

from __future__ import annotations

from datetime import date

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from skillmap.assessment import cycle_rules
from skillmap.assessment.choices import CycleState, SecondMeeting, State
from skillmap.assessment.models import (
    Assessment,
    Cycle,
    SkillRating,
)
from skillmap.assessment.selectors.cycles import windows_of_cycle
from skillmap.assessment.selectors.participants import participants
from skillmap.assessment.services import cycles, participation
from skillmap.core import clock, jobs
from skillmap.core.choices import JobState
from skillmap.core.errors import Conflict
from skillmap.core.models import AuditEvent, Job
from skillmap.people.choices import DesignationKind, Employer, Grade, Occupation, OrganisationKind, Role, StaffStatus
from skillmap.people.models import Designation, Staff, User
from tests.assessment.test_cycles import YEAR, add_group, new_cycle, page, refused
from tests.factories.assessment import (
    make_framework,
    make_organisation,
    make_people,
    make_staff,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def office() -> User:
    return make_staff(make_organisation("事務局"), role=Role.SECRETARIAT)


# --------------------------------------------------------------------------------------------------------- creating


def test_the_first_cycle_gets_the_default_calendar_and_the_built_in_purpose(office: User) -> None:
    cycle = new_cycle(office)

    assert cycle.state == CycleState.DRAFT
    assert windows_of_cycle(cycle) == cycle_rules.default_windows(YEAR)
    assert "人事評価には使いません" in cycle.purpose_text.text
    assert "personnel evaluation" in cycle.purpose_text.text_en


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


# ----------------------------------------------------------------------------------------------------------- groups


def test_a_group_wants_a_condition(office: User) -> None:
    cycle = new_cycle(office)

    refused("group_empty_selection", lambda: add_group(cycle, office, name="x"))
    refused("group_name_taken", lambda: add_group(cycle, office, occupations=["ict"]))


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


# ------------------------------------------------------------------------------------------------------------ pages


@pytest.fixture
def client(office: User) -> Client:
    """A browser of the secretariat."""
    browser = Client()
    browser.force_login(office)
    return browser


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
