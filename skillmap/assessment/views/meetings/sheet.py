"""The sheet to print for a 1on1."""

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from skillmap.assessment.selectors.talks import TalkItem
from skillmap.assessment.views.common import dossier_or_404
from skillmap.assessment.views.meetings.common import talk_with_look
from skillmap.core.htmx import sign_in_required
from skillmap.framework.models import SkillCategory


@sign_in_required
@require_GET
def meeting_sheet(request: HttpRequest, pk: int) -> HttpResponse:
    """A sheet for the table: what differs, last goals, room for notes; for both sides."""
    dossier = dossier_or_404(request, pk)
    if not dossier.is_party:
        raise PermissionDenied
    talk = talk_with_look(request, dossier)
    groups: list[tuple[SkillCategory, list[TalkItem]]] = talk.groups(everything=request.GET.get("all") == "1")
    context = {
        "dossier": dossier,
        "check": dossier.assessment,
        "talk": talk,
        "groups": groups,
        "show_views": dossier.is_mentor or dossier.situation.first_held,
    }
    return render(request, "assessment/meeting_sheet.html", context)
