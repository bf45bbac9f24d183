"""A Redis cache that a page outlives: without Redis it answers from this process alone."""

from collections.abc import Callable
from typing import Any

from django.core.cache.backends.locmem import LocMemCache
from django.core.cache.backends.redis import RedisCache
from redis.exceptions import RedisError

from skillmap.core.redis_health import PATIENCE, probe_of


class ResilientRedisCache(RedisCache):
    """Redis where it answers within 0.3 s; otherwise the memory of this process, so that login limits still hold.

    Once it did not, it is not asked again before `redis_health` has heard from it.
    """

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        options = params.setdefault("OPTIONS", {})
        options.setdefault("socket_connect_timeout", PATIENCE)
        options.setdefault("socket_timeout", PATIENCE)
        options.setdefault("retry", None)
        super().__init__(server, params)
        self._spare = LocMemCache("redis-is-away", {})
        self._probe = probe_of(server)

    def _or_spare(self, name: str, *args: Any, **kwargs: Any) -> Any:
        if self._probe.was_away:
            return getattr(self._spare, name)(*args, **kwargs)
        call: Callable[..., Any] = getattr(super(), name)
        try:
            return call(*args, **kwargs)
        except (RedisError, OSError):
            self._probe.note_away()
            return getattr(self._spare, name)(*args, **kwargs)

    def add(self, *args: Any, **kwargs: Any) -> Any:
        """See Django's cache API."""
        return self._or_spare("add", *args, **kwargs)

    def get(self, *args: Any, **kwargs: Any) -> Any:
        """See Django's cache API."""
        return self._or_spare("get", *args, **kwargs)

    def set(self, *args: Any, **kwargs: Any) -> Any:
        """See Django's cache API."""
        return self._or_spare("set", *args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> Any:
        """See Django's cache API."""
        return self._or_spare("delete", *args, **kwargs)

    def incr(self, *args: Any, **kwargs: Any) -> Any:
        """See Django's cache API."""
        return self._or_spare("incr", *args, **kwargs)

    def touch(self, *args: Any, **kwargs: Any) -> Any:
        """See Django's cache API."""
        return self._or_spare("touch", *args, **kwargs)

    def get_many(self, *args: Any, **kwargs: Any) -> Any:
        """See Django's cache API."""
        return self._or_spare("get_many", *args, **kwargs)

    def set_many(self, *args: Any, **kwargs: Any) -> Any:
        """See Django's cache API."""
        return self._or_spare("set_many", *args, **kwargs)

    def has_key(self, *args: Any, **kwargs: Any) -> Any:
        """See Django's cache API."""
        return self._or_spare("has_key", *args, **kwargs)
