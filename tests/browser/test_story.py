"""The whole story once, by the signed-in people of its steps.

A cycle is opened, answered, talked about, corrected, confirmed and received; a bureau tells its demand; a worker
computes the run; an area is adopted and everyone sees it.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from django.core.cache import cache
from playwright.sync_api import Browser, BrowserContext, Page, expect
from pytest_django.live_server_helper import LiveServer

from skillmap.assessment.choices import CycleStep, State
from skillmap.assessment.digits import digits_of
from skillmap.assessment.models import Assessment, ConfirmedLevel, Cycle
from skillmap.core import clock
from skillmap.core.fiscal import fiscal_year_of
from skillmap.gaps.choices import SurveyState
from skillmap.gaps.models import DemandResponse, DemandSurvey, GapRun, PriorityArea
from skillmap.people.choices import Grade, Occupation, OrganisationKind, Role
from skillmap.people.models import User
from tests.browser.conftest import CheckAccessibility, Shoot, SignIn
from tests.factories.assessment import make_framework, make_organisation, make_people, make_staff
from tests.factories.people import staff_in_bulk

pytestmark = pytest.mark.services
ITEMS = 4


class Cast:
    """Everyone of the story, each in a browser of their own."""

    def __init__(self, browser: Browser, live_server: LiveServer, sign_in: SignIn) -> None:
        self.browser, self.url, self.sign_in = browser, live_server.url, sign_in
        self.framework = make_framework(items=ITEMS, tools=0)
        self.bureau = make_organisation("福祉局")
        self.section = make_organisation("システム課", parent=self.bureau, kind=OrganisationKind.SECTION)
        other = make_organisation("計画課", parent=self.bureau, kind=OrganisationKind.SECTION)
        self.mentor = make_staff(other, name="千葉 直樹", grade=Grade.SECTION_MANAGER)
        self.people = make_people(5, [self.section], names=[f"職員{number}" for number in range(5)])
        self.office = make_staff(other, name="事務局 員", occupation=Occupation.CLERICAL, role=Role.SECRETARIAT)
        self.coordinator = make_staff(
            other, name="局 担当", occupation=Occupation.CLERICAL, role=Role.COORDINATOR, role_organisation=self.bureau
        )
        self.contexts: list[BrowserContext] = []

    def page(self, user: User) -> Page:
        """A browser of this person, signed in."""
        context = self.browser.new_context(locale="ja-JP", timezone_id="Asia/Tokyo", reduced_motion="reduce")
        self.sign_in(user, context=context)
        self.contexts.append(context)
        return context.new_page()

    def close(self) -> None:
        """Close every browser."""
        for context in self.contexts:
            context.close()


@pytest.fixture
def cast(
    celery_worker_process: subprocess.Popen[bytes], browser: Browser, live_server: LiveServer, sign_in: SignIn
) -> Iterator[Cast]:
    cache.clear()
    made = Cast(browser, live_server, sign_in)
    yield made
    made.close()
    cache.clear()


def press(page: Page, selector: str = "main form button.button--primary") -> None:
    page.locator(selector).first.click()
    page.wait_for_load_state()


def open_cycle(cast: Cast, page: Page, shoot: Shoot) -> Cycle:
    """The secretariat makes a cycle, sets its dates and its group, lets mentors be proposed, and opens it."""
    page.goto(f"{cast.url}/cycles/new/")
    page.locator("input[name=name]").fill("スキルチェック")
    press(page)
    cycle = Cycle.objects.get()
    today = clock.today()
    page.goto(f"{cast.url}/cycles/{cycle.pk}/dates/")
    for step in CycleStep.values:
        page.locator(f"input[name={step}_opens_on]").fill(today.isoformat())
        page.locator(f"input[name={step}_closes_on]").fill((today + timedelta(days=20)).isoformat())
    press(page)
    if not cycle.groups.exists():
        page.goto(f"{cast.url}/cycles/{cycle.pk}/groups/new/")
        page.locator("input[name=name]").fill("ICT職")
        page.locator("input[name=items][value=digital]").check()
        page.locator("input[name=with_one_on_one]").check()
        page.locator("input[name=occupations][value=ict]").check()
        press(page)
    page.goto(f"{cast.url}/cycles/{cycle.pk}/mentors/")
    page.locator("form[action$='/propose/'] button").click()
    expect(page.locator("form[action*='/accept/'] input[name=chosen]").first).to_be_visible(timeout=60_000)
    page.locator("input[name=not_evaluator]").check()
    press(page, "form[action*='/accept/'] button.button--primary")
    page.goto(f"{cast.url}/cycles/{cycle.pk}/open/")
    if page.locator("input[name=without_mentor]").count():
        page.locator("input[name=without_mentor]").check()
    shoot(page, "story-01-open", always=True)
    press(page)
    deadline = 60
    while not Assessment.objects.exists() and deadline:
        page.wait_for_timeout(1000)
        deadline -= 1
    cycle.refresh_from_db()
    assert cycle.is_open
    return cycle


def answer(cast: Cast, user: User, levels: list[int], shoot: Shoot | None = None) -> None:
    """A person goes from home to the check, reads what it is for, answers and submits."""
    page = cast.page(user)
    page.goto(cast.url)
    press(page, ".task a.button--primary")
    press(page)
    for number, level in enumerate(levels):
        page.locator("fieldset.skill-item").nth(number).locator("label.level-card").nth(level).click()
    expect(page.locator("#check-state")).to_have_text(re.compile(r"\d\d:\d\d"))
    if shoot:
        shoot(page, "story-02-self-check", always=True)
    page.locator("[data-next]").click()
    expect(page).to_have_url(re.compile(r"/submit/$"))
    press(page)
    assert Assessment.objects.get(staff__user=user).state == "submitted"


def meet(cast: Cast, check: Assessment, shoot: Shoot, kind: str) -> None:
    """The mentor records a 1on1: from the list of mentees, two clicks."""
    pair = check.cycle.mentor_pairs.active().get(mentee=check.staff_id, is_deputy=False)
    assert pair.mentor.user is not None
    page = cast.page(pair.mentor.user)
    page.goto(f"{cast.url}/one-on-ones/{check.pk}/")
    page.locator("input[name=held_on]").fill(clock.today().isoformat())
    page.locator("input[name=way]").first.check()
    page.locator("textarea[name=note]").fill("これから伸ばす分野を話しました。")
    shoot(page, f"story-1on1-{kind}", always=True)
    if kind == "first":
        page.locator('.action-bar a[href="#finish"]').click()
        page.locator('button[value="finish"]').click()
    else:
        page.locator(".action-bar button.button--primary").click()
    page.wait_for_load_state()
    assert check.meetings.filter(kind=kind, held_on__isnull=False).exists()


def others_are_confirmed(cast: Cast, cycle: Cycle) -> None:
    """Ten more people have gone the same way: of six alone nothing may be told, and so nothing proposed."""
    people = staff_in_bulk(10, [cast.section], prefix="900")
    now = clock.now()
    Assessment.objects.bulk_create(
        Assessment(
            cycle=cycle,
            group=cycle.groups.get(),
            staff=person,
            organisation_id=person.organisation_id,
            grade=person.grade,
            occupation=Occupation.ICT,
            state=State.CONFIRMED,
            submitted_at=now,
            confirmed_at=now,
            confirmed_by=cast.office,
            confirmed_digits=digits_of([1, 2, 2, 2]),
        )
        for person in people
    )


def tell_demand(cast: Cast, shoot: Shoot) -> DemandSurvey:
    """The coordinator enters lines and submits."""
    today = clock.today()
    survey = DemandSurvey.objects.create(
        fiscal_year=fiscal_year_of(today), name="需要調査", framework=cast.framework, state=SurveyState.OPEN,
        opens_on=today, closes_on=today + timedelta(days=9), created_by=cast.office,
    )  # fmt: skip
    response = DemandResponse.objects.create(survey=survey, organisation=cast.bureau)
    page = cast.page(cast.coordinator)
    page.goto(cast.url)
    press(page, ".task a.button--primary")
    skills = list(cast.framework.skills.order_by("number"))
    for skill, heads in zip(skills, (9, 4, 3, 2), strict=True):
        page.locator("input[name=business]").fill("窓口予約サービスの改善")
        page.locator("select[name=skill]").select_option(str(skill.pk))
        page.locator("input[name=headcount]").fill(str(heads))
        press(page, "form:has(input[name=business]) button[type=submit], form:has(input[name=business]) button")
    shoot(page, "story-demand", always=True)
    page.locator("button[name=action][value=submit]").first.click()
    page.wait_for_load_state()
    response.refresh_from_db()
    assert (response.state, response.items.count()) == ("submitted", 4)
    return survey


def test_from_opening_a_cycle_to_an_adopted_area(
    cast: Cast, shoot: Shoot, check_accessibility: CheckAccessibility, page_errors: list[str]
) -> None:
    office = cast.page(cast.office)
    cycle = open_cycle(cast, office, shoot)
    first, *others = cast.people
    answer(cast, first, [1, 2, 0, 1], shoot)
    for user in (*others, cast.mentor):
        answer(cast, user, [1, 2, 2, 1])

    checks = list(Assessment.objects.filter(cycle=cycle).select_related("staff__user", "cycle").order_by("pk"))
    with_mentor = [check for check in checks if cycle.mentor_pairs.active().filter(mentee=check.staff_id).exists()]
    assert len(with_mentor) >= 5
    for check in with_mentor:
        meet(cast, check, shoot, "first")
        check.refresh_from_db()
        assert check.state == "reviewed"
        assert check.staff.user is not None
        own = cast.page(check.staff.user)
        own.goto(f"{cast.url}/check/{check.pk}/")
        own.locator("[data-next]").click()
        expect(own).to_have_url(re.compile(r"/submit/$"))
        press(own)
        check.refresh_from_db()
        assert check.state == "corrected"

    office.goto(f"{cast.url}/cycles/{cycle.pk}/board/")
    check_accessibility(office)
    shoot(office, "story-board", always=True)
    office.goto(f"{cast.url}/cycles/{cycle.pk}/confirm/")
    check_accessibility(office)
    shoot(office, "story-confirm", always=True)
    for box in office.locator("input[name=chosen]").all():
        box.check()
    press(office, "form:has(input[name=chosen]) button.button--primary")
    shoot(office, "story-confirmed", always=True)
    assert Assessment.objects.filter(cycle=cycle, state="confirmed").count() == len(with_mentor)
    assert ConfirmedLevel.objects.current().count() == ITEMS * len(with_mentor)

    check = Assessment.objects.get(staff__user=first)
    meet(cast, check, shoot, "second")
    person = cast.page(first)
    person.goto(f"{cast.url}/results/{check.pk}/")
    check_accessibility(person)
    shoot(person, "story-result", always=True)
    press(person)
    check.refresh_from_db()
    assert check.state == "received"

    others_are_confirmed(cast, cycle)
    survey = tell_demand(cast, shoot)
    office.goto(f"{cast.url}/gaps/runs/new/")
    office.locator("select[name=cycle]").select_option(str(cycle.pk))
    office.locator("select[name=survey]").select_option(str(survey.pk))
    press(office)
    run = GapRun.objects.get(survey=survey)
    for _ in range(60):
        run.refresh_from_db()
        if run.finished_at is not None:
            break
        office.wait_for_timeout(1000)
    assert run.finished_at is not None, "the worker computed the run"
    office.goto(f"{cast.url}/gaps/runs/{run.pk}/publish/")
    press(office)
    run.refresh_from_db()
    assert run.published_at is not None
    adopt(cast, office, run, shoot)

    person.goto(cast.url)
    expect(person.locator("main")).to_contain_text("ITストラテジー")
    shoot(person, "story-adopted-home", always=True)
    office.goto(f"{cast.url}/gaps/")
    check_accessibility(office)
    shoot(office, "story-dashboard", always=True)
    api: Any = person.request.get(f"{cast.url}/api/v1/priority-areas/?fiscal_year={run.fiscal_year}")
    assert [row["skill_code"] for row in api.json()["results"]] == ["it_strategy"]
    page_errors.clear()


def adopt(cast: Cast, office: Page, run: GapRun, shoot: Shoot) -> None:
    """The rule proposes the item asked for most and held least; the secretariat adopts it."""
    office.goto(f"{cast.url}/gaps/runs/{run.pk}/areas/")
    proposed = office.locator("input[name=skill]")
    assert [box.get_attribute("value") for box in proposed.all()] == ["it_strategy"]
    proposed.first.check()
    shoot(office, "story-decide", always=True)
    press(office, "form:has(input[name=skill]) button.button--primary")
    area = PriorityArea.objects.get()
    assert (area.skill.code, area.state) == ("it_strategy", "adopted")
    assert isinstance(area.decided_on, date)
