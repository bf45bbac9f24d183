"""Log lines as production writes them, kept for a test to read."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from skillmap.core.logs import json_formatter


class Lines(logging.Handler):
    """Keeps what the production formatter writes."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.setFormatter(json_formatter())
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one line."""
        self.texts.append(self.format(record))


@contextmanager
def kept_lines(level: int) -> Iterator[Lines]:
    """Keep all lines of this level and above until the block ends."""
    handler, root = Lines(), logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(level)
    try:
        yield handler
    finally:
        root.setLevel(before)
        root.removeHandler(handler)
