"""No secret lies in the tree: the patterns by which keys and tokens of well-known services are recognised."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PATTERNS = {
    "private key": r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----",
    "AWS": r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b",
    "GitHub": r"\bgh[pousr]_[0-9A-Za-z]{36}\b|\bgithub_pat_\w{60,}",
    "GitLab": r"\bglpat-[\w-]{20}",
    "Slack": r"\bxox[abprs]-[0-9A-Za-z-]{10,}",
    "Google": r"\bAIza[\w-]{35}\b",
    "Stripe": r"\b[rs]k_live_[0-9A-Za-z]{20,}",
    "npm and PyPI": r"\bnpm_[0-9A-Za-z]{36}\b|\bpypi-[\w-]{50,}",
    "JSON web token": r"\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}",
    "token of ours": r"\bdsm_[\w-]{43}\b",
    "Django's key": r"django-insecure-[\w$%^&*()!@#+=-]{20,}",
    "address with a password": r"\b(?:postgres(?:ql)?|redis|rediss|smtp|https?|amqp)://[^\s:/@\"'{}$<>]+:[^\s:/@\"'{}$<>]{6,}@[\w.-]+",
}
#: Passwords of nobody: examples in documents and tests.
EXAMPLES = re.compile(r"secret|password|example|user:", re.IGNORECASE)
VENDORED = "static/vendor/"


def files() -> list[Path]:
    """Every text of the tree."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False).stdout
    names = [name for name in listed.split("\0") if name] or _unpacked()
    return [ROOT / name for name in names if not name.startswith(VENDORED)]


def _unpacked() -> list[str]:
    """The tree where it is no checkout: all but hidden folders and what the product writes."""
    paths = (path.relative_to(ROOT) for path in ROOT.rglob("*"))
    return [str(path) for path in paths if path.parts[0] != "var" and not path.parts[0].startswith(".")]


def secrets_in(text: str) -> list[str]:
    """What looks like a secret, and what kind."""
    found = []
    for kind, pattern in PATTERNS.items():
        found += [f"{kind}: {hit[:12]}…" for hit in re.findall(pattern, text) if not EXAMPLES.search(hit)]
    return found


def test_no_secret_lies_in_the_tree() -> None:
    found = {}
    for path in files():
        if path.is_file() and path.stat().st_size < 2_000_000:
            secrets = secrets_in(path.read_text(encoding="utf-8", errors="ignore"))
            if secrets:
                found[str(path.relative_to(ROOT))] = secrets
    assert found == {}


@pytest.mark.parametrize(
    "text",
    [
        "-----BEGIN RSA " + "PRIVATE KEY-----",
        "AKIA" + "Q" * 16,
        "ghp_" + "a1" * 18,
        "glpat-" + "a" * 20,
        "xoxb-" + "1" * 12,
        "AIza" + "b" * 35,
        "sk_live_" + "c" * 24,
        "npm_" + "d" * 36,
        "eyJ" + "a" * 20 + ".eyJ" + "b" * 20 + "." + "c" * 20,
        "dsm_" + "e" * 43,
        "django-insecure-" + "f" * 30,
        "postgres://app:" + "hunter22" + "@db.local",
    ],
)
def test_a_secret_would_be_found(text: str) -> None:
    assert secrets_in(f"x = '{text}'")
