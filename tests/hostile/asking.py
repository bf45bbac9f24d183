"""One client for the people of the access matrix: what each asks leaves nothing behind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.db import transaction
from django.http import HttpResponse
from django.test import Client

from skillmap.people.models import User
from tests.access_world import AccessWorld
from tests.support.signing_in import signed_in


def session_of(user: User) -> str:
    """The session of somebody who has just given the password."""
    return signed_in(user).cookies[settings.SESSION_COOKIE_NAME].value


class Asker:
    """Asks as any of the people of a world; each request in a transaction that is undone, whatever it wrote."""

    def __init__(self, world: AccessWorld, *, csrf: bool = False) -> None:
        self.world = world
        self.users = world.users()
        self.sessions = {name: session_of(user) for name, user in self.users.items() if user is not None}
        self.client = Client(raise_request_exception=False, enforce_csrf_checks=csrf)

    def become(self, actor: str) -> Client:
        """The client, signed in as an actor and with nothing else."""
        self.client.cookies.clear()
        if actor in self.sessions:
            self.client.cookies[settings.SESSION_COOKIE_NAME] = self.sessions[actor]
        return self.client

    def ask(
        self,
        actor: str,
        method: str,
        url: str,
        data: bytes | str = b"",
        content_type: str = "application/octet-stream",
        headers: Mapping[str, str] | None = None,
        keep: bool = False,
    ) -> Any:
        """One request; its effects are undone unless `keep`."""
        cache.clear()  # the limits on tries are not what is tried here
        client = self.become(actor)
        with transaction.atomic():
            answer: Any = client.generic(method, url, data, content_type, headers=headers)
            if answer.streaming:
                # Not closed: the end of a request would close the connection that holds the world.
                answer = HttpResponse(answer.getvalue(), status=answer.status_code, headers=dict(answer.items()))
            transaction.set_rollback(not keep)
        return answer
