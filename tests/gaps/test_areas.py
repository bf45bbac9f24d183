"""Priority areas: adopted, refused, added by hand, withdrawn; each decision once, and never over somebody else's."""

from __future__ import annotations

from copy import deepcopy
from datetime import date

import pytest
from django.http import Http404

from skillmap.core.errors import Conflict, NotAllowed, RuleViolation
from skillmap.core.models import AuditEvent
from skillmap.gaps.choices import AreaState
from skillmap.gaps.models import GapRun, PriorityArea
from skillmap.gaps.selectors.areas import areas
from skillmap.gaps.services.areas import area_add, area_adopt, area_refuse, area_withdraw
from skillmap.people.models import User
from tests.factories.framework import small_framework
from tests.factories.gaps import RunWorld, answer, finished_run, make_run_world
from tests.support.ground import Ground

SUPPLY = {1: 40, 2: 35, 3: 30, 4: 12, 5: 10, 6: 8}


@pytest.fixture(scope="module", autouse=True)
def laid(ground: Ground) -> tuple[RunWorld, GapRun]:
    """Items 4, 5, 6 are held by few; demanded most are 6, 5, 4, so that 6 and 5 are proposed (a third of six items)."""
    with ground():
        world = make_run_world(people=60, level_of=lambda index, number: 2 if index < SUPPLY[number] else 0)
        run = finished_run(world, publish=True)
        assert _proposed(run) == ["digital_6", "digital_5"]
        return world, run


@pytest.fixture
def both(laid: tuple[RunWorld, GapRun], db: None) -> tuple[RunWorld, GapRun]:
    return deepcopy(laid)


@pytest.fixture
def world(both: tuple[RunWorld, GapRun]) -> RunWorld:
    return both[0]


@pytest.fixture
def run(both: tuple[RunWorld, GapRun]) -> GapRun:
    """A published run of it."""
    return both[1]


@pytest.fixture
def office(world: RunWorld) -> User:
    """The secretariat."""
    return world.secretariat


def _proposed(run: GapRun) -> list[str]:
    rows = run.skills.filter(is_proposed=True).order_by("demand_rank")
    return list(rows.values_list("skill__code", flat=True))


def _states() -> dict[str, str]:
    return dict(PriorityArea.objects.values_list("skill__code", "state"))


def _code(refused: pytest.ExceptionInfo[RuleViolation]) -> str:
    return refused.value.code


# ------------------------------------------------------------------------------------------------------------- adopt
def test_proposals_are_adopted_together_with_their_ranks(run: GapRun, office: User) -> None:
    adopted = area_adopt(run_id=run.pk, skill_codes=["digital_6", "digital_5"], actor=office)
    assert [(area.demand_rank, area.supply_rank, area.by_hand, area.version) for area in adopted] == [
        (1, 6, False, 1),
        (2, 5, False, 1),
    ]
    assert {area.decided_by for area in adopted} == {office}
    assert {area.fiscal_year for area in adopted} == {run.fiscal_year}
    assert AuditEvent.objects.filter(verb="area.adopted").count() == 2


def test_all_that_are_named_are_adopted_or_none(run: GapRun, office: User) -> None:
    with pytest.raises(RuleViolation) as refused:
        area_adopt(run_id=run.pk, skill_codes=["digital_6", "digital_1"], actor=office)
    assert _code(refused) == "not_proposed"
    assert not PriorityArea.objects.exists()
    for codes, code in (([], "nothing_chosen"), (["digital_99"], "unknown_skill"), (["tool_1"], "unknown_skill")):
        with pytest.raises(RuleViolation) as refused:
            area_adopt(run_id=run.pk, skill_codes=codes, actor=office)
        assert _code(refused) == code


def test_a_second_press_changes_nothing(run: GapRun, office: User) -> None:
    area_adopt(run_id=run.pk, skill_codes=["digital_6"], actor=office, decided_on=date(2025, 11, 1))
    for versions in (None, {"digital_6": 1}):
        with pytest.raises(RuleViolation) as refused:
            area_adopt(run_id=run.pk, skill_codes=["digital_6"], actor=office, versions=versions)
        assert _code(refused) == "decided_already"
    area = PriorityArea.objects.get()
    assert (area.decided_on, area.version) == (date(2025, 11, 1), 1)


