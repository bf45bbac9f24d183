"""The pages of people: what they show, what they write, how they answer mistakes."""

from __future__ import annotations

import io
import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

import openpyxl
import pytest
import time_machine
from django.core import mail
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import translation

from skillmap.core import clock, paging
from skillmap.core.models import AuditEvent, ImportBatch, Job
from skillmap.people import tokens
from skillmap.people.choices import ChangeState, OrganisationKind, StaffStatus
from skillmap.people.forms.accounts import SCOPE_WORDS
from skillmap.people.models import ApiToken, BureauGroup, Organisation, OrganisationChange, RoleGrant, Staff, User
from skillmap.people.templatetags.people import browser_name
from tests.factories.people import DesignationFactory, OrganisationFactory, StaffFactory, staff_in_bulk
from tests.people.conftest import World, make_world
from tests.people.test_import import HEAD, csv_file
from tests.support.due_jobs import run_due
from tests.support.ground import on_ground
from tests.support.signing_in import english, signed_in

# Words and forms; every page is asked for on both databases by test_query_counts.
pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]

laid, world = on_ground(make_world)
TODAY = date(2026, 4, 10)


@pytest.fixture(autouse=True)
def _today() -> Any:
    with time_machine.travel(datetime(2026, 4, 10, 3, tzinfo=UTC), tick=False):
        yield


@pytest.fixture
def office(world: World) -> Client:
    """The secretariat's browser, in English."""
    return english(signed_in(world.users["secretariat"]))


def page(client: Client, route: str, /, *args: Any, **query: Any) -> str:
    """The text of a page that is there."""
    answer = client.get(reverse(f"people:{route}", args=args), query)
    assert answer.status_code == 200
    return answer.content.decode()


def send(client: Client, route: str, /, *args: Any, **data: Any) -> Any:
    """Send a form."""
    return client.post(reverse(f"people:{route}", args=args), data)


# ------------------------------------------------------------------------------------------------------------ list


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"q": "ショゾク"}, True),
        ({"q": "ｼｮｿﾞｸ 職員"}, True),
        ({"q": "0000111"}, True),
        ({"q": "べっきょく"}, False),
        ({"occupation": "ict"}, True),
        ({"occupation": "clerical"}, False),
        ({"grade": "2"}, True),
        ({"grade": "5"}, False),
        ({"designation": "dx_ambassador"}, True),
        ({"designation": "reskilling"}, False),
        ({"employer": "govtech"}, False),
        ({"status": "left"}, False),
    ],
)
def test_the_list_is_narrowed_down(world: World, office: Client, query: dict[str, str], found: bool) -> None:
    assert (world.member.name in page(office, "staff_list", **query)) is found


def test_the_list_of_an_organisation_holds_those_below(world: World, office: Client) -> None:
    listed = page(office, "staff_list", organisation=world.bureau.pk)
    assert world.member.name in listed
    assert world.stranger.name not in listed


@pytest.mark.parametrize(
    "query", [{"grade": "x"}, {"organisation": "1e9"}, {"q": "%_'\"\\"}, {"page": "-3"}, {"status": "?"}]
)
def test_a_strange_address_shows_a_list(office: Client, query: dict[str, str]) -> None:
    page(office, "staff_list", **query)


def test_who_has_left_is_shown_where_asked_for(office: Client) -> None:
    gone = StaffFactory.create(left=True, name="去った 人")
    assert gone.name not in page(office, "staff_list")
    assert gone.name in page(office, "staff_list", status="left")


def test_htmx_gets_the_table_alone(office: Client) -> None:
    answer = office.get(reverse("people:staff_list"), headers={"HX-Request": "true"})
    assert b"<html" not in answer.content
    assert "HX-Request" in answer["Vary"]


def offered(html: str) -> list[str]:
    """The organisations that the list of people offers, without their indentation."""
    select = re.search(r'<select[^>]*name="organisation".*?</select>', html, re.DOTALL)
    assert select is not None
    return [text.strip() for text in re.findall(r"<option[^>]*>(.*?)</option>", select[0])][1:]


