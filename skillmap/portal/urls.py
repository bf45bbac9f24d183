"""Addresses of the top floor."""

from django.urls import path

from skillmap.core.views import favicon
from skillmap.portal import views

app_name = "portal"
urlpatterns = [
    path("", views.home, name="home"),
    path("favicon.ico", favicon, name="favicon"),
    path("map/", views.my_map, name="my_map"),
    path("map/<int:pk>/", views.person_map, name="person_map"),
    path("purpose/", views.purpose_page, name="purpose"),
    path("looks/", views.looks, name="looks"),
    path("notices/", views.notices, name="notices"),
    path("notices/read/", views.notices_read, name="notices_read"),
    path("notices/<int:pk>/", views.notice_open, name="notice"),
    path("search/", views.search, name="search"),
    path("background/", views.background, name="background"),
    path("background/retry/", views.background_retry, name="background_retry"),
    path("help/", views.help_page, name="help"),
    path("help/<slug:topic>/", views.help_page, name="help_topic"),
]
