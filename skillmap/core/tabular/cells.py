"""The one place that decides how a value goes into a cell of any export.

A spreadsheet program takes text that begins with = + - @ (or their full-width forms, a tab or a line break before
them) for a formula; a name or a note typed by anyone could then run something on the machine of whoever opens the
export. Such text is written so that it stays text: with an apostrophe before it in CSV, with the quote prefix in a
workbook.
"""

import datetime as dt
import re
from decimal import Decimal
from math import isfinite
from typing import TYPE_CHECKING, Union

from skillmap.core.clock import TOKYO

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise

CellValue = Union[str, "StrPromise", int, float, Decimal, bool, dt.date, dt.datetime, None]

PlainValue = str | int | float | bool | dt.date | dt.datetime | None

LONGEST = 32_767  # characters in a cell of a workbook
EXACT = 10**15  # beyond, a workbook keeps no exact whole numbers: written as text
FIRST_DAY = dt.date(1900, 3, 1)  # before, spreadsheet programs disagree on the day number: written as text

_TRIGGER = r"[\t\r\n]|[\s\u200b\u2060\ufeff]*[=+\-@＝＋－＠]"
FORMULA_LIKE = re.compile(rf"(?:{_TRIGGER})")
# A CSV cell that begins with apostrophes and then looks like a formula gets one more, so that reading can take one off.
ESCAPED = re.compile(rf"'+(?:{_TRIGGER})")
ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ufdd0-\ufdef\ufffe\uffff\ud800-\udfff]")
CUT = "…"


def clean(value: object) -> str:
    """Text without the characters that no XML may hold, line ends as LF, cut (visibly) at what a cell can hold."""
    text = ILLEGAL.sub("", str(value).replace("\r\n", "\n").replace("\r", "\n"))
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + CUT


def looks_like_formula(text: str) -> bool:
    """Whether a spreadsheet program could take the text for a formula."""
    return FORMULA_LIKE.match(text) is not None


def escape(text: str) -> str:
    """Text for CSV that stays text."""
    return f"'{text}" if FORMULA_LIKE.match(text) or ESCAPED.match(text) else text


def unescape(text: str) -> str:
    """What `escape` was given."""
    return text[1:] if ESCAPED.match(text) else text


def plain(value: CellValue) -> PlainValue:
    """A value reduced to what cells know: lazy texts are resolved, times are Tokyo's, odd numbers become text or empty.

    Text comes back cleaned, not escaped.
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, dt.datetime):
        local = value.astimezone(TOKYO).replace(tzinfo=None) if value.tzinfo else value
        return local.replace(microsecond=0)
    if isinstance(value, dt.date):
        return value if value >= FIRST_DAY else value.isoformat()
    if isinstance(value, int):
        return value if abs(value) < EXACT else str(value)
    if isinstance(value, float | Decimal):
        return float(value) if isfinite(value) else None
    return clean(value)


def csv_text(value: CellValue) -> str:
    """A value as a CSV field, before quoting: dates in ISO form, truth as ○ and ×, formulas defused."""
    cell = plain(value)
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "○" if cell else "×"
    if isinstance(cell, dt.datetime):
        return cell.strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(cell, dt.date):
        return cell.isoformat()
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < EXACT else repr(cell)
    return escape(cell) if isinstance(cell, str) else str(cell)
