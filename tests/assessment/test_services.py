"""Answers, steps and the confirmed profile as they are stored: whole, by right, once."""

from datetime import timedelta

import pytest
from django.db import DatabaseError, transaction
from django.http import Http404

from skillmap.assessment.choices import Action, LevelSource, State
from skillmap.assessment.models import Assessment, AssessmentEvent, ConfirmedLevel, Cycle, Extension, SkillRating
from skillmap.assessment.selectors.profile import levels_of
from skillmap.assessment.services import ratings
from skillmap.assessment.services.profile import NewLevel, record_levels
from skillmap.assessment.services.transitions import confirm_many, transition
from skillmap.core import clock
from skillmap.core.errors import Conflict, NotAllowed, RuleViolation
from skillmap.core.models import AuditEvent, Notification
from skillmap.people.models import Organisation
from tests.factories.assessment import World, make_cycle
from tests.support.ground import on_ground

pytestmark = pytest.mark.django_db


laid, world = on_ground(lambda: make_cycle(items=4))


def first(check: Assessment) -> SkillRating:
    return check.ratings.select_related("skill").order_by("skill__number")[0]


def save(world: World, stage: str, level: int | None, *, version: int | None = None) -> ratings.Saved:
    check = world.check(stage)
    rating = first(check)
    return ratings.save_rating(
        assessment_id=check.pk,
        skill_code=rating.skill.code,
        version=rating.version if version is None else version,
        answer={"level": level},
        actor=world.user(stage),
    )


def test_an_answer_is_stored_with_its_author_and_next_version(world: World) -> None:
    saved = save(world, "untouched", 2)
    row = first(world.check("untouched"))
    assert (row.self_level, row.self_by, row.version) == (2, world.user("untouched"), 2)
    assert row.self_at is not None
    assert (saved.answered, saved.items) == (1, 4)
    assert row.corrected_level is None and row.mentor_level is None


def test_an_answer_can_be_taken_away_again(world: World) -> None:
    save(world, "untouched", 2)
    assert save(world, "untouched", None).answered == 0


def test_a_stale_answer_is_refused_with_the_stored_values(world: World) -> None:
    save(world, "untouched", 2)
    with pytest.raises(Conflict) as refused:
        save(world, "untouched", 3, version=1)
    assert refused.value.details == {"version": 2, "level": 2, "wish": False, "note": ""}
    assert first(world.check("untouched")).self_level == 2


def test_an_answer_sent_twice_is_stored_once(world: World) -> None:
    """The answer to the first sending was lost on the way."""
    save(world, "untouched", 2)
    again = save(world, "untouched", 2, version=1)
    assert (again.rating.version, again.level, again.answered) == (2, 2, 1)


def test_after_the_first_meeting_the_corrected_level_is_written(world: World) -> None:
    before = first(world.check("reviewed")).self_level
    save(world, "reviewed", 3)
    row = first(world.check("reviewed"))
    assert (row.self_level, row.corrected_level) == (before, 3)


@pytest.mark.parametrize("stage", ["submitted", "corrected", "confirmed", "received", "withdrawn"])
def test_no_answer_where_it_is_not_the_persons_turn(world: World, stage: str) -> None:
    with pytest.raises(RuleViolation) as refused:
        save(world, stage, 1)
    assert refused.value.code == "wrong_state"


def test_a_target_is_chosen_in_any_state_but_in_a_withdrawn_check(world: World) -> None:
    wanted = world.job_types[0].pk
    for stage in ("untouched", "submitted", "corrected", "received"):
        ratings.choose_target(assessment_id=world.check(stage).pk, job_type_id=wanted, actor=world.user(stage))
        assert world.check(stage).target_job_type_id == wanted
    check = world.check("withdrawn")

    with pytest.raises(RuleViolation) as refused:
        ratings.choose_target(assessment_id=check.pk, job_type_id=None, actor=world.user("withdrawn"))

    assert refused.value.code == "wrong_state"
    assert world.check("withdrawn").target_job_type_id == check.target_job_type_id is not None


