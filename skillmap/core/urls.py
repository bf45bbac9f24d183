"""Addresses of long jobs."""

from django.urls import path

from skillmap.core import views

app_name = "core"
urlpatterns = [
    path("<uuid:public_id>/", views.job_detail, name="job"),
    path("<uuid:public_id>/cancel/", views.job_cancel, name="job_cancel"),
]
