"""What the processes of a trial run by: the settings of the tests, mail in files, jobs that only trials know."""

from skillmap.config.settings.test import *  # noqa: F403
from skillmap.config.settings.test import INSTALLED_APPS as _APPS
from skillmap.config.settings.test import env

INSTALLED_APPS = [*_APPS, "tests.trials"]
EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
EMAIL_FILE_PATH = env.str("EMAIL_FILE_PATH")
