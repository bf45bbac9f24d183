"""A mentor's mentees, and the own private memos."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from skillmap.assessment.selectors.mentees import mentees_of, own_memos
from skillmap.assessment.services.meetings import remove_memo
from skillmap.core.htmx import sign_in_required
from skillmap.people.access import user_of


@sign_in_required
@require_GET
def mentees(request: HttpRequest) -> HttpResponse:
    """Who waits for me, at which step everyone is, until when, and the next 1on1."""
    rows = mentees_of(user_of(request))
    context = {"waiting": [row for row in rows if row.waits], "others": [row for row in rows if not row.waits]}
    return render(request, "assessment/mentees.html", context)


@sign_in_required
@require_GET
def memos(request: HttpRequest) -> HttpResponse:
    """The own private memos, also about people handed over since."""
    return render(request, "assessment/meeting_memos.html", {"memos": own_memos(user_of(request))})


@sign_in_required
@require_POST
def memo_remove(request: HttpRequest, pk: int) -> HttpResponse:
    """Delete an own memo."""
    remove_memo(memo_id=pk, actor=user_of(request))
    messages.success(request, _("The memo is deleted."))
    return redirect("assessment:memos")
