"""`python -m bench`: a private PostgreSQL and Redis, a demo world of each size, every measurement, a table, a file.

Options: --people 1000 100000   --runs 20 (twice in turn)   --only home save
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import secrets
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import psycopg2

from scripts.needs import SERVERS, install_missing
from tests.support import services

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "bench" / "results.json"
NAMES = (
    *("home", "selfcheck", "save", "mymap", "mentees", "oneonone", "board", "people", "dashboard"),
    *("gap-run", "export", "levels-api", "import"),
)
HEAD = f"{'name':<11}{'people':>8}{'ms':>12}{'floor ms':>12}{'ratio':>8}{'queries':>8}{'MB':>8}{'runs':>5}   floor"


def environment(database: str, redis: str) -> dict[str, str]:
    """What production reads, for one world."""
    return os.environ | {
        "DJANGO_SETTINGS_MODULE": "bench.settings",
        "SECRET_KEY": secrets.token_urlsafe(60),
        "TOKEN_PEPPER": secrets.token_urlsafe(40),
        "ALLOWED_HOSTS": "skillmap.example",
        "SITE_URL": "https://skillmap.example",
        "DATABASE_URL": database,
        "REDIS_URL": redis,
        "EMAIL_URL": "dummymail://",
        "MFA_REQUIRED_ROLES": "none",  # the demo's people have a password alone
        "DEFAULT_FROM_EMAIL": "skillmap@example.test",
        "LOG_LEVEL": "ERROR",
    }


def command(world: dict[str, str], *arguments: str) -> str:
    """Run Python in a world and return what it prints."""
    done = subprocess.run(
        [sys.executable, *arguments], env=world, cwd=ROOT, check=False, capture_output=True, text=True
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(arguments)} failed:\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}")
    return done.stdout


def execute(database: str, statement: str) -> None:
    """Run a statement that no transaction may hold."""
    with contextlib.closing(psycopg2.connect(database)) as connection:
        connection.autocommit = True
        connection.cursor().execute(statement)


@contextlib.contextmanager
def servers() -> Iterator[tuple[str, str]]:
    """A private PostgreSQL and Redis: their addresses. As root what is missing is installed first."""
    if missing := install_missing(SERVERS):
        raise SystemExit(f"Missing: {', '.join(f'{need.name} ({need.package})' for need in missing)}")
    with services.postgres() as server, services.redis() as redis:
        yield server, redis


def make_world(server: str, redis: str, people: int, *, name: str = "") -> dict[str, str]:
    """A database with that many people of the demo, analysed, and all of it on the disk."""
    name = name or f"bench_{people}"
    execute(server, f"CREATE DATABASE {name}")
    world = environment(server.rsplit("/", 1)[0] + f"/{name}", redis)
    begun = time.monotonic()
    command(world, "manage.py", "migrate", "--verbosity", "0")
    command(world, "manage.py", "demo", "--people", str(people), "--seed", "1")
    execute(world["DATABASE_URL"], "VACUUM ANALYZE")
    execute(world["DATABASE_URL"], "CHECKPOINT")  # else every commit of what follows waits for the world to be written
    print(f"{people:,} people made in {time.monotonic() - begun:.0f} s", flush=True)
    return world


def measure(world: dict[str, str], name: str, runs: int) -> dict[str, Any]:
    """What one process measured in one world."""
    found: dict[str, Any] = json.loads(command(world, "-m", "bench.measure", name, str(runs)).splitlines()[-1])
    return found


def measure_all(worlds: dict[int, dict[str, str]], name: str, runs: int) -> Iterator[dict[str, Any]]:
    """One line of the results for each world.

    What takes milliseconds is measured twice, the second time with the worlds in the opposite order: a machine that
    grows slower or faster meanwhile must not look like growth with the number of people.
    """
    found = {people: [measure(world, name, runs)] for people, world in worlds.items()}
    for people, world in reversed(worlds.items()):
        if not found[people][0]["long"]:
            found[people].append(measure(world, name, runs))
    for people, rounds in found.items():
        seconds, floors = ([run for each in rounds for run in each[key]] for key in ("seconds", "floor_seconds"))
        yield {
            "name": name,
            "people": people,
            "database": "postgresql",
            "seconds": round(statistics.median(seconds), 6),
            "floor_seconds": round(statistics.median(floors), 6),
            "queries": max(each["queries"] for each in rounds),
            "peak_mb": max(each["peak_mb"] for each in rounds),
            "runs": len(seconds),
            "floor": rounds[0]["floor"],
        }


def show(row: dict[str, Any]) -> None:
    """One line of the table."""
    ratio = row["seconds"] / row["floor_seconds"] if row["floor_seconds"] else float("inf")
    print(
        f"{row['name']:<11}{row['people']:>8,}{row['seconds'] * 1000:>12.2f}{row['floor_seconds'] * 1000:>12.2f}"
        f"{ratio:>8.2f}{row['queries']:>8}{row['peak_mb']:>8.0f}{row['runs']:>5}   {row['floor']}",
        flush=True,
    )


def main(arguments: Sequence[str]) -> None:
    """Measure everything at every size."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--people", type=int, nargs="+", default=[1000, 100_000])
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--only", nargs="+", choices=NAMES, default=NAMES)
    chosen = parser.parse_args(arguments)
    rows = []
    with servers() as (server, redis):
        worlds = {people: make_world(server, redis, people) for people in chosen.people}
        print(HEAD, flush=True)
        for name in chosen.only:
            for row in measure_all(worlds, name, chosen.runs):
                rows.append(row)
                show(row)
    RESULTS.write_text(json.dumps(rows, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
