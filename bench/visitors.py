"""Many people at their self-check at once, over HTTP: `python -m bench.visitors ADDRESS PEOPLE PAUSE` prints JSON.

Each one signs in (a session made beforehand), opens home and the self-check, answers every item with pauses as people
make them, and submits. PAUSE is the mean pause in seconds between two requests, 0 for none.
"""

from __future__ import annotations

import http.client
import json
import random
import re
import resource
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from urllib.parse import urlencode, urlsplit

import django

ITEM = re.compile(r'data-item="([^"]+)" data-version="(\d+)"')
PERCENTILE = 95
SECRET = "b" * 32  # of the CSRF cookie: any 32 letters will do where the form sends the same


class Visitor(threading.Thread):
    """One person with a browser."""

    def __init__(self, address: str, cookie: str, check: int, pause: float, host: str) -> None:
        super().__init__(daemon=True)
        parts = urlsplit(address)
        self.connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=60)
        self.cookie, self.check, self.pause, self.host = cookie, check, pause, host
        self.took: dict[str, list[float]] = defaultdict(list)
        self.failures: list[str] = []
        self.dice = random.Random(check)

    def run(self) -> None:
        """The whole self-check, once."""
        try:
            self._check()
        except Exception as error:  # noqa: BLE001  whatever goes wrong is a figure of the result
            self.failures.append(f"{type(error).__name__}: {error}")
        finally:
            self.connection.close()

    def _check(self) -> None:
        self._wait(spread=2)  # they do not all begin in the same second
        self._ask("home", "GET", "/")
        self._wait()
        address = f"/check/{self.check}/"
        page = self._ask("page", "GET", address)
        for code, version in ITEM.findall(page):
            self._wait()
            answer = json.dumps({"version": int(version), "level": self.dice.randrange(4)})
            self._ask("save", "POST", f"{address}items/{code}/", answer, {"Content-Type": "application/json"})
        self._wait()
        self._ask("page", "GET", f"{address}submit/")
        form = urlencode({"csrfmiddlewaretoken": SECRET, "comment": ""})
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        self._ask("submit", "POST", f"{address}submit/", form, kind, wanted=302)

    def _wait(self, spread: float = 1) -> None:
        if self.pause:
            time.sleep(self.dice.uniform(0.4, 1.6) * self.pause * (self.dice.random() * spread if spread > 1 else 1))

    def _ask(
        self,
        what: str,
        method: str,
        path: str,
        body: str = "",
        more: Mapping[str, str] | None = None,
        *,
        wanted: int = 200,
    ) -> str:
        headers = {
            "Host": self.host,
            "Cookie": self.cookie,
            "X-Forwarded-Proto": "https",
            "X-Forwarded-For": "127.0.0.1",
            "X-CSRFToken": SECRET,
            "Referer": f"https://{self.host}/",
            "Accept-Language": "ja",
            **(more or {}),
        }
        if self.pause:
            self.connection.close()  # the server keeps no connection so long; a browser opens another one unasked
        begun = time.perf_counter()
        self.connection.request(method, path, body or None, headers)
        answer = self.connection.getresponse()
        text = answer.read().decode()
        self.took[what].append(time.perf_counter() - begun)
        if answer.status != wanted:
            raise RuntimeError(f"{method} {path}: {answer.status} {text[:200]}")
        return text


@contextmanager
def _stopwatch() -> Iterator[list[float]]:
    begun, told = time.perf_counter(), [0.0]
    yield told
    told[0] = time.perf_counter() - begun


def visitors(address: str, people: int, pause: float) -> list[Visitor]:
    """So many people with an unfinished self-check, signed in."""
    from django.conf import settings
    from django.test import Client

    from skillmap.assessment.models import Assessment
    from skillmap.assessment.services.ratings import acknowledge_purpose

    host = urlsplit(settings.SITE_URL).netloc
    drafts = Assessment.objects.filter(
        cycle__state="open", state="draft", group__items__in=["digital", "both"], staff__status="active"
    ).exclude(staff__user=None)
    found = []
    for check in drafts.select_related("staff__user").order_by("pk")[:people]:
        user = check.staff.user
        if user is None:
            continue
        acknowledge_purpose(assessment=check, actor=user)
        client = Client()
        client.force_login(user)
        session = client.cookies[settings.SESSION_COOKIE_NAME].value
        cookie = f"{settings.SESSION_COOKIE_NAME}={session}; {settings.CSRF_COOKIE_NAME}={SECRET}"
        found.append(Visitor(address, cookie, check.pk, pause, host))
    if len(found) < people:
        raise SystemExit(f"The world has {len(found)} people with an unfinished self-check, not {people}.")
    return found


def summary(crowd: list[Visitor], seconds: float) -> dict[str, object]:
    """What came of it: seconds by kind of request, requests a second, failures."""
    took: dict[str, list[float]] = defaultdict(list)
    for visitor in crowd:
        for what, times in visitor.took.items():
            took[what] += times
    failures = [failure for visitor in crowd for failure in visitor.failures]
    return {
        "people": len(crowd),
        "seconds": round(seconds, 1),
        "requests": sum(map(len, took.values())),
        "saves_per_second": round(len(took["save"]) / seconds, 1),
        "p50": {what: round(_percentile(times, 50), 3) for what, times in took.items()},
        "p95": {what: round(_percentile(times, PERCENTILE), 3) for what, times in took.items()},
        "failures": len(failures),
        "first_failures": failures[:3],
        "client_cpu_seconds": round(sum(resource.getrusage(resource.RUSAGE_SELF)[:2]), 1),
    }


def _percentile(times: list[float], percent: int) -> float:
    return sorted(times)[min(len(times) - 1, len(times) * percent // 100)]


def main() -> None:
    """Let them all begin, wait for all."""
    django.setup()
    from django.db import connections

    address, people, pause = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
    crowd = visitors(address, people, pause)
    connections.close_all()
    with _stopwatch() as told:
        for visitor in crowd:
            visitor.start()
        for visitor in crowd:
            visitor.join()
    print(json.dumps(summary(crowd, told[0]), ensure_ascii=False))


if __name__ == "__main__":
    main()
