"""Addresses of supply and demand in the API."""

from django.urls import path

from skillmap.gaps.api import areas, demand, reports, runs

app_name = "gaps-api"
urlpatterns = [
    path("demand-surveys/", demand.DemandSurveyViewSet.as_view({"get": "list"}), name="demand-survey-list"),
    path(
        "demand-surveys/<int:pk>/", demand.DemandSurveyViewSet.as_view({"get": "retrieve"}), name="demand-survey-detail"
    ),
    path(
        "demand-items/",
        demand.DemandItemViewSet.as_view({"get": "list", "post": "create"}),
        name="demand-item-list",
    ),
    path(
        "demand-items/<int:pk>/",
        demand.DemandItemViewSet.as_view({"get": "retrieve", "patch": "partial_update", "delete": "destroy"}),
        name="demand-item-detail",
    ),
    path("gap-runs/", runs.GapRunViewSet.as_view({"get": "list", "post": "create"}), name="gap-run-list"),
    path("gap-runs/<int:pk>/", runs.GapRunViewSet.as_view({"get": "retrieve"}), name="gap-run-detail"),
    path("gap-runs/<int:pk>/results/", runs.GapRunViewSet.as_view({"get": "results"}), name="gap-run-results"),
    path(
        "priority-areas/",
        areas.PriorityAreaViewSet.as_view({"get": "list", "post": "create"}),
        name="priority-area-list",
    ),
    path(
        "priority-areas/<int:pk>/", areas.PriorityAreaViewSet.as_view({"get": "retrieve"}), name="priority-area-detail"
    ),
    path("reports/<slug:name>/", reports.ReportView.as_view(), name="report"),
]
