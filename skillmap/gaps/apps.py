"""The gaps app."""

from django.apps import AppConfig


class GapsConfig(AppConfig):
    """See the package's docstring."""

    name = "skillmap.gaps"
    label = "gaps"

    def ready(self) -> None:
        """Register the job kinds and the sheets that can be brought in."""
        from skillmap.core import imports
        from skillmap.gaps import tasks  # noqa: F401
        from skillmap.gaps.services.demand_import import DemandImporter

        imports.register(DemandImporter())
