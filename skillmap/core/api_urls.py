"""The API's own document, for programs and for people."""

from django.urls import path
from drf_spectacular.views import SpectacularAPIView

from skillmap.core.api_reference import api_docs

urlpatterns = [
    path("schema/", SpectacularAPIView.as_view(), name="api-schema"),
    path("docs/", api_docs, name="api-docs"),
]
