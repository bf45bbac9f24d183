"""Try many times what must hold every time: races, kills, faults, hostile hands.

Long; `make test` has a short form of each.

    make trials
    make trials ARGS="-k editors"          # any arguments of pytest, or some of the files
    make trials LANES="postgres"           # some of: sqlite postgres browser; one after the other

Prints a table and keeps it in tests/trials/results.json; what was not tried this time stays there as it was.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.support import lanes  # noqa: E402  (the project's folder must be on the path first)

RESULTS = ROOT / "tests" / "trials" / "results.json"
LONGEST = str(6 * 60 * 60)
Row = dict[str, Any]


def run_lane(lane: str, file: Path, arguments: list[str]) -> int:
    """Run the trials of one lane; pytest's exit code. What they find is added to `file`."""
    environment = {"LANES": lane, lanes.TRIALS: str(file), "TEST_TIME_LIMIT": LONGEST}
    command = [sys.executable, str(ROOT / "scripts" / "run_tests.py"), "-o", f"faulthandler_timeout={LONGEST}"]
    return subprocess.run([*command, *arguments], env=os.environ | environment, check=False).returncode


def merged(before: list[Row], found: list[Row]) -> list[Row]:
    """The rows of before, each replaced by what was found now under the same name on the same database."""
    rows = {(row["name"], row["database"]): row for row in [*before, *found]}
    return [rows[key] for key in sorted(rows)]


def line_of(row: Row) -> str:
    """One line of the table."""
    figures = "  ".join(f"{name}={value}" for name, value in row["figures"].items())
    return f"{row['outcome']:<7}{row['tried']:>7,}  {row['database']:<11}{row['name']}\n{'':>16}{figures}"


def main(arguments: list[str]) -> int:
    """Return 1 where a lane failed, 0 where everything held."""
    chosen = os.environ.get("LANES", "").split() or list(lanes.LANES)
    with tempfile.TemporaryDirectory(prefix="skillmap-trials-") as folder:
        file = Path(folder) / "found.jsonl"
        file.touch()
        codes = [run_lane(lane, file, arguments) for lane in chosen]
        found = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    before = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else []
    RESULTS.write_text(json.dumps(merged(before, found), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    for row in merged([], found):
        print(line_of(row))
    return 1 if any(codes) or not found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