def test_organisations_are_offered_level_by_level(world: World, office: Client) -> None:
    section = OrganisationFactory.create(parent=world.division, name="第一課")
    heading = OrganisationFactory.create(name="各局", kind=OrganisationKind.GROUP)
    below = OrganisationFactory.create(name="各局の局", parent=heading)
    top = {world.bureau.name, world.other.name, heading.name, below.name}

    assert set(offered(page(office, "staff_list"))) >= top
    assert not {world.division.name, section.name} & set(offered(page(office, "staff_list")))
    assert set(offered(page(office, "staff_list", organisation=world.bureau.pk))) >= top | {world.division.name}
    deep = page(office, "staff_list", organisation=section.pk)
    assert set(offered(deep)) >= top | {world.division.name, section.name}
    assert re.search(rf'<option value="{section.pk}" selected>', deep)


def test_a_coordinator_is_offered_the_own_organisations_alone(world: World) -> None:
    section = OrganisationFactory.create(parent=world.division, name="第一課")
    client = english(signed_in(world.users["coordinator"]))

    assert offered(page(client, "staff_list")) == [world.bureau.name]
    assert offered(page(client, "staff_list", organisation=world.division.pk)) == [
        world.bureau.name,
        world.division.name,
        section.name,
    ]
    assert offered(page(client, "staff_list", organisation=world.other.pk)) == [world.bureau.name]


def test_htmx_gets_the_choice_of_organisations_anew(world: World, office: Client) -> None:
    part = office.get(
        reverse("people:staff_list"), {"organisation": world.bureau.pk}, headers={"HX-Request": "true"}
    ).content.decode()
    whole = page(office, "staff_list", organisation=world.bureau.pk)

    assert world.division.name in offered(part)
    assert part.count("hx-swap-oob") == 1
    assert "hx-swap-oob" not in whole
    selects = [re.search(r'<select[^>]*name="organisation"[^>]*>', html) for html in (part, whole)]
    assert [re.findall(r' id="([^"]+)"', found[0]) for found in selects if found] == [["id_organisation"]] * 2


def test_a_long_search_says_that_there_are_more(office: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paging, "COUNTED", 100)
    staff_in_bulk(151, [OrganisationFactory.create()])
    name = Staff.objects.order_by("-pk").first()
    assert name is not None

    text = page(office, "staff_list", q=name.name[:1])
    assert "More than 100 people" in text
    assert "1 to 50 of more than 100" in text
    assert page(office, "staff_list", q=name.name[:1], page="2").count('aria-label="Page') >= 2
    assert "More than" not in page(office, "staff_list")


def test_the_export_is_whole_and_narrowed_down(world: World, office: Client) -> None:
    staff_in_bulk(60, [world.bureau])
    answer = office.get(reverse("people:staff_export"), {"organisation": world.bureau.pk})
    assert answer["Content-Disposition"].startswith("attachment")
    sheet = openpyxl.load_workbook(io.BytesIO(answer.content)).active
    assert sheet is not None
    names = {row[1].value for row in sheet.iter_rows()}
    assert {world.member.name, "多数 0", "多数 59"} <= names
    assert world.stranger.name not in names
    line = AuditEvent.objects.get(verb="people.export")
    assert line.data == {"rows": 62}  # the coordinator stands in the bureau too
    assert world.bureau.name not in str(line.data)


# ----------------------------------------------------------------------------------------------------- one person


def test_somebody_is_recorded(world: World, office: Client) -> None:
    data = {
        "number": "00009999",
        "name": "新任 職員",
        "kana": "しんにん",
        "email": "",
        "employer": "government",
        "hiring_route": "class_1b",
        "organisation_id": world.division.pk,
        "occupation": "ict",
        "grade": "1",
        "joined_on": "2026-04-01",
    }
    answer = send(office, "staff_new", **data)
    staff = Staff.objects.get(number="00009999")
    assert answer["Location"] == reverse("people:staff", args=[staff.pk])
    again = send(office, "staff_new", **data)
    assert again.status_code == 422
    assert "There is a person with this staff number already." in again.content.decode()
    wrong = send(office, "staff_new", **(data | {"number": "1 2", "grade": "99", "organisation_id": "x"}))
    assert wrong.status_code == 422
    assert 'aria-invalid="true"' in wrong.content.decode()


