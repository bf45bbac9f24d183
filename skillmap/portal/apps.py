"""The portal app."""

from django.apps import AppConfig


class PortalConfig(AppConfig):
    """See the package's docstring."""

    name = "skillmap.portal"
    label = "portal"
