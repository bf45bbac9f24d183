"""A long command says how far it is: a bar on a terminal, a line for each stage anywhere else."""

from __future__ import annotations

import io

import pytest

from skillmap.core.progress import Progress


class Terminal(io.StringIO):
    """Somebody looks on."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def seconds(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A clock that a test sets."""
    now = [1000.0]
    monkeypatch.setattr("skillmap.core.progress.time.monotonic", lambda: now[0])
    return now


def test_each_stage_is_one_line_where_nobody_looks_on(seconds: list[float]) -> None:
    stream = io.StringIO()
    progress = Progress(stream)
    progress.stage("people", 3000)
    assert list(progress.over(range(3000))) == list(range(3000))
    seconds[0] += 65
    progress.stage("runs")
    progress.end()
    progress.end()
    assert stream.getvalue().splitlines() == [
        "people                       3,000/3,000 people 1:05",
        "runs                         1:05",
    ]


def test_a_terminal_shows_one_line_that_grows(seconds: list[float]) -> None:
    stream = Terminal()
    progress = Progress(stream)
    progress.stage("people", 400)
    for _quarter in range(4):
        seconds[0] += 1
        progress.step(100)
    progress.end()
    shown = [line.removesuffix("\x1b[K") for line in stream.getvalue().rstrip("\n").split("\r")[1:]]
    assert shown[0] == "people                       [........................] 0/400 people 0:00"
    assert shown[2] == "people                       [############............] 200/400 people 0:02"
    assert shown[-1] == "people                       [########################] 400/400 people 0:04"
    assert stream.getvalue().count("\n") == 1


def test_a_terminal_is_not_drawn_for_every_row() -> None:
    stream = Terminal()
    progress = Progress(stream)
    progress.stage("people", 10_000)
    for _row in progress.over(range(10_000)):
        pass
    assert stream.getvalue().count("\r") == 1


def test_nobody_need_be_told() -> None:
    progress = Progress()
    progress.stage("people", 2)
    progress.step()
    progress.end()
