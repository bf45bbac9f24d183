"""Addresses of the check in the API."""

from django.urls import path

from skillmap.assessment.api import meetings, profiles, views

app_name = "assessment-api"
urlpatterns = [
    path("cycles/", views.CycleViewSet.as_view({"get": "list"}), name="cycle-list"),
    path("cycles/<int:pk>/", views.CycleViewSet.as_view({"get": "retrieve"}), name="cycle-detail"),
    path("assessments/", views.AssessmentViewSet.as_view({"get": "list"}), name="assessment-list"),
    path("assessments/<int:pk>/", views.AssessmentViewSet.as_view({"get": "retrieve"}), name="assessment-detail"),
    path(
        "assessments/<int:pk>/transition/",
        views.AssessmentViewSet.as_view({"post": "transition"}),
        name="assessment-transition",
    ),
    path("assessments/<int:pk>/ratings/<slug:code>/", views.RatingView.as_view(), name="rating"),
    path("assessments/<int:pk>/one-on-ones/", meetings.OneOnOnesView.as_view(), name="one-on-ones"),
    path("profiles/", profiles.ProfilesViewSet.as_view({"get": "list"}), name="profiles"),
    path("staff/<int:pk>/profile/", profiles.ProfileView.as_view(), name="profile"),
]
