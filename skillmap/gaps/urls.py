"""Addresses of supply and demand."""

from django.urls import URLPattern, path

from skillmap.gaps.views import demand

app_name = "gaps"
urlpatterns: list[URLPattern] = [
    # demand survey
    path("demand/", demand.my_demand, name="my_demand"),
    path("demand/<int:pk>/", demand.demand, name="demand"),
    path("demand/<int:pk>/copy/", demand.demand_copy, name="demand_copy"),
    path("demand/<int:pk>/step/", demand.demand_step, name="demand_step"),
    path("demand/<int:pk>/ask/", demand.demand_ask, name="demand_ask"),
    path("demand/<int:pk>/extend/", demand.demand_extend, name="demand_extend"),
    path("demand/<int:pk>/questions/<int:question_id>/", demand.demand_reply, name="demand_reply"),
    path("demand/<int:pk>/lines/<int:item_id>/", demand.demand_line, name="demand_line"),
    path("demand/<int:pk>/lines/<int:item_id>/remove/", demand.demand_line_remove, name="demand_line_remove"),
    path("surveys/", demand.surveys, name="surveys"),
    path("surveys/new/", demand.survey_create, name="survey_create"),
    path("surveys/<int:pk>/", demand.survey, name="survey"),
    path("surveys/<int:pk>/step/", demand.survey_step, name="survey_step"),
]
