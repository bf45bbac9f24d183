"""`docker-compose.yml` as far as it can be tried without a container engine.

Its commands and its health checks are run for real, with the environment that it hands over, against a private Redis
and PostgreSQL; the rest is read.
"""

from __future__ import annotations

import os
import re
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.core.management import call_command, get_commands
from django.test import override_settings

from scripts.processes import die_with_parent, end_groups
from tests.conftest import database_url
from tests.support.services import free_port

ROOT = Path(__file__).resolve().parent.parent
TEXT = (ROOT / "docker-compose.yml").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = ("web", "worker", "beat", "migrate")
BIN = Path(sys.executable).parent
SETTINGS = ROOT / "skillmap" / "config" / "settings"
# Set by the image, read by Django or Python themselves.
NOT_SETTINGS = {"DJANGO_SETTINGS_MODULE"}
VARIABLE = re.compile(r"\$\$|\$\{(\w+)(?:(:\?|:-)([^}]*))?\}")


def variables(value: str) -> dict[str, str]:
    """Variables that a value is made of, each with `:?` (required), `:-` (has a default) or nothing."""
    return {match[1]: match[2] or "" for match in VARIABLE.finditer(value) if match[1]}


def filled(value: str, values: dict[str, str]) -> str:
    """The value as the engine would hand it over."""

    def fill(match: re.Match[str]) -> str:
        if match[0] == "$$":
            return "$"
        return values.get(match[1]) or (match[3] if match[2] == ":-" else "")

    return VARIABLE.sub(fill, value)


def settings_read() -> set[str]:
    """Names of environment variables that the settings of production read."""
    text = (SETTINGS / "base.py").read_text() + (SETTINGS / "production.py").read_text()
    return set(re.findall(r"(?:env\.\w+|required)\(\s*\"([A-Z_]+)\"", text))


def settings_required() -> set[str]:
    """Names without which production refuses to start."""
    return set(re.findall(r"required\(\s*\"([A-Z_]+)\"", (SETTINGS / "production.py").read_text()))


# ---------------------------------------------------------------------------------------------------------- as read
def test_the_services_are_these() -> None:
    assert set(SERVICES) == {"web", "worker", "beat", "migrate", "postgres", "redis"}


@pytest.mark.parametrize("name", SERVICES)
def test_nothing_runs_as_root_or_may_become_it(name: str) -> None:
    service = SERVICES[name]
    assert service["user"] in {"10001:10001", "postgres", "redis"}
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["read_only"] is True
    assert "privileged" not in service


def test_the_image_runs_as_the_same_user() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text()
    assert re.findall(r"^USER (.*)$", dockerfile, re.MULTILINE) == ["10001:10001"]
    assert "--require-hashes --requirement requirements.txt" in dockerfile
    for source in re.findall(r"^COPY (?!--from)(.+) \S+$", dockerfile, re.MULTILINE):
        assert (ROOT / source).exists(), source
        allowed = (ROOT / ".dockerignore").read_text().splitlines()
        assert f"!{source.partition('/')[0]}" in allowed


@pytest.mark.parametrize("name", sorted(set(SERVICES) - {"migrate"}))
def test_every_server_has_a_health_check_and_comes_back(name: str) -> None:
    check = SERVICES[name]["healthcheck"]
    assert check["test"][0] in {"CMD", "CMD-SHELL"}
    assert {"interval", "timeout", "retries"} <= set(check)
    assert SERVICES[name]["restart"] == "unless-stopped"


@pytest.mark.parametrize("name", ["web", "worker", "beat"])
def test_nothing_serves_before_the_migration_is_through(name: str) -> None:
    assert SERVICES[name]["depends_on"] == {
        "postgres": {"condition": "service_healthy"},
        "redis": {"condition": "service_healthy"},
        "migrate": {"condition": "service_completed_successfully"},
    }
    assert SERVICES["migrate"]["restart"] == "no"
    assert SERVICES["migrate"]["depends_on"]["postgres"] == {"condition": "service_healthy"}


@pytest.mark.parametrize("name", OURS)
def test_the_environment_is_what_production_reads(name: str) -> None:
    environment = SERVICES[name]["environment"]
    assert set(environment) - NOT_SETTINGS <= settings_read()
    assert settings_required() <= set(environment)
    for required in settings_required():
        assert ":?" in variables(environment[required]).values(), required
    assert environment["DJANGO_SETTINGS_MODULE"] == "skillmap.config.settings.production"


# Set by the image, or made of others in the compose file.
OF_THE_IMAGE = {"VAR_DIR", "STATIC_ROOT"}
DERIVED = {"CELERY_BROKER_URL"}


