"""People: the list, one person, and each step with its day."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.db import transaction
from django.db.models import Prefetch, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from skillmap.core import audit, clock
from skillmap.core.errors import NotAllowed
from skillmap.core.htmx import sign_in_required
from skillmap.core.import_views import workbook
from skillmap.core.paging import searched_page
from skillmap.core.tabular.filenames import CSV, content_disposition, download_name
from skillmap.core.tabular.writing import write_csv
from skillmap.core.widgets import LongSelect
from skillmap.people import selectors, services
from skillmap.people.access import access_of, user_of
from skillmap.people.choices import DesignationKind, StaffStatus
from skillmap.people.filters import StaffFilter
from skillmap.people.forms import (
    DayForm,
    DesignationForm,
    EditForm,
    JoinForm,
    LeaveForm,
    MoveForm,
    PlaceForm,
    place_choices,
    selectable,
)
from skillmap.people.models import Designation, Membership, RoleGrant, Staff
from skillmap.people.tables import people_table
from skillmap.people.views.common import (
    GET,
    GET_AND_POST,
    PEOPLE_READERS,
    PER_PAGE,
    PLACE,
    act_and_return,
    form_page,
    posted,
    require,
    secretariat,
    sections,
    staff_for_office,
)


def _filtered(request: HttpRequest) -> tuple[StaffFilter, QuerySet[Staff]]:
    """The filter of the address, and the people it leaves; without a status those in service."""
    visible = Staff.objects.readable_by(user_of(request))
    found = StaffFilter(request.GET, queryset=visible)
    people = found.qs if found.is_valid() else visible
    if not request.GET.get("status"):
        people = people.exclude(status=StaffStatus.LEFT)
    return found, people.order_by("kana", "pk")


@sign_in_required
@require_http_methods(GET)
def staff_list(request: HttpRequest) -> HttpResponse:
    """The people one may know of, narrowed down by the address."""
    access = require(request, PEOPLE_READERS)
    found, people = _filtered(request)
    _offer_places(found, None if access.is_secretariat or access.is_supporter else access.coordinated_paths)
    today = clock.today()
    held = Designation.objects.filter(Q(valid_to=None) | Q(valid_to__gt=today), valid_from__lte=today)
    rows = people.select_related(PLACE).prefetch_related(Prefetch("designations", held, to_attr="held"))
    number = request.GET.get("page")
    searched = bool(request.GET.get("q", "").strip())
    page = searched_page(rows, number, PER_PAGE) if searched else Paginator(rows, PER_PAGE).get_page(number)
    context: dict[str, Any] = {
        "filter": found,
        "page_obj": page,
        "sections": sections(request, "staff_list"),
        "may_write": access.is_secretariat,
        "may_export": access.is_secretariat or access.is_coordinator,
    }
    part = request.htmx and not request.htmx.boosted  # type: ignore[attr-defined]
    if part:  # what stands below the organisation just chosen can be chosen next
        context["places"] = found.form["organisation"].as_widget(attrs={"hx-swap-oob": "true"})
    return render(request, "people/_staff_table.html" if part else "people/staff_list.html", context)


def _offer_places(found: StaffFilter, below: Sequence[str] | None) -> None:
    """Offer the top of the tree, and what stands around the chosen organisation; of a coordinator's the own ones."""
    chosen = found.form.cleaned_data["organisation"] if found.is_valid() else None
    nodes = selectors.places_near(int(chosen) if chosen is not None else None, below=below)
    field = found.form.fields["organisation"]
    field.widget = LongSelect(choices=place_choices(nodes, empty=("", _("All"))))
    field.help_text = _("What stands below a place is offered once that place is shown.")


@sign_in_required
@require_http_methods(GET)
def staff_export(request: HttpRequest) -> HttpResponse:
    """The narrowed-down list, whole, as a workbook or CSV; written down in the audit trail."""
    access = require(request, PEOPLE_READERS)
    if not (access.is_secretariat or access.is_coordinator):
        raise NotAllowed
    found, people = _filtered(request)
    with transaction.atomic():
        audit.record(verb="people.export", actor=user_of(request), rows=people.count())
    used = {str(found.form[name].label): found.form[name].value() for name in found.form.fields}
    table = people_table(people, filters=used)
    if request.GET.get("format") == "csv":
        response = HttpResponse(b"".join(write_csv(table)), content_type=CSV)
        name = download_name(_("Staff"), ending="csv", made_at=clock.now())
        response["Content-Disposition"] = content_disposition(name)
        return response
    return workbook(table, _("Staff"))


