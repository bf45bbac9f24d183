"""The API's document as a page to read: operations by resource, objects with their fields.

Swagger UI would do it too, but its page can't be passed through axe (buttons within buttons, unnamed choices, faint
text) and brings styles of its own.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import override
from django.views.decorators.http import require_safe
from drf_spectacular.views import SpectacularAPIView

from skillmap.core.api import PROBLEM
from skillmap.core.htmx import sign_in_required

Schema = Mapping[str, Any]
METHODS = ("get", "post", "put", "patch", "delete")


@dataclass(frozen=True)
class Kind:
    """What a value can be: words, the object it leads to, the values it may have."""

    words: str
    object: str = ""
    values: Sequence[str] = ()


@dataclass(frozen=True)
class Field:
    """A parameter, or a field of an object; `place` is path, query or header for a parameter."""

    name: str
    kind: Kind
    required: bool
    text: str
    place: str = ""


@dataclass(frozen=True)
class Answer:
    """A success; `media` are its forms."""

    status: str
    text: str
    kind: Kind
    media: Sequence[str]


@dataclass(frozen=True)
class Operation:
    """A method at an address."""

    id: str
    method: str
    path: str
    text: str
    parameters: Sequence[Field]
    body: Kind | None
    answers: Sequence[Answer]
    errors: Sequence[str]


@dataclass(frozen=True)
class Shape:
    """An object that requests or answers carry."""

    name: str
    text: str
    fields: Sequence[Field]


def kind_of(schema: Schema) -> Kind:
    """Say what a schema allows."""
    if "$ref" in schema:
        return Kind("", schema["$ref"].rpartition("/")[2])
    for key in ("allOf", "oneOf", "anyOf"):
        if key in schema:
            inner = [kind_of(part) for part in schema[key] if not _says_nothing(part)]
            return inner[0] if inner else Kind("")
    if schema.get("type") == "array":
        inner_kind = kind_of(schema["items"])
        return Kind(f"array {inner_kind.words}".strip(), inner_kind.object, inner_kind.values)
    words = " ".join(str(schema[key]) for key in ("type", "format") if key in schema)
    bounds = [f"{sign} {schema[key]}" for key, sign in (("minimum", "≥"), ("maximum", "≤")) if key in schema]
    if "maxLength" in schema:
        bounds.append(f"≤ {schema['maxLength']} characters")
    values = tuple(str(value) for value in schema.get("enum", ()))
    return Kind(", ".join(part for part in (words, *bounds) if part), "", values)


def _says_nothing(schema: Schema) -> bool:
    return str(schema.get("$ref", "")).endswith(("/NullEnum", "/BlankEnum"))


def _plain(text: str) -> str:
    """A description without the marks of Markdown that the generator writes into lists of choices."""
    return re.sub(r"^\* `(.*?)` - ", r"\1: ", text, flags=re.MULTILINE)


def fields_of(schema: Schema) -> list[Field]:
    """The fields of an object."""
    required = set(schema.get("required", ()))
    return [
        Field(name, kind_of(inner), name in required, _plain(inner.get("description", "")))
        for name, inner in schema.get("properties", {}).items()
    ]


def shapes_of(document: Schema) -> list[Shape]:
    """All objects, by name; lists of choices among them have no field."""
    return [
        Shape(name, _plain(schema.get("description", "")), fields_of(schema) or [Field("", kind_of(schema), True, "")])
        for name, schema in sorted(document["components"]["schemas"].items())
        if not _says_nothing({"$ref": f"/{name}"})
    ]


def _parameters(operation: Schema) -> list[Field]:
    return [
        Field(
            given["name"],
            kind_of(given["schema"]),
            given.get("required", False),
            _plain(given.get("description", "")),
            given["in"],
        )
        for given in operation.get("parameters", ())
    ]


def _answers(operation: Schema) -> Iterator[Answer]:
    for status, answer in sorted(operation["responses"].items()):
        content = answer.get("content", {})
        if status < "400":
            schema = content.get("application/json", {}).get("schema", {})
            yield Answer(status, answer.get("description", ""), kind_of(schema), sorted(content))


def _body(operation: Schema) -> Kind | None:
    schema = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
    return None if schema is None else kind_of(schema)


def operations_of(document: Schema) -> dict[str, list[Operation]]:
    """The operations by resource, in the order of their addresses."""
    groups: dict[str, list[Operation]] = {}
    for path, methods in document["paths"].items():
        for method in METHODS:
            if method in methods:
                given = methods[method]
                groups.setdefault(given["tags"][0], []).append(
                    Operation(
                        given["operationId"],
                        method.upper(),
                        path,
                        given.get("description") or given.get("summary", ""),
                        _parameters(given),
                        _body(given),
                        list(_answers(given)),
                        sorted(status for status in given["responses"] if status >= "400"),
                    )
                )
    return groups


def errors_of(document: Schema) -> list[tuple[str, str]]:
    """The statuses of errors and what each means."""
    answers = document["components"]["responses"].items()
    return [(name.removeprefix("Problem"), answer["description"]) for name, answer in answers]


@cache
def document_of_the_api() -> Schema:
    """The whole document, the same for everybody; made once in a process, whatever language its first reader has."""
    generator: Any = SpectacularAPIView.generator_class()
    with override("en"):
        schema: Schema = generator.get_schema(request=None, public=True)
    return schema


@require_safe
@sign_in_required
def api_docs(request: HttpRequest) -> HttpResponse:
    """The API's document to read, for whoever is signed in."""
    document = document_of_the_api()
    context = {
        "groups": operations_of(document),
        "shapes": shapes_of(document),
        "errors": errors_of(document),
        "problem": PROBLEM,
        "base": request.build_absolute_uri("/api/v1/"),
    }
    return render(request, "core/api_docs.html", context)
