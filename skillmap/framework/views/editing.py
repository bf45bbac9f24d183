"""Adding, changing and removing the parts of a draft: categories, items, levels, job types, exams."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from skillmap.core.errors import Conflict, RuleViolation
from skillmap.core.htmx import sign_in_required
from skillmap.framework import rules, services
from skillmap.framework.forms.parts import CategoryForm, CertificationForm, ItemForm, JobTypeForm, LevelForm, PartForm
from skillmap.framework.models import Certification, Framework, JobType, Skill, SkillCategory, SkillLevel
from skillmap.framework.views.common import differing, frame, version_to_edit
from skillmap.people.access import user_of
from skillmap.people.models import User

GET_AND_POST = ["GET", "HEAD", "POST"]


@dataclass(frozen=True)
class Part:
    """One table of a draft: how its rows are found, entered and written.

    `create` and `remove` are None for levels: there are always four.
    """

    model: type[Model]
    form: type[PartForm]
    key: str
    change_title: Promise
    update: Callable[[Framework, Any, PartForm, User], object]
    add_title: Promise | str = ""
    create: Callable[[Framework, PartForm, User], object] | None = None
    remove_title: Promise | str = ""
    remove_lines: tuple[Promise, ...] = ()
    remove: Callable[[Framework, Any, User], object] | None = None
    page: str = "detail"
    template: str = "framework/form.html"


def _version(form: PartForm) -> int:
    return int(form.cleaned_data.get("version") or 0)


PARTS: Mapping[str, Part] = {
    "categories": Part(
        model=SkillCategory,
        form=CategoryForm,
        key="code",
        add_title=gettext_lazy("Add a category"),
        create=lambda draft, form, actor: services.category_create(
            framework_id=draft.pk,
            code=form.cleaned_data["code"],
            kind=form.cleaned_data["kind"],
            fields=form.entered(),
            actor=actor,
        ),
        change_title=gettext_lazy("Edit the category"),
        update=lambda draft, row, form, actor: services.category_update(
            framework_id=draft.pk, category_id=row.pk, version=_version(form), fields=form.entered(), actor=actor
        ),
        remove_title=gettext_lazy("Remove the category"),
        remove_lines=(gettext_lazy("Only a category without items can be removed."),),
        remove=lambda draft, row, actor: services.category_remove(
            framework_id=draft.pk, category_id=row.pk, actor=actor
        ),
    ),
    "skills": Part(
        model=Skill,
        form=ItemForm,
        key="code",
        add_title=gettext_lazy("Add an item"),
        create=lambda draft, form, actor: services.skill_create(
            framework_id=draft.pk, code=form.cleaned_data["code"], fields=form.entered(), actor=actor
        ),
        change_title=gettext_lazy("Edit the item"),
        update=lambda draft, row, form, actor: services.skill_update(
            framework_id=draft.pk,
            skill_id=row.pk,
            version=_version(form),
            fields=form.entered(),
            confirm=form.cleaned_data["confirm"],
            actor=actor,
        ),
        remove_title=gettext_lazy("Remove the item"),
        remove_lines=(
            gettext_lazy("Its required levels in all job types and its links to exams are removed with it."),
            gettext_lazy("Results in other versions stay as they are."),
        ),
        remove=lambda draft, row, actor: services.skill_remove(framework_id=draft.pk, skill_id=row.pk, actor=actor),
        template="framework/item_form.html",
    ),
    "levels": Part(
        model=SkillLevel,
        form=LevelForm,
        key="level",
        change_title=gettext_lazy("Edit the level"),
        update=lambda draft, row, form, actor: services.level_update(
            framework_id=draft.pk, level_id=row.pk, version=_version(form), fields=form.entered(), actor=actor
        ),
    ),
    "job-types": Part(
        model=JobType,
        form=JobTypeForm,
        key="code",
        add_title=gettext_lazy("Add a job type"),
        create=lambda draft, form, actor: services.job_type_create(
            framework_id=draft.pk, code=form.cleaned_data["code"], fields=form.entered(), actor=actor
        ),
        change_title=gettext_lazy("Edit the job type"),
        update=lambda draft, row, form, actor: services.job_type_update(
            framework_id=draft.pk, job_type_id=row.pk, version=_version(form), fields=form.entered(), actor=actor
        ),
        remove_title=gettext_lazy("Remove the job type"),
        remove_lines=(gettext_lazy("The levels it asks for are removed with it."),),
        remove=lambda draft, row, actor: services.job_type_remove(
            framework_id=draft.pk, job_type_id=row.pk, actor=actor
        ),
    ),
    "certifications": Part(
        model=Certification,
        form=CertificationForm,
        key="code",
        add_title=gettext_lazy("Add an exam"),
        create=lambda draft, form, actor: services.certification_create(
            framework_id=draft.pk, code=form.cleaned_data["code"], fields=form.entered(), actor=actor
        ),
        change_title=gettext_lazy("Edit the exam"),
        update=lambda draft, row, form, actor: services.certification_update(
            framework_id=draft.pk,
            certification_id=row.pk,
            version=_version(form),
            fields=form.entered(),
            actor=actor,
        ),
        remove_title=gettext_lazy("Remove the exam"),
        remove_lines=(gettext_lazy("Its links to skill items are removed with it."),),
        remove=lambda draft, row, actor: services.certification_remove(
            framework_id=draft.pk, certification_id=row.pk, actor=actor
        ),
        page="certifications",
    ),
}


def _part(name: str) -> Part:
    part = PARTS.get(name)
    if part is None:
        raise Http404
    return part


def _row(part: Part, draft: Framework, key: str) -> Any:
    if part.key == "level" and key not in map(str, rules.LEVELS):
        raise Http404
    return get_object_or_404(part.model._default_manager.filter(framework=draft), **{part.key: key[:40]})


@sign_in_required
@require_http_methods(GET_AND_POST)
def add(request: HttpRequest, code: str, part: str) -> HttpResponse:
    """Add a row to a draft."""
    found, draft = _part(part), version_to_edit(request, code)
    if found.create is None:
        raise Http404
    if not draft.is_draft:
        return _closed(request, draft)
    form = found.form(request.POST or None, framework=draft)
    if request.method == "POST" and form.is_valid():
        try:
            found.create(draft, form, user_of(request))
        except RuleViolation as refusal:
            form.add_error(FIELD_OF.get(refusal.code), str(refusal))
        else:
            messages.success(request, _("Added."))
            return redirect(f"framework:{found.page}", code=code)
    return _form_page(request, draft, found, form, str(found.add_title), 422 if form.errors else 200)


# Which field a refusal is about.
FIELD_OF = {
    "code_taken": "code",
    "code_unusable": "code",
    "number_taken": "number",
    "category_of_other_kind": "category",
}


@sign_in_required
@require_http_methods(GET_AND_POST)
def change(request: HttpRequest, code: str, part: str, key: str) -> HttpResponse:
    """Change a row of a draft; where somebody else was quicker, both values are shown and nothing is lost."""
    found, draft = _part(part), version_to_edit(request, code)
    row = _row(found, draft, key)
    if not draft.is_draft:
        return _closed(request, draft)
    form = found.form(request.POST or None, framework=draft, row=row)
    if request.method == "GET" or not form.is_valid():
        return _form_page(request, draft, found, form, str(found.change_title), 422 if form.errors else 200)
    try:
        found.update(draft, row, form, user_of(request))
    except Conflict as refusal:
        return _conflict(request, draft, found, key, refusal)
    except RuleViolation as refusal:
        form.add_error(FIELD_OF.get(refusal.code), str(refusal))
        return _form_page(request, draft, found, form, str(found.change_title), 422)
    messages.success(request, _("Saved."))
    return redirect(f"framework:{found.page}", code=code)


def _conflict(request: HttpRequest, draft: Framework, part: Part, key: str, refusal: Conflict) -> HttpResponse:
    """The form again with what the person entered, what is stored now beside it, and the newer version."""
    row = _row(part, draft, key)
    data = request.POST.copy()
    data["version"] = str(row.version)
    form = part.form(data, framework=draft, row=row)
    form.is_valid()
    form.add_error(None, str(refusal))
    more = {"theirs": differing(form, part.form(framework=draft, row=row))}
    return _form_page(request, draft, part, form, str(part.change_title), 409, more)


@sign_in_required
@require_http_methods(GET_AND_POST)
def remove(request: HttpRequest, code: str, part: str, key: str) -> HttpResponse:
    """Ask, then remove a row from a draft."""
    found, draft = _part(part), version_to_edit(request, code)
    if found.remove is None:
        raise Http404
    row = _row(found, draft, key)
    if not draft.is_draft:
        return _closed(request, draft)
    if request.method == "POST":
        try:
            found.remove(draft, row, user_of(request))
        except RuleViolation as refusal:
            messages.error(request, str(refusal))
        else:
            messages.success(request, _("“%(name)s” was removed.") % {"name": row.label})
        return redirect(f"framework:{found.page}", code=code)
    context = frame(request, draft, "") | {
        "title": str(found.remove_title),
        "about": row.label,
        "lines": list(map(str, found.remove_lines)),
        "submit": _("Remove it"),
        "back": reverse(f"framework:{found.page}", args=[code]),
    }
    return render(request, "framework/confirm.html", context)


def _form_page(
    request: HttpRequest,
    draft: Framework,
    part: Part,
    form: PartForm,
    title: str,
    status: int,
    more: Mapping[str, Any] | None = None,
) -> HttpResponse:
    context = frame(request, draft, "") | {
        "form": form,
        "title": title,
        "about": form.row.label if form.row is not None else "",
        "submit": _("Save") if form.row is not None else _("Add"),
        "back": reverse(f"framework:{part.page}", args=[draft.code]),
        "part": next(name for name, one in PARTS.items() if one is part),
        "key": getattr(form.row, part.key, ""),
        "can_remove": part.remove is not None and form.row is not None,
    }
    return render(request, part.template, context | dict(more or {}), status=status)


def _closed(request: HttpRequest, framework: Framework) -> HttpResponse:
    messages.error(request, _("This version has been published and can no longer be changed. Make a draft from it."))
    return redirect("framework:detail", code=framework.code)
