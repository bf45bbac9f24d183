"""Addresses of the yearly check."""

from django.urls import URLPattern, path

from skillmap.assessment.views import checks

app_name = "assessment"
urlpatterns: list[URLPattern] = [
    # the own check
    path("check/", checks.current_check, name="current_check"),
    path("check/<int:pk>/", checks.check, name="check"),
    path("check/<int:pk>/start/", checks.check_start, name="check_start"),
    path("check/<int:pk>/target/", checks.check_target, name="check_target"),
    path("check/<int:pk>/submit/", checks.check_submit, name="check_submit"),
    path("check/<int:pk>/step/", checks.check_step, name="check_step"),
    path("check/<int:pk>/items/<slug:code>/", checks.check_item, name="check_item"),
    path("check/<int:pk>/items/<slug:code>/evidence/", checks.evidence, name="evidence"),
    path("check/<int:pk>/items/<slug:code>/evidence/<int:evidence_id>/", checks.evidence, name="evidence_change"),
    path(
        "check/<int:pk>/items/<slug:code>/evidence/<int:evidence_id>/remove/",
        checks.evidence_remove,
        name="evidence_remove",
    ),
]
