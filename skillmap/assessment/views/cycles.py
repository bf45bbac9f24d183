"""Pages of a cycle's preparation: settings, dates, groups, participants, purpose."""

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from skillmap.assessment import cycle_rules
from skillmap.assessment.choices import CycleState, GroupItems, SecondMeeting
from skillmap.assessment.forms.cycles import (
    AddPersonForm,
    CycleCreateForm,
    CycleForm,
    GroupForm,
    PurposeForm,
    WindowsForm,
)
from skillmap.assessment.models import Assessment, Cycle, CycleGroup
from skillmap.assessment.selectors.cycles import cycle_lines, cycle_steps, windows_of_cycle
from skillmap.assessment.selectors.participants import Participants, groups_of, participants
from skillmap.assessment.services import cycles, participation
from skillmap.assessment.views.office import cycle_of, number, office_cycle, office_of, tabs_of
from skillmap.core import clock
from skillmap.core.errors import RuleViolation
from skillmap.core.htmx import sign_in_required
from skillmap.people.access import access_of, user_of
from skillmap.people.choices import DesignationKind, Occupation, Role, StaffStatus
from skillmap.people.models import Organisation, Staff
from skillmap.people.selectors.staff import search

PER_PAGE = 50
LEFT_OUT = {
    "on_leave": gettext_lazy("on leave"),
    "left": gettext_lazy("has left"),
    "joining": gettext_lazy("has not begun yet"),
    "no_check": gettext_lazy("of a municipality or an affiliated body, without a check"),
    "other_group": gettext_lazy("in an earlier group already"),
}


# ------------------------------------------------------------------------------------------------- list and settings


@sign_in_required
@require_GET
def cycles_page(request: HttpRequest) -> HttpResponse:
    """All cycles, newest first; for the secretariat and its supporters."""
    user = user_of(request)
    access = access_of(user)
    access.require(Role.SECRETARIAT, Role.SUPPORTER)
    return render(
        request, "assessment/cycle_list.html", {"lines": cycle_lines(user), "can_write": access.is_secretariat}
    )


@sign_in_required
@require_http_methods(["GET", "HEAD", "POST"])
def cycle_create(request: HttpRequest) -> HttpResponse:
    """Prepare a new cycle."""
    user = office_of(request)
    form = CycleCreateForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            cycle = cycles.cycle_create(
                fiscal_year=data["fiscal_year"],
                name=data["name"],
                framework_id=data["framework"].pk,
                second_meeting=data["second_meeting"],
                copy_last=data["copy_last"],
                actor=user,
            )
        except RuleViolation as refusal:
            form.add_error("name" if refusal.code == "name_taken" else None, str(refusal))
        else:
            messages.success(request, _("The cycle is prepared as a draft. Nobody sees it before you open it."))
            return redirect("assessment:cycle_detail", pk=cycle.pk)
    return render(request, "assessment/cycle_form.html", {"form": form}, status=422 if form.errors else 200)


@sign_in_required
@require_GET
def cycle_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """The settings of a cycle, and for a draft what is still to be done before it opens."""
    cycle = cycle_of(request, pk)
    access = access_of(user_of(request))
    access.require(Role.SECRETARIAT, Role.SUPPORTER)
    windows = windows_of_cycle(cycle)
    groups = groups_of(cycle)
    before = cycle.second_meeting == SecondMeeting.BEFORE
    context = {
        "cycle": cycle,
        "tabs": tabs_of(cycle, "detail", office=access.is_secretariat),
        "steps": cycle_steps(cycle, windows, clock.today()),
        "groups": _group_words(groups),
        "can_write": access.is_secretariat,
        "is_draft": cycle.state == CycleState.DRAFT,
        "is_open": cycle.state == CycleState.OPEN,
        "dates_ready": not cycle_rules.window_problems(windows, fiscal_year=cycle.fiscal_year, second_before=before),
    }
    return render(request, "assessment/cycle_detail.html", context)


def _group_words(groups: list[CycleGroup]) -> list[tuple[CycleGroup, list[str]]]:
    """Each group with its conditions in words; one query for the names of organisations."""
    wanted = {pk for group in groups for pk in group.selection.get("organisation_ids", [])}
    names = dict(Organisation.objects.filter(pk__in=wanted).values_list("pk", "name")) if wanted else {}
    return [(group, _selection_words(group.selection, names)) for group in groups]