def test_the_same_item_twice_in_one_request_is_one_area(run: GapRun, office: User) -> None:
    assert len(area_adopt(run_id=run.pk, skill_codes=["digital_6", "digital_6"], actor=office)) == 1


def test_a_run_that_is_not_published_decides_nothing(world: RunWorld, office: User) -> None:
    run = finished_run(world)
    with pytest.raises(RuleViolation) as refused:
        area_adopt(run_id=run.pk, skill_codes=["digital_6"], actor=office)
    assert _code(refused) == "run_not_published"
    with pytest.raises(RuleViolation) as refused:
        area_refuse(run_id=run.pk, skill_code="digital_6", reason="なし", actor=office)
    assert _code(refused) == "run_not_published"


@pytest.mark.parametrize("role", ["supporter", "executive", "coordinator", "other_coordinator", "person"])
def test_only_the_secretariat_decides(world: RunWorld, run: GapRun, office: User, role: str) -> None:
    (area,) = area_adopt(run_id=run.pk, skill_codes=["digital_6"], actor=office)
    user = world.roles()[role]
    with pytest.raises(NotAllowed):
        area_adopt(run_id=run.pk, skill_codes=["digital_5"], actor=user)
    with pytest.raises(NotAllowed):
        area_refuse(run_id=run.pk, skill_code="digital_5", reason="なし", actor=user)
    with pytest.raises(NotAllowed):
        area_add(fiscal_year=2025, skill_code="digital_1", reason="なし", actor=user)
    with pytest.raises(NotAllowed):
        area_withdraw(area_id=area.pk, version=1, reason="なし", actor=user)
    assert _states() == {"digital_6": "adopted"}


# ------------------------------------------------------------------------------------------------------------ refuse
def test_a_refusal_keeps_its_reason_and_may_be_changed_later(run: GapRun, office: User) -> None:
    area = area_refuse(run_id=run.pk, skill_code="digital_6", reason=" 研修の枠がない ", actor=office)
    assert (area.state, area.reason, area.version) == (AreaState.REFUSED, "研修の枠がない", 1)
    with pytest.raises(RuleViolation) as refused:
        area_adopt(run_id=run.pk, skill_codes=["digital_6"], actor=office)
    assert _code(refused) == "decided_already"
    (adopted,) = area_adopt(run_id=run.pk, skill_codes=["digital_6"], actor=office, versions={"digital_6": 1})
    assert (adopted.pk, adopted.state, adopted.reason, adopted.version) == (area.pk, AreaState.ADOPTED, "", 2)


@pytest.mark.parametrize(
    ("reason", "code"), [("", "reason_required"), (" 　 ", "reason_required"), ("あ" * 501, "reason_too_long")]
)
def test_decisions_that_need_a_reason_have_one(run: GapRun, office: User, reason: str, code: str) -> None:
    (area,) = area_adopt(run_id=run.pk, skill_codes=["digital_6"], actor=office)
    with pytest.raises(RuleViolation) as refused:
        area_refuse(run_id=run.pk, skill_code="digital_5", reason=reason, actor=office)
    assert _code(refused) == code
    with pytest.raises(RuleViolation) as refused:
        area_add(fiscal_year=2025, skill_code="digital_1", reason=reason, actor=office)
    assert _code(refused) == code
    with pytest.raises(RuleViolation) as refused:
        area_withdraw(area_id=area.pk, version=1, reason=reason, actor=office)
    assert _code(refused) == code
    assert _states() == {"digital_6": "adopted"}


def test_a_decision_that_moved_is_not_overwritten(run: GapRun, office: User) -> None:
    area_refuse(run_id=run.pk, skill_code="digital_6", reason="枠がない", actor=office)
    area_refuse(run_id=run.pk, skill_code="digital_6", reason="来年度に", actor=office, version=1)
    with pytest.raises(Conflict) as moved:
        area_adopt(run_id=run.pk, skill_codes=["digital_6"], actor=office, versions={"digital_6": 1})
    assert moved.value.details == {"state": "refused", "version": 2, "skill_code": "digital_6"}
    assert _states() == {"digital_6": "refused"}
    with pytest.raises(Http404):
        area_adopt(run_id=run.pk, skill_codes=["digital_5"], actor=office, versions={"digital_5": 1})


