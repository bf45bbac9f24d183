"""REST habits shared by all endpoints: problem details, cursor pages, versions in ETags, strict JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any, NoReturn

import orjson
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import QuerySet
from django.http import Http404, JsonResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from rest_framework import exceptions, serializers, status
from rest_framework.pagination import CursorPagination
from rest_framework.parsers import JSONParser
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import UserRateThrottle

from skillmap.core.errors import Conflict, RuleViolation

if TYPE_CHECKING:  # rest_framework.views loads this module through the settings
    from rest_framework.views import APIView

PROBLEM = "application/problem+json"
DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
MAX_DEPTH = 8
MAX_BODY = 1024 * 1024
#: Ends of lines in JavaScript, though not in JSON.
LINE_ENDS_OF_SCRIPTS = "\u2028\u2029"


class CursorPages(CursorPagination):
    """Pages by cursor, at most 100 rows; the order is fixed by the view, never by the caller."""

    page_size = 50
    max_page_size = 100
    page_size_query_param = "page_size"
    ordering = "pk"

    def get_page_size(self, request: Request) -> int:
        """Rows of a page: what `page_size` says, at most 100; ValidationError (400) for what is no number from 1 on."""
        given = request.query_params.get(self.page_size_query_param)
        if given is None:
            return self.page_size
        if not (given.isascii() and given.isdigit() and int(given[:9])):
            raise exceptions.ValidationError({self.page_size_query_param: [_("Give a whole number from 1 to 100.")]})
        return min(int(given[:9]), self.max_page_size)

    def get_schema_operation_parameters(self, view: APIView) -> list[dict[str, Any]]:
        """Both parameters, the size with its bounds."""
        found: list[dict[str, Any]] = super().get_schema_operation_parameters(view)
        for parameter in found:
            if parameter["name"] == self.page_size_query_param:
                parameter["schema"] = {"type": "integer", "minimum": 1, "default": self.page_size}
                parameter["description"] = f"Rows of a page; {self.max_page_size} at most, more are not given."
        return found

    def paginate_queryset(
        self, queryset: QuerySet[Any] | Sequence[Any], request: Request, view: APIView | None = None
    ) -> list[Any] | None:
        """The rows of the page; 404 for a cursor that can't be one of ours, whatever it decodes to."""
        try:
            return super().paginate_queryset(queryset, request, view)
        except (ValueError, OverflowError, ValidationError) as error:
            if self.cursor_query_param not in request.query_params:
                raise
            raise exceptions.NotFound(self.invalid_cursor_message) from error

    def get_ordering(self, request: Request, queryset: QuerySet[Any], view: APIView) -> tuple[str, ...]:
        """The view's `cursor_ordering`, else by primary key."""
        return tuple(getattr(view, "cursor_ordering", ("pk",)))


class CallerThrottle(UserRateThrottle):
    """Requests per minute and caller; answers 429 with Retry-After."""

    scope = "caller"


class PreconditionRequired(exceptions.APIException):
    """428: the caller must say which version it read."""

    status_code = status.HTTP_428_PRECONDITION_REQUIRED
    default_code = "precondition_required"
    default_detail = gettext_lazy("Send If-Match with the ETag that you read.")


class PreconditionFailed(exceptions.APIException):
    """412: the version that the caller read is no longer the present one."""

    status_code = status.HTTP_412_PRECONDITION_FAILED
    default_code = "precondition_failed"
    default_detail = gettext_lazy("It was changed in the meantime. Read it again.")


def etag_of(version: int) -> str:
    """The strong ETag of a row's version."""
    return f'"{version}"'


def version_from(request: Request) -> int:
    """The version named by If-Match; 428 where it is missing, 412 where it can't be one of ours."""
    header = request.headers.get("If-Match", "").strip()
    if not header:
        raise PreconditionRequired
    value = header.removeprefix('"').removesuffix('"')
    if not (value.isascii() and value.isdigit() and len(value) < 10):
        raise PreconditionFailed
    return int(value)


def day_from(request: Request, name: str) -> date | None:
    """The day of a query parameter, None without it; ValidationError (400) unless written as 2026-04-01."""
    given = request.query_params.get(name)
    if given is None:
        return None
    try:
        if DAY.fullmatch(given):
            return date.fromisoformat(given)
    except ValueError:  # the 31st of April
        pass
    raise exceptions.ValidationError({name: [_("Write the day as 2026-04-01.")]})


def _reject_constant(name: str) -> NoReturn:
    raise exceptions.ParseError(_("NaN and Infinity are not allowed."))


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise exceptions.ParseError(_("A key stands twice in the same object."))
    return found


