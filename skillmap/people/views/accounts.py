"""Accounts, roles and API tokens; and what everybody sees about oneself."""

from typing import Any

from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.core.paginator import Paginator
from django.db.models import F, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.crypto import get_random_string
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from skillmap.core import clock
from skillmap.core.htmx import sign_in_required
from skillmap.people import rules, services, tokens
from skillmap.people.access import staff_of, user_of
from skillmap.people.choices import Role
from skillmap.people.forms import (
    AccountForm,
    EmailForm,
    GrantForm,
    ServiceForm,
    SubjectForm,
    TokenForm,
    selectable,
)
from skillmap.people.models import ApiToken, RoleGrant, SignInSubject, User
from skillmap.people.views.common import (
    GET,
    GET_AND_POST,
    act_and_return,
    form_page,
    posted,
    recent_sign_in_required,
    secretariat,
    secretariat_only,
    sections,
    staff_for_office,
)

PER_PAGE = 50
PLACE = "organisation__parent__parent"  # for Organisation.full_name


def sessions_of(user: User) -> QuerySet[UserSession]:
    """The sessions of an account that have not run out; one query."""
    alive = Session.objects.filter(expire_date__gt=clock.now()).values("session_key")
    found: QuerySet[UserSession] = UserSession.objects.filter(user=user, session_key__in=alive)
    return found.order_by("-last_seen_at")


@sign_in_required
@require_http_methods(GET)
def account(request: HttpRequest) -> HttpResponse:
    """What is on record about oneself: name, address, postings, roles, sessions."""
    user = user_of(request)
    staff = staff_of(user)
    grants = RoleGrant.objects.not_over().filter(user=user).select_related("organisation")
    context = {
        "account": user,
        "staff": staff,
        "memberships": staff.memberships.select_related(PLACE).order_by("-valid_from") if staff else [],
        "designations": staff.designations.select_related(PLACE).order_by("-valid_from") if staff else [],
        "grants": grants.order_by("role", "valid_from"),
        "sessions": sessions_of(user),
        "current_session": request.session.session_key,
    }
    return render(request, "people/account.html", context)


# -------------------------------------------------------------------------------------------------------- accounts


@sign_in_required
@require_http_methods(GET)
def accounts(request: HttpRequest) -> HttpResponse:
    """Accounts by name or address; without words those that belong to no person on record."""
    secretariat(request)
    words = request.GET.get("q", "").strip()[:100]
    found = User.objects.select_related("staff__organisation__parent__parent").order_by("name", "pk")
    if words:
        key = rules.fold(words)
        found = found.filter(Q(email__icontains=words) | Q(name__icontains=words) | Q(staff__search_key__contains=key))
    else:
        found = found.filter(staff=None)
    page = Paginator(found, PER_PAGE).get_page(request.GET.get("page"))
    context = {"page_obj": page, "q": words, "sections": sections(request, "accounts")}
    return render(request, "people/accounts.html", context)


def _account(request: HttpRequest, pk: int) -> User:
    secretariat(request)
    return get_object_or_404(User.objects.select_related("staff__organisation__parent__parent"), pk=pk)


@sign_in_required
@require_http_methods(GET)
def account_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """One account: roles, single sign-on, sessions, tokens, and what may be done with it."""
    shown = _account(request, pk)
    grants = RoleGrant.objects.filter(user=shown).select_related("organisation", "granted_by")
    context = {
        "account": shown,
        "staff": staff_of(shown),
        "grants": grants.order_by(F("revoked_at").desc(nulls_first=True), "role", "-valid_from"),
        "links": shown.sign_in_subjects.order_by("provider_id", "pk"),
        "providers": services.providers(),
        "session_count": sessions_of(shown).count(),
        "tokens": ApiToken.objects.filter(user=shown).order_by("-pk"),
        "is_self": shown.pk == user_of(request).pk,
        "has_password": shown.has_usable_password(),
        "today": clock.today(),
        "sections": sections(request, "accounts"),
    }
    return render(request, "people/account_detail.html", context)


def _page_of(pk: int) -> str:
    return reverse("people:account_detail", args=[pk])


@sign_in_required
@require_http_methods(GET_AND_POST)
def account_new(request: HttpRequest) -> HttpResponse:
    """Make an account for somebody who is not on record as staff."""
    user = secretariat(request)
    made: list[User] = []
    response = form_page(
        request,
        AccountForm(posted(request)),
        lambda data: made.append(services.account_create(actor=user, **data)),
        section="accounts",
        title=_("Make an account"),
        submit=_("Make the account"),
        back=reverse("people:accounts"),
        done=_("The account was made. Send its owner a mail to set a password, or tie it to single sign-on."),
        lead=_("For people who are not on record, such as executives. Staff get theirs from the person's page."),
        fields_of_codes={"email_taken": "email"},
    )
    return redirect(_page_of(made[0].pk)) if made else response


@sign_in_required
@require_http_methods(GET_AND_POST)
def staff_account_new(request: HttpRequest, pk: int) -> HttpResponse:
    """Make the account of a person."""
    staff = staff_for_office(request, pk)
    made: list[User] = []
    response = form_page(
        request,
        EmailForm(posted(request), initial={"email": staff.email}),
        lambda data: made.append(
            services.account_create_for_staff(staff_id=pk, email=data["email"], actor=user_of(request))
        ),
        title=_("Make an account"),
        submit=_("Make the account"),
        back=reverse("people:staff", args=[pk]),
        done=_("The account was made. Send its owner a mail to set a password, or tie it to single sign-on."),
        staff=staff,
        fields_of_codes={"email_taken": "email"},
    )
    return redirect(_page_of(made[0].pk)) if made else response