def test_a_stale_form_answers_409_with_both(world: World, office: Client) -> None:
    form = office.get(reverse("people:staff_edit", args=[world.member.pk])).context["form"]
    data = {name: form[name].value() or "" for name in form.fields}
    Staff.objects.filter(pk=world.member.pk).update(version=99, kana="ほかの ひと")
    answer = send(office, "staff_edit", world.member.pk, **(data | {"kana": "じぶんの"}))
    assert answer.status_code == 409
    text = answer.content.decode()
    assert "ほかの ひと" in text
    assert "じぶんの" in text
    assert Staff.objects.get(pk=world.member.pk).kana == "ほかの ひと"


def test_what_is_not_in_the_form_is_not_written(world: World, office: Client) -> None:
    form = office.get(reverse("people:staff_edit", args=[world.member.pk])).context["form"]
    data = {name: form[name].value() or "" for name in form.fields}
    more = {"grade": "6", "status": "left", "organisation_id": world.other.pk, "user_id": "1", "left_on": "2020-01-01"}
    send(office, "staff_edit", world.member.pk, **(data | more | {"former_occupation": "土木"}))
    staff = Staff.objects.get(pk=world.member.pk)
    assert (staff.former_occupation, staff.grade, staff.status) == ("土木", 2, StaffStatus.ACTIVE)
    assert (staff.organisation_id, staff.left_on) == (world.division.pk, None)


@pytest.mark.parametrize(
    ("days", "blamed"),
    [
        ({"hired_on": "2026-04-01", "expert_until": "2026-03-31"}, "expert_until"),
        ({"hired_on": "0206-04-01"}, "hired_on"),
        ({"expert_until": "2206-03-31"}, "expert_until"),
    ],
)
def test_days_that_cannot_be_are_refused(world: World, office: Client, days: dict[str, str], blamed: str) -> None:
    data = {
        "number": world.member.number,
        "name": "誰か",
        "employer": "government",
        "hiring_route": "other",
        "version": 1,
    }

    answer = send(office, "staff_edit", world.member.pk, **(data | days))

    assert (answer.status_code, list(answer.context["form"].errors)) == (422, [blamed])


def test_a_move_is_recorded_and_shown(world: World, office: Client) -> None:
    data = {"organisation_id": world.bureau.pk, "occupation": "ict", "grade": "3", "on": "2026-04-10", "reason": "昇任"}
    refused = send(office, "staff_move", world.member.pk, **data)
    assert refused.status_code == 422  # a later step is recorded
    assert re.search(r"A later step from \w{3} \d+ \w{3} \d{4} is", refused.content.decode()), "a day as everywhere"
    send(office, "move_cancel", world.member.pk, world.ids["membership"])
    assert send(office, "staff_move", world.member.pk, **data).status_code == 302
    assert "昇任" in page(office, "staff", world.member.pk)
    assert Staff.objects.get(pk=world.member.pk).grade == 3


def test_leave_return_and_leaving(world: World, office: Client) -> None:
    pk = world.stranger.pk
    assert send(office, "leave_begin", pk, on="2026-04-01", until="", reason="").status_code == 302
    assert "On leave" in page(office, "staff", pk)
    assert send(office, "leave_end", pk, on="2026-04-10").status_code == 302
    assert send(office, "staff_leave", pk, on="2026-05-01").status_code == 302
    assert "Is going to leave" in page(office, "staff", pk)
    assert send(office, "leave_cancel", pk).status_code == 302
    assert send(office, "staff_leave", pk, on="2026-04-10").status_code == 302
    assert Staff.objects.get(pk=pk).status == StaffStatus.LEFT
    data = {"organisation_id": world.other.pk, "occupation": "ict", "grade": "2", "on": "2026-04-10"}
    assert send(office, "staff_rejoin", pk, **data).status_code == 302
    assert Staff.objects.get(pk=pk).status == StaffStatus.ACTIVE