def _selection_words(selection: dict[str, Any], names: dict[int, str]) -> list[str]:
    places = [names[pk] for pk in selection.get("organisation_ids", []) if pk in names]
    numbers = len(selection.get("staff_numbers", []))
    parts = [
        (_("Occupation: %(what)s"), _labels(Occupation, selection.get("occupations", []))),
        (_("Designation: %(what)s"), _labels(DesignationKind, selection.get("designations", []))),
        (_("Organisation: %(what)s"), places),
        (_("Listed staff numbers: %(what)s"), [str(numbers)] if numbers else []),
    ]
    separator = pgettext("between the items of a list", ", ")
    return [text % {"what": separator.join(words)} for text, words in parts if words]


def _labels(choices: Any, values: list[str]) -> list[str]:
    return [str(choices(value).label) for value in values if value in choices.values]


@sign_in_required
@require_http_methods(["GET", "HEAD", "POST"])
def cycle_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Name, framework, second 1on1 of a draft."""
    cycle = office_cycle(request, pk)
    initial = {"name": cycle.name, "framework": cycle.framework_id, "second_meeting": cycle.second_meeting}
    form = CycleForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            cycles.cycle_update(
                cycle_id=cycle.pk,
                version=number(request.POST.get("version")) or 0,
                name=data["name"],
                framework_id=data["framework"].pk,
                second_meeting=data["second_meeting"],
                actor=user_of(request),
            )
        except RuleViolation as refusal:
            form.add_error("name" if refusal.code == "name_taken" else None, str(refusal))
        else:
            messages.success(request, _("Saved."))
            return redirect("assessment:cycle_detail", pk=cycle.pk)
    return render(
        request, "assessment/cycle_form.html", {"form": form, "cycle": cycle}, status=422 if form.errors else 200
    )


@sign_in_required
@require_http_methods(["GET", "HEAD", "POST"])
def cycle_windows(request: HttpRequest, pk: int) -> HttpResponse:
    """The dates of the steps."""
    cycle = office_cycle(request, pk)
    form = WindowsForm(request.POST or None, cycle=cycle, windows=windows_of_cycle(cycle))
    if request.method == "POST" and form.is_valid():
        try:
            cycles.windows_change(
                cycle_id=cycle.pk,
                version=form.cleaned_data["version"],
                windows=form.windows(),
                actor=user_of(request),
            )
        except RuleViolation as refusal:
            problems = refusal.details.get("problems", {})
            form.blame(problems)
            if not problems:
                form.add_error(None, str(refusal))
        else:
            messages.success(request, _("The dates are saved."))
            return redirect("assessment:cycle_detail", pk=cycle.pk)
    return render(
        request, "assessment/cycle_windows.html", {"form": form, "cycle": cycle}, status=422 if form.errors else 200
    )


@sign_in_required
@require_http_methods(["GET", "HEAD", "POST"])
def cycle_group(request: HttpRequest, pk: int, group_id: int | None = None) -> HttpResponse:
    """Add or change a group of a draft."""
    cycle = office_cycle(request, pk)
    group = get_object_or_404(cycle.groups, pk=group_id) if group_id is not None else None
    fresh = {"items": GroupItems.DIGITAL, "with_one_on_one": True, "sort_order": cycle.groups.count() + 1}
    form = GroupForm(request.POST or None, initial=GroupForm.initial_of(group) if group is not None else fresh)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            cycles.group_save(
                cycle_id=cycle.pk,
                group_id=group_id,
                name=data["name"],
                items=data["items"],
                with_one_on_one=data["with_one_on_one"],
                selection=form.selection(),
                sort_order=data["sort_order"],
                actor=user_of(request),
            )
        except RuleViolation as refusal:
            form.add_error("name" if refusal.code == "group_name_taken" else None, str(refusal))
        else:
            messages.success(request, _("The group is saved. Look at who belongs to it."))
            return redirect("assessment:cycle_participants", pk=cycle.pk)
    context = {"form": form, "cycle": cycle, "group": group}
    return render(request, "assessment/cycle_group.html", context, status=422 if form.errors else 200)


@sign_in_required
@require_POST
def cycle_group_remove(request: HttpRequest, pk: int, group_id: int) -> HttpResponse:
    """Remove a group of a draft."""
    cycle = office_cycle(request, pk)
    group = get_object_or_404(cycle.groups, pk=group_id)
    try:
        cycles.group_remove(cycle_id=cycle.pk, group_id=group.pk, actor=user_of(request))
    except RuleViolation as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, _("The group “%(name)s” is removed.") % {"name": group.name})
    return redirect("assessment:cycle_detail", pk=cycle.pk)


@sign_in_required
@require_http_methods(["GET", "HEAD", "POST"])
def cycle_purpose(request: HttpRequest, pk: int) -> HttpResponse:
    """The purpose text; saving another one makes a new version."""
    cycle = office_cycle(request, pk)
    present = cycle.purpose_text
    initial = {"text": present.text, "text_en": present.text_en, "version": cycle.version}
    form = PurposeForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            fresh = cycles.purpose_change(cycle_id=cycle.pk, actor=user_of(request), **data)
        except RuleViolation as refusal:
            form.add_error(None, str(refusal))
        else:
            text = _("Nothing was changed.") if fresh.pk == present.pk else _("Saved as version %(number)s.")
            messages.success(request, text % {"number": fresh.number})
            return redirect("assessment:cycle_detail", pk=cycle.pk)
    context = {"form": form, "cycle": cycle, "present": present}
    return render(request, "assessment/cycle_purpose.html", context, status=422 if form.errors else 200)


# ----------------------------------------------------------------------------------------------------- participants


@sign_in_required
@require_GET
def cycle_participants(request: HttpRequest, pk: int) -> HttpResponse:
    """Who is in which group and who is left out and why; of a running cycle, who takes part, with joiners."""
    cycle = office_cycle(request, pk)
    if cycle.state != CycleState.DRAFT:
        return _present_participants(request, cycle)
    found = participants(cycle)
    shown = number(request.GET.get("group"))
    preview = next((row for row in found.groups if row.group.pk == shown), found.groups[0] if found.groups else None)
    page = Paginator(preview.people if preview is not None else [], PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "cycle": cycle,
        "tabs": tabs_of(cycle, "participants"),
        "found": found,
        "preview": preview,
        "group_tabs": _group_tabs(found, preview.group.pk if preview is not None else 0),
        "left_out": [(entry, LEFT_OUT[entry.reason]) for entry in found.left_out[:200]],
        "page_obj": page,
        "unmentored": {person.staff_id for person in found.without_mentor},
    }
    return render(request, "assessment/cycle_participants.html", context)


def _group_tabs(found: Participants, active: int) -> list[dict[str, Any]]:
    return [
        {
            "label": preview.group.name,
            "url": f"?group={preview.group.pk}",
            "active": preview.group.pk == active,
            "count": len(preview.people),
        }
        for preview in found.groups
    ]


def _present_participants(request: HttpRequest, cycle: Cycle) -> HttpResponse:
    """Look for somebody who joins in mid-cycle; the people in it stand on the board."""
    words = request.GET.get("q", "").strip()[:60].replace("\x00", "")
    people: list[Staff] = []
    inside: dict[int, int] = {}
    if words:
        rows = search(Staff.objects.visible_to(user_of(request)), words).exclude(status=StaffStatus.LEFT)
        people = list(rows.select_related("organisation__parent__parent").order_by("kana", "pk")[:PER_PAGE])
        inside = dict(
            Assessment.objects.filter(cycle=cycle, staff__in=[person.pk for person in people]).values_list(
                "staff_id", "pk"
            )
        )
    context = {
        "cycle": cycle,
        "tabs": tabs_of(cycle, "participants"),
        "words": words,
        "people": [(person, inside.get(person.pk)) for person in people],
        "groups": groups_of(cycle),
        "is_open": cycle.state == CycleState.OPEN,
    }
    return render(request, "assessment/cycle_joiners.html", context)


@sign_in_required
@require_POST
def cycle_add_person(request: HttpRequest, pk: int) -> HttpResponse:
    """Take somebody into a running cycle."""
    cycle = office_cycle(request, pk)
    form = AddPersonForm(request.POST, groups=groups_of(cycle))
    if not form.is_valid():
        messages.error(request, _("Choose the group that the person belongs to."))
        return redirect("assessment:cycle_participants", pk=cycle.pk)
    staff_id, group_id = form.cleaned_data["staff"], form.cleaned_data["group"]
    get_object_or_404(Staff.objects.visible_to(user_of(request)), pk=staff_id)
    try:
        check = participation.person_add(
            cycle_id=cycle.pk, staff_id=staff_id, group_id=group_id, actor=user_of(request)
        )
    except RuleViolation as refusal:
        messages.error(request, str(refusal))
        return redirect("assessment:cycle_participants", pk=cycle.pk)
    messages.success(request, _("The person takes part now and was told. Assign a mentor where the group has 1on1."))
    return redirect("assessment:board_person", pk=cycle.pk, check_id=check.pk)
