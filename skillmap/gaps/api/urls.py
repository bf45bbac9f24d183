"""Addresses of supply and demand in the API."""

from django.urls import path

from skillmap.gaps.api import runs

app_name = "gaps-api"
urlpatterns = [
    path("gap-runs/", runs.GapRunViewSet.as_view({"get": "list", "post": "create"}), name="gap-run-list"),
    path("gap-runs/<int:pk>/", runs.GapRunViewSet.as_view({"get": "retrieve"}), name="gap-run-detail"),
    path("gap-runs/<int:pk>/results/", runs.GapRunViewSet.as_view({"get": "results"}), name="gap-run-results"),
    path(
        "priority-areas/",
        runs.PriorityAreaViewSet.as_view({"get": "list", "post": "create"}),
        name="priority-area-list",
    ),
    path(
        "priority-areas/<int:pk>/", runs.PriorityAreaViewSet.as_view({"get": "retrieve"}), name="priority-area-detail"
    ),
    path("reports/<slug:name>/", runs.ReportView.as_view(), name="report"),
]
