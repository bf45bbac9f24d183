"""What tests, trials and measurements use beside Python's packages; as root it is installed through apt."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tests.support import services


@dataclass(frozen=True)
class Need:
    """Something the tests use that pip does not install."""

    name: str
    package: str  # Debian's
    present: Callable[[], bool]
    without: str  # what is not tried without it
    lane: str = ""  # the lane that cannot run at all without it
    instead: str = ""  # the package that does too, where the first is not to be had


def has_japanese_font() -> bool:
    """Say whether pages in Japanese can be drawn."""
    if shutil.which("fc-list") is None:
        return False
    fonts = subprocess.run(["fc-list", ":lang=ja", "family"], check=False, capture_output=True)
    return bool(fonts.stdout.strip())


SERVERS = (
    Need("Redis", "redis-server", lambda: services.find_redis() is not None, "no test with Redis runs"),
    Need("PostgreSQL", "postgresql", lambda: services.find_postgres() is not None, "nothing runs on it", "postgres"),
)
NEEDS = (
    Need(
        "Chromium",
        "chromium-headless-shell",  # the same engine without the windows around it: a third less to do
        lambda: services.find_chromium() is not None,
        "no browser test runs",
        "browser",
        "chromium",
    ),
    Need("a Japanese font", "fonts-noto-cjk", has_japanese_font, "screenshots show boxes for letters"),
    *SERVERS,
    Need("gettext", "gettext", lambda: shutil.which("xgettext") is not None, "translations are not checked"),
)


def install_missing(needs: Sequence[Need] = NEEDS) -> list[Need]:
    """Install what is missing where that is possible; return what is still missing."""
    missing = [need for need in needs if not need.present()]
    if not missing or os.geteuid() != 0 or shutil.which("apt-get") is None:
        return missing
    print(f"Installing {', '.join(need.name for need in missing)} …", flush=True)
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}

    def apt(*arguments: str) -> None:
        done = subprocess.run(
            ["apt-get", "-qq", *arguments], env=environment, check=False, capture_output=True, text=True, timeout=900
        )
        if done.returncode:
            print(done.stdout[-2000:], done.stderr[-2000:], sep="\n", flush=True)

    apt("update")
    for need in missing:  # one by one: where one cannot be had, apt would install none
        for package in filter(None, (need.package, need.instead)):
            if not need.present():
                apt("install", "--yes", "--no-install-recommends", package)
    return [need for need in missing if not need.present()]