def test_a_second_ambassador_is_allowed_and_warned_of(world: World, office: Client) -> None:
    other = StaffFactory.create(organisation=world.division)
    text = page(office, "designation_new", other.pk)
    assert world.member.name in text
    assert send(office, "designation_new", other.pk, kind="dx_ambassador", on="2026-04-10").status_code == 302
    assert other.designations.count() == 1
    designation = other.designations.get()
    assert send(office, "designation_end", designation.pk, on="2026-05-01").status_code == 302
    designation.refresh_from_db()
    assert designation.valid_to == date(2026, 5, 1)


# ------------------------------------------------------------------------------------------------ accounts and roles


def test_an_account_is_made_invited_and_closed(office: Client, django_capture_on_commit_callbacks: Any) -> None:
    staff = StaffFactory.create(user=None)
    answer = send(office, "staff_account_new", staff.pk, email="new@tokyo.example")
    user = User.objects.get(staff=staff)
    assert answer["Location"] == reverse("people:account_detail", args=[user.pk])
    send(office, "account_invite", user.pk)
    run_due()
    assert [message.to for message in mail.outbox] == [["new@tokyo.example"]]
    link = next(word for word in str(mail.outbox[0].body).split() if "/accounts/" in word)
    browser = Client()
    form = browser.get(link.partition("localhost:8000")[2] or link, follow=True)
    assert form.status_code == 200
    done = browser.post(
        form.request["PATH_INFO"], {"password1": "a long new passphrase", "password2": "a long new passphrase"}
    )
    assert done.status_code == 302
    user.refresh_from_db()
    assert user.check_password("a long new passphrase")
    assert AuditEvent.objects.filter(verb="account.invite").count() == 1
    assert "passphrase" not in str(list(Job.objects.values()))
    send(office, "account_close", user.pk)
    assert not User.objects.get(pk=user.pk).is_active


def test_roles_are_given_and_taken(world: World, office: Client) -> None:
    user = world.users["person"]
    data = {"role": "coordinator", "organisation_id": world.bureau.pk, "valid_from": "2026-04-10", "valid_to": ""}
    missing = send(office, "role_new", user.pk, **(data | {"organisation_id": ""}))
    assert missing.status_code == 422
    assert send(office, "role_new", user.pk, **data).status_code == 302
    grant = RoleGrant.objects.get(user=user)
    assert user.name in page(office, "roles", role="coordinator")
    assert user.name not in page(office, "roles", role="executive")
    everyone = page(office, "roles", role="no-such-role")
    assert user.name in everyone
    assert '<a href="?" aria-current="page">' in everyone
    assert "The role ends at once" in page(office, "role_revoke", grant.pk)
    assert send(office, "role_revoke", grant.pk).status_code == 302
    assert user.name not in page(office, "roles")


def test_giving_a_role_asks_for_the_password_again(world: World) -> None:
    client = Client()
    client.force_login(world.users["secretariat"])
    for name, args in (("role_new", [world.ids["account"]]), ("role_revoke", [world.ids["grant"]]), ("token_new", [])):
        answer = client.get(reverse(f"people:{name}", args=args))
        assert answer.status_code == 302, name
        assert answer["Location"].startswith(reverse("account_reauthenticate")), name


def test_nobody_gives_a_role_to_oneself(world: World, office: Client) -> None:
    own = world.users["secretariat"]
    answer = send(office, "role_new", own.pk, role="executive", organisation_id="", valid_from="2026-04-10")
    assert answer.status_code == 422
    assert own.role_grants.count() == 1


