"""Reference pages: a version with its items and job types, and how two versions differ."""

from typing import Any

from django.db.models import F, Prefetch
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from skillmap.core.htmx import sign_in_required
from skillmap.framework import diff_rules, rules, words
from skillmap.framework.catalogue import catalogue_of
from skillmap.framework.choices import ItemKind, Level
from skillmap.framework.models import Framework, JobTypeRequirement, Skill
from skillmap.framework.selectors import (
    certifications_of,
    contents_of,
    current_framework,
    defaults_in,
    groups_in,
    item_of,
    with_figures,
)
from skillmap.framework.views.common import frame, version_of
from skillmap.people.access import access_of, user_of


@sign_in_required
@require_GET
def home(request: HttpRequest) -> HttpResponse:
    """The version in force; without one, what will be here."""
    framework = current_framework()
    if framework is None:
        access = access_of(user_of(request))
        office = access.is_secretariat or access.is_supporter
        return render(request, "framework/none.html", {"is_office": office})
    return _version(request, framework, is_home=True)


@sign_in_required
@require_GET
def detail(request: HttpRequest, code: str) -> HttpResponse:
    """One version: its items with their levels, and its job types."""
    return _version(request, version_of(request, code), is_home=False)


def _version(request: HttpRequest, framework: Framework, *, is_home: bool) -> HttpResponse:
    context = frame(request, framework, "detail")
    catalogue = catalogue_of(framework)
    defaults = defaults_in(catalogue) if context["is_office"] else None
    more = {
        "groups": groups_in(catalogue, ItemKind.values, with_empty=context["can_edit"]),
        "levels": catalogue.levels,
        "job_types": catalogue.job_types,
        "is_home": is_home,
        "defaults": defaults,
        "defaults_line": words.defaults_line(defaults) if defaults else "",
    }
    return render(request, "framework/version.html", context | more)


@sign_in_required
@require_GET
def versions(request: HttpRequest) -> HttpResponse:
    """All versions that the person may know of."""
    user = user_of(request)
    access = access_of(user)
    context = {
        "versions": with_figures(Framework.objects.visible_to(user).select_related("based_on")),
        "current": current_framework(),
        "is_secretariat": access.is_secretariat,
        "is_office": access.is_secretariat or access.is_supporter,
    }
    return render(request, "framework/versions.html", context)


@sign_in_required
@require_GET
def skill(request: HttpRequest, code: str, skill_code: str) -> HttpResponse:
    """One item: what its levels mean, which job types ask for it, which exams are evidence."""
    framework = version_of(request, code)
    row = get_object_or_404(Skill.objects.filter(framework=framework).select_related("category"), code=skill_code)
    asked = JobTypeRequirement.objects.filter(skill=row, level__gt=Level.NONE).select_related("job_type")
    more = {
        "skill": row,
        "levels": item_of(row).levels,
        "cells": asked.order_by("-level", "job_type__sort_order"),
        "exams": row.certifications.order_by("code"),
    }
    return render(request, "framework/skill.html", frame(request, framework, "detail") | more)


@sign_in_required
@require_GET
def job_type(request: HttpRequest, code: str, job_type_code: str) -> HttpResponse:
    """One job type and the levels it asks for."""
    framework = version_of(request, code)
    cells = JobTypeRequirement.objects.select_related("skill__category").order_by("skill__number")
    rows = framework.job_types.select_related("core_category").prefetch_related(Prefetch("requirements", cells))
    row = get_object_or_404(rows, code=job_type_code)
    held = list(row.requirements.all())
    more = {
        "job_type": row,
        "cells": held,
        "asked": sum(cell.level > Level.NONE for cell in held),
        "defaults": sum(cell.is_default for cell in held),
    }
    return render(request, "framework/job_type.html", frame(request, framework, "detail") | more)


@sign_in_required
@require_GET
def certifications(request: HttpRequest, code: str) -> HttpResponse:
    """The exams of a version and the items that they are evidence for."""
    framework = version_of(request, code)
    context = frame(request, framework, "certifications") | {"exams": certifications_of(framework)}
    return render(request, "framework/certifications.html", context)


@sign_in_required
@require_GET
def compare(request: HttpRequest, code: str) -> HttpResponse:
    """What changed in this version against another one: the one it was made from, unless `with` names another."""
    visible = list(
        Framework.objects.visible_to(user_of(request)).order_by(F("published_at").desc(nulls_first=True), "-pk")
    )
    framework = _one(visible, code)
    others = [row for row in visible if row != framework]
    wanted = request.GET.get("with", "")
    other = _one(others, wanted) if wanted else _natural_other(framework, others)
    context = frame(request, framework, "") | {"other": other, "others": others}
    if other is not None:
        contents = contents_of([other, framework])
        context |= _differences(contents[other.pk], contents[framework.pk])
    return render(request, "framework/compare.html", context)


def _one(versions: list[Framework], code: str) -> Framework:
    found = next((row for row in versions if row.code == code), None)
    if found is None:
        raise Http404
    return found


def _natural_other(framework: Framework, others: list[Framework]) -> Framework | None:
    """The version it was made from, else the one published last."""
    made_from = [row for row in others if row.pk == framework.based_on_id]
    published = [row for row in others if not row.is_draft]
    return next(iter([*made_from, *published]), None)


def _differences(old: rules.Content, new: rules.Content) -> dict[str, Any]:
    found = diff_rules.differences(old, new)
    skills = {row.code: row.name for row in (*old.items, *new.items)}
    job_types = {row.code: row.name for row in (*old.job_types, *new.job_types)}
    return {
        "found": found,
        "tables": words.tables(found),
        "cells": [
            {
                "job_type": job_types[cell.job_type],
                "skill": skills[cell.skill],
                "before": cell.before,
                "after": cell.after,
            }
            for cell in found.cells
        ],
    }