def test_every_setting_can_be_set_and_is_explained() -> None:
    """What production reads is handed over by the compose file and stands in the table of the manual."""
    handed_over = set(SERVICES["web"]["environment"])
    assert settings_read() - OF_THE_IMAGE - DERIVED <= handed_over
    manual = (ROOT / "docs" / "operations.md").read_text()
    table = manual[manual.index("## Settings") : manual.index("## Health")]
    named = set(re.findall(r"`([A-Z][A-Z_]+)`", table))
    assert (settings_read() | set(re.findall(r"\$\{(\w+)", TEXT))) - DERIVED <= named


def test_what_is_left_empty_means_what_the_settings_mean_by_themselves(tmp_path: Path) -> None:
    """A default stands twice, in the settings and in the compose file; both say the same, and so does an empty line."""
    show = (
        "import django, json; django.setup(); from django.conf import settings as s; "
        "print(json.dumps([s.MFA_REQUIRED_ROLES, s.SMALL_CELL_K, s.SUPPLY_OCCUPATIONS, s.JOB_LEASE_SECONDS, "
        "s.TICK_SECONDS, s.OIDC_SECOND_FACTOR_AMR, s.OIDC_SECOND_FACTOR_ACR, s.ALLAUTH_TRUSTED_PROXY_COUNT, "
        "s.LOGGING['root']['level']]))"
    )
    told = environment_of("web", VAR_DIR=str(tmp_path))
    kept = {"PATH", "PYTHONUNBUFFERED", "VAR_DIR", *settings_required(), *NOT_SETTINGS}
    untold = {name: value for name, value in told.items() if name in kept}
    example = (ROOT / ".env.example").read_text().splitlines()
    empty = untold | {line.removesuffix("="): "" for line in example if line.endswith("=") and line[:-1] not in kept}
    answers = [
        subprocess.run([sys.executable, "-c", show], cwd=ROOT, env=each, capture_output=True, text=True, check=True)
        for each in (told, untold, empty)
    ]
    assert answers[0].stdout == answers[1].stdout == answers[2].stdout
    assert '["secretariat"]' in answers[2].stdout


def test_no_secret_stands_in_the_files() -> None:
    for name, service in SERVICES.items():
        for variable, value in service.get("environment", {}).items():
            if re.search(r"SECRET|PASSWORD|PEPPER|TOKEN|AUTH", variable):
                # Nothing but a reference, and no default either.
                match = VARIABLE.fullmatch(value)
                assert match, f"{name}: {variable}"
                assert match[2] == ":?" or not match[3], f"{name}: {variable}"
    for url in re.findall(r"\w+://[^\s\"']+@", TEXT):
        assert "${" in url, url
    example = (ROOT / ".env.example").read_text()
    values = dict(line.split("=", 1) for line in example.splitlines() if line and not line.startswith("#"))
    used = set(re.findall(r"\$\{(\w+)", TEXT))
    assert set(values) == used
    assert {name: value for name, value in values.items() if value} == {
        "PORT": "8000",
        "TRUSTED_PROXY_COUNT": "1",
        "LOG_LEVEL": "WARNING",
    }


def test_only_the_pages_can_be_reached_and_only_from_this_machine() -> None:
    assert {name: service["ports"] for name, service in SERVICES.items() if "ports" in service} == {
        "web": ["127.0.0.1:${PORT:-8000}:8000"]
    }
    assert COMPOSE["networks"]["inside"] == {"internal": True}
    for name in ("postgres", "redis"):
        assert SERVICES[name]["networks"] == ["inside"]


def test_redis_keeps_what_it_was_told() -> None:
    command = " ".join(SERVICES["redis"]["command"])
    assert "--appendonly yes" in command
    assert "--maxmemory-policy noeviction" in command
    assert "--requirepass" in command
    assert SERVICES["redis"]["volumes"] == ["redis:/data"]


def test_every_volume_is_declared() -> None:
    used = {volume.partition(":")[0] for service in SERVICES.values() for volume in service.get("volumes", [])}
    assert used == set(COMPOSE["volumes"])


# ----------------------------------------------------------------------------------------------------------- as run
VALUES = {
    "SECRET_KEY": secrets.token_urlsafe(64),
    "TOKEN_PEPPER": secrets.token_urlsafe(48),
    "POSTGRES_PASSWORD": "unused",
    "REDIS_PASSWORD": "unused",
    "ALLOWED_HOSTS": "skillmap.example",
    "SITE_URL": "https://skillmap.example",
    "EMAIL_URL": "dummymail://",
    "DEFAULT_FROM_EMAIL": "skillmap@skillmap.example",
}


