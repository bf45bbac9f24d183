"""The world that other tests stand on is itself sound."""

import pytest

from skillmap.assessment.models import Assessment, ConfirmedLevel, SkillRating
from skillmap.assessment.selectors.situations import open_actions, situation_of, with_progress
from tests.factories.assessment import STAGES, STATES, make_cycle

pytestmark = pytest.mark.django_db


def test_one_person_stands_in_each_stage() -> None:
    world = make_cycle()

    assert {stage: world.check(stage).state for stage in STAGES} == dict(STATES)
    assert SkillRating.objects.filter(assessment__cycle=world.cycle).count() == 13 * 22
    assert ConfirmedLevel.objects.current().count() == 13 * 22


@pytest.mark.parametrize(
    ("stage", "role", "actions"),
    [
        ("untouched", "own", ()),
        ("started", "own", ()),
        ("submitted", "own", ("take_back",)),
        ("submitted", "mentor", ("return",)),
        ("met", "mentor", ("review", "return")),
        ("met", "deputy", ("review", "return")),
        ("reviewed", "own", ("correct",)),
        ("corrected", "secretariat", ("return", "confirm", "withdraw")),
        ("confirmed", "own", ()),
        ("met_again", "own", ("receive",)),
        ("received", "secretariat", ("reopen",)),
        ("withdrawn", "secretariat", ()),
        ("plain_submitted", "secretariat", ("return", "confirm", "withdraw")),
    ],
)
def test_a_stage_is_open_to_the_steps_it_should_be(stage: str, role: str, actions: tuple[str, ...]) -> None:
    world = make_cycle()
    user = world.user(stage) if role == "own" else getattr(world, role)
    check = with_progress(Assessment.objects.filter(pk=world.check(stage).pk)).select_related("cycle", "group").get()

    assert open_actions(user, check, situation_of(check)) == actions


def test_the_former_mentor_sees_nobody() -> None:
    world = make_cycle()

    assert not Assessment.objects.visible_to(world.former_mentor).exists()
    assert Assessment.objects.visible_to(world.mentor).count() == 10
