"""From what stands in a cell to a value: one function per kind. Plain values in, a value or `BadCell` out."""

import datetime as dt
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import EmailValidator

from skillmap.core.lines import can_be_shown
from skillmap.core.tabular._wire import DATE, DATETIME, DURATION, ERROR, FORMULA, LONG, TIME
from skillmap.core.tabular.columns import Column, Kind
from skillmap.core.tabular.keys import INVISIBLE, match_key
from skillmap.core.tabular.problems import shown

Value = str | int | bool | dt.date | None
RawCell = Any  # as `_wire` describes it

EXACT = 10**15  # a spreadsheet keeps 15 digits of a number
# Ideographic and no-break space are white space to strip() already; joiners are not.
EDGES = "\u200c\u200d"
DASHES = str.maketrans(dict.fromkeys("‐‑‒–—―−ー", "-"))
LINE_ENDS = re.compile("\r\n|[\r\u2028\u2029]")
# What `trim` looks for inside a text: without any of it there is only the outer white space.
ODD = re.compile(f"[{''.join(map(chr, INVISIBLE))}{EDGES}\r\u2028\u2029\u3099\u309a]")
KANA_WITH_MARK = re.compile("[\u3040-\u30ff][\u3099\u309a]")
CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufdd0-\ufdef\ufffe\uffff\ud800-\udfff]")
PRIVATE = re.compile("[\ue000-\uf8ff\U000f0000-\U0010ffff]")
WHOLE = re.compile(r"([+-]?(?:[0-9]{1,15}|[0-9]{1,3}(?:,[0-9]{3}){1,4}))(?:\.0+)?")
LEVEL = re.compile(r"([0-9])(?:\.0+)?")

_YEAR_MONTH_DAY = r"\s*年\s*([0-9]{1,2})\s*月\s*([0-9]{1,2})\s*日"
_WEEKDAY = r"(?:\s*\([月火水木金土日](?:曜日?)?\))?"
_MIDNIGHT = r"(?:[T ]0{1,2}:00(?::00(?:\.0+)?)?)?"
WESTERN = re.compile(rf"([0-9]{{4}})(?:([/\-.])([0-9]{{1,2}})\2([0-9]{{1,2}}){_MIDNIGHT}|{_YEAR_MONTH_DAY}){_WEEKDAY}")
ERA = re.compile(
    rf"(令和|平成|昭和|大正|明治|[RHSTM])\s*([0-9]{{1,2}}|元)(?:([/\-.])([0-9]{{1,2}})\3([0-9]{{1,2}})|{_YEAR_MONTH_DAY}){_WEEKDAY}",
    re.IGNORECASE,
)
COMPACT = re.compile(r"([12][0-9]{3})([0-9]{2})([0-9]{2})")
SHORT_YEAR = re.compile(r"[0-9]{1,2}[/\-.][0-9]{1,2}[/\-.][0-9]{1,2}")
WITH_TIME = re.compile(r".*[T ][0-9]{1,2}:[0-9]{2}.*")
# The year before the first year of each era. 明治 before 6 counted by the old calendar; such dates are out of range.
ERAS = {
    "令和": 2018,
    "R": 2018,
    "平成": 1988,
    "H": 1988,
    "昭和": 1925,
    "S": 1925,
    "大正": 1911,
    "T": 1911,
    "明治": 1867,
    "M": 1867,
}
# A day number below this (before 1927-05-18) is more likely a slip, such as a lone 「8」.
SERIALS = range(10_000, 110_000)

YES = {
    match_key(text) for text in ("○", "◯", "〇", "⭕", "✓", "✔", "はい", "有", "あり", "true", "yes", "y", "1", "1.0")
}
NO = {match_key(text) for text in ("×", "✕", "✗", "❌", "いいえ", "無", "なし", "false", "no", "n", "0", "0.0")}
_valid_email = EmailValidator()


@dataclass(slots=True)
class BadCell(Exception):  # noqa: N818  (said about a cell, not a fault)
    """This cell cannot be taken; `code` is one of `messages.PROBLEMS`."""

    code: str
    params: dict[str, Any] = field(default_factory=dict)


def normalise(raw: RawCell, column: Column, *, date1904: bool = False) -> Value:
    """The value of a cell; None where it is empty.

    Args:
        raw: the cell as the parsing process gave it.
        column: what is expected.
        date1904: whether day numbers count from 1904.

    Raises:
        BadCell: where it cannot be taken.
    """
    _refuse_marks(raw)
    if isinstance(raw, str):
        raw = trim(raw)
        if column.blank_keys and match_key(raw) in column.blank_keys:
            raw = ""
    if raw is None or raw == "":
        if column.required:
            raise BadCell("required")
        return None
    if column.kind is Kind.DATE:
        return read_date(raw, column, date1904=date1904)
    return READERS[column.kind](raw, column)