def _check(value: Any, depth: int = 0) -> None:
    if depth > MAX_DEPTH:
        raise exceptions.ParseError(_("The JSON is nested too deeply."))
    if isinstance(value, str):
        if "\x00" in value or any("\ud800" <= char <= "\udfff" for char in value):
            raise exceptions.ParseError(_("The text contains characters that cannot be stored."))
    elif isinstance(value, int) and abs(value) > 2**53:
        raise exceptions.ParseError(_("A number is too large."))
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            _check(key, depth + 1)
            _check(inner, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            _check(inner, depth + 1)


class StrictJSONParser(JSONParser):
    """JSON without duplicate keys, NaN, NUL, lone surrogates, huge numbers or deep nesting; at most 1 MB."""

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None) -> Any:
        """See JSONParser; raises ParseError (400)."""
        raw = stream.read(MAX_BODY + 1)
        if len(raw) > MAX_BODY:
            raise exceptions.ParseError(_("The request is larger than 1 MB."))
        try:
            value = json.loads(raw.decode(), parse_constant=_reject_constant, object_pairs_hook=_unique_keys)
        except (UnicodeDecodeError, ValueError, RecursionError) as error:
            raise exceptions.ParseError(_("The request is not valid JSON.")) from error
        _check(value)
        return value


class QuickJSONRenderer(JSONRenderer):
    """The JSON of `JSONRenderer`, byte for byte, by a faster writer: a page of levels has thousands of values."""

    def render(
        self, data: Any, accepted_media_type: str | None = None, renderer_context: Mapping[str, Any] | None = None
    ) -> bytes:
        """See JSONRenderer."""
        if data is None or self.get_indent(accepted_media_type or "", renderer_context or {}) is not None:
            return super().render(data, accepted_media_type, renderer_context)
        # What only the other writer knows, and what it writes in another way, goes by its own words.
        options = orjson.OPT_NON_STR_KEYS | orjson.OPT_PASSTHROUGH_DATETIME
        written = orjson.dumps(data, default=self.encoder_class().default, option=options)
        for char in LINE_ENDS_OF_SCRIPTS:
            written = written.replace(char.encode(), char.encode("unicode_escape"))
        return written


def problem(status_code: int, code: str, detail: Any, **more: Any) -> Response:
    """An error answer after RFC 9457."""
    body = {"type": "about:blank", "title": code, "status": status_code, "detail": detail, **more}
    return Response(body, status=status_code, content_type=PROBLEM)


def problem_page(status_code: int, code: str, detail: str) -> JsonResponse:
    """The same outside of a view of the API: unknown addresses, faults."""
    body = {"type": "about:blank", "title": code, "status": status_code, "detail": detail}
    return JsonResponse(body, status=status_code, content_type=PROBLEM)


def problem_handler(error: Exception, context: Mapping[str, Any]) -> Response | None:
    """Turn exceptions into problem details; what it does not know becomes a 500 elsewhere."""
    if isinstance(error, Http404):
        error = exceptions.NotFound()
    elif isinstance(error, PermissionDenied):
        error = exceptions.PermissionDenied()
    if isinstance(error, Conflict):
        # The sentence of a page would speak of what stands below on it.
        return problem(412, error.code, str(PreconditionFailed.default_detail), **error.details)
    if isinstance(error, RuleViolation):
        return problem(409, error.code, str(error), **error.details)
    if isinstance(error, exceptions.ValidationError):
        return problem(400, "invalid", _("Some values are missing or not possible."), errors=error.detail)
    if isinstance(error, exceptions.APIException):
        codes = error.get_codes()
        response = problem(error.status_code, codes if isinstance(codes, str) else "error", str(error.detail))
        _headers(error, response)
        return response
    return None


def _headers(error: exceptions.APIException, response: Response) -> None:
    auth_header: str | None = getattr(error, "auth_header", None)
    if auth_header:
        response["WWW-Authenticate"] = auth_header
    wait: float | None = getattr(error, "wait", None)
    if wait is not None:
        response["Retry-After"] = str(int(wait) + 1)


class StrictSerializer(serializers.Serializer[Any]):
    """Refuses keys that it does not know, so that nobody believes them to be stored."""

    def to_internal_value(self, data: Any) -> Any:
        """Known keys only."""
        if isinstance(data, dict):
            unknown = sorted(set(map(str, data)) - set(self.fields))
            if unknown:
                raise serializers.ValidationError({key: ["This field can't be set."] for key in unknown})
        return super().to_internal_value(data)
