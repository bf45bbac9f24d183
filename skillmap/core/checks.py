"""System checks of our own: what would fail late or silently is said at start."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register


@register(Tags.security)
def xml_is_guarded(**_: Any) -> list[CheckMessage]:
    """Reading uploaded sheets relies on defusedxml; openpyxl says nothing when it is missing."""
    try:
        import defusedxml  # noqa: F401
    except ImportError:
        return [Error("defusedxml is not installed: uploaded sheets could not be read safely.", id="skillmap.E001")]
    return []


@register(Tags.database)
def sqlite_locks_at_once(**_: Any) -> list[CheckMessage]:
    """SQLite without IMMEDIATE transactions loses writes under load."""
    database = settings.DATABASES["default"]
    if database["ENGINE"].endswith("sqlite3") and database["OPTIONS"].get("transaction_mode") != "IMMEDIATE":
        return [Error("SQLite must run with transaction_mode=IMMEDIATE.", id="skillmap.E002")]
    return []


@register(Tags.security)
def small_cells_stay_hidden(**_: Any) -> list[CheckMessage]:
    """Figures about fewer than five people are never shown."""
    if settings.SMALL_CELL_K < 5:
        return [Error("SMALL_CELL_K must be at least 5.", id="skillmap.E003")]
    return []
