"""Single sign-on against a real provider process: by issuer and subject, and by nothing else."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from http.cookiejar import CookieJar
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit
from urllib.request import HTTPCookieProcessor, HTTPRedirectHandler, Request, build_opener

import pytest
from allauth.account.models import Login
from allauth.core import context
from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn.internal import flows
from allauth.socialaccount.models import SocialAccount
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import AnonymousUser
from django.contrib.messages.storage.fallback import FallbackStorage
from django.contrib.sessions.backends.db import SessionStore
from django.core import mail
from django.core.cache import cache
from django.test import Client, RequestFactory

from skillmap.core.models import Job
from skillmap.people import services
from skillmap.people.choices import Role
from skillmap.people.models import SignInSubject, User
from tests.factories.people import UserFactory, user_with
from tests.support.due_jobs import run_due
from tests.support.oidc_provider import CLIENT_ID, CLIENT_SECRET, PASSWORD, provider
from tests.support.signing_in import signed_in

pytestmark = [pytest.mark.django_db, pytest.mark.services]
START, CALLBACK = "/accounts/oidc/sso/login/", "/accounts/oidc/sso/login/callback/"
ALICE = "alice@tokyo.example"
PEOPLE = {
    "alice": ALICE,
    "factor": "factor@tokyo.example",
    "forged-iss": "f1@tokyo.example",
    "forged-aud": "f2@tokyo.example",
    "forged-exp": "f3@tokyo.example",
    "forged-sub": "f4@tokyo.example",
}


def _provider(factory: pytest.TempPathFactory) -> Any:
    folder: Path = factory.mktemp("provider")
    return provider(folder, redirect_uri=f"http://testserver{CALLBACK}", people=PEOPLE)


@pytest.fixture(scope="module")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A running provider."""
    with _provider(tmp_path_factory) as address:
        yield address


@pytest.fixture(scope="module")
def other_issuer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Another provider, which knows people by the same subjects and addresses."""
    with _provider(tmp_path_factory) as address:
        yield address


@pytest.fixture
def configure(settings: Any) -> Callable[[str], None]:
    """Point the settings to a provider, as OIDC_SERVER_URL and the others do."""

    def point_to(address: str) -> None:
        cache.clear()
        app = {
            "provider_id": "sso",
            "name": "Single sign-on",
            "client_id": CLIENT_ID,
            "secret": CLIENT_SECRET,
            "settings": {"server_url": address, "token_auth_method": "client_secret_basic"},
        }
        settings.SOCIALACCOUNT_PROVIDERS = {"openid_connect": {"OAUTH_PKCE_ENABLED": True, "APPS": [app]}}

    return point_to


class _Stay(HTTPRedirectHandler):
    """Redirects are followed by hand: the last one leads to the application under test."""

    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        """Stay."""


class Browser:
    """A browser at the provider's pages."""

    def __init__(self) -> None:
        self._opener = build_opener(HTTPCookieProcessor(CookieJar()), _Stay)

    def go(self, url: str, data: dict[str, str] | None = None) -> tuple[str, str]:
        """Where a request leads to (the address itself where it stays) and the page."""
        from urllib.error import HTTPError

        body = urlencode(data).encode() if data is not None else None
        assert url.startswith("http://127.0.0.1:")
        request = Request(url, data=body, headers={"Referer": url})  # noqa: S310  an address of this machine
        try:
            with self._opener.open(request, timeout=20) as answer:
                return url, answer.read().decode()
        except HTTPError as moved:
            if moved.code not in {301, 302, 303}:
                raise
            return urljoin(url, moved.headers["Location"]), ""

    def sign_in(self, url: str, name: str) -> str:
        """Sign in where the provider asks for it; the address of the application that it comes back to."""
        for _step in range(10):
            if urlsplit(url).netloc == "testserver":
                return url
            following, page = self.go(url)
            if 'name="password"' in page:
                token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
                assert token is not None
                form = {"login": name, "password": PASSWORD, "csrfmiddlewaretoken": token[1]}
                following, _page = self.go(url, form)
            assert following != url, page[:2000]
            url = following
        raise AssertionError("the provider leads round in circles")


