"""A cycle's own life: created, its dates, groups and purpose text, closed."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Max

from skillmap.assessment import cycle_rules, rules, texts
from skillmap.assessment.choices import CycleState, SecondMeeting
from skillmap.assessment.cycle_messages import REFUSALS, refuse
from skillmap.assessment.models import Cycle, CycleGroup, CycleWindow, MentorPair, PurposeText
from skillmap.assessment.selectors.cycles import closing_figures, last_cycle_before, windows_of_cycle
from skillmap.assessment.services.standing import settle
from skillmap.core import audit, clock
from skillmap.core.errors import Conflict
from skillmap.core.locks import queue_to_change
from skillmap.framework.choices import FrameworkState
from skillmap.framework.models import Framework
from skillmap.people.access import access_of
from skillmap.people.choices import Role
from skillmap.people.models import User


def lock_cycle(cycle_id: int, *, version: int | None = None) -> Cycle:
    """Hold a cycle for this transaction; those who save in it hold it FOR SHARE, so one waits for the other.

    Raises:
        Cycle.DoesNotExist: there is none.
        Conflict: it no longer has the version that the actor saw.
    """
    queue_to_change(Cycle)
    cycle = Cycle.objects.select_for_update(of=("self",)).get(pk=cycle_id)
    if version is not None and cycle.version != version:
        raise Conflict(REFUSALS["cycle_changed"], code="cycle_changed", details={"version": cycle.version})
    return cycle


def _lock_draft(cycle_id: int, actor: User, version: int | None = None) -> Cycle:
    access_of(actor).require(Role.SECRETARIAT)
    cycle = lock_cycle(cycle_id, version=version)
    if cycle.state != CycleState.DRAFT:
        raise refuse("not_a_draft")
    return cycle


def _touch(cycle: Cycle, *fields: str) -> None:
    cycle.version += 1
    cycle.save(update_fields=[*fields, "version"])


# ---------------------------------------------------------------------------------------------------------- purpose


def newest_purpose_text() -> PurposeText:
    """The newest purpose text; an installation's first one is the built-in one."""
    newest = PurposeText.objects.order_by("-number").first()
    if newest is not None:
        return newest
    first, _created = PurposeText.objects.get_or_create(
        number=1, defaults={"text": texts.PURPOSE_JA, "text_en": texts.PURPOSE_EN}
    )
    return first


@transaction.atomic
def purpose_change(*, cycle_id: int, version: int, text: str, text_en: str, actor: User) -> PurposeText:
    """Give a cycle a new version of the purpose text; in a running cycle everyone is shown it anew.

    The same text makes no new version. RuleViolation `purpose_empty`, `not_open` (closed), Conflict `cycle_changed`.
    """
    access_of(actor).require(Role.SECRETARIAT)
    if not text.strip():
        raise refuse("purpose_empty")
    cycle = lock_cycle(cycle_id, version=version)
    if cycle.state == CycleState.CLOSED:
        raise refuse("not_open")
    present = cycle.purpose_text
    if (present.text.strip(), present.text_en.strip()) == (text.strip(), text_en.strip()):
        return present
    number = (PurposeText.objects.aggregate(last=Max("number"))["last"] or 0) + 1
    fresh = PurposeText.objects.create(number=number, text=text.strip(), text_en=text_en.strip())
    cycle.purpose_text = fresh
    _touch(cycle, "purpose_text")
    audit.record(verb="cycle.purpose", actor=actor, target=cycle, number=number)
    return fresh


# ----------------------------------------------------------------------------------------------------------- create


