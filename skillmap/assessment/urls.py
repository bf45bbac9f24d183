"""Addresses of the yearly check."""

from django.urls import URLPattern, path

from skillmap.assessment.views import (
    board,
    board_person,
    checks,
    confirming,
    cycles,
    findings,
    levels,
    mail_texts,
    mentees,
    mentors,
    objections,
    opening,
    results,
    times,
)
from skillmap.assessment.views.meetings import mentors_page, parts, persons_page, sheet

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
    # 1on1s
    path("mentees/", mentees.mentees, name="mentees"),
    path("mentees/memos/", mentees.memos, name="memos"),
    path("mentees/memos/<int:pk>/remove/", mentees.memo_remove, name="memo_remove"),
    path("one-on-ones/<int:pk>/", mentors_page.one_on_one, name="one_on_one"),
    path("one-on-ones/<int:pk>/views/<slug:code>/", parts.one_on_one_view, name="one_on_one_view"),
    path("one-on-ones/<int:pk>/texts/<slug:part>/", parts.one_on_one_text, name="one_on_one_text"),
    path("one-on-ones/<int:pk>/mine/", persons_page.my_one_on_one, name="my_one_on_one"),
    path("one-on-ones/<int:pk>/sheet/", sheet.meeting_sheet, name="meeting_sheet"),
    path("one-on-ones/<int:pk>/times/", times.meeting_times, name="meeting_times"),
    path("one-on-ones/<int:pk>/calendar.ics", times.meeting_file, name="meeting_file"),
    path("one-on-ones/goals/<int:pk>/tick/", persons_page.goal_tick, name="goal_tick"),
    # results and requests for correction
    path("results/<int:pk>/", results.result, name="result"),
    path("results/<int:pk>/objection/", objections.objection_create, name="objection_create"),
    path("objections/", objections.objections, name="objections"),
    path("objections/<int:pk>/", objections.objection_answer, name="objection_answer"),
    # cycles from preparation to closing
    path("cycles/", cycles.cycles_page, name="cycles"),
    path("cycles/new/", cycles.cycle_create, name="cycle_create"),
    path("cycles/<int:pk>/", cycles.cycle_detail, name="cycle_detail"),
    path("cycles/<int:pk>/edit/", cycles.cycle_edit, name="cycle_edit"),
    path("cycles/<int:pk>/dates/", cycles.cycle_windows, name="cycle_windows"),
    path("cycles/<int:pk>/groups/new/", cycles.cycle_group, name="cycle_group_create"),
    path("cycles/<int:pk>/groups/<int:group_id>/", cycles.cycle_group, name="cycle_group"),
    path("cycles/<int:pk>/groups/<int:group_id>/remove/", cycles.cycle_group_remove, name="cycle_group_remove"),
    path("cycles/<int:pk>/purpose/", cycles.cycle_purpose, name="cycle_purpose"),
    path("cycles/<int:pk>/participants/", cycles.cycle_participants, name="cycle_participants"),
    path("cycles/<int:pk>/participants/add/", cycles.cycle_add_person, name="cycle_add_person"),
    path("cycles/<int:pk>/open/", opening.cycle_open, name="cycle_open"),
    path("cycles/<int:pk>/close/", opening.cycle_close, name="cycle_close"),
    path("cycles/<int:pk>/findings/", findings.findings_page, name="findings"),
    path("cycles/<int:pk>/findings/<int:finding_id>/", findings.finding_change, name="finding_change"),
    path("cycles/texts/", mail_texts.mail_text_list, name="mail_texts"),
    path("cycles/texts/<str:kind>/", mail_texts.mail_text, name="mail_text"),
    # the board of a cycle and its confirmation
    path("cycles/<int:pk>/board/", board.board_page, name="board"),
    path("cycles/<int:pk>/board/remind/", board.board_remind, name="board_remind"),
    path("cycles/<int:pk>/board/withdraw/", board.board_withdraw, name="board_withdraw"),
    path("cycles/<int:pk>/people/<int:check_id>/", board_person.board_person, name="board_person"),
    path("cycles/<int:pk>/people/<int:check_id>/extend/", board_person.board_extend, name="board_extend"),
    path("cycles/<int:pk>/confirm/", confirming.confirm_page, name="board_confirm"),
    path("cycles/<int:pk>/confirm/<uuid:public_id>/", confirming.confirm_result, name="board_result"),
    path("progress/", board.progress_page, name="progress"),
    # mentors of a cycle
    path("cycles/<int:pk>/mentors/", mentors.mentors_page, name="mentors"),
    path("cycles/<int:pk>/mentors/propose/", mentors.mentors_propose, name="mentors_propose"),
    path("cycles/<int:pk>/mentors/accept/", mentors.mentors_accept, name="mentors_accept"),
    path("cycles/<int:pk>/mentors/<int:staff_id>/", mentors.mentor_edit, name="mentor_edit"),
    path("cycles/<int:pk>/mentors/pairs/<int:pair_id>/end/", mentors.mentor_end, name="mentor_end"),
    *levels.MentorsImportPages().urls("cycles/mentor-lists/"),
    # confirmed levels as a sheet
    path("cycles/levels/export/", levels.levels_export, name="levels_export"),
    *levels.LevelsImportPages().urls("cycles/levels/import/"),
]
