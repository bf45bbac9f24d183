"""API tokens, and the accounts of the systems that hold them."""

from typing import Any

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.crypto import get_random_string
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from skillmap.core import clock
from skillmap.core.htmx import sign_in_required
from skillmap.core.resubmission import leads_on
from skillmap.people import services, tokens
from skillmap.people.forms import (
    ServiceForm,
    TokenForm,
)
from skillmap.people.models import ApiToken, User
from skillmap.people.views.common import (
    GET,
    GET_AND_POST,
    PER_PAGE,
    account_page,
    act_and_return,
    form_page,
    posted,
    recent_sign_in_required,
    secretariat,
    secretariat_only,
    sections,
)


@sign_in_required
@require_http_methods(GET)
def token_list(request: HttpRequest) -> HttpResponse:
    """The tokens of other systems; a value just issued is shown this once."""
    secretariat(request)
    rows = ApiToken.objects.select_related("user", "created_by").order_by("-pk")
    context = {
        "page_obj": Paginator(rows, PER_PAGE).get_page(request.GET.get("page")),
        "now": clock.now(),
        "sections": sections(request, "tokens"),
    }
    return render(request, "people/tokens.html", context)


@sign_in_required
@require_http_methods(GET_AND_POST)
def service_new(request: HttpRequest) -> HttpResponse:
    """Make the account of another system; nobody can sign in with it."""
    user = secretariat(request)

    def act(data: dict[str, Any]) -> None:
        address = f"service-{get_random_string(12).lower()}@service.invalid"
        made.append(services.account_create(email=address, name=data["name"], actor=user, is_service=True))

    made: list[User] = []
    response = form_page(
        request,
        ServiceForm(posted(request)),
        act,
        below="tokens",
        title=_("Make an account for a system"),
        submit=_("Make the account"),
        back=reverse("people:tokens"),
        done=_("The account was made. Give it the role that its data need, then issue a token."),
        lead=_("Nobody can sign in with it; it reaches what its role sees, as far as the token's scopes go."),
    )
    return redirect(account_page(made[0].pk)) if made else response


@sign_in_required
@require_http_methods(GET_AND_POST)
@secretariat_only
@recent_sign_in_required
def token_new(request: HttpRequest) -> HttpResponse:
    """Issue a token; its value is shown on the answer to this very request and never again."""
    user = secretariat(request)
    systems = User.objects.filter(is_service=True, is_active=True).order_by("name", "pk").values_list("pk", "name")
    form = TokenForm(posted(request), accounts=list(systems), initial={"user_id": request.GET.get("account")})
    if not systems:
        form.fields["user_id"].help_text = format_html(
            '{} <a href="{}">{}</a>',
            _("There is no account of a system yet. Make one first, and give it a role."),
            reverse("people:service_new"),
            _("Account for a system"),
        )
    issued: list[tuple[ApiToken, str]] = []

    def act(data: dict[str, Any]) -> None:
        issued.append(tokens.issue_for_days(actor=user, **data))

    response = form_page(
        request,
        form,
        act,
        below="tokens",
        title=_("Issue a token"),
        submit=_("Issue"),
        back=reverse("people:tokens"),
        done=_("The token was issued."),
        lead=_("The value is shown once, right after this. Keep it where only the other system reads it."),
    )
    if not issued:
        return response
    token, value = issued[0]
    context = {"token": token, "value": value}
    return leads_on(render(request, "people/token_issued.html", context), reverse("people:tokens"))


@sign_in_required
@require_POST
def token_revoke(request: HttpRequest, pk: int) -> HttpResponse:
    """End a token at once."""
    user = secretariat(request)
    row = get_object_or_404(ApiToken, pk=pk)
    return act_and_return(
        request,
        lambda: tokens.revoke(token_id=row.pk, actor=user),
        done=_("The token no longer works."),
        back=reverse("people:tokens"),
    )
