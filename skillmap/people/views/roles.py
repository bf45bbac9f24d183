"""Roles: who holds which, granted and taken back with a day."""

from typing import Any

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from skillmap.core import clock
from skillmap.core.htmx import sign_in_required
from skillmap.people import services
from skillmap.people.access import user_of
from skillmap.people.choices import Role
from skillmap.people.forms import (
    GrantForm,
    selectable,
)
from skillmap.people.models import RoleGrant
from skillmap.people.views.common import (
    GET,
    GET_AND_POST,
    PER_PAGE,
    account_for_office,
    account_page,
    act_and_return,
    form_page,
    posted,
    recent_sign_in_required,
    secretariat,
    secretariat_only,
    section,
    sections,
)


@sign_in_required
@require_http_methods(GET)
def roles(request: HttpRequest) -> HttpResponse:
    """Who holds which role, today and from later days on."""
    secretariat(request)
    asked = request.GET.get("role", "")
    wanted = asked if asked in Role.values else ""
    grants = RoleGrant.objects.not_over().select_related("user__staff", "organisation", "granted_by")
    if wanted:
        grants = grants.filter(role=wanted)
    page = Paginator(grants.order_by("role", "organisation__path", "user__name", "pk"), PER_PAGE)
    context = {
        "page_obj": page.get_page(request.GET.get("page")),
        "role": wanted,
        "choices": [{"label": _("All"), "url": "?", "active": not wanted}]
        + [{"label": role.label, "url": f"?role={role.value}", "active": role == wanted} for role in Role],
        "today": clock.today(),
        "sections": sections(request, "roles"),
    }
    return render(request, "people/roles.html", context)


@sign_in_required
@require_http_methods(GET_AND_POST)
@secretariat_only
@recent_sign_in_required
def role_new(request: HttpRequest, pk: int) -> HttpResponse:
    """Give a role to an account."""
    shown = account_for_office(request, pk)
    return form_page(
        request,
        GrantForm(posted(request), nodes=selectable()),
        lambda data: services.role_grant(user_id=pk, actor=user_of(request), **data),
        below="accounts",
        title=_("Give a role"),
        submit=_("Give the role"),
        back=account_page(pk),
        done=_("The role was given."),
        about=shown.name,
        fields_of_codes={
            "organisation_needed": "organisation_id",
            "organisation_not_needed": "organisation_id",
            "organisation_closed": "organisation_id",
            "dates": "valid_to",
            "has_role": "role",
        },
    )


@sign_in_required
@require_http_methods(GET_AND_POST)
@secretariat_only
@recent_sign_in_required
def role_revoke(request: HttpRequest, pk: int) -> HttpResponse:
    """Take a role, after a question."""
    user = secretariat(request)
    grant = get_object_or_404(RoleGrant.objects.select_related("user", "organisation"), pk=pk)
    back = account_page(grant.user_id)
    if request.method == "POST":
        return act_and_return(
            request,
            lambda: services.role_revoke(grant_id=pk, actor=user),
            done=_("The role was taken away; the account was signed out everywhere."),
            back=back,
        )
    lines = [
        _("The role ends at once, and the account is signed out everywhere."),
        _("What was done in this role stays on record."),
    ]
    title = _("Take away the role “%(role)s”") % {"role": grant.get_role_display()}
    context: dict[str, Any] = {
        "title": title,
        "about": grant.user.name,
        "lines": lines,
        "submit": _("Take the role away"),
        "back": back,
        "below": section("roles"),
    }
    return render(request, "people/confirm.html", context)