def come_in(name: str, client: Client | None = None, process: str = "") -> tuple[Client, Any]:
    """Sign in at the provider as somebody; the client and the application's answer to the callback."""
    client = client or Client()
    start = client.post(f"{START}?process={process}" if process else START)
    assert start.status_code == 302, start.content.decode()[:500]
    back = urlsplit(Browser().sign_in(start["Location"], name))
    return client, client.get(f"{back.path}?{back.query}")


def is_in(client: Client) -> bool:
    """Whether somebody is signed in."""
    return client.get("/people/account/").status_code == 200


def tied(email: str, subject: str) -> User:
    """An account that the secretariat has tied to a subject."""
    user: User = UserFactory.create(email=email)
    services.account_link_subject(user_id=user.pk, provider_id="sso", subject=subject, actor=None)
    return user


def test_a_tied_subject_comes_in(issuer: str, configure: Callable[[str], None]) -> None:
    configure(issuer)
    user = tied("an.other@address.example", "subject-alice")  # the address plays no part
    client, answer = come_in("alice")
    assert answer.status_code == 302, answer.content.decode()[-1500:]
    assert is_in(client)
    assert client.session["_auth_user_id"] == str(user.pk)
    assert not User.objects.get(pk=user.pk).has_usable_password()
    assert SignInSubject.objects.get(user=user).issuer == issuer
    assert User.objects.count() == 1


def test_an_unknown_subject_stays_out_whatever_its_address(issuer: str, configure: Callable[[str], None]) -> None:
    configure(issuer)
    UserFactory.create(email=ALICE)
    client, answer = come_in("alice")
    assert answer.status_code == 403
    assert not is_in(client)
    assert not SocialAccount.objects.exists()
    assert User.objects.count() == 1


def test_another_issuers_subject_is_somebody_else(
    issuer: str, other_issuer: str, configure: Callable[[str], None]
) -> None:
    configure(issuer)
    tied(ALICE, "subject-alice")
    configure(other_issuer)  # the settings change, the name of the provider stays
    client, answer = come_in("alice")
    assert answer.status_code == 403
    assert not is_in(client)


def test_a_closed_account_stays_closed(issuer: str, configure: Callable[[str], None]) -> None:
    configure(issuer)
    user = tied(ALICE, "subject-alice")
    services.account_close(user_id=user.pk, actor=None)
    client, _answer = come_in("alice")
    assert not is_in(client)


def test_an_untied_subject_stays_out(issuer: str, configure: Callable[[str], None]) -> None:
    configure(issuer)
    user = tied(ALICE, "subject-alice")
    client, _answer = come_in("alice")
    services.account_unlink_subject(link_id=user.sign_in_subjects.get().pk, actor=None)
    assert not is_in(client)
    again, answer = come_in("alice")
    assert answer.status_code == 403
    assert not is_in(again)


def test_nobody_ties_a_subject_to_the_own_account(issuer: str, configure: Callable[[str], None]) -> None:
    configure(issuer)
    user = UserFactory.create(email=ALICE)
    _client, answer = come_in("alice", signed_in(user), process="connect")
    assert answer.status_code == 403
    assert not SocialAccount.objects.exists()


@pytest.mark.parametrize("name", ["forged-iss", "forged-aud", "forged-exp", "forged-sub"])
def test_a_forged_token_lets_nobody_in(issuer: str, configure: Callable[[str], None], name: str) -> None:
    configure(issuer)
    tied(ALICE, "subject-alice")
    tied(f"{name}@tokyo.example", f"subject-{name}")
    client, answer = come_in(name)
    assert answer.status_code in {200, 401, 403}
    assert not is_in(client)