def _refuse_marks(raw: RawCell) -> None:
    if not isinstance(raw, list):
        return
    if raw[0] == FORMULA:
        raise BadCell("formula")
    if raw[0] == ERROR:
        raise BadCell("error_value", {"error": shown(raw[1], 10)})
    if raw[0] == LONG:
        raise BadCell("cell_too_long", {"found": raw[1], "limit": 32_767})


def trim(text: str) -> str:
    """Without invisible characters and outer white space; nothing else changes, so that 髙, 﨑, 𠮷 and IVS stay.

    Only kana written as two characters (か and ゛, as some systems do) are joined, which look the same.
    """
    if not ODD.search(text):  # most cells
        return text.strip()
    text = LINE_ENDS.sub("\n", text.translate(INVISIBLE)).strip().strip(EDGES).strip()
    return KANA_WITH_MARK.sub(lambda found: unicodedata.normalize("NFC", found[0]), text)


def narrow(raw: RawCell) -> str:
    """A cell for codes and numbers: half-width, all dashes one."""
    text = as_text(raw)
    if text.isascii():
        return text.strip()
    return unicodedata.normalize("NFKC", text).translate(DASHES).strip()


def as_text(raw: RawCell) -> str:
    """A cell as a person would write it: 1.0 is "1", a date is in ISO form."""
    if isinstance(raw, bool):
        return "TRUE" if raw else "FALSE"
    if isinstance(raw, float):
        return str(int(raw)) if raw.is_integer() and abs(raw) < EXACT else repr(raw)
    if isinstance(raw, list):
        return str(raw[1])
    return str(raw)


def read_text(raw: RawCell, column: Column) -> str:
    """Text keeps its form. Control characters, lone surrogates and gaiji are refused."""
    text = as_text(raw)
    if not text.isprintable():
        text = _harmless(text, column)
    if len(text) > column.longest:
        raise BadCell("too_long", {"found": len(text), "limit": column.longest})
    return text


def _harmless(text: str, column: Column) -> str:
    """Text with something invisible in it, if that may be there."""
    if "\n" in text and not column.multiline:
        raise BadCell("line_break")
    if not column.multiline:
        text = text.replace("\t", " ")
    strange = CONTROLS.search(text)
    if strange:
        raise BadCell("control_character", {"code": f"U+{ord(strange[0]):04X}"})
    private = PRIVATE.search(text)
    if private:
        raise BadCell("private_character", {"code": f"U+{ord(private[0]):04X}"})
    return text


def read_code(raw: RawCell, column: Column) -> str:
    """A code: half-width, leading zeros kept. A number cell cannot have kept them, which is said where it shows."""
    if isinstance(raw, list) and raw[0] in {DATE, DATETIME, TIME, DURATION}:
        raise BadCell("became_date")
    is_number = isinstance(raw, int | float) and not isinstance(raw, bool)
    if is_number and abs(raw) >= EXACT:
        raise BadCell("too_precise")
    code = narrow(raw)
    if len(code) > column.longest:
        raise BadCell("too_long", {"found": len(code), "limit": column.longest})
    if column.digits is not None:
        return _with_digits(code, column.digits, is_number=is_number)
    if not column.compiled.fullmatch(code):
        raise BadCell("code_pattern", {"example": column.example}) if column.example else BadCell("code")
    return code


def _with_digits(code: str, digits: int, *, is_number: bool) -> str:
    if not re.fullmatch("[0-9]+", code):
        raise BadCell("code_digits", {"found": sum(letter.isdigit() for letter in code), "digits": digits})
    if len(code) < digits and is_number:
        raise BadCell("zeros_lost", {"digits": digits})
    if len(code) != digits:
        raise BadCell("code_digits", {"found": len(code), "digits": digits})
    return code


def read_integer(raw: RawCell, column: Column) -> int:
    """A whole number: 3, ３, "3", 3.0, 1,200, and 「3人」 where the column knows 「人」."""
    text = "" if isinstance(raw, list | bool) else narrow(raw)
    for suffix in column.suffixes:
        text = text.removesuffix(suffix)
    found = WHOLE.fullmatch(text)
    if found is None:
        raise BadCell("integer")
    number = int(found[1].replace(",", ""))
    if not column.minimum <= number <= column.highest:
        raise BadCell("integer_range", {"minimum": column.minimum, "maximum": column.highest})
    return number