def test_a_token_is_shown_once_and_revoked(world: World, office: Client) -> None:
    send(office, "service_new", name="人事システム")
    system = User.objects.get(is_service=True, name="人事システム")
    data = {"user_id": system.pk, "name": "日次連携", "scopes": ["people:read"], "purpose": "system_link", "days": "30"}
    answer = send(office, "token_new", **data)
    assert answer.status_code == 200
    value = answer.context["value"]
    assert value in answer.content.decode()
    assert value not in page(office, "tokens")
    token = ApiToken.objects.get(name="日次連携")
    assert value not in (token.digest, token.prefix)
    assert token.expires_at == clock.now() + timedelta(days=30)
    assert tokens.find(value, at=clock.now()) == token
    send(office, "token_revoke", token.pk)
    assert tokens.find(value, at=clock.now()) is None
    wrong = send(office, "token_new", **(data | {"scopes": ["everything"], "user_id": world.users["person"].pk}))
    assert wrong.status_code == 422
    assert set(wrong.context["form"].errors) == {"scopes", "user_id"}


def test_the_form_of_a_token_explains_itself(world: World, office: Client) -> None:
    User.objects.filter(is_service=True).update(is_active=False)
    without = page(office, "token_new")
    assert "There is no account of a system yet" in without
    assert f'href="{reverse("people:service_new")}"' in without
    assert set(SCOPE_WORDS) == set(tokens.SCOPES)
    with translation.override("en"):
        for scope in tokens.SCOPES:
            assert f"{scope}: {SCOPE_WORDS[scope]}" in without
    send(office, "service_new", name="人事システム")
    assert "There is no account of a system yet" not in page(office, "token_new")


def test_the_form_of_a_role_speaks_of_the_role(world: World, office: Client) -> None:
    assert "First day without the role" in page(office, "role_new", world.users["person"].pk)


@pytest.mark.parametrize("query", [{}, {"kind": "split"}])
def test_the_form_of_a_change_says_that_it_plans(world: World, office: Client, query: dict[str, str]) -> None:
    kind = query.get("kind", "rename")
    html = page(office, "change_new", kind, organisation=world.bureau.pk)
    assert "Put it into the plan</button>" in html
    assert "takes force by itself on its day" in html


def test_an_account_is_found_and_tied(world: World, office: Client, settings: Any) -> None:
    settings.SOCIALACCOUNT_PROVIDERS = {
        "openid_connect": {
            "APPS": [{"provider_id": "sso", "name": "SSO", "settings": {"server_url": "https://idp.example/realm"}}]
        }
    }
    user = world.users["person"]
    assert user.email in page(office, "accounts", q=user.email[:6])
    assert user.email not in page(office, "accounts")
    assert send(office, "account_link", user.pk, provider_id="sso", subject="sub-1").status_code == 302
    assert "sub-1" in page(office, "account_detail", user.pk)
    taken = send(office, "account_link", world.users["expert"].pk, provider_id="sso", subject="sub-1")
    assert taken.status_code == 422
    twice = send(office, "account_link", user.pk, provider_id="sso", subject="sub-2")
    assert twice.status_code == 422


def test_my_account_shows_what_is_on_record(world: World) -> None:
    assert world.member.user is not None
    client = signed_in(world.member.user)
    text = page(client, "account")
    for words in (world.member.number, world.member.kana, world.division.name, world.member.user.email):
        assert words in text


# ---------------------------------------------------------------------------------------------------- organisations


def test_the_tree_of_another_day(world: World, office: Client) -> None:
    send(office, "change_new", "rename", organisation=world.other.pk, name="臨海局", effective_on="2026-04-01")
    change = OrganisationChange.objects.latest("pk")
    assert "臨海局" in page(office, "change", change.pk)
    assert send(office, "change_apply", change.pk).status_code == 302
    assert "臨海局" in page(office, "organisations")
    assert "臨海局" not in page(office, "organisations", on="2026-03-31")
    assert "港湾局" in page(office, "organisation", world.other.pk)
    assert "臨海局" in page(office, "mapping", from_day="2026-03-31", to_day="2026-04-10")


