"""Pages of a cycle's preparation and end: settings, dates, groups, participants, purpose, opening, closing, texts."""

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from skillmap.assessment import cycle_rules, mail_texts
from skillmap.assessment.choices import CycleState, CycleStep, FindingKind, GroupItems, SecondMeeting
from skillmap.assessment.forms.cycles import (
    AddPersonForm,
    CycleCreateForm,
    CycleForm,
    FindingForm,
    GroupForm,
    MailTextForm,
    OpenForm,
    PurposeForm,
    WindowsForm,
)
from skillmap.assessment.models import Assessment, Cycle, CycleGroup, Finding, MailText
from skillmap.assessment.selectors.cycles import closing_figures, cycle_lines, cycle_steps, windows_of_cycle
from skillmap.assessment.selectors.participants import Participants, groups_of, participants
from skillmap.assessment.services import cycles, findings, participation, reminders
from skillmap.assessment.views.office import cycle_of, number, office_cycle, office_of, tabs_of, user_of
from skillmap.core import clock
from skillmap.core.errors import Conflict, RuleViolation
from skillmap.core.htmx import sign_in_required
from skillmap.core.models import Job
from skillmap.core.templatetags.ui import jp_date
from skillmap.people.access import access_of
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
CHECKLIST = {
    "unfinished": gettext_lazy("People who have not come as far as the correction"),
    "unconfirmed": gettext_lazy("Checks that wait for confirmation"),
    "unreceived": gettext_lazy("Confirmed results that nobody has received"),
    "objections": gettext_lazy("Requests for correction without an answer"),
    "findings": gettext_lazy("Findings written down"),
    "measures": gettext_lazy("Measures written down"),
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
            form.blame(refusal.details.get("problems", {}))
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
    words = request.GET.get("q", "").strip()[:60]
    people: list[Staff] = []
    inside: dict[int, int] = {}
    if words:
        rows = search(Staff.objects.visible_to(user_of(request)), words).exclude(status=StaffStatus.LEFT)
        people = list(rows.select_related("organisation").order_by("kana", "pk")[:PER_PAGE])
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


# -------------------------------------------------------------------------------------------------- opening, closing


@sign_in_required
@require_http_methods(["GET", "HEAD", "POST"])
def cycle_open(request: HttpRequest, pk: int) -> HttpResponse:
    """What opening does, who has no mentor; POST opens."""
    cycle = office_cycle(request, pk)
    if cycle.state != CycleState.DRAFT:
        return redirect("assessment:board", pk=cycle.pk)
    form = OpenForm(request.POST or None, initial={"version": cycle.version})
    if request.method == "POST" and form.is_valid():
        answer = _try_to_open(request, cycle, form)
        if answer is not None:
            return answer
    found = participants(cycle)
    context = {
        "cycle": cycle,
        "form": form,
        "found": found,
        "steps": cycle_steps(cycle, windows_of_cycle(cycle), clock.today()),
        "without_mentor": found.without_mentor[:PER_PAGE],
        "waiting": Job.objects.active().filter(kind=participation.OPEN_KIND, dedup_key=f"cycle:{cycle.pk}").first(),
    }
    return render(request, "assessment/cycle_open.html", context, status=422 if form.errors else 200)


def _try_to_open(request: HttpRequest, cycle: Cycle, form: OpenForm) -> HttpResponse | None:
    try:
        job = participation.opening_start(
            cycle_id=cycle.pk,
            version=form.cleaned_data["version"],
            without_mentor=form.cleaned_data["without_mentor"],
            actor=user_of(request),
        )
    except RuleViolation as refusal:
        form.add_error("without_mentor" if refusal.code == "mentors_missing" else None, str(refusal))
        return None
    if job is not None:
        return redirect("core:job", public_id=job.public_id)
    messages.success(request, _("The cycle is open. People are told on the first day of the self-check."))
    return redirect("assessment:board", pk=cycle.pk)


@sign_in_required
@require_http_methods(["GET", "HEAD", "POST"])
def cycle_close(request: HttpRequest, pk: int) -> HttpResponse:
    """The closing checklist; POST closes the cycle for good."""
    cycle = office_cycle(request, pk)
    if cycle.state == CycleState.DRAFT:
        raise Http404
    error = ""
    accepted = [code for code in request.POST.getlist("accept") if code in CHECKLIST]
    if request.method == "POST":
        try:
            cycles.cycle_close(cycle_id=cycle.pk, accepted=accepted, actor=user_of(request))
        except RuleViolation as refusal:
            error = str(refusal)
        else:
            messages.success(request, _("The cycle is closed. Levels and history stay readable."))
            return redirect("assessment:cycle_close", pk=cycle.pk)
    context = {
        "cycle": cycle,
        "items": _checklist(cycle, accepted),
        "error": error,
        "page_errors": bool(error),
        "is_open": cycle.state == CycleState.OPEN,
    }
    return render(request, "assessment/cycle_close.html", context, status=422 if error else 200)


def _checklist(cycle: Cycle, accepted: list[str]) -> list[dict[str, Any]]:
    board, written = reverse("assessment:board", args=[cycle.pk]), reverse("assessment:findings", args=[cycle.pk])
    urls = {
        "unfinished": board,
        "unconfirmed": reverse("assessment:board_confirm", args=[cycle.pk]),
        "unreceived": f"{board}?state=confirmed",
        "objections": reverse("assessment:objections"),
        "findings": written,
        "measures": written,
    }
    if cycle.state == CycleState.CLOSED:
        kept = cycle.closing_checklist.get("items", [])
        return [
            {**item, "label": CHECKLIST[item["code"]], "url": urls[item["code"]]}
            for item in kept
            if item.get("code") in CHECKLIST
        ]
    return [
        {
            "code": item.code,
            "count": item.count,
            "settled": item.settled,
            "accepted": item.code in accepted,
            "label": CHECKLIST[item.code],
            "url": urls[item.code],
        }
        for item in cycle_rules.closing_checklist(closing_figures(cycle))
    ]


# --------------------------------------------------------------------------------------------- findings and measures


@sign_in_required
@require_http_methods(["GET", "HEAD", "POST"])
def findings_page(request: HttpRequest, pk: int) -> HttpResponse:
    """Findings and measures of a cycle; POST writes one down."""
    cycle = office_cycle(request, pk)
    if cycle.state == CycleState.DRAFT:
        raise Http404
    form = FindingForm(request.POST or None, initial={"kind": FindingKind.FINDING})
    if request.method == "POST" and form.is_valid():
        try:
            findings.finding_add(cycle=cycle, actor=user_of(request), **form.cleaned_data)
        except RuleViolation as refusal:
            form.add_error("text", str(refusal))
        else:
            messages.success(request, _("Written down."))
            return redirect("assessment:findings", pk=cycle.pk)
    return _findings(request, cycle, form)


def _findings(request: HttpRequest, cycle: Cycle, form: FindingForm, **more: Any) -> HttpResponse:
    rows = list(Finding.objects.filter(cycle=cycle).select_related("author").order_by("-at", "-pk"))
    context = {
        "cycle": cycle,
        "tabs": tabs_of(cycle, "findings"),
        "form": form,
        "kinds": [(kind, [row for row in rows if row.kind == kind]) for kind in FindingKind],
        "run_url": _run_url(cycle),
        **more,
    }
    status = 409 if more else 422 if form.errors else 200
    return render(request, "assessment/findings.html", context, status=status)


def _run_url(cycle: Cycle) -> str:
    """Where a tally before confirmation is asked for; the app above may not be there."""
    try:
        return f"{reverse('gaps:run_create')}?cycle={cycle.pk}&basis=corrected"
    except NoReverseMatch:
        return ""


@sign_in_required
@require_POST
def finding_change(request: HttpRequest, pk: int, finding_id: int) -> HttpResponse:
    """Change or remove an entry."""
    cycle = office_cycle(request, pk)
    get_object_or_404(Finding, pk=finding_id, cycle=cycle)
    if "remove" in request.POST:
        findings.finding_remove(cycle=cycle, finding_id=finding_id, actor=user_of(request))
        messages.success(request, _("Removed."))
        return redirect("assessment:findings", pk=cycle.pk)
    text = request.POST.get("text", "")[:4000].replace("\r\n", "\n")
    seen = request.POST.get("seen", "").replace("\r\n", "\n")
    try:
        findings.finding_change(cycle=cycle, finding_id=finding_id, seen=seen, text=text, actor=user_of(request))
    except Conflict as conflict:
        return _findings(
            request, cycle, FindingForm(initial={"kind": FindingKind.FINDING}), conflict=str(conflict),
            conflict_id=finding_id, conflict_text=text, page_errors=True,
        )  # fmt: skip
    except RuleViolation as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, _("Saved."))
    return redirect("assessment:findings", pk=cycle.pk)


