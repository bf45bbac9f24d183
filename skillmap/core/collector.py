"""Python's collector of cycles, resting while a long computation makes what it keeps."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collector_resting() -> Iterator[None]:
    """Look for no cycles within it: the collector would go through hundreds of thousands of values again and again.

    What nothing refers to any more is freed as always; only cycles wait until the end.
    """
    was_at_work = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_at_work:
            gc.enable()
