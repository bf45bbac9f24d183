"""What the processes of a trial run by: the settings of the tests, mail in files, jobs that only trials know."""

from datetime import timedelta

from django.utils import timezone

from skillmap.config.settings.test import *  # noqa: F403
from skillmap.config.settings.test import INSTALLED_APPS as _APPS
from skillmap.config.settings.test import env

INSTALLED_APPS = [*_APPS, "tests.trials"]
EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
EMAIL_FILE_PATH = env.str("EMAIL_FILE_PATH")

#: How far this process's clock is ahead of the others'.
_ahead, _right = timedelta(minutes=env.float("MINUTES_AHEAD", default=0.0)), timezone.now
if _ahead:
    timezone.now = lambda: _right() + _ahead
