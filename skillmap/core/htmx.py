"""Calls of pages' scripts: what they send, and the one login check; none gets the sign-in page in its place."""

import json
from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec, cast

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import resolve_url
from django.utils.translation import gettext as _

P = ParamSpec("P")
MOST_JSON = 100_000  # bytes; the longest text of a page, three bytes a character and escaped, fits four times


def sign_in_required(
    view: Callable[Concatenate[HttpRequest, P], HttpResponse],
) -> Callable[Concatenate[HttpRequest, P], HttpResponse]:
    """Send whoever is not signed in to the sign-in page: pages by redirect, htmx by HX-Redirect, scripts by 401."""

    @wraps(view)
    def checked(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if request.user.is_authenticated:
            return view(request, *args, **kwargs)
        return not_signed_in(request)

    return cast(Callable[Concatenate[HttpRequest, P], HttpResponse], checked)


def not_signed_in(request: HttpRequest) -> HttpResponse:
    """The answer to somebody who is not signed in, or no longer."""
    sign_in = resolve_url("account_login")
    if getattr(request, "htmx", False):
        response = HttpResponse(status=401)
        response["HX-Redirect"] = sign_in
        return response
    if request.headers.get("Accept", "").startswith("application/json"):
        return JsonResponse({"message": _("You have been signed out."), "sign_in": sign_in}, status=401)
    return redirect_to_login(request.get_full_path(), sign_in)


def json_body(request: HttpRequest) -> dict[str, Any] | None:
    """What a script sent; None where it is no JSON object or too large."""
    if len(request.body) > MOST_JSON:
        return None
    try:
        body = json.loads(request.body)
    except (ValueError, RecursionError):
        return None
    return body if isinstance(body, dict) else None
