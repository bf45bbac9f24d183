"""What the pages of people share: who asks, the sections beside each other, one form with one service behind it."""

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, Concatenate, ParamSpec, cast

from allauth.account.decorators import reauthentication_required
from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext_lazy

from skillmap.core.errors import Conflict, RuleViolation
from skillmap.people.access import Access, access_of, user_of
from skillmap.people.choices import Role
from skillmap.people.models import Staff, User

GET = ["GET", "HEAD"]
PER_PAGE = 50
PLACE = "organisation__parent__parent"  # for Organisation.full_name
GET_AND_POST = ["GET", "HEAD", "POST"]
OFFICE = frozenset({Role.SECRETARIAT, Role.SUPPORTER})
ORGANISATION_READERS = OFFICE | {Role.COORDINATOR, Role.EXECUTIVE}
PEOPLE_READERS = OFFICE | {Role.COORDINATOR}
SECRETARIAT = frozenset({Role.SECRETARIAT})
# What each section is called and who may open it, by the name of its address; the order is that of the tabs.
SECTIONS = {
    "staff_list": (gettext_lazy("Staff"), PEOPLE_READERS),
    "organisations": (gettext_lazy("Organisations"), ORGANISATION_READERS),
    "groups": (gettext_lazy("Bureau groups"), OFFICE),
    "changes": (gettext_lazy("Changes of organisation"), SECRETARIAT),
    "roles": (gettext_lazy("Roles"), SECRETARIAT),
    "accounts": (gettext_lazy("Accounts"), SECRETARIAT),
    "tokens": (gettext_lazy("API tokens"), SECRETARIAT),
}


P = ParamSpec("P")


def recent_sign_in_required(
    view: Callable[Concatenate[HttpRequest, P], HttpResponse],
) -> Callable[Concatenate[HttpRequest, P], HttpResponse]:
    """Ask for the password or second factor once more, where that is minutes ago: for roles and tokens.

    It stands inside of `secretariat_only`, so that it asks nobody who would be refused anyway.
    """
    checked = reauthentication_required(view)
    return cast(Callable[Concatenate[HttpRequest, P], HttpResponse], checked)


def secretariat_only(
    view: Callable[Concatenate[HttpRequest, P], HttpResponse],
) -> Callable[Concatenate[HttpRequest, P], HttpResponse]:
    """403 for anybody but the secretariat; inside of sign_in_required."""

    @wraps(view)
    def checked(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        secretariat(request)
        return view(request, *args, **kwargs)

    return cast(Callable[Concatenate[HttpRequest, P], HttpResponse], checked)


def posted(request: HttpRequest) -> QueryDict | None:
    """What was sent, be it nothing; None where the page is only looked at."""
    return request.POST if request.method == "POST" else None


def require(request: HttpRequest, roles: frozenset[Role]) -> Access:
    """The rights of whoever asks, or 403 where none of the roles is held."""
    access = access_of(user_of(request))
    access.require(*roles)
    return access


def secretariat(request: HttpRequest) -> User:
    """Whoever asks, or 403 for anybody but the secretariat."""
    require(request, frozenset({Role.SECRETARIAT}))
    return user_of(request)


def staff_for_office(request: HttpRequest, pk: int) -> Staff:
    """The person for a page of the secretariat: 403 for other roles, 404 where nobody has this number."""
    user = secretariat(request)
    return get_object_or_404(Staff.objects.visible_to(user).select_related("organisation", "user"), pk=pk)


def sections(request: HttpRequest, active: str) -> list[dict[str, Any]]:
    """The sections open to this person, as tabs."""
    roles = access_of(user_of(request)).roles
    return [
        section(name) | {"active": name == active} for name, (_label, readers) in SECTIONS.items() if roles & readers
    ]


def section(name: str) -> dict[str, Any]:
    """One section by the name of its address, as a tab or as the step above a page."""
    return {"label": SECTIONS[name][0], "url": reverse(f"people:{name}")}


def status_of(form: forms.BaseForm, conflict: bool = False) -> int:
    """409 after a conflict, 422 for a form with errors, else 200."""
    return 409 if conflict else 422 if form.is_bound and form.errors else 200


def form_page(
    request: HttpRequest,
    form: forms.BaseForm,
    act: Callable[[dict[str, Any]], object],
    *,
    title: str,
    submit: str,
    back: str,
    done: str,
    below: str = "",
    goes_to: str = "",
    template: str = "people/form.html",
    fields_of_codes: Mapping[str, str] | None = None,
    **context: Any,
) -> HttpResponse:
    """Show a form, and run one service when it is sent; a refusal stands at the form, a conflict answers 409.

    Args:
        act: takes the cleaned data.
        back: where "cancel" leads; the way on too, unless `goes_to` is given.
        below: the section that the page stands below; none for pages about one person.
        done: said on the next page.
        fields_of_codes: code of a refusal → field at which it is shown.
    """
    conflict = False
    if request.method == "POST" and form.is_valid():
        try:
            act(form.cleaned_data)
        except Conflict as refusal:
            form.add_error(None, str(refusal))
            conflict = True
        except RuleViolation as refusal:
            name = (fields_of_codes or {}).get(refusal.code)
            form.add_error(name if name in form.fields else None, str(refusal))
        else:
            messages.success(request, done)
            return redirect(goes_to or back)
    more = {"form": form, "title": title, "submit": submit, "back": back, "below": section(below) if below else None}
    return render(request, template, more | context, status=status_of(form, conflict))


def act_and_return(request: HttpRequest, act: Callable[[], object], *, done: str, back: str) -> HttpResponse:
    """Run one service for a pressed button; a refusal is said on the page that one comes back to."""
    try:
        act()
    except RuleViolation as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, done)
    return redirect(back)


def account_for_office(request: HttpRequest, pk: int) -> User:
    """An account with its person, for the secretariat alone."""
    secretariat(request)
    return get_object_or_404(User.objects.select_related("staff__organisation__parent__parent"), pk=pk)


def account_page(pk: int) -> str:
    """Where an account is shown."""
    return reverse("people:account_detail", args=[pk])