@transaction.atomic
def cycle_create(
    *, fiscal_year: int, name: str, framework_id: int, second_meeting: str, actor: User, copy_last: bool = True
) -> Cycle:
    """A draft cycle. Dates and groups are those of the last cycle, moved to this year, or the default calendar.

    Mentors are not copied: last year's come back as proposals, since they have to be eligible still.

    Raises:
        RuleViolation: `name_taken`, `framework_not_published`.
    """
    access_of(actor).require(Role.SECRETARIAT)
    _published(framework_id)
    cycle = Cycle(
        fiscal_year=fiscal_year,
        name=name.strip(),
        framework_id=framework_id,
        second_meeting=second_meeting,
        purpose_text=newest_purpose_text(),
        created_by=actor,
    )
    try:
        with transaction.atomic():
            cycle.save(force_insert=True)
    except IntegrityError as error:
        raise refuse("name_taken") from error
    last = last_cycle_before(fiscal_year, besides=cycle.pk) if copy_last else None
    _write_windows(cycle, _first_windows(cycle, last))
    if last is not None:
        CycleGroup.objects.bulk_create(
            CycleGroup(
                cycle=cycle,
                name=group.name,
                items=group.items,
                with_one_on_one=group.with_one_on_one,
                selection=group.selection,
                sort_order=group.sort_order,
            )
            for group in last.groups.order_by("sort_order", "pk")
        )
    audit.record(verb="cycle.create", actor=actor, target=cycle, copied_from=last.pk if last is not None else None)
    return cycle


def _published(framework_id: int) -> Framework:
    framework = Framework.objects.filter(pk=framework_id, state=FrameworkState.PUBLISHED).first()
    if framework is None:
        raise refuse("framework_not_published")
    return framework


def _first_windows(cycle: Cycle, last: Cycle | None) -> dict[str, rules.Window]:
    before = cycle.second_meeting == SecondMeeting.BEFORE
    if last is not None and last.second_meeting == cycle.second_meeting:
        moved = cycle_rules.moved_windows(windows_of_cycle(last), cycle.fiscal_year - last.fiscal_year)
        if not cycle_rules.window_problems(moved, fiscal_year=cycle.fiscal_year, second_before=before):
            return moved
    return cycle_rules.default_windows(cycle.fiscal_year, second_before=before)


def _write_windows(cycle: Cycle, windows: Mapping[str, rules.Window]) -> None:
    CycleWindow.objects.bulk_create(
        (
            CycleWindow(cycle=cycle, step=step, opens_on=window.opens_on, closes_on=window.closes_on)
            for step, window in windows.items()
        ),
        update_conflicts=True,
        unique_fields=["cycle", "step"],
        update_fields=["opens_on", "closes_on"],
    )


# ------------------------------------------------------------------------------------------------------------- edit


@transaction.atomic
def cycle_update(
    *, cycle_id: int, version: int, name: str, framework_id: int, second_meeting: str, actor: User
) -> Cycle:
    """Change name, framework and place of the second 1on1 of a draft.

    Raises:
        RuleViolation: `not_a_draft`, `name_taken`, `framework_not_published`.
        Conflict: `cycle_changed`.
    """
    cycle = _lock_draft(cycle_id, actor, version)
    _published(framework_id)
    cycle.name, cycle.framework_id, cycle.second_meeting = name.strip(), framework_id, second_meeting
    try:
        with transaction.atomic():
            _touch(cycle, "name", "framework", "second_meeting")
    except IntegrityError as error:
        raise refuse("name_taken") from error
    audit.record(verb="cycle.update", actor=actor, target=cycle)
    return cycle


@transaction.atomic
def windows_change(*, cycle_id: int, version: int, windows: Mapping[str, rules.Window], actor: User) -> Cycle:
    """Set the dates of all steps, in a draft or while the cycle runs.

    Raises:
        RuleViolation: `windows` with `details["problems"]` {step: code}; `not_open` where it is closed.
        Conflict: `cycle_changed`.
    """
    access_of(actor).require(Role.SECRETARIAT)
    cycle = lock_cycle(cycle_id, version=version)
    if cycle.state == CycleState.CLOSED:
        raise refuse("not_open")
    problems = cycle_rules.window_problems(
        windows, fiscal_year=cycle.fiscal_year, second_before=cycle.second_meeting == SecondMeeting.BEFORE
    )
    if problems:
        raise refuse("windows", {"problems": {problem.step: problem.code for problem in problems}})
    before = windows_of_cycle(cycle)
    _write_windows(cycle, windows)
    settle(cycle.assessments.all())
    _touch(cycle)
    changed = {
        step: [window.opens_on.isoformat(), window.closes_on.isoformat()]
        for step, window in windows.items()
        if before.get(step) != window
    }
    audit.record(verb="cycle.windows", actor=actor, target=cycle, windows=changed)
    return cycle


