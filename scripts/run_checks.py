"""Everything that reads the code without running the tests; all of it, even where one check fails.

make check
"""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent


def environment(settings: str) -> dict[str, str]:
    """This process's environment with the settings of that name, and values that production demands."""
    values = {"DJANGO_SETTINGS_MODULE": f"skillmap.config.settings.{settings}"}
    if settings == "production":
        values |= {
            "SECRET_KEY": secrets.token_urlsafe(64),
            "TOKEN_PEPPER": secrets.token_urlsafe(48),
            "DATABASE_URL": "postgres://skillmap@localhost/skillmap",
            "REDIS_URL": "redis://localhost:6379/0",
            "ALLOWED_HOSTS": "skillmap.example",
            "SITE_URL": "https://skillmap.example",
            "EMAIL_URL": "smtp+tls://mail.example:587",
            "DEFAULT_FROM_EMAIL": "skillmap@skillmap.example",
        }
    return os.environ | values


def tool(name: str, *arguments: str) -> list[str]:
    """Command of a program in this environment."""
    return [str(BIN / name), *arguments]


def manage(*arguments: str) -> list[str]:
    """Command of manage.py."""
    return [sys.executable, "manage.py", *arguments]


def templates() -> list[str]:
    """Command that holds the templates against the one format."""
    files = sorted(str(path.relative_to(ROOT)) for path in ROOT.glob("templates/**/*.html"))
    return tool("djade", "--target-version", "5.2", "--check", *files)


CHECKS: dict[str, tuple[Callable[[], list[str]], str]] = {
    "code": (lambda: tool("ruff", "check", "."), "test"),
    "format": (lambda: tool("ruff", "format", "--check", "."), "test"),
    "templates": (templates, "test"),
    "types": (lambda: tool("mypy"), "test"),
    "imports": (lambda: tool("lint-imports"), "test"),
    "migrations": (lambda: manage("makemigrations", "--check", "--dry-run"), "test"),
    "system": (lambda: manage("check", "--fail-level", "WARNING"), "test"),
    "deployment": (lambda: manage("check", "--deploy", "--fail-level", "WARNING"), "production"),
    "translations": (lambda: [sys.executable, "scripts/check_translations.py"], "test"),
    "figures": (lambda: [sys.executable, "scripts/make_figures.py", "--check"], "test"),
    "words": (lambda: [sys.executable, "scripts/check_words.py"], "test"),
}


def run(name: str) -> bool:
    """Run one check and print how it went; its output only where it failed."""
    command, settings = CHECKS[name]
    start = time.monotonic()
    done = subprocess.run(
        command(),
        cwd=ROOT,
        env=environment(settings),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    print(f"{name:14}{'ok' if done.returncode == 0 else 'FAILED':8}{time.monotonic() - start:6.1f} s", flush=True)
    if done.returncode:
        print(done.stdout, flush=True)
    return done.returncode == 0


def main() -> int:
    """Run the checks named on the command line, or all; return 1 where one failed."""
    names = sys.argv[1:] or list(CHECKS)
    if unknown := [name for name in names if name not in CHECKS]:
        sys.exit(f"Unknown check {', '.join(unknown)}: choose from {', '.join(CHECKS)}.")
    failed = [name for name in names if not run(name)]
    print(f"checks: {len(names) - len(failed)} ok" + (f", FAILED: {', '.join(failed)}" if failed else ""), flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
