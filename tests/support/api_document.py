"""Every answer of the API in any test is held against the API's own document.

`check` is called with each response of Django's and DRF's test clients (see tests/conftest.py): an address, a method,
a status, a media type, a header or a property that the document does not name fails the test that asked.
"""

from __future__ import annotations

import json
from functools import cache
from io import StringIO
from typing import Any
from urllib.parse import urlsplit

from django.core.management import call_command
from django.http import HttpResponse
from django.test import RequestFactory
from openapi_core import Config, OpenAPI
from openapi_core.contrib.django import DjangoOpenAPIRequest, DjangoOpenAPIResponse
from openapi_core.templating.paths.exceptions import OperationNotFound, PathNotFound

from skillmap.core.api import PROBLEM

PREFIX = "/api/v1/"
OUTSIDE = (f"{PREFIX}schema/", f"{PREFIX}docs/")  # the document itself and its reader
METHODS = frozenset({"GET", "POST", "PATCH", "PUT", "DELETE"})


def closed(schema: Any) -> Any:
    """The same schema, in which an object has no property but those named."""
    if isinstance(schema, list):
        return [closed(inner) for inner in schema]
    if not isinstance(schema, dict):
        return schema
    found = {key: closed(value) for key, value in schema.items()}
    if found.get("type") == "object" and isinstance(found.get("properties"), dict):
        found.setdefault("additionalProperties", False)
    return found


@cache
def document() -> OpenAPI:
    """The document as served, strict about what it does not name."""
    printed = StringIO()
    call_command("spectacular", format="openapi-json", stdout=printed)
    config = Config(extra_media_type_deserializers={PROBLEM: json.loads})
    return OpenAPI.from_dict(closed(json.loads(printed.getvalue())), config=config)


def check(method: str, address: str, response: HttpResponse) -> None:
    """Raise an error of openapi_core where an answer of the API is not as its document says."""
    path = urlsplit(address).path
    if not path.startswith(PREFIX) or path.startswith(OUTSIDE) or method not in METHODS:
        return
    request = DjangoOpenAPIRequest(RequestFactory().generic(method, address))
    try:
        document().validate_response(request, DjangoOpenAPIResponse(response))
    except (PathNotFound, OperationNotFound):
        assert response.status_code in (401, 403, 404, 405), f"{method} {path} is not in the document"
        assert response["Content-Type"] == PROBLEM
