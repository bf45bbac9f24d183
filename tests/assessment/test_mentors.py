"""Mentors assigned, handed over, ended, proposed and brought in; and their pages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from skillmap.assessment import mentor_rules
from skillmap.assessment.choices import CycleState, State
from skillmap.assessment.models import Assessment, ConfirmedLevel, Cycle, MentorPair, PrivateMemo
from skillmap.assessment.selectors.mentoring import (
    MOST_OFFERED,
    eligible_mentors,
    last_mentors,
    mentee_rows,
    mentors_offered,
    proposals,
)
from skillmap.assessment.services import mentors
from skillmap.assessment.services.mentors import Wanted
from skillmap.core import clock, imports, jobs
from skillmap.core.choices import ImportState, JobState
from skillmap.core.errors import NotAllowed, RuleViolation
from skillmap.core.models import AuditEvent, Job, Notification
from skillmap.people.choices import Employer, Grade, Occupation, StaffStatus
from skillmap.people.models import Staff, User
from tests.factories.assessment import World, make_cycle, make_staff
from tests.factories.people import OrganisationFactory, StaffFactory
from tests.support.due_jobs import run_due
from tests.support.ground import on_ground

pytestmark = pytest.mark.django_db


laid, world = on_ground(lambda: make_cycle(items=3))


def assign(world: World, mentee: Staff, mentor: User, **more: Any) -> int:
    """One pair by the secretariat, declared."""
    deputy = more.pop("is_deputy", False)
    wanted = [Wanted(mentee.pk, mentor.staff.pk, is_deputy=deputy)]
    return mentors.assign(
        **{"cycle_id": world.cycle.pk, "wanted": wanted, "not_evaluator": True, "actor": world.secretariat, **more}
    )


def refused(code: str, call: Callable[[], object]) -> RuleViolation:
    """Run a call that must be refused with a code."""
    with pytest.raises(RuleViolation) as caught:
        call()
    assert caught.value.code == code
    return caught.value


def signed_in(user: User) -> Client:
    """A browser in which this person is signed in."""
    client = Client()
    client.force_login(user)
    return client


# -------------------------------------------------------------------------------------------------------- assigning


def test_a_hand_over_ends_one_pair_begins_another_and_takes_the_sight_at_once(world: World) -> None:
    mentee, old, new = world.staff("submitted"), world.mentor, world.other_mentor
    PrivateMemo.objects.create(assessment=world.check("submitted"), author=old, text="覚え書き")
    assert Assessment.objects.visible_to(old).filter(staff=mentee).exists()
    assert ConfirmedLevel.objects.visible_to(old).filter(staff=mentee).exists()

    assert assign(world, mentee, new, reason="異動のため") == 1

    assert not Assessment.objects.visible_to(User.objects.get(pk=old.pk)).filter(staff=mentee).exists()
    assert not ConfirmedLevel.objects.visible_to(User.objects.get(pk=old.pk)).filter(staff=mentee).exists()
    assert Assessment.objects.visible_to(User.objects.get(pk=new.pk)).filter(staff=mentee).exists()
    assert PrivateMemo.objects.visible_to(old).count() == 1
    assert not PrivateMemo.objects.visible_to(new).exists()
    ended = MentorPair.objects.get(cycle=world.cycle, mentee=mentee, mentor=old.staff)
    fresh = MentorPair.objects.active().get(cycle=world.cycle, mentee=mentee, is_deputy=False)
    assert (ended.ended_at, ended.reason) == (fresh.started_at, "異動のため")
    assert (fresh.mentor, fresh.assigned_by, fresh.not_evaluator_declared) == (new.staff, world.secretariat, True)
    assert {row.kind.split(".")[1] for row in Notification.objects.all()} == {"mentee", "mentor", "ended"}
    assert AuditEvent.objects.get(verb="pair.assign").subject_key == f"staff:{mentee.pk}"


def test_the_same_mentor_again_changes_nothing(world: World) -> None:
    before = MentorPair.objects.count()

    assert assign(world, world.staff("submitted"), world.mentor) == 0
    assert MentorPair.objects.count() == before


def test_a_deputy_stands_beside_the_mentor(world: World) -> None:
    mentee = world.staff("submitted")

    assign(world, mentee, world.other_mentor, is_deputy=True)

    active = MentorPair.objects.active().filter(cycle=world.cycle, mentee=mentee)
    assert {(pair.mentor_id, pair.is_deputy) for pair in active} == {
        (world.mentor.staff.pk, False),
        (world.other_mentor.staff.pk, True),
    }


@pytest.mark.parametrize("role", ["supporter", "coordinator", "mentor", "executive", "stranger"])
def test_only_the_secretariat_assigns(world: World, role: str) -> None:
    actor = world.roles()[role]

    with pytest.raises(NotAllowed):
        assign(world, world.staff("submitted"), world.other_mentor, actor=actor)
    with pytest.raises(NotAllowed):
        mentors.pair_end(pair_id=1, reason="", actor=actor)
    with pytest.raises(NotAllowed):
        mentors.proposals_start(cycle=world.cycle, capacity=None, actor=actor)


def test_who_cannot_become_a_mentor(world: World) -> None:
    mentee = world.staff("submitted")
    low = make_staff(world.section, grade=Grade.SENIOR)
    clerk = make_staff(world.section, grade=Grade.DIRECTOR, occupation=Occupation.CLERICAL)
    away = make_staff(world.section, grade=Grade.SECTION_MANAGER)
    Staff.objects.filter(pk=away.staff.pk).update(status=StaffStatus.ON_LEAVE)

    refused("mentor_not_eligible", lambda: assign(world, mentee, low))
    refused("mentor_not_eligible", lambda: assign(world, mentee, clerk))
    refused("mentor_away", lambda: assign(world, mentee, away))
    refused("mentor_evaluates", lambda: assign(world, mentee, world.other_mentor, not_evaluator=False))
    refused("mentee_not_in_cycle", lambda: assign(world, world.stranger.staff, world.other_mentor))
    refused("mentee_not_in_cycle", lambda: assign(world, world.staff("plain_started"), world.other_mentor))
    refused("mentee_not_in_cycle", lambda: assign(world, world.staff("withdrawn"), world.other_mentor))
    refused("deputy_is_mentor", lambda: assign(world, mentee, world.mentor, is_deputy=True))
    refused("nothing_chosen", lambda: assign(world, mentee, world.mentor, wanted=[]))
    Cycle.objects.filter(pk=world.cycle.pk).update(state=CycleState.CLOSED)
    refused("not_open", lambda: assign(world, mentee, world.other_mentor))


def test_nobody_is_the_own_mentor_and_no_pair_goes_both_ways(world: World) -> None:
    one, two = world.user("submitted"), world.user("reviewed")
    Staff.objects.filter(pk__in=[one.staff.pk, two.staff.pk]).update(grade=Grade.DEPUTY_MANAGER)

    refused("mentor_oneself", lambda: assign(world, one.staff, one))
    assign(world, one.staff, two)
    refused("mentor_both_ways", lambda: assign(world, two.staff, one))
    refused("mentor_both_ways", lambda: assign(world, two.staff, one, is_deputy=True))
    both = [Wanted(one.staff.pk, two.staff.pk), Wanted(two.staff.pk, one.staff.pk)]
    refused("pairs_refused", lambda: assign(world, one.staff, two, wanted=both))


def test_one_bad_pair_keeps_the_whole_list_out(world: World) -> None:
    before = MentorPair.objects.count()
    wanted = [
        Wanted(world.staff("submitted").pk, world.other_mentor.staff.pk),
        Wanted(world.staff("reviewed").pk, world.stranger.staff.pk),
    ]

    refusal = refused(
        "mentor_not_eligible", lambda: assign(world, world.staff("reviewed"), world.mentor, wanted=wanted)
    )

    assert [row["mentee"] for row in refusal.details["refused"]] == [wanted[1].mentee_id]
    assert MentorPair.objects.count() == before


def test_a_pair_ends_once(world: World) -> None:
    pair = MentorPair.objects.active().get(cycle=world.cycle, mentee=world.staff("submitted"), is_deputy=True)

    mentors.pair_end(pair_id=pair.pk, reason="不要", actor=world.secretariat)

    assert not Assessment.objects.visible_to(world.deputy).filter(staff=pair.mentee).exists()
    refused("no_such_pair", lambda: mentors.pair_end(pair_id=pair.pk, reason="", actor=world.secretariat))


# -------------------------------------------------------------------------------------------------------- proposing


def test_the_query_finds_whom_the_rule_allows(world: World) -> None:
    for occupation in Occupation.values:
        for grade in Grade.values:
            make_staff(world.section, grade=Grade(grade), occupation=Occupation(occupation))
    for employer in Employer.values:
        outsider = make_staff(world.section, grade=Grade.DEPUTY_MANAGER, occupation=Occupation.EXPERT)
        Staff.objects.filter(pk=outsider.pk).update(employer=employer)

    found = set(eligible_mentors().values_list("pk", flat=True))

    allowed = {
        row.pk
        for row in Staff.objects.all()
        if mentor_rules.may_mentor(occupation=row.occupation, grade=row.grade, employer=row.employer)
    }
    assert found == allowed


def test_people_without_a_mentor_get_last_times(world: World) -> None:
    mentee = world.staff("started")
    last = make_cycle(people=1, items=1, last_levels=False)
    now = clock.now()
    Cycle.objects.filter(pk=last.cycle.pk).update(
        state=CycleState.CLOSED, fiscal_year=world.cycle.fiscal_year - 1, closed_at=now
    )
    MentorPair.objects.create(
        cycle=last.cycle,
        mentee=mentee,
        mentor=world.other_mentor.staff,
        not_evaluator_declared=True,
        started_at=now,
        ended_at=now,
        reason="cycle_closed",
    )
    MentorPair.objects.active().filter(cycle=world.cycle, mentee=mentee).update(ended_at=clock.now())

    found, capacity = proposals(world.cycle)

    assert last_mentors([mentee.pk], besides=world.cycle) == {mentee.pk: world.other_mentor.staff.pk}
    (proposal,) = found
    assert (proposal.mentee, proposal.mentor) == (mentee.pk, world.other_mentor.staff.pk)
    assert proposal.reasons[0] == "last_year"
    assert capacity >= 1


def test_somebody_whose_mentor_is_away_needs_another(world: World) -> None:
    Staff.objects.filter(pk=world.mentor.staff.pk).update(status=StaffStatus.ON_LEAVE)

    found, _capacity = proposals(world.cycle)

    assert len(found) == 9  # all with 1on1 but the withdrawn one
    assert world.mentor.staff.pk not in {proposal.mentor for proposal in found}


def test_proposals_are_worked_out_by_the_worker_and_accepted_on_the_page(world: World) -> None:
    MentorPair.objects.active().filter(cycle=world.cycle, mentee=world.staff("started")).update(ended_at=clock.now())
    client = signed_in(world.secretariat)
    client.post(reverse("assessment:mentors_propose", args=[world.cycle.pk]), {"capacity": "30"})
    client.post(reverse("assessment:mentors_propose", args=[world.cycle.pk]), {"capacity": "30"})
    (job,) = Job.objects.filter(kind="assessment.propose_mentors")

    jobs.run(job.pk)

    job.refresh_from_db()
    assert (job.state, job.result["capacity"]) == (JobState.DONE, 30)
    page = client.get(reverse("assessment:mentors", args=[world.cycle.pk]), {"show": "missing"})
    (line,) = page.context["lines"]
    assert line["mentor"].pk == line["proposal"].mentor
    assert line["reasons"]
    chosen = f"{line['staff'].pk}:{line['mentor'].pk}"
    accept = reverse("assessment:mentors_accept", args=[world.cycle.pk])
    client.post(accept, {"chosen": [chosen]})
    assert not MentorPair.objects.active().filter(mentee=world.staff("started"), is_deputy=False).exists()
    client.post(accept, {"chosen": [chosen, "x:1"], "not_evaluator": "1"})
    assert MentorPair.objects.active().get(mentee=world.staff("started"), is_deputy=False).mentor == line["mentor"]


@pytest.mark.parametrize("capacity", ["0", "51", "x"])
def test_a_capacity_beyond_reason_is_refused(world: World, capacity: str) -> None:
    signed_in(world.secretariat).post(
        reverse("assessment:mentors_propose", args=[world.cycle.pk]), {"capacity": capacity}
    )

    assert Job.objects.exists() == (capacity == "x")  # what is no number counts as not given


def test_a_draft_has_mentees_by_its_groups(world: World) -> None:
    Cycle.objects.filter(pk=world.cycle.pk).update(state=CycleState.DRAFT)
    world.cycle.refresh_from_db()

    found = set(mentee_rows(world.cycle).values_list("pk", flat=True))

    expected = Staff.objects.filter(occupation=Occupation.ICT, status=StaffStatus.ACTIVE)
    assert found == set(expected.values_list("pk", flat=True))


def test_the_load_counts_mentees_and_not_deputies(world: World) -> None:
    loads = {row.staff_id: row.load for row in mentors_offered(world.cycle, world.staff("submitted")).mentors}

    assert loads[world.mentor.staff.pk] == 10
    assert loads[world.deputy.staff.pk] == 0


# ------------------------------------------------------------------------------------------------------------ pages


def test_the_nearest_mentors_are_offered_and_the_rest_found_by_name(world: World) -> None:
    mentee = world.staff("submitted")
    near = StaffFactory.create_batch(MOST_OFFERED, organisation=mentee.organisation, occupation="expert", name="近 一")
    far = StaffFactory.create(organisation=OrganisationFactory.create(), occupation="expert", name="遠 花子")
    mentee = Staff.objects.select_related("organisation").get(pk=mentee.pk)

    offer = mentors_offered(world.cycle, mentee)
    assert (len(offer.mentors), offer.is_cut) == (MOST_OFFERED, True)
    assert {row.staff_id for row in offer.mentors} <= {row.pk for row in near} | {world.mentor.staff.pk, mentee.pk}

    found = mentors_offered(world.cycle, mentee, words="遠　花")
    assert ([row.staff_id for row in found.mentors], found.is_cut) == ([far.pk], False)
    chosen = mentors_offered(world.cycle, mentee, words="近", chosen=far.pk)
    assert (chosen.mentors[0].staff_id, len(chosen.mentors)) == (far.pk, MOST_OFFERED)
    stranger = mentors_offered(world.cycle, mentee, chosen=world.stranger.staff.pk)
    assert world.stranger.staff.pk not in {row.staff_id for row in stranger.mentors}


def test_looking_for_a_mentor_keeps_what_was_typed_and_assigns_nobody(world: World) -> None:
    url = reverse("assessment:mentor_edit", args=[world.cycle.pk, world.staff("submitted").pk])
    client = signed_in(world.secretariat)
    before = MentorPair.objects.count()
    sent = {"find": "1", "words": world.other_mentor.staff.number, "reason": "異動", "is_deputy": "on"}

    page = client.post(url, sent)
    form = page.context["form"]
    assert (page.status_code, form.errors, MentorPair.objects.count()) == (200, {}, before)
    offered = [value for value, _label in form.fields["mentor"].choices]
    assert offered == ["", world.other_mentor.staff.pk]
    assert (form["mentor"].value(), form["reason"].value(), form["is_deputy"].value()) == (
        str(offered[1]),
        "異動",
        "on",
    )

    nobody = client.post(url, {"find": "1", "words": "どこにもいない"})
    assert "この氏名" in nobody.content.decode()
    wrong = client.post(url, {"find": "1", "words": "a\x00b"})
    assert (wrong.status_code, list(wrong.context["find"].errors)) == (422, ["words"])


def test_one_persons_mentor_is_changed_on_the_page(world: World) -> None:
    url = reverse("assessment:mentor_edit", args=[world.cycle.pk, world.staff("submitted").pk])
    client = signed_in(world.secretariat)
    sent = {"mentor": world.other_mentor.staff.pk, "reason": "異動"}

    undeclared = client.post(url, sent)
    strange = client.post(url, {**sent, "mentor": world.stranger.staff.pk, "not_evaluator": "on"})
    assert (undeclared.status_code, strange.status_code) == (422, 422)
    assert "not_evaluator" in undeclared.context["form"].errors

    assert client.post(url, {**sent, "not_evaluator": "on"}).status_code == 302
    page = client.get(url)
    assert [row["pair"].mentor_id for row in page.context["pairs"]][:1] == [world.other_mentor.staff.pk]
    pair = page.context["pairs"][0]["pair"]
    assert 'name="reason" maxlength="200"' in page.content.decode()
    client.post(reverse("assessment:mentor_end", args=[world.cycle.pk, pair.pk]), {"reason": "担当替え"})
    pair.refresh_from_db()
    assert pair.ended_at is not None
    assert "担当替え" in client.get(url).content.decode()


def test_a_pair_of_another_cycle_is_not_found(world: World) -> None:
    other = make_cycle(people=1, items=1, last_levels=False)
    pair = other.cycle.mentor_pairs.active().first()
    assert pair is not None

    answer = signed_in(world.secretariat).post(reverse("assessment:mentor_end", args=[world.cycle.pk, pair.pk]))

    assert answer.status_code == 404


# ----------------------------------------------------------------------------------------------------------- import


def bring_in(world: World, rows: list[list[str]], *, declared: bool = True) -> imports.Upload:
    """Upload a list of pairs and have it checked."""
    head = ["職員番号", "メンターの職員番号", "代理メンターの職員番号"]
    text = "\n".join(",".join(row) for row in [head, *rows])
    done = imports.upload(
        kind="assessment.mentors",
        file=SimpleUploadedFile("mentors.csv", text.encode("utf-8-sig")),
        options={"cycle": world.cycle.pk, "not_evaluator": declared},
        user=world.secretariat,
    )
    run_due()
    done.batch.refresh_from_db()
    return done


def test_a_list_of_mentors_is_brought_in(world: World) -> None:
    one, two = world.staff("submitted"), world.staff("reviewed")
    rows = [
        [one.number, world.other_mentor.staff.number, ""],
        [two.number, world.mentor.staff.number, world.other_mentor.staff.number],
    ]

    batch = bring_in(world, rows).batch
    assert batch.state == ImportState.CHECKED
    imports.apply(batch=batch, user=world.secretariat)
    run_due()

    batch.refresh_from_db()
    assert batch.state == ImportState.APPLIED
    active = MentorPair.objects.active().filter(cycle=world.cycle, mentee__in=[one, two])
    assert {(pair.mentee_id, pair.mentor_id, pair.is_deputy) for pair in active} == {
        (one.pk, world.other_mentor.staff.pk, False),
        (one.pk, world.deputy.staff.pk, True),
        (two.pk, world.mentor.staff.pk, False),
        (two.pk, world.other_mentor.staff.pk, True),
    }


def test_one_bad_row_keeps_the_list_out_and_is_named(world: World) -> None:
    before = MentorPair.objects.count()
    rows = [
        [world.staff("submitted").number, world.other_mentor.staff.number, ""],
        [world.staff("reviewed").number, world.stranger.staff.number, ""],
        [world.staff("plain_started").number, world.other_mentor.staff.number, ""],
        ["99999999", world.other_mentor.staff.number, ""],
    ]

    batch = bring_in(world, rows).batch

    assert batch.state == ImportState.REFUSED
    problems = {row.number: [problem["key"] for problem in row.problems] for row in batch.rows.all() if row.problems}
    assert problems == {3: ["mentor"], 4: ["mentee"], 5: ["mentee"]}
    assert MentorPair.objects.count() == before


def test_a_list_without_the_declaration_is_not_read(world: World) -> None:
    batch = bring_in(
        world, [[world.staff("submitted").number, world.other_mentor.staff.number, ""]], declared=False
    ).batch

    assert batch.state == ImportState.REFUSED


def test_withdrawn_people_do_not_stand_on_the_page(world: World) -> None:
    page = signed_in(world.secretariat).get(reverse("assessment:mentors", args=[world.cycle.pk]))

    shown = {line["staff"].pk for line in page.context["lines"]}
    assert world.staff("withdrawn").pk not in shown
    assert shown == set(
        Assessment.objects.filter(cycle=world.cycle, group=world.group)
        .exclude(state=State.WITHDRAWN)
        .values_list("staff_id", flat=True)
    )


def test_when_a_mentor_goes_on_leave_the_proposals_can_be_accepted(world: World) -> None:
    """The mentor is away, the deputy stands in: nobody proposes the deputy, who would be refused."""
    Staff.objects.filter(pk=world.mentor.staff.pk).update(status=StaffStatus.ON_LEAVE)
    found, _most = proposals(world.cycle)
    wanted = [Wanted(row.mentee, row.mentor) for row in found if row.mentor is not None]

    mentors.assign(cycle_id=world.cycle.pk, wanted=wanted, not_evaluator=True, actor=world.secretariat)


def test_one_person_twice_in_the_list_is_no_fault_of_the_server(world: World) -> None:
    check = world.check("untouched")
    MentorPair.objects.active().filter(cycle=world.cycle, mentee=check.staff).update(ended_at=clock.now())
    client = signed_in(world.secretariat)
    one, two = world.mentor.staff.pk, world.other_mentor.staff.pk

    answer = client.post(
        reverse("assessment:mentors_accept", args=[world.cycle.pk]),
        {"chosen": [f"{check.staff_id}:{one}", f"{check.staff_id}:{two}"], "not_evaluator": "on"},
    )

    assert answer.status_code == 302
    pair = MentorPair.objects.active().get(cycle=world.cycle, mentee=check.staff, is_deputy=False)
    assert pair.mentor_id == two


@pytest.mark.parametrize("employer", ["municipality", "affiliated"])
def test_who_sees_nobodys_levels_by_role_becomes_no_mentor(world: World, employer: str) -> None:
    outsider = world.other_mentor.staff
    Staff.objects.filter(pk=outsider.pk).update(employer=employer)
    assert not eligible_mentors().filter(pk=outsider.pk).exists()
    with pytest.raises(RuleViolation):
        mentors.assign(
            cycle_id=world.cycle.pk,
            wanted=[Wanted(world.staff("submitted").pk, outsider.pk)],
            not_evaluator=True,
            actor=world.secretariat,
        )


def test_a_list_that_went_stale_is_refused_by_its_job(world: World) -> None:
    """Between check and apply a mentor went on leave: the job says so."""
    rows = [[world.staff(stage).number, world.other_mentor.staff.number, ""] for stage in ("submitted", "reviewed")]
    batch = bring_in(world, rows).batch
    assert batch.state == ImportState.CHECKED
    Staff.objects.filter(pk=world.other_mentor.staff.pk).update(status=StaffStatus.ON_LEAVE)
    imports.apply(batch=batch, user=world.secretariat)

    run_due()

    job = Job.objects.get(kind="core.import_apply")
    assert job.state == JobState.FAILED
    assert job.result["code"] == "pairs_refused"


def test_a_mentor_assigned_since_the_check_is_not_replaced_unseen(world: World) -> None:
    mentee = world.staff("submitted")
    MentorPair.objects.filter(mentee=mentee).delete()
    batch = bring_in(world, [[mentee.number, world.mentor.staff.number, ""]]).batch
    assign(world, mentee, world.other_mentor)
    imports.apply(batch=batch, user=world.secretariat)
    run_due()
    batch.refresh_from_db()
    assert batch.state == ImportState.REFUSED
    assert MentorPair.objects.active().get(mentee=mentee, is_deputy=False).mentor == world.other_mentor.staff