@sign_in_required
@require_http_methods(GET)
def staff_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """One person: master data, history, designations, roles and account; the steps that the secretariat may take."""
    user = user_of(request)
    access = access_of(user)
    visible = Staff.objects.readable_by(user).select_related(PLACE, "user")
    staff = get_object_or_404(visible, pk=pk)
    grants: list[RoleGrant] = []
    if access.is_secretariat and staff.user_id is not None:
        held = RoleGrant.objects.not_over().filter(user=staff.user_id)
        grants = list(held.select_related("organisation").order_by("role", "valid_from"))
    today = clock.today()
    memberships = list(staff.memberships.select_related(PLACE).order_by("-valid_from"))
    context = {
        "staff": staff,
        "memberships": memberships,
        "leaves": list(staff.leaves.order_by("-valid_from")),
        "designations": list(staff.designations.select_related(PLACE).order_by("-valid_from")),
        "grants": grants,
        "today": today,
        "may_write": access.is_secretariat,
        "is_self": staff.pk == access.staff_id,
        "may_list": bool(access.roles & PEOPLE_READERS),
        "cancellable": memberships[0].pk if len(memberships) > 1 and memberships[0].valid_from > today else None,
    }
    return render(request, "people/staff.html", context)


@sign_in_required
@require_http_methods(GET_AND_POST)
def staff_new(request: HttpRequest) -> HttpResponse:
    """Record somebody new."""
    user = secretariat(request)
    form = JoinForm(posted(request), nodes=selectable())
    made: list[Staff] = []
    response = form_page(
        request,
        form,
        lambda data: made.append(services.staff_create(actor=user, **data)),
        section="staff_list",
        title=_("Record a person"),
        submit=_("Record"),
        back=reverse("people:staff_list"),
        done=_("The person was recorded."),
        fields_of_codes={"number_taken": "number", "not_a_place": "organisation_id"},
    )
    return redirect("people:staff", pk=made[0].pk) if made else response