def test_the_providers_second_factor_counts(issuer: str, configure: Callable[[str], None], settings: Any) -> None:
    settings.MFA_REQUIRED_ROLES = ["secretariat"]
    configure(issuer)
    for name, expected in (("factor", True), ("alice", False)):
        user = user_with(Role.SECRETARIAT)
        services.account_link_subject(user_id=user.pk, provider_id="sso", subject=f"subject-{name}", actor=None)
        client, _answer = come_in(name)
        assert is_in(client) is expected, name


def test_an_answer_that_nobody_asked_for_is_refused(issuer: str, configure: Callable[[str], None]) -> None:
    configure(issuer)
    tied(ALICE, "subject-alice")
    first = Client()
    back = urlsplit(Browser().sign_in(first.post(START)["Location"], "alice"))
    stranger = Client()  # the address was slipped to somebody else's browser
    stranger.get(f"{back.path}?{back.query}")
    assert not is_in(stranger)


def test_a_provider_that_is_away_is_said_so(configure: Callable[[str], None]) -> None:
    configure("http://127.0.0.1:9")
    answer = Client().post(START)
    assert answer.status_code == 503
    assert b"/accounts/login/" in answer.content


@pytest.fixture
def known_provider(configure: Callable[[str], None]) -> None:
    """The settings name a provider that nobody asks here."""
    configure("https://provider.example")


@pytest.mark.usefixtures("known_provider")
@pytest.mark.parametrize("way", ["set", "given"])
def test_a_tied_account_has_no_password_of_its_own(way: str) -> None:
    """Whom the provider lets in no longer must not have kept another way."""
    user, new = tied(ALICE, "subject-alice"), "Kagi-no-kakaranai-2026"
    if way == "set":
        client = signed_in(User.objects.get(pk=user.pk))
        page = client.post("/accounts/password/set/", {"password1": new, "password2": new})
        assert "シングルサインオン" in page.content.decode()
        assert not User.objects.get(pk=user.pk).has_usable_password()
    else:
        user.set_password(new)
        user.save()
    other = Client()
    answer = other.post("/accounts/login/", {"login": user.email, "password": new}, follow=True)
    assert "_auth_user_id" not in other.session
    assert ("シングルサインオンに" in answer.content.decode()) == (way == "given"), "who knows the password is told why"


@pytest.mark.usefixtures("known_provider")
def test_a_passkey_of_before_is_no_way_in_either() -> None:
    user = UserFactory.create()
    Authenticator.objects.create(
        user=user, type=Authenticator.Type.WEBAUTHN, data={"name": "key", "passwordless": True, "credential": {}}
    )
    services.account_link_subject(user_id=user.pk, provider_id="sso", subject="subject-alice", actor=None)
    request = RequestFactory().post("/accounts/2fa/webauthn/login/")
    request.session, request.user = SessionStore(), AnonymousUser()
    request._messages, request.allauth = FallbackStorage(request), SimpleNamespace()  # type: ignore[attr-defined]
    with context.request_context(request):
        answer = flows.perform_passwordless_login(request, Authenticator.objects.get(user=user), Login(user=user))
    assert answer["Location"] == "/accounts/login/"
    assert "_auth_user_id" not in request.session


@pytest.mark.usefixtures("known_provider")
def test_only_the_secretariat_unties() -> None:
    user = tied(ALICE, "subject-alice")
    User.objects.filter(pk=user.pk).update(password=make_password("Kagi-no-kakaranai-2026"))  # allauth asks for one
    row = SocialAccount.objects.get(user=user)
    client = signed_in(User.objects.get(pk=user.pk))
    client.post("/accounts/3rdparty/", {"account": row.pk})
    assert SocialAccount.objects.filter(pk=row.pk).exists()


@pytest.mark.usefixtures("known_provider")
def test_an_invitation_that_waits_is_not_sent_to_an_account_tied_meanwhile() -> None:
    user = UserFactory.create()
    services.account_invite(user_id=user.pk, actor=None)
    services.account_link_subject(user_id=user.pk, provider_id="sso", subject="subject-alice", actor=None)
    run_due()
    job = Job.objects.get(kind="people.invite")
    assert (job.state, job.result, mail.outbox) == ("done", {"sent": False}, [])
