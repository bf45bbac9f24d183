"""People: the list, its export, and the page of one person."""

from collections.abc import Sequence
from typing import Any

from django.core.paginator import Paginator
from django.db import transaction
from django.db.models import Prefetch, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from skillmap.core import audit, clock
from skillmap.core.errors import NotAllowed
from skillmap.core.htmx import sign_in_required
from skillmap.core.import_views import workbook
from skillmap.core.paging import searched_page
from skillmap.core.tabular.filenames import CSV, content_disposition, download_name
from skillmap.core.tabular.writing import write_csv
from skillmap.core.widgets import LongSelect
from skillmap.people import selectors
from skillmap.people.access import access_of, user_of
from skillmap.people.choices import StaffStatus
from skillmap.people.filters import StaffFilter
from skillmap.people.forms import place_choices
from skillmap.people.models import Designation, RoleGrant, Staff
from skillmap.people.tables import people_table
from skillmap.people.views.common import GET, PEOPLE_READERS, PER_PAGE, PLACE, require, sections


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
    if not found.is_valid():  # the page says what is wrong; a file of everybody would say nothing
        return redirect(f"{reverse('people:staff_list')}?{request.GET.urlencode()}")
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
