"""The confirmed levels in one text: always what the ratings say, by every way to a confirmation."""

from importlib import import_module
from types import SimpleNamespace

import pytest
from django.core.management import call_command
from django.db import connection

from skillmap.assessment.choices import Action
from skillmap.assessment.digits import digits_of
from skillmap.assessment.models import Assessment
from skillmap.assessment.services.transitions import confirm_many, transition
from tests.factories.assessment import World, make_cycle

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    return make_cycle(people=8, items=5, stages=("corrected", "plain_submitted", "confirmed", "untouched"))


def rated(check: Assessment) -> str:
    """What the ratings say."""
    digital = check.ratings.filter(skill__kind="digital").order_by("skill__number")
    return digits_of(digital.values_list("confirmed_level", flat=True))


def stored(check: Assessment) -> str | None:
    """What stands beside the check."""
    return Assessment.objects.values_list("confirmed_digits", flat=True).get(pk=check.pk)


def confirm(world: World, check: Assessment) -> None:
    check.refresh_from_db()
    transition(assessment_id=check.pk, action=Action.CONFIRM, actor=world.secretariat, expected_version=check.version)


def test_levels_and_missing_ones_are_a_character_each() -> None:
    assert digits_of([3, None, 0, 1, 2]) == "3-012"
    with pytest.raises(KeyError):
        digits_of([4])


@pytest.mark.parametrize("stage", ["corrected", "plain_submitted"])
def test_they_come_with_the_confirmation(world: World, stage: str) -> None:
    check = world.by_stage[stage][0]
    assert stored(check) is None
    check.ratings.filter(skill__number=2).update(self_level=0, corrected_level=None)
    check.ratings.filter(skill__number=4).update(self_level=2, corrected_level=3)
    confirm(world, check)
    digits = stored(check)
    assert digits is not None
    assert (digits, digits[1], digits[3]) == (rated(check), "0", "3")


def test_reopened_they_stay_until_the_next_confirmation(world: World) -> None:
    check = world.by_stage["confirmed"][0]
    before = stored(check)
    transition(assessment_id=check.pk, action=Action.REOPEN, actor=world.secretariat, comment="誤り")
    changed = 0 if (before or "")[0] == "3" else 3
    check.ratings.filter(skill__number=1).update(corrected_level=changed)
    assert stored(check) == before == rated(check)
    person = check.staff.user
    assert person is not None
    transition(assessment_id=check.pk, action=Action.CORRECT, actor=person)
    confirm(world, check)
    assert stored(check) == rated(check) == f"{changed}{(before or '')[1:]}"


def test_many_confirmed_at_once_have_theirs(world: World) -> None:
    checks = world.by_stage["corrected"]
    done = confirm_many(chosen=[(check.pk, check.version) for check in checks], actor=world.secretariat)
    assert done.confirmed == tuple(sorted(check.pk for check in checks))
    assert all(stored(check) == rated(check) for check in checks)


def test_what_was_written_by_hand_is_put_right(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    first, *others = world.by_stage["confirmed"]
    Assessment.objects.filter(pk=first.pk).update(confirmed_digits=None)
    others[0].ratings.filter(skill__number=1).update(confirmed_level=None)
    call_command("recount_checks")
    call_command("recount_checks")
    told = [line for line in capsys.readouterr().out.splitlines() if "levels" in line]
    assert [line.split()[0] for line in told] == ["2", "0"]
    assert all(stored(check) == rated(check) for check in world.by_stage["confirmed"])
    assert stored(world.by_stage["corrected"][0]) is None


def test_a_database_of_before_gathers_them(world: World) -> None:
    check = world.by_stage["confirmed"][0]
    check.ratings.filter(skill__number=3).update(confirmed_level=None)
    Assessment.objects.update(confirmed_digits=None)
    migration = import_module("skillmap.assessment.migrations.0006_confirmed_digits")
    migration.gather(None, SimpleNamespace(connection=connection))
    assert "-" in (stored(check) or "")
    for each in Assessment.objects.all():
        assert each.confirmed_digits == (rated(each) if each.confirmed_at else None)
