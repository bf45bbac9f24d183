"""Steps of a version: copy into a draft, rename, publish, retire, discard."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import override
from django.views.decorators.http import require_http_methods

from skillmap.core.errors import Conflict, RuleViolation
from skillmap.core.htmx import sign_in_required
from skillmap.framework import diff_rules, rules, services, words
from skillmap.framework.choices import FrameworkState, Provenance
from skillmap.framework.forms.parts import CopyForm, VersionForm
from skillmap.framework.models import Framework
from skillmap.framework.selectors import contents_of, current_framework
from skillmap.framework.views.common import differing, frame, version_to_edit
from skillmap.people.access import user_of

NAME_LENGTH = 100
GET_AND_POST = ["GET", "HEAD", "POST"]


@sign_in_required
@require_http_methods(GET_AND_POST)
def copy(request: HttpRequest, code: str) -> HttpResponse:
    """Make a draft from a published version."""
    source = version_to_edit(request, code)
    form = CopyForm(request.POST or None, initial=names_of_draft(source))
    if request.method == "POST" and form.is_valid():
        try:
            draft = services.framework_draft_from(source_id=source.pk, actor=user_of(request), **form.cleaned_data)
        except RuleViolation as refusal:
            form.add_error("code" if refusal.code.startswith("code") else None, str(refusal))
        else:
            messages.success(request, _("The draft was made. Readers do not see it until you publish it."))
            return redirect("framework:detail", code=draft.code)
    context = frame(request, source, "") | {"form": form, "title": _("Make a draft from this version")}
    context["submit"] = _("Make the draft")
    context["lead"] = _("All items, job types and levels are copied; this version stays as it is.")
    return render(request, "framework/form.html", context, status=_status(form))


def names_of_draft(source: Framework) -> dict[str, str]:
    """The names of a version, marked as those of a draft, each in its own language and within its length."""
    found = {"name": source.name, "name_en": source.name_en}
    for key, language in (("name", "ja"), ("name_en", "en")):
        with override(language):
            mark = _(" (draft)")
        if found[key] and not found[key].endswith(mark):
            found[key] = f"{found[key][: NAME_LENGTH - len(mark)]}{mark}"
    return found


@sign_in_required
@require_http_methods(GET_AND_POST)
def edit(request: HttpRequest, code: str) -> HttpResponse:
    """Rename a draft, and confirm its English texts."""
    draft = version_to_edit(request, code)
    if not draft.is_draft:
        return _not_a_draft(request, draft)
    form = VersionForm(request.POST or None, initial=_values_of(draft))
    more: dict[str, Any] = {}
    status = 200
    if request.method == "POST" and form.is_valid():
        try:
            services.framework_update(framework_id=draft.pk, actor=user_of(request), **form.cleaned_data)
        except Conflict as refusal:
            form, status = _both(request, draft, refusal), 409
            more = {"theirs": differing(form, VersionForm(initial=_values_of(draft)))}
        except RuleViolation as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, _("Saved."))
            return redirect("framework:detail", code=code)
    context = frame(request, draft, "") | {"form": form, "title": _("Name and note"), "submit": _("Save")} | more
    return render(request, "framework/form.html", context, status=_status(form, status))


def _values_of(draft: Framework) -> dict[str, Any]:
    return {
        "name": draft.name,
        "name_en": draft.name_en,
        "note": draft.note,
        "version": draft.version,
        "confirm_translation": draft.translation_provenance == Provenance.CONFIRMED,
    }


def _both(request: HttpRequest, draft: Framework, refusal: Conflict) -> VersionForm:
    """What the person entered, to be sent again with the newer version."""
    draft.refresh_from_db()
    data = request.POST.copy()
    data["version"] = str(draft.version)
    form = VersionForm(data)
    form.is_valid()
    form.add_error(None, str(refusal))
    return form


@sign_in_required
@require_http_methods(GET_AND_POST)
def publish(request: HttpRequest, code: str) -> HttpResponse:
    """Look at a draft once more, and publish it."""
    draft = version_to_edit(request, code)
    refusal: RuleViolation | None = None
    if request.method == "POST":
        try:
            services.framework_publish(framework_id=draft.pk, seen=request.POST.get("seen", ""), actor=user_of(request))
        except RuleViolation as error:
            refusal = error
        else:
            messages.success(request, _("The version is published. New cycles can use it."))
            return redirect("framework:detail", code=code)
    if not draft.is_draft:
        return _not_a_draft(request, draft)
    return _publish_page(request, draft, refusal)


def _publish_page(request: HttpRequest, draft: Framework, refusal: RuleViolation | None) -> HttpResponse:
    contents = contents_of([draft, draft.based_on] if draft.based_on else [draft])
    content = contents[draft.pk]
    problems = [words.problem_text(problem) for problem in rules.publish_problems(content)]
    found = diff_rules.differences(contents[draft.based_on.pk], content) if draft.based_on else None
    defaults = rules.defaults_in(content)
    context = frame(request, draft, "") | {
        "problems": problems,
        "seen": rules.fingerprint(content, draft.version),
        "defaults": defaults,
        "defaults_line": words.defaults_line(defaults),
        "summary": words.summary(found) if found else "",
        "found": found,
        "counts": _counts(content),
        "refusal": refusal,
        "page_errors": refusal is not None,
        "moved": isinstance(refusal, Conflict),
    }
    return render(request, "framework/publish.html", context, status=409 if refusal else 200)


def _counts(content: rules.Content) -> dict[str, int]:
    digital = len(content.digital_codes())
    return {
        "digital": digital,
        "tools": len(content.items) - digital,
        "job_types": len(content.job_types),
        "cells": sum(len(row.cells) for row in content.job_types),
    }


@sign_in_required
@require_http_methods(GET_AND_POST)
def retire(request: HttpRequest, code: str) -> HttpResponse:
    """Take a published version out of use."""
    framework = version_to_edit(request, code)
    if request.method == "POST":
        version = request.POST.get("version", "")
        try:
            services.framework_retire(
                framework_id=framework.pk,
                version=int(version) if version.isascii() and version.isdigit() and len(version) < 10 else 0,
                actor=user_of(request),
            )
        except RuleViolation as refusal:
            messages.error(request, str(refusal))
        else:
            messages.success(request, _("The version is retired. Results that refer to it stay readable."))
        return redirect("framework:detail", code=code)
    if framework.state != FrameworkState.PUBLISHED:
        messages.error(request, _("Only a published version can be retired."))
        return redirect("framework:detail", code=code)
    others = Framework.objects.filter(state=FrameworkState.PUBLISHED).exclude(pk=framework.pk)
    current = current_framework()
    context = frame(request, framework, "") | {
        "title": _("Retire this version"),
        "lines": _retire_lines(is_current=current == framework, is_last=not others.exists()),
        "submit": _("Retire it"),
        "version": framework.version,
    }
    return render(request, "framework/confirm.html", context)


def _retire_lines(*, is_current: bool, is_last: bool) -> list[str]:
    lines = [
        _("Readers and new cycles no longer get it by default. This cannot be undone, but it can be copied again."),
        _("Cycles that run on it go on, and old results stay readable."),
    ]
    if is_last:
        lines.append(_("No other version is published: after this there is no version in force."))
    elif is_current:
        lines.append(_("It is the version in force: after this the one published before it is in force again."))
    return lines


@sign_in_required
@require_http_methods(GET_AND_POST)
def discard(request: HttpRequest, code: str) -> HttpResponse:
    """Delete a draft."""
    draft = version_to_edit(request, code)
    if not draft.is_draft:
        return _not_a_draft(request, draft)
    if request.method == "POST":
        try:
            services.framework_discard(framework_id=draft.pk, actor=user_of(request))
        except RuleViolation as refusal:
            messages.error(request, str(refusal))
            return redirect("framework:detail", code=code)
        messages.success(request, _("The draft was discarded."))
        return redirect("framework:versions")
    context: dict[str, Any] = frame(request, draft, "") | {
        "title": _("Discard this draft"),
        "lines": [_("The draft and everything entered in it are deleted. This cannot be undone.")],
        "submit": _("Discard it"),
    }
    return render(request, "framework/confirm.html", context)


def _not_a_draft(request: HttpRequest, framework: Framework) -> HttpResponse:
    messages.error(request, _("This version has been published and can no longer be changed. Make a draft from it."))
    return redirect("framework:detail", code=framework.code)


def _status(form: Any, status: int = 200) -> int:
    return status if status != 200 else (422 if form.is_bound and form.errors else 200)