def test_an_organisation_is_described(world: World, office: Client) -> None:
    group = BureauGroup.objects.get(pk=world.ids["group"])
    data = {
        "role_text": "港湾の管理",
        "bureau_group_id": group.pk,
        "sort_order": "3",
        "confirmed": "on",
        "version": "1",
    }
    assert send(office, "organisation_edit", world.other.pk, **data).status_code == 302
    text = page(office, "organisation", world.other.pk)
    assert "港湾の管理" in text
    assert group.name in text
    assert Organisation.objects.get(pk=world.other.pk).provenance == "confirmed"
    assert send(office, "organisation_edit", world.other.pk, **data).status_code == 409


def test_groups_are_made_and_confirmed(office: Client) -> None:
    assert send(office, "group_new", code="culture", name="文化部門", sort_order="9").status_code == 302
    group = BureauGroup.objects.get(code="culture")
    taken = send(office, "group_new", code="culture", name="別", sort_order="9")
    assert taken.status_code == 422
    data = {"name": "文化・生活部門", "name_en": "", "sort_order": "1", "version": str(group.version)}
    assert send(office, "group_edit", group.pk, **data).status_code == 302
    assert "文化・生活部門" in page(office, "groups")
    assert send(office, "group_edit", group.pk, **data).status_code == 409


def test_a_group_lists_bureaus_and_counts_what_is_below_them(world: World, office: Client) -> None:
    group = BureauGroup.objects.get(pk=world.ids["group"])
    Organisation.objects.filter(pk__in=[world.bureau.pk, world.division.pk]).update(bureau_group=group)
    text = page(office, "groups")
    assert world.bureau.name in text
    assert world.division.name not in text
    assert "and 1 below" in text


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/150.0 Safari/537.36 Edg/150.0",
            "Edge / Windows",
        ),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Version/19.0 Mobile Safari/604.1", "Safari / iPhone"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:150.0) Gecko/20100101 Firefox/150.0", "Firefox / Linux"),
        ("curl/8.0", "curl/8.0"),
        ("", "—"),
    ],
)
def test_a_session_is_named_by_its_browser_and_system(user_agent: str, name: str) -> None:
    assert browser_name(user_agent) == name


@pytest.mark.parametrize("kind", ["open", "rename", "move", "merge", "split", "close"])
def test_each_kind_of_change_has_its_form(world: World, office: Client, kind: str) -> None:
    assert 'name="effective_on"' in page(office, "change_new", kind, organisation=world.division.pk)


def test_an_unknown_kind_of_change_is_nothing(office: Client) -> None:
    assert office.get(reverse("people:change_new", args=["abolish"])).status_code == 404


def test_a_merge_is_planned_looked_through_and_applied(world: World, office: Client) -> None:
    data = {
        "sources": [world.bureau.pk, world.other.pk],
        "target": "",
        "new_code": "both",
        "new_name": "福祉港湾局",
        "new_kind": "bureau",
        "carry_roles": "on",
        "effective_on": "2026-04-10",
    }
    both = send(office, "change_new", "merge", **(data | {"target": world.division.pk}))
    assert both.status_code == 422
    assert send(office, "change_new", "merge", **data).status_code == 302
    change = OrganisationChange.objects.latest("pk")
    text = page(office, "change", change.pk)
    assert "福祉港湾局" in text
    assert "1 coordinator goes on" in text
    assert "新福祉局" in text  # another plan names the bureau
    assert send(office, "change_apply", change.pk).status_code == 302
    assert Staff.objects.get(pk=world.stranger.pk).organisation.code == "both"
    assert "Who follows whom" in page(office, "change", change.pk)


