"""Writes of priority areas: adopt what a run proposes, refuse it, add one by hand, withdraw one.

There is one decision for each item and fiscal year, and it can be changed: a refused or withdrawn area may be adopted
later. Whoever changes a decision names the version of it that was seen; what changed meanwhile is refused as a Conflict
that says how it is now. Decisions are written one after the other: two versions of the framework have two rows for one
item, which no constraint would keep apart.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from django.db import IntegrityError, transaction
from django.db.models import F
from django.http import Http404

from skillmap.core import audit, clock
from skillmap.core.errors import Conflict
from skillmap.core.locks import queue_to_change
from skillmap.framework.choices import ItemKind
from skillmap.framework.models import Framework, Skill
from skillmap.framework.rules import is_code
from skillmap.framework.selectors import current_framework
from skillmap.gaps.choices import AreaState
from skillmap.gaps.models import GapRun, PriorityArea, SkillResult
from skillmap.gaps.run_messages import refuse, stale
from skillmap.people.access import access_of
from skillmap.people.choices import Role
from skillmap.people.models import User

LONGEST_REASON = 500


@transaction.atomic
def area_adopt(
    *,
    run_id: int,
    skill_codes: Sequence[str],
    actor: User,
    versions: Mapping[str, int] | None = None,
    decided_on: date | None = None,
) -> list[PriorityArea]:
    """Adopt proposals of a published run, all of those named or none.

    Args:
        versions: by item code, the version of the decision that was seen; for items decided on before.
        decided_on: the day of the decision, today by default.

    Raises:
        NotAllowed: for the secretariat alone.
        Http404: no such run.
        RuleViolation: run_not_published, nothing_chosen, unknown_skill, not_proposed, decided_already.
        Conflict: a decision changed since it was seen.
    """
    queue_to_change(PriorityArea)
    run = _run(run_id, actor)
    if not skill_codes:
        raise refuse("nothing_chosen")
    adopted = []
    for code in dict.fromkeys(skill_codes):
        result = _result(run, code)
        if not result.is_proposed:
            raise refuse("not_proposed")
        version = (versions or {}).get(code)
        adopted.append(_decide(_area_of(run, result, AreaState.ADOPTED, decided_on), version=version, actor=actor))
    return adopted


@transaction.atomic
def area_refuse(*, run_id: int, skill_code: str, reason: str, actor: User, version: int | None = None) -> PriorityArea:
    """Decide against a proposal of a published run, with the reason. Raises as `area_adopt`, and reason_required."""
    queue_to_change(PriorityArea)
    run = _run(run_id, actor)
    result = _result(run, skill_code)
    if not result.is_proposed:
        raise refuse("not_proposed")
    area = _area_of(run, result, AreaState.REFUSED, None)
    area.reason = _reason(reason)
    return _decide(area, version=version, actor=actor)


@transaction.atomic
def area_add(
    *,
    fiscal_year: int,
    skill_code: str,
    reason: str,
    actor: User,
    run_id: int | None = None,
    framework: Framework | None = None,
    version: int | None = None,
) -> PriorityArea:
    """Adopt an item by hand, with the reason: one that no run proposes, or of a year without a run.

    With a published run the item's ranks are kept beside the decision.

    Args:
        framework: without a run, the version that the item is of; the one in force by default.

    Raises:
        NotAllowed, Http404, RuleViolation (unknown_skill, run_not_published, reason_required, reason_too_long,
        decided_already), Conflict: as `area_adopt`.
    """
    access_of(actor).require(Role.SECRETARIAT)
    queue_to_change(PriorityArea)
    if run_id is None:
        area = PriorityArea(fiscal_year=fiscal_year, skill=_skill(skill_code, framework or current_framework()))
    else:
        run = _run(run_id, actor)
        if run.fiscal_year != fiscal_year:
            raise Http404
        area = _area_of(run, _result(run, skill_code), AreaState.ADOPTED, None)
    area.state, area.by_hand, area.decided_on = AreaState.ADOPTED, True, clock.today()
    area.reason = _reason(reason)
    return _decide(area, version=version, actor=actor)


@transaction.atomic
def area_withdraw(*, area_id: int, version: int, reason: str, actor: User) -> PriorityArea:
    """Take an adopted area back, with the reason. RuleViolation not_adopted, reason_required; Conflict; Http404."""
    access_of(actor).require(Role.SECRETARIAT)
    queue_to_change(PriorityArea)
    area = PriorityArea.objects.select_related("skill").filter(pk=area_id).first()
    if area is None:
        raise Http404
    words = _reason(reason)
    if area.version != version:
        raise _changed(area)
    if area.state != AreaState.ADOPTED:
        raise refuse("not_adopted")
    area.state, area.reason, area.decided_on = AreaState.WITHDRAWN, words, clock.today()
    return _change(area, version=version, actor=actor)


# ----------------------------------------------------------------------------------------------------------- parts
def _run(run_id: int, actor: User) -> GapRun:
    access_of(actor).require(Role.SECRETARIAT)
    run = GapRun.objects.visible_to(actor).filter(pk=run_id).first()
    if run is None:
        raise Http404
    if run.published_at is None:
        raise refuse("run_not_published")
    return run


def _result(run: GapRun, code: str) -> SkillResult:
    if not is_code(code):
        raise refuse("unknown_skill")
    result = SkillResult.objects.select_related("skill").filter(run=run, skill__code=code).first()
    if result is None:
        raise refuse("unknown_skill")
    return result


def _skill(code: str, framework: Framework | None) -> Skill:
    found = Skill.objects.filter(framework=framework, kind=ItemKind.DIGITAL, code=code).first()
    if found is None:
        raise refuse("unknown_skill")
    return found


def _reason(text: str) -> str:
    words = text.strip()
    if not words:
        raise refuse("reason_required")
    if len(words) > LONGEST_REASON:
        raise refuse("reason_too_long")
    return words


def _area_of(run: GapRun, result: SkillResult, state: AreaState, decided_on: date | None) -> PriorityArea:
    """The decision as it would stand, not yet written."""
    return PriorityArea(
        fiscal_year=run.fiscal_year,
        skill=result.skill,
        run=run,
        state=state,
        demand_rank=result.demand_rank,
        supply_rank=result.supply_rank,
        decided_on=decided_on or clock.today(),
    )


def _decide(area: PriorityArea, *, version: int | None, actor: User) -> PriorityArea:
    """Write the first decision on an item in a year, or put it in place of the one that was seen.

    An item is known by its code, so that a new version of the framework makes no second decision. An adopted area is
    withdrawn before another decision.
    """
    present = PriorityArea.objects.filter(fiscal_year=area.fiscal_year, skill__code=area.skill.code).first()
    if present is not None:
        if version is None or present.state == AreaState.ADOPTED:
            raise refuse("decided_already")
        if present.version != version:
            raise _changed(present)
        area.pk = present.pk
        return _change(area, version=version, actor=actor)
    if version is not None:
        raise Http404
    area.decided_by = actor
    try:
        with transaction.atomic():
            area.save(force_insert=True)
    except IntegrityError as error:
        raise refuse("decided_already") from error
    _record(area, actor)
    return area


def _change(area: PriorityArea, *, version: int, actor: User) -> PriorityArea:
    """Compare and set by version."""
    moved = PriorityArea.objects.filter(pk=area.pk, version=version).update(
        skill=area.skill,
        run=area.run,
        state=area.state,
        by_hand=area.by_hand,
        demand_rank=area.demand_rank,
        supply_rank=area.supply_rank,
        reason=area.reason,
        decided_by=actor,
        decided_on=area.decided_on,
        version=F("version") + 1,
    )
    present = PriorityArea.objects.select_related("skill").get(pk=area.pk)
    if not moved:
        raise _changed(present)
    _record(present, actor)
    return present


def _changed(present: PriorityArea) -> Conflict:
    return stale({"state": present.state, "version": present.version, "skill_code": present.skill.code})


def _record(area: PriorityArea, actor: User) -> None:
    audit.record(
        verb=f"area.{AreaState(area.state).value}",
        actor=actor,
        target=area,
        fiscal_year=area.fiscal_year,
        skill=area.skill.code,
        by_hand=area.by_hand,
        reason=area.reason,
    )
