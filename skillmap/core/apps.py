"""The core app."""

from importlib import import_module

from django.apps import AppConfig
from django.conf import settings

from skillmap.core.form_words import say_it_in_our_words


class CoreConfig(AppConfig):
    """Tools that every other app builds on."""

    name = "skillmap.core"
    label = "core"

    def ready(self) -> None:
        """Load the Celery application, register the system checks, say in our words what forms refuse.

        Without the application in every process, a nudge would go to Celery's default broker and hang for seconds.
        """
        import_module(settings.CELERY_MODULE)
        from skillmap.core import checks  # noqa: F401

        say_it_in_our_words()
