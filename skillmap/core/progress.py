"""How far a long command is, for the person at the terminal."""

import time
from collections.abc import Iterable, Iterator
from typing import TextIO, TypeVar

Item = TypeVar("Item")
WIDTH = 24
EVERY = 0.1  # seconds between two drawings of the bar


class Progress:
    """Stages one after the other, each with how much of it is done and the time since the beginning.

    On a terminal one line is drawn over and over; anywhere else each stage gives one line once it is over.
    """

    def __init__(self, stream: TextIO | None = None, *, unit: str = "people") -> None:
        """Take where to write, by default nowhere, and what is counted."""
        self.stream, self.unit = stream, unit
        self.is_terminal = stream is not None and stream.isatty()
        self.begun = time.monotonic()
        self.name, self.done, self.total, self.drawn = "", 0, 0, 0.0

    def stage(self, name: str, total: int = 0) -> None:
        """End the stage before and begin the next one; with no total nothing is counted."""
        self.end()
        self.name, self.done, self.total = name, 0, total
        self._draw()

    def step(self, count: int = 1) -> None:
        """So many more are done."""
        self.done += count
        if self.is_terminal and time.monotonic() - self.drawn > EVERY:
            self._draw()

    def over(self, items: Iterable[Item]) -> Iterator[Item]:
        """The same items, each counted once it has been dealt with."""
        for item in items:
            yield item
            self.step()

    def end(self) -> None:
        """End the stage that runs."""
        if not self.name:
            return
        self._draw()
        if self.is_terminal:
            self._write("\n")
        else:
            self._write(f"{self._line()}\n")
        self.name = ""

    def _draw(self) -> None:
        self.drawn = time.monotonic()
        if self.is_terminal:
            self._write(f"\r{self._line()}\x1b[K")

    def _line(self) -> str:
        bar = ""
        if self.is_terminal and self.total:
            full = WIDTH * min(self.done, self.total) // self.total
            bar = f"[{'#' * full}{'.' * (WIDTH - full)}] "
        counted = f"{self.done:,}/{self.total:,} {self.unit} " if self.total else ""
        seconds = int(time.monotonic() - self.begun)
        return f"{self.name:<28} {bar}{counted}{seconds // 60}:{seconds % 60:02}"

    def _write(self, text: str) -> None:
        if self.stream is not None:
            self.stream.write(text)
            self.stream.flush()
