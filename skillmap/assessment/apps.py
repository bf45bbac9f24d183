"""The assessment app."""

from typing import Any

from django.apps import AppConfig


class AssessmentConfig(AppConfig):
    """See the package's docstring."""

    name = "skillmap.assessment"
    label = "assessment"

    def ready(self) -> None:
        """Register the job kinds and imports, and listen to the news about people."""
        from skillmap.assessment import tasks  # noqa: F401
        from skillmap.assessment.services.levels_import import LevelsImporter
        from skillmap.assessment.services.mentors_import import MentorsImporter
        from skillmap.core import imports
        from skillmap.people import signals

        imports.register(LevelsImporter())
        imports.register(MentorsImporter())
        signals.staff_left.connect(_left, dispatch_uid="assessment.left")
        signals.staff_on_leave.connect(_on_leave, dispatch_uid="assessment.on_leave")


def _left(*, staff_ids: tuple[int, ...], on: Any, **_more: object) -> None:
    from skillmap.assessment.services.participation import people_left

    people_left(staff_ids=staff_ids, on=on)


def _on_leave(*, staff_ids: tuple[int, ...], on: Any, **_more: object) -> None:
    from skillmap.assessment.services.participation import people_on_leave

    people_on_leave(staff_ids=staff_ids, on=on)
