"""組織改正: planned, applied on the day or later; members, roles and history follow; tree and figures as they were."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
import time_machine

from skillmap.core.models import AuditEvent, Notification
from skillmap.people import selectors, services
from skillmap.people.choices import ChangeState, OrganisationKind, Role
from skillmap.people.models import Designation, Organisation, OrganisationChange, RoleGrant, User
from skillmap.people.services import changes, organisations
from tests.factories.people import (
    LONG_AGO,
    BureauGroupFactory,
    DesignationFactory,
    OrganisationFactory,
    StaffFactory,
    user_with,
)
from tests.people.test_staff_services import refused

pytestmark = pytest.mark.django_db
TODAY = date(2026, 4, 10)
APRIL = date(2026, 4, 1)


@pytest.fixture(autouse=True)
def _today() -> Any:
    with time_machine.travel(datetime(2026, 4, 10, 3, tzinfo=UTC), tick=False):
        yield


@pytest.fixture
def secretariat() -> User:
    return user_with(Role.SECRETARIAT)


def _do(actor: User, kind: str, on: date = APRIL, **plan: Any) -> OrganisationChange:
    change = services.change_plan(kind=kind, effective_on=on, plan=plan, actor=actor)
    return services.change_apply(change_id=change.pk, actor=actor)


def _new(code: str, **more: Any) -> dict[str, Any]:
    return services.NewOrganisation(code=code, name=f"新{code}", kind="bureau", **more).as_dict()


def _path(row: Organisation) -> str:
    row.refresh_from_db()
    return row.path


def test_a_rename_keeps_the_old_name_for_the_old_days(secretariat: User) -> None:
    row = OrganisationFactory.create(name="福祉保健局", short_name="福保")
    _do(secretariat, "rename", organisation=row.pk, name="福祉局", name_en="", short_name="")
    assert [node.name for node in selectors.tree_on(date(2026, 3, 31)) if node.pk == row.pk] == ["福祉保健局"]
    assert [node.label for node in selectors.tree_on(date(2026, 3, 31)) if node.pk == row.pk] == ["福保"]
    assert [node.name for node in selectors.tree_on(APRIL) if node.pk == row.pk] == ["福祉局"]
    row.refresh_from_db()
    assert row.name == "福祉局"
    with refused("no_change"):
        _do(secretariat, "rename", organisation=row.pk, name="福祉局", name_en="", short_name="")


def test_a_move_takes_the_whole_subtree_along(secretariat: User) -> None:
    top, other = OrganisationFactory.create(), OrganisationFactory.create()
    division = OrganisationFactory.create(parent=top)
    section = OrganisationFactory.create(parent=division)
    _do(secretariat, "move", organisation=division.pk, parent=other.pk)
    assert _path(section) == f"/{other.pk}/{division.pk}/{section.pk}/"
    assert _path(division) == f"/{other.pk}/{division.pk}/"
    before = {node.pk: node.path for node in selectors.tree_on(date(2026, 3, 31))}
    assert before[section.pk] == f"/{top.pk}/{division.pk}/{section.pk}/"
    _do(secretariat, "move", organisation=division.pk, parent=None, on=TODAY)
    assert _path(section) == f"/{division.pk}/{section.pk}/"
    with refused("circle"):
        _do(secretariat, "move", organisation=division.pk, parent=section.pk, on=TODAY)


def test_a_merge_moves_members_children_and_roles(secretariat: User) -> None:
    one, two = OrganisationFactory.create(code="one"), OrganisationFactory.create(code="two")
    child = OrganisationFactory.create(parent=one)
    staff = StaffFactory.create(organisation=one)
    below = StaffFactory.create(organisation=child)
    gone = StaffFactory.create(organisation=two, left=True)
    ambassador = DesignationFactory.create(staff__organisation=two)
    coordinator = user_with(Role.COORDINATOR, organisation=two)
    _do(secretariat, "merge", sources=[one.pk, two.pk], target=None, new=_new("both"), carry_roles=True)
    both = Organisation.objects.get(code="both")
    staff.refresh_from_db()
    assert staff.organisation == both
    assert [(row.organisation.code, row.valid_from, row.valid_to) for row in staff.memberships.order_by("pk")] == [
        ("one", LONG_AGO, APRIL),
        ("both", APRIL, None),
    ]
    below.refresh_from_db()
    assert below.organisation == child
    assert _path(child) == f"/{both.pk}/{child.pk}/"
    gone.refresh_from_db()
    assert gone.organisation == two
    assert gone.memberships.count() == 1
    held = ambassador.staff.designations.order_by("valid_from")
    assert [(row.organisation.code, row.valid_to) for row in held if row.organisation] == [
        ("two", APRIL),
        ("both", None),
    ]
    assert [grant.organisation for grant in RoleGrant.objects.in_force().filter(user=coordinator)] == [both]
    one.refresh_from_db()
    assert one.valid_to == APRIL
    assert set(Organisation.objects.current()) == {both, child, secretariat.staff.organisation}


def test_a_merge_into_an_existing_one(secretariat: User) -> None:
    one, two = OrganisationFactory.create(), OrganisationFactory.create()
    child = OrganisationFactory.create(parent=one)
    staff = StaffFactory.create(organisation=one)
    _do(secretariat, "merge", sources=[one.pk], target=two.pk, new=None)
    staff.refresh_from_db()
    assert staff.organisation == two
    assert _path(child) == f"/{two.pk}/{child.pk}/"
    assert selectors.mapping(date(2026, 3, 1), TODAY)[one.pk] == (two.pk,)


def test_nothing_goes_into_what_stands_below_it(secretariat: User) -> None:
    bureau = OrganisationFactory.create()
    division = OrganisationFactory.create(parent=bureau)
    with refused("circle"):
        _do(secretariat, "merge", sources=[bureau.pk], target=division.pk, new=None)


def test_a_split_gives_the_rest_to_the_first_part(secretariat: User) -> None:
    source = OrganisationFactory.create(code="source")
    child, stays = OrganisationFactory.create(parent=source), OrganisationFactory.create(parent=source)
    chosen, rest = StaffFactory.create(organisation=source), StaffFactory.create(organisation=source)
    parts = [
        {"new": _new("a"), "staff": [], "children": []},
        {"new": _new("b"), "staff": [chosen.pk], "children": [child.pk]},
    ]
    _do(secretariat, "split", source=source.pk, keep=False, parts=parts)
    chosen.refresh_from_db()
    rest.refresh_from_db()
    assert (chosen.organisation.code, rest.organisation.code) == ("b", "a")
    assert _path(child).startswith(Organisation.objects.get(code="b").path)
    assert _path(stays).startswith(Organisation.objects.get(code="a").path)
    ends = {row.code: row.pk for row in Organisation.objects.filter(code__in=["a", "b"])}
    assert selectors.mapping(date(2026, 3, 1), TODAY)[source.pk] == tuple(sorted(ends.values()))
    assert selectors.mapping(TODAY, date(2026, 3, 1))[ends["a"]] == (source.pk,)


def test_a_split_may_keep_the_source(secretariat: User) -> None:
    source = OrganisationFactory.create()
    chosen, rest = StaffFactory.create(organisation=source), StaffFactory.create(organisation=source)
    coordinator = user_with(Role.COORDINATOR, organisation=source)
    parts = [{"new": _new("b"), "staff": [chosen.pk], "children": []}]
    _do(secretariat, "split", source=source.pk, keep=True, parts=parts)
    part = Organisation.objects.get(code="b")
    chosen.refresh_from_db()
    rest.refresh_from_db()
    assert (chosen.organisation, rest.organisation) == (part, source)
    assert selectors.mapping(date(2026, 3, 1), TODAY)[source.pk] == tuple(sorted([source.pk, part.pk]))
    assert [grant.organisation for grant in RoleGrant.objects.in_force().filter(user=coordinator)] == [source]


def test_closing_needs_a_place_for_the_members(secretariat: User) -> None:
    row, other = OrganisationFactory.create(), OrganisationFactory.create()
    staff = StaffFactory.create(organisation=row)
    child = OrganisationFactory.create(parent=row)
    with refused("has_children"):
        _do(secretariat, "close", organisation=row.pk, members_to=None)
    _do(secretariat, "close", organisation=child.pk, members_to=None)
    with refused("has_members"):
        _do(secretariat, "close", organisation=row.pk, members_to=None)
    _do(secretariat, "close", organisation=row.pk, members_to=other.pk)
    staff.refresh_from_db()
    assert staff.organisation == other
    found = selectors.mapping(date(2026, 3, 1), TODAY)
    assert (found[row.pk], found[child.pk]) == ((other.pk,), ())
    with refused("closed"):
        _do(secretariat, "close", organisation=row.pk, members_to=other.pk)


def test_what_is_planned_waits_for_its_day(secretariat: User) -> None:
    one, two = OrganisationFactory.create(), OrganisationFactory.create()
    staff = StaffFactory.create(organisation=one)
    plan = {"sources": [one.pk], "target": two.pk, "new": None}
    change = services.change_plan(kind="merge", effective_on=date(2026, 5, 1), plan=plan, actor=secretariat)
    with refused("not_yet"):
        services.change_apply(change_id=change.pk, actor=secretariat)
    assert services.changes_apply_due() == {"applied": 0, "refused": 0}
    staff.refresh_from_db()
    assert staff.organisation == one
    with time_machine.travel(datetime(2026, 4, 30, 15, tzinfo=UTC)):  # midnight in Tokyo
        assert services.changes_apply_due() == {"applied": 1, "refused": 0}
        assert services.changes_apply_due() == {"applied": 0, "refused": 0}
    staff.refresh_from_db()
    assert staff.organisation == two


def test_a_late_application_comes_out_as_a_timely_one(secretariat: User) -> None:
    """Somebody moved in, somebody moved out, somebody left between the day and the application."""
    one, two, third = (OrganisationFactory.create(code=code) for code in ("one", "two", "third"))
    stayed, came, went, left = (
        StaffFactory.create(organisation=one),
        StaffFactory.create(organisation=third),
        StaffFactory.create(organisation=one),
        StaffFactory.create(organisation=one),
    )
    plan = {"sources": [one.pk], "target": two.pk, "new": None}
    change = services.change_plan(kind="merge", effective_on=date(2026, 5, 1), plan=plan, actor=secretariat)
    with time_machine.travel(datetime(2026, 5, 10, 3, tzinfo=UTC)):
        middle = date(2026, 5, 5)
        services.staff_move(staff_id=came.pk, on=middle, organisation_id=one.pk, actor=secretariat)
        services.staff_move(staff_id=went.pk, on=middle, organisation_id=third.pk, actor=secretariat)
        services.staff_leave(staff_id=left.pk, on=middle, actor=secretariat)
        services.change_apply(change_id=change.pk, actor=secretariat)

    def segments(staff: Any) -> list[tuple[str, date, date | None]]:
        rows = staff.memberships.order_by("valid_from").select_related("organisation")
        return [(row.organisation.code, row.valid_from, row.valid_to) for row in rows]

    day = date(2026, 5, 1)
    assert segments(stayed) == [("one", LONG_AGO, day), ("two", day, None)]
    assert segments(came) == [("third", LONG_AGO, middle), ("two", middle, None)]
    assert segments(went) == [("one", LONG_AGO, day), ("two", day, middle), ("third", middle, None)]
    assert segments(left) == [("one", LONG_AGO, day), ("two", day, middle)]
    for staff, code in ((stayed, "two"), (came, "two"), (went, "third"), (left, "two")):
        staff.refresh_from_db()
        assert staff.organisation.code == code


def test_what_cannot_be_applied_is_told(secretariat: User) -> None:
    row, other = OrganisationFactory.create(), OrganisationFactory.create()
    change = services.change_plan(
        kind="close",
        effective_on=date(2026, 5, 1),
        plan={"organisation": row.pk, "members_to": None},
        actor=secretariat,
    )
    fine = services.change_plan(
        kind="close", effective_on=date(2026, 5, 1), plan={"organisation": other.pk, "members_to": None}, actor=None
    )
    StaffFactory.create(organisation=row)
    with time_machine.travel(datetime(2026, 5, 2, tzinfo=UTC)):
        assert services.changes_apply_due() == {"applied": 1, "refused": 1}
        assert services.changes_apply_due() == {"applied": 0, "refused": 1}
    change.refresh_from_db()
    fine.refresh_from_db()
    assert (change.state, fine.state) == (ChangeState.PLANNED, ChangeState.APPLIED)
    assert change.problem
    assert Notification.objects.filter(recipient=secretariat, kind="organisation.problem").count() == 1
    row.refresh_from_db()
    assert row.valid_to is None


def test_an_organisation_to_come_can_be_named_by_other_plans(secretariat: User) -> None:
    day = date(2026, 5, 1)
    opening = services.change_plan(kind="open", effective_on=day, plan={"new": _new("soon")}, actor=secretariat)
    soon = Organisation.objects.get(code="soon")
    assert soon not in Organisation.objects.current()
    row = OrganisationFactory.create()
    moving = services.change_plan(
        kind="move", effective_on=day, plan={"organisation": row.pk, "parent": soon.pk}, actor=secretariat
    )
    with refused("in_use"):
        services.change_cancel(change_id=opening.pk, actor=secretariat)
    with time_machine.travel(datetime(2026, 5, 1, 3, tzinfo=UTC)):
        assert services.changes_apply_due() == {"applied": 2, "refused": 0}
    assert _path(row) == f"/{soon.pk}/{row.pk}/"
    with refused("wrong_state"):
        services.change_cancel(change_id=moving.pk, actor=secretariat)


def test_a_plan_can_be_dropped(secretariat: User) -> None:
    opening = services.change_plan(
        kind="open", effective_on=date(2026, 5, 1), plan={"new": _new("x")}, actor=secretariat
    )
    services.change_cancel(change_id=opening.pk, actor=secretariat)
    assert not Organisation.objects.filter(code="x").exists()
    with refused("wrong_state"):
        services.change_apply(change_id=opening.pk, actor=secretariat)


@pytest.mark.parametrize(
    ("kind", "plan", "code"),
    [
        ("rename", {"organisation": 0, "name": "x"}, "unknown_organisation"),
        ("merge", {"sources": ["one"], "target": None, "new": "new"}, "too_few"),
        ("merge", {"sources": ["one", "child"], "target": None, "new": "new"}, "circle"),
        ("merge", {"sources": ["one", "two"], "target": "one", "new": None}, "circle"),
        ("merge", {"sources": ["one", "two"], "target": None, "new": "taken"}, "code_taken"),
        ("merge", {"sources": ["one", "two"], "target": None, "new": "below"}, "circle"),
        ("split", {"source": "one", "keep": False, "parts": [{"new": "new"}]}, "too_few"),
        ("split", {"source": "one", "keep": False, "parts": [{"new": "new"}, {"new": "new"}]}, "code_taken"),
        (
            "split",
            {"source": "one", "keep": True, "parts": [{"new": "new", "children": ["two"]}]},
            "not_below",
        ),
        ("close", {"organisation": "two", "members_to": "two"}, "circle"),
        ("abolish", {}, "unknown_kind"),
    ],
)
def test_plans_that_make_no_sense_are_refused(secretariat: User, kind: str, plan: dict[str, Any], code: str) -> None:
    one, two = OrganisationFactory.create(code="one"), OrganisationFactory.create(code="two")
    child = OrganisationFactory.create(parent=one)
    ids = {"one": one.pk, "two": two.pk, "child": child.pk}
    news = {"new": _new("new"), "taken": _new("one"), "below": _new("new2", parent_id=child.pk)}

    def filled(value: Any) -> Any:
        if isinstance(value, list):
            return [filled(item) for item in value]
        if isinstance(value, dict):
            return {key: filled(item) for key, item in value.items()}
        return news.get(value, ids.get(value, value)) if isinstance(value, str) else value

    with refused(code):
        services.change_plan(kind=kind, effective_on=APRIL, plan=filled(plan), actor=secretariat)
    assert not OrganisationChange.objects.exists()


def test_history_cannot_be_written_before_what_is_recorded(secretariat: User) -> None:
    row = OrganisationFactory.create()
    _do(secretariat, "rename", organisation=row.pk, name="新", name_en="", short_name="", on=TODAY)
    with refused("later_version"):
        _do(secretariat, "rename", organisation=row.pk, name="旧", name_en="", short_name="", on=date(2026, 4, 5))
    with refused("later_version"):
        _do(secretariat, "close", organisation=row.pk, members_to=None, on=date(2026, 4, 5))


def test_what_changed_on_the_day_of_its_end_never_held(secretariat: User) -> None:
    """In whichever order the plans of a day come, and whatever else was saved on it."""
    one, two = OrganisationFactory.create(name="前"), OrganisationFactory.create()
    child, aunt = OrganisationFactory.create(parent=one), OrganisationFactory.create(parent=two)
    names = {"name": "新", "name_en": "", "short_name": ""}
    services.change_plan(kind="rename", effective_on=TODAY, plan={"organisation": one.pk, **names}, actor=secretariat)
    for source, target in ((one, two), (child, aunt)):
        plan = {"sources": [source.pk], "target": target.pk, "new": None}
        services.change_plan(kind="merge", effective_on=TODAY, plan=plan, actor=secretariat)
    group = BureauGroupFactory.create()
    services.organisation_update(
        organisation_id=child.pk, version=child.version, bureau_group_id=group.pk, actor=secretariat
    )
    assert services.changes_apply_due() == {"applied": 3, "refused": 0}
    for row in (one, child):
        assert [(part.valid_to, part.bureau_group_id) for part in row.versions.all()] == [(TODAY, None)]
    assert one.versions.get().name == "前"


def test_what_stands_below_is_taken_along_also_where_it_changes_or_opens_later(secretariat: User) -> None:
    one, two = OrganisationFactory.create(), OrganisationFactory.create()
    child = OrganisationFactory.create(parent=one)
    _do(secretariat, "rename", organisation=child.pk, name="新", name_en="", short_name="", on=date(2026, 4, 5))
    october = date(2026, 10, 1)
    plan = {"new": _new("later", parent_id=one.pk)}
    opened = services.change_plan(kind="open", effective_on=october, plan=plan, actor=secretariat).plan["opened"]
    _do(secretariat, "merge", sources=[one.pk], target=two.pk, new=None)
    assert [(row.valid_from, row.parent_id) for row in child.versions.order_by("valid_from")] == [
        (LONG_AGO, one.pk), (APRIL, two.pk), (date(2026, 4, 5), two.pk)
    ]  # fmt: skip
    assert _path(child) == f"/{two.pk}/{child.pk}/"
    by_pk = {node.pk: node.path for node in selectors.tree_on(october)}
    assert by_pk[opened] == f"/{two.pk}/{opened}/"


@pytest.mark.parametrize("form", ["close", "merge", "merge into new", "split"])
def test_members_never_come_into_a_heading(secretariat: User, form: str) -> None:
    """Units without members may be followed by one."""
    one, other = OrganisationFactory.create(), OrganisationFactory.create()
    heading = OrganisationFactory.create(kind=OrganisationKind.GROUP)
    new = _new("h") | {"kind": "group"}
    parts = [{"new": new, "staff": [], "children": []}, {"new": _new("b"), "staff": [], "children": []}]
    forms: dict[str, tuple[str, dict[str, Any]]] = {
        "close": ("close", {"organisation": one.pk, "members_to": heading.pk}),
        "merge": ("merge", {"sources": [one.pk], "target": heading.pk, "new": None}),
        "merge into new": ("merge", {"sources": [one.pk, other.pk], "target": None, "new": new}),
        "split": ("split", {"source": one.pk, "keep": False, "parts": parts}),
    }
    kind, plan = forms[form]
    staff = StaffFactory.create(organisation=one)
    with refused("not_a_place"):
        services.change_plan(kind=kind, effective_on=APRIL, plan=plan, actor=secretariat)
    services.staff_move(staff_id=staff.pk, on=date(2026, 3, 1), organisation_id=other.pk, actor=secretariat)
    if form != "merge into new":
        _do(secretariat, kind, **plan)


def test_closing_ends_designations_for_the_unit(secretariat: User) -> None:
    unit = OrganisationFactory.create()
    now = DesignationFactory.create(staff=StaffFactory.create(), organisation=unit)
    later = DesignationFactory.create(staff=StaffFactory.create(), organisation=unit, valid_from=date(2026, 6, 1))
    _do(secretariat, "close", organisation=unit.pk, members_to=None)
    now.refresh_from_db()
    assert now.valid_to == APRIL
    assert not Designation.objects.filter(pk=later.pk).exists()
    assert AuditEvent.objects.filter(verb="designation.end").count() == 2


@pytest.mark.parametrize(
    ("held", "given"),
    [
        ((LONG_AGO, date(2026, 4, 20)), [(date(2026, 4, 20), None)]),
        ((date(2026, 10, 1), None), [(APRIL, date(2026, 10, 1))]),
        ((LONG_AGO, None), []),
        ((date(2026, 5, 1), date(2026, 6, 1)), [(APRIL, date(2026, 5, 1)), (date(2026, 6, 1), None)]),
    ],
)
def test_by_a_merge_nobody_loses_time_in_a_role(
    secretariat: User, held: tuple[date, date | None], given: list[tuple[date, date | None]]
) -> None:
    one, two = OrganisationFactory.create(), OrganisationFactory.create()
    coordinator = user_with(Role.COORDINATOR, organisation=one)
    before = RoleGrant.objects.create(
        user=coordinator, role=Role.COORDINATOR, organisation=two, valid_from=held[0], valid_to=held[1]
    )
    _do(secretariat, "merge", sources=[one.pk], target=two.pk, new=None)
    made = RoleGrant.objects.filter(user=coordinator, organisation=two).exclude(pk=before.pk).order_by("valid_from")
    assert [(row.valid_from, row.valid_to) for row in made] == given
    ended = AuditEvent.objects.get(verb="role.revoke")
    assert (ended.data["organisation"], ended.data["on"]) == (one.pk, "2026-04-01")


def test_a_fault_in_one_plan_keeps_neither_others_nor_people_waiting(
    secretariat: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = OrganisationFactory.create(), OrganisationFactory.create()
    for row in (one, two):
        plan = {"organisation": row.pk, "name": f"新{row.pk}", "name_en": "", "short_name": ""}
        services.change_plan(kind="rename", effective_on=TODAY, plan=plan, actor=secretariat)
    version_from = organisations.version_from

    def fail(row: Organisation, *args: Any) -> None:
        if row.pk == one.pk:
            raise KeyError
        version_from(row, *args)

    monkeypatch.setattr(changes, "version_from", fail)
    assert services.changes_apply_due() == {"applied": 1, "refused": 1}
    assert OrganisationChange.objects.get(state=ChangeState.PLANNED).problem
    assert Notification.objects.filter(kind="organisation.problem").count() == 1


def test_whoever_plans_a_merge_gains_no_role_by_it(secretariat: User) -> None:
    one, two = OrganisationFactory.create(), OrganisationFactory.create()
    RoleGrant.objects.create(user=secretariat, role=Role.COORDINATOR, organisation=one, valid_from=LONG_AGO)
    _do(secretariat, "merge", sources=[one.pk], target=two.pk, new=None, carry_roles=True)
    held = RoleGrant.objects.in_force().filter(user=secretariat, role=Role.COORDINATOR)
    assert not held.exists()


def test_two_years_of_changes_are_followed(secretariat: User) -> None:
    one, two, three = (OrganisationFactory.create() for _ in range(3))
    _do(secretariat, "merge", sources=[one.pk], target=two.pk, new=None, on=date(2025, 4, 1))
    _do(secretariat, "merge", sources=[two.pk], target=three.pk, new=None, on=APRIL)
    assert selectors.mapping(date(2025, 3, 31), TODAY)[one.pk] == (three.pk,)
    assert selectors.mapping(date(2025, 3, 31), date(2025, 12, 31))[one.pk] == (two.pk,)
    back = selectors.mapping(TODAY, date(2025, 3, 31))
    assert back[three.pk] == tuple(sorted([one.pk, two.pk, three.pk]))


def test_the_tree_takes_one_query(secretariat: User, django_assert_num_queries: Any) -> None:
    for parent in [OrganisationFactory.create() for _ in range(3)]:
        OrganisationFactory.create(parent=parent)
    with django_assert_num_queries(1):
        assert len(selectors.tree_on(TODAY)) == 7


def test_a_bureau_group_is_dated(secretariat: User) -> None:
    row, group = OrganisationFactory.create(), BureauGroupFactory.create()
    services.organisation_update(organisation_id=row.pk, version=1, actor=secretariat, bureau_group_id=group.pk)
    by_day = {day: selectors.tree_on(day) for day in (date(2026, 4, 9), TODAY)}
    groups = {day: next(node.bureau_group_id for node in nodes if node.pk == row.pk) for day, nodes in by_day.items()}
    assert groups == {date(2026, 4, 9): None, TODAY: group.pk}


def test_headcounts_reach_up_the_tree() -> None:
    top = OrganisationFactory.create()
    division = OrganisationFactory.create(parent=top)
    StaffFactory.create(organisation=division)
    StaffFactory.create(organisation=top)
    StaffFactory.create(organisation=top, left=True)
    assert selectors.headcounts() == {top.pk: 2, division.pk: 1}


@pytest.mark.parametrize("form", ["close", "close with members", "merge", "split"])
def test_no_role_outlives_its_unit(secretariat: User, form: str) -> None:
    """Whether it is carried to what follows is another question."""
    unit, other = OrganisationFactory.create(), OrganisationFactory.create()
    coordinator = user_with(Role.COORDINATOR, organisation=unit)
    parts = [{"new": _new(code), "staff": [], "children": []} for code in "ab"]
    if form == "close":
        away: dict[str, Any] = {"on": date(2026, 3, 1), "organisation_id": other.pk}
        services.staff_move(staff_id=coordinator.staff.pk, actor=secretariat, **away)
        _do(secretariat, "close", organisation=unit.pk, members_to=None)
    elif form == "close with members":
        _do(secretariat, "close", organisation=unit.pk, members_to=other.pk)
    elif form == "merge":
        _do(secretariat, "merge", sources=[unit.pk], target=other.pk, new=None, carry_roles=False)
    else:
        _do(secretariat, "split", source=unit.pk, keep=False, parts=parts, carry_roles=False)
    assert not RoleGrant.objects.in_force().filter(user=coordinator).exists()
    assert AuditEvent.objects.filter(verb="role.revoke").count() == 1


def test_who_retires_on_the_day_before_a_reorganisation_was_never_moved_by_it(secretariat: User) -> None:
    one, two = OrganisationFactory.create(), OrganisationFactory.create()
    staff = StaffFactory.create(organisation=one)
    _do(secretariat, "merge", sources=[one.pk], target=two.pk, new=None)
    services.staff_leave(staff_id=staff.pk, on=APRIL, actor=secretariat)
    assert [(row.organisation_id, row.valid_to) for row in staff.memberships.all()] == [(one.pk, APRIL)]


def test_a_change_of_bureau_group_is_named_in_the_audit_trail(secretariat: User) -> None:
    unit, group = OrganisationFactory.create(), BureauGroupFactory.create()
    services.organisation_update(
        organisation_id=unit.pk, version=unit.version, bureau_group_id=group.pk, actor=secretariat
    )
    assert AuditEvent.objects.get(verb="organisation.update").data["fields"] == ["bureau_group"]
