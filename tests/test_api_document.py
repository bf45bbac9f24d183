"""The API's document: what every operation says of errors, and that answers beside the document are noticed."""

import json
import re
from typing import Any

import pytest
from django.http import HttpResponse, JsonResponse
from django.test import Client
from django.utils.translation import override
from openapi_core.exceptions import OpenAPIError

from skillmap.core.api import PROBLEM
from skillmap.core.api_document import describe_problems
from skillmap.core.api_reference import Kind, document_of_the_api, kind_of
from tests.factories.people import UserFactory
from tests.support import api_document

CYCLE: dict[str, Any] = {"next": None, "previous": None, "results": []}


def served() -> Any:
    client = Client()
    client.force_login(UserFactory.create())
    return client.get("/api/v1/schema/", headers={"accept": "application/vnd.oai.openapi+json"}).json()


@pytest.mark.django_db
def test_every_operation_names_its_errors_as_problem_details() -> None:
    document = served()
    operations = [
        (path, method, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if method != "parameters"
    ]
    assert len(operations) > 30
    for path, method, operation in operations:
        statuses = set(operation["responses"])
        assert {"401", "403", "429"} <= statuses, path
        assert any(status < "300" for status in statuses), path
        assert method == "get" or {"400", "409", "415"} <= statuses, path
        assert "{" not in path or "404" in statuses, path
        for status in statuses:
            if status >= "400":
                assert operation["responses"][status] == {"$ref": f"#/components/responses/Problem{status}"}
    assert set(document["components"]["responses"]["Problem404"]["content"]) == {PROBLEM}


def test_a_status_without_a_meaning_cannot_be_promised() -> None:
    operation = {"responses": {"418": {"description": ""}}}
    document = {"components": {"schemas": {}}, "paths": {"/x/": {"get": operation}}}
    with pytest.raises(ValueError, match="418"):
        describe_problems(document)


@pytest.mark.parametrize(
    ("response", "passes"),
    [
        (JsonResponse(CYCLE), True),
        (JsonResponse(CYCLE, status=418), False),
        (JsonResponse(CYCLE, content_type="text/html"), False),
        (JsonResponse({**CYCLE, "secret": 1}), False),
        (JsonResponse({"next": None}), False),
        (JsonResponse({**CYCLE, "results": [{"id": 1}]}), False),
        (HttpResponse(json.dumps(CYCLE).encode()[:-1], content_type="application/json"), False),
    ],
)
def test_an_answer_beside_the_document_is_noticed(response: HttpResponse, passes: bool) -> None:
    def check() -> None:
        api_document.check("GET", "/api/v1/cycles/?page_size=5", response)

    if passes:
        check()
        return
    with pytest.raises(OpenAPIError):
        check()


def test_an_address_that_is_not_in_the_document_answers_a_problem() -> None:
    api_document.check("GET", "/api/v1/nothing/", JsonResponse({}, status=404, content_type=PROBLEM))
    with pytest.raises(AssertionError):
        api_document.check("GET", "/api/v1/nothing/", JsonResponse({}))
    with pytest.raises(AssertionError):
        api_document.check("GET", "/api/v1/nothing/", JsonResponse({}, status=404))


@pytest.mark.django_db
def test_the_page_tells_every_operation_and_every_object(client: Client) -> None:
    client.force_login(UserFactory.create())
    page = client.get("/api/v1/docs/").content.decode()
    document = served()
    for path, methods in document["paths"].items():
        assert page.count(f"<code>{path}</code>") == len(methods.keys() - {"parameters"})
    shapes = set(re.findall(r'id="object-(\w+)"', page))
    assert set(re.findall(r'href="#object-(\w+)"', page)) <= shapes
    assert set(document["components"]["schemas"]) - shapes <= {"NullEnum", "BlankEnum"}
    assert "If-Match" in page
    assert "* `" not in page, "marks of Markdown"


def test_the_first_reader_does_not_decide_its_language() -> None:
    """It is kept for everybody who reads after."""
    document_of_the_api.cache_clear()
    with override("ja"):
        schemas = json.dumps(document_of_the_api()["components"], ensure_ascii=False)
    assert not re.findall("[ぁ-ん]+", schemas)
    assert "`submitted` - Submitted" in schemas


@pytest.mark.parametrize(
    ("schema", "kind"),
    [
        ({"type": "string", "format": "date"}, Kind("string date")),
        ({"type": "integer", "minimum": 0, "maximum": 3}, Kind("integer, ≥ 0, ≤ 3")),
        ({"type": "array", "items": {"$ref": "#/components/schemas/Rating"}}, Kind("array", "Rating")),
        ({"oneOf": [{"$ref": "#/x/WayEnum"}, {"$ref": "#/x/NullEnum"}]}, Kind("", "WayEnum")),
        ({"enum": [1, 2]}, Kind("", "", ("1", "2"))),
        ({}, Kind("")),
    ],
)
def test_a_schema_in_words(schema: dict[str, Any], kind: Kind) -> None:
    assert kind_of(schema) == kind
