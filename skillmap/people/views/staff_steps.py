"""What the secretariat records about one person: joining, moves, leave, leaving, designations."""

from datetime import date
from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from skillmap.core import clock
from skillmap.core.htmx import sign_in_required
from skillmap.people import selectors, services
from skillmap.people.access import user_of
from skillmap.people.choices import DesignationKind, StaffStatus
from skillmap.people.forms import (
    DayForm,
    DesignationForm,
    EditForm,
    JoinForm,
    LeaveForm,
    MoveForm,
    PlaceForm,
    selectable,
)
from skillmap.people.models import Designation, Membership, Staff
from skillmap.people.views.common import (
    GET_AND_POST,
    act_and_return,
    form_page,
    posted,
    secretariat,
    staff_for_office,
)


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
        below="staff_list",
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


def _place_of(staff: Staff) -> dict[str, object]:
    """What a form about a place begins with: where the person is, or was last."""
    return {"organisation_id": staff.organisation_id, "occupation": staff.occupation, "grade": staff.grade}


def _about(staff: Staff) -> dict[str, Any]:
    """What a form about one person shows around its fields."""
    return {"staff": staff, "back": reverse("people:staff", args=[staff.pk])}


@sign_in_required
@require_http_methods(GET_AND_POST)
def staff_move(request: HttpRequest, pk: int) -> HttpResponse:
    """Move to another organisation, grade or occupation from a day on."""
    staff = staff_for_office(request, pk)
    lead = _("A day to come is recorded and takes effect on that day. The history keeps what was before.")
    if staff.status == StaffStatus.JOINING:
        lead += " " + _("Another day with all else as it is puts off the first day in post, or brings it forward.")

    def act(data: dict[str, Any]) -> None:
        services.staff_move(staff_id=pk, actor=user_of(request), **data)
        _warn_of_designations(request, staff, data["organisation_id"], data["on"])

    return form_page(
        request,
        MoveForm(posted(request), initial=_place_of(staff), nodes=selectable()),
        act,
        title=_("Record a move or a new grade"),
        submit=_("Record"),
        done=_("The move was recorded."),
        fields_of_codes={"not_a_place": "organisation_id", "later_move": "on", "left": "on"},
        lead=lead,
        **_about(staff),
    )


def _warn_of_designations(request: HttpRequest, staff: Staff, organisation_id: int, on: date) -> None:
    """A designation is for an organisation: whether it ends when the person moves is for somebody to say."""
    held = staff.designations.filter(Q(valid_to=None) | Q(valid_to__gt=on)).exclude(organisation=organisation_id)
    for row in held.select_related("organisation").order_by("pk"):
        if row.organisation is None:
            continue
        text = _("The designation “%(kind)s” for %(organisation)s goes on. End it where it ends with the move.")
        messages.warning(request, text % {"kind": row.get_kind_display(), "organisation": row.organisation.name})


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
    """Record that somebody leaves, after saying what that ends; or, before the first day, does not come."""
    staff = staff_for_office(request, pk)
    hint = _("The day after the last one. From this day on the account no longer works.")
    warnings = [
        _("On that day posting, designations, roles, API tokens and all sessions end, and the account is closed."),
        _("Mentor pairs of the person end too: mentees need a new mentor."),
        _("Levels and history stay on record."),
    ]
    if staff.status == StaffStatus.JOINING:
        not_coming = _(
            "The first day in post where the person does not come after all: then nothing about them is kept."
        )
        warnings, hint = [not_coming, warnings[0]], ""
    response = form_page(
        request,
        DayForm(posted(request), label=_("First day out of service"), hint=hint),
        lambda data: services.staff_leave(staff_id=pk, actor=user_of(request), **data),
        title=_("Record that the person leaves"),
        submit=_("Record the leaving"),
        done=_("The leaving was recorded."),
        danger=True,
        warnings=warnings,
        fields_of_codes={"dates": "on", "left": "on", "in_use": "on"},
        **_about(staff),
    )
    gone = response.status_code == 302 and not Staff.objects.filter(pk=pk).exists()
    return redirect("people:staff_list") if gone else response


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
    return form_page(
        request,
        PlaceForm(posted(request), initial=_place_of(staff), nodes=selectable()),
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
