"""The core app."""

from django.apps import AppConfig


class CoreConfig(AppConfig):
    """Tools that every other app builds on."""

    name = "skillmap.core"
    label = "core"

    def ready(self) -> None:
        """Register the system checks and the API schema extensions."""
        from skillmap.core import checks  # noqa: F401
