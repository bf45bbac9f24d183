"""Pages of the demand survey: who gets in, what stands there by state, what each button does; no JavaScript."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import URLPattern, get_resolver, reverse
from pytest_django import DjangoAssertNumQueries

from skillmap.core import clock
from skillmap.core.models import Notification
from skillmap.framework.services import framework_retire
from skillmap.gaps.choices import ResponseState, SurveyState
from skillmap.gaps.models import DemandItem, DemandQuestion, DemandResponse, DemandSurvey
from skillmap.people.choices import OrganisationKind, Role
from skillmap.people.models import Organisation, User
from tests.factories.demand import (
    AFTER,
    DURING,
    DemandItemFactory,
    DemandQuestionFactory,
    DemandResponseFactory,
    DemandSurveyFactory,
    SurveyWorld,
    add_lines,
    make_survey,
)
from tests.factories.people import OrganisationFactory, StaffFactory, user_with
from tests.support.ground import on_ground

# Words and forms; every page is asked for on both databases by test_query_counts.
pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]


@time_machine.travel(DURING, tick=False)
def surveyed() -> SurveyWorld:
    """What all tests here start from."""
    return make_survey(lines=2)


laid, world = on_ground(surveyed)


@pytest.fixture(autouse=True)
def during() -> Iterator[None]:
    """A day on which lines can be entered."""
    with time_machine.travel(DURING, tick=False):
        yield


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def html_of(user: User, url: str, status: int = 200) -> str:
    answer = signed_in(user).get(url)
    assert answer.status_code == status
    return answer.content.decode()


def url_of(name: str, *args: object) -> str:
    return reverse(f"gaps:{name}", args=args)


def page(world: SurveyWorld) -> str:
    return url_of("demand", world.answer.pk)


def found_statements(taken: CaptureQueriesContext) -> list[str]:
    """Without those of the transaction, its locks, and the renewal of the session."""
    statements = [query["sql"] for query in taken.captured_queries]
    others = ("SAVEPOINT", "RELEASE", 'UPDATE "django_session')
    return [sql for sql in statements if not sql.startswith(others) and " FOR SHARE" not in sql]


def line_of_form(world: SurveyWorld, **more: object) -> dict[str, object]:
    return {
        "business": "予約サービス", "phase": "planning", "skill": world.skills[0].pk, "level": 2, "headcount": 4,
        "needed_from": "", "needed_until": "", "filled_staff": "", "filled_govtech": "", "filled_vendor": "",
        "note": "", **more,
    }  # fmt: skip


# ------------------------------------------------------------------------------------------------------------- who


def people(world: SurveyWorld) -> dict[str, User | None]:
    """Everybody who knocks."""
    section = OrganisationFactory.create(parent=world.organisations[0])
    staff = StaffFactory.create(organisation=world.organisations[0])
    return {
        "anonymous": None,
        "staff": staff.user,
        "executive": user_with(Role.EXECUTIVE),
        "section": user_with(Role.COORDINATOR, organisation=section),  # below the bureau, does not speak for it
        "other": world.coordinators[1],
        "own": world.coordinator,
        "supporter": world.supporter,
        "secretariat": world.secretariat,
    }


# route, method -> who gets what: anonymous, staff, executive, section, other, own, supporter, secretariat
ACCESS = {
    ("my_demand", "get"): (302, 403, 403, 200, 200, 200, 403, 403),
    ("demand", "get"): (302, 404, 404, 404, 404, 200, 200, 200),
    ("demand", "post"): (302, 404, 404, 404, 404, 422, 403, 403),
    ("demand_csv", "get"): (302, 404, 404, 404, 404, 200, 200, 200),
    ("demand_xlsx", "get"): (302, 404, 404, 404, 404, 200, 200, 200),
    ("demand_line", "get"): (302, 404, 404, 404, 404, 200, 403, 403),
    ("demand_line", "post"): (302, 404, 404, 404, 404, 422, 403, 403),
    ("demand_line_remove", "post"): (302, 404, 404, 404, 404, 302, 403, 403),
    ("demand_copy", "post"): (302, 404, 404, 404, 404, 302, 403, 403),
    ("demand_step", "post"): (302, 404, 404, 404, 404, 302, 403, 403),
    ("demand_reply", "post"): (302, 404, 404, 404, 404, 302, 403, 403),
    ("demand_ask", "post"): (302, 404, 404, 404, 404, 403, 403, 302),
    ("demand_extend", "post"): (302, 404, 404, 404, 404, 403, 403, 302),
    ("demand_sheet", "get"): (302, 404, 404, 404, 404, 200, 403, 403),
    ("demand_sheet", "post"): (302, 404, 404, 404, 404, 422, 403, 403),
    ("demand_sheet_template", "get"): (302, 404, 404, 404, 404, 200, 403, 403),
    ("surveys", "get"): (302, 403, 403, 403, 403, 403, 200, 200),
    ("survey_create", "get"): (302, 403, 403, 403, 403, 403, 403, 200),
    ("survey_create", "post"): (302, 403, 403, 403, 403, 403, 403, 422),
    ("survey", "get"): (302, 403, 403, 403, 403, 403, 200, 200),
    ("survey_csv", "get"): (302, 403, 403, 403, 403, 403, 200, 200),
    ("survey_xlsx", "get"): (302, 403, 403, 403, 403, 403, 200, 200),
    ("survey_edit", "get"): (302, 403, 403, 403, 403, 403, 403, 200),
    ("survey_edit", "post"): (302, 403, 403, 403, 403, 403, 403, 422),
    ("survey_step", "post"): (302, 403, 403, 403, 403, 403, 403, 302),
    ("survey_extend", "post"): (302, 403, 403, 403, 403, 403, 403, 422),
    ("survey_close", "get"): (302, 403, 403, 403, 403, 403, 403, 200),
}
SENT = {
    "demand_step": {"action": "submit"}, "demand_reply": {"reply-{question}-text": "台帳"},
    "demand_ask": {"ask-text": "?"}, "demand_extend": {"extend-until": "2026-06-10"},
    "survey_step": {"action": "remind"},
}  # fmt: skip


def arguments(world: SurveyWorld, name: str) -> list[int]:
    if name in ("my_demand", "surveys", "survey_create"):
        return []
    if name.startswith("survey"):
        return [world.survey.pk]
    item = world.answer.items.order_by("pk")[0]
    more = {"demand_line": [item.pk], "demand_line_remove": [item.pk]}
    if name == "demand_reply":
        return [world.answer.pk, DemandQuestion.objects.get().pk]
    return [world.answer.pk, *more.get(name, [])]


@pytest.mark.parametrize(("name", "method"), ACCESS)
def test_who_gets_in(world: SurveyWorld, name: str, method: str) -> None:
    question = DemandQuestionFactory.create(response=world.answer, asked_by=world.secretariat)
    if name == "demand_ask":
        DemandResponse.objects.filter(pk=world.answer.pk).update(state=ResponseState.SUBMITTED)
    sent = {key.format(question=question.pk): value for key, value in SENT.get(name, {}).items()}
    url = url_of(name, *arguments(world, name))
    found = []
    for user in people(world).values():
        client = signed_in(user) if user is not None else Client()
        answer = client.get(url) if method == "get" else client.post(url, sent)
        if user is None:
            assert answer.headers["Location"].startswith(reverse("account_login"))
        found.append(answer.status_code)
    assert tuple(found) == ACCESS[name, method]


def test_every_page_of_the_survey_is_in_the_table() -> None:
    namespaces = get_resolver().namespace_dict["gaps"][1].url_patterns
    names = {pattern.name for pattern in namespaces if isinstance(pattern, URLPattern) and pattern.name}
    ours = {name for name in names if name.startswith(("demand", "survey")) or name == "my_demand"}
    batches = {
        f"demand_sheet_{name}" for name in ("batch", "apply", "check", "discard", "report")
    }  # test_demand_sheets
    assert ours == {name for name, _method in ACCESS} | batches


@pytest.mark.parametrize("name", [name for name, method in ACCESS if method == "post"])
def test_what_writes_is_not_read_and_needs_its_token(world: SurveyWorld, name: str) -> None:
    DemandQuestionFactory.create(response=world.answer, asked_by=world.secretariat)
    url = url_of(name, *arguments(world, name))
    user = (
        world.secretariat if name.startswith("survey") or name in ("demand_ask", "demand_extend") else world.coordinator
    )
    if (name, "get") not in ACCESS:
        assert signed_in(user).get(url).status_code == 405
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(user)
    assert strict.post(url).status_code == 403


# ------------------------------------------------------------------------------------------------------ the answer


def test_the_page_says_where_the_answer_stands(world: SurveyWorld) -> None:
    html = html_of(world.coordinator, page(world))
    assert '<li aria-current="step"' in html and "2026" in html
    assert html.count('id="line-') == 2
    assert "new-line" in html and 'value="submit"' in html
    totals = {(item.skill.number, item.headcount) for item in world.answer.items.select_related("skill")}
    for number, heads in totals:
        assert re.search(rf'<th scope="row">{number}\. .*?<b>{heads}</b>', html)


def test_pages_of_an_answer_lead_back_to_the_survey(world: SurveyWorld) -> None:
    item = world.answer.items.order_by("pk")[0]
    answer, own, office = page(world), url_of("my_demand"), url_of("surveys")
    survey = url_of("survey", world.survey.pk)
    ways = [
        (world.coordinator, answer, [own]),
        (world.coordinator, url_of("demand_line", world.answer.pk, item.pk), [own, answer]),
        (world.coordinator, url_of("demand_sheet", world.answer.pk), [own, answer]),
        (world.secretariat, answer, [office, survey]),
        (world.secretariat, url_of("survey_close", world.survey.pk), [office, survey]),
    ]
    for user, url, above in ways:
        breadcrumbs = re.search(r'<nav class="breadcrumbs".*?</nav>', html_of(user, url), re.DOTALL)
        assert breadcrumbs and re.findall(r'href="([^"]+)"', breadcrumbs[0]) == ["/", *above]


def test_on_a_phone_each_figure_of_a_line_has_its_heading(world: SurveyWorld) -> None:
    """There a row is a block, which browsers take for a table only because its roles are said."""
    html = html_of(world.coordinator, page(world))
    lines = re.search(r'<table role="table" class="table table--blocks demand-lines">.*?</table>', html, re.DOTALL)
    assert lines is not None
    cells = re.findall(r"<td\b[^>]*>", lines.group())
    assert all('role="cell"' in cell and ("data-label=" in cell or "no-print" in cell) for cell in cells)


def test_who_may_not_write_sees_no_form(world: SurveyWorld) -> None:
    for user in (world.secretariat, world.supporter):
        html = html_of(user, page(world))
        assert "new-line" not in html and url_of("demand_line", world.answer.pk, 1)[:-2] not in html
        assert 'value="submit"' not in html
    assert 'name="extend-until"' not in html_of(world.supporter, page(world))
    assert 'name="extend-until"' in html_of(world.secretariat, page(world))
    assert 'name="ask-text"' not in html_of(world.secretariat, page(world))  # not submitted yet


@pytest.mark.parametrize(
    ("state", "survey", "today", "form", "reopen"),
    [
        ("draft", "open", DURING, True, False), ("questioned", "open", AFTER, True, False),
        ("submitted", "open", DURING, False, True), ("none", "open", DURING, False, True),
        ("draft", "open", AFTER, False, False), ("draft", "closed", DURING, False, False),
        ("submitted", "open", AFTER, False, False),
    ],
)  # fmt: skip
def test_forms_and_buttons_by_state(
    world: SurveyWorld, state: str, survey: str, today: str, form: bool, reopen: bool
) -> None:
    DemandResponse.objects.filter(pk=world.answer.pk).update(state=state)
    DemandSurvey.objects.update(state=survey)
    with time_machine.travel(today, tick=False):
        html = html_of(world.coordinator, page(world))
        assert ('id="new-line"' in html, 'value="reopen"' in html) == (form, reopen)
        line = url_of("demand_line", world.answer.pk, world.answer.items.order_by("pk")[0].pk)
        assert signed_in(world.coordinator).get(line).status_code == (200 if form else 302)


def test_an_empty_answer_offers_the_ways_to_begin(world: SurveyWorld) -> None:
    answer, user = world.answers[1], world.coordinators[1]
    html = html_of(user, url_of("demand", answer.pk))
    assert 'value="nothing"' in html and 'value="submit"' not in html
    assert url_of("demand_copy", answer.pk) not in html  # nothing to copy
    before = DemandSurveyFactory.create(framework=world.framework, fiscal_year=2025, state=SurveyState.CLOSED)
    old = DemandResponseFactory.create(survey=before, organisation=world.organisations[1])
    add_lines(old, world.skills, 5)
    assert url_of("demand_copy", answer.pk) in html_of(user, url_of("demand", answer.pk))
    done = signed_in(user).post(url_of("demand_copy", answer.pk), follow=True)
    assert done.content.decode().count('id="line-') == 5
    assert "notice--good" in done.content.decode()


def test_after_a_line_the_form_stands_ready_for_the_next(world: SurveyWorld) -> None:
    client = signed_in(world.coordinator)
    sent = line_of_form(world, phase="operation", needed_from="2027-04-01", filled_vendor=2)
    answer = client.post(page(world), sent)
    item = DemandItem.objects.get(business="予約サービス")
    assert answer.headers["Location"] == f"{page(world)}?after={item.pk}#new-line"
    assert (item.filled_staff, item.filled_vendor, item.needed_from) == (0, 2, date(2027, 4, 1))
    html = client.get(answer.headers["Location"]).content.decode()
    form = html[html.index('id="new-line"') :]
    assert "notice--good" in form
    assert 'value="予約サービス"' in form and 'value="2027-04-01"' in form
    assert re.search(r'<option value="operation" selected', form)
    assert 'name="headcount" min="1"' in form or 'name="headcount"' in form
    assert 'value="4"' not in form  # what differs from line to line begins empty


def test_a_foreign_line_named_in_the_address_gives_nothing_away(world: SurveyWorld) -> None:
    other = DemandItemFactory.create(response=world.answers[1], skill=world.skills[0], business="他局の業務")
    for value in (other.pk, "x", "9" * 30, "-1", ""):
        assert "他局の業務" not in html_of(world.coordinator, f"{page(world)}?after={value}&page={value}")


def test_what_cannot_be_taken_stays_in_the_form(world: SurveyWorld) -> None:
    client = signed_in(world.coordinator)
    wrong = {"headcount": 0, "needed_from": "2027-04-02", "needed_until": "2027-04-01", "level": 9, "filled_staff": -1}
    answer = client.post(page(world), line_of_form(world, **wrong))
    html = answer.content.decode()
    assert answer.status_code == 422
    assert "予約サービス" in html and "error-summary" in html
    assert html.count('aria-invalid="true"') == 4
    for more in ({"business": " \u200b "}, {"needed_from": "0001-01-01"}, {"skill": 0}, {"note": "x" * 301}):
        assert client.post(page(world), line_of_form(world, **more)).status_code == 422
    assert world.answer.items.count() == 2


def test_a_tool_or_an_item_of_another_framework_cannot_be_chosen(world: SurveyWorld) -> None:
    tool = world.framework.skills.get(kind="tool")
    answer = signed_in(world.coordinator).post(page(world), line_of_form(world, skill=tool.pk))
    assert answer.status_code == 422


def test_a_refused_line_says_why(world: SurveyWorld) -> None:
    DemandSurvey.objects.update(state=SurveyState.CLOSED)  # closed since the page was read
    answer = signed_in(world.coordinator).post(page(world), line_of_form(world))
    assert answer.status_code == 422 and "予約サービス" not in [i.business for i in world.answer.items.all()]


def test_a_line_is_changed_and_removed(world: SurveyWorld) -> None:
    item = world.answer.items.order_by("pk")[0]
    client, url = signed_in(world.coordinator), url_of("demand_line", world.answer.pk, item.pk)
    html = client.get(url).content.decode()
    assert f'value="{item.business}"' in html and 'name="version" value="1"' in html
    done = client.post(url, line_of_form(world, version=1))
    assert done.headers["Location"] == f"{page(world)}#line-{item.pk}"
    item.refresh_from_db()
    assert (item.business, item.version) == ("予約サービス", 2)
    remove = url_of("demand_line_remove", world.answer.pk, item.pk)
    stale = client.post(remove, {"version": 1}, follow=True)
    assert "notice--bad" in stale.content.decode() and DemandItem.objects.filter(pk=item.pk).exists()
    assert client.post(remove, {"version": 2}).status_code == 302
    assert client.post(remove, {"version": 2}).status_code == 404
    assert client.get(url).status_code == 404


def test_when_somebody_else_changed_the_line_both_stand_on_the_page(world: SurveyWorld) -> None:
    item = world.answer.items.order_by("pk")[0]
    client, url = signed_in(world.coordinator), url_of("demand_line", world.answer.pk, item.pk)
    client.post(url, line_of_form(world, version=1, business="先に保存"))
    late = client.post(url, line_of_form(world, version=1, business="後から"))
    html = late.content.decode()
    assert late.status_code == 409
    assert "先に保存" in html and 'value="後から"' in html and 'name="version" value="2"' in html
    assert client.post(url, line_of_form(world, version=2, business="後から")).status_code == 302
    item.refresh_from_db()
    assert item.business == "後から"
    for version in ("", "x", "9" * 40, "-1"):
        assert client.post(url, line_of_form(world, version=version)).status_code == 409


def test_lines_come_in_pages(world: SurveyWorld) -> None:
    add_lines(world.answer, world.skills, 148)
    client = signed_in(world.coordinator)
    first, second = (client.get(page(world), {"page": n}).content.decode() for n in (1, 2))
    assert (first.count('id="line-'), second.count('id="line-')) == (100, 50)
    total = sum(world.answer.items.values_list("headcount", flat=True))
    assert f">{total}<" in first and f">{total}<" in second
    last = world.answer.items.order_by("-position")[0]
    change = re.search(rf'href="([^"]*/lines/{last.pk}/[^"]*)"', second)
    assert change is not None
    done = client.post(change[1], line_of_form(world, version=1))
    assert done.headers["Location"] == f"{page(world)}?page=2#line-{last.pk}"
    added = client.post(page(world), line_of_form(world))
    assert "page=2" in added.headers["Location"]


def test_submit_and_open_again(world: SurveyWorld) -> None:
    client = signed_in(world.coordinator)
    done = client.post(url_of("demand_step", world.answer.pk), {"action": "submit"}, follow=True).content.decode()
    assert "notice--good" in done and world.coordinator.name in done and 'value="reopen"' in done
    again = client.post(url_of("demand_step", world.answer.pk), {"action": "submit"}, follow=True).content.decode()
    assert "notice--bad" in again
    client.post(url_of("demand_step", world.answer.pk), {"action": "reopen"})
    world.answer.refresh_from_db()
    assert world.answer.state == ResponseState.DRAFT
    for action in ("", "ask", "nonsense"):
        html = client.post(url_of("demand_step", world.answer.pk), {"action": action}, follow=True).content.decode()
        assert "notice--bad" in html


def test_nothing_to_report(world: SurveyWorld) -> None:
    answer, client = world.answers[1], signed_in(world.coordinators[1])
    html = client.post(url_of("demand_step", answer.pk), {"action": "nothing"}, follow=True).content.decode()
    assert "notice--good" in html and 'value="reopen"' in html
    answer.refresh_from_db()
    assert answer.state == ResponseState.NONE


def test_question_and_reply(world: SurveyWorld) -> None:
    DemandResponse.objects.filter(pk=world.answer.pk).update(state=ResponseState.SUBMITTED)
    office, own = signed_in(world.secretariat), signed_in(world.coordinator)
    empty = office.post(url_of("demand_ask", world.answer.pk), {"ask-text": " "})
    assert empty.status_code == 422 and not DemandQuestion.objects.exists()
    assert office.post(url_of("demand_ask", world.answer.pk), {"ask-text": "<b>根拠</b>は?"}).status_code == 302
    question = DemandQuestion.objects.get()
    html = own.get(page(world)).content.decode()
    assert "&lt;b&gt;根拠&lt;/b&gt;は?" in html and f'name="reply-{question.pk}-text"' in html
    assert 'value="submit"' not in html  # the reply comes first
    reply = url_of("demand_reply", world.answer.pk, question.pk)
    assert own.post(reply, {f"reply-{question.pk}-text": ""}).status_code == 422
    assert own.post(reply, {f"reply-{question.pk}-text": "x" * 1001}).status_code == 422
    assert own.post(reply, {f"reply-{question.pk}-text": "台帳による"}).status_code == 302
    html = own.get(page(world)).content.decode()
    assert "台帳による" in html and 'value="submit"' in html
    assert own.post(reply, {f"reply-{question.pk}-text": "二度目"}).status_code == 422
    assert own.post(url_of("demand_reply", world.answer.pk, 0), {"reply-0-text": "x"}).status_code == 404


def test_more_time_for_one_organisation(world: SurveyWorld) -> None:
    office, url = signed_in(world.secretariat), url_of("demand_extend", world.answer.pk)
    for day in ("", "soon", "2026-05-31", "2026-05-01", "9999-12-31"):
        assert office.post(url, {"extend-until": day}).status_code == 422
    assert office.post(url, {"extend-until": "2026-06-10"}).status_code == 302
    world.answer.refresh_from_db()
    assert world.answer.extended_to == date(2026, 6, 10)
    with time_machine.travel(AFTER, tick=False):
        assert 'id="new-line"' in html_of(world.coordinator, page(world))


def test_own_surveys(world: SurveyWorld) -> None:
    closed = DemandSurveyFactory.create(framework=world.framework, fiscal_year=2025, state=SurveyState.CLOSED)
    past = DemandResponseFactory.create(survey=closed, organisation=world.organisations[0])
    draft = DemandSurveyFactory.create(framework=world.framework, state=SurveyState.DRAFT)
    hidden = DemandResponseFactory.create(survey=draft, organisation=world.organisations[0])
    html = html_of(world.coordinator, url_of("my_demand"))
    shown = set(re.findall(r'href="/demand/(\d+)/"', html))
    assert shown == {str(world.answer.pk), str(past.pk)}
    assert signed_in(world.coordinator).get(url_of("demand", hidden.pk)).status_code == 404
    section = OrganisationFactory.create(parent=world.organisations[0])
    assert "empty" in html_of(user_with(Role.COORDINATOR, organisation=section), url_of("my_demand"))


# ------------------------------------------------------------------------------------------------------ the office


def test_who_has_answered_by_state_in_the_address(world: SurveyWorld) -> None:
    third = DemandResponseFactory.create(survey=world.survey, state=ResponseState.SUBMITTED)
    url = url_of("survey", world.survey.pk)

    def shown(query: str) -> set[int]:
        return {int(pk) for pk in re.findall(r'href="/demand/(\d+)/"', html_of(world.secretariat, url + query))}

    first, second = (answer.pk for answer in world.answers)
    for query, wanted in (
        ("", {first, second, third.pk}), ("?state=waiting", {first, second}), ("?state=draft", {first}),
        ("?state=not_started", {second}), ("?state=submitted", {third.pk}), ("?state=none", set()),
        ("?state=nonsense", {first, second, third.pk}),
    ):  # fmt: skip
        assert shown(query) == wanted, query
    html = html_of(world.secretariat, url)
    assert world.coordinator.name in html
    assert third.organisation.name in html[html.index("notice--warn") : html.index("stats")]  # nobody speaks for it


def test_late_answers_are_marked(world: SurveyWorld) -> None:
    DemandResponse.objects.filter(pk=world.answers[1].pk).update(state=ResponseState.SUBMITTED)
    with time_machine.travel(AFTER, tick=False):
        html = html_of(world.secretariat, url_of("survey", world.survey.pk))
        body = html[html.index("<tbody>") : html.index("</tbody>")]
        assert body.count("demand-late") == 1


def test_the_supporter_only_looks(world: SurveyWorld) -> None:
    html = html_of(world.supporter, url_of("survey", world.survey.pk))
    main = html[html.index("<main") : html.index("</main>")]
    assert "<form" not in main and "<button" not in main and url_of("survey_edit", world.survey.pk) not in main
    assert url_of("survey_create") not in html_of(world.supporter, url_of("surveys"))


def test_the_office_finds_the_surveys_below_supply_and_demand(world: SurveyWorld) -> None:
    for user in (world.secretariat, world.supporter):
        assert f'<a href="{url_of("surveys")}">' in html_of(user, url_of("dashboard"))
        assert f'<a href="{url_of("surveys")}" aria-current="page">' in html_of(user, page(world))
    assert url_of("surveys") not in html_of(world.coordinator, url_of("dashboard"))


def test_remind_open_close_and_open_again(world: SurveyWorld) -> None:
    office, url = signed_in(world.secretariat), url_of("survey_step", world.survey.pk)
    html = office.post(url, {"action": "remind"}, follow=True).content.decode()
    assert "notice--good" in html and Notification.objects.filter(kind="survey.remind").count() == 2
    asked = office.get(url_of("survey_close", world.survey.pk)).content.decode()
    assert all(unit.name in asked for unit in world.organisations)
    for action, state in (("close", "closed"), ("reopen", "open")):
        assert office.post(url, {"action": action}).status_code == 302
        world.survey.refresh_from_db()
        assert world.survey.state == state
    for action in ("open", "reopen", "", "nonsense"):
        assert "notice--bad" in office.post(url, {"action": action}, follow=True).content.decode()
    office.post(url, {"action": "close"})
    assert office.get(url_of("survey_close", world.survey.pk)).status_code == 404
    assert office.get(url_of("survey_edit", world.survey.pk)).status_code == 302
    assert office.post(url_of("survey_step", 0), {"action": "close"}).status_code == 404


def test_a_reminder_is_asked_for_before_it_is_sent(world: SurveyWorld) -> None:
    url = url_of("survey", world.survey.pk)
    html = html_of(world.secretariat, url)
    assert f'href="{url}?ask=remind#remind" data-dialog-open="remind-dialog"' in html
    assert html.count('value="remind"') == 1 and html.index("<dialog") < html.index('value="remind"')
    asked = html_of(world.secretariat, f"{url}?ask=remind")
    assert 'id="remind"' in asked and asked.count('value="remind"') == 1 and "<dialog" not in asked
    assert not Notification.objects.filter(kind="survey.remind").exists(), "a look must not send"
    assert 'value="remind"' not in html_of(world.supporter, f"{url}?ask=remind")


def test_an_answer_with_a_question_says_one_thing(world: SurveyWorld) -> None:
    DemandResponse.objects.filter(pk=world.answer.pk).update(
        state=ResponseState.SUBMITTED, submitted_at=clock.now(), submitted_by=world.coordinator
    )
    submitted = html_of(world.coordinator, page(world))
    assert "notice--good" in submitted and "notice--warn" not in submitted
    signed_in(world.secretariat).post(url_of("demand_ask", world.answer.pk), {"ask-text": "根拠は?"})
    for user in (world.coordinator, world.secretariat):
        html = html_of(user, page(world))
        assert "notice--good" not in html and html.count("notice--warn") == 1


def test_more_time_for_those_marked(world: SurveyWorld) -> None:
    office, url = signed_in(world.secretariat), url_of("survey_extend", world.survey.pk)
    late = world.answers[1]
    none = office.post(url, {"extend-until": "2026-06-10"})
    assert none.status_code == 422
    wrong = office.post(url, {"extend-until": "2026-05-31", "answer": [late.pk]})
    assert wrong.status_code == 422 and re.search(rf'value="{late.pk}"[^>]* checked', wrong.content.decode())
    strange = office.post(url, {"extend-until": "2026-06-10", "answer": ["x", "-1", "9" * 40]})
    assert strange.status_code == 422
    done = office.post(f"{url}?state=waiting", {"extend-until": "2026-06-10", "answer": [late.pk]})
    assert done.headers["Location"] == f"{url_of('survey', world.survey.pk)}?state=waiting"
    late.refresh_from_db()
    world.answer.refresh_from_db()
    assert (late.extended_to, world.answer.extended_to) == (date(2026, 6, 10), None)


def survey_of_form(world: SurveyWorld, **more: object) -> dict[str, object]:
    return {
        "name": "新しい調査", "fiscal_year": 2027, "opens_on": "2027-04-01", "closes_on": "2027-05-31",
        "organisations": [unit.pk for unit in world.organisations], **more,
    }  # fmt: skip


def test_a_survey_is_prepared_changed_and_opened(world: SurveyWorld) -> None:
    office = signed_in(world.secretariat)
    html = office.get(url_of("survey_create")).content.decode()
    bureaus = Organisation.objects.filter(kind=OrganisationKind.BUREAU).count()
    assert html.count('name="organisations"') == html.count(" checked") == bureaus
    made = office.post(url_of("survey_create"), survey_of_form(world))
    survey = DemandSurvey.objects.get(name="新しい調査")
    assert made.headers["Location"] == url_of("survey", survey.pk)
    assert not Notification.objects.exists()
    edit = url_of("survey_edit", survey.pk)
    assert 'value="新しい調査"' in office.get(edit).content.decode()
    changed = survey_of_form(world, version=1, name="直した", organisations=[world.organisations[0].pk])
    assert office.post(edit, changed).status_code == 302
    assert survey.responses.count() == 1
    stale = office.post(edit, survey_of_form(world, version=1, name="後から"))
    assert stale.status_code == 409 and 'name="version" value="2"' in stale.content.decode()
    assert office.post(edit, survey_of_form(world, version=2, name="後から")).status_code == 302
    assert office.post(url_of("survey_step", survey.pk), {"action": "open"}).status_code == 302
    assert Notification.objects.filter(kind="survey.open").count() == 2


@pytest.mark.parametrize(
    "change",
    [
        {"name": ""}, {"name": "x" * 101}, {"fiscal_year": 1999}, {"closes_on": "2027-03-31"},
        {"opens_on": "0001-01-01"},
        {"organisations": []}, {"organisations": [0]}, {"name": "需要調査 重複", "fiscal_year": 2026},
    ],
)  # fmt: skip
def test_a_survey_that_cannot_be(world: SurveyWorld, change: dict[str, object]) -> None:
    DemandSurvey.objects.update(name="需要調査 重複")
    answer = signed_in(world.secretariat).post(url_of("survey_create"), survey_of_form(world, **change))
    assert answer.status_code == 422 and DemandSurvey.objects.count() == 1


def test_a_running_survey_is_prolonged(world: SurveyWorld) -> None:
    bureau = OrganisationFactory.create()
    office, url = signed_in(world.secretariat), url_of("survey_edit", world.survey.pk)
    html = office.get(url).content.decode()
    assert 'id="id_name"' not in html
    others = set(re.findall(r'name="organisations" value="(\d+)"', html))
    assert str(bureau.pk) in others and not others & {str(unit.pk) for unit in world.organisations}
    wrong = office.post(url, {"closes_on": "2026-05-09", "version": 1})
    assert wrong.status_code == 422
    done = office.post(url, {"closes_on": "2026-06-20", "organisations": [bureau.pk], "version": 1})
    assert done.status_code == 302
    world.survey.refresh_from_db()
    assert (world.survey.closes_on, world.survey.responses.count()) == (date(2026, 6, 20), 3)


def test_without_a_framework_nothing_can_be_asked(world: SurveyWorld) -> None:
    framework = world.survey.framework
    framework_retire(framework_id=framework.pk, version=framework.version, actor=world.secretariat)
    answer = signed_in(world.secretariat).get(url_of("survey_create"), follow=True)
    assert "notice--bad" in answer.content.decode()


# ---------------------------------------------------------------------------------------------------------- queries


@pytest.mark.parametrize("lines", [10, 500])
def test_pages_take_a_constant_number_of_queries(
    django_assert_max_num_queries: DjangoAssertNumQueries, lines: int
) -> None:
    world = make_survey(answers=3, lines=lines)
    DemandQuestionFactory.create_batch(lines // 10, response=world.answer, asked_by=world.secretariat)
    own, office = signed_in(world.coordinator), signed_in(world.secretariat)
    for client, url, most in (
        (own, url_of("my_demand"), 8),
        (own, page(world), 11),
        (own, f"{page(world)}?after={world.answer.items.order_by('pk')[0].pk}", 11),
        (own, url_of("demand_line", world.answer.pk, world.answer.items.order_by("pk")[0].pk), 9),
        (own, url_of("demand_sheet", world.answer.pk), 11),
        (office, page(world), 9),
        (office, url_of("surveys"), 8),
        (office, url_of("survey", world.survey.pk), 9),
        (office, url_of("survey_edit", world.survey.pk), 10),
    ):
        client.get(url)  # the session is written on its first use
        with django_assert_max_num_queries(most):
            assert client.get(url).status_code == 200
    with CaptureQueriesContext(connection) as taken:
        assert own.post(page(world), line_of_form(world)).status_code == 302
    item = world.answer.items.order_by("pk")[0]
    with CaptureQueriesContext(connection) as changed:
        answer = own.post(url_of("demand_line", world.answer.pk, item.pk), line_of_form(world, version=1))
        assert answer.status_code == 302
    for found in (taken, changed):
        assert len(found_statements(found)) <= 9, found_statements(found)


def test_an_organisation_that_no_row_can_be_is_refused(world: SurveyWorld) -> None:
    page = signed_in(world.secretariat).post(
        reverse("gaps:survey_create"),
        {
            "name": "x",
            "fiscal_year": 2026,
            "opens_on": "2026-05-01",
            "closes_on": "2026-05-31",
            "organisations": "9" * 30,
        },
    )
    assert page.status_code == 422
    assert "organisations" in page.context["form"].errors