def read_level(raw: RawCell, column: Column) -> int:
    """One digit after NFKC: 2, ２, "2", 2.0. An empty cell is no level, which is not level 0."""
    found = None if isinstance(raw, list | bool) else LEVEL.fullmatch(narrow(raw))
    if found is None or not column.minimum <= int(found[1]) <= column.highest:
        code = "level_required" if column.required else "level"
        raise BadCell(code, {"minimum": column.minimum, "maximum": column.highest})
    return int(found[1])


def read_date(raw: RawCell, column: Column, *, date1904: bool) -> dt.date:
    """A date: a date cell, 2026/4/1, 2026-04-01, 2026年4月1日（水）, 令和8年4月1日, R8.4.1, 20260401, a day number."""
    try:
        day = _date_of(raw, date1904=date1904)
    except (ValueError, OverflowError) as error:  # the 31st of April
        raise BadCell("date") from error
    if not column.earliest <= day <= column.latest:
        bounds = {"minimum": column.earliest.isoformat(), "maximum": column.latest.isoformat()}
        raise BadCell("date_range", bounds)
    return day


def _date_of(raw: RawCell, *, date1904: bool) -> dt.date:
    if isinstance(raw, bool):
        raise BadCell("date")
    if isinstance(raw, list):
        return _date_of_cell(raw)
    text = re.sub(r"\s+", " ", unicodedata.normalize("NFKC", as_text(raw)).translate(DASHES)).strip()
    if found := WESTERN.fullmatch(text):
        return dt.date(int(found[1]), int(found[3] or found[5]), int(found[4] or found[6]))
    if found := ERA.fullmatch(text):
        year = 1 if found[2] == "元" else int(found[2])
        return dt.date(ERAS[found[1].upper()] + year, int(found[4] or found[6]), int(found[5] or found[7]))
    if found := COMPACT.fullmatch(text):
        return dt.date(int(found[1]), int(found[2]), int(found[3]))
    if re.fullmatch("[0-9]{5,6}", text) and int(text) in SERIALS:
        return (dt.date(1904, 1, 1) if date1904 else dt.date(1899, 12, 30)) + dt.timedelta(days=int(text))
    if SHORT_YEAR.fullmatch(text):
        raise BadCell("date_year")
    raise BadCell("date_time" if WITH_TIME.fullmatch(text) else "date")


def _date_of_cell(raw: list[Any]) -> dt.date:
    if raw[0] == DATE:
        return dt.date.fromisoformat(raw[1])
    if raw[0] == DATETIME:
        raise BadCell("date_time")
    raise BadCell("date")


def read_choice(raw: RawCell, column: Column) -> str:
    """The code of a choice, from its label in any language of the site or from the code itself."""
    text = as_text(raw)
    code = column.codes_by_label.get(match_key(text[:200]))
    if code is not None:
        return code
    labels = column.choice_labels()
    if len(labels) <= 12:
        raise BadCell("choice", {"choices": labels})
    near = get_close_matches(text[:40], labels[:500], n=1, cutoff=0.5)
    raise BadCell("choice_near", {"near": near[0]}) if near else BadCell("choice_unknown")


def read_email(raw: RawCell, column: Column) -> str:
    """An e-mail address; the part after @ in lower case."""
    address = unicodedata.normalize("NFKC", as_text(raw)).strip()
    try:
        if len(address) > column.longest:
            raise BadCell("too_long", {"found": len(address), "limit": column.longest})
        _valid_email(address)
        can_be_shown(address)
    except ValidationError as error:
        raise BadCell("email") from error
    name, _at, domain = address.rpartition("@")
    return f"{name}@{domain.lower()}"


def read_boolean(raw: RawCell, _column: Column) -> bool:
    """○ or ×, はい or いいえ, あり or なし, true or false, 1 or 0.

    The letter x is neither: it ticks a box in some countries and crosses it out in others.
    """
    if isinstance(raw, bool):
        return raw
    key = match_key(as_text(raw)[:20])
    if key in YES:
        return True
    if key in NO:
        return False
    raise BadCell("boolean")


READERS: dict[Kind, Callable[[RawCell, Column], Value]] = {
    Kind.TEXT: read_text,
    Kind.CODE: read_code,
    Kind.INTEGER: read_integer,
    Kind.LEVEL: read_level,
    Kind.CHOICE: read_choice,
    Kind.EMAIL: read_email,
    Kind.BOOLEAN: read_boolean,
}
