"""Whether Redis answers, known without asking it: a page never waits to find out.

A thread of this process asks every two seconds while somebody wants to know, and while Redis is away until it is back.
Whoever could not reach Redis says so (`note_away`), and from then on nobody tries until the thread has had an answer:
a Redis that neither answers nor refuses costs one request a third of a second, not each request several of them.
"""

import logging
import threading
import time
from functools import cache

from django.conf import settings
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

logger = logging.getLogger(__name__)

EVERY = 2.0  # seconds between two questions
PATIENCE = 0.3  # seconds for connecting, and for an answer
INTEREST = 60.0  # seconds that somebody's question keeps the thread asking


class Probe:
    """What this process knows of one Redis."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._away = False
        self._wanted_until = 0.0
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()

    @property
    def was_away(self) -> bool:
        """Whether it was away when it was asked last; nothing is asked for that where it was there."""
        return self._away and self.is_away()

    def is_away(self) -> bool:
        """The same, and have it asked regularly from now on."""
        self._watch()
        return self._away

    def note_away(self) -> None:
        """Somebody could not reach it."""
        if not self._away:
            logger.warning("redis_away")
        self._away = True
        self._watch()

    def _watch(self) -> None:
        self._wanted_until = time.monotonic() + INTEREST
        if self._thread is not None and self._thread.is_alive():  # it does not live on in a process that was forked
            return
        with self._starting:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._ask_on, name="redis-health", daemon=True)
                self._thread.start()

    def _ask_on(self) -> None:
        while self._away or time.monotonic() < self._wanted_until:
            answers = self._answers()
            if answers and self._away:
                logger.warning("redis_back")
            self._away = not answers
            time.sleep(EVERY)

    def _answers(self) -> bool:
        try:
            with Redis.from_url(
                self.url,
                socket_connect_timeout=PATIENCE,
                socket_timeout=PATIENCE,
                retry=Retry(NoBackoff(), 0),
            ) as client:
                return bool(client.ping())
        except (RedisError, OSError):
            return False


@cache
def probe_of(url: str) -> Probe:
    """The one probe of this process for a Redis."""
    return Probe(url)


def broker_probe() -> Probe | None:
    """The probe of the workers' broker; None where that is no Redis, as in the demo."""
    url = settings.CELERY_BROKER_URL
    return probe_of(url) if url.startswith(("redis:", "rediss:")) else None


def background_waits() -> bool:
    """Whether jobs and mails wait because the workers' Redis is away."""
    probe = broker_probe()
    return probe is not None and probe.is_away()
