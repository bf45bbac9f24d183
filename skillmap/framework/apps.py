"""The framework app."""

from django.apps import AppConfig


class FrameworkConfig(AppConfig):
    """See the package's docstring."""

    name = "skillmap.framework"
    label = "framework"
