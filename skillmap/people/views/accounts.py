"""Accounts; and what everybody sees about oneself."""

from typing import Any

from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.core.paginator import Paginator
from django.db.models import F, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from skillmap.core import clock
from skillmap.core.htmx import sign_in_required
from skillmap.people import rules, services
from skillmap.people.access import staff_of, user_of
from skillmap.people.forms import (
    AccountForm,
    EmailForm,
    SubjectForm,
)
from skillmap.people.models import ApiToken, RoleGrant, SignInSubject, User
from skillmap.people.views.common import (
    GET,
    GET_AND_POST,
    PER_PAGE,
    PLACE,
    account_for_office,
    account_page,
    act_and_return,
    form_page,
    posted,
    secretariat,
    sections,
    staff_for_office,
)


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
    words = request.GET.get("q", "").strip()[:100].replace("\x00", "")
    found = User.objects.select_related("staff__organisation__parent__parent").order_by("name", "pk")
    if words:
        key = rules.fold(words)
        found = found.filter(Q(email__icontains=words) | Q(name__icontains=words) | Q(staff__search_key__contains=key))
    else:
        found = found.filter(staff=None)
    page = Paginator(found, PER_PAGE).get_page(request.GET.get("page"))
    context = {"page_obj": page, "q": words, "sections": sections(request, "accounts")}
    return render(request, "people/accounts.html", context)


@sign_in_required
@require_http_methods(GET)
def account_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """One account: roles, single sign-on, sessions, tokens, and what may be done with it."""
    shown = account_for_office(request, pk)
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
    }
    return render(request, "people/account_detail.html", context)


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
        below="accounts",
        title=_("Make an account"),
        submit=_("Make the account"),
        back=reverse("people:accounts"),
        done=_("The account was made. Send its owner a mail to set a password, or tie it to single sign-on."),
        lead=_("For people who are not on record, such as executives. Staff get theirs from the person's page."),
        fields_of_codes={"email_taken": "email"},
    )
    return redirect(account_page(made[0].pk)) if made else response


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
    return redirect(account_page(made[0].pk)) if made else response


@sign_in_required
@require_http_methods(GET_AND_POST)
def account_email(request: HttpRequest, pk: int) -> HttpResponse:
    """Give an account another address."""
    shown = account_for_office(request, pk)
    return form_page(
        request,
        EmailForm(posted(request), initial={"email": shown.email}),
        lambda data: services.account_change_email(user_id=pk, email=data["email"], actor=user_of(request)),
        below="accounts",
        title=_("Change the address to sign in with"),
        submit=_("Save"),
        back=account_page(pk),
        done=_("Saved. The account was signed out everywhere."),
        about=shown.name,
        fields_of_codes={"email_taken": "email"},
    )


@sign_in_required
@require_http_methods(GET_AND_POST)
def account_link(request: HttpRequest, pk: int) -> HttpResponse:
    """Tie a subject of the identity provider to an account."""
    shown = account_for_office(request, pk)
    providers = services.providers()
    return form_page(
        request,
        SubjectForm(posted(request), providers=[(one.provider_id, f"{one.name} ({one.issuer})") for one in providers]),
        lambda data: services.account_link_subject(user_id=pk, actor=user_of(request), **data),
        below="accounts",
        title=_("Tie to single sign-on"),
        submit=_("Tie"),
        back=account_page(pk),
        done=_("The account can be used by single sign-on now."),
        about=shown.name,
        fields_of_codes={"subject_taken": "subject"},
    )


@sign_in_required
@require_POST
def account_unlink(request: HttpRequest, pk: int, link: int) -> HttpResponse:
    """Untie a subject."""
    shown = account_for_office(request, pk)
    row = get_object_or_404(SignInSubject, pk=link, user=shown)
    return act_and_return(
        request,
        lambda: services.account_unlink_subject(link_id=row.pk, actor=user_of(request)),
        done=_("The account was untied from single sign-on and signed out everywhere."),
        back=account_page(pk),
    )


@sign_in_required
@require_POST
def account_act(request: HttpRequest, pk: int, action: str) -> HttpResponse:
    """Invite, sign out everywhere, close or open an account."""
    shown, user = account_for_office(request, pk), user_of(request)
    acts: dict[str, tuple[Any, str]] = {
        "invite": (services.account_invite, _("A mail with a link to set a password is on its way.")),
        "sign-out": (services.account_end_sessions, _("The account was signed out everywhere.")),
        "close": (services.account_close, _("The account was closed; its roles, tokens and sessions have ended.")),
        "open": (services.account_open, _("The account is open again. Give roles anew where they are needed.")),
    }
    act, done = acts[action]
    return act_and_return(request, lambda: act(user_id=shown.pk, actor=user), done=done, back=account_page(pk))
