"""Production settings: what is missing or weak stops the start by name; the rest passes Django's own checks."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
from pathlib import Path

import pytest

from bench.__main__ import environment

ROOT = Path(__file__).resolve().parent.parent
WHOLE = {
    "SECRET_KEY": secrets.token_urlsafe(60),
    "TOKEN_PEPPER": secrets.token_urlsafe(40),
    "DATABASE_URL": "postgres://skillmap:secret@127.0.0.1:1/skillmap",
    "REDIS_URL": "redis://127.0.0.1:1/0",
    "ALLOWED_HOSTS": "map.example.jp",
    "SITE_URL": "https://map.example.jp",
    "EMAIL_URL": "smtp+tls://user:password@mail.example.jp:587",
    "DEFAULT_FROM_EMAIL": "map@example.jp",
}
SHOW = """
import django
django.setup()
from django.conf import settings
print(settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME, settings.SECURE_HSTS_SECONDS,
      settings.MFA_REQUIRED_ROLES, settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_USE_TLS)
"""


def run(arguments: list[str], environment: dict[str, str], var: Path) -> subprocess.CompletedProcess[str]:
    keep = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    settings = {"DJANGO_SETTINGS_MODULE": "skillmap.config.settings.production", "VAR_DIR": str(var)}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=keep | settings | environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize("name", WHOLE)
def test_a_missing_value_stops_the_start_with_its_name(name: str, tmp_path: Path) -> None:
    environment = {key: value for key, value in WHOLE.items() if key != name}
    answer = run(["manage.py", "check"], environment, tmp_path)
    assert answer.returncode != 0
    assert f"Set the environment variable {name}" in answer.stderr


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("SECRET_KEY", "short", "SECRET_KEY is too weak"),
        ("SECRET_KEY", "a" * 80, "SECRET_KEY is too weak"),
        ("SECRET_KEY", "demo-only-key-that-production-settings-refuse-to-use", "SECRET_KEY is too weak"),
        ("TOKEN_PEPPER", "x" * 10, "TOKEN_PEPPER is too weak"),
        ("ALLOWED_HOSTS", "*", "must name the hosts"),
        ("SITE_URL", "http://map.example.jp", "must begin with https"),
        ("DATABASE_URL", "mysql://x", "DATABASE_URL must begin"),
        ("REDIS_URL", "http://x", "REDIS_URL must begin"),
        ("SECRET_KEY_FALLBACKS", "demo-only-key-that-production-settings-refuse-to-use", "SECRET_KEY_FALLBACKS is too"),
        ("OIDC_SERVER_URL", "http://provider.example", "OIDC_SERVER_URL must begin with https"),
    ],
)
def test_a_weak_value_stops_the_start(name: str, value: str, words: str, tmp_path: Path) -> None:
    of_provider = {"OIDC_CLIENT_ID": "map", "OIDC_CLIENT_SECRET": "secret"}
    answer = run(["manage.py", "check"], WHOLE | of_provider | {name: value}, tmp_path)
    assert answer.returncode != 0
    assert words in answer.stderr
    assert value not in answer.stderr.replace("postgres://", "") or len(value) < 12, "secrets are not printed"


def test_a_role_or_occupation_that_is_none_stops_the_start(tmp_path: Path) -> None:
    wrong = {"MFA_REQUIRED_ROLES": "secretariat,secretary", "SUPPLY_OCCUPATIONS": "ict,itc"}
    answer = run(["manage.py", "check"], WHOLE | wrong, tmp_path)
    assert answer.returncode != 0
    assert "MFA_REQUIRED_ROLES names secretary: choose from coordinator, " in answer.stderr
    assert "SUPPLY_OCCUPATIONS names itc: choose from ict, " in answer.stderr


@pytest.mark.parametrize(
    ("roles", "required"),
    [
        ("", ["secretariat"]),
        ("none", []),
        ("expert,executive", ["expert", "executive"]),
        (environment("", "")["MFA_REQUIRED_ROLES"], []),  # the people who are measured sign in without
    ],
)
def test_who_needs_a_second_factor(roles: str, required: list[str], tmp_path: Path) -> None:
    show = "from skillmap.config.settings import production; print(production.MFA_REQUIRED_ROLES)"
    answer = run(["-c", show], WHOLE | {"MFA_REQUIRED_ROLES": roles}, tmp_path)
    assert answer.stdout.strip() == str(required), answer.stderr


def test_the_deployment_checks_have_nothing_to_say(tmp_path: Path) -> None:
    answer = run(["manage.py", "check", "--deploy", "--fail-level", "WARNING"], WHOLE, tmp_path)
    assert answer.returncode == 0, answer.stderr
    assert "no issues" in answer.stdout


def test_cookies_transport_and_mail(tmp_path: Path) -> None:
    answer = run(["-c", SHOW], WHOLE, tmp_path)
    assert answer.stdout.split() == [
        "__Host-sessionid",
        "__Host-csrftoken",
        "31536000",
        "['secretariat']",
        "mail.example.jp",
        "587",
        "True",
    ], answer.stderr
