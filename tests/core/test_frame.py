"""The frame of the pages, and allauth's pages in it: they obey the content security policy and know their reader."""

from __future__ import annotations

import re

import pytest
from allauth.mfa.models import Authenticator
from django.core.cache import cache
from django.template.loader import render_to_string
from django.test import Client
from django.urls import reverse
from django.utils import translation

from skillmap.people.models import User

PASSWORD = "a long enough passphrase"
ENTRANCE = (
    "account_login",
    "account_reset_password",
    "account_reset_password_done",
    "account_reset_password_from_key_done",
)
OWN_ACCOUNT = (
    "account_change_password",
    "account_logout",
    "account_reauthenticate",
    "mfa_index",
    "mfa_activate_totp",
    "mfa_add_webauthn",
    "mfa_list_webauthn",
    "mfa_generate_recovery_codes",
    "usersessions_list",
)
STANDALONE = ("400.html", "403_csrf.html", "429.html", "500.html", "503.html", "507.html")

INLINE_SCRIPT = re.compile(r"<script(?![^>]*\bsrc=)(?![^>]*type=\"application/json\")", re.IGNORECASE)
INLINE_STYLE = re.compile(r"<[^>]*\sstyle\s*=|<style", re.IGNORECASE)
HANDLER = re.compile(r"<[^>]*\son[a-z]+\s*=", re.IGNORECASE)


@pytest.fixture(autouse=True)
def _no_tries_counted_from_other_tests() -> None:
    cache.clear()


@pytest.fixture
def member(db: None) -> User:
    user = User(email="aoki@demo.example", name="青木 花")
    user.set_password(PASSWORD)
    user.save()
    return user


@pytest.fixture
def signed_in(member: User) -> Client:
    """Sign in by the form and give the password once more, as the pages about second factors ask."""
    client = Client()
    for route, data in (("account_login", {"login": member.email}), ("account_reauthenticate", {})):
        assert client.post(reverse(route), {**data, "password": PASSWORD}).status_code == 302
    return client


def assert_obeys_policy(html: str) -> None:
    """No inline script, style or handler: the policy has no unsafe-inline."""
    for pattern in (INLINE_SCRIPT, INLINE_STYLE, HANDLER):
        assert not pattern.search(html), pattern.search(html)


def assert_well_formed(html: str, language: str = "ja") -> None:
    """One h1 with words, a title with words, the language, a way past the header, no id twice."""
    assert f'<html lang="{language}">' in html
    headings = re.findall(r"<h1[^>]*>(.*?)</h1>", html, re.DOTALL)
    assert len(headings) == 1
    assert re.sub(r"<[^>]+>", "", headings[0]).strip()
    title = re.findall(r"<title>(.*?)</title>", html, re.DOTALL)[0]
    assert title.split("|")[0].strip()
    ids = re.findall(r'\sid="([^"]+)"', html)
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("route", ENTRANCE)
@pytest.mark.django_db
def test_pages_before_sign_in(client: Client, route: str) -> None:
    answer = client.get(reverse(route))
    assert answer.status_code == 200
    html = answer.content.decode()
    assert_obeys_policy(html)
    assert_well_formed(html)
    assert 'class="site-nav"' not in html
    assert "人材育成目的。人事評価への利用禁止" in html or "personnel evaluation" in html


@pytest.mark.django_db
def test_nobody_is_invited_to_sign_up(client: Client) -> None:
    html = client.get(reverse("account_login")).content.decode()
    assert "signup" not in html
    closed = client.get(reverse("account_signup")).content.decode()
    assert 'name="password1"' not in closed
    assert_well_formed(closed)


@pytest.mark.parametrize("route", OWN_ACCOUNT)
def test_pages_of_the_own_account(signed_in: Client, route: str) -> None:
    answer = signed_in.get(reverse(route))
    assert answer.status_code == 200, answer.headers.get("Location")
    html = answer.content.decode()
    assert_obeys_policy(html)
    assert_well_formed(html)
    assert "青木 花" in html


def test_pages_with_a_second_factor(signed_in: Client, member: User) -> None:
    """With TOTP set up: its removal, the recovery codes, and the second step of the sign-in."""
    from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
    from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret

    TOTP.activate(member, generate_totp_secret())
    RecoveryCodes.activate(member)
    assert Authenticator.objects.filter(user=member).count() == 2
    for route in ("mfa_index", "mfa_deactivate_totp", "mfa_view_recovery_codes", "mfa_reauthenticate"):
        html = signed_in.get(reverse(route)).content.decode()
        assert_obeys_policy(html)
        assert_well_formed(html)
    assert re.search(r">\s*確認する\s*</button>", html), "a check is confirmed with another word (確定)"
    fresh = Client()
    step = fresh.post(reverse("account_login"), {"login": member.email, "password": PASSWORD}, follow=True)
    assert step.redirect_chain[-1][0] == reverse("mfa_authenticate")
    assert_obeys_policy(step.content.decode())
    assert_well_formed(step.content.decode())


@pytest.mark.django_db
def test_an_error_is_in_the_title_and_in_the_summary(client: Client) -> None:
    html = client.post(reverse("account_login"), {"login": "nobody@demo.example", "password": "wrong"}).content.decode()
    title = re.findall(r"<title>(.*?)</title>", html, re.DOTALL)[0]
    with translation.override("ja"):
        assert title.startswith(translation.gettext("Error: "))
    assert 'class="error-summary"' in html


def test_language_is_switched_by_post_and_kept(signed_in: Client) -> None:
    page = reverse("account_change_password")
    html = signed_in.get(page).content.decode()
    assert f'name="next" value="{page}"' in html
    answer = signed_in.post(reverse("set_language"), {"language": "en", "next": page})
    assert (answer.status_code, answer.headers["Location"]) == (302, page)
    html = signed_in.get(page).content.decode()
    assert_well_formed(html, "en")
    assert 'lang="en" aria-current="true"' in html


def test_sign_out_is_a_post_in_the_header(signed_in: Client) -> None:
    html = signed_in.get(reverse("account_change_password")).content.decode()
    assert f'<form method="post" action="{reverse("account_logout")}">' in html


@pytest.mark.parametrize("name", STANDALONE)
def test_pages_for_broken_moments_need_nothing(name: str) -> None:
    """No request, no database, no context."""
    html = render_to_string(name)
    assert_obeys_policy(html)
    assert_well_formed(html)


@pytest.mark.django_db
def test_reset_mails_say_the_purpose_and_offer_no_sign_up(
    client: Client, member: User, mailoutbox: list[object]
) -> None:
    for address in (member.email, "unknown@demo.example"):
        client.post(reverse("account_reset_password"), {"email": address})
    bodies = [str(getattr(mail, "body", "")) for mail in mailoutbox]
    assert len(bodies) == 2
    assert "/accounts/password/reset/key/" in bodies[0]
    assert "signup" not in bodies[1]
    assert all(body.count("\n\n\n") == 0 for body in bodies)
