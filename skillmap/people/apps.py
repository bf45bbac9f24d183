"""The people app."""

from django.apps import AppConfig


class PeopleConfig(AppConfig):
    """See the package's docstring."""

    name = "skillmap.people"
    label = "people"

    def ready(self) -> None:
        """Register the job kinds and what listens to sign-ins."""
        from skillmap.core import imports
        from skillmap.people import receivers, tasks  # noqa: F401
        from skillmap.people.services.people_import import PeopleImporter

        imports.register(PeopleImporter())
