"""Error pages, and the page of a long job."""

import sys

from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from skillmap.core import jobs
from skillmap.core.api import problem_page
from skillmap.core.files import is_full
from skillmap.core.models import Job


def _answer(request: HttpRequest, status: int, code: str, detail: str) -> HttpResponse:
    if request.path.startswith("/api/"):
        return problem_page(status, code, detail)
    return render(request, f"{status}.html", status=status)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """400."""
    return _answer(request, 400, "bad_request", _("The request could not be understood."))


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """403."""
    return _answer(request, 403, "permission_denied", _("Your role does not allow this."))


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """404; the same for what does not exist and for what one may not know of."""
    return _answer(request, 404, "not_found", _("There is nothing here."))


def server_error(request: HttpRequest) -> HttpResponse:
    """500; 503 while the database is away, 507 where the disk is full. Asks no database, so that it always works."""
    error = sys.exc_info()[1]
    if isinstance(error, OperationalError | InterfaceError):
        return _unavailable(request)
    if is_full(error):  # an upload too large for what is left fails before any view has seen it
        return _no_room(request)
    if request.path.startswith("/api/"):
        return problem_page(500, "error", "An unexpected error. Nothing was stored.")
    return HttpResponse(render_to_string("500.html"), status=500)


def _no_room(request: HttpRequest) -> HttpResponse:
    if request.path.startswith("/api/"):
        return problem_page(507, "no_room", "There is no room left to store this. Nothing was stored.")
    return HttpResponse(render_to_string("507.html"), status=507)


def _unavailable(request: HttpRequest) -> HttpResponse:
    if request.path.startswith("/api/"):
        answer: HttpResponse = problem_page(503, "unavailable", "The database is away. Nothing was stored.")
    else:
        answer = HttpResponse(render_to_string("503.html"), status=503)
    answer["Retry-After"] = "30"
    return answer


@require_safe
def favicon(request: HttpRequest) -> HttpResponse:
    """The mark, where a browser asks for it unasked: beside an answer that is no page of ours, JSON for example."""
    return redirect(static("img/mark.svg"), permanent=False)


def _job(request: HttpRequest, public_id: str) -> Job:
    job = Job.objects.requested_by(request.user.pk).filter(public_id=public_id).first()
    if job is None:
        raise Http404
    return job


def job_detail(request: HttpRequest, public_id: str) -> HttpResponse:
    """State and progress of one job, whole page or the panel alone; for whoever asked for it."""
    if not request.user.is_authenticated:
        return redirect("account_login")
    job = _job(request, public_id)
    template = "core/_job_panel.html" if request.htmx else "core/job.html"  # type: ignore[attr-defined]
    return render(request, template, {"job": job})


@require_POST
def job_cancel(request: HttpRequest, public_id: str) -> HttpResponse:
    """Ask the job to stop."""
    if not request.user.is_authenticated:
        return redirect("account_login")
    jobs.request_cancel(_job(request, public_id), request.user)
    return redirect("core:job", public_id=public_id)
