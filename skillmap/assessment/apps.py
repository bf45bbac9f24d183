"""The assessment app."""

from django.apps import AppConfig


class AssessmentConfig(AppConfig):
    """See the package's docstring."""

    name = "skillmap.assessment"
    label = "assessment"
