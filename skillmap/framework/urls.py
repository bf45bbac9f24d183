"""Addresses of framework."""

from django.urls import path

from skillmap.framework.views import editing, grid, reading, versions

app_name = "framework"
urlpatterns = [
    path("", reading.home, name="home"),
    path("versions/", reading.versions, name="versions"),
    path("versions/<slug:code>/", reading.detail, name="detail"),
    path("versions/<slug:code>/matrix/", grid.matrix, name="matrix"),
    path("versions/<slug:code>/matrix/<int:pk>/", grid.cell, name="cell"),
    path("versions/<slug:code>/certifications/", reading.certifications, name="certifications"),
    path("versions/<slug:code>/compare/", reading.compare, name="compare"),
    path("versions/<slug:code>/copy/", versions.copy, name="copy"),
    path("versions/<slug:code>/edit/", versions.edit, name="edit"),
    path("versions/<slug:code>/publish/", versions.publish, name="publish"),
    path("versions/<slug:code>/retire/", versions.retire, name="retire"),
    path("versions/<slug:code>/discard/", versions.discard, name="discard"),
    path("versions/<slug:code>/skills/<slug:skill_code>/", reading.skill, name="skill"),
    path("versions/<slug:code>/job-types/<slug:job_type_code>/", reading.job_type, name="job_type"),
    path(
        "versions/<slug:code>/job-types/<slug:job_type_code>/confirm/",
        grid.confirm_job_type,
        name="job_type_confirm",
    ),
    path("versions/<slug:code>/add/<slug:part>/", editing.add, name="add"),
    path("versions/<slug:code>/change/<slug:part>/<slug:key>/", editing.change, name="change"),
    path("versions/<slug:code>/remove/<slug:part>/<slug:key>/", editing.remove, name="remove"),
]
