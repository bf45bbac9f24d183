"""Threads that act at the same moment, each on a database connection of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

from django.db import connection

T = TypeVar("T")
PATIENCE = 60.0  # seconds


class Crowd:
    """A fixed number of threads; as many acts as there are threads begin together."""

    def __init__(self, pool: ThreadPoolExecutor, size: int) -> None:
        self.pool, self.size = pool, size

    def begin(self, *acts: Callable[[], T]) -> list[Future[T]]:
        """Begin all of them at the same moment; what they give can be asked for."""
        assert len(acts) == self.size, "an act would wait for a thread"
        start = threading.Barrier(self.size)

        def one(act: Callable[[], T]) -> T:
            start.wait(PATIENCE)
            return act()

        return [self.pool.submit(one, act) for act in acts]

    def act(self, *acts: Callable[[], T]) -> list[T]:
        """Do all of them from the same moment on; what each gave. Raises what one of them raised."""
        return [begun.result(PATIENCE) for begun in self.begin(*acts)]


@contextmanager
def crowd(size: int) -> Iterator[Crowd]:
    """So many threads, whose connections are closed at the end."""
    with ThreadPoolExecutor(size) as pool:
        members = Crowd(pool, size)
        try:
            yield members
        finally:
            members.act(*[_close] * size)


def _close() -> None:
    connection.close()  # that of the thread which does it
