"""Addresses of supply and demand."""

from django.urls import URLPattern, path

from skillmap.gaps.views import areas, dashboard, demand, demand_sheets, demand_surveys, runs

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
    path("demand/<int:pk>/lines.csv", demand_sheets.demand_export, {"ending": "csv"}, name="demand_csv"),
    path("demand/<int:pk>/lines.xlsx", demand_sheets.demand_export, {"ending": "xlsx"}, name="demand_xlsx"),
    *demand_sheets.SheetPages.addresses("demand/<int:pk>/sheet/"),
    path("surveys/", demand_surveys.surveys, name="surveys"),
    path("surveys/new/", demand_surveys.survey_create, name="survey_create"),
    path("surveys/<int:pk>/", demand_surveys.survey, name="survey"),
    path("surveys/<int:pk>/edit/", demand_surveys.survey_edit, name="survey_edit"),
    path("surveys/<int:pk>/step/", demand_surveys.survey_step, name="survey_step"),
    path("surveys/<int:pk>/extend/", demand_surveys.survey_extend, name="survey_extend"),
    path("surveys/<int:pk>/close/", demand_surveys.survey_close, name="survey_close"),
    path("surveys/<int:pk>/lines.csv", demand_sheets.survey_export, {"ending": "csv"}, name="survey_csv"),
    path("surveys/<int:pk>/lines.xlsx", demand_sheets.survey_export, {"ending": "xlsx"}, name="survey_xlsx"),
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