@pytest.mark.parametrize("role", ["mentor", "deputy"])
def test_a_mentor_answers_for_nobody(world: World, role: str) -> None:
    check = world.check("started")
    with pytest.raises(RuleViolation) as refused:
        ratings.save_rating(
            assessment_id=check.pk, skill_code=first(check).skill.code, version=1, answer={"level": 1},
            actor=getattr(world, role),
        )  # fmt: skip
    assert refused.value.code == "wrong_person"


@pytest.mark.parametrize("role", ["former_mentor", "other_mentor", "stranger", "coordinator", "executive", "supporter"])
def test_others_know_of_no_check(world: World, role: str) -> None:
    check = world.check("started")
    with pytest.raises(Http404):
        ratings.save_rating(
            assessment_id=check.pk, skill_code=first(check).skill.code, version=1, answer={"level": 1},
            actor=getattr(world, role),
        )  # fmt: skip


def test_the_secretariat_enters_on_behalf_and_it_is_recorded(world: World) -> None:
    check = world.check("untouched")
    rating = first(check)
    ratings.save_rating(
        assessment_id=check.pk, skill_code=rating.skill.code, version=1, answer={"level": 1}, actor=world.secretariat
    )
    assert first(check).self_by == world.secretariat
    line = AuditEvent.objects.get(verb="assessment.entry_on_behalf")
    assert line.subject_key == f"staff:{check.staff_id}"
    for row in check.ratings.select_related("skill").order_by("skill__number")[1:]:
        ratings.save_rating(
            assessment_id=check.pk, skill_code=row.skill.code, version=1, answer={"level": 1}, actor=world.secretariat
        )
    transition(assessment_id=check.pk, action="submit", actor=world.secretariat)
    event = AssessmentEvent.objects.filter(assessment=check).latest("pk")
    assert (event.on_behalf, event.acting_as, event.actor) == (True, "self", world.secretariat)


def test_no_answer_in_a_closed_cycle_nor_after_the_window(world: World) -> None:
    Cycle.objects.filter(pk=world.cycle.pk).update(state="closed", closed_at=clock.now())
    with pytest.raises(RuleViolation) as refused:
        save(world, "started", 1)
    assert refused.value.code == "cycle_not_open"
    Cycle.objects.filter(pk=world.cycle.pk).update(state="open")
    yesterday = clock.today() - timedelta(days=1)
    world.cycle.windows.filter(step="self_check").update(opens_on=yesterday, closes_on=yesterday)
    with pytest.raises(RuleViolation) as over:
        save(world, "started", 1)
    assert over.value.code == "window_over"
    check = world.check("started")
    Extension.objects.create(
        assessment=check, step="self_check", closes_on=clock.today(), reason="出張", granted_by=world.secretariat
    )
    assert save(world, "started", 1).level == 1


def test_a_page_without_javascript_saves_each_item_by_itself(world: World) -> None:
    check = world.check("untouched")
    rows = list(check.ratings.select_related("skill").order_by("skill__number"))
    save(world, "untouched", 3)
    answers = {row.skill.code: (1, ratings.Answer(level=1, wish=False)) for row in rows}
    outcome = ratings.save_form(assessment_id=check.pk, answers=answers, actor=world.user("untouched"))
    assert set(outcome.saved) == {row.skill.code for row in rows[1:]}
    assert outcome.conflicts[rows[0].skill.code]["level"] == 3
    again = ratings.save_form(assessment_id=check.pk, answers=answers, actor=world.user("untouched"))
    assert again.saved == ()


