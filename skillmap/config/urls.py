"""All addresses: pages, sign-in, the API."""

from django.urls import include, path
from django.views.generic import RedirectView
from django.views.i18n import set_language

urlpatterns = [
    # An address comes from the personnel data and is changed by the secretariat: allauth's page for that is closed.
    path("accounts/email/", RedirectView.as_view(pattern_name="people:account"), name="account_email"),
    path("accounts/", include("allauth.urls")),
    path("language/", set_language, name="set_language"),
    path("api/v1/", include("skillmap.config.api_urls")),
    path("people/", include("skillmap.people.urls")),
    path("framework/", include("skillmap.framework.urls")),
    path("", include("skillmap.assessment.urls")),
    path("", include("skillmap.gaps.urls")),
    path("jobs/", include("skillmap.core.urls")),
    path("", include("skillmap.portal.urls")),
]

handler400 = "skillmap.core.views.bad_request"
handler403 = "skillmap.core.views.forbidden"
handler404 = "skillmap.core.views.not_found"
handler500 = "skillmap.core.views.server_error"