@sign_in_required
@require_http_methods(GET_AND_POST)
def staff_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Change what is not dated."""
    staff = staff_for_office(request, pk)
    initial = {name: getattr(staff, name) for name in EditForm.base_fields}
    form = EditForm(posted(request), initial=initial)
    return form_page(
        request,
        form,
        lambda data: services.staff_update(staff_id=pk, actor=user_of(request), **data),
        title=_("Change master data"),
        submit=_("Save"),
        done=_("Saved."),
        fields_of_codes={"number_taken": "number"},
        theirs=_theirs(form, staff),
        **_about(staff),
    )


def _theirs(form: forms.BaseForm, staff: Staff) -> list[tuple[str, object]]:
    """Where a form that was sent with an old version differs from what is stored by now."""
    if not form.is_bound or form["version"].value() == str(staff.version):
        return []
    fields = [
        bound for bound in form.visible_fields() if str(getattr(staff, bound.name) or "") != (bound.value() or "")
    ]
    return [(str(bound.label), getattr(staff, bound.name) or "—") for bound in fields]


def _about(staff: Staff) -> dict[str, Any]:
    """What a form about one person shows around its fields."""
    return {"staff": staff, "back": reverse("people:staff", args=[staff.pk])}


@sign_in_required
@require_http_methods(GET_AND_POST)
def staff_move(request: HttpRequest, pk: int) -> HttpResponse:
    """Move to another organisation, grade or occupation from a day on."""
    staff = staff_for_office(request, pk)
    initial = {"organisation_id": staff.organisation_id, "occupation": staff.occupation, "grade": staff.grade}
    return form_page(
        request,
        MoveForm(posted(request), initial=initial, nodes=selectable()),
        lambda data: services.staff_move(staff_id=pk, actor=user_of(request), **data),
        title=_("Record a move or a new grade"),
        submit=_("Record"),
        done=_("The move was recorded."),
        fields_of_codes={"not_a_place": "organisation_id", "later_move": "on", "left": "on"},
        lead=_("A day to come is recorded and takes effect on that day. The history keeps what was before."),
        **_about(staff),
    )


@sign_in_required
@require_POST
def move_cancel(request: HttpRequest, pk: int, membership: int) -> HttpResponse:
    """Take back a move that is still to come."""
    staff = staff_for_office(request, pk)
    row = get_object_or_404(Membership, pk=membership, staff=staff)
    return act_and_return(
        request,
        lambda: services.move_cancel(membership_id=row.pk, actor=user_of(request)),
        done=_("The move was taken back."),
        back=reverse("people:staff", args=[pk]),
    )


@sign_in_required
@require_http_methods(GET_AND_POST)
def leave_begin(request: HttpRequest, pk: int) -> HttpResponse:
    """Record a leave."""
    staff = staff_for_office(request, pk)
    return form_page(
        request,
        LeaveForm(posted(request)),
        lambda data: services.leave_begin(staff_id=pk, actor=user_of(request), **data),
        title=_("Record a leave"),
        submit=_("Record"),
        done=_("The leave was recorded."),
        fields_of_codes={"dates": "until", "on_leave": "on", "left": "on"},
        lead=_("While on leave, a person takes no part in a cycle. The account stays open."),
        **_about(staff),
    )


@sign_in_required
@require_http_methods(GET_AND_POST)
def leave_end(request: HttpRequest, pk: int) -> HttpResponse:
    """Record the return from leave."""
    staff = staff_for_office(request, pk)
    return form_page(
        request,
        DayForm(posted(request), label=_("First day back")),
        lambda data: services.leave_end(staff_id=pk, actor=user_of(request), **data),
        title=_("Record the return from leave"),
        submit=_("Record"),
        done=_("The return was recorded."),
        fields_of_codes={"not_on_leave": "on"},
        **_about(staff),
    )


@sign_in_required
@require_http_methods(GET_AND_POST)
def staff_leave(request: HttpRequest, pk: int) -> HttpResponse:
    """Record that somebody leaves, after saying what that ends."""
    staff = staff_for_office(request, pk)
    return form_page(
        request,
        DayForm(
            posted(request),
            label=_("First day out of service"),
            hint=_("The day after the last one. From this day on the account no longer works."),
        ),
        lambda data: services.staff_leave(staff_id=pk, actor=user_of(request), **data),
        title=_("Record that the person leaves"),
        submit=_("Record the leaving"),
        done=_("The leaving was recorded."),
        danger=True,
        warnings=[
            _("On that day posting, designations, roles, API tokens and all sessions end, and the account is closed."),
            _("Mentor pairs of the person end too: mentees need a new mentor."),
            _("Levels and history stay on record."),
        ],
        fields_of_codes={"dates": "on", "left": "on"},
        **_about(staff),
    )


@sign_in_required
@require_POST
def leave_cancel(request: HttpRequest, pk: int) -> HttpResponse:
    """Take back a leaving that is still to come."""
    staff = staff_for_office(request, pk)
    return act_and_return(
        request,
        lambda: services.staff_leave_cancel(staff_id=staff.pk, actor=user_of(request)),
        done=_("The leaving was taken back."),
        back=reverse("people:staff", args=[pk]),
    )


@sign_in_required
@require_http_methods(GET_AND_POST)
def staff_rejoin(request: HttpRequest, pk: int) -> HttpResponse:
    """Record that somebody who had left is back."""
    staff = staff_for_office(request, pk)
    initial = {"organisation_id": staff.organisation_id, "occupation": staff.occupation, "grade": staff.grade}
    return form_page(
        request,
        PlaceForm(posted(request), initial=initial, nodes=selectable()),
        lambda data: services.staff_rejoin(staff_id=pk, actor=user_of(request), **data),
        title=_("Record that the person is back"),
        submit=_("Record"),
        done=_("The return was recorded. Open the account and give roles anew where they are needed."),
        fields_of_codes={"dates": "on", "not_a_place": "organisation_id"},
        **_about(staff),
    )


@sign_in_required
@require_http_methods(GET_AND_POST)
def designation_new(request: HttpRequest, pk: int) -> HttpResponse:
    """Designate somebody; as a rule a section has one DX ambassador, so others are named."""
    staff = staff_for_office(request, pk)
    beside = list(
        selectors.ambassadors_beside(organisation_id=staff.organisation_id, on=clock.today(), staff_id=staff.pk)
    )
    warnings = []
    if beside:
        names = "、".join(row.staff.name for row in beside)
        text = _("%(organisation)s has a DX ambassador already: %(names)s. As a rule a section has one.")
        warnings = [text % {"organisation": staff.organisation.name, "names": names}]

    def act(data: dict[str, Any]) -> None:
        services.designation_add(staff_id=pk, actor=user_of(request), **data)
        if beside and data["kind"] == DesignationKind.DX_AMBASSADOR:
            messages.warning(request, warnings[0])

    return form_page(
        request,
        DesignationForm(posted(request)),
        act,
        title=_("Add a designation"),
        submit=_("Add"),
        done=_("The designation was added."),
        warnings=warnings,
        fields_of_codes={"dates": "until", "designated": "kind", "left": "on"},
        **_about(staff),
    )


@sign_in_required
@require_http_methods(GET_AND_POST)
def designation_end(request: HttpRequest, pk: int) -> HttpResponse:
    """End a designation."""
    user = secretariat(request)
    row = get_object_or_404(Designation.objects.select_related("staff"), pk=pk)
    return form_page(
        request,
        DayForm(posted(request), label=_("First day without it")),
        lambda data: services.designation_end(designation_id=pk, actor=user, **data),
        title=_("End the designation %(name)s") % {"name": row.get_kind_display()},
        submit=_("End it"),
        done=_("The designation was ended."),
        fields_of_codes={"dates": "on", "ended": "on"},
        **_about(row.staff),
    )