@sign_in_required
@require_http_methods(GET_AND_POST)
def account_email(request: HttpRequest, pk: int) -> HttpResponse:
    """Give an account another address."""
    shown = _account(request, pk)
    return form_page(
        request,
        EmailForm(posted(request), initial={"email": shown.email}),
        lambda data: services.account_change_email(user_id=pk, email=data["email"], actor=user_of(request)),
        section="accounts",
        title=_("Change the address to sign in with"),
        submit=_("Save"),
        back=_page_of(pk),
        done=_("Saved. The account was signed out everywhere."),
        about=shown.name,
        fields_of_codes={"email_taken": "email"},
    )


@sign_in_required
@require_http_methods(GET_AND_POST)
def account_link(request: HttpRequest, pk: int) -> HttpResponse:
    """Tie a subject of the identity provider to an account."""
    shown = _account(request, pk)
    providers = services.providers()
    return form_page(
        request,
        SubjectForm(posted(request), providers=[(one.provider_id, f"{one.name} ({one.issuer})") for one in providers]),
        lambda data: services.account_link_subject(user_id=pk, actor=user_of(request), **data),
        section="accounts",
        title=_("Tie to single sign-on"),
        submit=_("Tie"),
        back=_page_of(pk),
        done=_("The account can be used by single sign-on now."),
        about=shown.name,
        fields_of_codes={"subject_taken": "subject"},
    )


@sign_in_required
@require_POST
def account_unlink(request: HttpRequest, pk: int, link: int) -> HttpResponse:
    """Untie a subject."""
    shown = _account(request, pk)
    row = get_object_or_404(SignInSubject, pk=link, user=shown)
    return act_and_return(
        request,
        lambda: services.account_unlink_subject(link_id=row.pk, actor=user_of(request)),
        done=_("The account was untied from single sign-on and signed out everywhere."),
        back=_page_of(pk),
    )


@sign_in_required
@require_POST
def account_act(request: HttpRequest, pk: int, action: str) -> HttpResponse:
    """Invite, sign out everywhere, close or open an account."""
    shown, user = _account(request, pk), user_of(request)
    acts: dict[str, tuple[Any, str]] = {
        "invite": (services.account_invite, _("A mail with a link to set a password is on its way.")),
        "sign-out": (services.account_end_sessions, _("The account was signed out everywhere.")),
        "close": (services.account_close, _("The account was closed; its roles, tokens and sessions have ended.")),
        "open": (services.account_open, _("The account is open again. Give roles anew where they are needed.")),
    }
    act, done = acts[action]
    return act_and_return(request, lambda: act(user_id=shown.pk, actor=user), done=done, back=_page_of(pk))


# ----------------------------------------------------------------------------------------------------------- roles


@sign_in_required
@require_http_methods(GET)
def roles(request: HttpRequest) -> HttpResponse:
    """Who holds which role, today and from later days on."""
    secretariat(request)
    wanted = request.GET.get("role", "")
    grants = RoleGrant.objects.not_over().select_related("user__staff", "organisation", "granted_by")
    if wanted in Role.values:
        grants = grants.filter(role=wanted)
    page = Paginator(grants.order_by("role", "organisation__path", "user__name", "pk"), PER_PAGE)
    context = {
        "page_obj": page.get_page(request.GET.get("page")),
        "role": wanted,
        "role_tabs": [{"label": _("All"), "url": "?", "active": not wanted}]
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
    shown = _account(request, pk)
    return form_page(
        request,
        GrantForm(posted(request), nodes=selectable()),
        lambda data: services.role_grant(user_id=pk, actor=user_of(request), **data),
        section="accounts",
        title=_("Give a role"),
        submit=_("Give the role"),
        back=_page_of(pk),
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
    back = _page_of(grant.user_id)
    if request.method == "POST":
        return act_and_return(
            request,
            lambda: services.role_revoke(grant_id=pk, actor=user),
            done=_("The role was taken; the account was signed out everywhere."),
            back=back,
        )
    lines = [
        _("The role ends at once, and the account is signed out everywhere."),
        _("What was done in this role stays on record."),
    ]
    title = _("Take the role %(role)s") % {"role": grant.get_role_display()}
    context: dict[str, Any] = {
        "title": title,
        "about": grant.user.name,
        "lines": lines,
        "submit": _("Take the role"),
        "back": back,
    }
    context["sections"] = sections(request, "roles")
    return render(request, "people/confirm.html", context)


# ---------------------------------------------------------------------------------------------------------- tokens


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
        section="tokens",
        title=_("Make an account for a system"),
        submit=_("Make the account"),
        back=reverse("people:tokens"),
        done=_("The account was made. Give it the role that its data need, then issue a token."),
        lead=_("Nobody can sign in with it; it reaches what its role sees, as far as the token's scopes go."),
    )
    return redirect(_page_of(made[0].pk)) if made else response


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
        section="tokens",
        title=_("Issue a token"),
        submit=_("Issue"),
        back=reverse("people:tokens"),
        done=_("The token was issued."),
        lead=_("The value is shown once, right after this. Keep it where only the other system reads it."),
    )
    if not issued:
        return response
    token, value = issued[0]
    context = {"token": token, "value": value, "sections": sections(request, "tokens")}
    return render(request, "people/token_issued.html", context)


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
