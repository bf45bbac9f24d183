"""Why somebody looks at named levels: chosen once a session where the page does not say it."""

from django.http import HttpRequest

from skillmap.core.choices import Purpose

KEY = "purpose"


def chosen(request: HttpRequest) -> str | None:
    """The purpose of this session; None where none was chosen yet."""
    value = request.session.get(KEY)
    return value if value in Purpose.values else None


def choose(request: HttpRequest, value: str) -> None:
    """Keep a purpose for this session."""
    request.session[KEY] = value
