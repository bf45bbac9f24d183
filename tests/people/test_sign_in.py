"""Signing in: nobody signs up, nobody learns who has an account, guessing is stopped, factors hold, sessions end."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from smtplib import SMTPRecipientsRefused
from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest
import time_machine
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, generate_totp_secret, hotp_value
from allauth.usersessions.models import UserSession
from django.core import mail
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from skillmap.core import clock, jobs
from skillmap.core.choices import JobState
from skillmap.core.errors import RuleViolation
from skillmap.core.models import Job
from skillmap.people import services, tokens
from skillmap.people.choices import Role
from skillmap.people.middleware import FACTOR_AT_PROVIDER
from skillmap.people.models import RoleGrant, SignInSubject, Staff, User
from skillmap.people.tasks import WAITS_FOR
from tests.factories.people import PASSWORD, RoleGrantFactory, StaffFactory, UserFactory, user_with
from tests.support.signing_in import signed_in

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 4, 10, 3, tzinfo=UTC)
LOGIN = "/accounts/login/"
ACCOUNT = "/people/account/"


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    """No count of earlier tests, and a clock that stands."""
    cache.clear()
    with time_machine.travel(NOW, tick=False):
        yield
    cache.clear()


def log_in(email: str, password: str = PASSWORD, client: Client | None = None, **more: Any) -> tuple[Client, Any]:
    """Send the sign-in form; the client and the answer."""
    client = client or Client()
    return client, client.post(LOGIN, {"login": email, "password": password}, **more)


def is_in(client: Client) -> bool:
    """Whether somebody is signed in."""
    return client.get(ACCOUNT).status_code == 200


def text_of(answer: Any) -> str:
    """A page without the tokens against forged requests, which differ each time."""
    return re.sub(r"[0-9A-Za-z]{64}", "", answer.content.decode())


# --------------------------------------------------------------------------------------------------- local accounts


def test_a_person_signs_in_and_out() -> None:
    user = UserFactory.create()
    client, answer = log_in(user.email.upper())
    assert (answer.status_code, answer["Location"]) == (302, "/")
    assert is_in(client)
    assert UserSession.objects.filter(user=user).count() == 1
    client.post("/accounts/logout/")
    assert not is_in(client)


def test_nobody_signs_up() -> None:
    client = Client()
    assert b"password1" not in client.get("/accounts/signup/").content
    client.post("/accounts/signup/", {"email": "new@tokyo.example", "password1": PASSWORD, "password2": PASSWORD})
    client.post("/accounts/3rdparty/signup/", {"email": "new@tokyo.example"})
    assert not User.objects.exists()


def test_nobody_learns_who_has_an_account() -> None:
    known = UserFactory.create(email="aaaa@tokyo.example")
    UserFactory.create(email="cccc@tokyo.example", is_active=False)
    wrong = [log_in(email, "wrong password")[1] for email in (known.email, "bbbb@tokyo.example", "cccc@tokyo.example")]
    assert {answer.status_code for answer in wrong} == {200}
    pages = [text_of(answer).replace(answer.wsgi_request.POST["login"], "") for answer in wrong]
    assert pages[0] == pages[1] == pages[2]
    resets = [
        Client().post("/accounts/password/reset/", {"email": email}) for email in (known.email, "bbbb@tokyo.example")
    ]
    assert {(answer.status_code, answer["Location"]) for answer in resets} == {(302, "/accounts/password/reset/done/")}


def test_the_eleventh_failure_from_an_address_is_blocked() -> None:
    user = UserFactory.create()
    for count in range(10):
        _client, answer = log_in(f"guess{count}@tokyo.example", "wrong password")
        assert answer.status_code == 200
    client, answer = log_in(user.email)  # even with the right password
    assert not is_in(client)
    assert "Location" not in answer
    with time_machine.travel(NOW + timedelta(minutes=2)):
        client, _answer = log_in(user.email)
        assert is_in(client)


def test_guessing_one_account_is_blocked_wherever_it_comes_from() -> None:
    user = UserFactory.create()
    for count in range(5):
        log_in(user.email, "wrong password", REMOTE_ADDR=f"10.0.0.{count}")
    client, _answer = log_in(user.email, REMOTE_ADDR="10.0.1.1")
    assert not is_in(client)
    with time_machine.travel(NOW + timedelta(minutes=6)):
        client, _answer = log_in(user.email, REMOTE_ADDR="10.0.1.1")
        assert is_in(client)


def test_a_forged_address_does_not_dodge_the_limit() -> None:
    for count in range(10):
        log_in(f"guess{count}@tokyo.example", "wrong password", HTTP_X_FORWARDED_FOR=f"203.0.113.{count}")
    user = UserFactory.create()
    client, _answer = log_in(user.email, HTTP_X_FORWARDED_FOR="203.0.113.99")
    assert not is_in(client)


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example",
        "///evil.example",
        "\\\\evil.example",
        "/\\evil.example",
        "/\t/evil.example",
        "http:evil.example",
        "javascript:alert(1)",
        "https://localhost.evil.example",
        "https://testserver@evil.example",
        "%2f%2fevil.example",
        "//evil。example",
    ],
)
def test_nobody_is_sent_elsewhere_after_signing_in(target: str) -> None:
    user = UserFactory.create()
    client = Client()
    answer = client.post(LOGIN, {"login": user.email, "password": PASSWORD, "next": target})
    assert answer.status_code == 302
    place = urlsplit(urljoin("https://testserver/accounts/login/", answer["Location"].replace("\\", "/")))
    assert (place.scheme, place.netloc) == ("https", "testserver")


def link_in(message: Any) -> bool:
    """Whether a mail holds a link to set a password."""
    return "/accounts/password/reset/key/" in message.body


def test_the_account_of_a_system_has_no_way_in() -> None:
    system = UserFactory.create(is_service=True)
    client, _answer = log_in(system.email)
    assert not is_in(client)
    Client().post("/accounts/password/reset/", {"email": system.email})
    assert [link_in(message) for message in mail.outbox] == [False]


def test_who_comes_by_single_sign_on_gets_no_password() -> None:
    user = UserFactory.create()
    SignInSubject.objects.create(user=user, provider_id="sso", issuer="https://idp.example", subject="s")
    Client().post("/accounts/password/reset/", {"email": user.email})
    other = UserFactory.create()
    Client().post("/accounts/password/reset/", {"email": other.email})
    assert [message.to for message in mail.outbox] == [[user.email], [other.email]], "whoever asks sees no difference"
    assert [link_in(message) for message in mail.outbox] == [False, True]


def test_a_weak_password_is_refused() -> None:
    user = UserFactory.create()
    link = services.reset_link(user).partition("localhost:8000")[2]
    browser = Client()
    path = browser.get(link, follow=True).request["PATH_INFO"]
    for weak in ("short", "password1234", "1234567890123"):
        answer = browser.post(path, {"password1": weak, "password2": weak})
        assert answer.status_code == 200, weak
    assert User.objects.get(pk=user.pk).check_password(PASSWORD)


# ---------------------------------------------------------------------------------------------------- second factor


def code_of(secret: str, *, steps: int = 0) -> str:
    """The code that an authenticator app shows now, or some half minutes later."""
    counter = int((NOW + timedelta(seconds=30 * steps)).timestamp()) // 30
    return str(format_hotp_value(hotp_value(secret, counter)))


def with_totp(user: User) -> str:
    """Give an account an authenticator app; its secret."""
    secret: str = generate_totp_secret()
    TOTP.activate(user, secret)
    return secret


def test_an_authenticator_app_is_set_up_and_asked_for() -> None:
    user = UserFactory.create()
    client = signed_in(user)
    form = client.get(reverse("mfa_activate_totp")).context["form"]
    secret = form.secret
    assert client.post(reverse("mfa_activate_totp"), {"code": code_of(secret)}).status_code == 302
    stored = Authenticator.objects.get(user=user, type="totp")
    assert secret not in str(stored.data)
    with time_machine.travel(NOW + timedelta(seconds=60), tick=False):
        fresh, answer = log_in(user.email)
        assert answer["Location"] == reverse("mfa_authenticate")
        assert not is_in(fresh)
        fresh.post(reverse("mfa_authenticate"), {"code": "000000"})
        assert not is_in(fresh)
        fresh.post(reverse("mfa_authenticate"), {"code": code_of(secret, steps=2)})
        assert is_in(fresh)
        replay, _answer = log_in(user.email)
        replay.post(reverse("mfa_authenticate"), {"code": code_of(secret, steps=2)})
        assert not is_in(replay)


def test_a_recovery_code_works_once_and_is_stored_encrypted() -> None:
    user = UserFactory.create()
    with_totp(user)
    codes = RecoveryCodes.activate(user)
    first = codes.get_unused_codes()[0]
    stored = Authenticator.objects.get(user=user, type="recovery_codes").data
    assert first not in str(stored)
    assert len(codes.get_unused_codes()) == 10
    for expected in (True, False):
        client, _answer = log_in(user.email)
        client.post(reverse("mfa_authenticate"), {"code": first})
        assert is_in(client) is expected


def test_setting_a_new_password_does_not_pass_by_the_second_factor() -> None:
    user = UserFactory.create()
    with_totp(user)
    link = services.reset_link(user).partition("localhost:8000")[2]
    browser = Client()
    path = browser.get(link, follow=True).request["PATH_INFO"]
    browser.post(path, {"password1": "another long passphrase", "password2": "another long passphrase"})
    assert not is_in(browser)
    client, answer = log_in(user.email, "another long passphrase")
    assert answer["Location"] == reverse("mfa_authenticate")
    assert not is_in(client)


@pytest.mark.django_db(transaction=True)
def test_setting_up_a_factor_ends_the_other_sessions() -> None:
    user = UserFactory.create()
    other, _answer = log_in(user.email)
    mine, _answer = log_in(user.email)
    mine.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    secret = mine.get(reverse("mfa_activate_totp")).context["form"].secret
    mine.post(reverse("mfa_activate_totp"), {"code": code_of(secret)})
    assert [message.to for message in mail.outbox] == [[user.email]]  # and the owner is told
    assert Authenticator.objects.filter(user=user, type="totp").exists()
    assert is_in(mine)
    assert not is_in(other)


@pytest.mark.parametrize("action", ["action_add", "action_primary", "action_remove", "action_send"])
def test_nobody_changes_the_own_address(action: str) -> None:
    user = user_with(Role.SECRETARIAT)
    before = list(EmailAddress.objects.values_list("user", "email", "primary", "verified"))

    answer = signed_in(user).post("/accounts/email/", {action: "", "email": "private@home.example"})

    assert (answer.status_code, answer["Location"]) == (302, ACCOUNT)
    assert list(EmailAddress.objects.values_list("user", "email", "primary", "verified")) == before
    assert mail.outbox == []


PAGES = ("/", ACCOUNT, "/people/", "/people/organisations/", "/accounts/email/", "/accounts/sessions/")
ENROLMENT = ("/accounts/2fa/", "/accounts/2fa/totp/activate/", "/accounts/2fa/webauthn/add/")


def test_a_role_that_needs_a_factor_reaches_the_enrolment_alone(settings: Any) -> None:
    settings.MFA_REQUIRED_ROLES = ["secretariat"]
    user = user_with(Role.SECRETARIAT)
    client = signed_in(user)
    for path in PAGES:
        answer = client.get(path)
        assert (answer.status_code, answer["Location"]) == (302, "/accounts/2fa/"), path
    for path in ENROLMENT:
        assert client.get(path).status_code == 200, path
    part = client.get("/people/", headers={"HX-Request": "true"})
    assert (part.status_code, part["HX-Redirect"]) == (403, "/accounts/2fa/")
    api = client.get("/api/v1/staff/")
    assert (api.status_code, api.json()["title"]) == (403, "second_factor_required")
    assert client.post("/people/new/", {}).status_code == 302
    with_totp(user)
    assert client.get("/people/").status_code == 200
    Authenticator.objects.filter(user=user).delete()  # counts at the next request
    assert client.get("/people/").status_code == 302


def test_recovery_codes_alone_are_no_factor(settings: Any) -> None:
    settings.MFA_REQUIRED_ROLES = ["secretariat"]
    user = user_with(Role.SECRETARIAT)
    RecoveryCodes.activate(user)
    assert signed_in(user).get("/people/").status_code == 302


def test_a_role_given_within_a_session_counts_at_once(settings: Any) -> None:
    settings.MFA_REQUIRED_ROLES = ["secretariat"]
    user = user_with(Role.EXECUTIVE)
    client = signed_in(user)
    assert is_in(client)
    RoleGrantFactory.create(user=user)
    assert not is_in(client)


def test_the_providers_factor_counts(settings: Any) -> None:
    settings.MFA_REQUIRED_ROLES = ["secretariat"]
    client = signed_in(user_with(Role.SECRETARIAT))
    session = client.session
    session[FACTOR_AT_PROVIDER] = True
    session.save()
    assert is_in(client)


def test_roles_beside_the_setting_need_none(settings: Any) -> None:
    settings.MFA_REQUIRED_ROLES = ["secretariat"]
    for role in (Role.EXECUTIVE, Role.SUPPORTER, Role.EXPERT):
        assert is_in(signed_in(user_with(role)))
    settings.MFA_REQUIRED_ROLES = []
    assert is_in(signed_in(user_with(Role.SECRETARIAT)))


# --------------------------------------------------------------------------------------------------------- sessions


def test_an_idle_session_ends() -> None:
    user = UserFactory.create()
    client, _answer = log_in(user.email)
    assert is_in(client)
    with time_machine.travel(NOW + timedelta(minutes=30), tick=False):
        assert is_in(client)
    with time_machine.travel(NOW + timedelta(minutes=61), tick=False):
        assert client.get(ACCOUNT).status_code == 302
        assert client.get(ACCOUNT).status_code == 302


def test_a_busy_session_ends_after_twelve_hours() -> None:
    user = UserFactory.create()
    client, _answer = log_in(user.email)
    for count in range(36):  # every 20 minutes
        with time_machine.travel(NOW + timedelta(minutes=20 * count), tick=False):
            assert is_in(client), count
    with time_machine.travel(NOW + timedelta(hours=12, seconds=1), tick=False):
        assert not is_in(client)


def test_signing_in_changes_the_session_key() -> None:
    user = UserFactory.create()
    client = Client()
    client.get(LOGIN)
    before = client.session.session_key
    log_in(user.email, client=client)
    assert client.session.session_key != before


def test_a_role_taken_counts_at_the_next_request() -> None:
    secretariat, other = user_with(Role.SECRETARIAT), user_with(Role.SECRETARIAT)
    client, _answer = log_in(other.email)
    assert client.get("/people/").status_code == 200
    RoleGrant.objects.filter(user=other).update(revoked_at=NOW)  # whatever way it was taken
    assert client.get("/people/").status_code == 403
    RoleGrant.objects.filter(user=other).update(revoked_at=None)
    services.role_revoke(grant_id=other.role_grants.get().pk, actor=secretariat)
    assert client.get(ACCOUNT).status_code == 302  # the session is over too


def test_a_role_ends_with_its_last_day() -> None:
    staff = StaffFactory.create()
    assert staff.user is not None
    RoleGrantFactory.create(user=staff.user, role=Role.EXECUTIVE, valid_to=datetime(2026, 4, 11, tzinfo=UTC).date())
    client = signed_in(staff.user)
    assert client.get("/people/organisations/").status_code == 200
    with time_machine.travel(datetime(2026, 4, 10, 14, 59, tzinfo=UTC), tick=False):  # 23:59 in Tokyo
        assert signed_in(staff.user).get("/people/organisations/").status_code == 200
    with time_machine.travel(datetime(2026, 4, 10, 15, 0, tzinfo=UTC), tick=False):
        assert signed_in(staff.user).get("/people/organisations/").status_code == 403


def test_the_secretariat_signs_somebody_out() -> None:
    secretariat, user = user_with(Role.SECRETARIAT), UserFactory.create()
    client, _answer = log_in(user.email)
    services.account_end_sessions(user_id=user.pk, actor=secretariat)
    assert not is_in(client)


def test_a_system_is_not_the_last_that_runs_the_map() -> None:
    """Nobody can sign in with its account."""
    boss, system = user_with(Role.SECRETARIAT), UserFactory.create(is_service=True)
    services.role_grant(user_id=system.pk, role=Role.SECRETARIAT, actor=boss)
    for act in (
        lambda: services.role_revoke(grant_id=boss.role_grants.get().pk, actor=None),
        lambda: services.account_close(user_id=boss.pk, actor=None),
    ):
        with pytest.raises(RuleViolation) as refused:
            act()
        assert refused.value.code == "last_secretariat"


def test_a_token_is_not_issued_for_an_account_that_closed_meanwhile() -> None:
    """Opened again it has none of its former tokens."""
    system = UserFactory.create(is_service=True)
    seen_before = User.objects.get(pk=system.pk)
    services.account_close(user_id=system.pk, actor=None)
    with pytest.raises(RuleViolation) as refused:
        tokens.issue(user=seen_before, name="x", scopes=["people:read"], purpose="system_link", actor=None)
    assert refused.value.code == "account_closed"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("error", "waited", "state"),
    [
        (ConnectionRefusedError(), timedelta(), JobState.QUEUED),
        (ConnectionRefusedError(), WAITS_FOR + timedelta(hours=1), JobState.DEAD),
        (SMTPRecipientsRefused({"x": (550, b"no such user")}), timedelta(), JobState.DEAD),
    ],
    ids=["away", "away for a day", "refused"],
)
def test_an_invitation_waits_for_a_mail_server_that_is_away(
    monkeypatch: pytest.MonkeyPatch, error: OSError, waited: timedelta, state: JobState
) -> None:
    services.account_invite(user_id=UserFactory.create().pk, actor=None)
    job = Job.objects.get(kind="people.invite")
    Job.objects.filter(pk=job.pk).update(created_at=clock.now() - waited)

    def refuse(*_args: object, **_options: object) -> None:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(mail.EmailMessage, "send", refuse)
        for _time in range(Job.MAX_ATTEMPTS + 2):
            Job.objects.update(not_before=None)
            jobs.run(job.pk)
    job.refresh_from_db()
    assert job.state == state
    Job.objects.update(not_before=None)
    jobs.run(job.pk)  # it is back
    assert len(mail.outbox) == (state == JobState.QUEUED)


def test_who_asks_for_an_invitation_again_does_not_hang_on_whoever_asked_first() -> None:
    user, one, two = UserFactory.create(), user_with(Role.SECRETARIAT), user_with(Role.SECRETARIAT)
    for actor in (one, two, two):
        services.account_invite(user_id=user.pk, actor=actor)
    assert set(Job.objects.filter(kind="people.invite").values_list("requested_by", flat=True)) == {one.pk, two.pk}
    assert Job.objects.filter(kind="people.invite").count() == 2


@pytest.mark.parametrize(("days", "role", "is_in"), [(1, None, True), (0, None, False), (0, Role.SECRETARIAT, True)])
def test_on_the_day_of_leaving_nobody_waits_for_the_job(days: int, role: Role | None, is_in: bool) -> None:
    """But the secretariat, of whom the job keeps the last one."""
    staff = StaffFactory.create()
    assert staff.user is not None
    if role is not None:
        RoleGrantFactory.create(user=staff.user, role=role)
    client = Client()
    client.force_login(staff.user)
    assert client.get("/people/account/").status_code == 200
    Staff.objects.filter(pk=staff.pk).update(left_on=clock.today() + timedelta(days=days))
    assert (client.get("/people/account/").status_code == 200) == is_in