# ----------------------------------------------------------------------------------------------------------- by hand
def test_an_item_that_no_run_proposes_is_added_by_hand(run: GapRun, office: User) -> None:
    with_ranks = area_add(fiscal_year=2025, skill_code="digital_4", reason="国の方針", actor=office, run_id=run.pk)
    assert (with_ranks.by_hand, with_ranks.state, with_ranks.reason) == (True, AreaState.ADOPTED, "国の方針")
    assert (with_ranks.demand_rank, with_ranks.supply_rank) == (3, 4)
    without = area_add(fiscal_year=2031, skill_code="digital_1", reason="国の方針", actor=office)
    assert (without.run, without.demand_rank, without.supply_rank) == (None, None, None)
    with pytest.raises(RuleViolation) as refused:
        area_add(fiscal_year=2025, skill_code="digital_4", reason="もう一度", actor=office)
    assert _code(refused) == "decided_already"
    with pytest.raises(RuleViolation) as refused:
        area_add(fiscal_year=2025, skill_code="digital_99", reason="なし", actor=office)
    assert _code(refused) == "unknown_skill"
    with pytest.raises(Http404):
        area_add(fiscal_year=2024, skill_code="digital_3", reason="なし", actor=office, run_id=run.pk)


def test_one_decision_a_year_even_through_versions_of_the_framework(run: GapRun, office: User) -> None:
    area_add(fiscal_year=2025, skill_code="digital_4", reason="国の方針", actor=office, run_id=run.pk)
    small_framework(items=6)  # the version in force has new rows with the same codes
    with pytest.raises(RuleViolation) as refused:
        area_add(fiscal_year=2025, skill_code="digital_4", reason="もう一度", actor=office)
    assert _code(refused) == "decided_already"
    assert area_add(fiscal_year=2026, skill_code="digital_4", reason="続けて", actor=office).pk


# ---------------------------------------------------------------------------------------------------------- withdraw
@pytest.mark.parametrize("odd", ["\x00", "a\x00b", "", "🦊"])
def test_a_code_that_can_not_be_is_no_item(run: GapRun, office: User, odd: str) -> None:
    with pytest.raises(RuleViolation) as refused:
        area_adopt(run_id=run.pk, skill_codes=[odd], actor=office)
    assert _code(refused) == "unknown_skill"


def test_an_area_is_withdrawn_once(run: GapRun, office: User) -> None:
    (area,) = area_adopt(run_id=run.pk, skill_codes=["digital_6"], actor=office)
    withdrawn = area_withdraw(area_id=area.pk, version=1, reason="研修を取りやめ", actor=office)
    assert (withdrawn.state, withdrawn.version) == (AreaState.WITHDRAWN, 2)
    with pytest.raises(Conflict):
        area_withdraw(area_id=area.pk, version=1, reason="もう一度", actor=office)
    with pytest.raises(RuleViolation) as refused:
        area_withdraw(area_id=area.pk, version=2, reason="もう一度", actor=office)
    assert _code(refused) == "not_adopted"
    with pytest.raises(Http404):
        area_withdraw(area_id=0, version=1, reason="なし", actor=office)
    (again,) = area_adopt(run_id=run.pk, skill_codes=["digital_6"], actor=office, versions={"digital_6": 2})
    assert (again.state, again.version) == (AreaState.ADOPTED, 3)


def test_what_counts_is_what_is_adopted(world: RunWorld, run: GapRun, office: User) -> None:
    answer(world, world.sections[0], [])
    area_adopt(run_id=run.pk, skill_codes=["digital_5", "digital_6"], actor=office)
    area_add(fiscal_year=2025, skill_code="digital_1", reason="国の方針", actor=office)
    area_add(fiscal_year=2026, skill_code="digital_2", reason="国の方針", actor=office)
    refused = area_add(fiscal_year=2025, skill_code="digital_3", reason="国の方針", actor=office)
    area_withdraw(area_id=refused.pk, version=1, reason="取りやめ", actor=office)
    assert [area.skill.code for area in areas()] == ["digital_2", "digital_6", "digital_5", "digital_1"]
    assert [area.skill.code for area in areas(2025)] == ["digital_6", "digital_5", "digital_1"]
    assert [area.skill.code for area in areas(2025, AreaState.values)][-1] != "digital_2"
    assert len(areas(2025, AreaState.values)) == 4
