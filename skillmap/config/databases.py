"""Turn a DATABASE_URL into Django's database settings, with the options without which writes get lost or fail."""

from typing import Any

import environ

SQLITE_OPTIONS: dict[str, Any] = {
    # Without IMMEDIATE two transactions that both read and then write dead-lock at once, whatever the timeout.
    "transaction_mode": "IMMEDIATE",
    "timeout": 20,
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
}


def database(url: str) -> dict[str, Any]:
    """Settings of one database.

    Args:
        url: `sqlite:////absolute/path` or `postgres://user:password@host:port/name`.
    """
    settings: dict[str, Any] = dict(environ.Env.db_url_config(url))
    if settings["ENGINE"] == "django.db.backends.sqlite3":
        return settings | {"OPTIONS": dict(SQLITE_OPTIONS)}
    return settings | {"CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True}
