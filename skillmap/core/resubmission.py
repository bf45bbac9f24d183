"""A form that is sent twice is taken once: whoever presses again is led to where the first press led.

Django writes its CSRF token masked anew into each page it draws. So the same token with the same fields at the same
address is the same form once more: pressed twice, sent again after a lost answer, or reloaded. A form that was refused
is drawn again, with another token. What scripts send (JSON, htmx) has its own versions and is not looked at here.
"""

import hashlib
import time
import uuid
from collections.abc import Callable, Iterable
from datetime import timedelta

from django.contrib import messages
from django.contrib.messages.storage.base import BaseStorage
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from skillmap.core import clock, files
from skillmap.core.models import SubmittedForm

Handler = Callable[[HttpRequest], HttpResponse]
FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
TOKEN = "csrfmiddlewaretoken"  # noqa: S105  the name of a field
#: So long the first answer is given again; later the same form counts as a new one.
KEPT = timedelta(minutes=10)
#: So long the second press waits for the first; a first one that takes longer has died.
PATIENCE = timedelta(seconds=30)
LOOK_EVERY = 0.05  # seconds
SIGNING_IN = "/accounts/"
LONGEST = 300  # characters of an address that the column takes


class SubmittedOnceMiddleware:
    """Take each form of a signed-in person once, and answer it again with the same redirect."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        key = _key(request)
        user_id = request.user.pk if key is not None else None  # who asks is not read for what is no form
        if key is None or user_id is None:
            return self.get_response(request)
        taken = _take(user_id, key)
        if isinstance(taken, str):
            return HttpResponseRedirect(taken)
        return self._answer(request, taken)

    def _answer(self, request: HttpRequest, taken: SubmittedForm) -> HttpResponse:
        """Do what the form asks for, and keep where that led; what was not done may be sent again."""
        location = ""
        try:
            response = self.get_response(request)
            location = _where_it_led(request, response)
        finally:
            rows = SubmittedForm.objects.filter(pk=taken.pk)
            if len(location) > LONGEST:  # without what narrowed the page down
                location = location.partition("?")[0]
            if 0 < len(location) <= LONGEST:
                rows.update(location=location)
            else:
                rows.delete()
        return response


def leads_on(response: HttpResponse, url: str) -> HttpResponse:
    """Mark the answer to a form that was done though it is no redirect: sent once more, the form leads to `url`."""
    response.leads_on = url  # type: ignore[attr-defined]
    return response


def _where_it_led(request: HttpRequest, response: HttpResponse) -> str:
    """Where a form led that was done; empty where it was not.

    That is said by a redirect, but not with a word of error: then it was refused. Nor to the pages of signing in:
    there somebody is first to show who they are.
    """
    if isinstance(response, HttpResponseRedirect):
        held_up = response.url.startswith(SIGNING_IN) and not request.path.startswith(SIGNING_IN)
        return "" if held_up or _tells_an_error(request) else response.url
    return str(getattr(response, "leads_on", ""))


def _tells_an_error(request: HttpRequest) -> bool:
    """Whether a word of error is on its way to the next page."""
    waiting = messages.get_messages(request)
    if not isinstance(waiting, BaseStorage) or waiting.used:
        return False
    found = any(message.level >= messages.ERROR for message in waiting)
    waiting.used = False  # looked at, not shown
    return found


def _key(request: HttpRequest) -> uuid.UUID | None:
    """What tells this form of this page from all others; None where there is nothing to take once."""
    if request.method != "POST" or request.content_type not in FORMS or "HX-Request" in request.headers:
        return None
    if not request.user.is_authenticated or not request.POST.get(TOKEN):
        return None
    digest = hashlib.sha256(request.get_full_path().encode())
    for part in _parts(request):
        digest.update(b"\0" + part.encode("utf-8", "surrogatepass"))
    return uuid.UUID(bytes=digest.digest()[:16])


def _parts(request: HttpRequest) -> Iterable[str]:
    for name, values in sorted(request.POST.lists()):
        yield name
        yield from map(str, values)
    for name, uploads in sorted(request.FILES.lists()):
        yield name
        for upload in uploads:
            yield f"{upload.name} {files.digest_of(upload)}"


def _take(user_id: int, key: uuid.UUID) -> SubmittedForm | str:
    """The row under which this request is the first, or where the first one led."""
    while True:
        try:
            with transaction.atomic():
                return SubmittedForm.objects.create(user_id=user_id, key=key)
        except IntegrityError:
            before = SubmittedForm.objects.filter(user=user_id, key=key).first()
        if before is None:
            continue  # refused or gone meanwhile: it is ours
        age = clock.now() - before.created_at
        if age > (KEPT if before.location else PATIENCE):
            SubmittedForm.objects.filter(pk=before.pk, location=before.location).delete()
        elif before.location:
            return before.location
        else:
            time.sleep(LOOK_EVERY)


def forget_submitted() -> None:
    """Drop what is not answered again any more."""
    SubmittedForm.objects.filter(created_at__lt=clock.now() - KEPT).delete()
