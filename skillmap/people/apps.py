"""The people app."""

from django.apps import AppConfig


class PeopleConfig(AppConfig):
    """See the package's docstring."""

    name = "skillmap.people"
    label = "people"

    def ready(self) -> None:
        """Register the job kinds, the checks, what listens to sign-ins, and what follows a restore."""
        from skillmap.core import imports
        from skillmap.people import after_restore, checks, receivers, tasks  # noqa: F401
        from skillmap.people.services.people_import import PeopleImporter

        imports.register(PeopleImporter())