def test_a_split_takes_people_by_number(world: World, office: Client) -> None:
    base = {"keep": "keep", "effective_on": "2026-04-10", "carry_roles": "on"}
    part = {"part0-new_code": "new", "part0-new_name": "新局", "part0-new_kind": "bureau"}
    url = f"{reverse('people:change_new', args=['split'])}?organisation={world.other.pk}"
    wrong = office.post(url, base | part | {"part0-staff_numbers": "00002222\n00001111"})
    assert wrong.status_code == 422
    assert "00001111" in str(wrong.context["parts"][0].errors)
    assert office.post(url, base | part | {"part0-staff_numbers": "00002222"}).status_code == 302
    change = OrganisationChange.objects.latest("pk")
    assert change.plan["parts"][0]["staff"] == [world.stranger.pk]
    send(office, "change_apply", change.pk)
    assert Staff.objects.get(pk=world.stranger.pk).organisation.code == "new"
    nothing = office.post(url, base)
    assert nothing.status_code == 422


def test_a_plan_is_dropped(world: World, office: Client) -> None:
    assert "新福祉局" in page(office, "changes")
    assert send(office, "change_cancel", world.ids["change"]).status_code == 302
    assert OrganisationChange.objects.get(pk=world.ids["change"]).state == ChangeState.CANCELLED
    assert send(office, "change_apply", world.ids["change"]).status_code == 302
    assert OrganisationChange.objects.get(pk=world.ids["change"]).state == ChangeState.CANCELLED


# ---------------------------------------------------------------------------------------------------------- import


def test_an_import_is_checked_watched_and_applied(world: World, office: Client) -> None:
    OrganisationFactory.create(code="a")
    file = csv_file(HEAD, ("00000001", "新規 職員", "しんき", "ict", "1", "a"))
    answer = office.post(reverse("people:import"), {"file": file, "effective_on": "2026-04-10"})
    batch = ImportBatch.objects.latest("pk")
    assert answer["Location"] == reverse("people:import_batch", args=[batch.public_id])
    waiting = page(office, "import_batch", batch.public_id)
    assert 'hx-trigger="every 2s"' in waiting
    run_due()
    text = page(office, "import_batch", batch.public_id)
    assert "新規 職員" in text
    send(office, "import_apply", batch.public_id)
    run_due()
    assert "Applied by" in page(office, "import_batch", batch.public_id)
    assert Staff.objects.filter(number="00000001").exists()
    again = office.post(
        reverse("people:import"),
        {"file": csv_file(HEAD, ("00000001", "新規 職員", "しんき", "ict", "1", "a")), "effective_on": "2026-04-10"},
        follow=True,
    )
    assert "Nothing was done" in again.content.decode()


def test_problems_are_shown_and_downloaded(office: Client) -> None:
    file = csv_file(
        HEAD, ("00000001", "名", "な", "ict", "1", "nowhere"), ("00000002", "", "な", "ict", "9", "nowhere")
    )
    office.post(reverse("people:import"), {"file": file, "effective_on": "2026-04-10"})
    run_due()
    batch = ImportBatch.objects.latest("pk")
    text = page(office, "import_batch", batch.public_id)
    assert "There is no organisation with this code." in text
    report = office.get(reverse("people:import_report", args=[batch.public_id]))
    sheet = openpyxl.load_workbook(io.BytesIO(report.content)).active
    assert sheet is not None
    rows = [row[0].value for row in sheet.iter_rows() if isinstance(row[0].value, int)]
    assert rows == sorted(rows)
    assert set(rows) == {2, 3}
    assert send(office, "import_discard", batch.public_id).status_code == 302


def test_the_template_comes_in_again(office: Client, world: World) -> None:
    answer = office.get(reverse("people:import_template"))
    book = openpyxl.load_workbook(io.BytesIO(answer.content))
    assert len(book.sheetnames) == 2
    listed = {cell.value for row in book[book.sheetnames[1]].iter_rows() for cell in row}
    assert world.division.code in listed


def test_an_empty_upload_is_refused_at_the_field(office: Client) -> None:
    answer = office.post(reverse("people:import"), {"effective_on": "2026-04-10"})
    assert answer.status_code == 422
    assert "file" in answer.context["form"].errors


