"""What the figures are compared with: the same bytes sent by a bare view, one UPDATE, the rows by psycopg2 alone."""

import json

from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse, JsonResponse

#: What `same_bytes` sends; a measurement puts the page's own answer there first.
BYTES = {"body": b"", "type": "text/html; charset=utf-8"}


def same_bytes(_request: HttpRequest) -> HttpResponse:
    """Send the bytes of the page that is measured."""
    return HttpResponse(BYTES["body"], content_type=BYTES["type"])


def update(request: HttpRequest) -> JsonResponse:
    """The bare UPDATE of one answer in its transaction, by id."""
    sent = json.loads(request.body)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE assessment_skillrating SET self_level = %s, self_at = now(), self_by_id = %s, updated_at = now(),"
            " version = version + 1 WHERE id = %s AND version = %s",
            [sent["level"], sent["by"], sent["rating"], sent["version"]],
        )
    return JsonResponse({"version": sent["version"] + 1})
