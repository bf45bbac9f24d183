"""Write docs/figures.md from what the last runs found: `make figures`.

Tests from var/tests.json (`make test` leaves it; without it that part stays as it was), trials from
tests/trials/results.json, speed from bench/results.json, load from bench/load.json. With --check nothing is written,
and the exit code is 1 where the page does not say what the kept results say.
"""

from __future__ import annotations

import ast
import json
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "figures.md"
TESTS, TRIALS = ROOT / "var" / "tests.json", ROOT / "tests" / "trials" / "results.json"
SPEED, LOAD = ROOT / "bench" / "results.json", ROOT / "bench" / "load.json"
BEGIN, END = "<!-- tests -->", "<!-- /tests -->"
HEAD = """# Figures

What was tried, how many times, and what came of it. Written by `make figures` from the results that `make test`,
`make trials`, `make bench` and `make load` leave; no figure here was typed.
"""
#: Most times its own time with 1,000 people that it may take with 100,000.
GROWTH = {
    **dict.fromkeys(("home", "selfcheck", "save", "mymap", "oneonone"), 1.3),
    **dict.fromkeys(("mentees", "board", "people", "dashboard"), 2.0),
}
#: Most times its floor that it may take.
FLOOR = {"selfcheck": 4.0, "save": 4.0, "gap-run": 1.5, "levels-api": 2.0, "export": 1.3, "import": 3.0}
MOST_MB = 300
Row = Mapping[str, Any]


def table(heads: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A table in Markdown."""
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    return "\n".join(lines + ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]) + "\n"


def read(path: Path) -> Any:
    """What a file of results holds; an empty list where there is none."""
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else []


# ----------------------------------------------------------------------------------------------------------- tests
def tests() -> str:
    """What the last whole run of the tests tried, module by module; as the page says it where no run is kept."""
    found = read(TESTS)
    if not found:
        before = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
        return before.partition(BEGIN)[2].partition(END)[0]
    sums: dict[str, Counter[str]] = {}
    for lanes in found["modules"].values():
        for lane, counts in lanes.items():
            sums.setdefault(lane, Counter()).update(counts)
    total = sum(sums.values(), Counter())
    day = datetime.fromtimestamp(found["at"], UTC).date().isoformat()
    lines = table(["lane", "passed", "failed", "left out"], [[lane, *_counts(counts)] for lane, counts in sums.items()])
    return (
        f"\n{day}: {total['passed']:,} passed, {total['failed']:,} failed in {found['seconds'] // 60} min"
        f" {found['seconds'] % 60} s.\n\n{lines}\n"
        + table(["what is tried", "tests", "outcome"], list(_modules(found)))
    )


def _counts(counts: Mapping[str, int]) -> list[str]:
    return [f"{counts.get(name, 0):,}" for name in ("passed", "failed", "skipped")]


def _modules(found: Row) -> Iterator[list[str]]:
    for module, lanes in sorted(found["modules"].items()):
        counts = sum((Counter(each) for each in lanes.values()), Counter())
        bad = counts["failed"]
        yield [
            f"{_sentence(ROOT / module)} (`{module}`)",
            f"{sum(counts.values()):,}",
            f"{bad} failed" if bad else "held",
        ]


def _sentence(path: Path) -> str:
    """The first line of a module's docstring."""
    words = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or path.stem
    return words.partition("\n\n")[0].replace("\n", " ").rstrip(".")


# ---------------------------------------------------------------------------------------------------------- trials
def trials() -> str:
    """Every trial that is kept."""
    rows = [
        [
            row["name"],
            row["database"],
            f"{row['tried']:,}",
            row["outcome"],
            ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in row["figures"].items()),
        ]
        for row in read(TRIALS)
    ]
    return table(["what was tried", "database", "times", "outcome", "figures"], rows)


# ----------------------------------------------------------------------------------------------------------- speed
def speed() -> str:
    """Every measurement, with its bars."""
    found = read(SPEED)
    few = {row["name"]: row["seconds"] for row in found if row["people"] == min(each["people"] for each in found)}
    rows = []
    for row in found:
        growth, ratio = row["seconds"] / few[row["name"]], row["seconds"] / row["floor_seconds"]
        rows.append(
            [
                row["name"],
                f"{row['people']:,}",
                f"{row['seconds'] * 1000:,.1f}",
                f"{row['floor_seconds'] * 1000:,.1f}",
                f"{ratio:.1f}",
                f"{growth:.2f}",
                row["queries"],
                f"{row['peak_mb']:.0f}",
                "; ".join(_bars(row, growth, ratio)),
            ]
        )
    heads = ["name", "people", "ms", "floor ms", "x floor", "x fewest people", "queries", "MB", "bars"]
    floors = table(["name", "its floor"], sorted({(row["name"], row["floor"]) for row in found[-1::-1]}))
    return table(heads, rows) + "\n" + floors


def _bars(row: Row, growth: float, ratio: float) -> Iterator[str]:
    name = row["name"]
    if name in GROWTH and growth > 0 and row["people"] > 1000:
        yield _bar("growth", growth, GROWTH[name])
    if name in FLOOR:
        yield _bar("floor", ratio, FLOOR[name])
    yield _bar("MB", row["peak_mb"], MOST_MB)


def _bar(word: str, value: float, most: float) -> str:
    return f"{word} ≤ {most:g} {'held' if value <= most else '**missed**'}"


def load() -> str:
    """Many people at once."""
    rows = [
        [
            f"{row['people']} people, {row['pause']:g} s between requests"
            if row["pause"]
            else f"{row['people']} people, no pause",
            f"{row['workers']} x {row['threads']}",
            f"{row['requests']:,}",
            row["failures"],
            row["saves_per_second"],
            *(f"{row['p95'][what] * 1000:,.0f}" for what in ("save", "page", "home", "submit")),
            row["server_cpu_seconds"],
            f"{row['server_peak_mb']:.0f}",
        ]
        for row in read(LOAD)
    ]
    heads = ["load", "workers x threads", "requests", "failures", "saves a second"]
    return table([*heads, *(f"p95 ms {what}" for what in ("save", "page", "home", "submit")), "CPU s", "MB"], rows)


def page() -> str:
    """The whole page."""
    parts = {"Trials": trials(), "Speed": speed(), "Load": load()}
    body = "\n".join(f"## {title}\n\n{text}" for title, text in parts.items())
    return f"{HEAD}\n{body}\n## Tests\n{BEGIN}{tests()}{END}\n"


def _without_tests(text: str) -> str:
    return text.partition(BEGIN)[0]


def main(arguments: Sequence[str]) -> int:
    """Write the page; with --check compare what does not come from a run of this machine."""
    made = page()
    if "--check" in arguments:
        said = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
        if _without_tests(said) == _without_tests(made):
            return 0
        print("docs/figures.md does not say what the kept results say: run `make figures`.")
        return 1
    PAGE.write_text(made, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