def _checked(selection: Mapping[str, Sequence[Any]]) -> dict[str, list[Any]]:
    keys = ("occupations", "designations", "organisation_ids", "staff_numbers")
    given = {key: list(selection[key]) for key in keys if selection.get(key)}
    if not given:
        raise refuse("group_empty_selection")
    return given


@transaction.atomic
def group_save(
    *,
    cycle_id: int,
    name: str,
    items: str,
    with_one_on_one: bool,
    selection: Mapping[str, Sequence[Any]],
    sort_order: int,
    actor: User,
    group_id: int | None = None,
) -> CycleGroup:
    """Add a group to a draft cycle, or change one.

    Raises:
        RuleViolation: `not_a_draft`, `group_name_taken`, `group_empty_selection`.
        CycleGroup.DoesNotExist: no such group in this cycle.
    """
    cycle = _lock_draft(cycle_id, actor)
    group = CycleGroup(cycle=cycle) if group_id is None else CycleGroup.objects.get(pk=group_id, cycle=cycle)
    group.name, group.items, group.with_one_on_one = name.strip(), items, with_one_on_one
    group.selection, group.sort_order = _checked(selection), sort_order
    try:
        with transaction.atomic():
            if group_id is None:
                group.save(force_insert=True)
            else:
                group.save(update_fields=["name", "items", "with_one_on_one", "selection", "sort_order"])
    except IntegrityError as error:
        raise refuse("group_name_taken") from error
    _touch(cycle)
    audit.record(verb="cycle.group", actor=actor, target=cycle, group=group.pk)
    return group


@transaction.atomic
def group_remove(*, cycle_id: int, group_id: int, actor: User) -> None:
    """Remove a group from a draft cycle; RuleViolation `not_a_draft`."""
    cycle = _lock_draft(cycle_id, actor)
    CycleGroup.objects.get(pk=group_id, cycle=cycle).delete()
    _touch(cycle)
    audit.record(verb="cycle.group_remove", actor=actor, target=cycle, group=group_id)


# ------------------------------------------------------------------------------------------------------------ close


@transaction.atomic
def cycle_close(*, cycle_id: int, accepted: Collection[str], actor: User) -> Cycle:
    """Close a running cycle for good, with its checklist kept as it was.

    The row is held FOR UPDATE: whoever is saving is waited for, and whoever comes later sees the cycle closed. Pairs of
    mentor and mentee end with it, so that nobody goes on seeing levels.

    Args:
        accepted: codes of `cycle_rules.closing_checklist` that are left unsettled knowingly.

    Raises:
        RuleViolation: `not_open`; `checklist_open` with `details["open"]`, the codes neither settled nor accepted.
    """
    access_of(actor).require(Role.SECRETARIAT)
    cycle = lock_cycle(cycle_id)
    if cycle.state != CycleState.OPEN:
        raise refuse("not_open")
    items = cycle_rules.closing_checklist(closing_figures(cycle))
    missing = cycle_rules.not_accepted(items, accepted)
    if missing:
        raise refuse("checklist_open", {"open": list(missing)})
    now = clock.now()
    MentorPair.objects.active().filter(cycle=cycle).update(ended_at=now, reason="cycle_closed")
    settle(cycle.assessments.all())
    cycle.state, cycle.closed_at = CycleState.CLOSED, now
    cycle.closing_checklist = {
        "by": actor.pk,
        "items": [
            {"code": item.code, "count": item.count, "settled": item.settled, "accepted": not item.settled}
            for item in items
        ],
    }
    _touch(cycle, "state", "closed_at", "closing_checklist")
    audit.record(
        verb="cycle.close",
        actor=actor,
        target=cycle,
        left_open={item.code: item.count for item in items if not item.settled},
    )
    return cycle