# ---------------------------------------------------------------------------------------------------- mail texts


@sign_in_required
@require_GET
def mail_text_list(request: HttpRequest) -> HttpResponse:
    """The texts of reminders: when each is sent, and whether its words are the built-in ones."""
    office_of(request)
    kept = {row.kind: row for row in MailText.objects.select_related("updated_by")}
    rows = [(text, kept.get(kind)) for kind, text in mail_texts.TEXTS.items()]
    return render(request, "assessment/mail_text_list.html", {"rows": rows})


@sign_in_required
@require_http_methods(["GET", "HEAD", "POST"])
def mail_text(request: HttpRequest, kind: str) -> HttpResponse:
    """Edit the words of one kind, with a preview."""
    office_of(request)
    text = mail_texts.TEXTS.get(kind)
    if text is None:
        raise Http404
    kept = MailText.objects.filter(kind=kind).first()
    subject, body = (kept.subject, kept.body) if kept is not None else (str(text.subject), str(text.body))
    initial = {"subject": subject, "body": body, "version": kept.version if kept is not None else 0}
    form = MailTextForm(request.POST or None, initial=initial)
    present: dict[str, Any] = {}
    if request.method == "POST" and "reset" in request.POST:
        reminders.mail_text_reset(kind=kind, actor=user_of(request))
        messages.success(request, _("The built-in words are back."))
        return redirect("assessment:mail_texts")
    if request.method == "POST" and form.is_valid():
        subject, body = form.cleaned_data["subject"], form.cleaned_data["body"]
        if "preview" not in request.POST:
            refusal = _save_mail_text(request, kind, form)
            if refusal is None:
                messages.success(request, _("Saved. The next mail has these words."))
                return redirect("assessment:mail_texts")
            present = refusal.details
    example = _example(user_of(request).name)
    context = {
        "form": form,
        "text": text,
        "kept": kept,
        "present": present,
        "placeholders": [(f"{{{name}}}", words, example[name]) for name, words in mail_texts.PLACEHOLDERS.items()],
        "preview_subject": mail_texts.filled(subject, example),
        "preview_body": mail_texts.filled(body, example),
        "unknown": [f"{{{name}}}" for name in mail_texts.unknown_placeholders(f"{subject}\n{body}")],
    }
    return render(request, "assessment/mail_text.html", context, status=422 if form.errors else 200)


def _save_mail_text(request: HttpRequest, kind: str, form: MailTextForm) -> RuleViolation | None:
    """None where it is saved; else the refusal, which stands in the form too."""
    try:
        reminders.mail_text_save(kind=kind, actor=user_of(request), **form.cleaned_data)
    except RuleViolation as refusal:
        form.add_error(None if isinstance(refusal, Conflict) else "body", str(refusal))
        return refusal
    return None


def _example(name: str) -> dict[str, object]:
    """Values for the preview."""
    year = clock.today().year
    window = cycle_rules.default_windows(year)["self_check"]
    return {
        "name": name,
        "cycle": _("FY%(year)s skill check") % {"year": year},
        "step": CycleStep.SELF_CHECK.label,
        "opens_on": jp_date(window.opens_on),
        "closes_on": jp_date(window.closes_on),
        "days_left": 7,
        "count": 3,
    }
