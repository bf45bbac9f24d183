"""Required levels: one table for reading, one grid for editing, saved cell by cell or all at once."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST

from skillmap.core.errors import Conflict, RuleViolation
from skillmap.core.htmx import json_body, sign_in_required
from skillmap.framework import services
from skillmap.framework.forms.grid import CellForm, Grid, read_grid
from skillmap.framework.models import Framework, JobType, JobTypeRequirement
from skillmap.framework.selectors import Matrix, MatrixRow, requirements_matrix
from skillmap.framework.views.common import frame, version_of, version_to_edit
from skillmap.people.access import user_of


@sign_in_required
@require_http_methods(["GET", "HEAD", "POST"])
def matrix(request: HttpRequest, code: str) -> HttpResponse:
    """What all job types ask for; POST saves the whole grid of a draft, for browsers without JavaScript.

    `?job_type=code` shows one job type alone, for small screens.
    """
    if request.method == "POST":
        return _save(request, version_to_edit(request, code))
    return _page(request, version_of(request, code))


def _page(
    request: HttpRequest,
    framework: Framework,
    *,
    grid: Grid | None = None,
    moved: dict[int, Any] | None = None,
    refusal: str = "",
    status: int = 200,
) -> HttpResponse:
    whole = requirements_matrix(framework)
    shown = _narrowed(whole, request.GET.get("job_type", ""))
    context = frame(request, framework, "matrix")
    template = "framework/grid.html" if context["can_edit"] else "framework/matrix.html"
    more = {
        "matrix": shown,
        "whole": whole,
        "rows": [_drawn(row, grid, moved or {}) for row in shown.rows],
        "single": shown.job_types[0] if len(shown.job_types) == 1 and len(whole.job_types) > 1 else None,
        "columns": _columns(shown),
        "moved": bool(moved),
        "unreadable": bool(grid and grid.unreadable),
        "refusal": refusal,
        "page_errors": status != 200,
    }
    return render(request, template, context | more, status=status)


def _narrowed(whole: Matrix, code: str) -> Matrix:
    """The one column asked for, or all where nobody asked or the code is unknown."""
    places = [place for place, job_type in enumerate(whole.job_types) if job_type.code == code]
    if not places:
        return whole
    place = places[0]
    rows = tuple(MatrixRow(row.skill, (row.cells[place],)) for row in whole.rows)
    return Matrix((whole.job_types[place],), rows)


def _columns(shown: Matrix) -> list[dict[str, Any]]:
    """Each job type with the number of its cells that are still defaults."""
    held = [[row.cells[place] for row in shown.rows] for place in range(len(shown.job_types))]
    return [
        {"job_type": job_type, "defaults": sum(cell is not None and cell.is_default for cell in cells)}
        for job_type, cells in zip(shown.job_types, held, strict=True)
    ]


def _drawn(row: MatrixRow, grid: Grid | None, moved: dict[int, Any]) -> dict[str, Any]:
    """A row with its cells as the grid draws them: what the person wrote wins over what is stored."""
    return {
        "skill": row.skill,
        "cells": [
            {
                "cell": cell,
                "job_type": cell.job_type_id,
                "value": grid.entered.get(cell.pk, str(cell.level)) if grid else str(cell.level),
                "is_moved": cell.pk in moved,
                "is_unreadable": bool(grid and cell.pk in grid.unreadable),
            }
            if cell is not None
            else None
            for cell in row.cells
        ],
    }


def _save(request: HttpRequest, draft: Framework) -> HttpResponse:
    grid = read_grid(request.POST)
    if grid.unreadable:
        text = _("Some levels are not 0 to 3. Nothing was saved; they are marked below.")
        return _page(request, draft, grid=grid, refusal=text, status=422)
    try:
        saved = services.requirements_save(
            framework_id=draft.pk, edits=grid.edits, confirm=_to_confirm(draft, grid.confirm), actor=user_of(request)
        )
    except Conflict as refusal:
        moved = refusal.details["cells"]
        return _page(request, draft, grid=grid, moved=moved, refusal=str(refusal), status=409)
    except RuleViolation as refusal:
        messages.error(request, str(refusal))
        return redirect("framework:detail", code=draft.code)
    messages.success(request, _said(saved))
    return redirect(_address(draft, request.GET))


def _address(draft: Framework, query: QueryDict) -> str:
    address = reverse("framework:matrix", args=[draft.code])
    return f"{address}?{query.urlencode()}" if query else address


def _said(saved: services.GridSaved) -> str:
    if not saved.changed and not saved.confirmed:
        return _("Nothing was changed.")
    changed = ngettext("%(n)s level was saved.", "%(n)s levels were saved.", saved.changed) % {"n": saved.changed}
    confirmed = ngettext("%(n)s default was confirmed.", "%(n)s defaults were confirmed.", saved.confirmed)
    parts = [changed] if saved.changed else []
    return " ".join([*parts, confirmed % {"n": saved.confirmed}] if saved.confirmed else parts)


def _to_confirm(draft: Framework, wanted: str) -> list[int]:
    """Ids of the cells that a button confirms: `cell:<id>` one, `job:<id>` a job type's column."""
    kind, _sep, number = wanted.partition(":")
    if not (number.isascii() and number.isdigit() and len(number) < 19):
        return []
    cells = JobTypeRequirement.objects.filter(job_type__framework=draft)
    cells = cells.filter(job_type_id=int(number)) if kind == "job" else cells.filter(pk=int(number))
    return list(cells.values_list("pk", flat=True))


@sign_in_required
@require_POST
def cell(request: HttpRequest, code: str, pk: int) -> HttpResponse:
    """Save one cell by itself, or without `level` confirm it as it is. Answers JSON; 409 holds the value of now."""
    draft = version_to_edit(request, code)
    form = CellForm(json_body(request) or {})
    if not form.is_valid():
        return JsonResponse({"message": _("Enter a level from 0 to 3.")}, status=422)
    try:
        saved = services.requirement_set(
            framework_id=draft.pk, requirement_id=pk, actor=user_of(request), **form.cleaned_data
        )
    except Conflict as refusal:
        return JsonResponse({"message": str(refusal)} | refusal.details["cells"].get(pk, {}), status=409)
    except RuleViolation as refusal:
        return JsonResponse({"message": str(refusal)}, status=422)
    return JsonResponse({"level": saved.level, "version": saved.version, "is_default": saved.is_default})


@sign_in_required
@require_POST
def confirm_job_type(request: HttpRequest, code: str, job_type_code: str) -> HttpResponse:
    """Confirm a job type as it was shown: its name, its definition and all levels it asks for."""
    draft = version_to_edit(request, code)
    job_type = get_object_or_404(JobType, framework=draft, code=job_type_code)
    try:
        services.job_type_confirm(
            framework_id=draft.pk,
            job_type_id=job_type.pk,
            version=_number(request.POST.get("version", "")),
            cells=_seen_cells(request.POST.get("cells", "")),
            actor=user_of(request),
        )
    except RuleViolation as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, _("“%(name)s” is confirmed.") % {"name": job_type.label})
    return redirect("framework:job_type", code=code, job_type_code=job_type_code)


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0


def _seen_cells(text: str) -> dict[int, int]:
    """Read `id@version,id@version`: what the page had shown."""
    pairs = (pair.partition("@") for pair in text.split(","))
    return {_number(pk): _number(version) for pk, _sep, version in pairs}
