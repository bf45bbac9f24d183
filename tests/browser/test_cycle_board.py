"""Cycles, board, mentors and sheets in a real browser: accessible in their states, nothing wider than a phone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.urls import reverse
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from skillmap.assessment.choices import CycleState, SecondMeeting, State
from skillmap.assessment.models import Cycle, Extension, MentorPair
from skillmap.assessment.services import cycles, findings, mentors
from skillmap.assessment.services.standing import settle
from skillmap.core import clock, jobs
from skillmap.people.choices import StaffStatus
from skillmap.people.models import Staff
from tests.browser.conftest import DESKTOP, PHONE, CheckAccessibility, Shoot, SignIn
from tests.browser.structure import fits
from tests.factories.assessment import World, make_cycle, set_windows


@pytest.fixture
def world(transactional_db: None) -> Iterator[World]:
    """Forty people, some late, one on leave, one without a mentor, proposals worked out, findings written."""
    cache.clear()
    world = make_cycle(people=40, items=22)
    today = clock.today()
    set_windows(
        world.cycle, opens_on=today - timedelta(days=60), closes_on=today - timedelta(days=3), steps=["self_check"]
    )
    Extension.objects.create(
        assessment=world.check("started"),
        step="self_check",
        closes_on=today + timedelta(days=9),
        reason="出張のため",
        granted_by=world.secretariat,
    )
    Staff.objects.filter(pk=world.staff("submitted").pk).update(status=StaffStatus.ON_LEAVE)
    MentorPair.objects.active().filter(mentee=world.staff("reviewed"), is_deputy=False).update(ended_at=clock.now())
    settle(world.cycle.assessments.all())
    for kind, text in (("finding", "データ分野で自立レベルが少ない。"), ("measure", "研修の枠を増やす。")):
        findings.finding_add(cycle=world.cycle, kind=kind, text=text, actor=world.secretariat)
    job = mentors.proposals_start(cycle=world.cycle, capacity=None, actor=world.secretariat)
    jobs.run(job.pk)
    yield world
    cache.clear()


@pytest.fixture
def draft(world: World) -> Cycle:
    """A draft of next year with the groups of this one."""
    return cycles.cycle_create(
        fiscal_year=world.cycle.fiscal_year + 1,
        name="来年度スキルチェック",
        framework_id=world.framework.pk,
        second_meeting=SecondMeeting.AFTER,
        actor=world.secretariat,
    )


def addresses(world: World, draft: Cycle) -> dict[str, str]:
    """The pages by the name of their picture."""
    pk = world.cycle.pk
    wanted: dict[str, tuple[str, list[object]]] = {
        "cycle-create": ("cycle_create", []),
        "cycle-draft": ("cycle_detail", [draft.pk]),
        "cycle-dates": ("cycle_windows", [draft.pk]),
        "cycle-group": ("cycle_group_create", [draft.pk]),
        "cycle-purpose": ("cycle_purpose", [draft.pk]),
        "cycle-participants": ("cycle_participants", [draft.pk]),
        "cycle-open": ("cycle_open", [draft.pk]),
        "cycle-close": ("cycle_close", [pk]),
        "board": ("board", [pk]),
        "board-confirm": ("board_confirm", [pk]),
        "mentors": ("mentors", [pk]),
        "findings": ("findings", [pk]),
        "mail-text": ("mail_text", ["reminder.soon"]),
        "levels-export": ("levels_export", []),
    }
    found = {name: reverse(f"assessment:{route}", args=args) for name, (route, args) in wanted.items()}
    found["board-nobody"] = reverse("assessment:board", args=[pk]) + "?q=xyz"
    return found


# What the world of the access matrix has none of: a draft, forty people, proposals, somebody on leave.
FULL = (
    "cycle-draft",
    "cycle-participants",
    "cycle-open",
    "board",
    "board-nobody",
    "board-confirm",
    "mentors",
    "findings",
)


def test_the_pages_of_the_secretariat(
    page: Page,
    live_server: LiveServer,
    sign_in: SignIn,
    check_accessibility: CheckAccessibility,
    shoot: Shoot,
    world: World,
    draft: Cycle,
) -> None:
    sign_in(world.secretariat)
    urls = addresses(world, draft)
    for name in FULL:
        page.set_viewport_size({"width": DESKTOP["width"], "height": DESKTOP["height"]})
        page.goto(live_server.url + urls[name])
        check_accessibility(page)
        shoot(page, f"cycle-{name}")
        page.set_viewport_size({"width": PHONE["width"], "height": PHONE["height"]})
        assert fits(page), name
        shoot(page, f"cycle-{name}-phone")


def test_the_pages_with_errors(
    page: Page,
    live_server: LiveServer,
    sign_in: SignIn,
    check_accessibility: CheckAccessibility,
    page_errors: list[str],
    world: World,
    draft: Cycle,
) -> None:
    sign_in(world.secretariat)
    for name in (
        "cycle-create",
        "cycle-dates",
        "cycle-group",
        "cycle-purpose",
        "mail-text",
        "levels-export",
        "cycle-close",
    ):
        page.goto(live_server.url + addresses(world, draft)[name])
        for field in page.locator("main form .field input[type=text], main form .field input[type=date]").all():
            field.fill("")
        for field in page.locator("main form .field textarea").all():
            field.fill("")
        page.locator("main form button[type=submit].button--primary, main form button.button--danger").first.click()
        page.wait_for_load_state()
        expect(page.locator(".error-summary")).to_be_visible()
        check_accessibility(page)
    # The browser notes each answer 422; nothing else may have gone wrong.
    assert all("422" in error for error in page_errors)
    page_errors.clear()


def test_narrowing_down_reminding_and_confirming(
    page: Page,
    live_server: LiveServer,
    sign_in: SignIn,
    check_accessibility: CheckAccessibility,
    shoot: Shoot,
    world: World,
) -> None:
    sign_in(world.secretariat)
    page.goto(live_server.url + reverse("assessment:board", args=[world.cycle.pk]))
    page.select_option("#id_state", State.CORRECTED.value)
    page.locator(".filters button[type=submit]").click()
    expect(page.locator("#board-list tbody tr")).to_have_count(3)
    assert "state=corrected" in page.url
    page.goto(live_server.url + reverse("assessment:board", args=[world.cycle.pk]) + "?step=self_check&overdue=on")
    page.locator("#board-list input[name=chosen]").first.check()
    page.locator("#board-list button[type=submit]").first.click()
    expect(page.locator("#messages")).to_contain_text("1")
    page.goto(live_server.url + reverse("assessment:board_confirm", args=[world.cycle.pk]))
    for box in page.locator("input[name=chosen]").all():
        box.check()
    page.locator("main form[method=post] .button--primary").click()
    page.wait_for_url("**/confirm/*-*/")
    check_accessibility(page)
    shoot(page, "cycle-board-result")
    assert world.check("corrected").state == State.CONFIRMED


def test_the_page_of_the_coordinator(
    page: Page,
    live_server: LiveServer,
    sign_in: SignIn,
    check_accessibility: CheckAccessibility,
    shoot: Shoot,
    world: World,
) -> None:
    sign_in(world.coordinator)
    page.goto(live_server.url + reverse("assessment:progress"))
    check_accessibility(page)
    shoot(page, "cycle-progress")
    page.set_viewport_size({"width": PHONE["width"], "height": PHONE["height"]})
    assert fits(page)
    shoot(page, "cycle-progress-phone")
    Cycle.objects.filter(pk=world.cycle.pk).update(state=CycleState.CLOSED, closed_at=clock.now())
    page.goto(live_server.url + reverse("assessment:progress"))
    check_accessibility(page)
