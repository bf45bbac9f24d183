"""The REST API, version 1."""

from django.urls import include, path

urlpatterns = [
    path("", include("skillmap.core.api_urls")),
    path("", include("skillmap.people.api")),
    path("", include("skillmap.framework.api")),
    path("", include("skillmap.assessment.api.urls")),
    path("", include("skillmap.gaps.api.urls")),
]