def test_evidence_is_added_changed_and_removed(world: World) -> None:
    check, person = world.check("started"), world.user("started")
    code = first(check).skill.code
    row = ratings.evidence_add(assessment_id=check.pk, skill_code=code, entry={"work": "更改計画"}, actor=person)
    changed = ratings.evidence_change(
        assessment_id=check.pk, evidence_id=row.pk, version=1, entry={"work": "更改計画の策定"}, actor=person
    )
    assert (changed.work, changed.version) == ("更改計画の策定", 2)
    with pytest.raises(Conflict) as stale:
        ratings.evidence_change(
            assessment_id=check.pk, evidence_id=row.pk, version=1, entry={"work": "別"}, actor=person
        )
    assert stale.value.details["work"] == "更改計画の策定"
    other = world.check("untouched")
    with pytest.raises(Http404):
        ratings.evidence_remove(assessment_id=other.pk, evidence_id=row.pk, actor=world.user("untouched"))
    ratings.evidence_remove(assessment_id=check.pk, evidence_id=row.pk, actor=person)
    with pytest.raises(RuleViolation):
        ratings.evidence_add(assessment_id=check.pk, skill_code=code, entry={"work": "  "}, actor=person)


def test_an_item_holds_ten_pieces_of_evidence(world: World) -> None:
    check, person = world.check("started"), world.user("started")
    code = first(check).skill.code
    for number in range(10):
        ratings.evidence_add(assessment_id=check.pk, skill_code=code, entry={"work": f"{number}"}, actor=person)
    with pytest.raises(RuleViolation) as full:
        ratings.evidence_add(assessment_id=check.pk, skill_code=code, entry={"work": "11"}, actor=person)
    assert full.value.code == "evidence_full"


# ----------------------------------------------------------------------------------------------------------- steps

STEPS = [
    ("take_back", "submitted", "self", "draft"),
    ("review", "met", "mentor", "reviewed"),
    ("review", "met", "deputy", "reviewed"),
    ("correct", "reviewed", "self", "corrected"),
    ("return", "submitted", "mentor", "draft"),
    ("return", "corrected", "secretariat", "reviewed"),
    ("confirm", "corrected", "secretariat", "confirmed"),
    ("confirm", "plain_submitted", "secretariat", "confirmed"),
    ("receive", "met_again", "self", "received"),
    ("receive", "plain_confirmed", "self", "received"),
    ("reopen", "received", "secretariat", "reviewed"),
    ("withdraw", "started", "secretariat", "withdrawn"),
]


@pytest.mark.parametrize(("action", "stage", "who", "target"), STEPS)
def test_a_step_moves_the_check_and_leaves_its_history(
    world: World, action: str, stage: str, who: str, target: str
) -> None:
    check = world.check(stage)
    actor = world.user(stage) if who == "self" else getattr(world, who)
    transition(assessment_id=check.pk, action=action, actor=actor, comment="理由", expected_version=check.version)
    after = world.check(stage)
    assert (after.state, after.version) == (target, check.version + 1)
    event = after.events.latest("pk")
    assert (event.action, event.source, event.target, event.actor) == (action, check.state, target, actor)
    assert event.acting_as == who
    line = AuditEvent.objects.get(verb=f"assessment.{action}")
    assert (line.target, line.subject_key) == (f"assessment.assessment:{check.pk}", f"staff:{check.staff_id}")


@pytest.mark.parametrize(
    ("action", "stage", "who", "code"),
    [
        ("submit", "started", "self", "not_all_answered"),
        ("take_back", "met", "self", "first_meeting_held"),
        ("review", "submitted", "mentor", "first_meeting_missing"),
        ("confirm", "corrected", "mentor", "wrong_person"),
        ("receive", "confirmed", "self", "second_meeting_missing"),
        ("confirm", "submitted", "secretariat", "wrong_state"),
        ("withdraw", "confirmed", "secretariat", "wrong_state"),
    ],
)
def test_a_refused_step_leaves_nothing(world: World, action: str, stage: str, who: str, code: str) -> None:
    check = world.check(stage)
    actor = world.user(stage) if who == "self" else getattr(world, who)
    counts = (AssessmentEvent.objects.count(), AuditEvent.objects.count(), Notification.objects.count())
    with pytest.raises(RuleViolation) as refused:
        transition(assessment_id=check.pk, action=action, actor=actor, comment="理由", expected_version=check.version)
    assert refused.value.code == code
    assert world.check(stage).version == check.version
    assert counts == (AssessmentEvent.objects.count(), AuditEvent.objects.count(), Notification.objects.count())