def environment_of(name: str, **more: str) -> dict[str, str]:
    """What the container's processes would see, on this machine's paths."""
    given = {key: filled(str(value), VALUES) for key, value in SERVICES[name]["environment"].items()}
    return {"PATH": f"{BIN}:{os.environ['PATH']}", "PYTHONUNBUFFERED": "1"} | given | more


def command_of(name: str, port: int) -> list[str]:
    """The service's command with a port of this test's own."""
    return [str(part).replace("8000", str(port)) for part in SERVICES[name]["command"]]


def health_command_of(name: str, port: int) -> list[str]:
    """The service's health check as the engine would run it, but asking sooner again."""
    kind, *words = SERVICES[name]["healthcheck"]["test"]
    words = [str(word).replace("--timeout=10", "--timeout=2") for word in words]
    words = [filled(str(word), {}).replace("8000", str(port)) for word in words]
    return words if kind == "CMD" else ["sh", "-c", *words]


@pytest.fixture
def surroundings(transactional_db: None, redis_url: str, tmp_path: Path) -> dict[str, str]:
    """Where the processes find the test's database, Redis and files."""
    return {
        "DATABASE_URL": database_url(),
        "REDIS_URL": redis_url,
        "VAR_DIR": str(tmp_path / "var"),
        "STATIC_ROOT": str(tmp_path / "static"),
    }


@pytest.fixture(params=["web", "worker", "beat"])
def running(
    request: pytest.FixtureRequest, surroundings: dict[str, str], tmp_path: Path
) -> Iterator[tuple[str, int, Path]]:
    """One service, started by its own command: its name, its port, its log."""
    name, port, log = request.param, free_port(), tmp_path / "log"
    (tmp_path / "static").mkdir()
    (tmp_path / "static" / "staticfiles.json").write_text('{"paths": {}, "version": "1.1", "hash": ""}')
    with log.open("wb") as sink:
        process = subprocess.Popen(
            command_of(name, port),
            cwd=ROOT,
            env=environment_of(name, **surroundings),
            stdout=sink,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=die_with_parent(15),
        )
    try:
        yield name, port, log
    finally:
        end_groups([process], grace=20)


@pytest.mark.postgres
@pytest.mark.services
def test_a_service_becomes_healthy(running: tuple[str, int, Path], surroundings: dict[str, str]) -> None:
    name, port, log = running
    deadline = time.monotonic() + 90
    while True:
        check = subprocess.run(
            health_command_of(name, port),
            cwd=ROOT,
            env=environment_of(name, **surroundings),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        if check.returncode == 0:
            break
        assert time.monotonic() < deadline, f"{check.stdout}{check.stderr}\n{log.read_text(errors='replace')[-3000:]}"
        time.sleep(0.5)


@pytest.mark.postgres
@pytest.mark.services
@pytest.mark.parametrize("name", ["web", "worker", "beat"])
def test_a_service_that_does_not_run_is_not_healthy(name: str, surroundings: dict[str, str]) -> None:
    words = health_command_of(name, free_port())
    environment = environment_of(name, **surroundings)
    assert (
        subprocess.run(words, cwd=ROOT, env=environment, capture_output=True, timeout=60, check=False).returncode != 0
    )


@pytest.mark.postgres
@pytest.mark.services
def test_the_migration_runs_to_its_end(surroundings: dict[str, str]) -> None:
    done = subprocess.run(
        command_of("migrate", 8000),
        cwd=ROOT,
        env=environment_of("migrate", **surroundings),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert SERVICES["migrate"]["command"][2] in get_commands()


def test_an_unset_secret_stops_the_start(tmp_path: Path) -> None:
    environment = environment_of("web", VAR_DIR=str(tmp_path))
    del environment["SECRET_KEY"]
    done = subprocess.run(
        [sys.executable, "manage.py", "check"], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    assert "SECRET_KEY" in done.stderr


def test_the_healthy_answer_is_the_pages_own() -> None:
    assert "/readyz" in SERVICES["web"]["healthcheck"]["test"][-1]


def test_the_ports_agree() -> None:
    bound = next(word for word in SERVICES["web"]["command"] if word.startswith("--bind="))
    assert bound == "--bind=0.0.0.0:8000"
    assert "EXPOSE 8000" in (ROOT / "Dockerfile").read_text()


@pytest.mark.sqlite
def test_static_files_can_be_gathered_under_hashed_names(tmp_path: Path) -> None:
    """Every address in a style sheet leads to a file; compressing them too would only take longer."""
    storages = {
        "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"},
    }
    with override_settings(STATIC_ROOT=tmp_path, STORAGES=storages, STATIC_URL="/static/"):
        call_command("collectstatic", interactive=False, verbosity=0)
    assert (tmp_path / "staticfiles.json").exists()
