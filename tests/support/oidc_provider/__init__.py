"""A real OpenID Connect provider in a process of its own, by allauth's provider side; for tests of single sign-on.

>>> with provider(folder, redirect_uri="http://testserver/…/callback/") as issuer:
...     ...
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from scripts.processes import die_with_parent, end_groups
from tests.support import services

ROOT = Path(__file__).resolve().parents[3]
CLIENT_ID, CLIENT_SECRET = "skillmap", "only-for-tests-of-single-sign-on"
PASSWORD = "a password at the provider"


@contextlib.contextmanager
def provider(folder: Path, *, redirect_uri: str, people: Mapping[str, str]) -> Iterator[str]:
    """Run a provider; yield its issuer. It is gone when the block ends, and dies with the tests.

    Args:
        folder: for its database and log, empty.
        redirect_uri: the only one that it redirects to.
        people: user names to e-mail addresses; all have PASSWORD. What it calls somebody is `subject-<name>`; a name
            that begins with `forged-` gets an ID token that is wrong in the way named after it.
    """
    port = services.free_port()
    log = folder / "provider.log"
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "tests.support.oidc_provider.settings",
        "PROVIDER_DATABASE": str(folder / "provider.sqlite3"),
        "PROVIDER_PEOPLE": ",".join(f"{name}={email}" for name, email in people.items()),
        "PROVIDER_PORT": str(port),
        "PROVIDER_REDIRECT_URI": redirect_uri,
    }
    with log.open("wb") as sink:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.oidc_provider.serve"],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=die_with_parent(signal.SIGTERM),
        )
        try:
            services.wait_until(lambda: services.answers(port), process, log)
            yield f"http://127.0.0.1:{port}"
        finally:
            end_groups([process], grace=services.STOP_SECONDS)