@pytest.mark.parametrize("role", ["former_mentor", "other_mentor", "stranger", "coordinator", "executive", "supporter"])
@pytest.mark.parametrize("action", Action.values)
def test_a_step_on_an_unknown_check_is_not_found(world: World, role: str, action: str) -> None:
    with pytest.raises(Http404):
        transition(assessment_id=world.check("corrected").pk, action=action, actor=getattr(world, role), comment="x")


def test_the_review_starts_the_correction_from_the_own_answers(world: World) -> None:
    check = world.check("met")
    SkillRating.objects.filter(assessment=check).update(corrected_level=None, mentor_level=3)
    transition(assessment_id=check.pk, action="review", actor=world.mentor)
    for row in check.ratings.all():
        assert row.corrected_level == row.self_level


def test_a_returned_check_has_a_week(world: World) -> None:
    yesterday = clock.today() - timedelta(days=1)
    world.cycle.windows.filter(step="self_check").update(opens_on=yesterday, closes_on=yesterday)
    check = world.check("submitted")
    transition(assessment_id=check.pk, action="return", actor=world.mentor, comment="根拠を書いてください")
    extension = Extension.objects.get(assessment=check, step="self_check")
    assert extension.closes_on == clock.today() + timedelta(days=7)
    assert save(world, "submitted", 1).level == 1


def test_confirming_needs_the_version_of_the_preview(world: World) -> None:
    check = world.check("corrected")
    for version in (None, check.version + 1):
        with pytest.raises(Conflict):
            transition(assessment_id=check.pk, action="confirm", actor=world.secretariat, expected_version=version)
    assert world.check("corrected").state == State.CORRECTED


def test_confirmation_takes_the_persons_level_not_the_mentors(world: World) -> None:
    check = world.check("corrected")
    SkillRating.objects.filter(assessment=check).update(self_level=1, corrected_level=2, mentor_level=3)
    transition(assessment_id=check.pk, action="confirm", actor=world.secretariat, expected_version=check.version)
    levels = ConfirmedLevel.objects.current().filter(staff=check.staff_id)
    assert {(row.level, row.valid_from, row.assessment_id) for row in levels} == {(2, clock.today(), check.pk)}
    assert set(check.ratings.values_list("confirmed_level", flat=True)) == {2}


def test_nobody_confirms_the_own_check(world: World) -> None:
    check = world.check("corrected")
    Assessment.objects.filter(pk=check.pk).update(staff=world.secretariat.staff)
    with pytest.raises(RuleViolation) as refused:
        transition(assessment_id=check.pk, action="confirm", actor=world.secretariat, expected_version=check.version)
    assert refused.value.code == "wrong_person"


def test_many_are_confirmed_each_by_itself(world: World) -> None:
    good, moved, wrong = world.check("corrected"), world.check("plain_submitted"), world.check("started")
    outcome = confirm_many(
        chosen=[(good.pk, good.version), (moved.pk, moved.version + 1), (wrong.pk, wrong.version), (10**9, 1)],
        actor=world.secretariat,
    )
    assert (outcome.confirmed, outcome.changed) == ((good.pk,), (moved.pk,))
    assert [pk for pk, _why in outcome.left_out] == [wrong.pk, 10**9]
    with pytest.raises(NotAllowed):
        confirm_many(chosen=[], actor=world.mentor)


def test_people_are_told_without_any_level(world: World) -> None:
    check = world.check("corrected")
    transition(assessment_id=check.pk, action="confirm", actor=world.secretariat, expected_version=check.version)
    notice = Notification.objects.get(recipient=world.user("corrected"))
    assert notice.path == f"/check/{check.pk}/"
    assert "Lv" not in notice.subject + notice.body


