"""Clients of people who are signed in, as a browser that has just given its password once more."""

from __future__ import annotations

import time

from allauth.account.internal.flows import login
from django.test import Client

from skillmap.people.models import User


def signed_in(user: User | None, client: Client | None = None) -> Client:
    """A client of somebody, who need not confirm the password again for what asks for it; of nobody for None."""
    client = client or Client()
    if user is None:
        return client
    client.force_login(user)
    session = client.session
    session[login.AUTHENTICATION_METHODS_SESSION_KEY] = [
        {"method": "password", "at": time.time(), "reauthenticated": True}
    ]
    session[login._AUTHENTICATION_METHODS_USER_SESSION_KEY] = login.user_id_to_str(user)
    session.save()
    return client


def english(client: Client) -> Client:
    """The same client, whose pages are in English."""
    client.cookies["django_language"] = "en"
    return client
