"""What the parsing process says to its parent: refusals, cells, cell addresses. Plain Python only.

The parser prints one JSON value a line: first the facts about the file (or a refusal), then `[row number, [cells]]` for
each row with content, last the line `{"end": true, ...}` with the time and memory it took.
"""

import datetime as dt
import re
from typing import Any

A1 = re.compile(r"([A-Z]{1,3})([1-9][0-9]{0,6})")
MAX_ROW, MAX_COLUMN = 1_048_576, 16_384

# A cell as JSON: None, text, number, truth value, or a list that begins with one of these marks.
DATE, DATETIME, TIME, DURATION = "date", "datetime", "time", "duration"
FORMULA, ERROR, LONG = "formula", "error", "long"


class Refused(Exception):  # noqa: N818  (said about a file, not a fault)
    """This file is not read. Carries a code and the values for its message."""

    def __init__(self, code: str, **params: Any) -> None:
        super().__init__(code)
        self.code = code
        self.params = params


def column_name(index: int) -> str:
    """0 is A, 25 is Z, 26 is AA."""
    name = ""
    number = index + 1
    while number:
        number, rest = divmod(number - 1, 26)
        name = chr(65 + rest) + name
    return name


def column_index(name: str) -> int:
    """A is 0, AA is 26."""
    number = 0
    for letter in name:
        number = number * 26 + ord(letter) - 64
    return number - 1


def cell_name(row: int, column: int) -> str:
    """The address of a cell; `row` counts from 1, `column` from 0."""
    return f"{column_name(column)}{row}"


def encode_cell(value: Any, *, longest: int) -> Any:
    """A value of the spreadsheet reader as JSON; text longer than `longest` only as its length."""
    if isinstance(value, str):
        if len(value) > longest:
            return [LONG, len(value)]
        return value or None
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if value == value and abs(value) != float("inf") else [ERROR, "#NUM!"]
    return _encode_time(value)


def _encode_time(value: Any) -> Any:
    if isinstance(value, dt.datetime):
        return [DATETIME, value.isoformat()]
    if isinstance(value, dt.date):
        return [DATE, value.isoformat()]
    if isinstance(value, dt.time):
        return [TIME, value.isoformat()]
    if isinstance(value, dt.timedelta):
        return [DURATION, value.total_seconds()]
    return str(value)