# --------------------------------------------------------------------------------------------------------- profile


def test_the_profile_gives_back_any_past_state(world: World) -> None:
    staff = world.staff("untouched")
    skill = world.skills[0]
    day = clock.today()
    start = day - timedelta(days=400)
    with transaction.atomic():
        record_levels([NewLevel(staff.pk, skill, 1)], valid_from=start, source=LevelSource.IMPORT, actor=None)
        record_levels([NewLevel(staff.pk, skill, 2)], valid_from=day, source=LevelSource.IMPORT, actor=None)

    def level(**when: object) -> list[int]:
        rows = levels_of([staff.pk], viewer=world.secretariat, **when)  # type: ignore[arg-type]
        return [row.level for row in rows if row.skill_code == skill.code]

    assert level() == [2]
    assert level(valid_on=start + timedelta(days=1)) == [1]
    assert level(as_of=day) == [2]
    assert 1 not in level(as_of=start + timedelta(days=1)), "recorded only today, so not known then"


def test_confirmed_levels_cannot_be_overwritten(world: World) -> None:
    row = ConfirmedLevel.objects.filter(recorded_until=None).first()
    assert row is not None
    for change in ({"level": (row.level + 1) % 4}, {"valid_from": clock.today()}, {"recorded_at": clock.now()}):
        with pytest.raises(DatabaseError), transaction.atomic():
            ConfirmedLevel.objects.filter(pk=row.pk).update(**change)
    with pytest.raises(DatabaseError), transaction.atomic():
        row.delete()
    ConfirmedLevel.objects.filter(pk=row.pk).update(recorded_until=clock.now())
    with pytest.raises(DatabaseError), transaction.atomic():
        ConfirmedLevel.objects.filter(pk=row.pk).update(recorded_until=None)


def test_only_self_present_mentor_and_secretariat_see_levels(world: World) -> None:
    staff = world.staff("confirmed")
    sees = {
        name: ConfirmedLevel.objects.visible_to(user).filter(staff=staff).exists()
        for name, user in world.roles().items()
    }
    assert {name for name, seen in sees.items() if seen} == {"secretariat", "mentor", "deputy"}
    assert ConfirmedLevel.objects.visible_to(world.user("confirmed")).filter(staff=staff).exists()


def test_a_coordinator_sees_steps_of_the_own_bureau_only(world: World) -> None:
    own = Assessment.objects.progress_visible_to(world.coordinator)
    assert own.exists()
    inside = Organisation.objects.filter(path__startswith=world.bureau.path)
    assert set(own.values_list("organisation", flat=True)) <= set(inside.values_list("pk", flat=True))
    assert not Assessment.objects.visible_to(world.coordinator).exists()
    assert not Assessment.objects.progress_visible_to(world.mentor).exists()


@pytest.mark.parametrize("how", ["change", "remove"])
def test_changing_evidence_on_behalf_is_recorded_and_told(world: World, how: str) -> None:
    check, person = world.check("started"), world.user("started")
    code = world.skills[0].code
    entry = ratings.EvidenceEntry(work="本人の記入", difficulty="", role="", shown="", certification_id=None)
    row = ratings.evidence_add(assessment_id=check.pk, skill_code=code, entry=entry, actor=person)

    if how == "change":
        ratings.evidence_change(
            assessment_id=check.pk, evidence_id=row.pk, version=1, entry=entry, actor=world.secretariat
        )
    else:
        ratings.evidence_remove(assessment_id=check.pk, evidence_id=row.pk, actor=world.secretariat)

    assert AuditEvent.objects.filter(verb="assessment.entry_on_behalf", actor=world.secretariat).exists()
    assert Notification.objects.filter(recipient=person, kind="assessment.entry_on_behalf").exists()
