"""Addresses of supply and demand."""

from django.urls import URLPattern, path

from skillmap.gaps.views import areas, dashboard, demand, runs

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
    # dashboard
    path("gaps/", dashboard.dashboard, name="dashboard"),
    path("gaps/export/<slug:name>.<slug:ending>", dashboard.dashboard_export, name="dashboard_export"),
    # runs
    path("gaps/runs/", runs.runs, name="runs"),
    path("gaps/runs/new/", runs.run_create, name="run_create"),
    path("gaps/runs/<int:pk>/", runs.run, name="run"),
    path("gaps/runs/<int:pk>/cancel/", runs.run_cancel, name="run_cancel"),
    path("gaps/runs/<int:pk>/again/", runs.run_again, name="run_again"),
    path("gaps/runs/<int:pk>/publish/", runs.run_publish, name="run_publish"),
    # priority areas
    path("areas/", areas.areas, name="areas"),
    path("gaps/runs/<int:pk>/areas/", areas.area_decide, name="area_decide"),
    path("gaps/runs/<int:pk>/areas/add/", areas.area_add, name="area_add"),
    path("gaps/runs/<int:pk>/areas/refuse/<slug:code>/", areas.area_refuse, name="area_refuse"),
    path("gaps/runs/<int:pk>/areas/<int:area_id>/withdraw/", areas.area_withdraw, name="area_withdraw"),
]
