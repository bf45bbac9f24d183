"""The real addresses, and views that do nothing but the least behind the same middleware."""

from django.urls import URLPattern, URLResolver, include, path

from bench import floors

urlpatterns: list[URLPattern | URLResolver] = [
    path("bench/bytes/", floors.same_bytes),
    path("bench/update/", floors.update),
    path("", include("skillmap.config.urls")),
]