def test_a_stuck_import_can_be_discarded(world: World, office: Client) -> None:
    office.post(reverse("people:import"), {"file": csv_file(("number",), ("1",)), "effective_on": "2026-04-10"})
    batch = ImportBatch.objects.latest("pk")
    assert batch.job is not None
    office.post(reverse("core:job_cancel", args=[batch.job.public_id]))
    text = page(office, "import_batch", batch.public_id)
    assert "ended early" in text
    assert send(office, "import_discard", batch.public_id).status_code == 302


# --------------------------------------------------------------------------------------------------------- queries

QUERIES = {
    "staff_list": 10,
    "staff": 10,
    "staff_export": 8,
    "account": 10,
    "accounts": 6,
    "account_detail": 10,
    "roles": 6,
    "tokens": 6,
    "organisations": 8,
    "organisation": 10,
    "groups": 6,
    "changes": 8,
}


def test_a_page_takes_the_same_queries_for_many(world: World, office: Client) -> None:
    args = {
        "staff": [world.member.pk],
        "account_detail": [world.users["coordinator"].pk],
        "organisation": [world.bureau.pk],
    }
    urls = {name: reverse(f"people:{name}", args=args.get(name, [])) for name in QUERIES}
    for url in urls.values():
        office.get(url)  # content types and the like are read once a process
    few = {name: queries_of(office, url) for name, url in urls.items()}
    assert {name: taken for name, taken in few.items() if taken > QUERIES[name]} == {}
    staff_in_bulk(2000, [world.bureau, world.division, world.other])
    assert {name: queries_of(office, url) for name, url in urls.items()} == few


def queries_of(client: Client, url: str) -> int:
    """How many queries a page takes."""
    with CaptureQueriesContext(connection) as taken:
        assert client.get(url).status_code == 200
    return len(taken)


@pytest.mark.parametrize("query", [{"grade": "99"}, {"organisation": "abc"}, {"q": "x" * 101}])
def test_a_filter_that_is_none_exports_nothing(world: World, query: dict[str, str]) -> None:
    """The page says what is wrong; a file of everybody would not."""
    client = signed_in(world.users["secretariat"])
    answer = client.get(reverse("people:staff_export"), query | {"format": "csv"})
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith(reverse("people:staff_list") + "?")
    assert not AuditEvent.objects.filter(verb="people.export").exists()


def test_a_move_says_which_designations_go_on(world: World) -> None:
    staff, other = StaffFactory.create(), OrganisationFactory.create()
    DesignationFactory.create(staff=staff, organisation=staff.organisation)
    client = english(signed_in(world.users["secretariat"]))
    form = {"organisation_id": other.pk, "occupation": "ict", "grade": 2, "on": clock.today().isoformat()}
    page = client.post(reverse("people:staff_move", args=[staff.pk]), form, follow=True).content.decode()
    assert f"for {staff.organisation.name} goes on" in page
    assert "brings it forward" not in page


def test_the_first_day_of_a_joiner_is_changed_where_moves_are_recorded(world: World) -> None:
    day = clock.today() + timedelta(days=20)
    staff = StaffFactory.create(status=StaffStatus.JOINING, joined=clock.today() + timedelta(days=10))
    client = english(signed_in(world.users["secretariat"]))
    address = reverse("people:staff_move", args=[staff.pk])
    assert "brings it forward" in client.get(address).content.decode()
    form = {"organisation_id": staff.organisation_id, "occupation": "ict", "grade": 2, "on": day.isoformat()}
    assert client.post(address, form).status_code == 302
    assert staff.memberships.get().valid_from == day


def test_a_joiner_who_does_not_come_is_recorded_as_leaving_on_the_first_day(world: World) -> None:
    first = clock.today() + timedelta(days=10)
    staff = StaffFactory.create(status=StaffStatus.JOINING, joined=first)
    client = english(signed_in(world.users["secretariat"]))
    address = reverse("people:staff_leave", args=[staff.pk])
    assert "does not come after all" in client.get(address).content.decode()
    answer = client.post(address, {"on": first.isoformat()})
    assert answer.headers["Location"] == reverse("people:staff_list")
    assert not Staff.objects.filter(pk=staff.pk).exists()
