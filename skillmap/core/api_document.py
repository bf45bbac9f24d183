"""What the API's own document says of answers that are no success: problem details, the same everywhere.

Views name their successes; what can go wrong follows from the address, the method and the parameters. A status that a
view names besides (`409: None` for a reading that may be refused) is described in the same way.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from skillmap.core.api import PROBLEM

MEANINGS: Mapping[int, str] = {
    400: "Values missing or not possible.",
    401: "No valid sign-in or token.",
    403: "Not for this role or token.",
    404: "Not there, or not for this caller.",
    406: "No such form of answer.",
    409: "Refused by the rules; “title” is the code.",
    412: "Changed since it was read; the present version is given.",
    415: "The body is not JSON.",
    428: "If-Match is missing.",
    429: "Too many requests; Retry-After says when to go on.",
}
SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "description": "An error after RFC 9457; some carry more, such as the present values.",
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string", "description": "The code of what went wrong."},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "The same in words."},
        "errors": {"description": "By field, where values are missing or not possible."},
    },
    "required": ["type", "title", "status", "detail"],
    "additionalProperties": {},
}
UNSAFE = frozenset({"post", "put", "patch", "delete"})


def problems_of(path: str, method: str, operation: Mapping[str, Any]) -> Iterable[int]:
    """The statuses of errors that an operation may answer with, ascending."""
    places = {(parameter["in"], parameter["name"]) for parameter in operation.get("parameters", ())}
    queried = any(place == "query" for place, _ in places)
    found = {400, 401, 403, 406, 429} | {int(status) for status in operation["responses"] if int(status) >= 400}
    if "{" in path or queried:
        found.add(404)
    if method in UNSAFE:
        found |= {404, 409, 415}
    if ("header", "If-Match") in places:
        found |= {412, 428}
    return sorted(found)


def describe_problems(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """drf-spectacular's hook: add the errors to every operation; ValueError for one that has no meaning here."""
    result["components"]["schemas"]["Problem"] = dict(SCHEMA)
    result["components"]["responses"] = {
        f"Problem{status}": {
            "description": text,
            "content": {PROBLEM: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status, text in MEANINGS.items()
    }
    for path, operations in result["paths"].items():
        for method, operation in operations.items():
            for status in problems_of(path, method, operation):
                if status not in MEANINGS:
                    raise ValueError(f"{path} promises {status}, which has no meaning here.")
                operation["responses"][str(status)] = {"$ref": f"#/components/responses/Problem{status}"}
    return result
