"""Parts of the 1on1 pages that a script saves by themselves."""

from collections.abc import Callable

from django.http import Http404, HttpRequest, JsonResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from skillmap.assessment.forms.meetings import read_text, read_view
from skillmap.assessment.services import meetings
from skillmap.core.errors import Conflict, RuleViolation
from skillmap.core.htmx import json_body, sign_in_required
from skillmap.people.access import user_of


@sign_in_required
@require_POST
def one_on_one_view(request: HttpRequest, pk: int, code: str) -> JsonResponse:
    """Save the mentor's view of one item."""
    entry = read_view(json_body(request))
    if entry is None:
        return _unreadable()
    return _answer(
        lambda: meetings.save_view(
            assessment_id=pk, skill_code=code, version=entry["version"], view=entry["view"], actor=user_of(request)
        )
    )


@sign_in_required
@require_POST
def one_on_one_text(request: HttpRequest, pk: int, part: str) -> JsonResponse:
    """Save one text: the mentor's `note` or `memo`, the person's `words`."""
    entry = read_text(json_body(request))
    if entry is None:
        return _unreadable()
    kind, text, actor = entry["kind"], entry["text"], user_of(request)
    saves: dict[str, Callable[[], int]] = {
        "note": lambda: meetings.save_note(assessment_id=pk, kind=kind, note=text, actor=actor),
        "memo": lambda: meetings.save_memo(assessment_id=pk, memo=text, actor=actor),
        "words": lambda: meetings.save_words(assessment_id=pk, kind=kind, words=text, actor=actor),
    }
    if part not in saves:
        raise Http404
    return _answer(saves[part])


def _answer(save: Callable[[], int]) -> JsonResponse:
    """Run a save; 409 with what is stored where somebody else was first, 422 where the rules say no."""
    try:
        version = save()
    except Conflict as conflict:
        return JsonResponse({"message": str(conflict), "code": conflict.code, **conflict.details}, status=409)
    except RuleViolation as refusal:
        return JsonResponse({"message": str(refusal), "code": refusal.code}, status=422)
    return JsonResponse({"version": version})


def _unreadable() -> JsonResponse:
    return JsonResponse({"message": _("The entry could not be read. Please load the page again.")}, status=400)
