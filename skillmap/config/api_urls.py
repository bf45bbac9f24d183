"""The REST API, version 1."""

from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

urlpatterns = [
    path("schema/", SpectacularAPIView.as_view(), name="api-schema"),
    path("docs/", SpectacularSwaggerSplitView.as_view(url_name="api-schema"), name="api-docs"),
    path("", include("skillmap.people.api")),
    path("", include("skillmap.framework.api")),
    path("", include("skillmap.assessment.api.urls")),
    path("", include("skillmap.gaps.api.urls")),
]
