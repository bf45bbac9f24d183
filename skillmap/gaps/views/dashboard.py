"""The dashboard of supply and demand, and its figures as files."""

import tempfile
from typing import Any, cast

from django.http import FileResponse, Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from skillmap.core import clock
from skillmap.core.htmx import sign_in_required
from skillmap.core.tabular.filenames import CSV, XLSX, content_disposition, download_name
from skillmap.core.tabular.writing import Table, write_csv, write_xlsx
from skillmap.gaps import exports
from skillmap.gaps.filters import ORGANISATIONS, Chosen, DashboardForm, chosen, named_run, query_of
from skillmap.gaps.models import GapRun
from skillmap.gaps.selectors import dashboard as reads
from skillmap.gaps.selectors.dashboard_page import DEMAND, GAP, PEOPLE, Dashboard
from skillmap.gaps.selectors.dashboard_page import dashboard as read_dashboard
from skillmap.gaps.selectors.interim import was_open
from skillmap.gaps.selectors.progress import STEPS
from skillmap.people.access import access_of
from skillmap.people.choices import Role
from skillmap.people.models import User

READERS = (Role.SECRETARIAT, Role.SUPPORTER, Role.EXECUTIVE, Role.COORDINATOR)
ALL = "all"
ENDINGS = ("csv", "xlsx")


def _reader(request: HttpRequest) -> User:
    assert isinstance(request.user, User)  # noqa: S101  narrowed by sign_in_required
    access_of(request.user).require(*READERS)
    return request.user


def _choice(request: HttpRequest) -> tuple[User, list[GapRun], Chosen]:
    user = _reader(request)
    data = request.GET.dict()
    runs = reads.finished_runs(user, named_run(data))
    return user, runs, chosen(data, runs)


@sign_in_required
@require_safe
def dashboard(request: HttpRequest) -> HttpResponse:
    """Ranks, heat map, levels, head-count gaps and progress of one run, for whoever reads figures about groups."""
    user, runs, choice = _choice(request)
    is_secretariat = access_of(user).is_secretariat
    if choice.run is None:
        context = {"is_secretariat": is_secretariat, "progress": reads.progress(user, None), "steps": STEPS}
        return render(request, "gaps/dashboard_empty.html", context)
    board, place_found = read_dashboard(user, choice.run, choice.view)
    context = {
        "board": board,
        "run": board.run,
        "filter_form": DashboardForm(board, runs, get_language() or "ja"),
        "ignored": choice.ignored or not place_found,
        "is_secretariat": is_secretariat,
        "was_open": was_open(board.run),
        "steps": STEPS,
        **_addresses(request, board),
        **_words(board),
    }
    return render(request, "gaps/dashboard.html", context)


def _addresses(request: HttpRequest, board: Dashboard) -> dict[str, Any]:
    """Where the parts of the page lead: every address names the run, so that it shows the same to a colleague."""
    path, query = reverse("gaps:dashboard"), query_of(board)
    column_urls = [
        f"{path}?{query_of(board, place=place.key, by='')}#heatmap" if place.has_children else ""
        for place in board.columns
    ]
    return {
        "query": query,
        "share_url": request.build_absolute_uri(f"{path}?{query}"),
        "headings": list(zip(board.columns, column_urls, strict=True)),
        "trail": [(place, f"{path}?{query_of(board, place=place.key)}#heatmap") for place in board.trail],
        "shows": [
            (label, f"{path}?{query_of(board, show=show)}#heatmap", board.view.show == show)
            for show, label in ((PEOPLE, _("People")), (DEMAND, _("Demand")), (GAP, _("Missing")))
        ],
        "splits": [
            (label, f"{path}?{query_of(board, by=by)}#heatmap", board.view.by_organisation == bool(by))
            for by, label in (("", _("By bureau group")), (ORGANISATIONS, _("By organisation")))
        ],
    }


def _words(board: Dashboard) -> dict[str, Any]:
    return {
        "heat_name": exports.heat_name(board),
        "level_headers": exports.level_headers(),
        "hidden_words": exports.hidden(board),
        "hidden_lead": _("Not shown"),
        "hidden_why": _("(fewer than %(k)s)") % {"k": board.k},
        "findings": board.answer,
        "next_rank": board.top + 1,
    }


@sign_in_required
@require_safe
def dashboard_export(request: HttpRequest, name: str, ending: str) -> HttpResponse:
    """One figure as CSV or Excel, or all of them as one Excel file; the address takes the page's filters.

    404 where one of them, or its run, is not to be had: never other figures than those asked for.
    """
    user, _runs, choice = _choice(request)
    makers = exports.tables()
    known = (name in makers and ending in ENDINGS) or (name, ending) == (ALL, "xlsx")
    if choice.run is None or choice.ignored or not known:
        raise Http404  # a file lives longer than the page that would say what was left out of account
    board, place_found = read_dashboard(user, choice.run, choice.view)
    if not place_found:
        raise Http404
    tables = [make(board) for make in makers.values()] if name == ALL else [makers[name](board)]
    title = _("Supply and demand") if name == ALL else str(tables[0].name)
    return cast(HttpResponse, _sent(tables, ending, title, board))  # streamed, with the headers of any answer


def _sent(tables: list[Table], ending: str, title: str, board: Dashboard) -> HttpResponseBase:
    year = _("FY%(year)d") % {"year": board.run.fiscal_year}
    place = "" if board.is_whole else board.place.label
    if ending == "csv":
        response: HttpResponseBase = StreamingHttpResponse(write_csv(tables[0]), content_type=CSV)
    else:
        file = tempfile.TemporaryFile()  # noqa: SIM115  the answer closes it
        write_xlsx(tables, file)
        file.seek(0)
        response = FileResponse(file, content_type=XLSX)
    name = download_name(title, year, place, ending=ending, made_at=clock.now())
    response["Content-Disposition"] = content_disposition(name)
    return response
