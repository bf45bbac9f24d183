"""Find what must not stand in the project's files: addresses of package servers, paths of one machine, keys, words that
help nobody, and in templates what the content security policy would block anyway.

    python scripts/check_words.py
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path, PurePath

ROOT = Path(__file__).resolve().parent.parent
SKIPPED_FOLDERS = {".git", ".venv", "var", "node_modules", "__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache"}


@dataclass(frozen=True)
class Rule:
    """One thing that must not be there."""

    pattern: re.Pattern[str]
    why: str
    applies: Callable[[PurePath], bool]


@dataclass(frozen=True)
class Finding:
    """Where a rule is broken."""

    path: PurePath
    line: int
    why: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.why}"


def is_any(_path: PurePath) -> bool:
    """Every file."""
    return True


def is_ours(path: PurePath) -> bool:
    """What is written here: neither other people's files nor data."""
    return path.parts[:2] != ("static", "vendor") and path.parts[0] != "fixtures"


def is_page(path: PurePath) -> bool:
    """Templates of pages; mail programs know no other style than inline."""
    return path.suffix == ".html" and path.parts[0] == "templates" and "emails" not in path.parts


def is_wording(path: PurePath) -> bool:
    """What people read."""
    return path.parts[0] in {"templates", "locale"} or path.suffix == ".js"


def rule(pattern: str, why: str, applies: Callable[[PurePath], bool] = is_any, flags: int = 0) -> Rule:
    """Build a rule from the text of its pattern."""
    return Rule(re.compile(pattern, flags), why, applies)


RULES = (
    rule(
        r"https?://[^\s/\"'<>]*(?:pypi|pythonhosted|npmjs|yarnpkg|registry|mirror)[^\s/\"'<>]*",
        "the address of a package server: installations choose theirs",
    ),
    rule(r"(?<![\w-])--(?:extra-)?index-url|(?<![\w-])--find-link[s]", "an option that names a package server"),
    rule(r"(?<![\w.:/])/(?:root|work|opt/pypi)/\w|(?<![\w.:/])/home/\w+/", "a path of one machine", is_ours),
    rule(r"-----BEGIN [A-Z ]*PRIVATE KEY-----", "a private key"),
    rule(r"不正な値", "says neither what is wrong nor what to do: name the field and what it takes", is_wording),
    rule(r"\b(?:TO" r"DO|FIX" r"ME|XX" r"X)\b", "do it, or write down where it is planned", is_ours),
    rule(r"lorem\s+ipsum", "filler", is_ours, re.IGNORECASE),
    rule(r"<script\b(?![^>]*\bsrc\s*=)(?![^>]*application/json)", "inline script: put it into static/js", is_page),
    rule(r"<style\b|\sstyle\s*=\s*[\"']", "inline style: put it into static/css", is_page),
    rule(r"\son[a-z]+\s*=\s*[\"']|\shx-on[:\-]", "inline handler: put it into static/js", is_page),
)


def check_text(path: PurePath, text: str) -> list[Finding]:
    """Findings in one file.

    Args:
        path: relative to the project's folder; some rules are for some folders.
        text: what the file holds.
    """
    return [
        Finding(path, text.count("\n", 0, match.start()) + 1 + match[0].startswith("\n"), each.why)
        for each in RULES
        if each.applies(path)
        for match in each.pattern.finditer(text)
    ]


def project_files(root: Path) -> Iterable[Path]:
    """Files of the project: those git knows or would take; without git, all but what is made."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode == 0:
        return sorted({root / name for name in listed.stdout.split("\0") if name})
    return sorted(path for path in root.rglob("*") if not SKIPPED_FOLDERS & set(path.relative_to(root).parts))


def check_project(root: Path) -> list[Finding]:
    """Findings in all text files of the project."""
    findings = []
    for path in project_files(root):
        if not path.is_file() or b"\0" in (raw := path.read_bytes()):
            continue
        findings += check_text(path.relative_to(root), raw.decode(errors="replace"))
    return findings


def main() -> int:
    """Print the findings; return 1 where there is one."""
    findings = check_project(ROOT)
    for finding in findings:
        print(finding)
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
