"""One measurement in a process of its own: `python -m bench.measure NAME RUNS` prints a line of JSON."""

import json
import resource
import sys
import time
from collections.abc import Callable

import django

WARM_UP = 3


def timed(act: Callable[[], object]) -> float:
    """Seconds that one call takes; one that prepares something first says itself how long the rest took."""
    begun = time.perf_counter()
    told = act()
    return told if isinstance(told, float) else time.perf_counter() - begun


def main() -> None:
    """Warm up, then do it and its floor in turn; the seconds of each run."""
    django.setup()
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from bench.measures import MEASURES

    name, asked = sys.argv[1], int(sys.argv[2])
    measure = MEASURES[name]()
    runs = min(asked, measure.runs or asked)
    for _ in range(WARM_UP if measure.runs is None else 1):
        measure.real()
        measure.floor()
    with CaptureQueriesContext(connection) as captured:
        measure.real()
    marks = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE", "ROLLBACK")
    queries = sum(1 for query in captured.captured_queries if not query["sql"].startswith(marks))
    pairs = [(timed(measure.real), timed(measure.floor)) for _ in range(runs)]
    print(
        json.dumps(
            {
                "name": name,
                "seconds": [round(real, 6) for real, _floor in pairs],
                "floor_seconds": [round(floor, 6) for _real, floor in pairs],
                "queries": queries,
                "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
                "long": measure.runs is not None,
                "floor": measure.floor_words,
            },
            ensure_ascii=False,
        )
    )


if __name__ == "__main__":
    main()
