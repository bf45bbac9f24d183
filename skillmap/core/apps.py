"""The core app."""

from importlib import import_module

from django.apps import AppConfig
from django.conf import settings
from django.core.validators import MaxLengthValidator
from django.utils.translation import ngettext_lazy

# Django's own Japanese for it reads like a machine's.
TOO_LONG = ngettext_lazy(
    "At most %(limit_value)d character; this has %(show_value)d. Please shorten it.",
    "At most %(limit_value)d characters; this has %(show_value)d. Please shorten it.",
    "limit_value",
)


class CoreConfig(AppConfig):
    """Tools that every other app builds on."""

    name = "skillmap.core"
    label = "core"

    def ready(self) -> None:
        """Load the Celery application, register the system checks, say in our words that a text is too long.

        Without the application in every process, a nudge would go to Celery's default broker and hang for seconds.
        """
        import_module(settings.CELERY_MODULE)
        from skillmap.core import checks  # noqa: F401

        MaxLengthValidator.message = TOO_LONG
