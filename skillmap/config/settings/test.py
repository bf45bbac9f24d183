"""Tests: quick passwords, mail kept in memory, a database in a folder of this run alone."""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

if "VAR_DIR" not in os.environ:
    os.environ["VAR_DIR"] = tempfile.mkdtemp(prefix="skillmap-test-")
    atexit.register(shutil.rmtree, os.environ["VAR_DIR"], ignore_errors=True)
# Each pytest-xdist worker inherits its controller's folder and takes a part of its own.
_worker = os.environ.get("PYTEST_XDIST_WORKER", "")
if _worker and Path(os.environ["VAR_DIR"]).name != _worker:
    os.environ["VAR_DIR"] = str(Path(os.environ["VAR_DIR"]) / _worker)

from skillmap.config.databases import database  # noqa: E402
from skillmap.config.settings.base import *  # noqa: E402, F403
from skillmap.config.settings.base import VAR_DIR, env  # noqa: E402

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
DATABASES = {"default": database(env.str("DATABASE_URL", default=f"sqlite:///{VAR_DIR / 'db.sqlite3'}"))}
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # A file, not memory: locking can only be tried on a file.
    DATABASES["default"]["TEST"] = {"NAME": str(Path(VAR_DIR) / "test.sqlite3")}
    # Rows come in another order than they were written wherever a query names none: PostgreSQL may do that any day.
    # What a power cut would leave of a test's database is nobody's concern.
    DATABASES["default"]["OPTIONS"]["init_command"] += " PRAGMA reverse_unordered_selects=ON; PRAGMA synchronous=OFF;"
# Nudges to the worker are tried by the tests that start one; elsewhere they go to this folder and stay there.
CELERY_BROKER_URL = env.str("CELERY_BROKER_URL", default="filesystem://")

# Every test client builds the middleware anew; reading all static files each time was two thirds of a request.
WHITENOISE_AUTOREFRESH = True
