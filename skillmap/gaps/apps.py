"""The gaps app."""

from django.apps import AppConfig


class GapsConfig(AppConfig):
    """See the package's docstring."""

    name = "skillmap.gaps"
    label = "gaps"

    def ready(self) -> None:
        """Register the job kinds."""
        from skillmap.gaps import tasks  # noqa: F401
