"""Arranging the time of a 1on1, and its calendar file."""

from urllib.parse import urlsplit

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from skillmap.assessment.choices import MeetingKind
from skillmap.assessment.forms.meetings import AnswerTimeForm, TimesForm
from skillmap.assessment.messages import REFUSALS
from skillmap.assessment.selectors.meetings.dossier import Dossier
from skillmap.assessment.services import times
from skillmap.assessment.views.common import dossier_or_404
from skillmap.core import clock, ics
from skillmap.core.errors import RuleViolation
from skillmap.core.htmx import sign_in_required
from skillmap.people.access import user_of


def _party(request: HttpRequest, pk: int) -> Dossier:
    dossier = dossier_or_404(request, pk)
    if not dossier.is_party:
        raise PermissionDenied
    return dossier


@sign_in_required
@require_http_methods(["GET", "HEAD", "POST"])
def meeting_times(request: HttpRequest, pk: int) -> HttpResponse:
    """Propose times, agree to one, or take one back; the same page for both sides."""
    dossier = _party(request, pk)
    if request.method != "POST":
        return _draw(request, dossier, TimesForm())
    action = request.POST.get("do", "propose")
    if action == "propose":
        return _propose(request, dossier)
    form = AnswerTimeForm(request.POST)
    if action not in ("agree", "cancel") or not form.is_valid():
        raise Http404
    run = times.agree if action == "agree" else times.cancel
    try:
        run(assessment_id=pk, proposal_id=form.cleaned_data["proposal"], actor=user_of(request))
    except RuleViolation as refusal:
        return _draw(request, _party(request, pk), TimesForm(), problem=str(refusal), status=409)
    if action == "agree":
        messages.success(request, _("The time is agreed. The other side is told."))
    else:
        messages.success(request, _("The time is taken back."))
    return redirect("assessment:meeting_times", pk=pk)


def _propose(request: HttpRequest, dossier: Dossier) -> HttpResponse:
    form = TimesForm(request.POST)
    if form.is_valid():
        try:
            times.propose(assessment_id=dossier.assessment.pk, slots=form.slots(), actor=user_of(request))
        except RuleViolation as refusal:
            form.refuse(str(refusal), refusal.details.get("slot"))
        else:
            messages.success(request, _("Your proposal is sent. The other side is told."))
            return redirect("assessment:meeting_times", pk=dossier.assessment.pk)
    return _draw(request, dossier, form, status=422)


def _draw(
    request: HttpRequest, dossier: Dossier, form: TimesForm, *, problem: str = "", status: int = 200
) -> HttpResponse:
    code = dossier.times_refusal
    open_times = dossier.open_times
    context = {
        "dossier": dossier,
        "check": dossier.assessment,
        "form": form,
        "to_answer": dossier.times_to_answer,
        "own": [time for time in open_times if not dossier.may_answer(time)],
        "refusal": REFUSALS[code] if code is not None else "",
        "can_arrange": code is None,
        "problem": problem,
        "page_errors": bool(problem),
        "back": reverse(
            "assessment:my_one_on_one" if dossier.is_own else "assessment:one_on_one", args=[dossier.assessment.pk]
        ),
    }
    return render(request, "assessment/meeting_times.html", context, status=status)


@sign_in_required
@require_GET
def meeting_file(request: HttpRequest, pk: int) -> HttpResponse:
    """The agreed time as a calendar file; no level, no note."""
    dossier = _party(request, pk)
    agreed = dossier.agreed
    if agreed is None:
        raise Http404
    host = urlsplit(settings.SITE_URL).hostname or "localhost"
    other = dossier.mentors[0].name if dossier.is_own and dossier.mentors else dossier.assessment.staff.name
    page = reverse("assessment:one_on_one", args=[pk])
    appointment = ics.Appointment(
        uid=f"one-on-one-{pk}-{dossier.kind}@{host}",
        starts_at=agreed.starts_at,
        minutes=agreed.minutes,
        summary=_("%(kind)s: %(name)s") % {"kind": MeetingKind(dossier.kind).label, "name": other},
        place=" ".join(word for word in (agreed.way_label, agreed.place) if word),
        url=f"{settings.SITE_URL}{page}",
        sequence=agreed.pk,
    )
    response = HttpResponse(ics.calendar_file(appointment, stamp=clock.now()), content_type=ics.CONTENT_TYPE)
    response["Content-Disposition"] = f'attachment; filename="one-on-one-{dossier.kind}.ics"'
    return response
